"""Files of latents: safetensors with one array and, in its metadata, what it takes to give the sound back exactly.

The array "latents" is float32 [rows, frames, 32]. Rows are the sound's channels. The metadata holds the latent space,
and the rate and the length of the sound it was made from. Reading and writing go piece by piece, so that an hour takes
no more memory than a minute.

Legend: R rows, L latent frames, C channels of a latent frame.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import numpy as np

from harmonicflow.audio.resample import resampled_frames
from harmonicflow.core.constants import HOP, LATENT_CHANNELS, MAX_CHANNELS, MAX_RATE, MIN_RATE, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import atomic_file, disk_errors

from .tensors import read_header, tensor_header

ENDING: Final = ".safetensors"
NAME: Final = "latents"
IN_MEMORY: Final = 1 << 20  # bytes of a row that wait in memory, the rest in a file without a name
FRAME_BYTES: Final = 4 * LATENT_CHANNELS


@dataclass(frozen=True)
class Origin:
    """The sound that latents were made from."""

    latent_space: str
    rate: int  # Hz
    frames: int  # its length at that rate
    start_frame: int = 0  # where it began in its file, at that rate

    @property
    def samples(self) -> int:
        """Its length at the codec's rate."""
        return resampled_frames(self.frames, self.rate, SAMPLE_RATE)

    def words(self, rows: int) -> dict[str, str]:
        """The metadata of a file."""
        return {
            "latent_space": self.latent_space, "rate": str(SAMPLE_RATE), "hop": str(HOP), "channels": str(rows),
            "original_rate": str(self.rate), "frames": str(self.frames), "start_frame": str(self.start_frame),
        }  # fmt: skip

    @classmethod
    def of(cls, words: dict[str, str]) -> Self:
        """What a file's metadata says; raises ValueError."""
        wanted = {"rate": str(SAMPLE_RATE), "hop": str(HOP)}
        if found := [key for key, value in wanted.items() if words.get(key) != value]:
            raise ValueError(f"its {found[0]} is {words.get(found[0])}, this release needs {wanted[found[0]]}")
        try:
            numbers = [int(words[key]) for key in ("original_rate", "frames", "start_frame")]
            origin = cls(words["latent_space"], *numbers)
        except KeyError as error:
            raise ValueError(f"its metadata has no {error}") from None
        if not (MIN_RATE <= origin.rate <= MAX_RATE and origin.frames > 0 <= origin.start_frame):
            raise ValueError("its metadata is out of range")
        return origin


class LatentsWriter:
    """Collects the rows piece by piece; `finish` writes the file whole or not at all. A context manager."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path = path
        self.length = 0  # latent frames so far
        self._rows: list[IO[bytes]] = [
            tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(path.parent)) for _ in range(rows)
        ]

    def write(self, latents_RLC: np.ndarray) -> None:
        """The next frames."""
        with disk_errors(self.path):
            for file, row in zip(self._rows, latents_RLC, strict=True):
                file.write(np.ascontiguousarray(row, "<f4").tobytes())
        self.length += latents_RLC.shape[1]

    def finish(self, origin: Origin) -> None:
        """Write the file; raises `disk`."""
        shape = (len(self._rows), self.length, LATENT_CHANNELS)
        with atomic_file(self.path, mode=0o666) as out:
            out.write(tensor_header({NAME: shape}, origin.words(len(self._rows))))
            for file in self._rows:
                file.seek(0)
                shutil.copyfileobj(file, out)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._rows:
            file.close()


class LatentsReader:
    """A file of latents: `rows`, `length` (latent frames), `origin`, and any of its frames. A context manager.

    Raises `missing_file`, `unreadable`, and `bad_latents` for anything that is not exactly one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise HarmonicFlowError("missing_file", path=path) from None
        except OSError as error:
            raise HarmonicFlowError("unreadable", path=path, reason=error.strerror or error) from None
        try:
            header = read_header(self._file)
            self.origin = Origin.of(header.metadata)
            self.rows, self.length = self._shape(header.shapes)
        except (OSError, ValueError) as error:
            self._file.close()
            raise HarmonicFlowError("bad_latents", path=path, reason=error) from None
        self._at = header.offsets[NAME]

    def _shape(self, shapes: dict[str, tuple[int, ...]]) -> tuple[int, int]:
        shape = shapes.get(NAME, ())
        if set(shapes) != {NAME} or len(shape) != 3 or shape[2] != LATENT_CHANNELS:
            raise ValueError(f"it does not hold one array {NAME!r} of rows, frames and {LATENT_CHANNELS} channels")
        rows, length, _ = shape
        if not 1 <= rows <= MAX_CHANNELS:
            raise ValueError(f"it has {rows} rows")
        if self.origin.frames * SAMPLE_RATE > (length * HOP + 1) * self.origin.rate + SAMPLE_RATE:
            raise ValueError("its metadata asks for more sound than it holds")
        return rows, length

    def read(self, low: int, high: int) -> np.ndarray:
        """The frames `low` up to `high` of all rows, float32 [R, L, C]."""
        parts = []
        for row in range(self.rows):
            self._file.seek(self._at + FRAME_BYTES * (row * self.length + low))
            parts.append(np.frombuffer(self._file.read(FRAME_BYTES * (high - low)), "<f4"))
        latents = np.stack(parts).reshape(self.rows, high - low, LATENT_CHANNELS).astype(np.float32)
        if not np.isfinite(latents).all():
            raise HarmonicFlowError("bad_latents", path=self.path, reason="it holds values that are not numbers")
        return latents

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
