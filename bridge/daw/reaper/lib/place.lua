-- From finished files to items on tracks, in one undo step that takes new tracks away too.
--
-- Alternatives are takes of one item where the ranges match: that is REAPER's own way, its take lanes show them, and a
-- key steps through them. A change inside an item splits it there, and is a take of the middle piece. Where ranges only
-- overlap, the new item goes over the old ones, whose overlapped pieces are muted: two that sound at once would be a
-- doubled bass. MIDI comes as an item of its own each time, the others muted: REAPER takes notes only into items that
-- it has made itself (CreateNewMIDIItemInProj), not into further takes.

local takes, project, items, media, timeline, fraction, safe = ...

local place = {}

local BUILD_PEAKS = 40047 -- the action "Peaks: Build any missing peaks"

local function new_track(part)
	local index = reaper.CountTracks(0)
	reaper.InsertTrackAtIndex(index, false)
	local track = reaper.GetTrack(0, index)
	reaper.GetSetMediaTrackInfo_String(track, "P_NAME", part.track, true)
	local colour = takes.colour(part.stem)
	local native = reaper.ColorToNative(colour >> 24 & 255, colour >> 16 & 255, colour >> 8 & 255)
	reaper.SetMediaTrackInfo_Value(track, "I_CUSTOMCOLOR", native | 0x1000000)
	if takes.EXTRAS[part.stem] then
		reaper.SetMediaTrackInfo_Value(track, "B_MUTE", 1)
	end
	return track
end

-- Parts that belong to one place, in their order: a list of {part's track, first, last, parts}.
local function grouped(parts)
	local groups, known = {}, {}
	for _, part in ipairs(parts) do
		local first, last = takes.range(part.take)
		local key = ("%s %d %d"):format(part.track, first, last)
		if not known[key] then
			known[key] = { parts = {}, first = first, last = last }
			groups[#groups + 1] = known[key]
		end
		table.insert(known[key].parts, part)
	end
	return groups
end

local function named(take, part)
	reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", part.name, true)
	return take
end

-- Sounds of a group as takes of one item, the first one playing.
local function lay_sounds(track, group, origin, rate)
	local from, upto = origin + group.first, origin + group.last
	local inside = items.cut(track, from, upto, rate)
	local item = items.exact(inside, from, upto, rate)
	if not item then
		items.mute(inside)
		item = reaper.AddMediaItemToTrack(track)
		items.put_new(item, from, upto, rate)
	end
	local playing
	for _, part in ipairs(group.parts) do
		local take = reaper.AddTakeToMediaItem(item)
		reaper.SetMediaItemTake_Source(take, part.source)
		part.placed = true -- from here on the source is the item's
		reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", group.first / rate)
		playing = playing or named(take, part)
		named(take, part)
	end
	reaper.SetActiveTake(playing)
	reaper.UpdateItemInProject(item)
end

-- A part's notes into an empty MIDI take, where they begin in `from` up to `upto`. `beat`: the quarter note of the
-- project at which the part begins.
local function write_notes(take, part, beat, from, upto, rate)
	local function seconds(quarters)
		return reaper.TimeMap_QNToTime_abs(0, beat + quarters)
	end
	local function ticks(time)
		return math.floor(reaper.MIDI_GetPPQPosFromProjTime(take, time) + 0.5)
	end
	local written = 0
	for _, note in ipairs(part.notes) do
		local start = seconds(note.start)
		if start * rate >= from - 0.5 and start * rate < upto - 0.5 then
			local first, last = ticks(start), ticks(math.min(seconds(note.stop), upto / rate))
			reaper.MIDI_InsertNote(
				take, false, false, first, math.max(last, first + 1), note.channel, note.pitch, note.velocity, true
			)
			written = written + 1
		end
	end
	reaper.MIDI_Sort(take)
	local _, count = reaper.MIDI_CountEvts(take)
	if count == 0 and written > 0 then -- some fewer may be right: an option of REAPER's corrects overlapping notes
		error(("REAPER took no notes of %s"):format(part.name), 0)
	end
end

local function lay_notes(track, group, origin, rate)
	local from, upto = origin + group.first, origin + group.last
	local beat = fraction.float(timeline.beat_at(origin, rate))
	items.mute(items.cut(track, from, upto, rate))
	for index, part in ipairs(group.parts) do
		local item = reaper.CreateNewMIDIItemInProj(track, from / rate, upto / rate, false)
		items.put_new(item, from, upto, rate)
		local take = named(reaper.GetActiveTake(item), part)
		write_notes(take, part, beat, from, upto, rate)
		if index > 1 then
			items.mute({ item })
		end
	end
end

local function lay(parts, origin, rate)
	for _, group in ipairs(grouped(parts)) do
		local part = group.parts[1]
		local track = project.track_named(part.track) or new_track(part)
		local put = part.kind == "midi" and lay_notes or lay_sounds
		put(track, group, origin, rate)
	end
end

-- Call `body` as one undo step. Where it fails the step ends under another name, and is taken back.
local function in_one_step(title, body)
	safe.finally(function()
		reaper.Undo_BeginBlock2(0)
		safe.finally(function()
			reaper.PreventUIRefresh(1)
			safe.finally(body, function()
				safe.surely(reaper.PreventUIRefresh, -1)
			end)
		end, function(ok)
			local name = ok and title or title .. " (failed)"
			safe.surely(reaper.Undo_EndBlock2, 0, name, -1)
			if not ok and safe.surely(reaper.Undo_CanUndo2, 0) == name then
				safe.surely(reaper.Undo_DoUndo2, 0)
			end
		end)
	end, function()
		safe.surely(reaper.TrackList_AdjustWindows, false) -- new tracks are to be seen
		safe.surely(reaper.UpdateArrange)
	end)
end

--- Put takes on their tracks, the first playing; how many pieces. `origin`: the project's frame of their first frame;
--- `wish`: which of mix, binaural and midi are wanted; `title`: the name of the undo step. Raises a sentence, and then
--- the project is as it was.
function place.takes(list, origin, wish, title)
	local rate = project.rate()
	local opened = media.open(list, wish, rate)
	safe.finally(function()
		in_one_step(title, function()
			lay(opened.parts, origin, rate)
		end)
	end, function(ok)
		if not ok then
			media.discard(opened)
		end
	end)
	pcall(reaper.Main_OnCommand, BUILD_PEAKS, 0)
	return #opened.parts
end

return place
