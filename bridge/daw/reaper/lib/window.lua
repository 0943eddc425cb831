-- How far jobs are, in a small window that holds nobody up. Closing it leaves the jobs alone; a new one opens it again.

local draw = ...

local window = {}

local TITLE, WIDTH = "HarmonicFlow", 420
local REFRESH_S = 0.1

local lines = {}
local open = false
local hidden = {} -- the jobs that were shown when the musician closed it
local drawn_s, sized = 0, 0 -- when it was drawn last, and for how many lines

--- Show these lines: {job, words, share}; {} closes the window.
function window.show(list)
	lines = list
end

local function height()
	return (#lines + 1) * (draw.LINE + 8) + 2 * draw.MARGIN
end

local function has_news()
	for _, line in ipairs(lines) do
		if not hidden[line.job.id] then
			return true
		end
	end
	return false
end

local function close()
	open = false
	draw.close()
end

-- Draw all; the place of the button.
local function paint()
	local y, right = draw.MARGIN, WIDTH - draw.MARGIN
	for _, line in ipairs(lines) do
		draw.text(line.words, draw.MARGIN, y, right)
		draw.fill(draw.MARGIN, y + draw.LINE - 4, right - draw.MARGIN, 4, "box")
		draw.fill(draw.MARGIN, y + draw.LINE - 4, (right - draw.MARGIN) * (line.share or 0), 4, "mark")
		y = y + draw.LINE + 8
	end
	local button = draw.button("Cancel", right - 104, y, 104)
	gfx.update()
	return button
end

--- Bring it back after it was closed.
function window.unhide()
	hidden = {}
end

--- One look at the window; `cancel` is called where the button is pressed.
function window.frame(cancel)
	if #lines == 0 or not open and not has_news() then
		hidden = #lines > 0 and hidden or {}
		if open then
			close()
		end
		return
	end
	if not open then
		draw.open(TITLE, WIDTH, height())
		open = true
	elseif #lines ~= sized then
		draw.resize(WIDTH, height())
	elseif reaper.time_precise() - drawn_s < REFRESH_S and gfx.mouse_cap & 1 == 0 then
		return
	end
	drawn_s, sized = reaper.time_precise(), #lines
	local button = paint()
	local key = draw.key()
	if key == draw.CLOSED or key == draw.ESCAPE then
		for _, line in ipairs(lines) do
			hidden[line.job.id] = true
		end
		close()
	elseif draw.clicked() and draw.hit(button) then
		cancel()
	end
end

--- The script ends.
function window.quit()
	if open then
		close()
	end
end

return window
