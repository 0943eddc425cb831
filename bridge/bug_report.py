"""The report that goes with a bug: what the doctor found and the ends of the logs, without private paths or names.

What is ours keeps its name below a word in angle brackets (<home>/run/daemon.json); any other path becomes <path>
up to the end of the line, because names of songs and folders have spaces, quotes and colons in them.
"""

import getpass
import os
import platform
import re
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from uuid import uuid4

import harmonicflow
from harmonicflow.core import connection as connections
from harmonicflow.core import paths
from harmonicflow.core import settings as table
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Metrics, MetricsReply, StatusReply

from .check import Check, megabytes
from .checks_install import PACKAGES, RUNTIMES, default_bundle, shipped_bundle
from .client import Client

FILE: Final = "harmonicflow-report.txt"
LOG_BYTES: Final = 64_000  # of the end of each log
LOG_LINES: Final = 150
PLAIN: Final = {"root", "user", "admin", "daemon", "audio", "localhost", "default", "harmonicflow"}  # say nothing
_START: Final = r"(?:file:/+|~[/\\]|(?<![\w>./])/(?!/)|(?<![\w>.:/])//|(?<!\w)[A-Za-z]:[\\/]|\\\\)"
_PATH: Final = re.compile(rf"{_START}.*")
_ID: Final = re.compile(r"(accepted: ).*")  # the name that a program gave its request
_ADDRESS: Final = re.compile(
    r"\b(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b|(?i:\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7})"
)


class Scrub:
    """Takes private paths and names out of text."""

    def __init__(self) -> None:
        package = Path(harmonicflow.__path__[0]).parent
        known = {
            paths.home(): "<home>",
            package: "<harmonicflow>",
            Path(sys.prefix): "<python>",
            Path(os.__file__).parent: "<python>/lib",
        }
        known |= {folder.resolve(): word for folder, word in known.items()}
        ordered = sorted(known, key=lambda folder: len(str(folder)), reverse=True)
        # A folder of ours ends where its name does, and what follows it has no spaces.
        self._folders = [(_folder_pattern(folder), known[folder]) for folder in ordered if len(folder.parts) > 1]
        self._words = [(_word_pattern(word), mask) for word, mask in _private_words()]

    def __call__(self, text: str) -> str:
        """The text, line by line, without what is private."""
        return "\n".join(map(self._line, text.split("\n")))

    def _line(self, line: str) -> str:
        for pattern, word in self._folders:
            line = pattern.sub(word, line)
        line = _PATH.sub("<path>", _ID.sub(r"\1<id>", line))
        for pattern, mask in self._words:
            line = pattern.sub(mask, line)
        return _ADDRESS.sub("<address>", line)


def _folder_pattern(folder: Path) -> re.Pattern[str]:
    """The folder's name with either slash, doubled ones too, as Windows and JSON write them."""
    parts = [re.escape(part) for part in re.split(r"[\\/]+", str(folder)) if part]
    lead = r"[\\/]+" if folder.as_posix().startswith("/") else ""
    flags = re.IGNORECASE if sys.platform in ("win32", "darwin") else re.NOFLAG
    return re.compile(lead + r"[\\/]+".join(parts) + r"(?![\w.-])", flags)


def _word_pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


def _private_words() -> Iterator[tuple[str, str]]:
    """The words that name this user, this computer and what the user has made, the longest first."""
    found: dict[str, str] = {}
    for name in (socket.gethostname(), platform.node()):
        found |= {name: "<computer>", name.partition(".")[0]: "<computer>"}
    found |= dict.fromkeys(_user_names(), "<user>")
    own = paths.bundles_folder()
    if own.is_dir():
        found |= dict.fromkeys((folder.name for folder in own.iterdir()), "<bundle>")
    if default_bundle() != shipped_bundle():
        found[default_bundle().name] = "<bundle>"
    words = (word for word in found if len(word) > 1 and word.lower() not in PLAIN)
    yield from ((word, found[word]) for word in sorted(words, key=len, reverse=True))


def _user_names() -> Iterator[str]:
    try:
        yield getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, as in some containers
        pass
    yield Path.home().name
    if sys.platform != "win32":
        import pwd

        try:
            real = pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
        except KeyError:
            return
        yield real
        yield from real.split()


def write_report(file: Path, checks: Iterable[Check]) -> None:
    """Write the report; raises `disk`."""
    scrub = Scrub()
    text = "\n\n".join(scrub(f"{title}\n{'-' * len(title)}\n{body}") for title, body in _sections(checks))
    with paths.disk_errors(file):
        file.write_text(f"{text}\n", encoding="utf-8")


def _sections(checks: Iterable[Check]) -> Iterator[tuple[str, str]]:
    yield "HarmonicFlow: report for a bug", _system()
    yield "Checks", "\n".join(_check_lines(checks))
    yield "Settings that are not the defaults", "\n".join(_setting_lines()) or "none"
    yield "Daemon", _daemon()
    for log in sorted(paths.log_folder().glob("*.log")):
        yield f"The end of {log.name}", _tail(log)


def _system() -> str:
    lines = [
        f"release    {harmonicflow.__version__}",
        f"time       {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        f"system     {platform.system()} {platform.release()} {platform.machine()}",
        f"python     {platform.python_implementation()} {platform.python_version()}",
        f"processors {os.cpu_count()}",
    ]
    for name in (*RUNTIMES, *(row[0] for row in PACKAGES)):
        try:
            lines.append(f"{name:<16} {version(name)}")
        except PackageNotFoundError:
            continue
    return "\n".join(lines)


def _check_lines(checks: Iterable[Check]) -> Iterator[str]:
    for check in checks:
        yield f"{check.state:<8} {check.name:<12} {check.found}"
        if check.repair and check.state != "ok":
            yield f"{'':<21} repair: {check.repair}"


def _setting_lines() -> Iterator[str]:
    try:
        rows = table.find()
    except HarmonicFlowError as error:
        yield error.message
        return
    for row in rows:
        if row.origin != table.DEFAULT:
            yield f"{row.setting.name} = {'<address>' if row.setting.name == 'listen' else row.value} ({row.origin})"


def _daemon() -> str:
    try:
        if connections.find() is None:
            return "not running"
        with Client.connect() as client:
            numbers = client.ask(Metrics(id=uuid4().hex), MetricsReply).text
            return f"{_status(client.status())}\n" + "\n".join(filter(_is_telling, numbers.splitlines()))
    except HarmonicFlowError as error:
        return error.message


def _is_telling(line: str) -> bool:
    """Whether a line of the metrics goes into the report: no remarks, no buckets."""
    return not line.startswith("#") and "_bucket{" not in line


def _status(status: StatusReply) -> str:
    lines = [
        f"release {status.version}, up {status.uptime_s:.0f} s, worker {status.worker}, {status.queued} jobs waiting",
        f"memory: daemon {megabytes(status.daemon_rss_bytes)}, worker {megabytes(status.worker_rss_bytes)}, "
        f"at most {megabytes(status.worker_peak_bytes)}",
    ]
    # Titles and the names of requests are the musician's own.
    for job in status.jobs:
        lines.append(
            f"job {job.job} {job.state} {job.stage} {f'{job.error.code}: {job.error.message}' if job.error else ''}"
        )
    return "\n".join(line.rstrip() for line in lines)


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_BYTES))
            text = file.read(LOG_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "\n".join(text.strip().split("\n")[-LOG_LINES:])
