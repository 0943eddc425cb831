-- The watch: looks ten times a second for news of this session's jobs, has the host show how far they are, and has it
-- put results on their tracks.
--
-- Of `host` (see actions.lua) this uses now_s(), exists(), place(), show() and tell().

local spool, jobs, progress, daemon, host = ...

local watch = {}

local UNKNOWN_S = 10 -- without a report from a daemon that lives, a job is lost

local busy = false -- a message is open: it may run the host's main loop, which calls us again
local silent = false -- it was said that the daemon is
local shown = true -- something may stand on the screen, as a crash leaves it in a saved session
local seen = {} -- by job: when we first saw it without a report

-- Strike the job off, before anything that may go wrong: a result is never put in twice.
local function settle(job)
	jobs.remove(job.id)
	seen[job.id] = nil
end

local function fail(job, text)
	settle(job)
	spool.forget(job.id)
	host.show({})
	jobs.say(("failed: %s: %s"):format(job.what, text))
	host.tell(("%s failed: %s"):format(progress.sentence(job.what), text))
end

local function finish(job, report)
	if report.state == "failed" then
		return fail(job, progress.failure(report))
	elseif report.state == "cancelled" then
		settle(job)
		spool.forget(job.id)
		return jobs.say("cancelled: " .. job.what)
	end
	local began = host.now_s()
	settle(job)
	host.show({})
	local ok, answer = pcall(host.place, report.takes, job.origin, job.wish or {}, "HarmonicFlow: " .. job.what)
	if not ok then
		return fail(job, tostring(answer))
	end
	spool.forget(job.id)
	jobs.say(("done: %s: %d regions in %.0f ms"):format(job.what, answer, 1000 * (host.now_s() - began)))
	for _, warning in ipairs(report.takes[1].warnings or {}) do
		jobs.say("note: " .. warning)
	end
end

-- Without a report: not taken up yet, or lost.
local function missing(job)
	seen[job.id] = seen[job.id] or host.now_s()
	if not host.exists(spool.path("inbox", job.id .. ".json")) and host.now_s() - seen[job.id] > UNKNOWN_S then
		fail(job, "the daemon does not know the job. Send it again.")
		return true
	end
	return false
end

-- One look at a job: what is to be shown of it, nil when it is over.
local function look(job, alive)
	local report = spool.report(job.id)
	if report and progress.FINAL[report.state] then
		finish(job, report)
		return nil
	end
	if not alive then
		return { job = job, words = progress.NO_DAEMON }
	elseif report then
		seen[job.id] = nil
	elseif missing(job) then
		return nil
	end
	return { job = job, words = progress.words(job, report), share = progress.share(report) }
end

-- Whether the daemon lives; that it does not is said once, and it is started again.
local function check_daemon()
	local state = daemon.state()
	if state == "silent" then
		if not silent then
			jobs.say("the daemon does not answer; starting it again. Its jobs are kept.")
		end
		silent = true
		daemon.start()
	elseif state == "alive" and silent then
		silent = false
		jobs.say("the daemon answers again")
	end
	return state == "alive"
end

local function tick()
	if spool.read(spool.path("hosts", "ping")) then -- somebody asks whether we are there
		os.rename(spool.path("hosts", "ping"), spool.path("hosts", "pong"))
	end
	local waiting = jobs.waiting()
	local lines = {}
	if waiting then
		local alive = check_daemon()
		for _, job in ipairs(waiting) do
			lines[#lines + 1] = look(job, alive)
		end
	else
		daemon.rest()
	end
	if #lines > 0 or shown then
		host.show(lines)
	end
	shown = #lines > 0
end

--- Look once. Never raises: an error here would come ten times a second.
function watch.tick()
	if busy then
		return
	end
	busy = true
	local ok, why = pcall(tick)
	busy = false
	if not ok then
		pcall(jobs.say, "a mistake in the watch: " .. tostring(why))
	end
end

return watch
