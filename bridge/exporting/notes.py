"""Notes and chords of a take as they sound, in beats from its first frame: what a clip of notes holds."""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from harmonicflow.core.tempo import Selection

if TYPE_CHECKING:
    from harmonicflow.score.chords import Chord, ChordSpan
    from harmonicflow.score.score import Score

SHORTEST: Final = Fraction(1, 960)  # beats: a tick of the MIDI files
FASTEST: Final = 1_000_000  # micro-timing is a decimal of microseconds
CHORD_VELOCITY: Final = 64
LOW_C, BASS_C = 48, 36  # MIDI pitches that chords stand on


class Played(NamedTuple):
    """One note of a clip: beats from the clip's start, MIDI pitch and velocity."""

    time: Fraction
    duration: Fraction
    pitch: int
    velocity: int


def played(score: "Score", name: str, selection: Selection) -> list[Played]:
    """The notes of one instrument, micro-timing included, as in its MIDI file but for the rounding to ticks.

    Nothing sounds before the first frame or after the last, and a pitch is struck again only where it has ended, as
    clips of notes have it.
    """
    found: list[Played] = []
    sounding: dict[int, int] = {}  # by pitch, where the last note of it is
    for note in sorted(score.part(name), key=lambda note: note.start + _shift(note.start, note.shift_s, selection)):
        shift = _shift(note.start, note.shift_s, selection)
        start = max(note.start + shift, Fraction(0))
        end = min(max(note.end + shift, start + SHORTEST), selection.beats)
        if end - start < SHORTEST:
            continue
        before = sounding.get(note.pitch)
        if before is not None and found[before].time + found[before].duration > start:
            last = found[before]
            if start - last.time < SHORTEST:  # struck twice at once
                found[before] = last._replace(
                    duration=max(last.duration, end - last.time), velocity=max(last.velocity, note.velocity)
                )
                continue
            found[before] = last._replace(duration=start - last.time)
        sounding[note.pitch] = len(found)
        found.append(Played(start, end - start, note.pitch, note.velocity))
    return found


def _shift(beat: Fraction, shift_s: float, selection: Selection) -> Fraction:
    if not shift_s:
        return Fraction(0)
    return Fraction(shift_s).limit_denominator(FASTEST) * selection.bpm_at_beat(beat) / 60


def chord_notes(chord: "Chord", beats: Fraction) -> list[Played]:
    """A chord that is held: its bass, and its tones above."""
    pitches = {BASS_C + chord.bass_class, *(LOW_C + chord.root + tone for tone in chord.intervals)}
    return [Played(Fraction(0), beats, pitch, CHORD_VELOCITY) for pitch in sorted(pitches)]


def chord_spans(score: "Score", selection: Selection) -> "Iterator[tuple[Fraction, Fraction, ChordSpan]]":
    """The chords inside a selection: start and length in beats."""
    for span in score.chords:
        start, end = max(span.start, Fraction(0)), min(span.end, selection.beats)
        if end - start >= SHORTEST:
            yield start, end - start, span
