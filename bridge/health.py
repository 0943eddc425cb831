"""Health for service managers and monitoring: does the daemon live, and would it take a job and do it now."""

import shutil
from pathlib import Path
from typing import Final

from harmonicflow.core import settings
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import StatusReply

from .check import megabytes
from .client import Client

# The engine's states in which a job that comes now is done, and the others in words.
AT_WORK: Final = ("ready", "busy", "asleep")
NOT_YET: Final = {"starting": "its engine is loading", "down": "its engine does not run"}


def look_at_health(ready: bool) -> StatusReply:
    """The status of a daemon that answers; raises `no_daemon`, `daemon_lost`, and `not_ready` where that is asked."""
    with Client.connect() as client:
        status = client.status()
    if ready:
        if status.worker not in AT_WORK:
            raise HarmonicFlowError("not_ready", reason=NOT_YET.get(status.worker, f"its engine is {status.worker}"))
        free, least = shutil.disk_usage(Path(status.home)).free, settings.load().low_disk_mb * 1e6
        if free < least:
            reason = f"its disk has {megabytes(free)} left, less than the {megabytes(least)} that are kept free"
            raise HarmonicFlowError("not_ready", reason=reason)
    return status
