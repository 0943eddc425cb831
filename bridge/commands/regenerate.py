"""`harmonicflow regenerate`: some stems or bars again, the rest kept."""

from typing import Any

import click

from ..options import Stems, Whole, choice_options, json_option, like_option, out_option, style_options


@click.command(
    "regenerate",
    epilog="""\b
Examples:
  harmonicflow regenerate last --stem bass
  harmonicflow regenerate last --stem bass --from-bar 3 --to-bar 5
  harmonicflow regenerate last --stem guitar --stem piano --from-bar 5 --to-bar 8 --prompt "sparse, muted"
  harmonicflow regenerate last --stem bass --like fretless.wav
  harmonicflow regenerate ~/stems --stem drums --seed 11 --out ~/stems-2""",
)
@click.argument("take")
@click.option(
    "--stem", "--stems", "stems", type=Stems(), multiple=True, required=True, metavar="NAME",
    help="The instrument to make again; repeat it, or put commas between several.",
)  # fmt: skip
@click.option("--from-bar", type=int, metavar="BAR", help="The first bar to make again.  [default: 1]")
@click.option("--to-bar", type=int, metavar="BAR", help="The last bar to make again.  [default: the take's last]")
@style_options("the take's", "the take's", "the take's")
@like_option
@choice_options
@click.option(
    "--count", type=Whole("bad_count", "count", 1, 16), default=1, show_default=True, metavar="NUMBER",
    help="How many takes to make, each with its own seed; 1 to 16.",
)  # fmt: skip
@click.option("--model", help="The bundle to use, by name.  [default: the one the daemon serves]")
@click.option("--title", default="", help="A name for the new take, shown in lists.")
@out_option
@json_option
def command(
    take: str,
    stems: tuple[tuple[str, ...], ...],
    from_bar: int | None,
    to_bar: int | None,
    out: str | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Make some instruments of TAKE again, on some bars or on all, and keep everything else to the byte.

    TAKE is the name of a take, its folder, or "last". Nothing is overwritten: the result is a new take. Bars count
    from 1, the bar that the selection starts in, and the last bar named is included. The prompt and the sounds that
    the take was to be like hold on, unless others are given.
    """
    from ..remaking import regenerate

    names = tuple(dict.fromkeys(name for group in stems for name in group))
    regenerate(take, names, from_bar, to_bar, out, as_json, choices)
