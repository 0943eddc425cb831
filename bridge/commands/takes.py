"""`harmonicflow takes`: what has been made so far."""

from typing import TYPE_CHECKING

import click

from ..options import Count, json_option

if TYPE_CHECKING:
    from harmonicflow.core.messages import TakeSummary

    from ..client import Client


@click.command(
    "takes",
    epilog="""\b
Examples:
  harmonicflow takes
  harmonicflow takes last
  harmonicflow takes --tree
  harmonicflow takes last --path
  harmonicflow takes --limit 5 --json""",
)
@click.argument("take", required=False)
@click.option("--limit", type=Count(1, 1000), default=20, show_default=True, help="How many, newest first.")
@click.option("--tree", is_flag=True, help="Each opening with all that was made from it; of TAKE, its whole tree.")
@click.option("--path", is_flag=True, help="The way from the opening to TAKE.")
@json_option
def command(take: str | None, limit: int, tree: bool, path: bool, as_json: bool) -> None:
    """List the newest takes, or show the files of one TAKE (a name from the list, its folder, or "last").

    With --tree, --limit counts openings. Any take of a tree can be extended or regenerated at any time.
    """
    from ..remaking import find_take
    from ..results import show_take
    from ..spawn import connect_or_start
    from ..tree import all_takes

    if tree and path:
        raise click.UsageError("give only one of --tree and --path")
    if path and take is None:
        raise click.UsageError("--path needs a TAKE to lead to")
    with connect_or_start() as client:
        chosen = None if take is None else find_take(client, take)
        if chosen is not None and not (tree or path):
            show_take(chosen, as_json)
            return
        if tree or path:
            _show_tree(all_takes(client), "" if chosen is None else chosen.take, path, limit, as_json)
            return
        _show_list(client, limit, as_json)


def _show_list(client: "Client", limit: int, as_json: bool) -> None:
    from harmonicflow.core.messages import ListTakes, TakeList

    from ..output import result, result_json, say, table
    from ..request import request_id
    from ..results import made, take_row

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


def _show_tree(takes: "list[TakeSummary]", chosen: str, path: bool, limit: int, as_json: bool) -> None:
    from ..output import result, result_json, say
    from ..results import take_row
    from ..tree import grow, tree_table

    nodes = grow(takes)
    if path:
        shown = nodes[chosen].path()
    else:
        openings = [node for node in nodes.values() if node.parent is None][::-1]
        if chosen:
            openings = nodes[chosen].path()[:1]
        shown = [node for opening in openings[:limit] for node in opening.walk()]
        if len(openings) > limit:
            say(f"{len(openings) - limit} older openings: --limit {len(openings)}")
    if as_json:
        for node in shown:
            result_json({"depth": node.depth, **take_row(node.take)})
    elif shown:
        result(tree_table(shown, "" if path else chosen, indented=not path))
    else:
        say("no takes yet; make one with: harmonicflow demo")
