-- Whether the daemon lives, and starting it. Its heartbeat file changes twice a second.
--
-- Of `host` (see actions.lua) this uses now_s(), exists() and run().

local spool, settings, host = ...

local daemon = {}

local SILENCE_S = 3
local AGAIN_S = 20 -- between two attempts to start it

local last_beat, changed_s, started_s

-- Where the system shows processes as files, a dead one is known at once.
local function gone(beat)
	local pid = beat:match('"pid":%s*(%d+)')
	return pid and host.exists("/proc/self/stat") and not host.exists("/proc/" .. pid .. "/stat")
end

--- Start the daemon in the background, unless that was tried a moment ago.
function daemon.start()
	if settings.start and not (started_s and host.now_s() - started_s < AGAIN_S) then
		started_s = host.now_s()
		host.run(settings.start)
	end
end

--- Start it if it is plain that none runs.
function daemon.wake()
	local beat = spool.beat()
	if not beat or gone(beat) then
		daemon.start()
	end
end

--- Nobody waits for the daemon: the next look begins anew.
function daemon.rest()
	last_beat, changed_s = nil, nil
end

--- "alive", or "silent" for `SILENCE_S` seconds or more; to be asked again and again while a job is under way.
function daemon.state()
	local beat = spool.beat()
	if beat ~= last_beat or not changed_s then
		last_beat, changed_s = beat, host.now_s()
	end
	if beat and gone(beat) or host.now_s() - changed_s >= SILENCE_S then
		return "silent"
	end
	return beat and "alive" or "starting"
end

return daemon
