-- What takes are called in a session, and which of their files go to tracks.

local takes = {}

takes.PREFIX = "HF " -- of the tracks that results go to; they are never part of the clip
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
-- Beside the stems these would be heard twice: their tracks come muted.
takes.EXTRAS = { mix = true, binaural = true }
local GREY = 0x888888FF

--- The name of the track of a stem, or of its MIDI.
function takes.track_name(stem, midi)
	local title = takes.TITLES[stem] or stem:sub(1, 1):upper() .. stem:sub(2)
	return takes.PREFIX .. title .. (midi and " MIDI" or "")
end

--- Whether a track of this name is one of ours.
function takes.is_ours(name)
	return name:sub(1, #takes.PREFIX) == takes.PREFIX
end

--- The colour of a stem's tracks.
function takes.colour(stem)
	return takes.COLOURS[stem] or GREY
end

--- What a stem's piece of a take is called: "bass 20261122-101500-a1b2c3-1".
function takes.name(stem, take)
	return stem .. " " .. take
end

--- Stem and take of such a name; nil for others.
function takes.named(name)
	return name:match("^(%l+) (%d+%-%d+%-%x+%-%d+)")
end

--- The parts of a take that go to tracks, each {stem, path, kind, channels, name, track}. `wish`: which of mix, binaural
--- and midi are wanted; of a regenerated take only what was changed.
function takes.wanted(take, wish)
	local parts = {}
	local function add(stem, path, kind, channels)
		parts[#parts + 1] = {
			stem = stem, path = path, kind = kind, channels = channels, take = take,
			name = takes.name(stem, take.take), track = takes.track_name(stem, kind == "midi"),
		}
	end
	for _, file in ipairs(take.files) do
		local edited = not take.edit
		for _, stem in ipairs(take.edit and take.edit.stems or {}) do
			edited = edited or file.stem == stem
		end
		local extra = takes.EXTRAS[file.stem]
		if extra and wish[file.stem] or not extra and edited then
			add(file.stem, file.path, "audio", file.channels)
			local midi = wish.midi and take.parts and take.parts[file.stem]
			if midi then
				add(file.stem, midi, "midi", 1)
			end
		end
	end
	return parts
end

--- The frames of a take that its parts show, from the take's first: all, or what was changed.
function takes.range(take)
	if take.edit then
		return take.edit.start_frame, take.edit.end_frame
	end
	return 0, take.frames
end

--- Refuse a take that was made for another rate; raises a sentence.
function takes.check_rate(take, rate)
	if take.rate ~= rate then
		error(("the take is at %d Hz, the session at %d Hz"):format(take.rate, rate), 0)
	end
end

--- Refuse a file of another length than its take's; raises a sentence.
function takes.check_length(part, frames)
	if frames ~= part.take.frames then
		error(("%s has %d frames instead of %d"):format(part.path, frames, part.take.frames), 0)
	end
end

-- Which instrument a track is, its name says; in this order: "bass drum" is drums.
local WORDS = {
	{ "drums", { "drum", "perc", "beat", "kit" } },
	{ "bass", { "bass" } },
	{ "guitar", { "guit", "gtr", "strum" } },
	{ "piano", { "pian", "key", "rhodes", "organ", "clav" } },
}

--- The instrument that a track's name speaks of; nil for none.
function takes.instrument(name)
	for _, row in ipairs(WORDS) do
		for _, word in ipairs(row[2]) do
			if name:lower():find(word, 1, true) then
				return row[1]
			end
		end
	end
	return nil
end

--- What can be played along with, by name: tracks with sound, and MIDI tracks with the instruments they name.
function takes.sources(sounds, midi)
	local names = {}
	for _, source in ipairs(sounds) do
		names[#names + 1] = source.name
	end
	for _, source in ipairs(midi) do
		names[#names + 1] = ("%s (MIDI: %s)"):format(source.name, source.instrument)
	end
	return names
end

--- The newest of the takes that sound on our tracks: `on_track(name)` gives what sounds there ({take, origin}) or nil.
function takes.newest(on_track)
	local newest
	for _, stem in ipairs(takes.STEMS) do
		local found = on_track(takes.track_name(stem))
		if found and (not newest or found.take > newest.take) then
			newest = found
		end
	end
	return newest
end

return takes
