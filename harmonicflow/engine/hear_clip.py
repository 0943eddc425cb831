"""What the user's clip says to the composer: chords and key on the selection's beats, and whether its tempo agrees.

The bundle's analyst listens where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harmonicflow.analysis.beats import hear_beats
from harmonicflow.analysis.chord_decoding import decode_chords, pool_logits
from harmonicflow.analysis.harmony import estimate_key, hear_harmony, selection_steps
from harmonicflow.analysis.listening import ANALYST_RATE, CHORD_RATE, KEY
from harmonicflow.analysis.onsets import onsets
from harmonicflow.analysis.rolled import rolled
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chord_table import KEYS
from harmonicflow.score.chords import ChordSpan
from harmonicflow.score.keys import Key

from .hear import Analyst, activations

CONFIDENT: Final = 0.5  # of beats, from which on a tempo is spoken of
DIFFERENT: Final = 0.04  # of the session's tempo
FEWEST_BEATS: Final = 8
# A band may well count half or twice as many beats as the session, or triplets.
RELATED: Final = (1.0, 2.0, 0.5, 3.0, 1 / 3, 1.5, 2 / 3)


@dataclass(frozen=True)
class ClipHarmony:
    """Chords in selection beats, the key (None in noise), and what is to be said about the tempo ("" for nothing)."""

    chords: tuple[ChordSpan, ...]
    key: Key | None
    remark: str = ""


def hear_clip(mono_T: np.ndarray, selection: Selection, analyst: Analyst | None, name: str) -> ClipHarmony:
    """Listen to a clip at 44.1 kHz whose sample 0 is the selection's first frame."""
    beats, place_K = selection_steps(selection)
    edges_s = np.array([float(selection.frame_at_beat(beat) / selection.rate) for beat in beats])
    signal = hear_harmony(mono_T, SAMPLE_RATE, edges_s, place_K)
    found, key = signal.chords, None
    if (estimate := estimate_key(signal.chroma_KP)) is not None:
        key = Key(estimate.tonic, estimate.mode)
    time_N2, harmony = activations(mono_T, analyst)
    if harmony is not None:
        found = decode_chords(harmony, CHORD_RATE, edges_s, place_K, signal.held_K, silent_K=signal.silent_K,
                              fit_KQ=signal.fit_KQ)  # fmt: skip
        if key is not None:
            rows = pool_logits(harmony, CHORD_RATE, edges_s)[~signal.silent_K, KEY]
            rows = rows - np.logaddexp.reduce(rows, axis=1, keepdims=True)
            key = KEYS[int(rows.mean(axis=0).argmax())]
    found = rolled(found, signal.chroma_KP, edges_s)
    chords = tuple(
        ChordSpan(beats[one.first], beats[one.last] - beats[one.first], one.chord)
        for one in found
        if one.chord is not None
    )
    return ClipHarmony(chords, key, "" if time_N2 is None else tempo_remark(mono_T, time_N2, selection, name))


def tempo_remark(mono_T: np.ndarray, time_N2: np.ndarray, selection: Selection, name: str) -> str:
    """A sentence where the clip clearly has another tempo than the selection; "" otherwise."""
    heard = hear_beats(time_N2, ANALYST_RATE, onsets(mono_T, SAMPLE_RATE))
    session = 60 * float(selection.beats / selection.seconds)
    if len(heard.beats_s) < FEWEST_BEATS or heard.confidence < CONFIDENT:
        return ""
    if any(abs(heard.bpm / (session * times) - 1) <= DIFFERENT for times in RELATED):
        return ""
    return f"{name} sounds like {heard.bpm:.0f} BPM, the session says {session:.0f}"
