"""The hosts that HarmonicFlow has scripts for: a row a host, and what its row must be able to do.

A host is a package beside this file. Its module `install` looks, installs and uninstalls; it is imported only when that
host is asked for.
"""

import importlib
from pathlib import Path
from typing import Final, NamedTuple, Protocol, cast

import harmonicflow


class State(Protocol):
    """How the bridge is in one installation of a host."""

    @property
    def title(self) -> str:
        """The host and its release: "Ardour 7.3.0"."""

    @property
    def config(self) -> Path:
        """The folder that the scripts go into; it may not be there yet."""

    @property
    def version(self) -> str:
        """The release of HarmonicFlow whose scripts are there; "" when there are none."""

    @property
    def state(self) -> str:
        """One of "installed", "not bound", "other version" and "not installed"."""

    @property
    def left(self) -> list[str]:
        """What is left to do by hand, a sentence each, without a full stop."""

    @property
    def bound(self) -> list[str]:
        """What is there, a line each, for people."""

    def to_json(self) -> dict[str, object]:
        """What only this host has, for programs."""


def state_of(version: str, bound: bool) -> str:
    """A `State.state`: of the scripts of that release, "" for none, and whether the host has all of them bound."""
    if not version:
        return "not installed"
    if version != harmonicflow.__version__:
        return "other version"
    return "installed" if bound else "not bound"


class Installer(Protocol):
    """What a host's module `install` offers."""

    STEPS: list[str]  # how to go on after an install, a sentence each, without a full stop

    def look(self, config: Path | None = None) -> list[State]:
        """The bridge in every installation of this user, the newest first; changes nothing."""

    def install(self, config: Path | None = None) -> State:
        """Put it in, or renew it; raises `no_host`, `disk`."""

    def uninstall(self, config: Path | None = None) -> State:
        """Take out what `install` put in, and nothing else; raises `no_host`, `host_running`, `disk`."""

    def misled(self, state: State) -> str:
        """What the scripts there know that is not so any more, "" where all of it is."""


class Host(NamedTuple):
    """One row."""

    name: str  # of the package, and for the command line
    title: str  # for people
    oldest: str  # the first release that the scripts are written for

    def load(self) -> Installer:
        """The host's own module."""
        return cast(Installer, importlib.import_module(f".{self.name}.install", __package__))


HOSTS: Final[tuple[Host, ...]] = (
    Host("ardour", "Ardour", "7"),
    Host("reaper", "REAPER", "7"),
    Host("live", "Ableton Live", "12.0.5"),
)
BY_NAME: Final = {host.name: host for host in HOSTS}
