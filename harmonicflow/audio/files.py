"""Reading sound files within limits, and writing WAV files that are the same bytes every time.

A sound file comes from anywhere: a kilobyte of FLAC can claim an hour of eight channels. What a file
says about itself is checked against the limits before anything is expanded, memory is bounded by
`MAX_VALUES` whatever it says, and every fault is a sentence.

Shapes: C channel, T sample.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from harmonicflow.core.constants import MAX_CHANNELS, MAX_RATE, MAX_SECONDS, MIN_RATE
from harmonicflow.core.errors import HarmonicFlowError

from .wav import Stamp, wav_bytes, write_wav

__all__ = [
    "ENDINGS", "LONGEST_S", "MAX_VALUES", "AudioInfo", "Stamp", "check_samples", "info", "read", "stream", "wav_bytes",
    "write_wav",
]  # fmt: skip

Audio = NDArray[np.float32]
Name = str | PathLike[str]

MAX_VALUES: Final = 40_000_000  # samples times channels of one reading: 160 MB, 7 minutes of stereo
MAX_LEVEL: Final = 1_000.0  # 60 dB above full scale: whoever means that has forgotten a scale factor
PIECE_FRAMES: Final = 65_536  # decoded at a time
LONGEST_S: Final = 86_400.0  # of a file that is read as a stream, which takes no more memory for being long

# The first bytes of the formats that are read. libsndfile knows thirty more, some by guess alone.
OPENINGS: Final = (
    b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"OggS", b"FORM", b"caff",
    b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2",
)  # fmt: skip
# How the names of such files end: what is looked for in a folder.
ENDINGS: Final = (
    ".wav", ".wave", ".bwf", ".rf64", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc", ".caf",
)  # fmt: skip
LOOSE: Final = ("MP3",)  # their length is an estimate, so that an early end is no fault


class AudioInfo(NamedTuple):
    """What a sound file says about itself: Hz, channels, frames, and libsndfile's name of the format."""

    rate: int
    channels: int
    frames: int
    format: str


def info(path: Name, longest_s: float = MAX_SECONDS) -> AudioInfo:
    """The rate, channels, length and format of a sound file, without decoding it.

    Raises `missing_file`, `not_audio`, `empty_audio`, `bad_rate`, `too_many_channels`, `too_long`.
    """
    with _opened(path) as file:
        return _checked(file, path, longest_s)


def read(path: Name, start_frame: int = 0, frames: int | None = None) -> tuple[Audio, int]:
    """Sound [C, T] as float32, full scale 1, and its rate in Hz; by default the whole file.

    Raises what `info` raises, and `bad_selection` for frames outside the file, `too_long` above
    `MAX_VALUES`, `broken_audio` for a file that ends early, `bad_samples` (NaN or infinity) and
    `wild_samples` (beyond `MAX_LEVEL`).
    """
    with _opened(path) as file:
        about = _checked(file, path, MAX_SECONDS)
        count = _count(about, path, start_frame, frames, MAX_VALUES // about.channels)
        sound = np.empty((about.channels, count), np.float32)
        done = 0
        for piece in _pieces(file, about, path, start_frame, count, PIECE_FRAMES):
            sound[:, done : done + piece.shape[1]] = piece
            done += piece.shape[1]
    return sound[:, :done], about.rate


def stream(
    path: Name, start_frame: int = 0, frames: int | None = None, piece_frames: int = PIECE_FRAMES
) -> Iterator[Audio]:
    """The same sound in pieces [C, at most `piece_frames`], for files of up to `LONGEST_S` at any number of channels.

    Raises what `read` raises, with the piece in which it turns up.
    """
    with _opened(path) as file:
        about = _checked(file, path, LONGEST_S)
        count = _count(about, path, start_frame, frames, about.frames)
        yield from _pieces(file, about, path, start_frame, count, piece_frames)


def check_samples(sound: Audio, name: Name) -> None:
    """Raises `bad_samples` and `wild_samples`, as `read` does, for sound [C, T] that did not come from a file."""
    for start in range(0, sound.shape[1], PIECE_FRAMES):
        _refuse_wild(sound[:, start : start + PIECE_FRAMES].T, name, start)


def _pieces(
    file: soundfile.SoundFile, about: AudioInfo, path: Name, start: int, count: int, most: int
) -> Iterator[Audio]:
    """Pieces [C, at most `most`] of `count` frames, checked."""
    done = 0
    try:
        file.seek(start)
        while done < count:
            piece = file.read(min(most, count - done), "float32", always_2d=True)
            if not len(piece):
                break
            _refuse_wild(piece, path, start + done)
            done += len(piece)
            yield piece.T
    except soundfile.LibsndfileError as error:
        raise HarmonicFlowError("broken_audio", path=path, frame=start + done) from error
    if done < count and (about.format not in LOOSE or not done):
        raise HarmonicFlowError("broken_audio", path=path, frame=start + done)


def _count(about: AudioInfo, path: Name, start: int, frames: int | None, most: int) -> int:
    end = about.frames if frames is None else start + frames
    if not 0 <= start < end <= about.frames:
        raise HarmonicFlowError(
            "bad_selection",
            start=f"{start / about.rate:g} s",
            end=f"{end / about.rate:g} s",
            reason=f"{path} lasts {about.frames / about.rate:g} s",
            hint="Choose a start before an end, both inside the clip",
        )
    if end - start > most:
        seconds, maximum = f"{(end - start) / about.rate:g}", f"{most / about.rate:.0f}"
        raise HarmonicFlowError("too_long", what=f"the part of {path}", seconds=seconds, maximum=maximum)
    return end - start


def _refuse_wild(piece_TC: Audio, path: Name, first: int) -> None:
    top = np.abs(piece_TC).max(axis=1)
    if not top.max() <= MAX_LEVEL:  # NaN fails every comparison
        at = int(np.argmax(~(top <= MAX_LEVEL)))
        if np.isfinite(top[at]):
            raise HarmonicFlowError("wild_samples", path=path, frame=first + at, times=f"{top[at]:.3g}")
        raise HarmonicFlowError("bad_samples", path=path, frame=first + at)


@contextmanager
def _opened(path: Name) -> Iterator[soundfile.SoundFile]:
    place = Path(path)
    try:
        about = place.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe would block, a device would never end
            raise HarmonicFlowError("not_audio", path=path)
        with place.open("rb") as raw:
            opening = raw.read(4)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a NUL in the name
        raise HarmonicFlowError("missing_file", path=path) from error
    except OSError as error:
        raise HarmonicFlowError("unreadable", path=path, reason=error.strerror or error) from error
    if not about.st_size:
        raise HarmonicFlowError("empty_audio", path=path)
    if not opening.startswith(OPENINGS):
        raise HarmonicFlowError("not_audio", path=path)
    try:
        file = soundfile.SoundFile(str(place))
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: named .raw
        raise HarmonicFlowError("not_audio", path=path) from error
    with file:
        yield file


def _checked(file: soundfile.SoundFile, path: Name, longest_s: float) -> AudioInfo:
    about = AudioInfo(file.samplerate, file.channels, file.frames, file.format)
    if not MIN_RATE <= about.rate <= MAX_RATE:
        raise HarmonicFlowError("bad_rate", what=path, rate=about.rate, minimum=MIN_RATE, maximum=MAX_RATE)
    if not 1 <= about.channels <= MAX_CHANNELS:
        raise HarmonicFlowError("too_many_channels", path=path, channels=about.channels, maximum=MAX_CHANNELS)
    if about.frames <= 0:
        raise HarmonicFlowError("empty_audio", path=path)
    if about.frames > longest_s * about.rate:
        seconds = about.frames / about.rate
        raise HarmonicFlowError("too_long", what=path, seconds=f"{seconds:.0f}", maximum=f"{longest_s:.0f}")
    return about
