-- The notes of MIDI tracks in a range, as the protocol's ScoreSpec: parts that are finished, to which the others are
-- invented. Which instrument a track is, its name says; a track whose name says nothing is left out.

local json, takes, fraction, timeline = ...

local notes = {}

local TICKS = 1920 -- of a quarter note

--- Of `tracks` the MIDI tracks that name an instrument: a list of {playlist, instrument, name}.
function notes.sources(tracks)
	local found = {}
	for _, track in ipairs(tracks) do
		local playlist, instrument = track:playlist(), takes.instrument(track:name())
		if instrument and not playlist:isnil() and not playlist:to_midiplaylist():isnil() then
			found[#found + 1] = { playlist = playlist, instrument = instrument, name = track:name() }
		end
	end
	return found
end

-- The notes of one region that begin in its range and in ours, in ticks of the session.
local function of_region(region, first, last, add)
	local midi = region:to_midiregion()
	if midi:isnil() or region:muted() then
		return
	end
	local begins = region:position():ticks()
	local ends = (region:position() + region:length()):ticks()
	local offset = begins - region:start():ticks() -- where the source's first tick lies
	for note in ARDOUR.LuaAPI.note_list(midi:model()):iter() do
		local at = offset + timeline.to_ticks(note:time())
		if at >= math.max(begins, first) and at < math.min(ends, last) then
			add(at - first, math.min(timeline.to_ticks(note:length()), last - at), note)
		end
	end
end

--- The ScoreSpec of `sources` for frames `from` up to `upto`; nil where no note begins there.
function notes.score(sources, from, upto)
	local first, last = Temporal.timepos_t(from):ticks(), Temporal.timepos_t(upto):ticks()
	local rows, names = json.array({}), {}
	for _, source in ipairs(sources) do
		local before = #rows
		for region in source.playlist:region_list():iter() do
			of_region(region, first, last, function(start, length, note)
				rows[#rows + 1] = {
					source.instrument, fraction.text(start, TICKS), fraction.text(math.max(length, 1), TICKS),
					note:note(), math.max(note:velocity(), 1), 0.0,
				}
			end)
		end
		names[#names + 1] = #rows > before and source.name or nil
	end
	return #rows > 0 and { notes = rows, name = table.concat(names, ", "):sub(1, 200) } or nil
end

return notes
