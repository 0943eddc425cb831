"""Is the installation whole: Python, its packages, the runtime, the bundles."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from harmonicflow.core import paths

from .check import Check, command, pip, put_aside, start_again

MIN_PYTHON: Final = (3, 11)

# Distribution and least version, as in pyproject.toml.
PACKAGES: Final = (
    ("numpy", (1, 26)),
    ("soundfile", (0, 13)),
    ("soxr", (0, 5)),
    ("msgspec", (0, 19)),
    ("pyzmq", (27, 0)),
    ("mido", (1, 3)),
    ("python-osc", (1, 9)),
    ("click", (8, 2)),
    ("platformdirs", (4, 0)),
)
RUNTIMES: Final = ("onnxruntime", "onnxruntime-gpu")
MIN_RUNTIME: Final = (1, 24, 1)  # earlier ones read files outside the bundle that a model names
START_S: Final = 60.0  # for the runtime on a cold disk
# What a runtime that does not start needs, by system; seen as an import that fails or a process that dies.
NEEDS: Final = {
    "win32": "Install the Microsoft Visual C++ Redistributable (x64), then start the computer again",
    "darwin": "HarmonicFlow needs macOS 13 or newer",
}


def python() -> Check:
    """The interpreter is new enough."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < MIN_PYTHON:
        return Check.failed("python", found, advice=f"Install Python {MIN_PYTHON[0]}.{MIN_PYTHON[1]} or newer")
    return Check.ok("python", f"{found}, {sys.executable}")


def packages() -> Check:
    """Everything the product imports is there, in a version it works with."""
    wrong: list[str] = []
    for name, least in PACKAGES:
        try:
            if numbers(version(name)) < least:
                wrong.append(f"{name}>={'.'.join(map(str, least))}")
        except PackageNotFoundError:
            wrong.append(name)
    if wrong:
        return Check.failed("packages", f"missing or too old: {', '.join(wrong)}", pip(*wrong))
    return Check.ok("packages", f"{len(PACKAGES)} packages")


def numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "1.24.1rc2" gives (1, 24)."""
    found: list[int] = []
    for word in text.split("."):
        if not word.isdigit():
            break
        found.append(int(word))
    return tuple(found)


def runtime() -> Check:
    """Exactly one of the two packages that own the module `onnxruntime`, and it starts on this processor."""
    found: dict[str, str] = {}
    for name in RUNTIMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    least = ".".join(map(str, MIN_RUNTIME))
    if not found:
        return Check.failed("runtime", "onnxruntime is not installed", pip(f"onnxruntime>={least}"))
    if len(found) > 1:
        repair = f"{command(sys.executable, '-m', 'pip', 'uninstall', '-y', *RUNTIMES)} && {pip('onnxruntime')}"
        return Check.failed("runtime", "onnxruntime and onnxruntime-gpu overwrite each other", repair)
    [(name, number)] = found.items()
    if numbers(number) < MIN_RUNTIME:
        return Check.failed("runtime", f"{name} {number} is too old", pip(f"{name}>={least}"))
    if wrong := start_fault():
        repair = pip("--force-reinstall", f"{name}=={number}")
        return Check.failed("runtime", f"{name} {number} does not start: {wrong}", repair, NEEDS.get(sys.platform, ""))
    return Check.ok("runtime", f"{name} {number}")


def start_fault(words: str = "import onnxruntime; onnxruntime.SessionOptions()") -> str:
    """What keeps the runtime from starting, "" where nothing does: in a process of its own, which may die of it."""
    try:
        ran = subprocess.run(
            [sys.executable, "-c", words], stdin=subprocess.DEVNULL, capture_output=True, timeout=START_S
        )
    except subprocess.TimeoutExpired:
        return f"it was not ready after {START_S:.0f} seconds"
    lines = ran.stderr.decode(errors="replace").strip().splitlines()
    if ran.returncode < 0:
        return f"its process was ended by signal {-ran.returncode}"
    return (lines[-1][:300] if lines else f"exit code {ran.returncode}") if ran.returncode else ""


def default_bundle() -> Path:
    """The bundle that the daemon serves when nobody says otherwise."""
    chosen = os.environ.get(paths.BUNDLE_VARIABLE)
    if chosen:
        own = paths.bundles_folder() / chosen
        return own if os.sep not in chosen and own.is_dir() else Path(chosen).expanduser().absolute()
    return shipped_bundle()


def shipped_bundle() -> Path:
    """The bundle inside the package."""
    import harmonicflow

    return Path(harmonicflow.__path__[0]) / "bundles" / "default"


def bundle(chosen: str | None) -> Check:
    """Every file of the bundle has the size and the SHA-256 that model.json names."""
    folder = Path(chosen).expanduser().absolute() if chosen else default_bundle()
    title, wrong = look_at(folder)
    if not wrong:
        return Check.ok("bundle", title)
    if folder == shipped_bundle():
        return Check.failed("bundle", wrong, pip("--force-reinstall", "--no-deps", "harmonicflow"))
    advice = f"Export or copy this bundle again, or leave {paths.BUNDLE_VARIABLE} and --bundle out"
    return Check.failed("bundle", wrong, "" if chosen else start_again("--bundle", shipped_bundle()), advice)


def own_bundles() -> Check:
    """The user's own bundles are whole."""
    home = paths.bundles_folder()
    folders = sorted(folder for folder in home.iterdir() if folder.is_dir()) if home.is_dir() else []
    wrong = {folder: fault for folder in folders if (fault := look_at(folder)[1])}
    if not wrong:
        return Check.ok("bundles", f"{len(folders)} of your own" if folders else "none of your own")
    repair = " && ".join(put_aside(folder, home.with_name("bundles.damaged")) for folder in wrong)
    return Check.warning("bundles", "; ".join(wrong.values()), repair, "Then export or copy what is damaged again")


def look_at(folder: Path) -> tuple[str, str]:
    """A bundle in words, and what is wrong with it ("" where nothing is)."""
    try:
        model: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
        files = [(row["file"], row["sha256"]) for row in model["files"].values()]
        title = f"{model['name']} {model['version']}"
    except FileNotFoundError:
        return "", f"there is no bundle in {folder}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", f"{folder / 'model.json'} cannot be read"
    for name, expected in files:
        if not isinstance(name, str) or Path(name).name != name:
            return "", f"{folder} names a file outside itself"
        try:
            digest = sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            return "", f"{folder / name}: {error.strerror}"
        if digest != expected:
            return "", f"{folder / name} is damaged: its SHA-256 is not the one named"
    return f"{title}, {len(files)} files, {folder}", ""
