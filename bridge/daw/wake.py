"""Start the daemon for a program that knows no working directory, no virtual environment and no shell: a DAW's script.

A DAW brings an environment of its own. Libraries that came with it must not be loaded into the daemon.
"""

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError

LIBRARY_PATHS: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
HOST_WORDS: Final = ("ardour", "mixbus", "reaper")  # in the names of the folders that hosts put there


def wake_command() -> list[str]:
    """The words that start the daemon in the background, from any folder and outside of any environment.

    They name this Python, this home of HarmonicFlow and, in a bare clone, the clone.
    """
    package = __package__
    clone = [] if package.startswith("harmonicflow.") else [str(Path(__file__).resolve().parents[2])]
    code = f"import sys; sys.path[:0] = sys.argv[2:]; from {package}.wake import main; main(sys.argv[1])"
    return [sys.executable, "-P", "-c", code, str(paths.home()), *clone]


def main(home: str) -> None:
    """Start the daemon that keeps its things in `home`; one that runs already is as good."""
    os.environ[paths.HOME_VARIABLE] = home
    forget_host(os.environ)
    from ..output import say_error
    from ..spawn import connect_or_start

    try:
        connect_or_start().close()
    except HarmonicFlowError as error:
        sys.exit(say_error(error, as_json=False))


def forget_host(environment: MutableMapping[str, str]) -> None:
    """Take the folders of a host's own libraries out of the search paths."""
    for name in LIBRARY_PATHS:
        if name in environment:
            folders = environment[name].split(os.pathsep)
            environment[name] = os.pathsep.join(
                folder for folder in folders if not any(word in folder.lower() for word in HOST_WORDS)
            )
