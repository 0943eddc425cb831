"""Listen to a recording: tempo, beats, bars, keys, chords, loudness, form. With a bundle's analyst, or without.

The network hears beats and harmony in pieces of a minute, each with some seconds before and after it, so that memory
does not grow with the recording; what it says is put together before anything is decided, so that no decision is cut.

Shapes: T sample at 44.1 kHz, N frame of the analyst, K step between two beats, B bar, P pitch class (12).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from harmonicflow.analysis.beats import hear_beats
from harmonicflow.analysis.chord_decoding import decode_chords, pool_logits
from harmonicflow.analysis.flux import flux_logits
from harmonicflow.analysis.harmony import BeatHarmony, hear_harmony
from harmonicflow.analysis.listening import ANALYST_HOP, ANALYST_RATE, CHORD_FRAMES, CHORD_RATE, KEY, spectrum
from harmonicflow.analysis.onsets import onsets
from harmonicflow.analysis.rolled import rolled
from harmonicflow.analysis.structure import Structure, bar_likeness, bar_rows, find_structure
from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chord_search import BAR_LINE, FoundChord
from harmonicflow.score.chord_table import KEYS
from harmonicflow.score.key_search import SHARPNESS, key_correlations, key_path, softmax

from .curves_heard import band_levels, loudness_of
from .hear_grid import Grid, heard_grid, session_grid
from .heard import (
    ANALYST,
    SESSION,
    SIGNAL,
    Heard,
    HeardChord,
    HeardKey,
    beat_at,
    heard_sections,
    onsets_heard,
)
from .runtime import Runtime

Analyst: TypeAlias = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A spectrum [N, SPECTRUM_BANDS] to time logits [N, 2] and harmony logits [N / CHORD_FRAMES, HARMONY_OUT]."""

SHORTEST_S: Final = 0.5
LEVEL: Final = 1e-4  # a recording whose loudest sample lies below it, -80 dB, is silent
PIECE: Final = 648 * CHORD_FRAMES * ANALYST_HOP  # samples, about a minute
AROUND: Final = 86 * CHORD_FRAMES * ANALYST_HOP  # samples before and after it, about 8 s
KEY_BARS: Final = 4


def analyst_of(runtime: Runtime) -> Analyst | None:
    """The analyst of a bundle; None where it has none."""
    if not runtime.bundle.has("analyst"):
        return None

    def ask(spectrum_NW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = runtime.outputs("analyst", ("time", "harmony"), again=True, spectrum=spectrum_NW[None])
        return found["time"][0], found["harmony"][0]

    return ask


def hear(
    sound: np.ndarray,
    rate: int,
    analyst: Analyst | None = None,
    selection: Selection | None = None,
    name: str = "the clip",
) -> Heard:
    """What is heard in a recording, float32 [channels, frames] or [frames] at `rate` Hz.

    `selection`: its beats and bars are taken as they are (the sound's frame 0 is its first). Raises `too_short` below
    half a second and `nothing_heard` in silence.
    """
    planar = np.atleast_2d(np.asarray(sound, np.float32))
    seconds = planar.shape[1] / rate
    if seconds < SHORTEST_S:
        raise HarmonicFlowError("too_short", what=name, seconds=f"{seconds:.3g}", minimum=SHORTEST_S)
    if float(np.abs(planar).max()) < LEVEL:
        raise HarmonicFlowError("nothing_heard", path=name)
    loudness = loudness_of(planar, rate)
    mono_T = planar.mean(axis=0, dtype=np.float32)
    mono_T = mono_T if rate == SAMPLE_RATE else np.asarray(resample(mono_T, rate, SAMPLE_RATE), np.float32)
    struck_s = onsets(mono_T, SAMPLE_RATE)
    time_N2, harmony = activations(mono_T, analyst, with_time=selection is None)
    heard_beats = None if time_N2 is None else hear_beats(time_N2, ANALYST_RATE, struck_s)
    grid = session_grid(selection) if selection is not None else heard_grid(heard_beats, seconds)
    signal = hear_harmony(mono_T, SAMPLE_RATE, grid.edges_s, grid.place_K)
    chords = signal.chords
    if harmony is not None:
        chords = decode_chords(harmony, CHORD_RATE, grid.edges_s, grid.place_K, signal.held_K, silent_K=signal.silent_K,
                               fit_KQ=signal.fit_KQ)  # fmt: skip
    chords = rolled(chords, signal.chroma_KP, grid.edges_s)
    structure = _structure(mono_T, signal, grid)
    keys = _keys(signal, harmony, grid)
    return Heard(
        source=SIGNAL if analyst is None else ANALYST,
        time_source=SESSION if selection is not None else SIGNAL if analyst is None else ANALYST,
        seconds=seconds,
        tempo=grid.tempo,
        meter=grid.meter,
        beats_s=tuple(float(beat) for beat in grid.beats_s),
        downbeats=grid.downbeats,
        key=_main_key(keys, seconds),
        keys=keys,
        chords=_chords(chords, grid),
        loudness=loudness,
        onsets=onsets_heard(struck_s, seconds),
        sections=heard_sections(structure.sections, grid.bars_s, min(grid.last_bar_end_s, seconds)),
        motifs=structure.motifs,
        tuning_cents=100 * signal.tuning if not signal.silent_K.all() else None,
        likeness_BB=structure.likeness_BB,
    )


def activations(
    mono_T: np.ndarray, analyst: Analyst | None, with_time: bool = True
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Time logits [N, 2] and harmony logits of a whole recording; without a network the flux's and None."""
    times, harmonies = [], []
    if analyst is None and not with_time:
        return None, None
    for start in range(0, len(mono_T), PIECE):
        low = max(0, start - AROUND)
        piece = mono_T[low : start + PIECE + AROUND]
        first, frames = (start - low) // ANALYST_HOP, min(PIECE, len(mono_T) - start) / ANALYST_HOP
        rows = int(np.ceil(frames / CHORD_FRAMES))
        if analyst is None:
            times.append(flux_logits(piece)[first : first + rows * CHORD_FRAMES])
            continue
        time, harmony = analyst(spectrum(piece))
        times.append(time[first : first + rows * CHORD_FRAMES])
        harmonies.append(harmony[first // CHORD_FRAMES :][:rows])
    return np.concatenate(times) if with_time else None, np.concatenate(harmonies) if harmonies else None


def _chords(found: list[FoundChord], grid: Grid) -> tuple[HeardChord, ...]:
    edges = grid.edges_s
    return tuple(
        HeardChord(
            float(edges[one.first]), float(edges[one.last]), beat_at(edges[one.first], grid.beats_s),
            beat_at(edges[one.last], grid.beats_s), one.chord, round(float(np.clip(one.confidence, 0, 1)), 4),
        )
        for one in found
        if one.chord is not None
    )  # fmt: skip


def _keys(signal: BeatHarmony, harmony: np.ndarray | None, grid: Grid) -> tuple[HeardKey, ...]:
    """Keys over stretches of four bars (or sixteen steps), neighbours of one key joined."""
    if signal.silent_K.all():
        return ()
    lines = np.flatnonzero(grid.place_K == BAR_LINE)[::KEY_BARS]
    if len(lines) < 2:
        lines = np.arange(0, len(grid.place_K), 4 * KEY_BARS)
    starts = [0, *(int(line) for line in lines if line >= 4)]
    edges = [*starts, len(grid.place_K)]
    sounding = signal.chroma_KP * ~signal.silent_K[:, None]
    profile = np.array([sounding[a:b].sum(axis=0) for a, b in zip(edges, edges[1:], strict=False)])
    log_KM = _log(softmax(SHARPNESS * key_correlations(profile + 0.1 * profile.sum(axis=0))))
    if harmony is not None:
        rows = pool_logits(harmony, CHORD_RATE, grid.edges_s[edges])[:, KEY]
        log_KM = _log(softmax(rows))
    found: list[HeardKey] = []
    for number, row in enumerate(key_path(log_KM)):
        start, end = float(grid.edges_s[edges[number]]), float(grid.edges_s[edges[number + 1]])
        sure = float(np.exp(log_KM[number, row]))
        if found and found[-1].key == KEYS[row]:
            before = found[-1]
            mean = before.confidence + (sure - before.confidence) * (end - start) / (end - before.start_s)
            found[-1] = HeardKey(before.start_s, end, before.key, mean)
        else:
            found.append(HeardKey(start, end, KEYS[row], sure))
    return tuple(found)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(probabilities + 1e-6))


def _main_key(keys: tuple[HeardKey, ...], seconds: float) -> HeardKey | None:
    """The key that holds longest, as that of the whole."""
    if not keys:
        return None
    held = {key.key: sum(one.end_s - one.start_s for one in keys if one.key == key.key) for key in keys}
    best = max(held, key=lambda key: held[key])
    rows = [one for one in keys if one.key == best]
    sure = sum(one.confidence * (one.end_s - one.start_s) for one in rows) / max(seconds, 1e-9)
    return HeardKey(0.0, seconds, best, min(sure, 1.0))


def _structure(mono_T: np.ndarray, signal: BeatHarmony, grid: Grid) -> Structure:
    """Form from whole bars; none with fewer than two."""
    if len(grid.downbeats) < 2:
        return find_structure(np.zeros((0, 0), np.float32))
    edges = [place + grid.before for place in grid.downbeats]
    length = edges[-1] - edges[-2]
    edges.append(min(edges[-1] + length, len(grid.place_K)))
    levels: Any = band_levels(mono_T, grid.edges_s)
    chroma = signal.chroma_KP / (signal.chroma_KP.max(axis=1, keepdims=True) + 1e-9)
    return find_structure(bar_likeness(bar_rows(chroma, edges), bar_rows(levels, edges)))
