"""What `doctor` looks at, one function a row: ok, warning or failed, and the command that repairs it."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

from harmonicflow.core import connection as connections
from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError

from .client import Client

MIN_PYTHON: Final = (3, 11)
MIN_FREE_BYTES: Final = 100e6  # a take of a minute is about 100 MB
LOW_FREE_BYTES: Final = 1e9

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


class Check(NamedTuple):
    """One line of the doctor's report."""

    name: str
    state: str  # ok, warning or failed
    found: str
    repair: str = ""


def check_all(bundle: str | None) -> Iterator[Check]:
    """Every check, in the order in which one problem causes the next."""
    rows: tuple[Callable[[], Check], ...] = (
        _python,
        _packages,
        _runtime,
        lambda: _bundle(bundle),
        _folder,
        _disk,
        _ports,
        _daemon,
        _ardour,
    )
    for row in rows:
        try:
            yield row()
        except HarmonicFlowError as error:
            yield Check(row.__name__.strip("_<>"), "failed", error.message, error.todo)


def _pip(what: str) -> str:
    return f"{sys.executable} -m pip install {what}"


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < MIN_PYTHON:
        return Check("python", "failed", found, f"install Python {MIN_PYTHON[0]}.{MIN_PYTHON[1]} or newer")
    return Check("python", "ok", f"{found}, {sys.executable}")


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: "1.24.1rc2" gives (1, 24)."""
    found: list[int] = []
    for word in text.split("."):
        if not word.isdigit():
            break
        found.append(int(word))
    return tuple(found)


def _packages() -> Check:
    wrong: list[str] = []
    for name, least in PACKAGES:
        try:
            if _numbers(version(name)) < least:
                wrong.append(f'"{name}>={".".join(map(str, least))}"')
        except PackageNotFoundError:
            wrong.append(name)
    if wrong:
        return Check("packages", "failed", f"missing or too old: {', '.join(wrong)}", _pip(" ".join(wrong)))
    return Check("packages", "ok", f"{len(PACKAGES)} packages")


def _runtime() -> Check:
    """Exactly one of the two packages that own the module `onnxruntime`."""
    found: dict[str, str] = {}
    for name in RUNTIMES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if not found:
        return Check("runtime", "failed", "onnxruntime is not installed", _pip('"onnxruntime>=1.24.1"'))
    if len(found) > 1:
        repair = f"{sys.executable} -m pip uninstall -y {' '.join(RUNTIMES)}, then {_pip('onnxruntime')}"
        return Check("runtime", "failed", "onnxruntime and onnxruntime-gpu overwrite each other", repair)
    [(name, number)] = found.items()
    if _numbers(number) < MIN_RUNTIME:
        return Check("runtime", "failed", f"{name} {number} is too old", _pip(f'"{name}>=1.24.1"'))
    return Check("runtime", "ok", f"{name} {number}")


def default_bundle() -> Path:
    """The bundle that the daemon serves when nobody says otherwise."""
    chosen = os.environ.get(paths.BUNDLE_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    import harmonicflow

    return Path(harmonicflow.__path__[0]) / "bundles" / "default"


def _bundle(chosen: str | None) -> Check:
    """Every file of the bundle has the size and the SHA-256 that model.json names."""
    folder = Path(chosen).expanduser().absolute() if chosen else default_bundle()
    repair = _pip("--force-reinstall --no-deps harmonicflow") + ", or choose another bundle"
    try:
        model: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
        files = [(row["file"], row["sha256"]) for row in model["files"].values()]
        title = f"{model['name']} {model['version']}"
    except FileNotFoundError:
        return Check("bundle", "failed", f"there is no bundle in {folder}", repair)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Check("bundle", "failed", f"{folder / 'model.json'} cannot be read", repair)
    for name, expected in files:
        if not isinstance(name, str) or Path(name).name != name:
            return Check("bundle", "failed", f"{folder} names a file outside itself", repair)
        try:
            digest = sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            return Check("bundle", "failed", f"{folder / name}: {error.strerror}", repair)
        if digest != expected:
            return Check("bundle", "failed", f"{folder / name} is damaged: its SHA-256 is not the one named", repair)
    return Check("bundle", "ok", f"{title}, {len(files)} files, {folder}")


def _folder() -> Check:
    """The folder of takes is ours alone and can be written."""
    home = paths.home()
    if not home.exists():
        paths.owner_only(home)
    if sys.platform != "win32":
        status = home.stat()
        if status.st_uid != os.geteuid():
            return Check("folder", "failed", f"{home} belongs to another user", f"sudo chown -R $(id -un) {home}")
        if status.st_mode & 0o077:
            return Check("folder", "warning", f"{home} can be read by others", f"chmod 700 {home}")
    if not os.access(home, os.W_OK | os.X_OK):
        return Check("folder", "failed", f"{home} cannot be written", f"chmod u+rwx {home}")
    return Check("folder", "ok", str(home))


def _disk() -> Check:
    free = shutil.disk_usage(paths.home()).free
    found = f"{free / 1e9:.1f} GB free at {paths.home()}"
    repair = f"remove old takes from {paths.takes_folder()}, or set {paths.HOME_VARIABLE} to a folder on another disk"
    if free < MIN_FREE_BYTES:
        return Check("disk", "failed", found, repair)
    return Check("disk", "warning", found, repair) if free < LOW_FREE_BYTES else Check("disk", "ok", found)


def _ports() -> Check:
    """A program may listen on this computer's own address and be reached there."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            with socket.create_connection(server.getsockname(), timeout=2):
                return Check("ports", "ok", "a program can listen on 127.0.0.1")
    except OSError as error:
        repair = "allow Python to use the loopback address 127.0.0.1 in the firewall"
        return Check("ports", "failed", f"nothing can listen on 127.0.0.1: {error.strerror or error}", repair)


def _daemon() -> Check:
    found = connections.find()
    if found is None:
        return Check("daemon", "ok", "not running; it is started when it is needed")
    try:
        with Client.connect() as client:
            status = client.status()
    except HarmonicFlowError as error:
        repair = f"end process {found.pid}, then: harmonicflow daemon start"
        return Check("daemon", "failed", error.message, repair)
    state = "ok" if status.worker in ("ready", "busy", "starting") else "warning"
    repair = "" if state == "ok" else "harmonicflow daemon stop, then harmonicflow daemon start; its log says why"
    return Check("daemon", state, f"process {status.pid}, worker {status.worker}, bundle {status.bundle}", repair)


def _ardour() -> Check:
    """Whether the newest Ardour here has our scripts, of this release, bound."""
    from .daw.ardour.install import look

    states = look()
    if not states:
        return Check("ardour", "ok", "there is no Ardour on this computer")
    repair = "harmonicflow bridge install ardour"
    found = f"{states[0].ardour}: bridge {states[0].state}"
    if states[0].state == "not installed":
        return Check("ardour", "ok", f"{found}; install it with: {repair}")
    if states[0].state == "installed":
        return Check("ardour", "ok", found)
    return Check("ardour", "warning", f"{found} ({states[0].version})", repair)
