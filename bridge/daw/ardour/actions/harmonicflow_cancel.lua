ardour {
	["type"] = "EditorAction",
	name = "HarmonicFlow: Cancel",
	license = "MIT",
	author = "HarmonicFlow contributors",
	description = [[End the jobs of this session; nothing was changed]]
}

function factory () return function ()
	local folder = ARDOUR.LuaAPI.build_filename (ARDOUR.user_config_directory (-1), "harmonicflow")
	local chunk, why = loadfile (ARDOUR.LuaAPI.build_filename (folder, "main.lua"))
	local ok, main = false, why
	if chunk then ok, main = pcall (chunk, folder) end
	if ok then return main.act ("cancel") end
	local text = "HarmonicFlow is not complete here. Run in a terminal: harmonicflow bridge install ardour\n(" .. tostring (main) .. ")"
	LuaDialog.Message ("HarmonicFlow", text, LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end
