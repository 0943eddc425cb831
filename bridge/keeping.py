"""Which takes stay: stars, and the removal of old ones."""

from harmonicflow.core.messages import PruneReply, PruneTakes, StarTake, TakeReply, TakeSummary

from .client import Client
from .output import result, result_json, say, table
from .request import request_id
from .results import made, take_row
from .sizes import spoken


def star(client: Client, take: TakeSummary, starred: bool, as_json: bool) -> None:
    """Mark a take, or take its mark away."""
    reply = client.ask(StarTake(id=request_id(), take=take.take, starred=starred), TakeReply)
    if as_json:
        result_json(take_row(reply.take))
    else:
        result(f"{take.take} {'is starred: it is never pruned' if starred else 'is not starred any more'}")


def prune(client: Client, older_than: float | None, larger_than: int | None, dry_run: bool, as_json: bool) -> None:
    """Remove takes until the daemon has no more to remove, and say which; the daemon does some at a time."""
    takes: list[TakeSummary] = []
    freed = 0
    while True:
        reply = client.ask(
            PruneTakes(id=request_id(), older_than_days=older_than, larger_than=larger_than, dry_run=dry_run),
            PruneReply,
        )
        takes += reply.takes
        freed += reply.freed_bytes
        if dry_run or not reply.left or not reply.takes:
            break
    if as_json:
        for take in takes:
            result_json(take_row(take))
    elif takes:
        result(table(("take", "made", "title"), [(take.take, made(take), take.title) for take in takes]))
    number = len(takes) + (reply.left if dry_run else 0)
    done = "would be removed" if dry_run else "removed"
    say(f"{number} {'take' if number == 1 else 'takes'} {done}: {spoken(freed)}; {spoken(reply.kept_bytes)} stay")
    if reply.starred:
        say(f"{reply.starred} more would have gone, but they are starred")
