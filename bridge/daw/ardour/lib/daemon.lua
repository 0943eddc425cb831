-- Whether the daemon lives, and starting it. Its heartbeat file changes twice a second.

local spool, settings = ...

local daemon = {}

local SILENCE_S = 3
local AGAIN_S = 20 -- between two attempts to start it

local last_beat, changed_s, started_s

local function now_s()
	return ARDOUR.LuaAPI.monotonic_time() / 1e6
end

-- Where the system shows processes as files, a dead one is known at once.
local function gone(beat)
	local pid = beat:match('"pid":%s*(%d+)')
	local shown = ARDOUR.LuaAPI.file_test("/proc/self", ARDOUR.LuaAPI.FileTest.Exists)
	return pid and shown and not ARDOUR.LuaAPI.file_test("/proc/" .. pid, ARDOUR.LuaAPI.FileTest.Exists)
end

--- Start the daemon in the background, unless that was tried a moment ago.
function daemon.start()
	if settings.start and not (started_s and now_s() - started_s < AGAIN_S) then
		started_s = now_s()
		os.forkexec(table.unpack(settings.start))
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
		last_beat, changed_s = beat, now_s()
	end
	if beat and gone(beat) or now_s() - changed_s >= SILENCE_S then
		return "silent"
	end
	return beat and "alive" or "starting"
end

return daemon
