"""`harmonicflow play`: hear a score, a take or a sound file."""

from typing import Any

import click

from ..midi_options import track_option
from ..options import Number, choice_options, json_option
from ..steering import Stem

QUIETEST_DB, LOUDEST_DB = -120, 24


@click.command(
    "play",
    epilog="""\b
Examples:
  harmonicflow play score.mid
  harmonicflow play last --stem bass --loop
  harmonicflow play last --binaural --volume -6
  harmonicflow play mix.wav --device "USB Audio"
  harmonicflow play score.mid --midi-out "FluidSynth"
  harmonicflow play --list-devices""",
)
@click.argument("what", required=False)
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

    The parts of a MIDI file are performed first, by the daemon, as a take. Ctrl-C stops at once.
    """
    from ..playing import play, show_devices

    if list_devices:
        show_devices(as_json)
        return 0
    if what is None:
        raise click.UsageError('name what to play: a MIDI file, a take or "last", or a sound file')
    if stem and binaural:
        raise click.UsageError("give only one of --stem and --binaural")
    return play(what, stem or None, binaural, device, volume, rate, loop, midi_out, choices)
