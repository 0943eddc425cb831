"""What a performer must show, each demand with its figure and whether it is met.

A demand whose metric cannot rank its own ladder is not met, whatever its figure; one whose figure is missing neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .page import Gate
from .scoreboard import ALL, SHARES, TITLES

LEAST_ONSETS: Final = 0.9  # of the truth's score
LEAST_NOTES: Final = 0.85
LEAST_CHORDS: Final = 0.85
LEAST_GUIDED_BEAT, LEAST_GUIDED_CHORDS = 0.8, 0.6
MOST_OVER_CHANCE: Final = 0.1  # of the chord score with nothing told of the harmony, over another song's
MOST_LATE_MS, WIDEST_MS = 10.0, 20.0
FEW_STEPS, MANY_STEPS, LEAST_KEPT = 4, 32, 0.95
MOST_TIME: Final = 0.2  # seconds of work a second of sound

HEADLINES: Final = {  # of a judge's figures, the one that its demand is about
    "coherence": ("share_of_truth", "performed"),
    "timbre": ("share_of_truth",),
    "genre": ("prompt", "times_chance"),
    "copying": ("worst_share",),
}

Board = Mapping[str, Any]


def gates(board: Board) -> list[Gate]:
    """The demands on a performer, in the order in which they were asked."""
    stems = [stem for stem in board["rows"]["truth"].get("onset_f1_50", {}) if stem != ALL]
    out: list[Gate] = []
    for metric, name in (("onset_f1_50", "onset F1 (50 ms)"), ("onset_f1_20", "onset F1 (20 ms)")):
        for stem in (*stems, ALL):
            out.append(_share(board, "performed", metric, stem, f"{name}, share of the truth's", LEAST_ONSETS))
    for stem in stems:
        late, wide = (_score(board, "performed", metric, stem) for metric in ("offset_ms", "offset_iqr_ms"))
        out.append(_gate("median offset, ms", stem, late, f"within {MOST_LATE_MS:g}", -MOST_LATE_MS, MOST_LATE_MS))
        out.append(_gate("spread of the offsets (IQR), ms", stem, wide, f"<= {WIDEST_MS:g}", 0.0, WIDEST_MS))
    for stem in stems:
        metric, column = ("drum_f1", ALL) if stem == "drums" else ("pitch_f1", stem)
        found = _share(board, "performed", metric, column, "notes heard, F1, share of the truth's", LEAST_NOTES)
        out.append(found | {"column": stem})
    out.append(_share(board, "performed", "chord", ALL, "chords, share of the truth's", LEAST_CHORDS))
    out += [_chance(board), *_guided(board), *_judged(board), *_steps(board), *_streamed(board)]
    return out


def _gate(name: str, column: str, value: float | None, needs: str, low: float, high: float, ranks: bool = True) -> Gate:
    return {
        "gate": name, "column": column, "value": None if value is None else round(value, 4), "needs": needs,
        "pass": value is not None and ranks and low <= value <= high,
    }  # fmt: skip


def _score(board: Board, row: str, metric: str, column: str) -> float | None:
    value = board["rows"].get(row, {}).get(metric, {}).get(column)
    return None if value is None else float(value)


def _share(board: Board, row: str, metric: str, column: str, name: str, least: float) -> Gate:
    value = board["shares"].get(row, {}).get(metric, {}).get(column)
    ranks = bool(board["valid"].get(metric))
    note = "" if ranks else " (does not rank)"
    return _gate(name + note, column, value, f">= {least:g}", least, float("inf"), ranks)


def _chance(board: Board) -> Gate:
    own, chance = (_score(board, row, "chord", ALL) for row in ("no_harmony", "truth_shuffled"))
    most = (chance or 0.0) + MOST_OVER_CHANCE
    needs = f"<= {most:.3f}, {MOST_OVER_CHANCE:g} over another song's"
    name = "chords with neither score, chords nor key told"
    return _gate(name, ALL, own, needs, 0.0, most, chance is not None and bool(board["valid"].get("chord")))


def _guided(board: Board) -> list[Gate]:
    asked = (("beat_phase", "beat-phase concentration", LEAST_GUIDED_BEAT), ("chord", "chords", LEAST_GUIDED_CHORDS))
    return [
        _share(board, "no_score", metric, ALL, f"the guide alone: {name}, share of the truth's", least)
        for metric, name, least in asked
    ]


def _judged(board: Board) -> list[Gate]:
    """What trained judges found, where they were asked."""
    out: list[Gate] = []
    for name, verdict in board.get("judges", {}).items():
        value: Any = verdict["figures"]
        for key in HEADLINES.get(name, ("",)):
            value = value.get(key) if isinstance(value, Mapping) else None
        note = "" if verdict["valid"] else " (does not rank)"
        out.append({
            "gate": f"judged{note}", "column": name, "value": round(value, 4) if isinstance(value, float) else None,
            "needs": verdict["gate"], "pass": bool(verdict["pass"]),
        })  # fmt: skip
    return out


def _steps(board: Board) -> list[Gate]:
    """Every metric at few steps as a share of itself at many."""
    kept = board.get("steps", {}).get("kept", {}).get(str(FEW_STEPS), {})
    return [
        _gate(f"{FEW_STEPS} steps, share of {MANY_STEPS}: {TITLES[metric]}", ALL, kept[metric], f">= {LEAST_KEPT:g}",
              LEAST_KEPT, float("inf"), bool(board["valid"].get(metric)))
        for metric in SHARES if metric in kept
    ]  # fmt: skip


def _streamed(board: Board) -> list[Gate]:
    found = board.get("long_take")
    if not found:
        return []
    wrong, differing, time = (float(found[key]) for key in ("wrong_frames", "differing_bytes", "real_time_factor"))
    name = f"{found['bars']} bars at {found['tempo']} BPM"
    return [
        _gate(f"{name}: frames too many or too few, all files", ALL, wrong, "0", 0.0, 0.0),
        _gate(f"{name}: bytes in which blocks and the take differ", ALL, differing, "0", 0.0, 0.0),
        _gate(f"real-time factor, {found['steps']} steps, {found['threads']} threads", ALL, time,
              f"<= {MOST_TIME:g}", 0.0, MOST_TIME),
    ]  # fmt: skip
