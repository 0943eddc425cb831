-- The questions of "Generate stems" as rows, which each host shows in its own way, and what the answers mean.
-- A row has type (heading, entry, dropdown, checkbox, number), key, title and default; a dropdown's `values` go from
-- what is shown to what it stands for, and its default is what is shown. (The form of Ardour's LuaDialog.)

local takes = ...

local form = {}

form.MAX_SEED = 2147483647
form.MAX_COUNT = 8
-- Hosts sort the choices by name: brackets come first.
local AUTO_GENRE, NO_MOOD = "(as the prompt says)", "(none)"
-- How far the timing goes to the grid, from the protocol's `quantize`. Players are some 10 ms off it: beside other tracks
-- half of that keeps the feel and is no flam.
form.TIGHTER = "tighter"
form.TIMINGS = { ["as played"] = 0, [form.TIGHTER] = 0.5, ["on the grid"] = 1 }
local HEARD, TYPED = "heard in the clip", "typed below"

local function choices(list, first)
	local values = { [first] = "" }
	for _, name in ipairs(list or {}) do
		values[name] = name
	end
	return values
end

local function timing_named(quantize)
	for name, share in pairs(form.TIMINGS) do
		if share == quantize then
			return name
		end
	end
	return form.TIGHTER
end

local function dropdown(key, title, values, default)
	return { type = "dropdown", key = key, title = title, values = values, default = default }
end

local function checkbox(key, title, default)
	return { type = "checkbox", key = key, title = title, default = default }
end

local function number(key, title, min, max, default)
	return { type = "number", key = key, title = title, min = min, max = max, step = 1, digits = 0, default = default }
end

local function heading(title)
	return { type = "heading", title = title, align = "left" }
end

--- The rows, with the values of last time. `words` say what is selected, `clip` names the tracks that can be played
--- along with ("" for none).
function form.rows(words, clip, values, settings)
	local rows = {
		heading(words),
		{ type = "entry", key = "prompt", title = "Prompt", default = values.prompt or "" },
		dropdown(
			"genre", "Genre", choices(settings.genres, AUTO_GENRE), values.genre ~= "" and values.genre or AUTO_GENRE
		),
		dropdown("mood", "Mood", choices(settings.moods, NO_MOOD), values.mood ~= "" and values.mood or NO_MOOD),
		heading("Instruments"),
	}
	for _, stem in ipairs(settings.stems or takes.STEMS) do
		rows[#rows + 1] = checkbox(stem, takes.TITLES[stem] or stem, values[stem] == nil or values[stem])
	end
	local along = clip ~= "" and "Play along with " .. clip or "Play along (select tracks with sound first)"
	for _, row in ipairs({
		heading("Tracks beside them"),
		checkbox("midi", "MIDI", values.midi == nil or values.midi),
		checkbox("mix", "Mix (muted)", values.mix or false),
		checkbox("binaural", "Binaural (muted)", values.binaural or false),
		heading("Music"),
		checkbox("along", along, values.along ~= false and clip ~= ""),
		dropdown(
			"chord_source", "Chords", { [HEARD] = "heard", [TYPED] = "typed" },
			values.chord_source == "typed" and TYPED or HEARD
		),
		{ type = "entry", key = "chords", title = "Typed (Am7 | D7)", default = values.chords or "" },
		dropdown("quantize", "Timing", form.TIMINGS, timing_named(values.quantize)),
		number("count", "Options", 1, form.MAX_COUNT, values.count or 1),
		number("seed", "Seed (0: a new one)", 0, form.MAX_SEED, values.seed or 0),
	}) do
		rows[#rows + 1] = row
	end
	return rows
end

--- The answers as they are kept; `values` are those of last time.
function form.read(answer, clip, values)
	if clip == "" then
		answer.along = values.along -- there was nothing to choose
	end
	answer.count, answer.seed = math.floor(answer.count), math.floor(answer.seed)
	return answer
end

return form
