-- What the actions do, in any host.
--
-- The scripts are thin: they copy the clip into the spool's folder, and everything slow happens in the daemon.
-- Nothing touches the session before a result is complete.
--
-- `host` is a table of what only a host can do. Frames count from the session's start, tracks are the host's own.
--   name                          of the host, as in "ardour"
--   now_s()                       seconds of a clock that never goes back
--   exists(path)                  whether there is such a file
--   run(words)                    start a program in the background
--   print(text)                   a line for those who look for it
--   tell(text)                    something that cannot wait
--   project()                     name and place of the session
--   range()                       the selected frames (from, upto; nil without any), and the selected tracks
--   track_name(track), track_named(name)
--   selection(from, upto)         the protocol's SelectionSpec, and words for people
--   heard(tracks, from, upto)     names of the tracks that can be played along with
--   sound(tracks, from, upto, use)  calls use(channels, name) where there is audio; channels as spool.put_sound takes them
--   score(tracks, from, upto)     the ScoreSpec of their MIDI; nil without any
--   take_at(from, upto)           what one hears of ours there: {take, origin}, origin being its first frame
--   place(takes, origin, wish, title)  put them on tracks in one undo step; how many pieces
--   show(lines)                   how far jobs are: {job, words, share}; {} for nothing

local json, spool, jobs, takes, requests, daemon, progress, settings, host = ...

local actions = {}

local function stems()
	return settings.stems or takes.STEMS
end

local function tracks_named(names)
	local found = {}
	for _, name in ipairs(names) do
		found[#found + 1] = host.track_named(name)
	end
	return found
end

local function names_of(tracks)
	local names = json.array({})
	for index, track in ipairs(tracks) do
		names[index] = host.track_name(track)
	end
	return names
end

--- What a generation is about: from, upto, tracks. Raises a sentence where nothing is selected.
function actions.selected()
	local from, upto, tracks = host.range()
	if not from then
		error("select a range first (or what is to be played along with)", 0)
	end
	local last = jobs.state().last
	if #tracks == 0 and last and last.tracks then
		tracks = tracks_named(last.tracks) -- after a result its own tracks are the selected ones
	end
	return from, upto, tracks
end

-- Note a job of this session, then have it sent: `send(id, ...)`. So no result can come that nobody waits for.
local function hand_in(job, last, send, ...)
	daemon.wake()
	job.id = spool.new_id(host.name)
	jobs.add(job, last)
	local ok, why = pcall(send, job.id, ...)
	if not ok then
		jobs.remove(job.id)
		error(why, 0)
	end
end

--- Send a generate request.
function actions.generate(from, upto, tracks, values)
	local heard = values.along ~= false and tracks or {}
	local wish = { mix = values.mix, binaural = values.binaural, midi = values.midi ~= false }
	hand_in(
		{ what = "generate stems", origin = from, from = from, upto = upto, wish = wish },
		{ kind = "generate", from = from, upto = upto, tracks = names_of(tracks), values = values },
		requests.generate, from, upto, heard, values, stems()
	)
end

--- Generate with the values of last time.
function actions.generate_again()
	local from, upto, tracks = actions.selected()
	actions.generate(from, upto, tracks, jobs.values())
end

-- Send a regenerate request for a range of the session.
local function send_regenerate(stem, from, upto)
	local found = host.take_at(from, upto)
	if not found then
		error("there is no take of HarmonicFlow in the selection: generate stems first", 0)
	end
	local wish = {}
	for name in pairs(takes.EXTRAS) do
		wish[name] = host.track_named(takes.track_name(name)) ~= nil
	end
	wish.midi = host.track_named(takes.track_name(stem, true)) ~= nil
	hand_in(
		{ what = "regenerate " .. stem, origin = found.origin, from = from, upto = upto, wish = wish },
		{ kind = "regenerate", stem = stem, from = from, upto = upto },
		requests.regenerate, found.take, stem, math.max(from - found.origin, 0), upto - found.origin
	)
end

--- Make one instrument again in the selection.
function actions.regenerate(stem)
	local from, upto = host.range()
	if not from then
		error("select the bars first in which the " .. stem .. " is to change", 0)
	end
	send_regenerate(stem, from, upto)
end

--- The last request once more with another seed.
function actions.another()
	local last = jobs.state().last
	if not last then
		error("nothing was generated in this session yet", 0)
	elseif last.kind == "regenerate" then
		return send_regenerate(last.stem, last.from, last.upto)
	end
	last.values.seed = 0
	actions.generate(last.from, last.upto, tracks_named(last.tracks), last.values)
end

--- Cancel every job of this session, or one.
function actions.cancel(id)
	local waiting = jobs.state().jobs
	if #waiting == 0 then
		error("no job of this session waits or runs", 0)
	end
	for _, job in ipairs(waiting) do
		if not id or job.id == id then
			spool.cancel(job.id)
		end
	end
end

--- Do something; what goes wrong is told in a sentence. Whether all went well.
function actions.act(call, ...)
	local ok, why = pcall(call, ...)
	if not ok then
		pcall(jobs.say, tostring(why))
		host.tell(progress.sentence(why) .. ".")
	end
	return ok
end

return actions
