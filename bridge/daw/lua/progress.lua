-- What is selected, how far a job is, and what went wrong, in words.

local progress = {}

--- The states that nothing follows.
progress.FINAL = { done = true, failed = true, cancelled = true }

progress.NO_DAEMON = "no answer from the daemon, starting it again"

-- What a report says: "playing 3 of 8".
local function said(report)
	return report.words ~= "" and report.words or report.state
end

--- What is shown of a job, the news first: a host may cut the rest. Without a report it is on its way.
function progress.words(job, report)
	local text = "on its way"
	if report then
		text = said(report)
		if report.state == "queued" and (report.position or 0) > 0 then
			text = ("waits for %d other%s"):format(report.position, report.position > 1 and "s" or "")
		elseif report.seconds_left and report.seconds_left >= 1 then
			text = ("%d s left, %s"):format(math.floor(report.seconds_left + 0.5), text)
		end
	end
	return ("%s (%s)"):format(text, job.what)
end

--- How much of a job is done, 0 to 1; nil where nobody knows.
function progress.share(report)
	if report and report.state ~= "queued" and (report.steps or 0) > 0 then
		return math.min(report.step / report.steps, 1)
	end
	return nil
end

--- Why a report says that its job failed.
function progress.failure(report)
	local error = report.error or {}
	return ("%s. %s."):format(error.message or "the daemon does not say why", error.todo or "")
end

--- What is selected: "Bars 2 to 3, 4.3 s at 93.7 BPM".
function progress.range(bar, last_bar, seconds, bpm, meter_changes)
	local bars = bar == last_bar and ("Bar %d"):format(bar) or ("Bars %d to %d"):format(bar, last_bar)
	local tempo = ("%.2f"):format(bpm):gsub("%.?0+$", "")
	return ("%s, %.1f s at %s BPM%s"):format(bars, seconds, tempo, meter_changes and ", meter changes" or "")
end

--- A sentence: the first letter large.
function progress.sentence(text)
	return (tostring(text):gsub("^%l", string.upper))
end

return progress
