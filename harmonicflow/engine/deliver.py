"""The last stages: decoded stems become the session's sound, mix and binaural render, block after block.

Everything here is streaming arithmetic that holds back what is not yet certain, so a result is its blocks put end to
end. Dry stems go through their channel strip's colour; panned they are the delivered stems, whose sum goes through
the limiter; the same coloured mono is placed around the listener.

Legend: S stems, T samples of a piece at 44.1 kHz, N frames of the selection at the session's rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harmonicflow.audio.loudness import SILENCE_DB, SILENCE_LUFS, decibels, integrated_lufs
from harmonicflow.audio.resample import StreamResampler
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.tempo import Selection
from harmonicflow.mix.bus import MixBus
from harmonicflow.mix.strips import ChannelStrip, StripProcessor, strip_for
from harmonicflow.spatial.binaural import BinauralRenderer, position_for

from .result import BlockAudio

PIECE: Final = 1 << 16  # samples at once: the work's own memory stays small, whatever the length of a block


@dataclass(frozen=True)
class Sound:
    """Everything audible of a take, at the session's rate."""

    stems: dict[str, np.ndarray]  # float32 [2, N] mixed or [1, N] dry
    dry: np.ndarray  # float32 [S, N]
    mix: np.ndarray  # float32 [2, N]
    binaural: np.ndarray  # float32 [2, N]


class Track:
    """An array that is filled from the front; what is put in beyond its end is dropped."""

    def __init__(self, channels: int, frames: int) -> None:
        self.sound = np.zeros((channels, frames), np.float32)
        self.filled = 0

    def append(self, piece: np.ndarray) -> None:
        """Add [channels, any number]."""
        end = min(self.filled + piece.shape[1], self.sound.shape[1])
        self.sound[:, self.filled : end] = piece[:, : end - self.filled]
        self.filled = end


class Delivery:
    """One take on its way out. `delivery`: "mixed" gives stereo stems, "dry" the mono ones before the strips."""

    def __init__(
        self, selection: Selection, names: Sequence[str], strips: Mapping[str, ChannelStrip], delivery: str
    ) -> None:
        frames, rate = selection.frames, selection.rate
        self._names = tuple(names)
        self._mixed = delivery != "dry"
        self._resampler = StreamResampler(SAMPLE_RATE, rate, len(self._names))
        self._strips = [StripProcessor(strips[name], rate) for name in self._names]
        self._bus = MixBus(rate)
        self._room = BinauralRenderer(rate, {name: position_for(name) for name in self._names})
        self._dry = Track(len(self._names), frames)
        self._stems = [Track(2, frames) for _ in self._names] if self._mixed else []
        self._mix = Track(2, frames)
        self._binaural = Track(2, frames)
        self._given = 0

    def process(self, audio_ST: np.ndarray, index: int, end_frame: int, last: bool) -> BlockAudio:
        """Take the next decoded samples; give the block that ends at `end_frame`, or what of it is certain."""
        for start in range(0, audio_ST.shape[1], PIECE):
            self._push(self._resampler.process(audio_ST[:, start : start + PIECE]))
        if last:
            self._push(self._resampler.finish(self._dry.sound.shape[1]))
            self._mix.append(self._bus.finish())
            self._binaural.append(self._room.finish())
        return self._block(index, min(end_frame, self._mix.filled))

    def _push(self, dry_SN: np.ndarray) -> None:
        """Take dry frames at the session's rate through strips, mix and placement."""
        dry_SN = dry_SN[:, : self._dry.sound.shape[1] - self._dry.filled]
        self._dry.append(dry_SN)
        coloured = np.stack([strip.colour(x) for strip, x in zip(self._strips, dry_SN, strict=True)])
        placed = [strip.place(x) for strip, x in zip(self._strips, coloured, strict=True)]
        for track, stereo in zip(self._stems, placed, strict=False):
            track.append(stereo)
        self._mix.append(self._bus.process(dict(zip(self._names, placed, strict=True))))
        self._binaural.append(self._room.process(coloured))

    def _block(self, index: int, end: int) -> BlockAudio:
        part = slice(self._given, end)
        stems = self._dry.sound[:, None, part]
        if self._mixed:
            stems = np.stack([track.sound[:, part] for track in self._stems])
        block = BlockAudio(index, self._given, stems, self._mix.sound[:, part], self._names)
        self._given = end
        return block

    def sound(self) -> Sound:
        """The whole take, once the last block was given."""
        tracks = [track.sound for track in self._stems] if self._mixed else list(self._dry.sound[:, None])
        stems = dict(zip(self._names, tracks, strict=True))
        return Sound(stems, self._dry.sound, self._mix.sound, self._binaural.sound)


def binaural(names: Sequence[str], coloured_SN: np.ndarray, rate: int) -> np.ndarray:
    """The binaural render [2, N] of whole coloured stems."""
    room = BinauralRenderer(rate, {name: position_for(name) for name in names})
    return np.concatenate((room.process(coloured_SN), room.finish()), axis=1)[:, : coloured_SN.shape[1]]


def default_strips(names: Sequence[str]) -> dict[str, ChannelStrip]:
    """The strip settings a new take begins with."""
    return {name: strip_for(name) for name in names}


def report(sound: Sound, rate: int) -> dict[str, dict[str, float | None]]:
    """Sample peak and integrated loudness of every file; None stands for silence."""
    files = {**sound.stems, "mix": sound.mix, "binaural": sound.binaural}
    return {name: measure(audio, rate) for name, audio in files.items()}


def measure(audio: np.ndarray, rate: int) -> dict[str, float | None]:
    """One file's row of the report."""
    peak, lufs = decibels(float(np.abs(audio).max(initial=0.0))), integrated_lufs(audio, rate)
    return {
        "peak_dbfs": None if peak <= SILENCE_DB else round(peak, 2),
        "lufs": None if lufs <= SILENCE_LUFS else round(lufs, 2),
    }
