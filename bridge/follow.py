"""Send one request and watch it to its end: progress on stderr, Ctrl-C cancels the job."""

from collections.abc import Callable, Sequence
from typing import Any

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Block, JobEvent, JobState, TakeSummary, WorkRequest
from harmonicflow.core.progress import Progress

from .client import RETURN_S, Client
from .output import say


def follow(
    client: Client,
    request: WorkRequest,
    buffers: Sequence[Any] = (),
    on_block: Callable[[Block, Sequence[memoryview]], None] | None = None,
) -> tuple[TakeSummary, ...]:
    """Run a request and return its takes; raises what the daemon answered, `daemon_lost`, or `cancelled`."""
    with Progress() as progress:

        def show(event: JobEvent) -> None:
            if event.state is JobState.QUEUED:
                before = event.position - 1  # position 1 is the next to run
                progress.update(f"waiting, {before} before it" if before > 0 else "queued")
            elif event.state is JobState.RUNNING and event.stage:
                steps = event.steps if event.stage == "perform" else 0  # the other stages are a moment each
                progress.update(event.stage, event.step, steps, event.seconds_left)
            elif event.state in (JobState.LOADING, JobState.WRITING):
                progress.update(event.state.value, seconds_left=event.seconds_left)

        def lost(error: HarmonicFlowError) -> None:
            progress.clear()
            say(f"{error.message}; waiting {RETURN_S:.0f} seconds for it or another ...")

        try:
            done = client.perform(
                request, buffers, on_event=show, on_block=on_block, on_look=progress.tick, on_lost=lost
            )
        except KeyboardInterrupt:
            progress.clear()
            say("cancelling ...")
            client.cancel_quietly(request.id)
            raise HarmonicFlowError("cancelled") from None
    for take in done.takes:
        for warning in take.warnings:
            say(f"note: {warning}")
    if client.connection.remote:
        from .fetching import fetch

        return tuple(fetch(client, take) for take in done.takes)
    return done.takes
