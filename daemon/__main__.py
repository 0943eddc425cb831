"""`python -m daemon`: run the daemon of this user in this process.

The bridge starts it in the background (`harmonicflow daemon start`); by hand, `--foreground` shows
the log on the terminal.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from harmonicflow import __version__
from harmonicflow.core import connection, paths, settings
from harmonicflow.core.errors import EXIT_OK, HarmonicFlowError

log = logging.getLogger("harmonicflow.daemon")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or a Shutdown message; returns the exit code."""
    options = parser().parse_args(arguments)
    if options.home:
        os.environ[paths.HOME_VARIABLE] = options.home
    try:
        return run(options.bundle, options.foreground)
    except HarmonicFlowError as error:
        if sys.stderr:  # a service of Windows has none
            sys.stderr.write(f"{error}\n")
        if log.hasHandlers():
            log.error("%s", error)
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="daemon",
        description="The HarmonicFlow daemon: takes requests at signed loopback doors and keeps takes. "
        "HARMONICFLOW_HOME moves everything it keeps; HARMONICFLOW_BUNDLE names a bundle, as --bundle does.",
    )
    options.add_argument("--bundle", metavar="FOLDER", help="the bundle to serve: a folder, or a bundle's name")
    options.add_argument("--home", metavar="FOLDER", help="as HARMONICFLOW_HOME, for services")
    options.add_argument("--foreground", action="store_true", help="show the log on the terminal as well")
    options.add_argument("--version", action="version", version=f"harmonicflow {__version__}")
    return options


def run(bundle: str | None, foreground: bool) -> int:
    """One daemon a user: raises `daemon_running` where there is one, `disk` else `disk`, `daemon_start`."""
    import zmq  # after the options, so that --help is fast

    from . import logs
    from .server import Server

    paths.owner_only(paths.home())
    with connection.daemon_lock():
        logs.open_log(foreground, settings.load())
        try:
            server = Server(bundle)
        except zmq.ZMQError as error:  # every port is taken
            reason = f"no door could be opened on this computer ({error.strerror})"
            raise HarmonicFlowError("daemon_start", reason=reason, log=paths.log_folder()) from error
        try:
            with server.signals():
                server.open()
                server.serve()
        finally:
            server.close()
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
