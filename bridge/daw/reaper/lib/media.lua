-- The files of a take, brought into the project's own folder and opened there; and everything that can be wrong with
-- them is found here, before the project is touched.

local takes, project, midi_file, safe = ...

local media = {}

local CHUNK = 1 << 20 -- bytes copied at once

local function separator(path)
	return path:find("\\") and "\\" or "/"
end

local function open(path, mode)
	local file, why = io.open(path, mode)
	if not file then
		error("cannot read or write " .. path .. ": " .. tostring(why), 0)
	end
	return file
end

local function size_of(path)
	local file = io.open(path, "rb")
	if not file then
		return nil
	end
	local size = file:seek("end")
	file:close()
	return size
end

-- Copy a file whole or not at all.
local function copy(from, to)
	local source = open(from, "rb")
	safe.finally(function()
		local target = open(to .. ".part", "wb")
		for chunk in function() return source:read(CHUNK) end do
			local written, why = target:write(chunk)
			if not written then
				target:close()
				error("cannot write " .. to .. ": " .. tostring(why), 0)
			end
		end
		local closed, why = target:close()
		if not closed or not os.rename(to .. ".part", to) then
			error("cannot write " .. to .. ": " .. tostring(why), 0)
		end
	end, function(ok)
		source:close()
		if not ok then
			os.remove(to .. ".part")
		end
	end)
end

-- A part's file in the project's folder: copied, unless an earlier result has brought it. `made`: what is new there.
local function brought(part, made)
	local root = reaper.GetProjectPathEx(0)
	local folder = root .. separator(root) .. "HarmonicFlow"
	reaper.RecursiveCreateDirectory(folder, 0)
	local path = folder .. separator(root) .. part.name .. ".wav"
	local size = size_of(part.path) or error("there is no file " .. part.path, 0)
	if size_of(path) ~= size then
		copy(part.path, path)
		made[#made + 1] = path
	end
	return path
end

local function open_sound(part, made)
	part.source = reaper.PCM_Source_CreateFromFile(brought(part, made))
	if not part.source then
		error("REAPER could not read " .. part.path, 0)
	end
	local seconds, in_beats = reaper.GetMediaSourceLength(part.source)
	if in_beats then
		error(part.path .. " is no sound", 0)
	end
	takes.check_length(part, project.frame(seconds, reaper.GetMediaSourceSampleRate(part.source)))
end

local function read_notes(part)
	local file = open(part.path, "rb")
	local text = file:read("a")
	file:close()
	local ok, notes = pcall(midi_file.notes, text)
	if not ok then
		error(part.path .. " cannot be read: " .. notes, 0)
	end
	part.notes = notes
end

--- The parts of takes that go to tracks, opened and checked: sounds have a `source`, MIDI has its `notes`. Raises a
--- sentence, and then nothing is left open and no file is left behind.
function media.open(list, wish, rate)
	local parts, made = {}, {}
	local opened = safe.finally(function()
		for _, take in ipairs(list) do
			takes.check_rate(take, rate)
			for _, part in ipairs(takes.wanted(take, wish)) do
				parts[#parts + 1] = part
				if part.kind == "midi" then
					read_notes(part)
				else
					open_sound(part, made)
				end
			end
		end
		return { parts = parts, made = made }
	end, function(ok)
		if not ok then
			media.discard({ parts = parts, made = made })
		end
	end)
	return opened
end

--- Give back what no item plays, and remove the files that were brought for it.
function media.discard(opened)
	for _, part in ipairs(opened.parts) do
		if part.source and not part.placed then
			safe.surely(reaper.PCM_Source_Destroy, part.source)
			part.source = nil
		end
	end
	for _, path in ipairs(opened.made) do
		os.remove(path)
	end
end

return media
