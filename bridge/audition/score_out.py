"""A score's notes to a MIDI port: at its own tempo, or in time with a host's clock."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

from harmonicflow.core.errors import EXIT_CANCELLED, EXIT_OK, HarmonicFlowError
from harmonicflow.core.tempo import Selection

from ..output import say
from ..scores import is_midi
from .sounds import take_folder

SHORTEST_FRAMES: Final = 4410  # a tenth of a second: the least a selection may last


class Notes(NamedTuple):
    """A score's file, the same as MIDI bytes as it was understood, and how long it lasts."""

    path: Path
    data: bytes
    selection: Selection


def notes_of(what: str, choices: dict[str, Any], stem: str | None = None) -> Notes:
    """The notes of a MIDI file or a take, or of one of its instruments.

    Raises `bad_option`, `empty_midi`, `unknown_stem`, and what reading MIDI raises.
    """
    from harmonicflow.score.midi import read_midi, write_midi

    file = Path(what).expanduser()
    path = file if file.is_file() or file.suffix else (file if file.is_dir() else take_folder(what)) / "score.mid"
    if not is_midi(str(path)):
        reason = "only scores go there: give a MIDI file or a take"
        raise HarmonicFlowError("bad_option", option="--midi-out", value=what, reason=reason)
    found = read_midi(path, dict(choices.get("tracks", ())))
    if not found.score.notes:
        raise HarmonicFlowError("empty_midi", path=path, what="notes")
    score = found.score
    if stem is not None:
        if stem not in score.parts:
            raise HarmonicFlowError("unknown_stem", stem=stem, known=", ".join(score.parts))
        score = replace(score, notes=tuple(note for note in score.notes if note.instrument == stem))
    # As it was understood: tracks without a channel of their own get one, film frames become beats.
    end = max(float(found.tempo.frame_at(found.music_end)), SHORTEST_FRAMES)
    selection = Selection(found.tempo.rate, 0, round(end), found.tempo, found.meters)
    return Notes(path, write_midi(replace(score, chords=(), sections=()), selection), selection)


def send(what: str, port: str, loop: bool, choices: dict[str, Any], stem: str | None = None) -> int:
    """The notes, or those of one instrument, at their own tempo; returns the exit code."""
    from ..clock.ports import Output
    from . import midi_out

    notes = notes_of(what, choices, stem)
    opened = Output(port)
    seconds = int(notes.selection.seconds)
    say(f"playing {notes.path} on {opened.name}, {seconds // 60}:{seconds % 60:02d}")
    return until_stopped(lambda: midi_out.play(notes.data, opened, loop))


def send_in_time(what: str, port: str, clock: str, loop: bool, choices: dict[str, Any], stem: str | None = None) -> int:
    """The notes, or those of one instrument, in time with the clock from the port `clock`; returns the exit code."""
    from ..clock import notes as clocked
    from ..clock.playing import Heard, Watching, send_notes
    from ..clock.ports import Output
    from .keys import Keys

    notes = notes_of(what, choices, stem)
    score = clocked.Notes(notes.data, float(bars_of(notes.selection)))
    with Heard(clock) as heard, Keys() as keys:
        output = Output(port)
        around = ", around and around" if loop else ""
        say(f"playing {notes.path} on {output.name} with the clock of {heard.name}{around}; Ctrl-C ends it")
        watching = Watching(heard, keys)
        try:
            with watching.progress:
                return until_stopped(lambda: send_notes(score, heard, output, loop, watching))
        finally:
            output.close()


def bars_of(selection: Selection) -> Fraction:
    """The beats of whole bars that a score fills, so that it goes around in time."""
    last = selection.bars()[-1]
    return last.grid_start + last.meter.beats


def until_stopped(run: Callable[[], None]) -> int:
    """Run, and return the exit code, 130 after Ctrl-C."""
    try:
        run()
    except KeyboardInterrupt:
        say("stopped")
        return EXIT_CANCELLED
    return EXIT_OK
