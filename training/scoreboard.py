"""The scoreboard: what was counted becomes scores, shares of the true audio's, and a table.

Rows are the ladder: the truth at the top, then the codec's copy of it, the performed stems, and the controls below.
A metric that cannot rank the true audio above its own controls (another song's, half a sixteenth late, noise) says
nothing and is marked so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from harmonicflow.analysis.metrics import Counts, spread

LADDER: Final = {
    "truth": "the true audio",
    "codec": "true audio, encoded and decoded",
    "performed": "made from the score",
    "shifted": "performed, half a sixteenth late",
    "shuffled": "performed for another song",
    "noise": "noise through the decoder",
    "truth_shifted": "true audio, half a sixteenth late",
    "truth_shuffled": "true audio of another song",
}
DROPPED: Final = {
    "no_score": "chords, key and beats told, no score: the guide alone",
    "clip": "no score either, the true mix as the user's clip",
    "no_chords": "score, key and beats told, no chords",
    "no_score_no_chords": "key and beats told, neither score nor chords",
    "no_harmony": "beats told; neither score nor chords nor key",
    "no_time": "score, chords and key told, no beats",
    "no_key": "score, chords and beats told, no key",
    "regenerated": "each stem from its score, the other three true ones known",
}
"""Rows of the performer's page, what is told in each."""
SHARED: Final = ("onset_f1_50", "onset_f1_20", "pitch_f1", "chord")  # what a promotion compares
SHARES: Final = (*SHARED, "drum_f1", "beat_phase")  # higher is better, read as shares of the truth's
BEAT_PARTS: Final = {1: "beat", 2: "half_beat", 4: "quarter_beat"}
TITLES: Final = {
    "onset_f1_50": "onset F1 within 50 ms",
    "onset_f1_20": "onset F1 within 20 ms",
    "offset_ms": "median offset, ms",
    "offset_iqr_ms": "spread of the offsets (IQR), ms",
    "pitch_f1": "pitch F1 at the asked onsets",
    "drum_f1": "drums: each kind struck within 50 ms, F1",
    "chord": "chord score of the pitched stems' sum",
    "beat_phase": "beat-phase concentration, mean of beat and half-beat",
    "beat": "onsets at one phase of the beat",
    "half_beat": "of the half-beat",
    "quarter_beat": "of the quarter-beat",
    "log_mel_l1_db": "log-mel distance to the true audio, dB",
    "level_db": "level against the true audio, dB",
}
CONTROLS: Final = {  # what each metric must tell from the truth
    "onset_f1_50": ("truth_shuffled", "noise"),
    "onset_f1_20": ("truth_shifted", "truth_shuffled", "noise"),
    "pitch_f1": ("truth_shuffled", "noise"),
    "chord": ("truth_shuffled", "noise"),
    "drum_f1": ("truth_shifted", "truth_shuffled", "noise"),
    "beat_phase": ("truth_shuffled", "noise"),
}
LEAST_LEAD: Final = 0.1  # of the truth over each control
ALL: Final = "all"
THREE_DIGITS: Final = (*SHARES, *BEAT_PARTS.values())


@dataclass
class Tally:
    """What one row of the ladder did, added up over songs; by stem."""

    onsets_50: dict[str, Counts] = field(default_factory=dict)
    onsets_20: dict[str, Counts] = field(default_factory=dict)
    offsets_s: dict[str, list[float]] = field(default_factory=dict)
    pitches: dict[str, Counts] = field(default_factory=dict)
    drums: dict[str, Counts] = field(default_factory=dict)  # by kind of drum
    phases: dict[int, dict[str, list[float]]] = field(default_factory=dict)  # part of a beat -> stem -> one a song
    chord_right_s: float = 0.0
    chord_asked_s: float = 0.0
    mel_db: dict[str, list[float]] = field(default_factory=dict)
    level_db: dict[str, list[float]] = field(default_factory=dict)

    def scores(self) -> dict[str, dict[str, float]]:
        """Metric -> stem (and "all", the mean over stems) -> value."""
        offsets = {stem: spread(np.array(values)) for stem, values in self.offsets_s.items()}
        found: dict[str, dict[str, float | None]] = {
            "onset_f1_50": {stem: counts.f1 for stem, counts in self.onsets_50.items()},
            "onset_f1_20": {stem: counts.f1 for stem, counts in self.onsets_20.items()},
            "offset_ms": {stem: pair and 1000 * pair[0] for stem, pair in offsets.items()},
            "offset_iqr_ms": {stem: pair and 1000 * pair[1] for stem, pair in offsets.items()},
            "pitch_f1": {stem: counts.f1 for stem, counts in self.pitches.items()},
            **self._gathered(),
            "log_mel_l1_db": {stem: float(np.mean(values)) for stem, values in self.mel_db.items()},
            "level_db": {stem: float(np.median(values)) for stem, values in self.level_db.items()},
        }
        out: dict[str, dict[str, float]] = {}
        for metric, by_stem in found.items():
            values = {stem: round(value, 4) for stem, value in by_stem.items() if value is not None}
            if values:
                out[metric] = values | {ALL: round(float(np.mean(list(values.values()))), 4)}
        struck = {kind: counts.f1 for kind, counts in self.drums.items()}
        if any(value is not None for value in struck.values()):
            pooled = {ALL: sum(self.drums.values(), Counts()).f1}  # a kind counts by how often it is struck
            out["drum_f1"] = {kind: round(value, 4) for kind, value in (struck | pooled).items() if value is not None}
        if self.chord_asked_s:
            out["chord"] = {ALL: round(self.chord_right_s / self.chord_asked_s, 4)}
        return out


    def _gathered(self) -> dict[str, dict[str, float | None]]:
        """Beat-phase concentration, the mean over songs."""
        out: dict[str, dict[str, float | None]] = {
            name: {stem: float(np.mean(values)) for stem, values in self.phases.get(part, {}).items()}
            for part, name in BEAT_PARTS.items()
        }
        whole, half = out["beat"], out["half_beat"]
        return {"beat_phase": {stem: ((whole[stem] or 0.0) + (half[stem] or 0.0)) / 2 for stem in whole}} | out


def scoreboard(tallies: dict[str, Tally], about: dict[str, Any]) -> dict[str, Any]:
    """Everything measured, as plain JSON: `rows`, `shares` of the truth's, which metrics are `valid`, and `about`."""
    rows = {row: tally.scores() for row, tally in tallies.items()}
    return {"about": about, "valid": valid_metrics(rows), "rows": rows, "shares": shares(rows)}


def shares(rows: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Each row's scores as a share of the truth's, where the truth scores at all."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for row, metrics in rows.items():
        for metric in SHARES:
            true = rows["truth"].get(metric, {})
            values = {
                stem: round(value / true[stem], 4)
                for stem, value in metrics.get(metric, {}).items()
                if true.get(stem, 0.0) > 0
            }
            if values:
                out.setdefault(row, {})[metric] = values
    return out


def valid_metrics(rows: dict[str, dict[str, dict[str, float]]]) -> dict[str, bool]:
    """Whether each metric ranks the truth above the controls it must tell apart, over all stems."""
    out = {}
    for metric, controls in CONTROLS.items():
        true = rows["truth"].get(metric, {}).get(ALL)
        below = [rows.get(row, {}).get(metric, {}).get(ALL) for row in controls]
        if true is not None:
            out[metric] = all(value is None or true - value >= LEAST_LEAD for value in below)
    return out


def summary(board: dict[str, Any]) -> dict[str, Any]:
    """The lines of a scoreboard that a model card keeps."""
    kept = [row for row in ("truth", "codec", "performed", "shifted", "shuffled") if row in board["rows"]]
    return {
        "about": board["about"],
        "valid": board["valid"],
        "rows": {row: _over_all(board["rows"][row]) for row in kept},
        "shares": {row: _over_all(board["shares"].get(row, {})) for row in kept if row != "truth"},
    }


def _over_all(metrics: dict[str, dict[str, float]]) -> dict[str, float]:
    return {metric: values[ALL] for metric, values in metrics.items() if ALL in values}


def table(board: dict[str, Any]) -> str:
    """The scoreboard for people: a block a metric, a line a row; shares of the truth's in per cent."""
    lines: list[str] = []
    about = board["about"]
    lines.append(", ".join(f"{key} {value}" for key, value in about.items() if not isinstance(value, dict)))
    for metric, title in TITLES.items():
        if not any(metric in scores for scores in board["rows"].values()):
            continue
        note = "" if board["valid"].get(metric, True) else "   (cannot rank its ladder: not to be relied on)"
        lines += ["", title + note, *_block(board, metric)]
    return "\n".join(lines)


def _block(board: dict[str, Any], metric: str) -> Iterable[str]:
    stems = list(dict.fromkeys(stem for scores in board["rows"].values() for stem in scores.get(metric, ())))
    stems.sort(key=lambda stem: stem == ALL)
    yield f"  {'':<18}" + "".join(f"{stem:>16}" for stem in stems)
    for row in (*LADDER, *DROPPED):
        scores = board["rows"].get(row, {}).get(metric)
        if scores is None:
            continue
        cells = []
        for stem in stems:
            value = scores.get(stem)
            share = board["shares"].get(row, {}).get(metric, {}).get(stem)
            number = "-" if value is None else f"{value:.3f}" if metric in THREE_DIGITS else f"{value:.1f}"
            cells.append(f"{number:>9}" + (f"{100 * share:>5.0f} %" if share is not None else " " * 7))
        yield f"  {row:<18}" + "".join(cells)
