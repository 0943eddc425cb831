"""The stand-in bundle, built once a session, and a runtime on it."""

from pathlib import Path

import pytest

from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime
from tests.tiny_bundle import make_tiny_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def runtime(tiny: Path) -> Runtime:
    return Runtime(Bundle.load(tiny), threads=1)


@pytest.fixture(scope="session")
def flow(tiny: Path) -> HarmonicFlow:
    return HarmonicFlow(tiny, threads=1)


@pytest.fixture(scope="session")
def tiny_composer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in bundle with a composer."""
    return make_tiny_bundle(tmp_path_factory.mktemp("composer"), with_composer=True)
