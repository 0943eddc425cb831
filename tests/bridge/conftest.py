"""The real command line in a process of its own, with a home of its own and the stand-in bundle."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ran import Ran
from tests.reliability import codes

ROOT = Path(__file__).parents[2]


class CommandLine:
    """Runs `harmonicflow ...` as a shell would, in a bare clone: `python -m bridge ...`."""

    def __init__(self, home: Path, bundle: Path) -> None:
        self.home = home
        self.processes: list[subprocess.Popen[str]] = []
        self.env = os.environ | {
            "HARMONICFLOW_HOME": str(home),
            "HARMONICFLOW_BUNDLE": str(bundle),
            "PYTHONWARNINGS": "",
            "OMP_NUM_THREADS": "1",
        }

    def popen(self, *words: str, **options: Any) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "bridge", *words]
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **options,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def __call__(self, *words: str, timeout: float = 60) -> Ran:
        process = self.popen(*words)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
        codes.said(out)
        return Ran(process.returncode, out, err)

    def close(self) -> None:
        """End the daemon, and what a test that failed has left behind."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if self.home.exists():
            self("daemon", "stop")


@pytest.fixture
def run_here(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """The command line without a process of its own, ten times as fast, for what needs no daemon."""
    from bridge.cli import run

    for name, value in CommandLine(tmp_path / "home", bundle).env.items():
        monkeypatch.setenv(name, value)

    def here(*words: str) -> Ran:
        return Ran(run(list(words)), *capsys.readouterr())

    return here


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _tiny_bundle()(tmp_path_factory.mktemp("bundle"))


def _tiny_bundle() -> Callable[[Path], Path]:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("tiny_bundle", ROOT / "tests" / "tiny_bundle.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_tiny_bundle


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[CommandLine]:
    """One home and one running daemon for all tests that leave it as it is."""
    run = CommandLine(tmp_path_factory.mktemp("home"), bundle)
    assert run("daemon", "start").code == 0
    yield run
    run.close()


@pytest.fixture
def fresh_cli(tmp_path: Path, bundle: Path) -> Iterator[CommandLine]:
    """A home of its own for one test; its daemon, if the test started one, is ended."""
    run = CommandLine(tmp_path / "home", bundle)
    yield run
    run.close()


@pytest.fixture(scope="session")
def exports(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the takes of `tests.exported_takes`."""
    from tests import exported_takes

    folder = tmp_path_factory.mktemp("exports")
    exported_takes.make(bundle, folder)
    return folder


@pytest.fixture
def export(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """`harmonicflow export-take`, without a daemon, in an empty folder."""
    from bridge.cli import run

    monkeypatch.setenv("HARMONICFLOW_HOME", str(exports))
    monkeypatch.chdir(tmp_path)
    return lambda *words: Ran(run(["export-take", *words]), *capsys.readouterr())
