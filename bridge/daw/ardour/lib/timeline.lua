-- A range of the session in bars and beats, as the protocol's SelectionSpec: exact fractions, no rounding.
--
-- Ardour counts time in superclocks, whole ticks of which every usual sample rate is a divisor, and beats in
-- ticks of a quarter note. A section of constant tempo is a straight line of whole superclocks a quarter, so its
-- points are exact fractions of a frame. Within a ramp a point every 1/16 note stands for the curve: it is never
-- more than 0.3 ms off. Written for Ardour 7.3; 8 and 9 name the calls of the tempo map the same.

local json, fraction, progress = ...

local timeline = {}

local TICKS = 1920 -- of a quarter note: Temporal.ticks_per_beat
local FINE = TICKS // 4

-- Ardour 7's Beats can be read as text only ("5:1700"); 8 has methods for it.
local function to_ticks(beats)
	if beats.to_ticks then
		return beats:to_ticks()
	end
	local whole, ticks = beats:str():match("^(-?%d+):(%d+)$")
	return math.tointeger(whole) * TICKS + math.tointeger(ticks)
end

local function at_ticks(ticks)
	return Temporal.timepos_t.from_ticks(ticks)
end

timeline.to_ticks = to_ticks

-- Where to ask what holds from a tick on: exactly on a change Ardour 7 tells what held before it.
local function from_ticks(ticks)
	return at_ticks(ticks + 1)
end

-- The section of the tempo map that begins or goes on at a tick: its first tick, superclock, superclocks a quarter.
local function section_at(map, ticks)
	local position = from_ticks(ticks)
	local point = map:tempo_at(position):to_point()
	local clock = Temporal.superclock_ticks_per_second()
	local quarter = math.floor(clock * 60 / map:quarters_per_minute_at(position) + 0.5)
	return { ticks = to_ticks(point:beats()), clock = point:sclock(), quarter = quarter }
end

-- Whether the tempo changes inside a section.
local function ramped(map, section, ticks)
	local next = section_at(map, ticks + 1) -- no more: it must lie in the same section
	return next.ticks == section.ticks and next.quarter ~= section.quarter
end

-- A tick as (numerator, denominator) of a frame, on the straight line of its section.
local function frame_at(section, ticks, rate)
	local clocks_per_frame = Temporal.superclock_ticks_per_second() // rate
	return section.clock * TICKS + (ticks - section.ticks) * section.quarter, clocks_per_frame * TICKS
end

-- The tick of a frame: the nearest one, since a grid line lies between two frames.
local function ticks_at_frame(map, frame, rate)
	local found = to_ticks(map:quarters_at_sample(frame))
	local best, least
	for ticks = math.max(found - 1, 0), found + 1 do
		local numerator, denominator = frame_at(section_at(map, ticks), ticks, rate)
		local off = math.abs(numerator / denominator - frame)
		if not least or off < least then
			best, least = ticks, off
		end
	end
	return best
end

local function anchors(map, first, last, rate)
	local found, previous = {}, nil
	local function add(ticks, section, curved)
		local frame
		if curved and ticks ~= section.ticks then
			frame = string.format("%d", map:sample_at(at_ticks(ticks)))
		else
			frame = fraction.text(frame_at(section, ticks, rate))
		end
		found[#found + 1] = { fraction.text(ticks, TICKS), frame }
	end
	local ticks = first
	while true do
		local section = section_at(map, ticks)
		local curved = ramped(map, section, ticks)
		local opened = not previous or section.ticks ~= previous.ticks
		if opened and previous and section.ticks > first and section.ticks < ticks then
			add(section.ticks, section, curved) -- it began since the last look
		end
		if opened and ticks == first or curved or ticks >= last or section.ticks == ticks then
			add(ticks, section, curved)
		end
		if ticks >= last then
			return found
		end
		previous, ticks = section, math.min(ticks + FINE, last)
	end
end

-- Every bar's meter from the bar of `first` on; changes only. Bars are counted from 1 there.
local function meters(map, first, last)
	local bars = map:bbt_at(at_ticks(first)).bars
	local opening, found, previous = nil, {}, nil
	for number = 1, 4096 do
		local start = to_ticks(map:quarters_at_bbt(Temporal.BBT_TIME(bars + number - 1, 1, 0)))
		opening = opening or start
		if number > 1 and start >= last then
			break
		end
		local meter = map:meter_at(from_ticks(start))
		local text = string.format("%d/%d", meter:divisions_per_bar(), meter:note_value())
		if text ~= previous then
			found[#found + 1] = { number, text }
			previous = text
		end
	end
	return found, first - opening, bars
end

--- The SelectionSpec of frames `from` up to `upto`, and words for people: bars, seconds, tempo.
function timeline.selection(session, from, upto)
	local rate = session:nominal_sample_rate()
	local map = Temporal.TempoMap.read()
	local first, last = ticks_at_frame(map, from, rate), ticks_at_frame(map, upto, rate)
	local tempo = anchors(map, first, math.max(last, first + FINE), rate)
	local changes, into_bar, bar = meters(map, first, last)
	local bpm = map:quarters_per_minute_at(from_ticks(first))
	local last_bar = map:bbt_at(at_ticks(math.max(last - 1, first))).bars
	map = nil -- a shared pointer: Ardour waits for it when the map is edited
	local spec = {
		rate = rate,
		start_frame = from,
		end_frame = upto,
		tempo = json.array(tempo),
		meters = json.array(changes),
		start_beat = fraction.text(into_bar, TICKS),
	}
	return spec, progress.range(bar, last_bar, (upto - from) / rate, bpm, #changes > 1)
end

return timeline
