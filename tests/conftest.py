"""What every test shares: the same hypothesis examples on every machine, and no user's own folders."""

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
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).parent.parent
