"""One instrument's notes as a MIDI file for hosts: exactly as long as the selection, with its tempo map and meters."""

from dataclasses import replace
from fractions import Fraction

from harmonicflow.core.tempo import Selection
from harmonicflow.score.midi import TICKS_PER_BEAT, write_midi
from harmonicflow.score.score import Note, Score


def part_file(name: str) -> str:
    """The file's name, beside the WAV file of the same instrument."""
    return f"{name}.mid"


def part_midi(score: Score, name: str, selection: Selection) -> bytes | None:
    """The file's bytes, None where the instrument rests; they depend on its notes and the selection only.

    Type 1: tempo and meters, then the instrument. What would sound past the end of the selection ends there: a host
    takes the end of the last track for the length of the region.
    """
    notes = [inside for note in score.part(name) if (inside := _inside(note, selection))]
    return write_midi(Score(tuple(notes)), selection) if notes else None


def _inside(note: Note, selection: Selection) -> Note | None:
    """The note without what sounds after the selection, None where nothing is left. Ticks are what MIDI can say."""
    shift = Fraction(note.shift_s).limit_denominator(1_000_000) * selection.bpm_at_beat(note.start) / 60
    end = Fraction(int(selection.beats * TICKS_PER_BEAT), TICKS_PER_BEAT)
    if note.start + shift > end - Fraction(1, TICKS_PER_BEAT):
        return None
    return note if note.end + shift <= end else replace(note, duration=end - shift - note.start)
