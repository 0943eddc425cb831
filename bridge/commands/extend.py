"""`harmonicflow extend`: a take goes on from its end, in one or more options."""

from fractions import Fraction
from typing import Any

import click

from ..midi_options import midi_options
from ..options import (
    Beats,
    Count,
    Seconds,
    Stems,
    choice_options,
    count_option,
    json_option,
    like_option,
    out_option,
    style_options,
)
from ..steering import steering_options


@click.command(
    "extend",
    epilog="""\b
Examples:
  harmonicflow generate --bars 4 --chords "Am | F | C | G" --options 3
  harmonicflow extend last --bars 4 --options 3
  harmonicflow extend 20260704-120102-3fa9c1-2 --bars 4 --chords "F | G | Am | Am" --energy 0.4,0.9
  harmonicflow extend last --bars 2 --stems drums,bass --prompt "break it down"
  harmonicflow takes last --path""",
)
@click.argument("take")
@click.option("--bars", type=Count(1, 1_000_000), help="How many bars more.")
@click.option("--beats", type=Beats(), help="How many quarter notes more, instead of --bars.")
@click.option("--seconds", type=Seconds(), help="How many seconds more, instead of --bars.")
@click.option(
    "--stems", type=Stems(), default=(), metavar="NAMES",
    help="Who plays on, with commas between; the others rest.  [default: all of the take's]",
)  # fmt: skip
@style_options("the take's", "the take's go round", "the take's")
@steering_options
@midi_options
@like_option
@choice_options
@count_option
@click.option("--model", help="The bundle to use, by name.  [default: the one the daemon serves]")
@click.option("--title", default="", help="A name for the new takes, shown in lists.  [default: the take's]")
@out_option
@json_option
def command(
    take: str,
    bars: int | None,
    beats: Fraction | None,
    seconds: Fraction | None,
    stems: tuple[str, ...],
    out: str | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Go on from the end of TAKE: everything so far stays to the sample, and new bars follow.

    TAKE is the name of a take, its folder, or "last". With --options 3 there are three takes to choose from; extend
    the one you like, as often as you like, or go back and extend another: "harmonicflow takes --tree" shows them all.
    Tempo, meter, prompt, sounds and steering hold on; a bar that was cut is filled up first and does not count. The
    first beat of a MIDI file is that of the first new bar.
    """
    from ..extending import extend

    if sum(length is not None for length in (bars, beats, seconds)) != 1:
        raise click.UsageError("give one of --bars, --beats and --seconds")
    extend(take, bars, beats, seconds, stems, out, as_json, choices)
