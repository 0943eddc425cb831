-- What the actions and the watch hook do. Loaded with loadfile; call the result with the folder it lies in.
--
-- The scripts are thin: they copy the clip into the spool's folder, and everything slow happens in the daemon.
-- Nothing touches the session before a result is complete.

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
local timeline = load_module("timeline")
local clip = load_module("clip")
local selected = load_module("selected")
local takes = load_module("takes")
local place = load_module("place", selected.PREFIX, takes)
local jobs = load_module("jobs", json, spool)
local dialog = load_module("dialog", takes)
local notes = load_module("notes", timeline)
local requests = load_module("requests", json, spool, timeline, clip, notes)
local daemon = load_module("daemon", spool, settings)
local watch = load_module("watch", spool, jobs, place, takes, dialog, daemon)

main.json, main.spool, main.timeline, main.clip, main.notes, main.requests = json, spool, timeline, clip, notes, requests

local function stems()
	return settings.stems or takes.STEMS
end

local function track_named(name)
	local route = Session:route_by_name(name)
	return not route:isnil() and route:to_track() or nil
end

local function tracks_named(names)
	local found = {}
	for _, name in ipairs(names) do
		found[#found + 1] = track_named(name)
	end
	return found
end

local function names_of(list)
	local names = json.array({})
	for index, each in ipairs(list) do
		names[index] = type(each.name) == "string" and each.name or each:name()
	end
	return names
end

-- Send a generate request and note it as a job of this session.
local function send_generate(from, upto, tracks, values)
	daemon.wake()
	local heard = values.along ~= false and tracks or {}
	local id = requests.generate(Session, from, upto, heard, values, stems())
	local wish = { mix = values.mix, binaural = values.binaural, midi = values.midi ~= false }
	jobs.add(
		Session, { id = id, what = "generate stems", origin = from, from = from, upto = upto, wish = wish },
		{ kind = "generate", from = from, upto = upto, tracks = names_of(tracks), values = values }
	)
end

--- Generate stems from the selection; with `ask` the dialog comes first.
function main.generate(ask)
	local from, upto, tracks = selected.range(Session, Editor)
	if not from then
		error("select a range first (or the regions to play along with)", 0)
	end
	local last = jobs.of(Session).last
	if #tracks == 0 and last and last.tracks then
		tracks = tracks_named(last.tracks) -- after a result its own tracks are the selected ones
	end
	local values = jobs.values()
	if ask then
		local _, words = timeline.selection(Session, json, from, upto)
		local heard = names_of(clip.sources(tracks, from, upto))
		for _, source in ipairs(notes.sources(tracks)) do
			heard[#heard + 1] = ("%s (MIDI: %s)"):format(source.name, source.instrument)
		end
		values = dialog.ask(words, table.concat(heard, ", "), values, settings)
		if not values then
			return
		end
		jobs.keep_values(values)
	end
	send_generate(from, upto, tracks, values)
end

-- Send a regenerate request for a range of the session.
local function send_regenerate(stem, from, upto)
	local found = takes.heard(Session, selected.PREFIX, from, upto)
	if not found then
		error("there is no take of HarmonicFlow in the selection: generate stems first", 0)
	end
	daemon.wake()
	local id = requests.regenerate(found.take, stem, math.max(from - found.origin, 0), upto - found.origin)
	local wish = {}
	for _, name in ipairs({ "mix", "binaural" }) do
		wish[name] = track_named(takes.track_name(selected.PREFIX, name)) ~= nil
	end
	wish.midi = track_named(takes.track_name(selected.PREFIX, stem, true)) ~= nil
	jobs.add(
		Session, { id = id, what = "regenerate " .. stem, origin = found.origin, from = from, upto = upto, wish = wish },
		{ kind = "regenerate", stem = stem, from = from, upto = upto }
	)
end

--- Make one instrument again in the selection; it comes as a layer above.
function main.regenerate(stem)
	local from, upto = selected.range(Session, Editor)
	if not from then
		error("select the bars first in which the " .. stem .. " is to change", 0)
	end
	send_regenerate(stem, from, upto)
end

--- The last request once more with another seed; the result comes above the last one.
function main.another()
	local last = jobs.of(Session).last
	if not last then
		error("nothing was generated in this session yet", 0)
	elseif last.kind == "regenerate" then
		return send_regenerate(last.stem, last.from, last.upto)
	end
	last.values.seed = 0
	send_generate(last.from, last.upto, tracks_named(last.tracks), last.values)
end

--- Cancel every job of this session.
function main.cancel()
	local waiting = jobs.of(Session).jobs
	if #waiting == 0 then
		error("no job of this session waits or runs", 0)
	end
	for _, job in ipairs(waiting) do
		spool.cancel(job.id)
	end
end

--- Ten times a second.
main.tick = watch.tick

--- Run an action; what goes wrong is told in a sentence.
function main.act(name, ...)
	local ok, why = pcall(main[name], ...)
	if not ok then
		jobs.say(Session, tostring(why))
		dialog.tell(tostring(why):gsub("^%l", string.upper) .. ".")
	end
end

return main
