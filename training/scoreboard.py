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

from .page import aligned

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
BEAT_PARTS: Final = {1: "beat", 2: "half_beat", 3: "third_beat", 4: "quarter_beat"}
TITLES: Final = {
    "onset_f1_50": "onset F1 within 50 ms",
    "onset_f1_20": "onset F1 within 20 ms",
    "offset_ms": "median offset, ms",
    "offset_iqr_ms": "spread of the offsets (IQR), ms",
    "pitch_f1": "pitch F1 at the asked onsets",
    "drum_f1": "drums: each kind struck within 50 ms, F1",
    "chord": "chord score of the pitched stems' sum",
    "beat_phase": "beat-phase concentration, at the part of the beat where it is largest",
    "beat": "at the beat",
    "half_beat": "at the half-beat",
    "third_beat": "at the third of a beat",
    "quarter_beat": "at the quarter-beat",
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
    chord_right_s: float = 0.0
    chord_asked_s: float = 0.0
    mel_db: dict[str, list[float]] = field(default_factory=dict)
    level_db: dict[str, list[float]] = field(default_factory=dict)
    drums: dict[str, Counts] = field(default_factory=dict)  # by kind of drum
    phases: dict[int, dict[str, list[float]]] = field(default_factory=dict)  # part of a beat -> stem -> one a song

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
        out["beat_phase"] = {
            stem: float(np.max([values[stem] for values in self.phases.values()], axis=0).mean())
            for stem in self.phases.get(1, {})
        }
        return out


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
    lines = [", ".join(f"{key} {value}" for key, value in board["about"].items() if not isinstance(value, dict))]
    for metric, rows in blocks(board):
        lines += ["", title(board, metric), *aligned(rows)]
    return "\n".join(lines)


def title(board: dict[str, Any], metric: str) -> str:
    """A metric's title, and whether it can be relied on."""
    relied_on = board["valid"].get(metric, True)
    return TITLES[metric] + ("" if relied_on else " (cannot rank its ladder: not to be relied on)")


def blocks(board: dict[str, Any]) -> Iterable[tuple[str, list[list[str]]]]:
    """Each metric that was measured with its rows of text: a head, then a row of the ladder each."""
    for metric in TITLES:
        found = {row: scores[metric] for row, scores in board["rows"].items() if metric in scores}
        stems = list(dict.fromkeys(stem for scores in found.values() for stem in scores))
        stems.sort(key=lambda stem: stem == ALL)
        shares = {row: board["shares"].get(row, {}).get(metric, {}) for row in found}
        rows = [
            [row, *(_cell(metric, found[row].get(stem), shares[row].get(stem)) for stem in stems)]
            for row in (*LADDER, *DROPPED)
            if row in found
        ]
        if rows:
            yield metric, [["", *stems], *rows]


def _cell(metric: str, value: float | None, share: float | None) -> str:
    if value is None:
        return "-"
    number = f"{value:.3f}" if metric in THREE_DIGITS else f"{value:.1f}"
    return number if share is None else f"{number} {100 * share:3.0f} %"
