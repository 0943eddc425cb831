-- A range of the project in bars and beats, as the protocol's SelectionSpec: exact fractions where REAPER's numbers are.
--
-- REAPER keeps times and tempos as floats. A section of constant tempo is a straight line whose slope is the tempo that
-- was meant (93.7, 400/3); a section begins where the line before it ends, as long as REAPER's own float agrees to a
-- thousandth of a frame. Within a ramp a point every 1/16 note, where REAPER has it, stands for the curve.
-- Quarter notes are counted from the project's start (the calls that end in _abs), also across cut bars.

local json, fraction, progress, project = ...

local timeline = {}

local EXACT = 1e-9 -- quarter notes or beats a minute: far below what a float holds
local AGREES = 1e-3 -- of a frame
local FINE_FRAMES = 1e-6 -- so exactly a place on a curve is named
local FINE = fraction.of(1, 4) -- of a quarter note, between two points of a ramp
local MOST = 3000 -- points of ramps in one range

local function beat_of(seconds)
	return reaper.TimeMap_timeToQN_abs(0, seconds)
end

-- Quarter notes a minute just after a time, as REAPER itself counts them there: what it tells as the tempo may be the
-- meter's own beats, twice as many in 6/8 (TimeMap_GetDividedBpmAtTime).
local function bpm_at(seconds)
	return (beat_of(seconds + 1e-3) - beat_of(seconds)) * 60000
end

-- A marker's tempo in quarter notes: as it is told, but for the share that the meter's beat has.
local function in_quarters(told, seconds)
	local real = bpm_at(seconds)
	for _, share in ipairs({ 1, 1 / 2, 1 / 4, 1 / 8, 2 }) do
		if math.abs(told * share - real) < 0.01 * real then
			return told * share
		end
	end
	return told
end

-- The frame at which REAPER has a beat.
local function frame_of(beat, rate)
	return fraction.near(reaper.TimeMap_QNToTime_abs(0, fraction.float(beat)) * rate, FINE_FRAMES)
end

-- A beat's frame by its section: on the straight line, else where REAPER has it.
local function on_line(section, beat, rate)
	local offset = fraction.minus(beat, section.beat)
	local frames = offset and not section.curved and fraction.times(offset, section.quarter)
	local found = frames and fraction.plus(section.frame, frames)
	return found or frame_of(beat, rate)
end

local function section(beat, frame, bpm, rate)
	local tempo = fraction.near(bpm, EXACT)
	return { beat = beat, frame = frame, bpm = bpm, quarter = fraction.of(60 * rate * tempo[2], tempo[1]) }
end

-- The sections of the tempo map from the project's start to `until_s`.
local function sections(rate, until_s)
	local count = reaper.CountTempoTimeSigMarkers(0)
	local steady_s = count > 0 and select(2, reaper.GetTempoTimeSigMarker(0, 0)) or 60 -- before the first marker
	local bpm = steady_s > 0 and beat_of(steady_s) * 60 / steady_s or bpm_at(0)
	local found = { section(fraction.of(0), fraction.of(0), bpm, rate) }
	for index = 0, count - 1 do
		local _, time, _, _, tempo, _, _, linear = reaper.GetTempoTimeSigMarker(0, index)
		local last = found[#found]
		tempo = in_quarters(tempo, time)
		last.curved = last.linear and tempo ~= last.bpm
		if time > until_s then
			break
		end
		local beat = fraction.near(beat_of(time), EXACT)
		local frame = on_line(last, beat, rate)
		if math.abs(fraction.float(frame) - time * rate) > AGREES then
			frame = fraction.near(time * rate, FINE_FRAMES)
		end
		local new = section(beat, frame, tempo, rate)
		new.linear = linear
		found[beat[1] <= 0 and 1 or #found + 1] = new
	end
	return found
end

-- The last section that begins at a beat or before it.
local function section_at(found, beat)
	local answer = found[1]
	for _, each in ipairs(found) do
		if fraction.float(each.beat) <= fraction.float(beat) then
			answer = each
		end
	end
	return answer
end

--- The beat of a frame: the simplest one within half a frame, since a grid line lies between two frames.
function timeline.beat_at(frame, rate)
	local seconds = frame / rate
	return fraction.near(beat_of(seconds), 0.51 * bpm_at(seconds) / 60 / rate)
end

-- What lies between `first` and `last`, in order: where sections begin, and the points of ramps.
local function points(found, first, last)
	local from, upto = fraction.float(first), fraction.float(last)
	local step = math.max(1, math.ceil((upto - from) * 4 / MOST))
	local list = { first }
	for index, each in ipairs(found) do
		local start = fraction.float(each.beat)
		local finish = found[index + 1] and fraction.float(found[index + 1].beat) or upto
		if start > from and start < upto then
			list[#list + 1] = each.beat
		end
		local sixteenth = math.floor(math.max(start, from) * 4) + 1
		while each.curved and sixteenth / 4 < math.min(finish, upto) do
			list[#list + 1] = fraction.times(FINE, fraction.of(sixteenth))
			sixteenth = sixteenth + step
		end
	end
	list[#list + 1] = last
	return list
end

local function anchors(found, first, last, rate)
	local rows, before = json.array({}), nil
	for _, beat in ipairs(points(found, first, last)) do
		local frame = on_line(section_at(found, beat), beat, rate)
		if not before or fraction.float(beat) - before > EXACT then
			rows[#rows + 1] = { fraction.text(beat[1], beat[2]), fraction.text(frame[1], frame[2]) }
			before = fraction.float(beat)
		end
	end
	return rows
end

-- The meter of a bar by its length in quarter notes: a bar that the next one cuts short has another than it is told.
local function meter_text(length, numerator, denominator)
	for _, below in ipairs({ denominator, 4, 8, 16, 32 }) do
		local above = math.floor(length * below / 4 + 0.5)
		if above >= 1 and above <= 32 and math.abs(length * below / 4 - above) < 1e-6 then
			return ("%d/%d"):format(above, below)
		end
	end
	return ("%d/%d"):format(numerator, denominator)
end

-- Every bar's meter from the bar of `first` on, changes only; how far into that bar `first` is; and the number of the
-- first and the last bar in the project. Bars are counted from 1 at `first`.
local function meters(first, last, rate)
	local function bar_start(measure)
		local time, _, _, numerator, denominator = reaper.TimeMap_GetMeasureInfo(0, measure)
		return fraction.near(beat_of(time), EXACT), numerator, denominator
	end
	local seconds = reaper.TimeMap_QNToTime_abs(0, fraction.float(first)) + 0.5 / rate
	local _, measure = reaper.TimeMap2_timeToBeats(0, seconds)
	local found, before, number = json.array({}), nil, 1
	local start, numerator, denominator = bar_start(measure)
	local into = fraction.minus(first, start)
	while number == 1 or number < 4096 and fraction.float(start) < fraction.float(last) - EXACT do
		local next_start, above, below = bar_start(measure + number)
		local text = meter_text(fraction.float(next_start) - fraction.float(start), numerator, denominator)
		if text ~= before then
			found[#found + 1] = { number, text }
			before = text
		end
		start, numerator, denominator = next_start, above, below
		number = number + 1
	end
	return found, into and into[1] > 0 and into or fraction.of(0), measure + 1, measure + number - 1
end

--- The SelectionSpec of frames `from` up to `upto`, and words for people: bars, seconds, tempo.
function timeline.selection(from, upto)
	local rate = project.rate()
	local first, last = timeline.beat_at(from, rate), timeline.beat_at(upto, rate)
	if fraction.float(last) <= fraction.float(first) then
		last = fraction.plus(first, FINE)
	end
	local found = sections(rate, upto / rate)
	local changes, into, bar, last_bar = meters(first, last, rate)
	local spec = {
		rate = rate, start_frame = from, end_frame = upto, tempo = anchors(found, first, last, rate),
		meters = changes, start_beat = fraction.text(into[1], into[2]),
	}
	return spec, progress.range(bar, last_bar, (upto - from) / rate, bpm_at((from + 0.5) / rate), #changes > 1)
end

return timeline
