-- The sound of tracks in a range, straight from their playlists: nothing is bounced, nothing is written into the
-- session. It is what was recorded, with fades, region gains and layers, before the track's effects and fader.
--
-- Legend: frames count from the session's start; samples are tables of numbers.

local clip = {}

local BLOCK = 65536 -- frames read at once

-- The most channels that a region in the range has; 0 where there is none.
local function width(playlist, from, upto)
	local most = 0
	for region in playlist:region_list():iter() do
		local audio = region:to_audioregion()
		local start = region:position():samples()
		if not audio:isnil() and not region:muted() and start < upto and start + region:length():samples() > from then
			most = math.max(most, audio:n_channels())
		end
	end
	return math.min(most, 2)
end

--- Of `tracks` those with sound in the range: a list of {playlist, channels, name}.
function clip.sources(tracks, from, upto)
	local found = {}
	for _, track in ipairs(tracks) do
		local playlist = track:playlist()
		local audio = playlist:isnil() and playlist or playlist:to_audioplaylist()
		if not audio:isnil() then
			local channels = width(audio, from, upto)
			if channels > 0 then
				found[#found + 1] = { playlist = audio, channels = channels, name = track:name() }
			end
		end
	end
	return found
end

-- One channel of one playlist: frames `first` to `first + count` as a table.
local function read(memory, source, channel, first, count)
	local sound, mixdown, gain = memory:to_float(0), memory:to_float(BLOCK), memory:to_float(2 * BLOCK)
	source.playlist:read(
		sound, mixdown, gain, Temporal.timepos_t(first), Temporal.timecnt_t(count), math.min(channel, source.channels - 1)
	)
	return sound:get_table(count)
end

--- What `sources` sound like together: as many channels as the widest has, each a function(first, count) that
--- gives samples, `first` counted from `from`.
function clip.channels(sources, from)
	local memory = ARDOUR.DSP.DspShm(3 * BLOCK)
	local most, functions = 0, {}
	for _, source in ipairs(sources) do
		most = math.max(most, source.channels)
	end
	for channel = 0, most - 1 do
		functions[channel + 1] = function(first, count)
			local sum
			for _, source in ipairs(sources) do
				local samples = read(memory, source, channel, from + first, count)
				if sum then
					for index = 1, count do
						sum[index] = sum[index] + samples[index]
					end
				else
					sum = samples
				end
			end
			return sum
		end
	end
	return functions
end

--- Call `use` with the channels of what sounds in the range, and a name for it; not where nothing does.
function clip.sound(tracks, from, upto, use)
	local sources = clip.sources(tracks, from, upto)
	if #sources > 0 then
		use(clip.channels(sources, from), sources[1].name)
	end
end

return clip
