-- The dialog of "Generate stems": a window of our own, which lets one go on listening and selecting while it is open.
-- Rows are ticked or chosen by a click; what is typed is asked for in REAPER's own small box, where pasting and every
-- keyboard work.

local form, draw, progress = ...

local dialog = {}

local TITLE, WIDTH, INPUT_X = "HarmonicFlow: generate stems", 460, 170
local BREAK = "\31" -- between the fields of REAPER's box: what is typed may hold commas

local function sorted_keys(values)
	local keys = {}
	for key in pairs(values) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	return keys
end

-- What a row says of itself now.
local function shown(row)
	local value = row.value
	if row.type == "number" then
		return ("%d"):format(value)
	end
	return value == "" and "..." or tostring(value)
end

local function ask(row)
	local ok, typed = reaper.GetUserInputs(TITLE, 1, row.title .. ",extrawidth=220,separator=" .. BREAK, tostring(row.value))
	if not ok then
		return
	elseif row.type == "entry" then
		row.value = typed
	elseif tonumber(typed) then
		row.value = math.floor(math.min(math.max(tonumber(typed), row.min), row.max))
	end
end

local function choose(row)
	local keys, items = sorted_keys(row.values), {}
	for index, key in ipairs(keys) do
		items[index] = (key == row.value and "!" or "") .. key
	end
	gfx.x, gfx.y = INPUT_X, row.place.y + draw.LINE
	local chosen = keys[gfx.showmenu(table.concat(items, "|"))]
	row.value = chosen or row.value
end

local CLICK = {
	entry = ask, number = ask, dropdown = choose, heading = function() end,
	checkbox = function(row) row.value = not row.value end,
}

-- Draw a row at a height; it remembers its place.
local function draw_row(row, y)
	local x, right = draw.MARGIN, WIDTH - draw.MARGIN
	row.place = { x = x, y = y, width = right - x, height = draw.LINE }
	if row.type == "heading" then
		return draw.text(row.title, x, y, right, "faint")
	elseif row.type == "checkbox" then
		draw.tick(x, y + 1, row.value)
		return draw.text(row.title, x + draw.LINE, y, right)
	end
	draw.text(row.title, x, y, INPUT_X)
	draw.fill(INPUT_X, y - 2, right - INPUT_X, draw.LINE - 4, "box")
	draw.text(shown(row), INPUT_X + 6, y, right)
end

local function answers(rows)
	local found = {}
	for _, row in ipairs(rows) do
		if row.type == "dropdown" then
			found[row.key] = row.values[row.value]
		elseif row.key then
			found[row.key] = row.value
		end
	end
	return found
end

-- One look at the window; true while it stays open.
local function frame(self)
	self.refresh(self)
	local y = draw.MARGIN
	for _, row in ipairs(self.rows) do
		draw_row(row, y)
		y = y + draw.LINE
	end
	local make = draw.button("Generate", WIDTH - draw.MARGIN - 220, y + 4, 104)
	local leave = draw.button("Cancel", WIDTH - draw.MARGIN - 104, y + 4, 104)
	gfx.update()
	local key, clicked = draw.key(), draw.clicked()
	if key == draw.CLOSED or key == draw.ESCAPE or clicked and draw.hit(leave) then
		return false
	elseif key == draw.ENTER or clicked and draw.hit(make) then
		self.done = form.read(answers(self.rows), self.clip, self.values)
		return false
	end
	for _, row in ipairs(clicked and self.rows or {}) do
		if draw.hit(row.place) then
			CLICK[row.type](row)
		end
	end
	return true
end

--- Open it. `describe()` gives words for what is selected and the names of the tracks that can be played along with; it
--- is asked again while the window is open. `done(values)` is called with the answers, once; `fail` with what goes wrong.
function dialog.open(describe, values, settings, done, fail)
	local words, clip = describe()
	local self = { rows = form.rows(words, clip, values, settings), clip = clip, values = values }
	for _, row in ipairs(self.rows) do
		row.value = row.default
	end
	local asked_s = reaper.time_precise()
	function self.refresh()
		if reaper.time_precise() - asked_s < 0.5 then
			return
		end
		asked_s = reaper.time_precise()
		local ok, now, names = pcall(describe)
		if not ok then -- nothing is selected any more: say so, and wait
			self.rows[1].title = progress.sentence(now)
			return
		end
		for index, row in ipairs(form.rows(now, names, values, settings)) do
			self.rows[index].title = row.title
			if row.key == "along" and names ~= self.clip then
				self.rows[index].value = row.default
			end
		end
		self.clip = names
	end
	draw.open(TITLE, WIDTH, (#self.rows + 2) * draw.LINE + draw.MARGIN)
	local function loop()
		local ok, open = pcall(frame, self)
		if ok and open then
			return reaper.defer(loop)
		end
		pcall(draw.close)
		if not ok then
			fail(open)
		elseif self.done then
			done(self.done)
		end
	end
	loop()
end

--- Tell something that cannot wait.
function dialog.tell(text)
	reaper.ShowMessageBox(text, "HarmonicFlow", 0)
end

return dialog
