-- What only REAPER can do, as lua/actions.lua lists it.

local takes, project, timeline, clip, notes, selected, heard, place, window, dialog = ...

local host = {
	name = "reaper", tell = dialog.tell, show = window.show, sound = clip.sound, score = notes.score,
	project = project.identity, range = selected.range, track_name = project.track_name,
	track_named = project.track_named, selection = timeline.selection, take_at = heard.at, place = place.takes,
}

-- Looked up at each call: what a script is given at its start need not be what it has later.
function host.now_s()
	return reaper.time_precise()
end

function host.exists(path)
	local file = io.open(path, "rb")
	if file then
		file:close()
	end
	return file ~= nil
end

-- One word of a command line, as Windows programs read it.
local function quoted_for_windows(word)
	return '"' .. word:gsub('(\\*)"', '%1%1\\"'):gsub("(\\+)$", "%1%1") .. '"'
end

-- One word of a command line, as the shell of POSIX reads it.
local function quoted_for_shell(word)
	return "'" .. word:gsub("'", "'\\''") .. "'"
end

function host.run(words)
	local windows = reaper.GetOS():find("^Win") ~= nil
	local quoted = {}
	for index, word in ipairs(words) do
		quoted[index] = (windows and quoted_for_windows or quoted_for_shell)(word)
	end
	if windows then
		reaper.ExecProcess(table.concat(quoted, " "), -2) -- and do not wait
	else
		os.execute(table.concat(quoted, " ") .. " </dev/null >/dev/null 2>&1 &")
	end
end

function host.print(text)
	reaper.ShowConsoleMsg("!SHOW:" .. text .. "\n") -- without opening the console
end

function host.heard(tracks, from, upto)
	return takes.sources(clip.sources(tracks, from, upto), notes.sources(tracks))
end

return host
