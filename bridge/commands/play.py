"""`harmonicflow play`: hear a score, a take or a sound file, or compare several."""

from typing import Any

import click

from ..midi_options import track_option
from ..options import Number, choice_options, json_option
from ..steering import Stem

QUIETEST_DB, LOUDEST_DB = -120, 24
SHORTEST_TURN_S, LONGEST_TURN_S = 0.1, 3600


@click.command(
    "play",
    epilog="""\b
Examples:
  harmonicflow play score.mid
  harmonicflow play last --stem bass --loop
  harmonicflow play last --binaural --volume -6
  harmonicflow play last --against my-mix.wav --loop
  harmonicflow play last --options --every 4
  harmonicflow play mix.wav --device "USB Audio"
  harmonicflow play score.mid --midi-out "FluidSynth"
  harmonicflow play --list-devices""",
)
@click.argument("what", required=False)
@click.option(
    "--against",
    multiple=True,
    metavar="OTHER",
    help="Compare with another take or sound file, in step and equally loud: keys choose. Repeat it for more, to 9.",
)
@click.option("--options", is_flag=True, help="Compare all takes that were made by the same request.")
@click.option("--no-match", is_flag=True, help="Compared: as loud as they are, and not as the softest of them.")
@click.option(
    "--every", type=Number(0, LONGEST_TURN_S), metavar="SECONDS", help="Compared: the next one by itself; 0: never."
)
@click.option("--device", metavar="NAME", help="Where to play: a device's number, or a part of its name.")
@click.option(
    "--volume",
    type=Number(QUIETEST_DB, LOUDEST_DB),
    default="0",
    metavar="DB",
    show_default=True,
    help="Louder or softer, in decibels.",
)
@click.option(
    "--rate", type=click.IntRange(8_000, 384_000), metavar="HZ", help="Play at this rate.  [default: its own]"
)
@click.option("--loop", is_flag=True, help="Around and around, until Ctrl-C.")
@click.option("--stem", type=Stem(), help="Of a take or a score: one instrument.  [default: the mix]")
@click.option("--binaural", is_flag=True, help="Of a take or a score: the mix for headphones.")
@click.option("--midi-out", metavar="PORT", help="Send the notes to this MIDI port instead of making sound.")
@track_option
@choice_options
@click.option("--list-devices", is_flag=True, help="Show where sound can be played.")
@json_option
def command(
    what: str | None,
    against: tuple[str, ...],
    options: bool,
    no_match: bool,
    every: float | None,
    device: str | None,
    volume: float,
    rate: int | None,
    loop: bool,
    stem: str | None,
    binaural: bool,
    midi_out: str | None,
    list_devices: bool,
    as_json: bool,
    **choices: Any,
) -> int:
    """Play WHAT: a MIDI file, a take (its name, its folder, or "last"), or a sound file.

    The parts of a MIDI file are performed by the daemon, as a take, and heard as they come. Ctrl-C stops at once; on
    a terminal q ends and l loops or not.

    Compared ones run in step, and the louder ones are turned down to the softest: a, b, c or 1, 2, 3 choose, space
    goes on to the next. Which one was heard last is written to stdout, with --json also for how long each was.
    """
    from ..audition.playing import Heard, play, send, show_devices

    if list_devices:
        show_devices(as_json)
        return 0
    if what is None:
        raise click.UsageError('name what to play: a MIDI file, a take or "last", or a sound file')
    if stem and binaural:
        raise click.UsageError("give only one of --stem and --binaural")
    comparing = bool(against) or options
    if (every is not None or no_match) and not comparing:
        raise click.UsageError("--every and --no-match are for comparing: give --against or --options too")
    if every is not None and 0 < every < SHORTEST_TURN_S:
        raise click.UsageError(f"--every takes at least {SHORTEST_TURN_S} s; 0 leaves the choice to you")
    if midi_out is not None:
        if comparing:
            raise click.UsageError("--midi-out plays one score: leave out --against and --options")
        return send(what, midi_out, loop, choices)
    heard = Heard(device, volume, rate, loop, options, not no_match, every)
    return play((what, *against), stem or ("binaural" if binaural else "mix"), heard, as_json, choices)
