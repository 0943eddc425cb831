"""`harmonicflow takes`: what has been made so far."""

from typing import TYPE_CHECKING

import click

from ..options import Count, json_option
from ..sizes import Age, Size

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
  harmonicflow takes --limit 5 --json
  harmonicflow takes --star last
  harmonicflow takes --prune --older-than 30d --dry-run
  harmonicflow takes --prune --larger-than 10G""",
)
@click.argument("take", required=False)
@click.option("--limit", type=Count(1, 1000), default=20, show_default=True, help="How many, newest first.")
@click.option("--tree", is_flag=True, help="Each opening with all that was made from it; of TAKE, its whole tree.")
@click.option("--path", is_flag=True, help="The way from the opening to TAKE.")
@click.option("--star", is_flag=True, help="Keep TAKE for good: --prune leaves it alone.")
@click.option("--unstar", is_flag=True, help="TAKE may be pruned like any other.")
@click.option("--prune", is_flag=True, help="Remove takes, but no starred ones and none in use.")
@click.option("--older-than", type=Age(), metavar="AGE", help="Prune what is older: 12h, 30d, 8w.")
@click.option("--larger-than", type=Size(), metavar="SIZE", help="Prune the oldest while all have more: 500M, 10G.")
@click.option("--dry-run", is_flag=True, help="Only show what --prune would remove.")
@json_option
def command(
    take: str | None, limit: int, older_than: float | None, larger_than: int | None, dry_run: bool, as_json: bool,
    **wishes: bool,
) -> None:  # fmt: skip
    """List the newest takes, or show the files of one TAKE (a name from the list, its folder, or "last").

    With --tree, --limit counts openings. Any take of a tree can be extended or regenerated at any time, also when
    what it was made from is no longer there. In the list * marks starred takes.
    """
    from ..keeping import prune, star
    from ..remaking import find_take
    from ..results import show_take
    from ..spawn import connect_or_start
    from ..tree import all_takes

    what = _one_of(wishes)
    _check(take, what, older_than, larger_than, dry_run)
    with connect_or_start() as client:
        if what == "prune":
            prune(client, older_than, larger_than, dry_run, as_json)
            return
        chosen = None if take is None else find_take(client, take)
        if what in ("tree", "path"):
            _show_tree(all_takes(client), "" if chosen is None else chosen.take, what == "path", limit, as_json)
        elif chosen is None:
            _show_list(client, limit, as_json)
        elif what:
            star(client, chosen, what == "star", as_json)
        else:
            show_take(chosen, as_json)


def _one_of(wishes: dict[str, bool]) -> str:
    """The option given, "" for none."""
    given = [name for name, wish in wishes.items() if wish]
    if len(given) > 1:
        raise click.UsageError(f"give only one of --{' and --'.join(given)}")
    return given[0] if given else ""


def _check(take: str | None, what: str, older: float | None, larger: int | None, dry_run: bool) -> None:
    """Raise a usage error for options that do not go together."""
    if what in ("path", "star", "unstar") and take is None:
        raise click.UsageError(f"--{what} needs a TAKE")
    if what == "prune" and take is not None:
        raise click.UsageError("--prune takes no TAKE: it looks at all of them")
    if what == "prune" and older is None and larger is None:
        raise click.UsageError("say what to prune: --older-than, --larger-than or both")
    if what != "prune" and (older is not None or larger is not None or dry_run):
        raise click.UsageError("--older-than, --larger-than and --dry-run go with --prune")


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
        (
            each.take + " *" * each.starred, made(each), f"{each.seconds:.2f}", str(each.bars), each.genre,
            str(each.seed), each.title,
        )
        for each in found.takes
    ]  # fmt: skip
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
