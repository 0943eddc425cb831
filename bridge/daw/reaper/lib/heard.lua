-- What one hears of our takes in the project.

local takes, project, items = ...

local heard = {}

-- Of one track the item that sounds at `from`, else the first that begins later, as {take, origin}.
local function on_track(track, from, upto, rate)
	local best, best_start
	for _, item in ipairs(project.items(track)) do
		local first, last = project.span(item, rate)
		local _, name, take = items.plays(item)
		if name and first < upto and last > from and not project.is_muted(item) then
			local start = math.max(first, from)
			if not best or start < best_start then
				local offset = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
				best, best_start = { take = name, origin = first - project.frame(offset, rate) }, start
			end
		end
	end
	return best
end

--- The take that sounds in a range: the newest of what one hears on our tracks; nil where there is none.
function heard.at(from, upto)
	return takes.newest(function(name)
		local track = project.track_named(name)
		return track and on_track(track, from, upto, project.rate())
	end)
end

return heard
