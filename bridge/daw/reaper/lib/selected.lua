-- What the musician has selected: a time selection, or items; and the tracks.

local project, takes = ...

local selected = {}

--- The range in frames and the tracks that were chosen, without our own. The range comes from the time selection, else
--- from the items' extent; nil, nil without any. Where no track is selected, those of the selected items count.
function selected.range()
	local rate = project.rate()
	local start, finish = reaper.GetSet_LoopTimeRange2(0, false, false, 0, 0, false)
	local by_time = finish > start
	local from, upto = project.frame(start, rate), project.frame(finish, rate)
	if not by_time then
		from, upto = nil, nil
	end
	local tracks, seen = {}, {}
	local function add(track)
		if not seen[track] and not takes.is_ours(project.track_name(track)) then
			seen[track] = true
			tracks[#tracks + 1] = track
		end
	end
	for index = 0, reaper.CountSelectedTracks(0) - 1 do
		add(reaper.GetSelectedTrack(0, index))
	end
	local by_items = #tracks == 0 or not by_time
	for index = 0, reaper.CountSelectedMediaItems(0) - 1 do
		local item = reaper.GetSelectedMediaItem(0, index)
		if not by_time then
			local first, last = project.span(item, rate)
			from, upto = math.min(from or first, first), math.max(upto or last, last)
		end
		if by_items then
			add(reaper.GetMediaItem_Track(item))
		end
	end
	return from, upto, tracks
end

return selected
