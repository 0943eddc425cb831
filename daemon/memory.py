"""How much memory a process holds, as Linux shows it; 0 where the system shows nothing."""

import re
from pathlib import Path


def resident_bytes(pid: int) -> int:
    """Resident memory now."""
    return _status(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most it ever held."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
