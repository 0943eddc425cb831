"""The daemon's status, for people and for scripts."""

from typing import Final

import msgspec

from harmonicflow.core.messages import JobRow, StatusReply
from harmonicflow.core.progress import stage_words, time_left

from .output import result, result_json, table

RECENT: Final = 8  # jobs shown to people


def show_status(status: StatusReply, as_json: bool) -> None:
    """Write the status to stdout."""
    if as_json:
        result_json(msgspec.to_builtins(status))
        return
    result(f"daemon   {status.version}, process {status.pid}, up {_duration(status.uptime_s)}")
    result(f"worker   {status.worker}" + (f", process {status.worker_pid}" if status.worker_pid else ""))
    result(f"bundle   {status.bundle or 'not loaded yet'}  {status.bundle_folder}".rstrip())
    megabytes = (status.daemon_rss_bytes / 1e6, status.worker_rss_bytes / 1e6)
    result(f"memory   daemon {megabytes[0]:.0f} MB, worker {megabytes[1]:.0f} MB")
    result(f"takes    {status.home}")
    if status.network:
        result(f"network  {status.network}")
    if status.osc:
        result(f"OSC      {status.osc}")
    result(f"waiting  {status.queued}")
    if status.jobs:
        rows = [(job.job, job.state.value, _detail(job), job.title) for job in status.jobs[:RECENT]]
        result(table(("job", "state", "", "title"), rows))


def _detail(job: JobRow) -> str:
    if job.error is not None:
        return job.error.message
    if job.takes:
        return ", ".join(job.takes)
    words = [stage_words(job.stage, job.step, job.steps if job.stage == "perform" else 0), job.message]
    if job.seconds_left:
        words.append(time_left(job.seconds_left))
    return ", ".join(word for word in words if word)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
