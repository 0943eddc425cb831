-- The dialog of "Generate stems": it opens with the values of last time.

local takes = ...

local dialog = {}

local MAX_SEED = 2147483647
-- Ardour sorts the choices by name: brackets come first.
local AUTO_GENRE, NO_MOOD = "(as the prompt says)", "(none)"
-- How far the timing goes to the grid, from the protocol's `quantize`. Players are some 10 ms off it: beside other tracks
-- half of that keeps the feel and is no flam.
dialog.TIGHTER = "tighter"
dialog.TIMINGS = { ["as played"] = 0, [dialog.TIGHTER] = 0.5, ["on the grid"] = 1 }
local HEARD, TYPED = "heard in the clip", "typed below"

local function choices(list, first)
	local values = { [first] = "" }
	for _, name in ipairs(list or {}) do
		values[name] = name
	end
	return values
end

local function timing_named(quantize)
	for name, share in pairs(dialog.TIMINGS) do
		if share == quantize then
			return name
		end
	end
	return dialog.TIGHTER
end

local function stem_rows(rows, values, stems)
	for _, stem in ipairs(stems) do
		local on = values[stem] == nil or values[stem]
		rows[#rows + 1] = { type = "checkbox", key = stem, title = takes.TITLES[stem] or stem, default = on }
	end
end

--- Ask; the values by name, nil where the musician cancels. `words` say what is selected, `clip` names the tracks
--- that can be played along with ("" for none).
function dialog.ask(words, clip, values, settings)
	local rows = {
		{ type = "heading", title = words, align = "left" },
		{ type = "entry", key = "prompt", title = "Prompt", default = values.prompt or "" },
		{
			type = "dropdown", key = "genre", title = "Genre",
			values = choices(settings.genres, AUTO_GENRE), default = values.genre ~= "" and values.genre or AUTO_GENRE,
		},
		{
			type = "dropdown", key = "mood", title = "Mood",
			values = choices(settings.moods, NO_MOOD), default = values.mood ~= "" and values.mood or NO_MOOD,
		},
		{ type = "heading", title = "Instruments", align = "left" },
	}
	stem_rows(rows, values, settings.stems or takes.STEMS)
	local more = {
		{ type = "heading", title = "Tracks beside them", align = "left" },
		{ type = "checkbox", key = "midi", title = "MIDI", default = values.midi == nil or values.midi },
		{ type = "checkbox", key = "mix", title = "Mix (muted)", default = values.mix or false },
		{ type = "checkbox", key = "binaural", title = "Binaural (muted)", default = values.binaural or false },
		{ type = "heading", title = "Music", align = "left" },
		{
			type = "checkbox", key = "along", default = values.along ~= false and clip ~= "",
			title = clip ~= "" and "Play along with " .. clip or "Play along (select tracks with sound first)",
		},
		{
			type = "dropdown", key = "chord_source", title = "Chords",
			values = { [HEARD] = "heard", [TYPED] = "typed" },
			default = values.chord_source == "typed" and TYPED or HEARD,
		},
		{ type = "entry", key = "chords", title = "Typed (Am7 | D7)", default = values.chords or "" },
		{
			type = "dropdown", key = "quantize", title = "Timing",
			values = dialog.TIMINGS, default = timing_named(values.quantize),
		},
		{
			type = "number", key = "count", title = "Options",
			min = 1, max = 8, step = 1, digits = 0, default = values.count or 1,
		},
		{
			type = "number", key = "seed", title = "Seed (0: a new one)",
			min = 0, max = MAX_SEED, step = 1, digits = 0, default = values.seed or 0,
		},
	}
	for _, row in ipairs(more) do
		rows[#rows + 1] = row
	end
	local answer = LuaDialog.Dialog("HarmonicFlow: generate stems", rows):run()
	if not answer then
		return nil
	end
	if clip == "" then
		answer.along = values.along -- there was nothing to choose
	end
	answer.count, answer.seed = math.floor(answer.count), math.floor(answer.seed)
	return answer
end

--- Tell something that cannot wait.
function dialog.tell(text)
	LuaDialog.Message("HarmonicFlow", text, LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run()
end

return dialog
