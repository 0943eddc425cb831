-- The spool door from a script engine that has only files (docs/protocol.md, "The spool door").
-- Loaded with loadfile; call the result with the json module and the spool's folder.

local json, root = ...

local spool = { root = root }

local SEPARATOR = root:find("\\") and "\\" or "/"
local CHUNK = 4096 -- samples packed at once: a call cannot take many more arguments

local function path(...)
	return table.concat({ root, ... }, SEPARATOR)
end

local function read(name)
	local file = io.open(name, "rb")
	if not file then
		return nil
	end
	local text = file:read("a")
	file:close()
	return text
end

--- Write a file whole or not at all: under another name first, then renamed.
function spool.write(name, text)
	local temporary = name:gsub("[^/\\]+$", ".%0.tmp")
	local file, why = io.open(temporary, "wb")
	if not file then
		error("cannot write " .. name .. ": " .. tostring(why), 0)
	end
	local written, reason = file:write(text)
	local closed, late = file:close()
	if not written or not closed then
		os.remove(temporary)
		error("cannot write " .. name .. ": " .. tostring(reason or late), 0)
	end
	if SEPARATOR == "\\" then
		os.remove(name) -- Windows renames over nothing
	end
	local renamed, refused = os.rename(temporary, name)
	if not renamed then
		error("cannot write " .. name .. ": " .. tostring(refused), 0)
	end
end

spool.path = path
spool.read = read

--- Decode a JSON file; nil where it is missing or damaged.
function spool.table_of(name)
	local text = read(name)
	if not text then
		return nil
	end
	local ok, value = pcall(json.decode, text)
	return ok and value or nil
end

local counter = 0

--- A name for a request that nobody has used.
function spool.new_id(host)
	counter = counter + 1
	local chance = tostring({}):match("%x%x%x%x%x%x$") or "0"
	return string.format("%s-%s-%s-%d-%04d", host, os.date("%Y%m%d-%H%M%S"), chance, counter, math.random(0, 9999))
end

--- A sound for a request: `channels` functions(first, count) -> table of samples; planar float32 beside the request.
function spool.put_sound(id, number, frames, channels)
	local name = path("inbox", string.format("%s.%d.f32", id, number))
	local file, why = io.open(name, "wb")
	if not file then
		error("cannot write " .. name .. ": " .. tostring(why), 0)
	end
	local full = "<" .. ("f"):rep(CHUNK)
	for _, samples in ipairs(channels) do
		local first = 0
		while first < frames do
			local count = math.min(65536, frames - first)
			local block = samples(first, count)
			for from = 1, count, CHUNK do
				local upto = math.min(from + CHUNK - 1, count)
				local format = upto - from + 1 == CHUNK and full or "<" .. ("f"):rep(upto - from + 1)
				local written, reason = file:write(string.pack(format, table.unpack(block, from, upto)))
				if not written then
					file:close()
					os.remove(name)
					error("cannot write " .. name .. ": " .. tostring(reason), 0)
				end
			end
			first = first + count
		end
	end
	file:close()
end

--- Hand a request in; its sounds are there already. The daemon takes it up within a tenth of a second.
function spool.send(request)
	spool.write(path("inbox", request.id .. ".json"), json.encode(request))
end

--- What became of a request: the report, or nil before the daemon has seen it.
function spool.report(id)
	return spool.table_of(path("outbox", id .. ".json"))
end

local function cancel_id(id)
	return "cancel-" .. id:sub(-50)
end

--- End a request that waits or runs.
function spool.cancel(id)
	spool.send({ kind = "cancel", id = cancel_id(id), job = id })
end

--- The reports on a request, and on its cancelling, are used: the daemon need not keep them.
function spool.forget(id)
	os.remove(path("outbox", id .. ".json"))
	os.remove(path("outbox", cancel_id(id) .. ".json"))
end

--- The text of the daemon's heartbeat; nil where no daemon runs. It changes twice a second.
function spool.beat()
	return read(path("beat.json"))
end

return spool
