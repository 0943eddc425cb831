"""A feed-forward compressor (Giannoulis, Massberg and Reiss 2012, "Digital dynamic range compressor design").

The level is read once a hop of 1.5 ms, as its highest sample; soft knee, then attack and release smooth
the reduction in dB, and the gain moves in straight lines from hop to hop, one hop behind the sound. A
reading a sample would cost a loop of millions in Python and sound the same.

Shapes: T sample.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

HOP_S: Final = 0.0015
QUIET: Final = 1e-9  # a reduction of less, in dB, is none


@dataclass(frozen=True)
class Compressor:
    """Above the threshold, `ratio` dB more at the input give one dB more at the output."""

    threshold_db: float = -18.0
    ratio: float = 2.0
    attack_s: float = 0.01
    release_s: float = 0.15
    knee_db: float = 6.0  # the width of the bend round the threshold
    makeup_db: float = 0.0

    def __post_init__(self) -> None:
        if self.ratio < 1 or min(self.attack_s, self.release_s, self.knee_db) < 0:
            raise ValueError(f"a compressor has a ratio of at least 1 and no negative times: {self}")

    def reduction_db(self, level_db: float) -> float:
        """How much a steady level is turned down: the static curve."""
        over = level_db - self.threshold_db
        slope = 1 - 1 / self.ratio
        if over <= -self.knee_db / 2:
            return 0.0
        if over < self.knee_db / 2:
            return slope * (over + self.knee_db / 2) ** 2 / (2 * self.knee_db)
        return slope * over


class GainRider:
    """A compressor at work on a mono stream: pieces [T] in, as many samples out, equal to the whole bit for bit."""

    def __init__(self, settings: Compressor, rate: int) -> None:
        self._settings = settings
        self._hop = max(1, round(HOP_S * rate))
        self._ramp = np.arange(self._hop) / self._hop
        self._attack, self._release = (
            1 - math.exp(-self._hop / (max(seconds, HOP_S) * rate))
            for seconds in (settings.attack_s, settings.release_s)
        )
        self._silent = 10 ** ((settings.threshold_db - settings.knee_db / 2) / 20)
        self._reduction = 0.0
        self._gains = [10 ** (settings.makeup_db / 20)] * 2  # at the start and the end of the hop being filled
        self._peak = 0.0  # so far in that hop
        self._filled = 0

    def process(self, x: Reals) -> Reals:
        """Samples [T] with their gain."""
        end = self._filled + len(x)
        hops = max(1, -(-end // self._hop))
        levels = np.zeros(hops * self._hop)
        np.abs(x, out=levels[self._filled : end])
        peaks: list[float] = levels.reshape(hops, self._hop).max(axis=1).tolist()
        peaks[0] = max(peaks[0], self._peak)
        whole = end // self._hop
        gains = self._gains + [self._next_gain(peak) for peak in peaks[:whole]]
        at = np.array(gains)
        curve = at[:hops, None] + (at[1 : hops + 1] - at[:hops])[:, None] * self._ramp
        out: Reals = x * curve.reshape(-1)[self._filled : end]
        self._gains = gains[whole : whole + 2]
        self._peak = peaks[whole] if whole < hops else 0.0
        self._filled = end - whole * self._hop
        return out

    def _next_gain(self, peak: float) -> float:
        settings = self._settings
        wanted = settings.reduction_db(20 * math.log10(peak)) if peak > self._silent else 0.0
        speed = self._attack if wanted > self._reduction else self._release
        self._reduction += (wanted - self._reduction) * speed
        if self._reduction < QUIET:
            self._reduction = 0.0
        return float(10 ** ((settings.makeup_db - self._reduction) / 20))
