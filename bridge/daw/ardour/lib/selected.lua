-- What the musician has selected: a range, or regions; and the tracks.

local takes = ...

local selected = {}

-- The track whose playlist holds a region.
local function track_of(session, region)
	for route in session:get_tracks():iter() do
		local track = route:to_track()
		if not track:isnil() and not track:playlist():region_by_id(region:to_stateful():id()):isnil() then
			return track
		end
	end
	return nil
end

--- The range in frames and the tracks that were chosen, without our own. The range comes from the time selection,
--- else from the regions' extent; nil, nil without any.
function selected.range(session, editor)
	local selection = editor:get_selection()
	local from, upto = selection.time:start_sample(), selection.time:end_sample()
	local tracks, seen = {}, {}
	local function add(track)
		if track and not track:isnil() and not takes.is_ours(track:name()) and not seen[track:name()] then
			seen[track:name()] = true
			tracks[#tracks + 1] = track
		end
	end
	for route in selection.tracks:routelist():iter() do
		add(route:to_track())
	end
	if upto <= from then
		from, upto = nil, nil
		for region in selection.regions:regionlist():iter() do
			local first = region:position():samples()
			local last = first + region:length():samples()
			from, upto = math.min(from or first, first), math.max(upto or last, last)
			add(track_of(session, region))
		end
	end
	return from, upto, tracks
end

return selected
