"""`play`: what a person may name, and how it becomes a sound file that is played."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import EXIT_CANCELLED, EXIT_OK, HarmonicFlowError
from harmonicflow.core.paths import takes_folder

from .output import result, result_json, say, table
from .scores import is_midi

LAST: Final = "last"


def show_devices(as_json: bool) -> None:
    """Write the output devices to stdout."""
    from .sounding import devices

    rows = devices()
    if as_json:
        for row in rows:
            result_json(row)
        return
    cells = []
    for row in rows:
        mark = " (default)" if row["default"] else ""
        cells.append((str(row["device"]), f"{row['name']}{mark}", str(row["channels"]), str(row["rate"])))
    result(table(("device", "name", "channels", "Hz"), cells))


def play(
    what: str, stem: str | None, binaural: bool, device: str | None, volume_db: float, rate: int | None, loop: bool,
    midi_out: str | None, choices: dict[str, Any],
) -> int:  # fmt: skip
    """Play a score, a take or a sound file; returns the exit code, 130 where Ctrl-C stopped it."""
    part = stem or ("binaural" if binaural else "mix")
    if midi_out is not None:
        return _send(what, midi_out, loop, choices)
    from .sounding import Playing, library

    library()  # before the work of performing a score
    playing = Playing(_sound(what, part, choices), device, volume_db, rate, loop)
    seconds = playing.info.frames / playing.info.rate
    say(f"playing {playing.path}, {int(seconds) // 60}:{int(seconds) % 60:02d}{', around and around' if loop else ''}")
    return _until_stopped(playing.run)


def _until_stopped(run: Any) -> int:
    try:
        run()
    except KeyboardInterrupt:
        say("stopped")
        return EXIT_CANCELLED
    return EXIT_OK


def _sound(what: str, part: str, choices: dict[str, Any]) -> Path:
    """The sound file that a person means, made first if it is a score. Raises `missing_file`, `unknown_take`."""
    file = Path(what).expanduser()
    if file.is_dir():
        return _of_take(file, part, what)
    if file.is_file() or file.suffix:
        return _performed(what, part, choices) if is_midi(what) else file
    return _of_take(_take(what), part, what)


def _take(name: str) -> Path:
    """The folder of a take by its name, or by "last"."""
    home = takes_folder()
    if name == LAST:
        found = sorted(home.glob("*/take.json"), key=lambda file: file.stat().st_mtime)
        return found[-1].parent if found else home / LAST
    return home / Path(name).name


def _of_take(folder: Path, part: str, name: str) -> Path:
    if not (folder / "take.json").is_file():
        raise HarmonicFlowError("unknown_take", take=name)
    file = folder / f"{part}.wav"
    if not file.is_file():
        known = sorted(each.stem for each in folder.glob("*.wav"))
        raise HarmonicFlowError("unknown_stem", stem=part, known=", ".join(known))
    return file


def _performed(path: str, part: str, choices: dict[str, Any]) -> Path:
    """A score as sound: its parts are finished, and the daemon performs them."""
    from harmonicflow.score.midi import read_midi

    from .making import Span, make

    parts = read_midi(Path(path).expanduser(), dict(choices.get("tracks", ()))).score.parts
    stems = tuple(name for name in DEFAULT_STEMS if name in parts)
    wishes = {"midi": (path,), "stems": stems, "title": Path(path).stem[:200]} | choices
    (take,) = make(None, Span(), None, None, wishes)
    say(f"take: {take.take}")
    return _of_take(Path(take.folder), part, take.take)


def _send(what: str, port: str, loop: bool, choices: dict[str, Any]) -> int:
    """The notes themselves to a MIDI port."""
    from harmonicflow.core.tempo import Selection
    from harmonicflow.score.midi import read_midi, write_midi

    from . import midi_out

    file = Path(what).expanduser()
    path = file if file.is_file() or file.suffix else (file if file.is_dir() else _take(what)) / "score.mid"
    if not is_midi(str(path)):
        reason = "only scores go there: give a MIDI file or a take"
        raise HarmonicFlowError("bad_option", option="--midi-out", value=what, reason=reason)
    found = read_midi(path, dict(choices.get("tracks", ())))
    if not found.score.notes:
        raise HarmonicFlowError("empty_midi", path=path, what="notes")
    # As it was understood: tracks without a channel of their own get one, film frames become beats.
    end = max(float(found.tempo.frame_at(found.music_end)), 4410.0)
    selection = Selection(found.tempo.rate, 0, round(end), found.tempo, found.meters)
    data = write_midi(replace(found.score, chords=(), sections=()), selection)
    opened = midi_out.open_port(port)
    seconds = Fraction(selection.frames, selection.rate)
    say(f"playing {path} on {opened.name}, {int(seconds) // 60}:{int(seconds) % 60:02d}")
    return _until_stopped(lambda: midi_out.play(data, opened, loop))
