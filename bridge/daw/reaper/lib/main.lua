-- What the actions and the watch call. Loaded with loadfile; call the result with the folder of the actions.

local folder = ...

local function load_module(name, ...)
	local chunk, why = loadfile(folder .. "/lib/" .. name .. ".lua")
	if not chunk then
		error(why, 0)
	end
	return chunk(...)
end

local json = load_module("json")
local settings_file = io.open(folder .. "/lib/settings.json")
local settings = settings_file and json.decode(settings_file:read("a"))
if not settings then
	error("run once in a terminal: harmonicflow bridge install reaper", 0)
end
settings_file:close()

local spool = load_module("spool", json, settings.spool)
local fraction, takes, progress = load_module("fraction"), load_module("takes"), load_module("progress")
local safe, draw, project = load_module("safe"), load_module("draw"), load_module("project")
local form = load_module("form", takes)
local dialog, window = load_module("dialog", form, draw, progress), load_module("window", draw)
local timeline = load_module("timeline", json, fraction, progress, project)
local items = load_module("items", project, takes)
local media = load_module("media", takes, project, load_module("midi_file"), safe)
local host = load_module(
	"host", takes, project, timeline, load_module("clip", project, safe),
	load_module("notes", json, fraction, takes, project, timeline), load_module("selected", project, takes),
	load_module("heard", takes, project, items),
	load_module("place", takes, project, items, media, timeline, fraction, safe), window, dialog
)
local jobs = load_module("jobs", json, spool, host)
local daemon = load_module("daemon", spool, settings, host)
local requests = load_module("requests", json, spool, host)
local actions = load_module("actions", json, spool, jobs, takes, requests, daemon, progress, settings, host)
local watch = load_module("watch", spool, jobs, progress, daemon, host)
local watching = load_module("watching", project, jobs, watch, window, actions, settings, folder)

local main = { host = host, resume = watching.resume }

-- Do something that may send a job, and have it watched.
local function send(call, ...)
	project.identify()
	actions.act(call, ...)
	if jobs.waiting() then
		watching.start()
	end
end

-- With the dialog; the selection is looked at again when it is answered.
local function generate()
	local function describe()
		local from, upto, tracks = actions.selected()
		local _, words = host.selection(from, upto)
		return words, table.concat(host.heard(tracks, from, upto), ", ")
	end
	dialog.open(describe, jobs.values(), settings, function(values)
		send(function()
			jobs.keep_values(values)
			actions.generate_again()
		end)
	end, function(why)
		actions.act(error, why, 0)
	end)
end

local function regenerate(stem)
	return function()
		send(actions.regenerate, stem)
	end
end

local ACTIONS = {
	generate_stems = function() actions.act(generate) end,
	generate_stems_last_settings = function() send(actions.generate_again) end,
	another_take = function() send(actions.another) end,
	cancel = function() actions.act(actions.cancel) end,
	watch = watching.here,
}
for _, stem in ipairs(takes.STEMS) do
	ACTIONS["regenerate_" .. stem] = regenerate(stem)
end

--- Do what an action's file is named after.
function main.run(name)
	if reaper.set_action_options then -- since REAPER 7.03
		reaper.set_action_options(3) -- the key again: end the one that runs and begin anew, without a question
	end
	ACTIONS[name]()
	reaper.defer(function() end) -- a script that ends at once leaves an undo step in which nothing happens
end

return main
