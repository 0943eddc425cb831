-- HarmonicFlow (MIT). The same text under the name of each action: main.lua does what the file's name says.

local file = select(2, reaper.get_action_context())
local folder, name = file:match("^(.*)[/\\]HarmonicFlow_([^/\\]*)%.lua$")
local chunk, why = loadfile(tostring(folder) .. "/lib/main.lua")
local ok, main = false, why
if chunk then
	ok, main = pcall(chunk, folder)
end
if ok then
	return main.run(name)
end
reaper.ShowMessageBox(
	"HarmonicFlow is not complete here. Run in a terminal: harmonicflow bridge install reaper\n(" .. tostring(main) .. ")",
	"HarmonicFlow", 0
)
