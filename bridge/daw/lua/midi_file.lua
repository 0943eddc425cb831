-- The notes of a standard MIDI file, as the daemon writes it (format 0 or 1, ticks of a quarter note). Everything else
-- in it is passed over. (MIDI 1.0, "Standard MIDI Files 1.0", RP-001.)

local midi_file = {}

local function number(text, at)
	local value = 0
	for place = at, math.min(at + 3, #text) do
		local byte = text:byte(place)
		value = value * 128 + byte % 128
		if byte < 128 then
			return value, place + 1
		end
	end
	error("a broken number at byte " .. at, 0)
end

local DATA = { [0x8] = 2, [0x9] = 2, [0xA] = 2, [0xB] = 2, [0xC] = 1, [0xD] = 1, [0xE] = 2 } -- bytes by kind of message

-- Read the events of one track; `note(on, tick, channel, pitch, velocity)` for each note's edge.
local function read_track(text, at, stop, note)
	local tick, status = 0, nil
	while at < stop do
		local delta
		delta, at = number(text, at)
		tick = tick + delta
		local byte = text:byte(at) or error("the track ends early", 0)
		if byte >= 0x80 then
			status, at = byte, at + 1
		end
		if byte == 0xFF or byte == 0xF0 or byte == 0xF7 then
			local length
			length, at = number(text, byte == 0xFF and at + 1 or at)
			at, status = at + length, nil
		else
			local kind = status and status >> 4
			local one, two = text:byte(at, at + 1)
			local length = DATA[kind] or error("an unknown message at byte " .. at, 0)
			at = at + length
			if kind == 0x9 or kind == 0x8 then
				note(kind == 0x9 and two > 0, tick, status & 15, one, two)
			end
		end
	end
	return tick
end

--- The notes of a file's text: a list of {start, stop, channel, pitch, velocity}, in quarter notes, by start. Raises a
--- sentence where it is damaged.
function midi_file.notes(text)
	if text:sub(1, 4) ~= "MThd" or #text < 14 then
		error("no MIDI file", 0)
	end
	local length, _, tracks, division = string.unpack(">I4I2I2I2", text, 5)
	local at, notes, open = 9 + length, {}, {}
	local function note(on, tick, channel, pitch, velocity)
		local key = channel * 128 + pitch
		if open[key] then -- a second note on the same key ends the first
			open[key].stop = tick / division
			open[key] = nil
		end
		if on then
			open[key] = { start = tick / division, channel = channel, pitch = pitch, velocity = velocity }
			notes[#notes + 1] = open[key]
		end
	end
	for _ = 1, tracks do
		if text:sub(at, at + 3) ~= "MTrk" then
			error("a track is missing", 0)
		end
		local stop = at + 8 + string.unpack(">I4", text, at + 4)
		local last = read_track(text, at + 8, stop, note)
		for key, left in pairs(open) do
			left.stop = last / division
			open[key] = nil
		end
		at = stop
	end
	for index, each in ipairs(notes) do
		each.order = index -- table.sort keeps no order of equals
	end
	table.sort(notes, function(a, b)
		return a.start < b.start or a.start == b.start and a.order < b.order
	end)
	return notes
end

return midi_file
