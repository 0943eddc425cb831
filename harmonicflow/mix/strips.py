"""Channel strips: equaliser, compressor, gain and constant-power pan for a mono stem.

The settings are fixed values, kept with the take: they never follow the measured loudness of the whole,
so a stem can be processed as it comes and bars nobody touched keep their sound. Nothing here has latency
or needs an end: a piece goes in, as many samples come out, and the cutting leaves no trace in the bits.

Shapes: T sample.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harmonicflow.audio.filters import Biquads, Kind, biquad

from .compressor import Compressor, GainRider

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Band:
    """One band of the equaliser (`audio.filters.biquad`)."""

    kind: Kind
    freq_hz: float
    gain_db: float = 0.0  # of shelves and peaks
    q: float = 0.7071


@dataclass(frozen=True)
class ChannelStrip:
    """The settings of one channel, in the order in which the sound passes them."""

    eq: tuple[Band, ...] = ()
    compressor: Compressor | None = None
    gain_db: float = 0.0
    pan: float = 0.0  # -1 left, 0 centre, 1 right

    def __post_init__(self) -> None:
        if not -1.0 <= self.pan <= 1.0:
            raise ValueError(f"pan is -1 to 1; got {self.pan}")


# Stems arrive at similar levels. Low cuts clear what no speaker gives, the cuts near 300 Hz make room for
# each other, guitar and piano stand on the two sides.
# Stems come about 12 dB below full scale; with these gains a full band peaks just under the limiter, near -18 LUFS.
DEFAULT_STRIPS: Final[dict[str, ChannelStrip]] = {
    "bass": ChannelStrip(
        (Band("lowcut", 32.0), Band("peak", 250.0, -2.0, 1.0), Band("peak", 900.0, 1.5, 0.9)),
        Compressor(threshold_db=-18.0, ratio=3.0, attack_s=0.02, release_s=0.15, makeup_db=2.0),
        6.0,
    ),
    "drums": ChannelStrip(
        (
            Band("lowcut", 28.0),
            Band("lowshelf", 80.0, 1.5),
            Band("peak", 400.0, -2.5, 0.9),
            Band("highshelf", 8000.0, 2.0),
        ),
        Compressor(threshold_db=-12.0, ratio=2.0, attack_s=0.015, release_s=0.12, makeup_db=1.0),
        8.0,
    ),
    "guitar": ChannelStrip(
        (Band("lowcut", 80.0), Band("peak", 300.0, -1.5, 1.0), Band("peak", 3000.0, 1.5, 0.8)),
        Compressor(threshold_db=-18.0, ratio=2.0, attack_s=0.01, release_s=0.15, makeup_db=1.0),
        4.5,
        -0.35,
    ),
    "piano": ChannelStrip(
        (Band("lowcut", 55.0), Band("peak", 350.0, -2.0, 0.9), Band("highshelf", 6000.0, 1.5)),
        Compressor(threshold_db=-16.0, ratio=2.0, attack_s=0.015, release_s=0.2, makeup_db=1.0),
        7.5,
        0.35,
    ),
}
OTHER_STRIP: Final = ChannelStrip((Band("lowcut", 40.0),), gain_db=4.5)  # for an instrument without a row above


def strip_for(stem: str) -> ChannelStrip:
    """The default settings of an instrument."""
    return DEFAULT_STRIPS.get(stem, OTHER_STRIP)


def pan_gains(pan: float) -> tuple[float, float]:
    """Gains of the left and right channel whose squares add up to 1: the centre is 3 dB down on both."""
    angle = (pan + 1) * math.pi / 4
    return math.cos(angle), math.sin(angle)


class StripProcessor:
    """A channel strip at work on a stream. One processor serves one stream: it keeps the filters' state."""

    def __init__(self, strip: ChannelStrip, rate: int) -> None:
        bands = (biquad(band.kind, band.freq_hz, rate, band.gain_db, band.q) for band in strip.eq)
        self._eq = Biquads(tuple(bands)) if strip.eq else None
        self._rider = GainRider(strip.compressor, rate) if strip.compressor else None
        self._gain = 10 ** (strip.gain_db / 20)
        self._pan = np.array(pan_gains(strip.pan), np.float32)[:, None]

    def process(self, x: ArrayLike) -> Audio:
        """Stereo [2, T] for mono [T]."""
        return self.place(self.colour(x))

    def colour(self, x: ArrayLike) -> Audio:
        """Mono [T] for mono [T]: everything but the pan, which is what a binaural render places."""
        sound = np.asarray(x, np.float64)
        if self._eq is not None:
            sound = self._eq.process(sound[None])[0]
        if self._rider is not None:
            sound = self._rider.process(sound)
        return (sound * self._gain).astype(np.float32)

    def place(self, mono: Audio) -> Audio:
        """Stereo [2, T] for what `colour` gave."""
        out: Audio = self._pan * mono
        return out
