-- A small window of gfx: text, boxes and the mouse. Only one can be open in a script.

local draw = {}

draw.LINE = 24 -- pixels from one row to the next
draw.MARGIN = 12
local FONT, SIZE = "Arial", 15
local COLOURS = {
	ground = { 0.16, 0.17, 0.18 }, text = { 0.88, 0.88, 0.86 }, faint = { 0.58, 0.60, 0.62 },
	box = { 0.25, 0.26, 0.28 }, mark = { 0.34, 0.71, 0.91 },
}

local pressed = false

--- Open the window with this much room.
function draw.open(title, width, height)
	gfx.init(title, width, height)
	local ground = COLOURS.ground
	gfx.clear = math.floor(ground[1] * 255) + math.floor(ground[2] * 255) * 256 + math.floor(ground[3] * 255) * 65536
	gfx.setfont(1, FONT, SIZE)
	pressed = false
end

--- Give the open window another size.
function draw.resize(width, height)
	gfx.init("", width, height)
end

--- Close it.
function draw.close()
	gfx.quit()
end

local function colour(name)
	local rgb = COLOURS[name]
	gfx.set(rgb[1], rgb[2], rgb[3], 1)
end

--- Write a text between `x` and `right`; what is longer is cut.
function draw.text(text, x, y, right, name)
	colour(name or "text")
	gfx.x, gfx.y = x, y
	gfx.drawstr(text, 0, right, y + draw.LINE)
end

--- A filled rectangle.
function draw.fill(x, y, width, height, name)
	colour(name)
	gfx.rect(x, y, width, height, 1)
end

--- A box to tick.
function draw.tick(x, y, on)
	draw.fill(x, y, 16, 16, "box")
	if on then
		draw.fill(x + 4, y + 4, 8, 8, "mark")
	end
end

--- A button; its place for `draw.hit`.
function draw.button(text, x, y, width)
	draw.fill(x, y, width, draw.LINE, "box")
	colour("text")
	gfx.x, gfx.y = x, y
	gfx.drawstr(text, 5, x + width, y + draw.LINE) -- in the middle, both ways
	return { x = x, y = y, width = width, height = draw.LINE }
end

--- Whether the mouse is over a place.
function draw.hit(place)
	local x, y = gfx.mouse_x, gfx.mouse_y
	return x >= place.x and x < place.x + place.width and y >= place.y and y < place.y + place.height
end

--- Whether the left button was pressed since the last call.
function draw.clicked()
	local down = gfx.mouse_cap & 1 == 1
	local now = down and not pressed
	pressed = down
	return now
end

--- The key that was pressed, 0 for none, `CLOSED` where the window was closed.
function draw.key()
	return (gfx.getchar())
end

draw.ENTER, draw.ESCAPE, draw.CLOSED = 13, 27, -1

return draw
