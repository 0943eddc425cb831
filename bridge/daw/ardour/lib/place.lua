-- From finished files to regions on tracks, in one undo step. Ardour copies the files into the session.
--
-- Tracks are made when they are missing, and that cannot be undone in Ardour: after an undo they stay, empty.
-- Whatever can fail (a file that cannot be imported, a wrong length) is found before the session is touched.

local takes = ...

local place = {}

-- Every region that stands for a whole file of a kind ("audio", "midi"), by its id.
local function whole_files(kind)
	local found = {}
	for _, region in ARDOUR.RegionFactory.regions():iter() do
		local right = kind == "midi" and region:to_midiregion() or region:to_audioregion()
		if region:whole_file() and not right:isnil() then
			found[region:to_stateful():id():to_s()] = region
		end
	end
	return found
end

-- Import one file as a region that lies on no track yet; raises a sentence. do_import itself never says that it failed.
local function import(session, editor, path, kind)
	local before = whole_files(kind)
	local files = C.StringVector()
	files:push_back(path)
	-- By itself an import leaves an undo step "insert file" in which nothing happens. Inside an open step it leaves none,
	-- and closes that one.
	session:begin_reversible_command("import")
	editor:do_import(
		files, Editing.ImportDistinctFiles, Editing.ImportAsRegion, ARDOUR.SrcQuality.SrcBest,
		ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
		Temporal.timepos_t(0), ARDOUR.PluginInfo(), ARDOUR.Track(), false
	)
	session:abort_reversible_command()
	for id, region in pairs(whole_files(kind)) do
		if not before[id] then
			return region
		end
	end
	error("Ardour could not import " .. path, 0)
end

-- Do something while Ardour's pianoroll of a new track opens at a stem's own range: by default it shows the octaves
-- above middle C, where no bass and no drum is.
local function with_notes_of(stem, call)
	local range, config = takes.PITCHES[stem], ArdourUI.config()
	if not range or not config.set_default_lower_midi_note then
		return call()
	end
	local low, high = config:get_default_lower_midi_note(), config:get_default_upper_midi_note()
	config:set_default_lower_midi_note(range[1])
	config:set_default_upper_midi_note(range[2])
	local ok, answer = pcall(call)
	config:set_default_lower_midi_note(low)
	config:set_default_upper_midi_note(high)
	return ok and answer or error(answer, 0)
end

local function new_tracks(session, part, name)
	local order, mode = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
	if part.kind == "audio" then
		return session:new_audio_track(part.channels, 2, nil, 1, name, order, mode, true, false)
	end
	return with_notes_of(part.stem, function()
		local one = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
		return session:new_midi_track(one, one, true, ARDOUR.PluginInfo(), nil, nil, 1, name, order, mode, true, false)
	end)
end

-- The track of a part, made if it is missing.
local function track_of(session, part)
	local name = part.track
	local route = session:route_by_name(name)
	if not route:isnil() then
		return route:to_track()
	end
	for track in new_tracks(session, part, name):iter() do
		route = track
	end
	if route:isnil() then
		error("Ardour could not make the track " .. name, 0)
	end
	route:presentation_info_ptr():set_color(takes.colour(part.stem))
	if takes.EXTRAS[part.stem] then
		route:mute_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
	end
	return route:to_track()
end

-- The region of a part, cut to what was edited, and where it goes.
local function region_of(part, whole, take, origin)
	local region = ARDOUR.RegionFactory.clone_region(whole, true, false)
	region:set_name(part.name)
	local first, last = takes.range(take)
	if part.kind == "audio" then
		-- The length first: Ardour refuses a start from which the old length would pass the file's end.
		region:set_length(Temporal.timecnt_t(last - first))
		region:set_start(Temporal.timepos_t(first))
		if region:length():samples() ~= last - first or region:start():samples() ~= first then
			error("Ardour did not cut " .. part.path .. " to its length", 0)
		end
		local audio = region:to_audioregion()
		-- Inside a take the layers below are the same sound: nothing is to be faded.
		audio:set_fade_in_active(first == 0)
		audio:set_fade_out_active(last == take.frames)
	else
		local function ticks(frame)
			return Temporal.timepos_t(origin + frame):ticks()
		end
		local start, stop = ticks(first) - ticks(0), ticks(last) - ticks(0)
		region:set_length(Temporal.timecnt_t.from_ticks(stop - start))
		region:set_start(Temporal.timepos_t.from_ticks(start))
	end
	return region, origin + first
end

-- Every part of every take, imported and checked; the last take first, since each goes above the one before.
local function imported(session, editor, list, wish)
	local parts = {}
	for index = #list, 1, -1 do
		takes.check_rate(list[index], session:nominal_sample_rate())
		for _, part in ipairs(takes.wanted(list[index], wish)) do
			part.region = import(session, editor, part.path, part.kind)
			if part.kind == "audio" then
				takes.check_length(part, part.region:length():samples())
			end
			parts[#parts + 1] = part
		end
	end
	return parts
end

-- The regions onto their tracks; the changes of every playlist go to the undo step that is open.
local function lay(session, parts, origin)
	local playlists, order = {}, {}
	for _, part in ipairs(parts) do
		local playlist = track_of(session, part):playlist()
		local id = playlist:to_stateful():id():to_s()
		if not playlists[id] then
			playlist:to_stateful():clear_changes()
			playlists[id] = playlist
			order[#order + 1] = playlist
		end
		local region, at = region_of(part, part.region, part.take, origin)
		playlist:add_region(region, Temporal.timepos_t(at), 1, false, 0, 0, false)
		playlist:raise_region_to_top(region)
	end
	for _, playlist in ipairs(order) do
		session:add_stateful_diff_command(playlist:to_statefuldestructible())
	end
end

--- Put takes on their tracks, the first on top; how many regions. `origin`: the session's frame of their first frame;
--- `wish`: which of mix, binaural and midi are wanted; `title`: the name of the undo step. Raises a sentence, and
--- then no region lies on any track.
function place.takes(session, editor, list, origin, wish, title)
	local parts = imported(session, editor, list, wish)
	session:begin_reversible_command(title)
	lay(session, parts, origin)
	session:commit_reversible_command(nil)
	return #parts
end

return place
