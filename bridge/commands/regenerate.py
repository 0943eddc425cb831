"""`harmonicflow regenerate`: some stems or bars again, the rest kept."""

from fractions import Fraction
from typing import Any

import click

from ..midi_options import midi_options
from ..options import Seconds, Stems, choice_options, count_option, json_option, like_option, out_option, style_options
from ..steering import steering_options


@click.command(
    "regenerate",
    epilog="""\b
Examples:
  harmonicflow regenerate last --stem bass
  harmonicflow regenerate last --stem bass --from-bar 3 --to-bar 5
  harmonicflow regenerate last --stem drums --start 4.2 --end 6
  harmonicflow regenerate last --stem guitar --stem piano --from-bar 5 --to-bar 8 --prompt "sparse, muted"
  harmonicflow regenerate last --stem bass --like fretless.wav
  harmonicflow regenerate last --stem bass --from-bar 5 --to-bar 8 --midi-part bass=my-line.mid
  harmonicflow regenerate last --stem drums --density 0.8 --groove-from loop.mid
  harmonicflow regenerate ~/stems --stem drums --seed 11 --out ~/stems-2""",
)
@click.argument("take")
@click.option(
    "--stem", "--stems", "stems", type=Stems(), multiple=True, required=True, metavar="NAME",
    help="The instrument to make again; repeat it, or put commas between several.",
)  # fmt: skip
@click.option("--from-bar", type=int, metavar="BAR", help="The first bar to make again.  [default: 1]")
@click.option("--to-bar", type=int, metavar="BAR", help="The last bar to make again.  [default: the take's last]")
@click.option("--start", type=Seconds(), help="Where to begin, in seconds of the take, instead of --from-bar.")
@click.option("--end", type=Seconds(), help="Where to end, in seconds of the take, instead of --to-bar.")
@style_options("the take's", "the take's", "the take's")
@steering_options
@midi_options
@like_option
@choice_options
@count_option
@click.option("--model", help="The bundle to use, by name.  [default: the one the daemon serves]")
@click.option("--title", default="", help="A name for the new take, shown in lists.")
@out_option
@json_option
def command(
    take: str,
    stems: tuple[tuple[str, ...], ...],
    from_bar: int | None,
    to_bar: int | None,
    start: Fraction | None,
    end: Fraction | None,
    out: str | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Make some instruments of TAKE again, on some bars or on all, and keep everything else to the byte.

    TAKE is the name of a take, its folder, or "last". Nothing is overwritten: the result is a new take. Bars count
    from 1, the bar that the selection starts in, and the last bar named is included; of a place in seconds, every
    bar that it touches. The prompt and the sounds that the take was to be like hold on, unless others are given. The
    first beat of a MIDI file is that of the first bar.
    """
    from ..remaking import Place, regenerate

    if not (from_bar is to_bar is None or start is end is None):
        raise click.UsageError("give the place either by --from-bar and --to-bar or by --start and --end")
    names = tuple(dict.fromkeys(name for group in stems for name in group))
    regenerate(take, names, Place(from_bar, to_bar, start, end), out, as_json, choices)
