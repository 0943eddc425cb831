"""Who is asked what a recording holds: the trained network, signal analysis without it, and librosa's tools.

Each gives beats, downbeats, tempo, key and chords in one form, so that they are scored alike.

Shapes: T sample, N frame, H chord row, K beat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.beats import Beats, hear_beats
from harmonicflow.analysis.chord_decoding import decode_chords
from harmonicflow.analysis.flux import hear_beats_without
from harmonicflow.analysis.harmony import estimate_harmony, hear_harmony
from harmonicflow.analysis.listening import (
    ANALYST_RATE,
    CHORD_RATE,
    KEY,
    NO_ROOT,
    ROOT,
    spectrum,
)
from harmonicflow.analysis.rolled import rolled
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import MeterMap, Selection, TempoMap
from harmonicflow.score.chord_search import BAR_LINE, WITHIN
from harmonicflow.score.chords import Chord
from harmonicflow.score.key_search import key_correlations

Audio = NDArray[np.float32]
Spans = tuple[tuple[float, float, Chord | None], ...]  # start_s, end_s
Ask = Callable[[Audio], tuple[NDArray[Any], NDArray[Any]]]  # spectrum [N, W] to time [N, 2] and harmony [H, 62]

NETWORK, SIGNAL, LIBROSA = "analyst", "signal", "librosa"
STEP_S: Final = 0.5  # of chords where no beats are heard

@dataclass(frozen=True)
class Heard:
    """What one of them says about a recording."""

    beats_s: NDArray[np.float64]
    downbeats_s: NDArray[np.float64]
    bpm: float
    meter: int
    key: int | None  # tonic, 12 more in minor
    chords: Spans


Hearer = Callable[[Audio], Heard]


def network(ask: Ask) -> Hearer:
    """The trained analyst, as `ask` runs it."""

    def hear(mono_T: Audio) -> Heard:
        time, harmony = ask(spectrum(mono_T))
        beats = hear_beats(time, ANALYST_RATE)
        seconds = len(mono_T) / SAMPLE_RATE
        spans = spans_of(harmony, _edges(beats, seconds), beats.downbeats_s, mono_T)
        return _heard(beats, _key_of(harmony), spans)

    return hear


def without(mono_T: Audio) -> Heard:
    """What the engine hears where a bundle has no analyst: flux, chroma, templates."""
    beats = hear_beats_without(mono_T)
    selection = _selection(beats, len(mono_T))
    harmony = estimate_harmony(mono_T, SAMPLE_RATE, selection)

    def seconds(beat: Fraction) -> float:
        return float(selection.frame_at_beat(beat)) / SAMPLE_RATE

    chords = tuple((seconds(span.start), seconds(span.end), span.chord) for span in harmony.chords)
    key = None if harmony.key is None else harmony.key.tonic + 12 * (harmony.key.mode == "minor")
    return _heard(beats, key, chords)


def librosas(mono_T: Audio) -> Heard:
    """librosa's beat tracker (Ellis 2007) and chroma, with 24 triads as templates and Krumhansl's profiles.

    It has no downbeats of its own: every fourth beat from the first counts as one.
    Raises: HarmonicFlowError `missing_package`.
    """
    try:
        import librosa
    except ImportError as error:
        raise HarmonicFlowError("missing_package", package="librosa", install="pip install librosa") from error
    rate = SAMPLE_RATE // 2
    sound = librosa.resample(mono_T, orig_sr=SAMPLE_RATE, target_sr=rate, res_type="soxr_mq")
    bpm, frames = librosa.beat.beat_track(y=sound, sr=rate)
    beats_s = librosa.frames_to_time(frames, sr=rate)
    chroma = librosa.feature.chroma_cqt(y=sound, sr=rate)
    edges = _edges(Beats(beats_s, (), float(np.squeeze(bpm)), 4, 1.0), len(mono_T) / SAMPLE_RATE)
    profile = chroma.mean(axis=1)
    key = int(key_correlations(profile)[0].argmax()) if np.ptp(profile) > 1e-6 else None
    chords = _triads(chroma, librosa.time_to_frames(edges, sr=rate), edges)
    return Heard(beats_s, beats_s[::4], float(np.squeeze(bpm)), 4, key, chords)


def _triads(chroma: NDArray[Any], frames: NDArray[np.intp], edges: NDArray[np.float64]) -> Spans:
    """The triad whose template lies nearest to each step's median chroma."""
    triads = [Chord(root, quality) for quality in ("", "m") for root in range(12)]
    templates = np.array([[tone in chord.pitch_classes for tone in range(12)] for chord in triads]) / np.sqrt(3)
    out = []
    for place, (start, end) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        column = chroma[:, frames[place] : max(frames[place] + 1, frames[place + 1])]
        heard = np.median(column, axis=1) if column.size else np.zeros(12)
        out.append((float(start), float(end), triads[int((templates @ heard).argmax())] if heard.any() else None))
    return tuple(out)


def _heard(beats: Beats, key: int | None, chords: Spans) -> Heard:
    return Heard(beats.beats_s, beats.downbeats_s, beats.bpm, beats.meter, key, chords)


def _edges(beats: Beats, seconds: float) -> NDArray[np.float64]:
    """Where a chord may change: beats, or half seconds."""
    inner = beats.beats_s if len(beats.beats_s) > 1 else np.arange(STEP_S, seconds, STEP_S)
    return np.unique(np.concatenate([[0.0], inner[(inner > 0.05) & (inner < seconds - 0.05)], [seconds]]))


def _selection(beats: Beats, samples: int) -> Selection:
    """A grid of the tempo that was heard, from its first downbeat; 120 BPM where none was."""
    bpm = min(max(beats.bpm, 30.0), 300.0) if beats.bpm else 120.0
    tempo = TempoMap.constant(f"{bpm:.4f}", SAMPLE_RATE)
    into = float(beats.downbeats_s[0]) * bpm / 60 if len(beats.downbeats) else 0.0
    start = (-into) % beats.meter
    return Selection(
        SAMPLE_RATE, 0, samples, tempo, MeterMap.constant(f"{beats.meter}/4"), Fraction(round(start * 1000), 1000)
    )


def _key_of(harmony: NDArray[Any]) -> int | None:
    """The key of most rows, where there is harmony at all."""
    tonal = harmony[:, ROOT].argmax(axis=1) != NO_ROOT
    if not tonal.any():
        return None
    return int(_log_softmax(harmony[tonal, KEY]).mean(axis=0).argmax())


def spans_of(
    harmony: NDArray[Any], edges: NDArray[np.float64], downbeats_s: NDArray[np.float64], mono_T: Audio | None = None
) -> Spans:
    """The engine's chords between `edges`: by the network, and with the sound by templates beside it."""
    near = np.abs(edges[:-1, None] - downbeats_s).min(axis=1) if len(downbeats_s) else np.full(len(edges) - 1, 1.0)
    place_K = np.where(near < 0.01, BAR_LINE, WITHIN)
    if mono_T is None:
        found = decode_chords(harmony, CHORD_RATE, edges, place_K)
    else:
        signal = hear_harmony(mono_T, SAMPLE_RATE, edges, place_K)
        found = decode_chords(harmony, CHORD_RATE, edges, place_K, signal.held_K, silent_K=signal.silent_K,
                              fit_KQ=signal.fit_KQ)  # fmt: skip
        found = rolled(found, signal.chroma_KP, edges)
    return tuple((float(edges[one.first]), float(edges[one.last]), one.chord) for one in found)


def _log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True), np.float64)


def asked(source: Path, threads: int | None) -> tuple[Ask, dict[str, Any]]:
    """How to ask the analyst of a bundle's folder or a checkpoint, and what it is.

    Raises: HarmonicFlowError `no_bundle`, `bad_bundle`, `bad_checkpoint`, `bad_option` (a bundle without analyst).
    """
    if source.is_file():
        return _of_checkpoint(source)
    from harmonicflow.engine.bundle import Bundle
    from harmonicflow.engine.runtime import Runtime

    bundle = Bundle.load(source)
    if not bundle.has("analyst"):
        raise HarmonicFlowError("bad_option", option="--bundle", value=str(source), reason="it has no analyst")
    runtime = Runtime(bundle, threads)

    def ask(rows: Audio) -> tuple[NDArray[Any], NDArray[Any]]:
        found = runtime.outputs("analyst", ("time", "harmony"), spectrum=rows[None])
        return found["time"][0], found["harmony"][0]

    return ask, {"bundle": bundle.card.name, "version": bundle.card.version, "bundle_hash": bundle.hash}


def _of_checkpoint(source: Path) -> tuple[Ask, dict[str, Any]]:
    import torch

    from .runs import load_analyst

    analyst, meta = load_analyst(source)

    def ask(rows: Audio) -> tuple[NDArray[Any], NDArray[Any]]:
        with torch.no_grad():
            time, harmony = analyst(torch.from_numpy(rows)[None])
        return time[0].numpy(), harmony[0].numpy()

    return ask, {"checkpoint": source.name, "step": meta["step"], "minutes": meta["minutes"]}
