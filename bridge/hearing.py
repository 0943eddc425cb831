"""Chords heard in a sound file here, without the daemon."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection

NEARLY: Final = Fraction(1, 2)  # beats that a last bar may lack: loops are cut a little early

if TYPE_CHECKING:
    from harmonicflow.score.chords import ChordSpan


def chords_in(path: str, like: Selection) -> "tuple[tuple[ChordSpan, ...], Fraction]":
    """The chords of a file that keeps the tempo and meter of `like` from its own first beat on, and its whole bars.

    Raises what reading a sound file raises, and `bad_option` where no chords are heard.
    """
    from harmonicflow.analysis.harmony import estimate_chords
    from harmonicflow.audio import files

    file = Path(path).expanduser()
    sound, rate = files.read(file)
    bpm = like.bpm_at_beat(0)
    whole = Selection.from_seconds(0, Fraction(sound.shape[1], rate), rate, bpm, like.meters)
    chords = estimate_chords(sound.mean(axis=0), rate, whole)
    if not chords:
        raise HarmonicFlowError("bad_option", option="--chords-from", value=path, reason="no chords are heard in it")
    full = [bar for bar in whole.bars() if bar.end_beat - bar.grid_start > bar.meter.beats - NEARLY]
    return chords, full[-1].grid_start + full[-1].meter.beats if full else whole.beats
