ardour {
	["type"] = "EditorAction",
	name = "HarmonicFlow: Regenerate bass on selection",
	license = "MIT",
	author = "HarmonicFlow contributors",
	description = [[Another bass in the selected bars, as a layer above; everything else stays]]
}

function factory () return function ()
	local folder = ARDOUR.LuaAPI.build_filename (ARDOUR.user_config_directory (-1), "harmonicflow")
	local chunk, why = loadfile (ARDOUR.LuaAPI.build_filename (folder, "main.lua"))
	local ok, main = false, why
	if chunk then ok, main = pcall (chunk, folder) end
	if ok then return main.act ("regenerate", "bass") end
	local text = "HarmonicFlow is not complete here. Run in a terminal: harmonicflow bridge install ardour\n(" .. tostring (main) .. ")"
	LuaDialog.Message ("HarmonicFlow", text, LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run ()
end end
