"""The codec's ladder as numbers: what was measured becomes scores, checks of the metrics themselves, and gates.

A metric is measured per rung (truth, codec, MP3 ...), per column (an instrument, the sum, the mix, a clip) and per
song, and brought together over the songs. It counts only where it ranks what is known: nothing above the truth, MP3
clearly above noise, nothing below noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from harmonicflow.analysis.metrics import Counts
from harmonicflow.core.instruments import INSTRUMENTS

TRUTH, CODEC, PREVIOUS, MP3, GRIFFIN_LIM, NOISE = "truth", "codec", "previous", "mp3", "griffin_lim", "noise"
RUNGS: Final = {
    TRUTH: "the true audio",
    CODEC: "encoded and decoded by the bundle",
    PREVIOUS: "by the codec before",
    MP3: "MP3, 64 kbit/s constant, mono",
    GRIFFIN_LIM: "128 mel bands and Griffin-Lim",
    NOISE: "white noise of the same level",
}
SUM, MIX, OTHER = "sum", "mix", "other"

Measured = Counts | list[float]  # of one song: onsets counted, or values


def _mean(values: Iterable[Measured]) -> float | None:
    numbers = [number for value in values if isinstance(value, list) for number in value]
    return float(np.mean(numbers)) if numbers else None


def _median(values: Iterable[Measured]) -> float | None:
    numbers = [number for value in values if isinstance(value, list) for number in value]
    return float(np.median(numbers)) if numbers else None


def _f1(values: Iterable[Measured]) -> float | None:
    return sum((value for value in values if isinstance(value, Counts)), Counts()).f1


class Metric(NamedTuple):
    """A row of the scoreboard: what it says, digits after the point, which way is better, how songs are combined."""

    title: str
    digits: int
    better: int  # 1: more, -1: less, 0: a diagnosis, not ranked
    combined: Callable[[Iterable[Measured]], float | None]
    lead: float = 0.0  # how far MP3 must stand above noise; half of it is a tie


METRICS: Final[dict[str, Metric]] = {
    "log_mel_l1_db": Metric("log-mel L1, dB (64 bands)", 2, -1, _mean, 0.5),
    "complex_stft": Metric("complex STFT distance", 3, -1, _mean, 0.05),
    "si_sdr_db": Metric("SI-SDR, dB (not below -20)", 1, 1, _mean, 2.0),
    "onset_f1_50": Metric("onset F1 within 50 ms", 3, 1, _f1, 0.1),
    "onset_f1_20": Metric("onset F1 within 20 ms", 3, 1, _f1, 0.1),
    "chroma": Metric("chroma similarity", 3, 1, _mean, 0.05),
    "before_db": Metric("level in the 20 ms before clear onsets, dB of the peak (median)", 1, -1, _median, 6.0),
    "before_excess_db": Metric("level before clear onsets above the truth's or -50 dB, dB (mean)", 1, -1, _mean, 3.0),
    "before_held": Metric("share of clear onsets within 6 dB of the truth's or below -50 dB", 3, 1, _mean, 0.1),
    "clicks": Metric("clicks a minute", 1, 0, _mean),
    "hum_db": Metric("hum: error that repeats with the latent frames (21.5 Hz), dB of the signal", 1, 0, _mean),
    "hum_over_db": Metric("hum (21.5 Hz) over neighbouring periods, dB", 1, 0, _mean),
    "buzz_db": Metric("buzz: error that repeats with the decoder's frames (86.1 Hz), dB of the signal", 1, 0, _mean),
    "buzz_over_db": Metric("buzz (86.1 Hz) over neighbouring periods, dB", 1, 0, _mean),
}


@dataclass
class Tally:
    """Everything measured: metric -> column -> rung -> song."""

    values: dict[str, dict[str, dict[str, dict[str, Measured]]]] = field(default_factory=dict)

    def add(self, metric: str, column: str, rung: str, song: str, value: Measured | float | None) -> None:
        """Note what a rung measured on a song; None is nothing."""
        if value is not None:
            kept = [float(value)] if isinstance(value, int | float) else value
            self.values.setdefault(metric, {}).setdefault(column, {}).setdefault(rung, {})[song] = kept

    def score(self, metric: str, column: str, rung: str, beside: str | None = None) -> float | None:
        """The rung's score over its songs, or over those that it shares with another rung."""
        rungs = self.values.get(metric, {}).get(column, {})
        songs = rungs.get(rung, {})
        shared = songs.keys() if beside is None else songs.keys() & rungs.get(beside, {}).keys()
        return METRICS[metric].combined(value for song, value in songs.items() if song in shared)

    def songs(self, metric: str, column: str, rung: str) -> int:
        """How many songs a score is over."""
        return len(self.values.get(metric, {}).get(column, {}).get(rung, {}))


def board(tally: Tally, about: dict[str, Any], columns: list[str], stems: tuple[str, ...]) -> dict[str, Any]:
    """Everything as plain JSON: `scores` (metric, column, rung), `ranks` (metric, column), `gates`, `about`."""
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for metric, spec in METRICS.items():
        for column in columns:
            found = {rung: tally.score(metric, column, rung) for rung in RUNGS}
            kept = {rung: round(value, spec.digits + 2) for rung, value in found.items() if value is not None}
            if kept:
                scores.setdefault(metric, {})[column] = kept
    counts = {column: tally.songs("si_sdr_db", column, CODEC) for column in columns}
    mel = {column: tally.songs("si_sdr_db", column, GRIFFIN_LIM) for column in columns}
    ranked = {
        metric: {column: ranks(tally, metric, column) for column in by_column}
        for metric, by_column in scores.items()
        if METRICS[metric].better
    }
    return {
        "about": about,
        "stems": list(stems),
        "columns": [column for column in columns if counts[column]],
        "songs": counts,
        "songs_griffin_lim": mel,
        "scores": scores,
        "ranks": ranked,
        "gates": gates(tally, stems),
    }


def ranks(tally: Tally, metric: str, column: str) -> bool:
    """Whether the metric puts nothing above the truth, MP3 clearly above noise, and nothing below noise."""
    spec = METRICS[metric]
    tie = spec.lead / 2

    def worth(rung: str, beside: str) -> float | None:
        value = tally.score(metric, column, rung, beside)
        return None if value is None else spec.better * value

    for rung in RUNGS:
        true, own = worth(TRUTH, rung), worth(rung, TRUTH)
        if true is not None and own is not None and own > true + tie:
            return False
        noise, own = worth(NOISE, rung), worth(rung, NOISE)
        if noise is not None and own is not None and own < noise - tie:
            return False
    noise, known = worth(NOISE, MP3), worth(MP3, NOISE)
    return noise is None or known is None or known >= noise + spec.lead


# ---------------------------------------------------------------------------------------------------------------- gates

LEAST_ONSET_SHARE: Final = 0.95
LEAST_CHROMA: Final = 0.95
LEVEL_HELD_DB, INAUDIBLE_DB = 6.0, -50.0
MOST_CLICKS: Final = 1.0  # a minute
HUM_OVER_DB, HUM_DB = 3.0, -60.0


def gates(tally: Tally, stems: tuple[str, ...]) -> list[dict[str, Any]]:
    """What a codec must show, each with what it needs, what was measured and whether that passes."""
    out: list[dict[str, Any]] = []

    def gate(name: str, column: str, value: float | None, needs: str, passes: Callable[[float], bool]) -> None:
        if value is not None:
            out.append({"gate": name, "column": column, "value": round(value, 4), "needs": needs,
                        "pass": bool(passes(value))})  # fmt: skip

    for stem in stems:
        pitched = INSTRUMENTS[stem].pitched
        if not pitched:
            true, own = (tally.score("onset_f1_50", stem, rung) for rung in (TRUTH, CODEC))
            share = own / true if own is not None and true else None
            gate("onset F1 (50 ms), share of the truth's", stem, share, f">= {LEAST_ONSET_SHARE}",
                 lambda value: value >= LEAST_ONSET_SHARE)  # fmt: skip
        else:
            gate("chroma similarity", stem, tally.score("chroma", stem, CODEC), f">= {LEAST_CHROMA}",
                 lambda value: value >= LEAST_CHROMA)  # fmt: skip
        for metric in ("complex_stft", "si_sdr_db", "before_excess_db"):
            own, other = tally.score(metric, stem, CODEC, GRIFFIN_LIM), tally.score(metric, stem, GRIFFIN_LIM, CODEC)
            if other is not None and (metric != "before_excess_db" or not pitched):
                sign, bound = METRICS[metric].better, other
                gate(f"{METRICS[metric].title} against mel + Griffin-Lim", stem, own,
                     f"{'>' if sign > 0 else '<'} {bound:.{METRICS[metric].digits}f}",
                     lambda value, sign=sign, bound=bound: sign * value > sign * bound)  # type: ignore[misc]  # fmt: skip
        if not pitched:
            true = tally.score("before_db", stem, TRUTH)
            if true is not None:
                most = max(true + LEVEL_HELD_DB, INAUDIBLE_DB)
                gate("level before clear onsets (median), dB", stem, tally.score("before_db", stem, CODEC),
                     f"<= {most:.1f}", lambda value, most=most: value <= most)  # type: ignore[misc]  # fmt: skip
        gate("clicks a minute", stem, tally.score("clicks", stem, CODEC), f"< {MOST_CLICKS:.0f}",
             lambda value: value < MOST_CLICKS)  # fmt: skip
        for name in ("hum", "buzz"):
            level = tally.score(f"{name}_db", stem, CODEC)
            inaudible = level is not None and level < HUM_DB
            gate(f"{name} over neighbouring periods, dB", stem, tally.score(f"{name}_over_db", stem, CODEC),
                 f"< {HUM_OVER_DB:.0f}, or {HUM_DB:.0f} dB of the signal",
                 lambda value, inaudible=inaudible: value < HUM_OVER_DB or inaudible)  # type: ignore[misc]  # fmt: skip
    return out
