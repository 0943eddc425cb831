"""How much memory a process holds and the computer has, as Linux shows it; 0 where the system shows nothing."""

import re
from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Resident memory now."""
    return _status(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most it ever held."""
    return _status(pid, "VmHWM")


def available_bytes() -> int:
    """What new work may take without pushing other programs out."""
    return _number(Path("/proc/meminfo"), "MemAvailable")


def _status(pid: int, name: str) -> int:
    return _number(Path(f"/proc/{pid}/status"), name)


def _number(file: Path, name: str) -> int:
    try:
        text = file.read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
