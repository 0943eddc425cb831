-- One watch for all of REAPER: a script of its own that goes on as long as REAPER runs, so that an action can be done
-- again without REAPER asking what to do with the one before.

local project, jobs, watch, window, actions, settings, folder = ...

local watching = {}

local SECTION = "HarmonicFlow"
local BUSY_S, IDLE_S = 0.1, 0.5 -- from one look to the next
local LOST_S = 2 -- a watch that has not looked for so long is none

--- Whether a watch lives somewhere in this REAPER.
function watching.alive()
	local seen_s = tonumber(reaper.GetExtState(SECTION, "seen"))
	return seen_s ~= nil and reaper.time_precise() - seen_s < LOST_S
end

local function look()
	local name, place = project.before()
	if name then
		jobs.adopt(name, place)
	end
	watch.tick()
end

local function cancel()
	actions.act(actions.cancel)
end

-- Look again and again, until another watch says that it is the one.
local function run()
	local token, looked_s, pause_s = reaper.genGuid(), -1, 0
	reaper.SetExtState(SECTION, "owner", token, false)
	reaper.atexit(function()
		pcall(window.quit)
		local ok, owner = pcall(reaper.GetExtState, SECTION, "owner")
		if not ok or owner == token then
			pcall(reaper.DeleteExtState, SECTION, "seen", false)
		end
	end)
	local function step()
		local now_s = reaper.time_precise()
		if now_s - looked_s >= pause_s then
			looked_s = now_s
			reaper.SetExtState(SECTION, "seen", ("%.3f"):format(now_s), false)
			if reaper.GetExtState(SECTION, "show") ~= "" then
				reaper.DeleteExtState(SECTION, "show", false)
				window.unhide()
			end
			look()
			pause_s = jobs.waiting() and BUSY_S or IDLE_S
		end
		window.frame(cancel)
	end
	local function loop()
		if reaper.GetExtState(SECTION, "owner") ~= token then
			return window.quit()
		end
		pcall(step)
		reaper.defer(loop)
	end
	loop()
end

--- Watch from here on, with the window back; whoever does it now ends.
watching.here = run

-- Have the action of this number watch; where that does not work, this script.
local function run_by(command)
	if command ~= 0 then
		reaper.Main_OnCommand(command, 0)
	end
	if not watching.alive() then
		run()
	end
end

--- As REAPER starts: the watch's own action, so that it does not share the graphics window and the mistakes of what else
--- a musician's __startup.lua does.
function watching.resume()
	run_by(reaper.NamedCommandLookup(settings.watch or ""))
end

--- See to it that somebody watches: the watch's own action where REAPER knows it, else this script.
function watching.start()
	if watching.alive() then
		return reaper.SetExtState(SECTION, "show", "1", false)
	end
	local command = reaper.NamedCommandLookup(settings.watch or "")
	if command == 0 then
		command = reaper.AddRemoveReaScript(true, 0, folder .. "/HarmonicFlow_watch.lua", true)
	end
	run_by(command)
end

return watching
