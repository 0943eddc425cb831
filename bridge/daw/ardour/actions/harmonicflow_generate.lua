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
	if not chunk then
		print ("HarmonicFlow: run once in a terminal: harmonicflow bridge install ardour (" .. tostring (why) .. ")")
		return
	end
	chunk (folder).act ("generate", true)
end end
