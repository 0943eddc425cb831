-- Our items on a track: those whose playing take is named like a take of ours. Others are never touched.

local project, takes = ...

local items = {}

--- Stem and take that an item plays, nil for an item that is not ours; and its take in REAPER.
function items.plays(item)
	local take = reaper.GetActiveTake(item)
	if not take then
		return nil
	end
	local stem, name = takes.named(reaper.GetTakeName(take) or "")
	return stem, name, take
end

-- Give an item these edges, and its takes the offsets that keep every sample where it is: a musician's preferences may
-- have REAPER overlap what it splits.
local function set_edges(item, from, upto, rate)
	local moved = from / rate - reaper.GetMediaItemInfo_Value(item, "D_POSITION")
	if math.abs(moved) > 1e-9 then
		for index = 0, reaper.CountTakes(item) - 1 do
			local take = reaper.GetMediaItemTake(item, index)
			if take then -- a lane of takes may be empty
				local offset = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
				local speed = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
				reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset + moved * speed)
			end
		end
	end
	items.put(item, from, upto, rate)
end

-- At a cut both sides are the same sound: nothing is to be faded there.
local function unfaded(item, side)
	reaper.SetMediaItemInfo_Value(item, "D_FADE" .. side .. "LEN", 0)
	reaper.SetMediaItemInfo_Value(item, "D_FADE" .. side .. "LEN_AUTO", -1) -- none
end

-- Split one item at a frame; the right half, nil where the frame is not inside of it.
local function split(item, frame, rate)
	local first, last = project.span(item, rate)
	if frame <= first or frame >= last then
		return nil
	end
	local right = reaper.SplitMediaItem(item, frame / rate)
	if not right then
		error("REAPER could not split an item", 0)
	end
	set_edges(item, first, frame, rate)
	set_edges(right, frame, last, rate)
	unfaded(item, "OUT")
	unfaded(right, "IN")
	return right
end

--- Put an item at frames `from` up to `upto`.
function items.put(item, from, upto, rate)
	reaper.SetMediaItemInfo_Value(item, "D_POSITION", from / rate)
	reaper.SetMediaItemInfo_Value(item, "D_LENGTH", (upto - from) / rate)
	reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
end

--- Put a new item at frames `from` up to `upto`, without the fades that a musician's preferences may give it: a drum on
--- the first frame is to be heard.
function items.put_new(item, from, upto, rate)
	items.put(item, from, upto, rate)
	unfaded(item, "IN")
	unfaded(item, "OUT")
end

--- Split our items on a track at both ends of a range; those that lie inside of it then.
function items.cut(track, from, upto, rate)
	local inside = {}
	for _, item in ipairs(project.items(track)) do
		local first, last = project.span(item, rate)
		if first < upto and last > from and items.plays(item) then
			item = split(item, from, rate) or item
			split(item, upto, rate)
			inside[#inside + 1] = item
		end
	end
	return inside
end

--- Of `list` the item that is exactly as long as a range and is heard; nil where there is none.
function items.exact(list, from, upto, rate)
	for _, item in ipairs(list) do
		local first, last = project.span(item, rate)
		if first == from and last == upto and not project.is_muted(item) then
			return item
		end
	end
	return nil
end

--- Mute items.
function items.mute(list)
	for _, item in ipairs(list) do
		reaper.SetMediaItemInfo_Value(item, "B_MUTE", 1)
	end
end

return items
