-- Calls that must happen whatever else goes wrong.

local safe = {}

--- Do a call that gives something back or closes something; once more where that fails. Never raises; what it answers,
--- nil where it could not be done.
function safe.surely(call, ...)
	local ok, answer = pcall(call, ...)
	if not ok then
		ok, answer = pcall(call, ...)
	end
	return ok and answer or nil
end

--- Call `body`, then `after` in any case, with whether it went well; what `body` raises is raised then.
function safe.finally(body, after)
	local ok, answer = pcall(body)
	after(ok)
	if not ok then
		error(answer, 0)
	end
	return answer
end

return safe
