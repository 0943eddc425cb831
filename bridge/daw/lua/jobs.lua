-- What a host remembers between actions, in the spool's folder `hosts`: the dialog's last values for everybody, and
-- for each session the jobs that are on their way. So a restart of the host still finds its results.
--
-- Of `host` (see actions.lua) this uses name, project(), exists() and print().

local json, spool, host = ...

local jobs = {}

local MAX_LOG = 100000 -- bytes

local function hosts(name)
	return spool.path("hosts", name)
end

-- A name for a session that is safe in a file name: its own name and a hash of its place (djb2, Bernstein).
local function key(name, path)
	local hash = 5381
	for index = 1, #path do
		hash = (hash * 33 + path:byte(index)) % 4294967296
	end
	return ("%s-%s-%08x"):format(host.name, name:gsub("[^%w_-]", "_"):sub(1, 40), hash)
end

local function file_of(name, path)
	return hosts(key(name, path) .. ".json")
end

local function file()
	return file_of(host.project())
end

--- The dialog's last values.
function jobs.values()
	return spool.table_of(hosts(host.name .. ".json")) or {}
end

--- Keep the dialog's values.
function jobs.keep_values(values)
	spool.write(hosts(host.name .. ".json"), json.encode(values))
end

--- The jobs of this session that are on their way, and the last one that was sent: {jobs, last}.
function jobs.state()
	local found = spool.table_of(file()) or {}
	found.jobs = found.jobs or {}
	return found
end

--- The jobs on their way, nil when there is none: cheap enough to be asked ten times a second.
function jobs.waiting()
	if not host.exists(file()) then
		return nil
	end
	local found = jobs.state().jobs
	return #found > 0 and found or nil
end

--- Keep them.
function jobs.keep(state)
	spool.write(file(), json.encode({ jobs = json.array(state.jobs), last = state.last }))
end

--- Note a job that was sent, and how it can be sent again.
function jobs.add(job, last)
	local state = jobs.state()
	state.jobs[#state.jobs + 1] = job
	state.last = last
	jobs.keep(state)
end

--- Strike a job off the list.
function jobs.remove(id)
	local state, left = jobs.state(), {}
	for _, job in ipairs(state.jobs) do
		if job.id ~= id then
			left[#left + 1] = job
		end
	end
	state.jobs = left
	jobs.keep(state)
end

--- This session was another one before, which had no file yet: its jobs are ours now.
function jobs.adopt(name, path)
	local old = spool.table_of(file_of(name, path))
	if old then
		local state = jobs.state()
		for _, job in ipairs(old.jobs or {}) do
			state.jobs[#state.jobs + 1] = job
		end
		state.last = old.last or state.last
		jobs.keep(state)
		os.remove(file_of(name, path))
	end
end

--- A line in the session's log file.
function jobs.say(text)
	local name = hosts(key(host.project()) .. ".log")
	local log = io.open(name, "a")
	if log then
		local long = log:seek("end") > MAX_LOG
		log:write(os.date("%Y-%m-%d %H:%M:%S "), text, "\n")
		log:close()
		if long then
			os.remove(name)
		end
	end
	host.print("HarmonicFlow: " .. text)
end

return jobs
