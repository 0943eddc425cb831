"""`harmonicflow takes`: what has been made so far."""

import click

from ..options import Count, json_option


@click.command(
    "takes",
    epilog="""\b
Examples:
  harmonicflow takes
  harmonicflow takes last
  harmonicflow takes --limit 5 --json""",
)
@click.argument("take", required=False)
@click.option("--limit", type=Count(1, 1000), default=20, show_default=True, help="How many, newest first.")
@json_option
def command(take: str | None, limit: int, as_json: bool) -> None:
    """List the newest takes, or show the files of one TAKE (a name from the list, its folder, or "last")."""
    from harmonicflow.core.messages import ListTakes, TakeList

    from ..output import result, result_json, say, table
    from ..remaking import find_take
    from ..request import request_id
    from ..results import made, show_take, take_row
    from ..spawn import connect_or_start

    with connect_or_start() as client:
        if take is not None:
            show_take(find_take(client, take), as_json)
            return
        found = client.ask(ListTakes(id=request_id(), limit=limit), TakeList)
    if as_json:
        for each in found.takes:
            result_json(take_row(each))
        return
    if not found.takes:
        say("no takes yet; make one with: harmonicflow demo")
        return
    rows = [
        (each.take, made(each), f"{each.seconds:.2f}", str(each.bars), each.genre, str(each.seed), each.title)
        for each in found.takes
    ]
    result(table(("take", "made", "seconds", "bars", "genre", "seed", "title"), rows))
    if found.total > len(found.takes):
        say(f"{found.total - len(found.takes)} older ones: --limit {found.total}")
