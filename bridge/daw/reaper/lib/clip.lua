-- The sound of tracks in a range, through REAPER's audio accessors: what was recorded, with fades and item volumes,
-- before the track's effects and fader. Channels 1 and 2.

local project, safe = ...

local clip = {}

local BLOCK = 16384 -- frames read at once

-- The channels of what a take plays. A section or a reversed source may not know it, but what it is made from does.
local function channels_in(take)
	local source, channels = reaper.GetMediaItemTake_Source(take), 0
	while source and channels == 0 do
		channels = reaper.GetMediaSourceNumChannels(source)
		source = channels == 0 and reaper.GetMediaSourceParent(source) or nil
	end
	return channels
end

-- The most channels that an item in the range has; 0 where there is none with sound.
local function width(track, from, upto, rate)
	local most = 0
	for _, item in ipairs(project.items(track)) do
		local first, last = project.span(item, rate)
		local take = reaper.GetActiveTake(item)
		if first < upto and last > from and take and not project.is_muted(item) and not reaper.TakeIsMIDI(take) then
			most = math.max(most, channels_in(take))
		end
	end
	return math.min(most, 2)
end

--- Of `tracks` those with sound in the range: a list of {track, channels, name}.
function clip.sources(tracks, from, upto)
	local found, rate = {}, project.rate()
	for _, track in ipairs(tracks) do
		local channels = width(track, from, upto, rate)
		if channels > 0 then
			found[#found + 1] = { track = track, channels = channels, name = project.track_name(track) }
		end
	end
	return found
end

-- Add one channel of an accessor to `sum`: `count` frames from frame `first` of the project, to place `at` on.
local function add(source, buffer, channel, first, count, rate, sum, at)
	buffer.clear()
	local answer = reaper.GetAudioAccessorSamples(source.accessor, rate, 2, first / rate, count, buffer)
	if answer < 0 then
		error("REAPER cannot read the sound of " .. source.name, 0)
	end
	local samples = buffer.table(1, 2 * count) -- left, right, left, right, ...
	for index = 1, count do
		sum[at + index] = (sum[at + index] or 0.0) + samples[2 * index - 1 + channel]
	end
end

-- What opened `sources` sound like together: as many channels as the widest has, each a function(first, count) that
-- gives samples, `first` counted from `from`.
local function channels_of(sources, from, rate)
	local most, functions, buffer = 0, {}, reaper.new_array(2 * BLOCK)
	for _, source in ipairs(sources) do
		most = math.max(most, source.channels)
	end
	for channel = 0, most - 1 do
		functions[channel + 1] = function(first, count)
			local sum = {}
			for at = 0, count - 1, BLOCK do
				for _, source in ipairs(sources) do
					add(source, buffer, channel, from + first + at, math.min(BLOCK, count - at), rate, sum, at)
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
	if #sources == 0 then
		return
	end
	safe.finally(function()
		for _, source in ipairs(sources) do
			source.accessor = reaper.CreateTrackAudioAccessor(source.track)
		end
		use(channels_of(sources, from, project.rate()), sources[1].name)
	end, function()
		for _, source in ipairs(sources) do
			if source.accessor then
				safe.surely(reaper.DestroyAudioAccessor, source.accessor)
			end
		end
	end)
end

return clip
