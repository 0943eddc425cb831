"""The logs of the daemon and of its worker: rotated, owner-only; the terminal too where somebody watches."""

import contextlib
import logging
import logging.handlers
import os
import sys
from pathlib import Path
from typing import Final

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.settings import Settings

from .disk import Disk
from .timers import Timers

log = logging.getLogger("harmonicflow.daemon")

FILE: Final = "daemon.log"
WORKER_FILE: Final = "worker.log"
LINE: Final = "%(asctime)s %(levelname)s %(message)s"
MEGABYTE: Final = 1_000_000
LOOK_S: Final = 10.0  # between two looks at the worker's log


def open_log(foreground: bool, settings: Settings) -> Path:
    """Start logging; returns the file. Raises `disk`."""
    file = paths.owner_only(paths.log_folder()) / FILE
    with paths.disk_errors(file):
        to_file = logging.handlers.RotatingFileHandler(
            file, maxBytes=settings.log_mb * MEGABYTE, backupCount=settings.log_files, encoding="utf-8"
        )
    handlers: list[logging.Handler] = [to_file, *([logging.StreamHandler(sys.stderr)] if foreground else [])]
    root = logging.getLogger("harmonicflow")
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(logging.Formatter(LINE))
        root.addHandler(handler)
    logging.raiseExceptions = False  # a full disk must not fill the terminal as well
    return file


class WorkerLog:
    """Keeps the worker's log small. It is the worker's standard error, also of the native libraries in it."""

    def __init__(self, timers: Timers, disk: Disk, settings: Settings) -> None:
        self._timers = timers
        self._disk = disk
        self._file = paths.log_folder() / WORKER_FILE
        self._most = settings.log_mb * MEGABYTE
        self._old = settings.log_files

    def keep_small(self) -> None:
        """Look now, and every few seconds from now on."""

        def failed(error: HarmonicFlowError) -> None:
            log.error("%s", error)

        self._timers.set("worker log", LOOK_S, self.keep_small)
        self._disk.run(lambda: rotate(self._file, self._most, self._old), lambda _: None, failed)


def rotate(file: Path, most: int, old: int) -> bool:
    """Put the last `most` bytes of a log aside as FILE.1 where it has more, and empty it; whether that was done.

    The file itself stays, because another process writes at its end: FILE.1 becomes FILE.2 and so on up to `old`.
    Where the disk takes no copy, what was written is lost, and the disk has its space back.
    """
    with contextlib.suppress(FileNotFoundError):
        if (size := file.stat().st_size) <= most:
            return False
        aside = [file.with_name(f"{file.name}.{number}") for number in range(1, old + 1)]
        for newer, older in reversed(list(zip(aside, aside[1:], strict=False))):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        if aside:
            try:
                with file.open("rb") as source:  # not to its end, which may run away from us
                    source.seek(size - most)
                    paths.write_file(aside[0], source.read(most))
            except OSError:
                aside[0].unlink(missing_ok=True)
        os.truncate(file, 0)
        return True
    return False
