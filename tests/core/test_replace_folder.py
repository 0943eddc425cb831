"""A folder in another's place: killed at every call, what lies there is the old one whole or the new one whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError

ROOT = Path(__file__).parents[2]

# A child dies at its n-th call to the system, with no chance to clean up; then the next replacement is tried.
KILLS = """
import json, os, sys
from pathlib import Path
from harmonicflow.core import paths

root, exchanges = Path(sys.argv[1]), sys.argv[2] == "exchange"
if not exchanges:
    paths._exchange = lambda one, other: False

class Dying:
    def __init__(self, die_at):
        self.left = die_at
    def __getattr__(self, name):
        real = getattr(os, name)
        if not callable(real):
            return real
        def call(*args):
            self.left -= 1
            if self.left < 0:
                os._exit(9)
            return real(*args)
        return call

def fill(folder, text):
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / name).write_text(text)
    return folder

def look(folder):
    return sorted(path.read_text() for path in folder.iterdir()) if folder.exists() else []

found = []
for die_at in range(40):
    base = root / str(die_at)
    final, fresh = fill(base / "bundle", "old"), fill(base / ".bundle.new", "new")
    child = os.fork()
    if child == 0:
        paths.replace_folder(fresh, final, system=Dying(die_at))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    after = look(final)
    there = paths.put_back(final)
    found.append({"code": code, "after": after, "there": there, "put_back": look(final)})
    paths.remove_folder(fresh)
    paths.replace_folder(fill(fresh, "newer"), final)
    found[-1]["next"] = [look(final), sorted(path.name for path in base.iterdir())]
    if code == 0:
        break
print(json.dumps(found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_killed_at_every_call_there_is_one_whole_folder(tmp_path: Path, way: str) -> None:
    command = [sys.executable, "-c", KILLS, str(tmp_path), way]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert len(found) > 10 and [row["code"] for row in found] == [9] * (len(found) - 1) + [0]
    for row in found:
        assert row["there"] and row["put_back"] in (["old", "old"], ["new", "new"])
        assert row["after"] == row["put_back"] or (way == "two renames" and row["after"] == [])
        assert row["next"] == [["newer", "newer"], ["bundle"]]
    assert found[0]["after"] == ["old", "old"] and found[-1]["after"] == ["new", "new"]
    assert any(row["after"] == [] for row in found) == (way == "two renames")


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system cannot exchange names")
def test_names_are_exchanged_in_one_step(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert paths._exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "b").exists() and (tmp_path / "b" / "a").exists()
    assert not paths._exchange(tmp_path / "a", tmp_path / "nowhere")


def test_a_rename_that_fails_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_exchange", lambda one, other: False)
    final = tmp_path / "bundle"
    final.mkdir()
    (final / "old").touch()
    with pytest.raises(HarmonicFlowError) as error:
        paths.replace_folder(tmp_path / "nowhere", final)
    assert error.value.code == "disk"
    assert [path.name for path in final.iterdir()] == ["old"] and list(tmp_path.iterdir()) == [final]


def test_without_a_folder_there_it_is_published(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert not paths.put_back(tmp_path / "bundle")
    paths.replace_folder(tmp_path / "new", tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
