-- The notes of MIDI tracks in a range, as the protocol's ScoreSpec: parts that are finished, to which the others are
-- invented. Which instrument a track is, its name says; a track whose name says nothing is left out.

local json, fraction, takes, project, timeline = ...

local notes = {}

local TICKS = 3840 -- of a quarter note: four to each of REAPER's own

-- The unmuted MIDI takes of a track.
local function midi_takes(track)
	local found = {}
	for _, item in ipairs(project.items(track)) do
		local take = reaper.GetActiveTake(item)
		if take and reaper.TakeIsMIDI(take) and not project.is_muted(item) then
			found[#found + 1] = { item = item, take = take }
		end
	end
	return found
end

--- Of `tracks` the MIDI tracks that name an instrument: a list of {parts, instrument, name}.
function notes.sources(tracks)
	local found = {}
	for _, track in ipairs(tracks) do
		local name = project.track_name(track)
		local instrument, parts = takes.instrument(name), midi_takes(track)
		if instrument and #parts > 0 then
			found[#found + 1] = { parts = parts, instrument = instrument, name = name }
		end
	end
	return found
end

-- The notes of one take that begin in its item and in the range: add(start, stop, pitch, velocity), in quarter notes of
-- the project.
local function of_take(part, from, upto, rate, add)
	local first, last = project.span(part.item, rate)
	local _, count = reaper.MIDI_CountEvts(part.take)
	for index = 0, count - 1 do
		local _, _, muted, start, stop, _, pitch, velocity = reaper.MIDI_GetNote(part.take, index)
		local begins = reaper.MIDI_GetProjTimeFromPPQPos(part.take, start)
		local frame = project.frame(begins, rate)
		if not muted and frame >= math.max(first, from) and frame < math.min(last, upto) then
			local ends = math.min(reaper.MIDI_GetProjTimeFromPPQPos(part.take, stop), math.min(last, upto) / rate)
			add(reaper.TimeMap_timeToQN_abs(0, begins), reaper.TimeMap_timeToQN_abs(0, ends), pitch, velocity)
		end
	end
end

--- The ScoreSpec of MIDI `tracks` for frames `from` up to `upto`; nil where no note begins there.
function notes.score(tracks, from, upto)
	local rate = project.rate()
	local first = fraction.float(timeline.beat_at(from, rate))
	local rows, names = json.array({}), {}
	local function ticks(beat)
		return math.floor((beat - first) * TICKS + 0.5)
	end
	for _, source in ipairs(notes.sources(tracks)) do
		local before = #rows
		for _, part in ipairs(source.parts) do
			of_take(part, from, upto, rate, function(start, stop, pitch, velocity)
				local at = math.max(ticks(start), 0)
				rows[#rows + 1] = {
					source.instrument, fraction.text(at, TICKS), fraction.text(math.max(ticks(stop) - at, 1), TICKS),
					pitch, math.max(velocity, 1), 0.0,
				}
			end)
		end
		names[#names + 1] = #rows > before and source.name or nil
	end
	return #rows > 0 and { notes = rows, name = table.concat(names, ", "):sub(1, 200) } or nil
end

return notes
