-- Takes in the session: their tracks, and the names of their regions ("bass 20261122-101500-a1b2c3-1").

local takes = {}

takes.STEMS = { "bass", "drums", "guitar", "piano" }
takes.TITLES = {
	bass = "Bass", drums = "Drums", guitar = "Guitar", piano = "Piano", mix = "Mix", binaural = "Binaural",
}
-- The MIDI pitches that a part usually plays.
takes.PITCHES = { bass = { 24, 60 }, drums = { 35, 60 }, guitar = { 40, 84 }, piano = { 36, 96 } }
-- 0xRRGGBBAA; chosen to be told apart by the colour-blind too (Okabe and Ito 2008).
takes.COLOURS = {
	bass = 0x0072B2FF, drums = 0xD55E00FF, guitar = 0xE69F00FF, piano = 0x009E73FF,
	mix = 0x999999FF, binaural = 0xCC79A7FF,
}

--- The name of the track of a stem, or of its MIDI.
function takes.track_name(prefix, stem, midi)
	local title = takes.TITLES[stem] or stem:sub(1, 1):upper() .. stem:sub(2)
	return prefix .. title .. (midi and " MIDI" or "")
end

--- The name of a stem's region.
function takes.region_name(stem, take)
	return stem .. " " .. take
end

-- Stem, take and the session's frame of the take's first frame, for a region of ours; nil for others.
local function read(region)
	local stem, take = region:name():match("^(%l+) (%d+%-%d+%-%x+%-%d+)")
	if not stem then
		return nil
	end
	return { stem = stem, take = take, origin = region:position():samples() - region:start():samples() }
end

-- The regions of a track that one hears from `from` on: the top one there, else the first that begins later.
local function heard(playlist, from, upto)
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
function takes.heard(session, prefix, from, upto)
	local newest
	for _, stem in ipairs(takes.STEMS) do
		local route = session:route_by_name(takes.track_name(prefix, stem))
		local track = route:isnil() and route or route:to_track()
		local found = not track:isnil() and heard(track:playlist(), from, upto) or nil
		if found and (not newest or found.take > newest.take) then
			newest = found
		end
	end
	return newest
end

return takes
