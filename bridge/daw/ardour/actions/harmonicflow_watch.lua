ardour {
	["type"] = "EditorHook",
	name = "HarmonicFlow: watch",
	license = "MIT",
	author = "HarmonicFlow contributors",
	description = [[Shows how far HarmonicFlow is, and puts its results on their tracks]]
}

function signals ()
	return LuaSignal.Set ():add ({ [LuaSignal.LuaTimerDS] = true })
end

function factory ()
	local main, complained
	return function ()
		if not main then
			local folder = ARDOUR.LuaAPI.build_filename (ARDOUR.user_config_directory (-1), "harmonicflow")
			local chunk, why = loadfile (ARDOUR.LuaAPI.build_filename (folder, "main.lua"))
			local ok, answer = false, why
			if chunk then ok, answer = pcall (chunk, folder) end
			if not ok then
				if not complained then print ("HarmonicFlow: " .. tostring (answer)) end
				complained = true
				return
			end
			main = answer
		end
		main.tick ()
	end
end
