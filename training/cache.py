"""Sound files of any kind, converted once to what windows are cheap to draw from: 16-bit mono WAV at 44.1 kHz.

The copies lie in a folder beside the corpus (ROOT.cache), in `HARMONICFLOW_CACHE` when that is set, and in the
folder of HarmonicFlow when the corpus cannot be written beside. A copy's name holds a hash of the names of its
sources and one of their sizes and times of change, so that a changed source is converted again and nothing has to
be locked: processes that convert the same file write the same bytes, the last one's rename stays.

Shapes: T sample at 44.1 kHz.
"""

import contextlib
import hashlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from harmonicflow.audio import files
from harmonicflow.audio.resample import StreamResampler, resampled_frames
from harmonicflow.core import paths
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError

from . import pcm
from .pcm import Audio, Pcm

CACHE_VARIABLE: Final = "HARMONICFLOW_CACHE"
SUFFIX: Final = ".cache"
THREADS: Final = 8  # at most; each holds two or three times a song as float32: 0.1 GB for five minutes
PIECE_VALUES: Final = 8_000_000  # samples times channels decoded at once
SAY_SECONDS: Final = 10.0  # between two lines of progress

Report = Callable[[str], None]
Sources = tuple[Path, ...]


class Wish(NamedTuple):
    """A part somebody wants to read: the song's name, the part's, and the files whose sum it is."""

    song: str
    part: str
    sources: Sources


def ready(root: Path, wishes: list[Wish], report: Report) -> tuple[dict[Wish, Pcm], dict[Wish, HarmonicFlowError]]:
    """Every part where it can be read, converted now where it has to be; and what is wrong with the others.

    Raises `disk` when the copies do not fit or cannot be written.
    """
    found: dict[Wish, Pcm] = {}
    faults: dict[Wish, HarmonicFlowError] = {}
    rest = []
    for wish in wishes:
        here = pcm.find(wish.sources[0]) if len(wish.sources) == 1 else None
        if here is not None and here.samples:
            found[wish] = here
        else:
            rest.append(wish)
    if rest:
        folder = cache_folder(root)
        targets, faults = _targets(folder, rest)
        there = {wish: pcm.find(target) for wish, target in targets.items()}
        found |= {wish: here for wish, here in there.items() if here is not None}
        missing = {wish: targets[wish] for wish, here in there.items() if here is None}
        faults |= _convert_all(folder, missing, report, found)
    return found, faults


def cache_folder(root: Path) -> Path:
    """The folder of a corpus's copies, made if need be; raises `disk`."""
    root = root.resolve()
    shared = f"{root.name}-{_hash(os.fsencode(root))}"
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen is None:
        with contextlib.suppress(OSError):
            return _writable(root.with_name(root.name + SUFFIX))
    folder = Path(chosen).absolute() / shared if chosen else paths.home() / "cache" / shared
    with paths.disk_errors(folder):
        return _writable(folder)


def _writable(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder


def _targets(folder: Path, wishes: list[Wish]) -> tuple[dict[Wish, Path], dict[Wish, HarmonicFlowError]]:
    targets, faults = {}, {}
    for wish in wishes:
        try:
            stats = [path.stat() for path in wish.sources]
        except OSError as error:
            faults[wish] = HarmonicFlowError("unreadable", path=error.filename, reason=error.strerror or error)
            continue
        names = _hash(b"\0".join(os.fsencode(path.name) for path in wish.sources))
        stamp = _hash(repr([(stat.st_size, stat.st_mtime_ns) for stat in stats]).encode())
        targets[wish] = folder / wish.song / f"{wish.part}-{names}-{stamp}.wav"
    return targets, faults


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:10]


def _convert_all(
    folder: Path, missing: Mapping[Wish, Path], report: Report, found: dict[Wish, Pcm]
) -> dict[Wish, HarmonicFlowError]:
    """Convert what is missing, several at a time, into `found`; returns the faults. Raises `disk`."""
    faults: dict[Wish, HarmonicFlowError] = {}
    sizes: dict[Wish, int] = {}
    for wish in missing:
        try:
            sizes[wish] = 2 * max(_samples(path) for path in wish.sources)
        except HarmonicFlowError as error:
            faults[wish] = error
    if not sizes:
        return faults
    _check_space(folder, sum(sizes.values()))
    report(f"converting {len(sizes)} parts once, {sum(sizes.values()) / 1e9:.1f} GB, into {folder}")
    order = list(sizes)
    random.Random(os.getpid()).shuffle(order)  # processes that start together meet at few of them
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
        try:
            work = {pool.submit(convert, wish.sources, missing[wish]): wish for wish in order}
            _collect(work, found, faults, report)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return faults


def _collect(
    work: Mapping[Future[Pcm], Wish], found: dict[Wish, Pcm], faults: dict[Wish, HarmonicFlowError], report: Report
) -> None:
    said = time.monotonic()
    for done, future in enumerate(as_completed(work), 1):
        try:
            found[work[future]] = future.result()
        except HarmonicFlowError as error:
            if error.code == "disk":
                raise
            faults[work[future]] = error
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            report(f"converted {done} of {len(work)} parts")


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        reason = f"the converted corpus takes {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"
        raise HarmonicFlowError("disk", path=f"{folder} ({CACHE_VARIABLE} names another folder)", reason=reason)


def convert(sources: Sources, target: Path) -> Pcm:
    """Write the sum of sound files as one mono WAV file, unless another process just did; older copies are removed.

    Raises what `harmonicflow.audio.files.read` raises, and `disk`.
    """
    if (there := pcm.find(target)) is not None:
        return there
    total = np.zeros(0, np.float32)
    for path in sources:
        sound = mono(path)
        if len(sound) > len(total):
            sound, total = total, sound
        total[: len(sound)] += sound  # the shorter one ends in silence
    with paths.disk_errors(target):
        done = pcm.write(target, total)
        part_and_names = target.name.rpartition("-")[0]
        for other in target.parent.glob(f"{part_and_names}-*.wav"):
            if other != target:
                other.unlink(missing_ok=True)
    return done


def mono(path: Path) -> Audio:
    """A whole sound file [T] at 44.1 kHz, its channels averaged. Raises what `harmonicflow.audio.files.read` does."""
    about = files.info(path)
    resampler = StreamResampler(about.rate, SAMPLE_RATE)
    most = PIECE_VALUES // about.channels
    pieces = []
    for start in range(0, about.frames, most):
        count = min(most, about.frames - start)
        sound, _ = files.read(path, start, count)
        pieces.append(resampler.process(sound.mean(axis=0))[0])
        if sound.shape[1] < count:  # the length of an MP3 file is an estimate
            break
    pieces.append(resampler.finish()[0])
    return np.concatenate(pieces)


def _samples(path: Path) -> int:
    about = files.info(path)
    return resampled_frames(about.frames, about.rate, SAMPLE_RATE)
