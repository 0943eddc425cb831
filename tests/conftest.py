"""What every test shares: the same hypothesis examples on every machine, and no user's own folders."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.reliability.plugin import (
    proven,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_makereport,
)

# For every test: what it has shown, and which errors were raised.
__all__ = ["proven", "pytest_collection_modifyitems", "pytest_configure", "pytest_runtest_makereport"]

settings.register_profile("same everywhere", deadline=None, derandomize=True, database=None)
settings.load_profile("same everywhere")


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test away from the daemon and the takes of whoever runs it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARMONICFLOW_HOME", str(tmp_path_factory.mktemp("home") / "harmonicflow"))
        environment.setenv("HARMONICFLOW_OSC_PORT", "0")  # any: the usual one may be taken, and is not ours to take
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_daemon_is_left(_own_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever starts a daemon ends it: one that stays would keep its ports, and this computer busy. Linux only."""
    yield
    home = f"HARMONICFLOW_HOME={tmp_path_factory.getbasetemp()}/".encode()
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words, variables = (set((process / name).read_bytes().split(b"\0")) for name in ("cmdline", "environ"))
            if words & {b"daemon", b"harmonicflow.daemon"} and any(each.startswith(home) for each in variables):
                left += [each.decode() for each in variables if each.startswith((home, b"PYTEST_CURRENT_TEST="))]
                os.kill(int(process.name), signal.SIGTERM)
    assert not left


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).parent.parent
