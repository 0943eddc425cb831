"""The daemon's log: one file, rotated, owner-only; the terminal too where somebody watches."""

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Final

from harmonicflow.core import paths

FILE: Final = "daemon.log"
WORKER_FILE: Final = "worker.log"
MAX_BYTES: Final = 1 << 20
OLD_FILES: Final = 3
LINE: Final = "%(asctime)s %(levelname)s %(message)s"


def open_log(foreground: bool) -> Path:
    """Start logging; returns the file. Raises `disk`."""
    file = paths.owner_only(paths.log_folder()) / FILE
    with paths.disk_errors(file):
        to_file = logging.handlers.RotatingFileHandler(
            file, maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="utf-8"
        )
    handlers: list[logging.Handler] = [to_file, *([logging.StreamHandler(sys.stderr)] if foreground else [])]
    root = logging.getLogger("harmonicflow")
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(logging.Formatter(LINE))
        root.addHandler(handler)
    logging.raiseExceptions = False  # a full disk must not fill the terminal as well
    return file
