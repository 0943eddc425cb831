"""The guide: what the performer is told of time, harmony and the user's clip at every latent frame.

Two ways in, one arithmetic: `guide_features` from a selection (exact tempo and meter maps), `guide_features_seconds`
from times in seconds, as a corpus holds them. Latent frame l covers samples [l * HOP, (l + 1) * HOP) of the selection
at 44.1 kHz; it is told what holds at its centre. A beat is a quarter note; its phase restarts with every bar (in 7/8
the last beat is cut short). What is not known is zero, and the presence columns say so.

Shapes: L latent frame, N beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import LATENT_RATE, LATENT_RATE_EXACT

from .curves import CURVES, clip_curves
from .spectra import Floats, Times

if TYPE_CHECKING:
    from harmonicflow.core.tempo import Selection
    from harmonicflow.score.chords import Chord, ChordSpan
    from harmonicflow.score.keys import Key

    KeyLike = Key | str | tuple[int, str] | None

__all__ = [
    "GUIDE_COLUMNS",
    "GUIDE_V",
    "GUIDE_WIDTH",
    "Guide",
    "beat_pool",
    "beat_pool_seconds",
    "clip_curves",
    "guide_features",
    "guide_features_seconds",
    "pool_matrix",
]

GUIDE_V = 1
"""Version of the layout below; a bundle names the one it was trained on."""

_WIDTHS = (
    ("phase", 8),  # sin, cos of bar, beat, half-beat and quarter-beat phase
    ("tempo", 1),  # log2(beats per minute / 120)
    ("chord_root", 12),
    ("chord_bass", 12),
    ("chord_pitches", 12),  # pitch-class set
    ("key_tonic", 12),
    ("key_mode", 2),  # major, minor
    ("onset", 3),  # below 200 Hz, to 2 kHz, above
    ("chroma", 12),
    ("loudness", 1),  # (dBFS + 60) / 60
    ("presence", 4),  # time, chords (here), key, curves
)


def _columns() -> dict[str, slice]:
    columns, start = {}, 0
    for name, width in _WIDTHS:
        columns[name] = slice(start, start + width)
        start += width
    return columns


GUIDE_COLUMNS: dict[str, slice] = _columns()
GUIDE_WIDTH = GUIDE_COLUMNS["presence"].stop
_CURVE_COLUMNS = slice(GUIDE_COLUMNS["onset"].start, GUIDE_COLUMNS["loudness"].stop)
_PRESENCE = GUIDE_COLUMNS["presence"].start
assert GUIDE_WIDTH == 79 and _CURVE_COLUMNS.stop - _CURVE_COLUMNS.start == CURVES


@dataclass(frozen=True)
class Guide:
    """What is known about a request before anything is composed or performed. None = not known."""

    curves: Floats | None = None  # [L, 16] of the user's clip
    chords: tuple[ChordSpan, ...] | None = None
    key: KeyLike = None
    genre: str | None = None
    emotion: tuple[float, float] | None = None  # valence, arousal, each -1..1
    text: Floats | None = None  # [256], the prompt's embedding


# ------------------------------------------------------------------------------------------------------ the two ways in


def guide_features(
    selection: Selection,
    chords: Sequence[ChordSpan] | None,
    key: KeyLike,
    curves: Floats | None,
    frames: int,
) -> Floats:
    """Guide [frames, 79] of a selection; chords are spans in selection beats, curves come from `clip_curves`."""
    grid = _selection_grid(selection, frames)
    spans = [
        (_seconds(selection, span.start), _seconds(selection, span.start + span.duration), span.chord)
        for span in chords or ()
    ]
    return _features(grid, spans if chords is not None else None, key, curves, _centres_s(frames, 0.0))


def guide_features_seconds(
    beats_s: Sequence[float] | None,
    downbeats: Sequence[float] | None,
    chords: Sequence[tuple[float, float, Any]] | None,
    key: KeyLike,
    curves: Floats | None,
    frames: int,
    start_s: float = 0.0,
) -> Floats:
    """Guide [frames, 79] from times in seconds; latent frame 0 begins at `start_s`.

    `beats_s` are the quarter notes, `downbeats` the places among them where bars begin (x.5: half a beat later);
    chords are (start, end, Chord or its name); the key is a name such as "A minor". None = not known.
    """
    grid = None
    if beats_s is not None and len(beats_s) >= 2:
        grid = _Grid.of_beats(np.asarray(beats_s, np.float64), downbeats)
    return _features(grid, chords, key, curves, _centres_s(frames, start_s))


def beat_pool(selection: Selection, frames: int) -> NDArray[np.int64]:
    """Beat of each latent frame [frames], counted from the first frame's own: 0..K-1 without gaps."""
    return _pool(_selection_grid(selection, frames), _centres_s(frames, 0.0))


def beat_pool_seconds(beats_s: Sequence[float] | None, frames: int, start_s: float = 0.0) -> NDArray[np.int64]:
    """`beat_pool` from beat times; without beats a beat is taken to last half a second."""
    known = beats_s is not None and len(beats_s) >= 2
    times = np.asarray(beats_s, np.float64) if known else start_s + np.array([0.0, 0.5])
    return _pool(_Grid.of_beats(times, None), _centres_s(frames, start_s))


def pool_matrix(pool_L: NDArray[np.int64]) -> Floats:
    """[K, L] float matrix, 1 where latent frame l belongs to beat k, the performer's `pool` input."""
    pool_L = pool_L - pool_L[0]
    return (np.arange(pool_L[-1] + 1)[:, None] == pool_L[None, :]).astype(np.float32)


# ------------------------------------------------------------------------------------------------------------- the grid


@dataclass(frozen=True)
class _Grid:
    """Beats and bars against seconds: straight lines between anchors, first and last slope beyond them."""

    beats: Times  # [N] beat of each anchor
    seconds: Times  # [N]
    bars: Times  # beat on which each bar starts; may be empty (bars not known)

    @classmethod
    def of_beats(cls, beats_s: Times, downbeats: Sequence[float] | None) -> _Grid:
        bars = np.asarray(downbeats if downbeats is not None else (), np.float64)
        return cls(np.arange(len(beats_s), dtype=np.float64), beats_s, bars)

    def beat_at(self, times_s: Times) -> Times:
        segment = np.clip(np.searchsorted(self.seconds, times_s, side="right") - 1, 0, len(self.seconds) - 2)
        start = self.seconds[segment]
        length = np.maximum(self.seconds[segment + 1] - start, 1e-6)
        step = self.beats[segment + 1] - self.beats[segment]
        return self.beats[segment] + (times_s - start) / length * step

    def bpm_at(self, times_s: Times) -> Times:
        """Tempo over the two seconds around each time: a player's jitter from beat to beat is no change of tempo."""
        return 30.0 * (self.beat_at(times_s + 1.0) - self.beat_at(times_s - 1.0))

    def bar_at(self, beats: Times) -> tuple[Times, Times]:
        """Start and length in beats of the bar that holds each beat; bars before and after repeat the nearest one."""
        starts = self.bars
        if len(starts) == 1:
            starts = np.array([starts[0], starts[0] + 4.0])
        index = np.clip(np.searchsorted(starts, beats + 1e-9, side="right") - 1, 0, len(starts) - 2)
        length = starts[index + 1] - starts[index]
        whole = np.floor((beats + 1e-9 - starts[index]) / length)
        return starts[index] + whole * length, length


def _selection_grid(selection: Selection, frames: int) -> _Grid:
    """The tempo map's own anchors, counted from the selection's first frame, and its bar lines."""
    rate, meters, offset = selection.rate, selection.meters, selection.start_beat
    anchor_frames = [frame - selection.start_frame for _, frame in selection.tempo.anchors]
    end_frame = max(Fraction(selection.frames), Fraction(frames * rate) / LATENT_RATE_EXACT)
    first, last = meters.bar_at(offset), meters.bar_at(offset + selection.beat_at_frame(end_frame))
    return _Grid(
        np.array([float(selection.beat_at_frame(frame)) for frame in anchor_frames]),
        np.array([float(frame / rate) for frame in anchor_frames]),
        np.array([float(meters.bar_start(bar) - offset) for bar in range(first, last + 2)]),
    )


def _seconds(selection: Selection, beat: Fraction) -> float:
    return float(Fraction(selection.frame_at_beat(beat)) / selection.rate)


def _centres_s(frames: int, start_s: float) -> Times:
    return start_s + (np.arange(frames) + 0.5) / LATENT_RATE


# --------------------------------------------------------------------------------------------------------- the features


def _features(
    grid: _Grid | None,
    chords: Sequence[tuple[float, float, Any]] | None,
    key: KeyLike,
    curves: Floats | None,
    times_s: Times,
) -> Floats:
    out = np.zeros((len(times_s), GUIDE_WIDTH), np.float32)
    if grid is not None:
        out[:, GUIDE_COLUMNS["phase"]] = _phases(grid, times_s)
        out[:, GUIDE_COLUMNS["tempo"].start] = np.log2(np.clip(grid.bpm_at(times_s), 10, 800) / 120.0)
        out[:, _PRESENCE] = 1.0
    if chords is not None:
        _write_chords(out, chords, times_s)
    numbers = key_numbers(key)
    if numbers is not None:
        tonic, minor = numbers
        out[:, GUIDE_COLUMNS["key_tonic"].start + tonic] = 1.0
        out[:, GUIDE_COLUMNS["key_mode"].start + minor] = 1.0
        out[:, _PRESENCE + 2] = 1.0
    if curves is not None:
        inside = min(len(curves), len(times_s))
        out[:inside, _CURVE_COLUMNS] = curves[:inside]
        out[:inside, _PRESENCE + 3] = 1.0
    return out


def _phases(grid: _Grid, times_s: Times) -> Floats:
    """sin, cos of the bar, beat, half-beat and quarter-beat phase [L, 8]; the bar's are zero where bars are unknown."""
    beat = grid.beat_at(times_s)
    in_bar = beat
    bar_phase: Times | None = None
    if len(grid.bars):
        start, length = grid.bar_at(beat)
        in_bar = beat - start
        bar_phase = in_bar / length
    out = np.zeros((len(times_s), 8), np.float32)
    for column, phase in enumerate((bar_phase, in_bar, 2 * in_bar, 4 * in_bar)):
        if phase is not None:
            out[:, 2 * column] = np.sin(2 * np.pi * phase)
            out[:, 2 * column + 1] = np.cos(2 * np.pi * phase)
    return out


def _write_chords(out: Floats, chords: Sequence[tuple[float, float, Any]], times_s: Times) -> None:
    for start_s, end_s, name in chords:
        chord = _chord(name) if isinstance(name, str) else name
        if chord is None:
            continue
        low, high = np.searchsorted(times_s, (start_s, end_s))
        if low == high:
            continue
        out[low:high, GUIDE_COLUMNS["chord_root"].start + chord.root % 12] = 1.0
        bass = chord.root if chord.bass is None else chord.bass
        out[low:high, GUIDE_COLUMNS["chord_bass"].start + bass % 12] = 1.0
        for pitch_class in chord.pitch_classes:
            out[low:high, GUIDE_COLUMNS["chord_pitches"].start + pitch_class % 12] = 1.0
        out[low:high, _PRESENCE + 1] = 1.0


NO_CHORD = frozenset({"", "N", "N.C.", "NC", "X"})
"""What chord labels write where there is none."""


@lru_cache(maxsize=4096)
def _chord(name: str) -> Chord | None:
    from harmonicflow.score.chords import parse_chord

    return None if name.strip().upper() in NO_CHORD else parse_chord(name)


def key_numbers(key: KeyLike) -> tuple[int, int] | None:
    """(tonic 0..11, 1 if minor else 0) of a key, its name ("F# minor", "Bbm", "E") or a (tonic, mode) pair.

    Raises `bad_key`.
    """
    if key is None or key == "":
        return None
    if isinstance(key, str):
        from harmonicflow.score.keys import parse_key

        key = parse_key(key)
    tonic, mode = key if isinstance(key, tuple) else (key.tonic, key.mode)
    return tonic % 12, int(mode == "minor")


def _pool(grid: _Grid, times_s: Times) -> NDArray[np.int64]:
    beat = grid.beat_at(times_s) + 1e-9
    bar = np.zeros_like(beat)
    if len(grid.bars):
        bar, _ = grid.bar_at(beat)
    whole = np.floor(beat - bar)
    new = (np.diff(whole) != 0) | (np.diff(bar) != 0)
    return np.concatenate([[0], np.cumsum(new)]).astype(np.int64)[: len(times_s)]
