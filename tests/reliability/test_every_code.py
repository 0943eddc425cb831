"""E1: every error of the table is raised by some test of a whole run; here those with no other place."""

from pathlib import Path

import pytest

from bridge import cli, services
from bridge.daw.ardour import install
from harmonicflow.core.errors import ERRORS, HarmonicFlowError
from tests.ran import Ran
from tests.reliability import codes
from tests.reliability.plugin import Proven


def refused(call: object, *arguments: object) -> HarmonicFlowError:
    assert callable(call)
    with pytest.raises(HarmonicFlowError) as caught:
        call(*arguments)
    return caught.value


def test_a_computer_without_ardour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "places", lambda config: [])
    assert refused(install.install).code == "no_host"


def test_ardour_is_not_taken_out_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "is_running", lambda config: True)
    assert refused(install.uninstall, tmp_path).code == "host_running"


def test_a_system_that_has_no_services_we_know(tmp_path: Path) -> None:
    error = refused(services.plan, services.Start(["daemon"], tmp_path, tmp_path), "beos")
    assert error.code == "no_service" and "beos" in str(error)


def test_a_daemon_that_cannot_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own last line says why."""
    home = tmp_path / "home"
    (home / "journal.sqlite").mkdir(parents=True)
    monkeypatch.setenv("HARMONICFLOW_HOME", str(home))
    ran = Ran(cli.run(["daemon", "start"]), *capsys.readouterr())
    assert ran.code != 0 and "did not start" in ran.err and "Traceback" not in ran.err, ran
    assert "daemon_start" in codes.raised


def test_a_fault_of_ours_is_a_sentence_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(cli.root, "main", lambda *_, **__: 1 // 0)
    ran = Ran(cli.run(["takes"]), *capsys.readouterr())
    assert ran.code == 1 and "ZeroDivisionError" in ran.err and "Traceback" not in ran.err
    [log] = tmp_path.iterdir()
    assert str(log) in ran.err and "1 // 0" in log.read_text()


def test_every_code_was_raised(request: pytest.FixtureRequest, proven: Proven) -> None:
    """Runs last. What a test makes by hand does not count."""
    if not codes.whole(request.config):
        pytest.skip("only a run of all tests can tell")
    assert set(ERRORS) - codes.raised == set()
    proven("E1", cases=len(ERRORS))
