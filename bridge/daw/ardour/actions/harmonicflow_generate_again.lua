ardour {
	["type"] = "EditorAction",
	name = "HarmonicFlow: Generate stems (last settings)",
	license = "MIT",
	author = "HarmonicFlow contributors",
	description = [[The same without the dialog, with the values of last time]]
}

function factory () return function ()
	local folder = ARDOUR.LuaAPI.build_filename (ARDOUR.user_config_directory (-1), "harmonicflow")
	local chunk, why = loadfile (ARDOUR.LuaAPI.build_filename (folder, "main.lua"))
	if not chunk then
		print ("HarmonicFlow: run once in a terminal: harmonicflow bridge install ardour (" .. tostring (why) .. ")")
		return
	end
	chunk (folder).act ("generate", false)
end end
