ardour {
	["type"] = "EditorAction",
	name = "HarmonicFlow: Regenerate piano on selection",
	license = "MIT",
	author = "HarmonicFlow contributors",
	description = [[Another piano in the selected bars, as a layer above; everything else stays]]
}

function factory () return function ()
	local folder = ARDOUR.LuaAPI.build_filename (ARDOUR.user_config_directory (-1), "harmonicflow")
	local chunk, why = loadfile (ARDOUR.LuaAPI.build_filename (folder, "main.lua"))
	if not chunk then
		print ("HarmonicFlow: run once in a terminal: harmonicflow bridge install ardour (" .. tostring (why) .. ")")
		return
	end
	chunk (folder).act ("regenerate", "piano")
end end
