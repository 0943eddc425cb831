"""`export-take` where the takes are on another computer: the take is brought here first."""

from pathlib import Path

import pytest
import soundfile

from bridge.cli import run
from bridge.client import Client
from tests.attacks.test_network import Networked, networked  # noqa: F401
from tests.daemon.conftest import bundle, house, make_request  # noqa: F401  (fixtures)


@pytest.mark.parametrize("named", ["whole", "last"])
def test_a_take_from_elsewhere_is_exported(
    networked: Networked,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: str,
) -> None:
    with Client.connect() as client:  # at home, so that nothing has been brought here yet
        [take] = client.perform(make_request("far", delivery="mixed")).takes
    monkeypatch.setenv("HARMONICFLOW_CONNECTION", str(networked.folder / "laptop.json"))
    monkeypatch.setenv("HARMONICFLOW_HOME", str(networked.folder / "home of the laptop"))
    target = networked.folder / "exported"
    assert run(["export-take", take.take if named == "whole" else "last", "--folder", "--out", str(target)]) == 0
    row = take.files[0]
    there = networked.house.home / "takes" / take.take
    assert soundfile.info(target / row.file).frames == soundfile.info(there / row.file).frames == take.frames
    assert (target / "score.mid").read_bytes() == (there / "score.mid").read_bytes()
    assert run(["export-take", "nobody", "--out", str(Path(target))]) == 2
    assert "there is no take 'nobody'" in capsys.readouterr().err
