-- JSON for script engines without a library: loaded with loadfile, returns {decode, encode, array, null}.
-- RFC 8259, for files of our own daemon: errors are raised with the place in the text.

local json = { null = setmetatable({}, { __name = "null" }) }

local array_mark = {}

--- Mark a table as an array, so that an empty one is written as [] and not as {}.
function json.array(items)
	return setmetatable(items, array_mark)
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local UNESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function quoted(text)
	return '"' .. text:gsub('[%c"\\\127]', function(c)
		return ESCAPES[c] or string.format("\\u%04x", c:byte())
	end) .. '"'
end

local function number(value)
	if math.type(value) == "integer" then
		return string.format("%d", value)
	end
	if value ~= value or value == math.huge or value == -math.huge then
		error("a number that JSON cannot hold")
	end
	local text = string.format("%.17g", value):gsub(",", ".") -- some locales write 0,5
	return text
end

--- The JSON text of a value. Keys are sorted, so that the same table gives the same text.
function json.encode(value)
	local kind = type(value)
	if value == json.null or value == nil then
		return "null"
	elseif kind == "boolean" then
		return tostring(value)
	elseif kind == "number" then
		return number(value)
	elseif kind == "string" then
		return quoted(value)
	elseif kind ~= "table" then
		error("a " .. kind .. " has no JSON")
	end
	local parts = {}
	if getmetatable(value) == array_mark or #value > 0 then
		for index = 1, #value do
			parts[index] = json.encode(value[index])
		end
		return "[" .. table.concat(parts, ",") .. "]"
	end
	local keys = {}
	for key in pairs(value) do
		keys[#keys + 1] = tostring(key)
	end
	table.sort(keys)
	for index, key in ipairs(keys) do
		parts[index] = quoted(key) .. ":" .. json.encode(value[key])
	end
	return "{" .. table.concat(parts, ",") .. "}"
end

local parse

local function wrong(text, at, what)
	error(string.format("JSON: %s at character %d of %d", what, at, #text), 0)
end

local function skip(text, at)
	return text:find("[^ \t\r\n]", at) or #text + 1
end

local function unicode(text, at)
	local code = tonumber(text:match("^%x%x%x%x", at) or "", 16)
	if not code then
		wrong(text, at, "a broken \\u")
	end
	if code >= 0xD800 and code < 0xDC00 then -- the first half of a pair
		local low = tonumber(text:match("^\\u(%x%x%x%x)", at + 4) or "", 16)
		if low and low >= 0xDC00 and low < 0xE000 then
			return utf8.char(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), at + 10
		end
	end
	return utf8.char(code), at + 4
end

local function parse_string(text, at)
	local parts, from = {}, at + 1
	while true do
		local stop = text:find('["\\]', from)
		if not stop then
			wrong(text, at, "a string without an end")
		end
		parts[#parts + 1] = text:sub(from, stop - 1)
		if text:byte(stop) == 34 then
			return table.concat(parts), stop + 1
		end
		local escape = text:sub(stop + 1, stop + 1)
		if escape == "u" then
			parts[#parts + 1], from = unicode(text, stop + 2)
		elseif UNESCAPES[escape] then
			parts[#parts + 1], from = UNESCAPES[escape], stop + 2
		else
			wrong(text, stop, "an unknown escape")
		end
	end
end

-- What stands between brackets with commas between; `one(at)` reads an item and gives the place after it.
local function parse_items(text, at, closing, one)
	at = skip(text, at + 1)
	if text:sub(at, at) == closing then
		return at + 1
	end
	while true do
		at = skip(text, one(at))
		local mark = text:sub(at, at)
		if mark == closing then
			return at + 1
		elseif mark ~= "," then
			wrong(text, at, "no comma and no " .. closing)
		end
		at = skip(text, at + 1)
	end
end

local function parse_array(text, at, depth)
	local items = json.array({})
	return items, parse_items(text, at, "]", function(place)
		items[#items + 1], place = parse(text, place, depth)
		return place
	end)
end

local function parse_object(text, at, depth)
	local fields = {}
	return fields, parse_items(text, at, "}", function(place)
		if text:sub(place, place) ~= '"' then
			wrong(text, place, "no name")
		end
		local key
		key, place = parse_string(text, place)
		place = skip(text, place)
		if text:sub(place, place) ~= ":" then
			wrong(text, place, "no colon")
		end
		fields[key], place = parse(text, skip(text, place + 1), depth)
		return place
	end)
end

local WORDS = { { "true", true }, { "false", false }, { "null", nil } }

parse = function(text, at, depth)
	if depth > 64 then
		wrong(text, at, "too many levels")
	end
	local mark = text:sub(at, at)
	if mark == '"' then
		return parse_string(text, at)
	elseif mark == "{" then
		return parse_object(text, at, depth + 1)
	elseif mark == "[" then
		return parse_array(text, at, depth + 1)
	end
	for _, word in ipairs(WORDS) do
		if text:sub(at, at + #word[1] - 1) == word[1] then
			return word[2], at + #word[1]
		end
	end
	local digits = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
	local value = digits and tonumber(digits)
	if not value then
		wrong(text, at, "nothing that JSON knows")
	end
	return value, at + #digits
end

--- The value of a JSON text; null becomes nil. Raises an error that names the place.
function json.decode(text)
	local value, at = parse(text, skip(text, 1), 0)
	at = skip(text, at)
	if at <= #text then
		wrong(text, at, "more than one value")
	end
	return value
end

return json
