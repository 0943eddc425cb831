"""Is what we keep in order: the clock, settings, folders, disk and memory, the journal and the takes."""

import os
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import harmonicflow
from harmonicflow.core import paths
from harmonicflow.core import settings as table
from harmonicflow.core.errors import HarmonicFlowError

from .check import Check, command, megabytes, put_aside, start_again

DAY_S: Final = 86_400.0
TAKE_BYTES: Final = 100e6  # of a minute of music
LOW_BYTES: Final = 1e9
LOW_MEMORY_BYTES: Final = 1e9
LEAST_FILES: Final = 1_000  # that a disk still takes
SET_CLOCK: Final = {"win32": "w32tm /resync", "darwin": "sudo sntp -sS time.apple.com"}
# SQLite's log of writes needs memory that processes share, which these file systems do not have.
FAR: Final = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "fuse.rclone", "davfs", "webdav"}
# Programs that copy files while they are written, and take them away to save space.
SYNCED: Final = ("Dropbox", "OneDrive", "Google Drive", "GoogleDrive", "Mobile Documents", "iCloudDrive", "Nextcloud")
MOUNTS: Final = Path("/proc/mounts")


def clock() -> Check:
    """The time is not before what has happened already."""
    now = time.time()
    marks = [Path(harmonicflow.__path__[0]) / "__init__.py", paths.journal_file(), paths.takes_folder()]
    newest = max((mark.stat().st_mtime for mark in marks if mark.exists()), default=now)
    found = time.strftime("%Y-%m-%d %H:%M", time.localtime(now))
    if newest > now + DAY_S:
        later = time.strftime("%Y-%m-%d", time.localtime(newest))
        repair = SET_CLOCK.get(sys.platform, "sudo timedatectl set-ntp true")
        return Check.warning("clock", f"it says {found}, but files here were written on {later}", repair)
    return Check.ok("clock", found)


def settings() -> Check:
    """Every setting is one that the daemon understands."""
    file = table.settings_file()
    try:
        rows = table.find()
    except HarmonicFlowError as error:
        repair = put_aside(file, file.with_name("settings.damaged")) if str(file) in str(error) else ""
        return Check.failed("settings", error.message, repair, error.todo)
    changed = [f"{row.setting.name} = {row.value}" for row in rows if row.origin != table.DEFAULT]
    return Check.ok("settings", ", ".join(changed) or "the defaults")


def folder() -> Check:
    """The home folder is on a disk of this computer, ours alone, and can be written."""
    home = paths.home()
    if not home.exists():
        paths.owner_only(home)
    if sys.platform != "win32":
        status = home.stat()
        if status.st_uid != os.geteuid():
            return Check.failed("folder", f"{home} belongs to another user", _own(home))
        if status.st_mode & 0o077:
            return Check.warning("folder", f"{home} can be read by others", command("chmod", "700", home))
    if not os.access(home, os.W_OK | os.X_OK):
        return Check.failed("folder", f"{home} cannot be written", command("chmod", "u+rwx", home))
    with paths.disk_errors(home), tempfile.TemporaryFile(dir=home) as file:  # a disk may be read-only as a whole
        file.write(b"HarmonicFlow")
    move = f"Move it to a disk of this computer and set {paths.HOME_VARIABLE} to its new place"
    if (kind := file_system(home)) in FAR:
        return Check.warning(
            "folder", f"{home} is on a network drive ({kind}), where the journal is not safe", "", move
        )
    if synced := next((name for name in SYNCED if any(name in part for part in home.parts)), ""):
        return Check.warning("folder", f"{home} is kept in step by {synced}, which may change open files", "", move)
    return Check.ok("folder", str(home))


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The kind of file system that a path lies on; "" where the system does not say."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    real, best, kind = path.resolve(), -1, ""
    for line in lines:
        _, point, found, *_ = [*line.split(" "), "", "", ""]
        place = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point or "/"))
        if real.is_relative_to(place) and len(place.parts) >= best:  # the last one is on top
            best, kind = len(place.parts), found
    return kind


def permissions() -> Check:
    """Everything in the home folder is ours, and only we can read it where that matters."""
    if sys.platform == "win32":
        return Check.ok("permissions", "folders of the profile are private")
    foreign, readable, number = [], [], 0
    for path in _two_levels(paths.home()):
        number += 1
        status = path.lstat()
        if status.st_uid != os.geteuid():
            foreign.append(path)
        elif path.parent == paths.run_folder() and status.st_mode & 0o077:
            readable.append(path)
    if foreign:
        found = f"{foreign[0]} belongs to another user, and so do {len(foreign) - 1} more" * (len(foreign) > 1)
        return Check.failed("permissions", found or f"{foreign[0]} belongs to another user", _own(paths.home()))
    if readable:
        found = f"{', '.join(map(str, readable))} can be read by others, who could give orders to the daemon"
        return Check.failed("permissions", found, f"{command('chmod', '600', *readable)} && {start_again()}")
    return Check.ok("permissions", f"{number} files and folders are yours")


def _own(home: Path) -> str:
    return f'sudo chown -R "$(id -un)" {command(home)}'


def _two_levels(home: Path) -> Iterator[Path]:
    for path in home.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink() and os.access(path, os.R_OK | os.X_OK):
            yield from path.iterdir()


def disk() -> Check:
    """There is space for takes."""
    home = paths.home()
    free = shutil.disk_usage(home).free
    found = f"{megabytes(free)} free at {home}"
    repair = prune_command()
    advice = f"Remove old takes, or set {paths.HOME_VARIABLE} to a folder on another disk"
    least = _low_disk_bytes()
    if free < max(least, TAKE_BYTES):
        return Check.failed("disk", f"{found}, new jobs are refused below {megabytes(least)}", repair, advice)
    if sys.platform != "win32":
        status = os.statvfs(home)
        if status.f_files and status.f_favail < LEAST_FILES:
            return Check.failed("disk", f"only {status.f_favail} more files fit on the disk of {home}", repair, advice)
    if free < max(LOW_BYTES, 2 * least):
        return Check.warning("disk", found, repair, advice)
    return Check.ok("disk", found)


def prune_command() -> str:
    """The command that removes old takes, "" where `takes` has none."""
    from .commands.takes import command as takes_command

    has_it = any(option.name == "prune" for option in takes_command.params)
    return "harmonicflow takes --prune --older-than 30d" if has_it else ""


def _low_disk_bytes() -> float:
    try:
        return table.load().low_disk_mb * 1e6
    except HarmonicFlowError:
        return table.Settings().low_disk_mb * 1e6


def memory(source: Path = Path("/proc/meminfo")) -> Check:
    """There is memory for the engine."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", source.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found is None:
        return Check.ok("memory", "this system does not say how much is free")
    free = int(found[1]) * 1024
    if free < LOW_MEMORY_BYTES:
        return Check.warning(
            "memory", f"{megabytes(free)} free", "", "Close other programs: the engine needs about 1 GB"
        )
    return Check.ok("memory", f"{megabytes(free)} free")


def journal() -> Check:
    """SQLite finds no damage in the journal, and every take that it lists is there."""
    file = paths.journal_file()
    if not file.exists():
        return Check.ok("journal", "none yet")
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5.0)) as database:
            [(verdict,), *_] = database.execute("pragma integrity_check(1)").fetchall()
            known = [row[0] for row in database.execute("select id from take")]
            jobs = database.execute("select count(*) from job").fetchone()[0]
    except sqlite3.OperationalError as error:
        return Check.warning("journal", f"{file} cannot be read now: {error}", start_again())
    except sqlite3.DatabaseError as error:
        verdict, known, jobs = str(error), [], 0
    if verdict != "ok":
        advice = "The daemon puts the damaged file aside and finds the takes again; waiting jobs are lost"
        return Check.failed("journal", f"{file} is damaged: {verdict}", start_again(), advice)
    gone = [take for take in known if not (paths.takes_folder() / take).is_dir()]
    if gone:
        return Check.warning("journal", f"{len(gone)} takes that it lists are not there: {gone[0]}", start_again())
    return Check.ok("journal", f"{jobs} jobs, {len(known)} takes")


def takes() -> Check:
    """Every take has its card, which says how it was made."""
    home = paths.takes_folder()
    folders = [path for path in home.iterdir() if path.is_dir()] if home.is_dir() else []
    whole = [path for path in folders if not path.name.startswith(".")]
    broken = [path for path in whole if not (path / "take.json").is_file()]
    if broken:
        repair = " && ".join(put_aside(path, home.with_name("takes.damaged")) for path in broken[:20])
        found = f"{len(broken)} of {len(whole)} takes are damaged: {broken[0]} has no take.json"
        return Check.warning("takes", found, repair)
    return Check.ok("takes", f"{len(whole)} takes")
