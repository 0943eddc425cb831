-- The dialog of "Generate stems", and messages.

local form = ...

local dialog = {}

--- Ask; the values by name, nil where the musician cancels. `words` say what is selected, `clip` names the tracks
--- that can be played along with ("" for none).
function dialog.ask(words, clip, values, settings)
	local answer = LuaDialog.Dialog("HarmonicFlow: generate stems", form.rows(words, clip, values, settings)):run()
	return answer and form.read(answer, clip, values) or nil
end

--- Tell something that cannot wait.
function dialog.tell(text)
	LuaDialog.Message("HarmonicFlow", text, LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run()
end

return dialog
