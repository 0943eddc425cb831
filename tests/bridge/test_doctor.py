"""The doctor: right about a healthy installation, and about each planted fault."""

import json
import os
import shutil
import tomllib

import pytest

from bridge import checks


def report(ran):
    return {row["name"]: row for row in ran.objects}


def test_a_healthy_installation(fresh_cli):
    fresh_cli.home.mkdir(mode=0o700)
    ran = fresh_cli("doctor", "--json")
    rows = report(ran)
    assert set(rows) == {"python", "packages", "runtime", "bundle", "folder", "disk", "ports", "daemon", "ardour"}
    assert {row["state"] for row in rows.values()} <= {"ok", "warning"} and ran.code == 0, ran.out
    assert "not running" in rows["daemon"]["found"]


def test_people_see_the_repair_below_the_problem(fresh_cli, tmp_path):
    ran = fresh_cli("doctor", "--bundle", str(tmp_path / "nothing"))
    lines = ran.out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("failed   bundle")]
    assert ran.code == 1 and str(tmp_path / "nothing") in lines[at] and "repair: " in lines[at + 1]


@pytest.mark.parametrize("fault", ["damaged", "gone", "model.json", "outside"])
def test_a_damaged_bundle(fault, bundle, tmp_path):
    folder = shutil.copytree(bundle, tmp_path / "bundle")
    model = json.loads((folder / "model.json").read_text())
    decoder = folder / model["files"]["decoder"]["file"]
    if fault == "damaged":
        data = bytearray(decoder.read_bytes())
        data[len(data) // 2] ^= 1
        decoder.write_bytes(data)
    elif fault == "gone":
        decoder.unlink()
    elif fault == "model.json":
        (folder / "model.json").write_text("{")
    else:
        model["files"]["decoder"]["file"] = "../decoder.onnx"
        (folder / "model.json").write_text(json.dumps(model))
    found = checks._bundle(str(folder))
    assert found.state == "failed" and found.repair and str(folder) in found.found


def test_a_home_that_others_can_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path))
    os.chmod(tmp_path, 0o755)
    assert checks._folder().state == "warning"
    os.chmod(tmp_path, 0o700)
    assert checks._folder().state == "ok"


def test_a_disk_that_is_nearly_full(tmp_path, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path))
    states = []
    for free in (5e6, 5e8, 5e10):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(1e12, 0, free))
        states.append(checks._disk().state)
    assert states == ["failed", "warning", "ok"]


def test_packages_that_are_missing_or_old(monkeypatch):
    monkeypatch.setattr(
        checks, "PACKAGES", (("numpy", (999, 0)), ("no-such-package-as-this", (1, 0)), ("click", (8, 0)))
    )
    found = checks._packages()
    assert found.state == "failed" and '"numpy>=999.0"' in found.repair and "no-such-package" in found.repair
    assert "click" not in found.repair


def test_the_doctor_asks_for_what_the_package_asks_for(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = dict(line.split(">=") for line in project["dependencies"])
    assert {name: checks._numbers(least) for name, least in wanted.items()} == {
        name: least if least[1] else least[:1] for name, least in checks.PACKAGES
    }
    [runtime] = project["optional-dependencies"]["cpu"]
    assert runtime == f"onnxruntime>={'.'.join(map(str, checks.MIN_RUNTIME))}"
