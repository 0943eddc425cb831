"""How right an answer of the analyst is.

Measures are mir_eval's (Raffel et al. 2014): beats and downbeats within 70 ms, keys weighted as MIREX does, chords as
the share of time named right, majmin to sevenths. Tempo is right within 4 %, "octave" allows half, double, a third and
three times (Gouyon et al. 2006).
"""

from typing import Final

import numpy as np

from harmonicflow.analysis.spectra import Times
from harmonicflow.score.chords import Chord

from .harte import harte, key_name
from .hearers import Heard, Spans
from .questions import Question
from .truth import Truth

TIMED: Final = ("beat F", "downbeat F", "tempo", "tempo, octave", "meter")
TONAL: Final = ("key", "majmin", "thirds", "sevenths", "mirex", "tones F")
UNTONAL: Final = ("drums", "bass")  # alone they name no chord
WITHIN_S: Final = 0.07
TEMPO_WITHIN: Final = 0.04


def judged(question: Question, heard: Heard) -> dict[str, float]:
    """Every measure that the question's truth allows, 0..1."""
    out: dict[str, float] = {}
    truth = question.truth
    if len(truth.pulses_s) > 4:
        out |= timed(truth, heard)
    if question.column not in UNTONAL:
        if truth.key is not None:
            out["key"] = key_score(truth.key, heard.key)
        if truth.chords:
            out |= tonal(truth.chords, heard.chords, question.seconds)
    return out


def timed(truth: Truth, heard: Heard) -> dict[str, float]:
    """Beats, downbeats, tempo and meter."""
    import mir_eval

    right = 60 / float(np.median(np.diff(truth.pulses_s)))
    ratios = heard.bpm / (right * np.array([1, 2, 3, 1 / 2, 1 / 3]))
    near = np.abs(ratios - 1) <= TEMPO_WITHIN

    def f_measure(asked_for: Times, found: Times) -> float:
        return float(mir_eval.beat.f_measure(asked_for, found, WITHIN_S)) if len(asked_for) and len(found) else 0.0

    return {
        "beat F": f_measure(truth.pulses_s, heard.beats_s),
        "downbeat F": f_measure(truth.downbeats_s, heard.downbeats_s),
        "tempo": float(near[0]),
        "tempo, octave": float(near.any()),
        "meter": float(heard.meter == truth.per_bar),
    }


def key_score(truth: int, heard: int | None) -> float:
    """MIREX: 1 for the key, 0.5 for the fifth above, 0.3 for the relative, 0.2 for the parallel one."""
    import mir_eval

    return 0.0 if heard is None else float(mir_eval.key.weighted_score(key_name(truth), key_name(heard)))


def tonal(truth: Spans, heard: Spans, seconds: float) -> dict[str, float]:
    """Chord recall by vocabulary, and the F measure of chord tones over time."""
    import mir_eval

    asked_for, found = filled(truth, seconds), filled(heard, seconds)
    scores = mir_eval.chord.evaluate(
        np.array([row[:2] for row in asked_for]), [harte(row[2]) for row in asked_for],
        np.array([row[:2] for row in found]), [harte(row[2]) for row in found],
    )  # fmt: skip
    out = {name: float(scores[name]) for name in ("majmin", "thirds", "sevenths", "mirex")}
    return {name: value for name, value in out.items() if np.isfinite(value)} | {"tones F": tones(asked_for, found)}


def filled(spans: Spans, seconds: float) -> Spans:
    """Spans from 0 to `seconds` without gaps or overlaps; None where there is no chord."""
    out: list[tuple[float, float, Chord | None]] = []
    at = 0.0
    for start, end, chord in sorted(spans, key=lambda span: span[0]):
        start, end = max(start, at), min(end, seconds)
        if end - start < 1e-3:
            continue
        if start - at > 1e-3:
            out.append((at, start, None))
        else:
            start = at
        out.append((start, end, chord))
        at = end
    if seconds - at > 1e-3:
        out.append((at, seconds, None))
    elif out:
        out[-1] = (out[-1][0], seconds, out[-1][2])
    return tuple(out)


def tones(truth: Spans, heard: Spans) -> float:
    """F measure of the pitch classes of chords, weighted by time: ninths and basses count."""
    edges = np.unique([edge for row in (*truth, *heard) for edge in row[:2]])
    right = asked_for = found = 0.0
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        middle = (start + end) / 2
        true, said = (_tones_at(spans, middle) for spans in (truth, heard))
        right += (end - start) * len(true & said)
        asked_for += (end - start) * len(true)
        found += (end - start) * len(said)
    return float(2 * right / (asked_for + found)) if asked_for + found else 1.0


def _tones_at(spans: Spans, at: float) -> frozenset[int]:
    chord = next((chord for start, end, chord in spans if start <= at < end), None)
    return chord.pitch_classes if chord else frozenset()
