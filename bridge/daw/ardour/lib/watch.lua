-- The watch: looks ten times a second for news of this session's jobs, shows how far they are as a range marker
-- over the selection (the one display in Ardour that lets one go on working), and puts results on their tracks.

local spool, jobs, place, takes, dialog, daemon = ...

local watch = {}

local MARK = "HF: "
local UNKNOWN_S = 10 -- without a report from a daemon that lives, a job is lost
local FINAL = { done = true, failed = true, cancelled = true }

local busy = false -- a message is open: it runs the main loop, which calls us again
local silent = false -- it was said that the daemon is
local seen = {} -- by job: when we first saw it without a report

local function now_s()
	return ARDOUR.LuaAPI.monotonic_time() / 1e6
end

-- The marker over a range; made, renamed or, with nil, removed.
local function mark(from, upto, text)
	local locations = Session:locations()
	for location in locations:list():iter() do
		local ours = location:is_range_marker() and location:name():sub(1, #MARK) == MARK
		if ours and location:start():samples() == from and location:_end():samples() == upto then
			if not text then
				locations:remove(location)
			elseif location:name() ~= MARK .. text then
				location:set_name(MARK .. text)
			end
			return
		end
	end
	if text then
		local location = locations:add_range(Temporal.timepos_t(from), Temporal.timepos_t(upto))
		location:set_name(MARK .. text)
	end
end

-- Markers of jobs that nobody waits for any more, as a crash leaves them in a saved session.
local function sweep()
	local stale = {}
	for location in Session:locations():list():iter() do
		if location:is_range_marker() and location:name():sub(1, #MARK) == MARK then
			stale[#stale + 1] = location
		end
	end
	for _, location in ipairs(stale) do
		Session:locations():remove(location)
	end
end

-- How far a job is. Ardour cuts the name of a range to what fits over it: the news come first.
local function words(job, report)
	local text = "on its way"
	if report then
		text = report.words ~= "" and report.words or report.state
		if report.state == "queued" and (report.position or 0) > 0 then
			text = ("waits for %d other%s"):format(report.position, report.position > 1 and "s" or "")
		elseif report.seconds_left and report.seconds_left >= 1 then
			text = ("%d s left, %s"):format(math.floor(report.seconds_left + 0.5), text)
		end
	end
	return ("%s (%s)"):format(text, job.what)
end

-- Strike the job off, before anything that may go wrong: a result is never put in twice.
local function settle(job)
	jobs.remove(Session, job.id)
	mark(job.from, job.upto, nil)
	seen[job.id] = nil
end

local function fail(job, text)
	settle(job)
	spool.forget(job.id)
	jobs.say(Session, ("failed: %s: %s"):format(job.what, text))
	dialog.tell(("%s failed: %s"):format(job.what:gsub("^%l", string.upper), text))
end

local function finish(job, report)
	if report.state == "failed" then
		local error = report.error or {}
		return fail(job, ("%s. %s."):format(error.message or "the daemon does not say why", error.todo or ""))
	elseif report.state == "cancelled" then
		settle(job)
		spool.forget(job.id)
		return jobs.say(Session, "cancelled: " .. job.what)
	end
	local began = now_s()
	settle(job)
	local ok, answer = pcall(
		place.takes, Session, Editor, report.takes, job.origin, job.wish or {}, "HarmonicFlow: " .. job.what
	)
	if not ok then
		return fail(job, tostring(answer))
	end
	spool.forget(job.id)
	jobs.say(Session, ("done: %s: %d regions in %.0f ms"):format(job.what, answer, 1000 * (now_s() - began)))
	for _, warning in ipairs(report.takes[1].warnings or {}) do
		jobs.say(Session, "note: " .. warning)
	end
end

-- Without a report: not taken up yet, or lost.
local function missing(job)
	seen[job.id] = seen[job.id] or now_s()
	local waits = ARDOUR.LuaAPI.file_test(
		spool.path("inbox", job.id .. ".json"), ARDOUR.LuaAPI.FileTest.Exists
	)
	if not waits and now_s() - seen[job.id] > UNKNOWN_S then
		fail(job, "the daemon does not know the job. Send it again.")
	end
end

-- One look at a job. `shown`: the ranges that carry another job's marker already.
local function look(job, alive, shown)
	local report = spool.report(job.id)
	if report and FINAL[report.state] then
		return finish(job, report)
	end
	local range = job.from .. "-" .. job.upto
	local first = not shown[range]
	shown[range] = true
	if not alive then
		return first and mark(job.from, job.upto, "no answer from the daemon, starting it again")
	elseif not report then
		missing(job)
	else
		seen[job.id] = nil
	end
	if first and jobs.has(Session, job.id) then
		mark(job.from, job.upto, words(job, report))
	end
end

-- Whether the daemon lives; that it does not is said once, and it is started again.
local function check_daemon()
	local state = daemon.state()
	if state == "silent" then
		if not silent then
			jobs.say(Session, "the daemon does not answer; starting it again. Its jobs are kept.")
		end
		silent = true
		daemon.start()
	elseif state == "alive" and silent then
		silent = false
		jobs.say(Session, "the daemon answers again")
	end
	return state == "alive"
end

local function tick()
	if spool.read(spool.path("hosts", "ping")) then -- somebody asks whether we are there
		os.rename(spool.path("hosts", "ping"), spool.path("hosts", "pong"))
	end
	local waiting = jobs.waiting(Session)
	if not waiting then
		return daemon.rest()
	end
	local alive, shown = check_daemon(), {}
	for _, job in ipairs(waiting) do
		look(job, alive, shown)
	end
	if not jobs.waiting(Session) then
		sweep()
	end
end

--- Look once. Never raises: an error here would come ten times a second.
function watch.tick()
	if busy or not Session then
		return
	end
	busy = true
	local ok, why = pcall(tick)
	busy = false
	if not ok then
		jobs.say(Session, "a mistake in the watch: " .. tostring(why))
	end
end

return watch
