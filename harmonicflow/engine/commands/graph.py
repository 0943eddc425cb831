"""`harmonicflow graph`: who listens to whom in a take, as a table, as JSON, as a picture."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import takes_folder, write_atomic

if TYPE_CHECKING:
    from ..graph import AudioGraph

FILE: Final = click.Path(path_type=Path)
LAST: Final = "last"


@click.command(
    "graph",
    epilog="""\b
Examples:
  harmonicflow graph last
  harmonicflow graph last --picture graph.svg
  harmonicflow graph ~/takes/verse --json > graph.json""",
)
@click.argument("take")
@click.option("--picture", type=FILE, metavar="FILE.svg", help="Draw it: the mean as arrows, every edge over time.")
@click.option("--at", "flow_times", type=float, multiple=True, metavar="TIME",
              help="Flow time, from 0 (noise) to 1 (sound); may be repeated.  [default: mean of 0.25, 0.5 and 0.75]")
@click.option("--bundle", metavar="FOLDER", help="Use this bundle.  [default: the one that is installed]")
@click.option("--threads", type=click.IntRange(1, 256), help="For the network.  [default: the machine's cores]")
@click.option("--json", "as_json", is_flag=True, help="Write everything as one JSON object, for scripts.")
def command(
    take: str, picture: Path | None, flow_times: tuple[float, ...], bundle: str | None, threads: int | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show how much each instrument listened to the others, to harmony and to rhythm.

    TAKE is a take's folder, its name, or "last". The performer's network goes over the take once more, and the weights
    of its attention between the instruments are read out, frame by frame. No daemon is needed.
    """
    if picture is not None and picture.suffix.lower() != ".svg":
        reason = "pictures are drawn as SVG: give a name that ends in .svg"
        raise HarmonicFlowError("bad_option", option="--picture", value=str(picture), reason=reason)
    folder = _folder(take)
    from .batch import open_runtime

    loaded = open_runtime(bundle, threads).bundle
    from ..api import HarmonicFlow
    from ..graph import FLOW_TIMES, read_graph
    from ..graph_picture import picture as drawn
    from ..take import read_take

    graph = read_graph(HarmonicFlow(loaded, threads), read_take(folder), flow_times or FLOW_TIMES)
    if picture is not None:
        write_atomic(picture, drawn(graph, folder.name).encode(), mode=0o666)
    if as_json:
        click.echo(json.dumps({"take": folder.name, **graph.to_json()}, separators=(",", ":")))
    elif picture is None:
        _show(graph)
    else:
        click.echo(picture)


def _folder(take: str) -> Path:
    """The folder of a take that a person names. Raises `unknown_take`."""
    named, home = Path(take).expanduser(), takes_folder()
    if take == LAST:
        found = sorted(home.glob("*/take.json"), key=lambda file: file.stat().st_mtime)
        named = found[-1].parent if found else named
    elif "/" not in take and not (named / "take.json").is_file():
        named = home / take
    if not (named / "take.json").is_file():
        raise HarmonicFlowError("unknown_take", take=take)
    return named


def _show(graph: "AudioGraph") -> None:
    """The mean weights as a table: who listens down the side, who is heard along the top."""
    width = max(len(name) for name in graph.nodes) + 2
    click.echo("hears".ljust(width) + "".join(node.rjust(width) for node in graph.nodes))
    for row, weights in zip(graph.rows, graph.mean(), strict=True):
        click.echo(row.ljust(width) + "".join(f"{weight:.1%}".rjust(width) for weight in weights))
