ardour {
	["type"] = "EditorAction",
	name = "HarmonicFlow: Another take",
	license = "MIT",
	author = "HarmonicFlow contributors",
	description = [[The last request once more with another seed, as a layer above]]
}

function factory () return function ()
	local folder = ARDOUR.LuaAPI.build_filename (ARDOUR.user_config_directory (-1), "harmonicflow")
	local chunk, why = loadfile (ARDOUR.LuaAPI.build_filename (folder, "main.lua"))
	local ok, main = false, why
	if chunk then ok, main = pcall (chunk, folder) end
	if ok then return main.act ("another") end
	local text = "HarmonicFlow is not complete here. Run in a terminal: harmonicflow bridge install ardour\n(" .. tostring (main) .. ")"
	LuaDialog.Message ("HarmonicFlow", text, LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end
