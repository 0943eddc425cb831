"""The wheel: one top-level name, every package, every data file; and, marked `installs`, the demo out of it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("harmonicflow", "daemon", "bridge", "export", "training")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing left over from an earlier build gets in."""
    source = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", source / "dist", source]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = (source / "dist").glob("*.whl")
    return file


def test_every_folder_with_code_is_in_the_packages() -> None:
    # One that is forgotten there would be missing from the wheel only.
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    found = set()
    for folder in FOLDERS:
        for init in (ROOT / folder).rglob("__init__.py"):
            name = ".".join(init.parent.relative_to(ROOT).parts)
            found.add(name if folder == "harmonicflow" else f"harmonicflow.{name}")
    assert listed == found


def test_the_wheel_has_one_top_level_name_and_all_the_code(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"harmonicflow"}
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            path = file.relative_to(ROOT).as_posix()
            assert (path if folder == "harmonicflow" else f"harmonicflow/{path}") in names
    assert not [name for name in names if "tests/" in name or name.endswith((".pyc", ".mid"))]


def test_the_wheel_has_the_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {"harmonicflow/py.typed", "harmonicflow/data/guit_em9.flac", "harmonicflow/data/CREDITS.txt"}
    for folder in ("bundles", "spatial", "data"):  # whatever is not code there is data
        for file in (ROOT / "harmonicflow" / folder).rglob("*"):
            if file.is_file() and file.suffix not in (".py", ".pyc"):
                wanted.add(file.relative_to(ROOT).as_posix())
    assert wanted <= set(names)
    assert "harmonicflow/bundles/default/model.json" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert wheel.stat().st_size < 80_000_000


@pytest.mark.installs
@pytest.mark.timeout(600)
def test_the_demo_runs_from_the_wheel_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Needs a package index or pip's cache: `make test-wheel`."""
    import venv

    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    binaries = environment / ("Scripts" if sys.platform == "win32" else "bin")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    variables["HARMONICFLOW_HOME"] = str(tmp_path / "home")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def call(*command: str | Path) -> str:
        run = subprocess.run(command, cwd=elsewhere, env=variables, capture_output=True, text=True, timeout=500)
        assert run.returncode == 0, f"{command}: {run.stdout}{run.stderr}"
        return run.stdout

    call(binaries / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel}[cpu]")
    packages = {row["name"] for row in json.loads(call(binaries / "python", "-m", "pip", "list", "--format", "json"))}
    assert packages.isdisjoint({"torch", "scipy", "onnx"})
    harmonicflow = binaries / "harmonicflow"
    try:
        lines = call(harmonicflow, "demo", "--out", elsewhere / "take").strip().splitlines()
        assert Path(lines[-1]).is_dir()
        files = {file.name for file in (elsewhere / "take").iterdir()}
        assert {"bass.wav", "drums.wav", "guitar.wav", "piano.wav", "mix.wav", "binaural.wav", "score.mid"} <= files
        assert "demo" in call(harmonicflow, "takes")
    finally:
        subprocess.run([harmonicflow, "daemon", "stop"], cwd=elsewhere, env=variables, capture_output=True)
