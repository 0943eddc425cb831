"""What one job may use: time and memory, from the settings."""

import os
from pathlib import Path
from typing import Final

from harmonicflow.core.settings import Settings

LEAST_MEMORY_MB: Final = 2_000
SHARE_OF_MACHINE: Final = 4  # the engine's part of the memory, where nobody has said otherwise
CGROUP: Final = Path("/sys/fs/cgroup/memory.max")


def job_seconds(settings: Settings, sound_s: float) -> float:
    """How long a job for so many seconds of sound may run; 0 = without limit."""
    if not settings.job_seconds_per_second:
        return 0.0
    return max(settings.job_seconds_per_second * sound_s, settings.job_seconds_least)


def worker_bytes(settings: Settings) -> int:
    """How much memory the engine's process may hold."""
    least = max(LEAST_MEMORY_MB, machine_bytes() // SHARE_OF_MACHINE // 1_000_000)
    return (settings.worker_memory_mb or least) * 1_000_000


def machine_bytes() -> int:
    """The memory of this machine, or of this container where that is less; 0 where the system does not say."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
    try:
        return min(found, int(CGROUP.read_text()))
    except (OSError, ValueError):  # no such file, or "max"
        return found
