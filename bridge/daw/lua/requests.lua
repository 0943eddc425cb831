-- From what is selected and asked for to a request of the protocol.
--
-- Of `host` (see actions.lua) this uses name, now_s(), project(), selection(), sound() and score().

local json, spool, host = ...

local requests = {}

math.randomseed(os.time() + math.floor(host.now_s() * 1e6) % 1000000007)

-- A seed that nobody has chosen.
local function new_seed()
	return math.random(1, 2147483647)
end

-- The chosen stems; none where all are, which leaves the choice to the bundle.
local function stems_of(values, all)
	local chosen = {}
	for _, stem in ipairs(all) do
		if values[stem] == nil or values[stem] then
			chosen[#chosen + 1] = stem
		end
	end
	if #chosen == 0 then
		error("choose at least one instrument", 0)
	end
	return json.array(#chosen < #all and chosen or {})
end

local function said(text)
	return text and text:match("%S") and text or nil
end

--- Write the clip and send a generate request. The audio of `tracks` is the clip, the notes of their MIDI are finished
--- parts; either may be missing.
function requests.generate(id, from, upto, tracks, values, stems)
	local spec, words = host.selection(from, upto)
	local session = host.project()
	local typed = values.chord_source == "typed" and said(values.chords) or nil
	local request = {
		kind = "generate", id = id, selection = spec, stems = stems_of(values, stems), prompt = values.prompt or "",
		genre = said(values.genre), mood = said(values.mood), chords = typed,
		seed = (values.seed or 0) > 0 and values.seed or new_seed(), count = values.count or 1,
		title = (session .. ": " .. words):sub(1, 200),
		steering = { quantize = values.quantize or 0.5 },
		score = host.score(tracks, from, upto),
	}
	host.sound(tracks, from, upto, function(channels, name)
		spool.put_sound(id, 0, upto - from, channels)
		request.clip = {
			rate = spec.rate, channels = #channels, frames = upto - from, start_frame = from, name = name:sub(1, 200),
		}
	end)
	spool.send(request)
end

--- Send a regenerate request for frames `first` to `last` of a take.
function requests.regenerate(id, take, stem, first, last)
	spool.send({
		kind = "regenerate", id = id, take = take, stems = json.array({ stem }), frames = json.array({ first, last }),
		seed = new_seed(),
	})
end

return requests
