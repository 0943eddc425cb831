"""Ardour's own library without a window: `ardour7-lua` makes sessions and runs scripts in them."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PROGRAM = "ardour7-lua"
PATIENCE_S = 60


@dataclass(frozen=True)
class TempoRow:
    """A tempo from a beat on (quarter notes from the session's start); `end_bpm`: a ramp up to the next row."""

    beat: int
    bpm: float
    end_bpm: float | None = None


@dataclass(frozen=True)
class Plan:
    """A session to be made."""

    rate: int
    tempos: tuple[TempoRow, ...]
    meters: tuple[tuple[int, int, int], ...] = ((0, 4, 4),)  # from this beat on, so many of such notes
    tracks: tuple[str, ...] = ("Vox", "Pulse")  # "Click" is a name that Ardour keeps for itself


def is_there() -> bool:
    """Whether this machine has Ardour 7 with its headless program."""
    return shutil.which(PROGRAM) is not None


def run_lua(home: Path, script: str) -> str:
    """Run a script in `ardour7-lua` with a home folder of its own; its standard output."""
    (home / ".config" / "ardour7").mkdir(parents=True, exist_ok=True)
    file = home / "script.lua"
    file.write_text(script)
    environment = {**os.environ, "HOME": str(home)}
    result = subprocess.run(
        [PROGRAM, str(file)], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S
    )
    output = result.stdout.decode(errors="replace")
    assert result.returncode == 0 and "the end" in output, f"{output[-2000:]}\n{result.stderr.decode()[-2000:]}"
    return output


def quoted(text: object) -> str:
    """A Lua string."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def create_session(home: Path, folder: Path, plan: Plan) -> Path:
    """Make a session with its tempo map and empty tracks; the session's folder."""
    lines = [f"local s = assert(create_session({quoted(folder)}, {quoted(folder.name)}, {plan.rate}))"]
    lines += ["local tm = Temporal.TempoMap.fetch_writable()"]
    lines += ["local function at(beat) return Temporal.timepos_t.from_ticks(1920 * beat) end"]
    # Meters first: a new meter moves the tempi after it, which keep their bars.
    for beat, divisions, note in plan.meters:
        lines.append(f"tm:set_meter(Temporal.Meter({divisions}, {note}), at({beat}))")
    for row in plan.tempos:
        lines.append(f"tm:set_tempo({_tempo(row)}, at({row.beat}))")
    for row in plan.tempos:
        if row.end_bpm is not None:  # its curve is known only once the next row stands
            lines.append(f"tm:set_ramped(tm:set_tempo({_tempo(row)}, at({row.beat})), true)")
    lines += ["Temporal.TempoMap.update(tm); tm = nil"]
    lines += [
        f"s:new_audio_track(1, 2, nil, 1, {quoted(name)}, ARDOUR.PresentationInfo.max_order, "
        "ARDOUR.TrackMode.Normal, true, false)"
        for name in plan.tracks
    ]
    lines += ['s:save_state("", false, false, false, false, false)']
    run_in(home, "\n".join(lines))
    return folder


def _tempo(row: TempoRow) -> str:
    return f"Temporal.Tempo({row.bpm}, {row.end_bpm or row.bpm}, 4)"


def run_in(home: Path, body: str, session: Path | None = None) -> str:
    """Run a script with a session `s` open (where one is given), and close it well."""
    start = "" if session is None else f"local s = assert(load_session({quoted(session)}, {quoted(session.name)}))\n"
    # What the script holds of the session must be gone before the session: hence the blocks.
    script = f"do\n{start}{body}\nend\ncollectgarbage()\ncollectgarbage()\nclose_session()\nprint('the end')\n"
    return run_lua(home, script)


def read_track(home: Path, session: Path, track: str, channels: int, start: int, frames: int) -> np.ndarray:
    """What a track plays in a range as Ardour mixes its layers and fades: float32 [channels, frames]."""
    dump = home / "read.f32"
    script = f"""
        local playlist = s:route_by_name({quoted(track)}):to_track():playlist():to_audioplaylist()
        local memory, out = ARDOUR.DSP.DspShm({3 * frames}), assert(io.open({quoted(dump)}, "wb"))
        for channel = 0, {channels - 1} do
            playlist:read(
                memory:to_float(0), memory:to_float({frames}), memory:to_float({2 * frames}),
                Temporal.timepos_t({start}), Temporal.timecnt_t({frames}), channel
            )
            local samples = memory:to_float(0):get_table({frames})
            for first = 1, {frames}, 1000 do
                local last = math.min(first + 999, {frames})
                out:write(string.pack("<" .. ("f"):rep(last - first + 1), table.unpack(samples, first, last)))
            end
        end
        out:close()
    """
    run_in(home, script, session)
    return np.fromfile(dump, "<f4").reshape(channels, frames)
