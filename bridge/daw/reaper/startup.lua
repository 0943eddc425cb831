-- HarmonicFlow (MIT). Called from __startup.lua: looks for results of jobs that were under way when REAPER ended.

local folder = ...
local main = assert(loadfile(folder .. "/lib/main.lua"))(folder)
main.resume()
