-- What one hears of our takes in a session: regions are named by their stems and takes.

local takes = ...

local heard = {}

-- Stem, take and the session's frame of the take's first frame, for a region of ours; nil for others.
local function read(region)
	local stem, take = takes.named(region:name())
	if not stem then
		return nil
	end
	return { stem = stem, take = take, origin = region:position():samples() - region:start():samples() }
end

-- The regions of a track that one hears from `from` on: the top one there, else the first that begins later.
local function on_playlist(playlist, from, upto)
	local top = playlist:top_unmuted_region_at(Temporal.timepos_t(from))
	if not top:isnil() and read(top) then
		return read(top)
	end
	local first
	for region in playlist:region_list():iter() do
		local start = region:position():samples()
		if start >= from and start < upto and not region:muted() and read(region) and (not first or start < first.start) then
			first = { start = start }
		end
	end
	return first and read(playlist:top_unmuted_region_at(Temporal.timepos_t(first.start)))
end

--- The take that sounds in a range: the newest of what one hears on our tracks; nil where there is none.
function heard.at(session, from, upto)
	return takes.newest(function(name)
		local route = session:route_by_name(name)
		local track = route:isnil() and route or route:to_track()
		return not track:isnil() and on_playlist(track:playlist(), from, upto) or nil
	end)
end

return heard
