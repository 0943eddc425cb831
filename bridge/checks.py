"""What `doctor` looks at, in the order in which one problem causes the next."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from harmonicflow.core.errors import HarmonicFlowError

from . import checks_daemon, checks_home, checks_hosts, checks_install
from .check import Check
from .daw.hosts import HOSTS

CHECKS: Final[Mapping[str, Callable[[str | None], Check]]] = {
    "python": lambda _: checks_install.python(),
    "packages": lambda _: checks_install.packages(),
    "runtime": lambda _: checks_install.runtime(),
    "bundle": checks_install.bundle,
    "bundles": lambda _: checks_install.own_bundles(),
    "clock": lambda _: checks_home.clock(),
    "settings": lambda _: checks_home.settings(),
    "folder": lambda _: checks_home.folder(),
    "permissions": lambda _: checks_home.permissions(),
    "disk": lambda _: checks_home.disk(),
    "memory": lambda _: checks_home.memory(),
    "journal": lambda _: checks_home.journal(),
    "takes": lambda _: checks_home.takes(),
    "ports": lambda _: checks_daemon.ports(),
    "connection": lambda _: checks_daemon.connection(),
    "daemon": lambda _: checks_daemon.daemon(),
    "service": lambda _: checks_daemon.service(),
    "others": lambda _: checks_daemon.others(),
    "sound": lambda _: checks_hosts.sound(),
    **{host.name: partial(checks_hosts.host, host) for host in HOSTS},
}


def check_all(bundle: str | None) -> Iterator[Check]:
    """Every check, one after the other; an error inside one is its result."""
    for name, look in CHECKS.items():
        try:
            yield look(bundle)
        except HarmonicFlowError as error:
            yield Check.failed(name, error.message, advice=error.todo)
        except OSError as error:
            yield Check.failed(name, f"{error.filename or 'a file'} cannot be read: {error.strerror or error}")
