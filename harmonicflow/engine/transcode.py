"""Sound files to files of latents and back, as a stream: an hour takes no more memory than a minute.

    file -> stream -> (mono) -> resample to 44.1 kHz -> encode -> latents, whole or in pieces of one length
    latents -> decode -> cut to length -> resample to the original rate -> file

Pieces are cut from the latents of the whole, so that each knows the sound on both sides of it.

Legend: R rows (the sound's channels, or one), L latent frames, C channels of a latent frame, T samples.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from harmonicflow.analysis.metrics import log_mel_distance_db
from harmonicflow.audio import files
from harmonicflow.audio.resample import StreamResampler, resampled_frames
from harmonicflow.audio.wav import wav_stream
from harmonicflow.core.constants import HOP, LATENT_CHANNELS, LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError

from . import codec
from .latents import ENDING, LatentsReader, LatentsWriter, Origin
from .runtime import Runtime

Tick = Callable[[float], None]  # seconds of sound done since the last call

COMPARED_S: Final = 10.0  # compared at a time
QUIET: Final = 1e-10  # mean square, -100 dBFS: a channel below it is silent and has no distortion to measure


@dataclass(frozen=True)
class EncodeOptions:
    """How sound files are encoded."""

    mono: bool = False  # mix the channels down first
    frames: int | None = None  # latent frames of a piece; None: the whole file
    drop: bool = False  # leave the last piece out where it is too short; otherwise silence fills it up

    @classmethod
    def of(cls, mono: bool, seconds: float | None, drop: bool) -> "EncodeOptions":
        """With the length of a piece in seconds, which is rounded to latent frames of 46 ms."""
        return cls(mono, None if seconds is None else max(1, round(seconds * LATENT_RATE)), drop)


class RoundTrip(NamedTuple):
    """How near a decoded copy is to its original."""

    si_sdr_db: float | None  # mean of the channels; None for silence
    log_mel_db: float  # distance of the log-mel spectra


def encode_file(
    runtime: Runtime, source: Path, target: Path, options: EncodeOptions = EncodeOptions(), tick: Tick = lambda s: None
) -> list[Path]:
    """Encode a sound file into the file `target`, or with pieces into the folder `target`, which must exist.

    Returns the files made. Raises what `files.stream` raises, `disk` and `cancelled`.
    """
    sound = _Sound(runtime, source, options, tick)
    space = runtime.bundle.card.latent_space
    if options.frames is None:
        with LatentsWriter(target, sound.rows) as writer:
            for latents_RLC in sound.latents():
                writer.write(latents_RLC)
            writer.finish(Origin(space, sound.rate, sound.taken))
        return [target]
    made: list[Path] = []
    for number, latents_RLC in enumerate(_cut(sound.latents(), options.frames, sound.rows)):
        start, end = (
            min(resampled_frames((number + n) * options.frames * HOP, SAMPLE_RATE, sound.rate), sound.taken)
            for n in (0, 1)
        )
        if start < end:
            made.append(target / f"{number:04d}{ENDING}")
            with LatentsWriter(made[-1], sound.rows) as writer:
                writer.write(latents_RLC)
                writer.finish(Origin(space, sound.rate, end - start, start))
    return made


def decode_file(
    runtime: Runtime, source: Path, target: Path, rate: int | None = None, tick: Tick = lambda s: None
) -> float:
    """Decode a file of latents to a WAV file of exactly the original's length, at its rate or another one.

    Returns the seconds of sound. Raises `missing_file`, `bad_latents`, `latent_mismatch`, `bad_rate`, `too_long`,
    `disk` and `cancelled`.
    """
    with LatentsReader(source) as latents:
        origin = latents.origin
        check_space(runtime, source, origin)
        rate = rate or origin.rate
        frames = resampled_frames(origin.frames, origin.rate, rate)
        left = origin.samples  # at the codec's rate
        resampler = StreamResampler(SAMPLE_RATE, rate, latents.rows)
        with wav_stream(target, latents.rows, frames, rate) as out:
            for audio_RT in codec.decode_pieces(runtime, latents.read, latents.length):
                out.write(resampler.process(audio_RT[:, :left]))
                left -= min(left, audio_RT.shape[1])
                tick(audio_RT.shape[1] / SAMPLE_RATE)
            out.write(resampler.finish(frames))
    return frames / rate


def check_space(runtime: Runtime, source: Path, origin: Origin) -> None:
    """Raise `latent_mismatch` for latents that the bundle's decoder does not read."""
    card = runtime.bundle.card
    if origin.latent_space != card.latent_space:
        reason = f"{source} was encoded to {origin.latent_space[:16]}, the bundle {card.name} reads {card.latent_space}"
        hint = "Give the bundle it was encoded with (--bundle), or encode the sound again"
        raise HarmonicFlowError("latent_mismatch", reason=reason, hint=hint)


def compare(source: Path, copy: Path, start_frame: int = 0, mono: bool = False) -> RoundTrip:
    """How near a decoded copy is to its original, from the original's frame `start_frame` on; piece by piece.

    SI-SDR: scale-invariant signal-to-distortion ratio (Le Roux et al. 2019, "SDR - half-baked or well done?").
    """
    about = files.info(copy, files.LONGEST_S)
    piece = round(COMPARED_S * about.rate)
    sums = np.zeros((3, about.channels))  # x x, x y, y y; x is the original
    mel_db = 0.0
    for x_CT, y_CT in zip(
        files.stream(source, start_frame, about.frames, piece), files.stream(copy, piece_frames=piece), strict=True
    ):
        x_CT = _mixed(x_CT, mono)
        sums += [np.einsum("ct,ct->c", a, b, dtype=np.float64) for a, b in ((x_CT, x_CT), (x_CT, y_CT), (y_CT, y_CT))]
        mel_db += y_CT.shape[1] * log_mel_distance_db(x_CT.mean(axis=0), y_CT.mean(axis=0), about.rate)
    xx, xy, yy = sums
    heard = xx > QUIET * about.frames
    target = xy[heard] ** 2 / xx[heard]  # the power of y along x; what is left of y is distortion
    ratios = [10 * log10(max(t, 1e-30) / max(y - t, 1e-12 * y, 1e-30)) for t, y in zip(target, yy[heard], strict=True)]
    return RoundTrip(float(np.mean(ratios)) if ratios else None, mel_db / about.frames)


class _Sound:
    """A sound file on its way to latents: `taken` are the frames read so far, at its own `rate`."""

    def __init__(self, runtime: Runtime, source: Path, options: EncodeOptions, tick: Tick) -> None:
        about = files.info(source, files.LONGEST_S)
        self.rate, self.rows, self.taken = about.rate, 1 if options.mono else about.channels, 0
        self._runtime, self._source, self._options, self._tick = runtime, source, options, tick

    def latents(self) -> Iterator[np.ndarray]:
        """All of them, as they become certain, [R, L, C]."""
        resampler = StreamResampler(self.rate, SAMPLE_RATE, self.rows)
        encoder = codec.EncodeStream(self._runtime, self.rows)
        for piece_CT in files.stream(self._source):
            self.taken += piece_CT.shape[1]
            yield encoder.process(resampler.process(_mixed(piece_CT, self._options.mono)))
            self._tick(piece_CT.shape[1] / self.rate)
        yield encoder.process(resampler.finish())
        fill = 1 if self._options.drop else self._options.frames
        yield encoder.finish(fill or 1)


def _mixed(sound_CT: np.ndarray, mono: bool) -> np.ndarray:
    return sound_CT.mean(axis=0, keepdims=True, dtype=np.float32) if mono else sound_CT


def _cut(stream: Iterator[np.ndarray], frames: int, rows: int) -> Iterator[np.ndarray]:
    """A stream of latents in pieces of `frames`; what is left over at the end is left out."""
    held = np.empty((rows, 0, LATENT_CHANNELS), np.float32)
    for latents_RLC in stream:
        held = latents_RLC if not held.size else np.concatenate((held, latents_RLC), axis=1)
        while held.shape[1] >= frames:
            yield held[:, :frames]
            held = held[:, frames:].copy()
