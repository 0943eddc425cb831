"""Many files, one after the other: found, named, skipped where they are done; broken ones are said and passed over."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from harmonicflow.core.errors import EXIT_FAILED, EXIT_OK, HarmonicFlowError
from harmonicflow.core.progress import Progress, bar, duration

if TYPE_CHECKING:
    from ..runtime import Runtime

Tick = Callable[[float], None]
FATAL: Final = ("cancelled", "disk", "bad_bundle", "missing_package")  # these would fail for every other file too


class Task(NamedTuple):
    """A file to work on, where its result goes (without an ending), and its length."""

    source: Path
    target: Path
    seconds: float  # 0 where it cannot be read


def open_runtime(bundle: str | None, threads: int | None) -> "Runtime":
    """The networks of a bundle. Raises `missing_package`, `no_bundle`, `bad_bundle`, `latent_mismatch`."""
    try:
        from ..bundle import Bundle, chosen_path
        from ..runtime import Runtime
    except ModuleNotFoundError as error:
        install = 'python -m pip install "harmonicflow[cpu]"'
        raise HarmonicFlowError("missing_package", package=error.name, install=install) from error
    return Runtime(Bundle.load(chosen_path(bundle)), threads)


def find_tasks(
    inputs: Sequence[Path], out: Path, endings: Sequence[str], kind: str, seconds: Callable[[Path], float],
    but: str = "\0",
) -> list[Task]:  # fmt: skip
    """The files of folders (with their sub-folders) and single files, with the same sub-folders below `out`.

    Two that differ in their endings alone keep them: `a.wav` and `a.flac` become `a.wav` and `a.flac` plus the ending
    of the result. In folders, names that end in `but` are passed over. Raises `missing_file`, `no_input` where there is
    nothing, and `bad_option` where two files of different folders would become one.
    """
    found: dict[Path, Path] = {}  # the file: its place below `out`
    for given in inputs:
        if not given.exists():
            raise HarmonicFlowError("missing_file", path=given)
        if given.is_dir():
            found |= {file: file.relative_to(given) for file in _files(given, endings, but)}
        else:
            found[given] = Path(given.name)
    if not found:
        raise HarmonicFlowError("no_input", kind=kind, path=", ".join(map(str, inputs)))
    twins = Counter(place.with_suffix("") for place in found.values())
    tasks: dict[Path, Task] = {}  # by target
    for file, place in found.items():
        target = out / place.with_name(place.name if twins[place.with_suffix("")] > 1 else place.stem)
        if target in tasks:
            reason = f"{tasks[target].source} and {file} would become one file there"
            raise HarmonicFlowError("bad_option", option="--out", value=str(out), reason=reason)
        tasks[target] = Task(file, target, _length(file, seconds))
    return list(tasks.values())


def _files(folder: Path, endings: Sequence[str], but: str) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(tuple(endings)) and not (name.startswith(".") or name.endswith(but)):
                yield Path(place, name)


def _length(file: Path, seconds: Callable[[Path], float]) -> float:
    try:
        return seconds(file)
    except HarmonicFlowError:
        return 0.0  # said when its turn comes


class Meter:
    """How far a batch is: times real time, and the time left."""

    def __init__(self, verb: str, tasks: Sequence[Task], progress: Progress) -> None:
        self._verb, self._progress, self._count = verb, progress, len(tasks)
        self._all_s = sum(task.seconds for task in tasks)  # of sound
        self._began = time.monotonic()
        self._number = 0
        self.done_s = 0.0
        self.skipped_s = 0.0

    @property
    def speed(self) -> float:
        """Seconds of sound done in a second."""
        return self.done_s / max(time.monotonic() - self._began, 1e-6)

    def next(self, number: int) -> None:
        """Go on to a file."""
        self._number = number
        self.tick(0.0)

    def tick(self, seconds: float) -> None:
        """Note that so much more sound is done."""
        self.done_s += seconds
        left_s = max(0.0, self._all_s - self.skipped_s - self.done_s)
        share = 1 - left_s / self._all_s if self._all_s else 1.0
        note = f"{bar(share)}, {self._number} of {self._count}"
        if not self.done_s:
            self._progress.update(self._verb, note=note)
        else:
            note += f", {self.speed:.0f} x real time"
            self._progress.update(self._verb, note=note, seconds_left=left_s / self.speed)


def run(
    verb: str,
    tasks: Sequence[Task],
    is_done: Callable[[Task], bool],
    work: Callable[[Task, Tick], dict[str, Any]],
    words: Callable[[dict[str, Any]], str],
    as_json: bool,
) -> int:
    """Do every task that is not done; returns the exit code.

    `work` returns what is written of a file with `as_json`, `words` are the line of it otherwise. An error of one file
    is said and the rest goes on; those of `FATAL` are raised.
    """
    skipped = failed = 0
    with Progress() as progress:
        meter = Meter(verb, tasks, progress)
        for number, task in enumerate(tasks, 1):
            meter.next(number)
            if is_done(task):
                skipped += 1
                meter.skipped_s += task.seconds
                if as_json:
                    click.echo(json.dumps({"source": str(task.source), "skipped": True}))
                continue
            try:
                task.target.parent.mkdir(parents=True, exist_ok=True)
                row = {"source": str(task.source), **work(task, meter.tick)}
            except HarmonicFlowError as error:
                if error.code in FATAL:
                    raise
                failed += 1
                progress.clear()
                click.echo(f"harmonicflow: {error}", err=True)
                if as_json:
                    click.echo(json.dumps({"source": str(task.source), "error": error.to_wire()}))
                continue
            progress.clear()
            click.echo(json.dumps(row) if as_json else words(row))
    told = f"{len(tasks) - skipped - failed} {verb}d, {duration(meter.done_s)} of sound"
    told += f", {meter.speed:.0f} x real time" if meter.done_s else ""
    told += f"; {skipped} there already" if skipped else ""
    told += f"; {failed} failed" if failed else ""
    click.echo(told, err=True)
    return EXIT_FAILED if failed else EXIT_OK
