-- What only Ardour can do, as lua/actions.lua lists it.

local takes, timeline, clip, notes, selected, heard, place, marks, dialog = ...

local host = { name = "ardour", tell = dialog.tell, show = marks.show, print = print, sound = clip.sound }

function host.now_s()
	return ARDOUR.LuaAPI.monotonic_time() / 1e6
end

function host.exists(path)
	return ARDOUR.LuaAPI.file_test(path, ARDOUR.LuaAPI.FileTest.Exists)
end

function host.run(words)
	os.forkexec(table.unpack(words))
end

function host.project()
	return Session:name(), Session:path()
end

function host.range()
	return selected.range(Session, Editor)
end

function host.track_name(track)
	return track:name()
end

function host.track_named(name)
	local route = Session:route_by_name(name)
	return not route:isnil() and route:to_track() or nil
end

function host.selection(from, upto)
	return timeline.selection(Session, from, upto)
end

function host.heard(tracks, from, upto)
	return takes.sources(clip.sources(tracks, from, upto), notes.sources(tracks))
end

function host.score(tracks, from, upto)
	return notes.score(notes.sources(tracks), from, upto)
end

function host.take_at(from, upto)
	return heard.at(Session, from, upto)
end

function host.place(list, origin, wish, title)
	return place.takes(Session, Editor, list, origin, wish, title)
end

return host
