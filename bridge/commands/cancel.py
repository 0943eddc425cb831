"""`harmonicflow cancel`: end a job that waits or runs."""

import click

from ..options import json_option


@click.command(
    "cancel",
    epilog="""\b
Examples:
  harmonicflow cancel
  harmonicflow cancel 20260102-101500-3f9a""",
)
@click.argument("job", required=False, default="")
@json_option
def command(job: str, as_json: bool) -> None:
    """Cancel JOB, or the one that is running when no name is given.

    The names of waiting and running jobs are in: harmonicflow daemon status
    """
    import re

    from harmonicflow.core.errors import HarmonicFlowError
    from harmonicflow.core.messages import FINAL_STATES, Cancel, CancelReply

    from ..client import Client
    from ..output import result, result_json
    from ..request import request_id

    if not re.fullmatch(r"[A-Za-z0-9._-]{0,64}", job):
        raise HarmonicFlowError("unknown_job", job=job)
    with Client.connect() as client:
        reply = client.ask(Cancel(id=request_id(), job=job), CancelReply)
    if as_json:
        result_json({"job": reply.job, "state": reply.state.value})
    else:
        over = reply.state in FINAL_STATES
        result(f"job {reply.job} is {f'over: {reply.state.value}' if over else 'being cancelled'}")
