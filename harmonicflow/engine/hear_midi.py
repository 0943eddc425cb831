"""Read a MIDI file as `hear` listens to a recording: its own beats and bars; chords, keys and form from its notes.

Shapes: K step between two beats.
"""

from __future__ import annotations

from fractions import Fraction
from os import PathLike

import numpy as np

from harmonicflow.analysis.structure import Structure, bar_likeness, bar_rows, find_structure
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.score.chord_search import BAR_LINE
from harmonicflow.score.listen import chord_steps, chords_of, keys_of, part_levels, tone_weights
from harmonicflow.score.midi import MidiFile, read_midi
from harmonicflow.score.score import Section

from .heard import MIDI, Heard, HeardChord, HeardKey, HeardSection, HeardTempo, beat_at, heard_sections, onsets_heard

OVERHANG = Fraction(1, 4)
NAMED, FOUND = 1.0, 0.8  # confidence of what the file says and of what its notes suggest


def hear_midi(source: str | PathLike[str] | bytes) -> Heard:
    """What a MIDI file holds. Raises `missing_file`, `bad_midi`, and `empty_midi` without notes."""
    file = read_midi(source)
    if not file.score.notes:
        path = "the MIDI data" if isinstance(source, bytes) else source
        raise HarmonicFlowError("empty_midi", path=path, what="notes")
    return hear_score(file)


def hear_score(file: MidiFile) -> Heard:
    """What a MIDI file that was read holds; it has notes."""
    end = _end(file)
    steps = chord_steps(file.meters, end)
    edges = [edge for edge, _ in steps]
    beats_s = np.array([_seconds(file, edge) for edge in edges])
    seconds = float(beats_s[-1])
    downbeats = tuple(place for place, (_, where) in enumerate(steps[:-1]) if where == BAR_LINE)
    keys = tuple(
        HeardKey(_seconds(file, span.start), _seconds(file, span.end), span.key, span.probability)
        for span in keys_of(file.score, file.meters, end)
    )
    longest = max(keys, key=lambda key: key.end_s - key.start_s, default=None)
    starts = [_seconds(file, note.start) for note in file.score.notes]
    structure = _structure(file, edges, downbeats)
    bars_s = tuple(float(beats_s[place]) for place in downbeats)
    return Heard(
        source=MIDI,
        time_source=MIDI,
        seconds=seconds,
        tempo=HeardTempo(60 * float(end) / max(seconds, 1e-9), 1.0, len(file.tempo.anchors) == 2),
        meter=str(file.meters.meter(1)),
        beats_s=tuple(float(time) for time in beats_s[:-1]),
        downbeats=downbeats,
        key=longest and HeardKey(0.0, seconds, longest.key, longest.confidence),
        keys=keys,
        chords=_chords(file, end, beats_s[:-1]),
        loudness=None,
        onsets=onsets_heard(starts, seconds),
        sections=_named(file, bars_s) or heard_sections(structure.sections, bars_s, seconds),
        motifs=structure.motifs,
        tuning_cents=None,
        likeness_BB=structure.likeness_BB,
    )


def _end(file: MidiFile) -> Fraction:
    """The last beat; what hangs over a bar line by less than a quarter beat, a late note's end, makes no bar."""
    end = max(file.beats, max(note.end for note in file.score.notes))
    line = file.meters.bar_start(file.meters.bar_at(end))
    return line if 0 < end - line < OVERHANG and line > 0 else end


def _seconds(file: MidiFile, beat: Fraction) -> float:
    return float(file.tempo.frame_at(beat)) / file.tempo.rate


def _chords(file: MidiFile, end: Fraction, beats_s: np.ndarray) -> tuple[HeardChord, ...]:
    """The chords that the file names, or else those that its notes make."""
    spans = file.score.chords or chords_of(file.score, file.meters, end)
    sure = NAMED if file.score.chords else FOUND
    out = []
    for span in spans:
        start, stop = _seconds(file, span.start), _seconds(file, span.end)
        out.append(HeardChord(start, stop, beat_at(start, beats_s), beat_at(stop, beats_s), span.chord, sure))
    return tuple(out)


def _named(file: MidiFile, bars_s: tuple[float, ...]) -> tuple[HeardSection, ...]:
    """The sections that the file names."""

    def section(part: Section) -> HeardSection:
        start, stop = _seconds(file, part.start), _seconds(file, part.end)
        first, last = np.searchsorted(bars_s, (start + 1e-6, stop - 1e-6), side="right")
        return HeardSection(start, stop, max(int(first), 1), max(int(last), 1), part.name, NAMED)

    return tuple(section(part) for part in file.score.sections)


def _structure(file: MidiFile, edges: list[Fraction], downbeats: tuple[int, ...]) -> Structure:
    if len(downbeats) < 2:
        return find_structure(np.zeros((0, 0), np.float32))
    bars = [*downbeats, len(edges) - 1]
    harmony = bar_rows(tone_weights(file.score, edges), bars)
    return find_structure(bar_likeness(harmony, bar_rows(part_levels(file.score, edges), bars)))
