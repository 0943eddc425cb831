ardour {
	["type"] = "EditorAction",
	name = "HarmonicFlow: Generate stems from selection",
	license = "MIT",
	author = "HarmonicFlow contributors",
	description = [[Bass, drums, guitar and piano for the selected range, playing along with the selected tracks]]
}

function factory () return function ()
	local folder = ARDOUR.LuaAPI.build_filename (ARDOUR.user_config_directory (-1), "harmonicflow")
	local chunk, why = loadfile (ARDOUR.LuaAPI.build_filename (folder, "main.lua"))
	local ok, main = false, why
	if chunk then ok, main = pcall (chunk, folder) end
	if ok then return main.act ("generate", true) end
	local text = "HarmonicFlow is not complete here. Run in a terminal: harmonicflow bridge install ardour\n(" .. tostring (main) .. ")"
	LuaDialog.Message ("HarmonicFlow", text, LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end
