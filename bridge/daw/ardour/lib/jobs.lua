-- What Ardour remembers between actions, in the spool's folder `hosts`: the dialog's last values for everybody, and
-- for each session the jobs that are on their way. So a restart of Ardour still finds its results.

local json, spool = ...

local jobs = {}

local MAX_LOG = 100000 -- bytes

local function hosts(name)
	return spool.path("hosts", name)
end

-- A name for a session that is safe in a file name: its own name and a hash of its folder (djb2, Bernstein).
local function key(session)
	local path, hash = session:path(), 5381
	for index = 1, #path do
		hash = (hash * 33 + path:byte(index)) % 4294967296
	end
	return ("ardour-%s-%08x"):format(session:name():gsub("[^%w_-]", "_"):sub(1, 40), hash)
end

--- The dialog's last values.
function jobs.values()
	return spool.table_of(hosts("ardour.json")) or {}
end

--- Keep the dialog's values.
function jobs.keep_values(values)
	spool.write(hosts("ardour.json"), json.encode(values))
end

--- The jobs of a session that are on their way, and the last one that was sent: {jobs, last}.
function jobs.of(session)
	local found = spool.table_of(hosts(key(session) .. ".json")) or {}
	found.jobs = found.jobs or {}
	return found
end

--- The jobs on their way, nil when there is none: cheap enough to be asked ten times a second.
function jobs.waiting(session)
	if not ARDOUR.LuaAPI.file_test(hosts(key(session) .. ".json"), ARDOUR.LuaAPI.FileTest.Exists) then
		return nil
	end
	local found = jobs.of(session).jobs
	return #found > 0 and found or nil
end

--- Whether a job is still on the list.
function jobs.has(session, id)
	for _, job in ipairs(jobs.of(session).jobs) do
		if job.id == id then
			return true
		end
	end
	return false
end

--- Keep them.
function jobs.keep(session, state)
	local text = json.encode({ jobs = json.array(state.jobs), last = state.last })
	spool.write(hosts(key(session) .. ".json"), text)
end

--- Note a job that was sent, and how it can be sent again.
function jobs.add(session, job, last)
	local state = jobs.of(session)
	state.jobs[#state.jobs + 1] = job
	state.last = last
	jobs.keep(session, state)
end

--- Strike a job off the list.
function jobs.remove(session, id)
	local state, left = jobs.of(session), {}
	for _, job in ipairs(state.jobs) do
		if job.id ~= id then
			left[#left + 1] = job
		end
	end
	state.jobs = left
	jobs.keep(session, state)
end

--- A line in the session's log file.
function jobs.say(session, text)
	local name = hosts(key(session) .. ".log")
	local file = io.open(name, "a")
	if file then
		local long = file:seek("end") > MAX_LOG
		file:write(os.date("%Y-%m-%d %H:%M:%S "), text, "\n")
		file:close()
		if long then
			os.remove(name)
		end
	end
	print("HarmonicFlow: " .. text) -- Ardour's own log window
end

return jobs
