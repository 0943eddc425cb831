"""What a score says without saying it: chords beat by beat, the key and its changes, read from the notes.

The chord of a step is heard in how long each pitch class sounds there and in what lies at the bottom; drums say
nothing. The search is that of sound (`chord_search`), so that a MIDI clip and its recording get the same names.

Shapes: K step, P pitch class (12), M key (24).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.tempo import MeterMap

from .chord_search import BAR_LINE, HALF_BAR, WITHIN, Evidence, SearchOptions, chord_scores, find_chords
from .chord_table import KEYS
from .chords import ChordSpan
from .key_search import key_path, key_probabilities
from .keys import Key
from .score import Note, Score

Reals = NDArray[Any]
"""float64."""

STRUCK: Final = 0.25  # beats that even the shortest note counts for: a stab is remembered
FULL: Final = 0.75  # of a step's length: what counts as much sounds throughout
REMEMBERED: Final = 2.0  # beats after which a held note counts for less and less
SHORTEST_STEP: Final = Fraction(1, 4)  # what a bar line leaves of a beat below this belongs to the beat before
CHORD_SHARE: Final = 0.3  # of the fullest pitch class: what sounds for longer is rather in the chord than not
STEEPNESS: Final = 1.8
LEAST, MOST = -3.5, 2.5  # log odds
DEEP: Final = 52  # MIDI; a lowest note above it is seldom a bass
WALKING, HALF_WAY = 0.4, 0.7  # weight of the bass on weak beats and in the middle of a bar
SEARCH: Final = SearchOptions(root=0.7, rarity=0.4, change_on_bar=2.0, change_on_half=5.0, change_on_beat=8.0)
KEY_STRETCH: Final = 4  # bars whose notes are counted together


@dataclass(frozen=True)
class KeySpan:
    """A key and the beats for which it holds."""

    start: Fraction
    duration: Fraction
    key: Key
    probability: float

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


def chord_steps(meters: MeterMap, beats: Fraction) -> list[tuple[Fraction, int]]:
    """Edges of the steps on which chords are heard, each with its place in the bar; the last one is the end.

    Beats of each bar from its line on: in 7/8 the last step is half a beat long.
    """
    edges: list[tuple[Fraction, int]] = []
    bar, at = 1, Fraction(0)
    while at < beats:
        line, following = meters.bar_start(bar), min(meters.bar_start(bar + 1), beats)
        at = line
        while at < following and (at == line or following - at >= SHORTEST_STEP):
            half = meters.meter(bar).beats / 2
            edges.append((at, BAR_LINE if at == line else HALF_BAR if half > 1 and at - line == half else WITHIN))
            at += 1
        bar, at = bar + 1, following
    return [*edges, (beats, BAR_LINE)] if edges else []


def chords_of(
    score: Score, meters: MeterMap, beats: Fraction | None = None, options: SearchOptions = SEARCH
) -> tuple[ChordSpan, ...]:
    """The chords that the notes make, in beats, with gaps where nothing but drums sounds.

    `beats`: the length, by default up to the last note's end. Chords that the score names already are not looked at.
    """
    notes = _pitched(score)
    end = beats if beats is not None else max((note.end for note in notes), default=Fraction(0))
    steps = chord_steps(meters, end)
    if not notes or len(steps) < 2:
        return ()
    edges = [edge for edge, _ in steps]
    weights, bottom = _weights(notes, edges), _bottom(notes, edges)
    key = key_probabilities(weights.sum(axis=0))[0]
    places = np.array([place for _, place in steps[:-1]])
    scores = chord_scores(note_evidence(weights, bottom, places), key, options)
    found = find_chords(scores, options.change(places), silent_K=weights.max(axis=1) < 1e-6)
    return tuple(
        ChordSpan(edges[span.first], edges[span.last] - edges[span.first], span.chord)
        for span in found
        if span.chord is not None
    )


def keys_of(score: Score, meters: MeterMap, beats: Fraction | None = None) -> tuple[KeySpan, ...]:
    """The keys of a score in order: one for most clips, more where a longer one modulates; none without notes."""
    notes = _pitched(score)
    end = beats if beats is not None else max((note.end for note in notes), default=Fraction(0))
    lines = [edge for edge, place in chord_steps(meters, end) if place == BAR_LINE]
    edges = [*lines[:-1:KEY_STRETCH], end]
    if not notes or len(edges) < 2:
        return ()
    weights = _weights(notes, edges)
    if not weights.any():
        return ()
    shares = key_probabilities(weights + 0.1 * weights.sum(axis=0))  # a little of the whole steadies four bars
    spans: list[KeySpan] = []
    for place, row in enumerate(key_path(np.log(shares))):
        start, stop, probability = edges[place], edges[place + 1], float(shares[place, row])
        if spans and spans[-1].key == KEYS[row]:
            before = spans[-1]
            share = float((stop - start) / (stop - before.start))
            mean = before.probability + (probability - before.probability) * share
            spans[-1] = KeySpan(before.start, stop - before.start, before.key, mean)
        else:
            spans.append(KeySpan(start, stop - start, KEYS[row], probability))
    return tuple(spans)


def tone_weights(score: Score, edges: Sequence[Fraction]) -> Reals:
    """How long each pitch class sounds between edges, in beats [K, P]; drums say nothing."""
    return _weights(_pitched(score), edges)


def part_levels(score: Score, edges: Sequence[Fraction]) -> Reals:
    """How busy each part is between edges [K, parts]: the logarithm of 1 and its strokes, louder ones counting more."""
    parts = score.parts
    out: Reals = np.zeros((len(edges) - 1, len(parts)))
    for note in score.notes:
        step = bisect_right(edges, note.start) - 1
        if 0 <= step < len(out):
            out[step, parts.index(note.instrument)] += note.velocity / 90
    return np.log1p(out)


def note_evidence(weights_KP: Reals, bottom_KP: Reals, place_K: NDArray[np.int64]) -> Evidence:
    """Evidence from how long each pitch class sounds and how long it lies at the bottom, both in beats.

    A bass states the root at the beginning of a bar and walks from there: what it plays later counts for less.
    """
    fullest = weights_KP.max(axis=1, keepdims=True)
    share = weights_KP / np.maximum(fullest, 1e-9)
    tones = np.clip(STEEPNESS * np.log((share + 0.02) / CHORD_SHARE), LEAST, MOST)
    low = bottom_KP / np.maximum(bottom_KP.sum(axis=1, keepdims=True), 1e-9)
    bass = np.log(low + 0.05)
    bass[bottom_KP.sum(axis=1) < 1e-9] = 0
    bass *= np.array([WALKING, HALF_WAY, 1.0])[place_K][:, None]
    return Evidence(tones, 0.7 * bass + 0.3 * np.log(share + 0.1), bass)


def _pitched(score: Score) -> list[Note]:
    return [note for note in score.notes if note.instrument != "drums"]


def _weights(notes: Sequence[Note], edges: Sequence[Fraction]) -> Reals:
    """Beats for which each pitch class sounds in each step, louder notes counting a little more [K, P]."""
    out = np.zeros((len(edges) - 1, 12))
    for note, step, inside in _sounding(notes, edges):
        age = max(float(edges[step] - note.start), 0.0)
        begins = note.start >= edges[step]
        counted = max(inside, STRUCK) if begins else inside
        out[step, note.pitch % 12] += counted * min(1.0, REMEMBERED / max(age, 1e-9)) * (0.4 + note.velocity / 212)
    lengths = np.array([float(end - start) for start, end in pairwise(edges)])
    most = FULL * np.maximum(lengths, STRUCK)  # doubled in octaves a tone sounds no longer
    return np.asarray(np.minimum(out, most[:, None]))


def _bottom(notes: Sequence[Note], edges: Sequence[Fraction]) -> Reals:
    """Weight of each pitch class at the bottom of each step [K, P]: the lowest notes, the first ones most."""
    lowest = np.full(len(edges) - 1, 128)
    cells = list(_sounding(notes, edges))
    for note, step, _ in cells:
        lowest[step] = min(lowest[step], note.pitch)
    out = np.zeros((len(edges) - 1, 12))
    for note, step, inside in cells:
        if note.pitch > lowest[step] + 7 or (note.instrument != "bass" and note.pitch > DEEP + 8):
            continue
        late = float(max(note.start - edges[step], Fraction(0)) / (edges[step + 1] - edges[step]))
        height = 0.5 ** ((note.pitch - int(lowest[step])) / 3)
        out[step, note.pitch % 12] += max(inside, STRUCK) * height * (1.0 if late < 0.1 else 0.5)
    return out


def _sounding(notes: Sequence[Note], edges: Sequence[Fraction]) -> Iterator[tuple[Note, int, float]]:
    """Each note in each step that it sounds in, with the beats that it does."""
    for note in notes:
        # A note that begins just before a step, or ends just after its start, belongs to what it is nearer to.
        step = min(max(bisect_left(edges, note.start + Fraction(1, 12)) - 1, 0), len(edges) - 2)
        first = step
        while step < len(edges) - 1 and edges[step] < note.end:
            inside = float(min(note.end, edges[step + 1]) - max(note.start, edges[step]))
            if inside > 1 / 16 or step == first:
                yield note, step, max(inside, 1e-3)
            step += 1
