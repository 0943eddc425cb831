"""What the DAW tests share: one daemon with the default bundle, and a folder where pictures stay."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daw.ardour import missing_programs
from tests.daw.daemon import ROOT, Daemon


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots stay for whoever wants to look: build/daw, or the folder named by DAW_TEST_OUT."""
    folder = Path(os.environ.get("DAW_TEST_OUT", ROOT / "build" / "daw"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A running daemon with the default bundle."""
    assert not (missing := missing_programs()), f"run `make test-daw`: there is no {', '.join(missing)}"
    daemon = Daemon(tmp_path_factory.mktemp("daemon") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARMONICFLOW_HOME", str(daemon.home))
        daemon.start()
        yield daemon
        daemon.close()
