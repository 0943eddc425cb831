"""`harmonicflow play`: hear a score, a take or a sound file, or compare several."""

import os
from typing import TYPE_CHECKING, Any, Final

import click

from harmonicflow.core.constants import ONE_THREAD

from ..midi_options import track_option
from ..options import Kind, Number, choice_options, json_option, number
from ..steering import Stem

if TYPE_CHECKING:
    from ..audition.in_time import Wanted

QUIETEST_DB, LOUDEST_DB = -120, 24
SHORTEST_TURN_S, LONGEST_TURN_S = 0.1, 3600

# The sections of --help, and the options of each; what is named nowhere comes last.
SECTIONS: Final = {
    "What is heard": ("stem", "binaural", "head", "loop", "volume", "device", "rate"),
    "Compare": ("against", "options", "every", "no_match"),
    "With others": ("clock", "midi_out", "surface"),
    "A score is performed first": ("tracks", "seed", "steps", "preview"),
}
OTHERS: Final = "Other options"


class Grouped(click.Command):
    """A command whose many options are shown in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        rows = {option.name or "": row for option in options if (row := option.get_help_record(ctx))}
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([rows.pop(name) for name in names if name in rows])
        with formatter.section(OTHERS):
            formatter.write_dl(list(rows.values()))


class Angles(Kind):
    """Where the head looks: yaw, pitch and roll in degrees, with commas between; what is left out is 0."""

    name = "yaw,pitch,roll"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        if isinstance(value, tuple):
            return value
        numbers = [number(word) for word in str(value).split(",")]
        limits = (360, 90, 360)
        if len(numbers) > 3 or any(n is None or abs(n) > most for n, most in zip(numbers, limits, strict=False)):
            self.fail(f"{value!r} is no way to look; write degrees like 30 or 30,-10,0", param, ctx)
        yaw, pitch, roll = (float(n or 0) for n in [*numbers, 0, 0][:3])
        return yaw, pitch, roll


@click.command(
    "play",
    cls=Grouped,
    epilog="""\b
Examples:
  harmonicflow play score.mid
  harmonicflow play last --stem bass --loop
  harmonicflow play last --binaural --volume -6
  harmonicflow play last --against my-mix.wav --loop
  harmonicflow play last --options --every 4
  harmonicflow play mix.wav --device "USB Audio"
  harmonicflow play score.mid --midi-out "FluidSynth"
  harmonicflow play last --clock "Host MIDI" --midi-out "FluidSynth" --loop
  harmonicflow play last --clock "Host MIDI" --midi-out "Bass synth" --stem bass
  harmonicflow play --surface --binaural
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
@click.option(
    "--head", type=Angles(), metavar="YAW,PITCH,ROLL",
    help="With --binaural: where you look, in degrees; left, up and tilted to the right are positive.",
)
@click.option("--midi-out", metavar="PORT", help="Send the notes to this MIDI port instead of making sound.")
@click.option(
    "--clock", metavar="PORT",
    help="Follow a host's MIDI clock, start, stop and song position: a take's sound where the tempo is its own, or "
    'with --midi-out notes at any tempo. "virtual" makes a port for the host to send to.',
)
@click.option(
    "--surface", is_flag=True,
    help="Follow a controller (OSC): what it chooses, starts, stops and locates; with --binaural its head too.",
)
@track_option
@choice_options
@click.option("--list-devices", is_flag=True, help="Show where sound can be played.")
@click.option("--list-ports", is_flag=True, help="Show the MIDI ports.")
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
    head: tuple[float, float, float] | None,
    midi_out: str | None,
    clock: str | None,
    surface: bool,
    list_devices: bool,
    list_ports: bool,
    as_json: bool,
    **choices: Any,
) -> int:
    """Play WHAT: a MIDI file, a take (its name, its folder, or "last"), or a sound file.

    The parts of a MIDI file are performed by the daemon, as a take, and heard as they come. Ctrl-C stops at once; on
    a terminal q ends and l loops or not.

    Compared ones run in step, and the louder ones are turned down to the softest: a, b, c or 1, 2, 3 choose, space
    goes on to the next. Which one was heard last is written to stdout, with --json also for how long each was.
    """
    for name, value in ONE_THREAD.items():  # for what is rendered while it plays
        os.environ.setdefault(name, value)
    from ..audition.in_time import Wanted
    from ..audition.playing import Heard, play, show_devices, show_ports

    if list_devices or list_ports:
        (show_devices if list_devices else show_ports)(as_json)
        return 0
    if what is None and not surface:
        raise click.UsageError('name what to play: a MIDI file, a take or "last", or a sound file')
    if stem and binaural:
        raise click.UsageError("give only one of --stem and --binaural")
    if head is not None and not binaural:
        raise click.UsageError("--head is for headphones: give --binaural too")
    comparing = bool(against) or options
    if (every is not None or no_match) and not comparing:
        raise click.UsageError("--every and --no-match are for comparing: give --against or --options too")
    if every is not None and 0 < every < SHORTEST_TURN_S:
        raise click.UsageError(f"--every takes at least {SHORTEST_TURN_S} s; 0 leaves the choice to you")
    part = stem or ("binaural" if binaural else "mix")
    if midi_out is None and clock is None and not surface:
        heard = Heard(device, volume, rate, loop, options, not no_match, every, head)
        return play((what or "", *against), part, heard, as_json, choices)
    if comparing:
        raise click.UsageError("with --midi-out, --clock or --surface one is played: leave out --against and --options")
    if midi_out is not None and (binaural or device is not None or rate is not None or volume):
        raise click.UsageError("--midi-out sends notes: leave out --binaural, --device, --rate and --volume")
    return _with_others(what, midi_out, clock, surface, Wanted(part, device, rate, volume, loop, head), choices, stem)


def _with_others(
    what: str | None, midi_out: str | None, clock: str | None, surface: bool, wanted: "Wanted",
    choices: dict[str, Any], stem: str | None,
) -> int:  # fmt: skip
    """In time with a host, to a MIDI port, or as a controller says."""
    from ..audition import in_time, score_out

    if surface:
        if clock is not None or midi_out is not None:
            raise click.UsageError("--surface plays sound as a controller says: leave out --clock and --midi-out")
        turns = wanted.part == "binaural" and wanted.head is None
        return in_time.follow_surface(what, wanted._replace(head=(0.0, 0.0, 0.0)) if turns else wanted)
    assert what is not None
    if midi_out is None:
        assert clock is not None
        return in_time.follow_clock(what, clock, wanted)
    if clock is None:
        return score_out.send(what, midi_out, wanted.loop, choices, stem)
    return score_out.send_in_time(what, midi_out, clock, wanted.loop, choices, stem)
