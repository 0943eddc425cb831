-- What the actions and the watch hook call. Loaded with loadfile; call the result with the folder it lies in.

local folder = ...

local function load_module(name, ...)
	local chunk, why = loadfile(ARDOUR.LuaAPI.build_filename(folder, name .. ".lua"))
	if not chunk then
		error(why, 0)
	end
	return chunk(...)
end

local main = {}

local json = load_module("json")
local settings_file = io.open(ARDOUR.LuaAPI.build_filename(folder, "settings.json"))
local settings = settings_file and json.decode(settings_file:read("a"))
if not settings then
	error("run once in a terminal: harmonicflow bridge install ardour", 0)
end
settings_file:close()

local spool = load_module("spool", json, settings.spool)
local fraction, takes, progress = load_module("fraction"), load_module("takes"), load_module("progress")
local form = load_module("form", takes)
local dialog = load_module("dialog", form)
local timeline = load_module("timeline", json, fraction, progress)
local notes = load_module("notes", json, takes, fraction, timeline)
local host = load_module(
	"host", takes, timeline, load_module("clip"), notes, load_module("selected", takes), load_module("heard", takes),
	load_module("place", takes), load_module("marks"), dialog
)
local jobs = load_module("jobs", json, spool, host)
local daemon = load_module("daemon", spool, settings, host)
local requests = load_module("requests", json, spool, host)
local actions = load_module(
	"actions", json, spool, jobs, takes, requests, daemon, progress, settings, host
)
local watch = load_module("watch", spool, jobs, progress, daemon, host)

main.host, main.requests = host, requests

local function generate(ask)
	if not ask then
		return actions.generate_again()
	end
	local from, upto, tracks = actions.selected()
	local _, words = host.selection(from, upto)
	local values = dialog.ask(words, table.concat(host.heard(tracks, from, upto), ", "), jobs.values(), settings)
	if values then
		jobs.keep_values(values)
		actions.generate(from, upto, tracks, values)
	end
end

local ACTIONS = { generate = generate, regenerate = actions.regenerate, another = actions.another, cancel = actions.cancel }

--- Run an action; what goes wrong is told in a sentence.
function main.act(name, ...)
	actions.act(ACTIONS[name], ...)
end

--- Ten times a second.
function main.tick()
	if Session then
		watch.tick()
	end
end

return main
