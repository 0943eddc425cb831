-- How far jobs are, as range markers over their selections: the one display in Ardour that lets one go on working.

local marks = {}

local MARK = "HF: "

local function place_of(from, upto)
	return from .. "-" .. upto
end

-- Ours in the session, by their places, a list each: Ardour may hold two over one range.
local function ours(locations)
	local found = {}
	for location in locations:list():iter() do
		if location:is_range_marker() and location:name():sub(1, #MARK) == MARK then
			local place = place_of(location:start():samples(), location:_end():samples())
			found[place] = found[place] or {}
			table.insert(found[place], location)
		end
	end
	return found
end

--- Show these lines ({job, words}) and nothing else; of several jobs over one range the first. What a crash has left in
--- a saved session goes too.
function marks.show(lines)
	local locations = Session:locations()
	local standing, wanted = ours(locations), {}
	for _, line in ipairs(lines) do
		local job = line.job
		local place = place_of(job.from, job.upto)
		local name = MARK .. line.words
		local location = standing[place] and standing[place][1]
		if wanted[place] then
			location = nil -- another job's
		elseif not location then
			location = locations:add_range(Temporal.timepos_t(job.from), Temporal.timepos_t(job.upto))
		end
		wanted[place] = true
		if location and location:name() ~= name then
			location:set_name(name)
		end
	end
	for place, list in pairs(standing) do
		for index = wanted[place] and 2 or 1, #list do
			locations:remove(list[index])
		end
	end
end

return marks
