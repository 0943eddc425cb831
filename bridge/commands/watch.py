"""`harmonicflow watch`: a folder in which every clip gets a take beside it."""

from fractions import Fraction
from typing import Any

import click

from ..midi_options import midi_options
from ..options import (
    Count,
    Seconds,
    choice_options,
    count_option,
    json_option,
    like_option,
    stems_option,
    style_options,
    time_options,
)
from ..steering import steering_options


@click.command(
    "watch",
    epilog="""\b
Examples:
  harmonicflow watch ~/Music/Clips --stems bass,drums --genre funk
  harmonicflow watch bounces --tempo 96 --prompt "warm, laid-back" --count 3
  harmonicflow watch loops --recursive --once --json""",
)
@click.argument("folder")
@click.option("--recursive", is_flag=True, help="Also the folders in it.")
@click.option("--once", is_flag=True, help="Do what is there, and end.")
@click.option("--start", type=Seconds(), help="Where the selection starts in each clip.  [default: 0]")
@click.option("--bars", type=Count(1, 10_000), help="The length in bars.  [default: the clip's]")
@click.option("--seconds", type=Seconds(), help="The length in seconds.  [default: the clip's]")
@time_options
@stems_option
@style_options("from the prompt, or pop", "heard from the clip, or usual ones", "heard from the clip")
@steering_options
@midi_options
@like_option
@choice_options
@count_option
@click.option(
    "--delivery", type=click.Choice(["mixed", "dry"]), default="mixed", show_default=True,
    help="Stems in stereo through their channel strip, or mono and untouched.",
)  # fmt: skip
@click.option("--model", help="The bundle to use, by name.  [default: the one the daemon serves]")
@json_option
def command(
    folder: str,
    recursive: bool,
    once: bool,
    start: Fraction | None,
    bars: int | None,
    seconds: Fraction | None,
    tempo: Fraction | None,
    meter: str | None,
    start_beat: Fraction,
    as_json: bool,
    **choices: Any,
) -> int:
    """Give every clip that is put into FOLDER a take beside it.

    riff.wav (or FLAC, MP3, OGG, AIFF, MIDI) gets a folder "riff - HarmonicFlow" with the stems, the mix, the binaural
    render and the MIDI files; or "riff - HarmonicFlow.txt" with the reason, where it cannot be used. A file is taken
    when it is complete, and never twice; one that changes is a new clip. Without --tempo a clip's name says it (riff
    96bpm.wav). Ctrl-C ends it, and the next time it goes on where it was.
    """
    from ..making import Span
    from ..watching.asking import Wishes
    from ..watching.watch import watch

    if bars is not None and seconds is not None:
        raise click.UsageError("give only one of --bars and --seconds")
    span = Span(start, None, seconds, bars, tempo, meter, start_beat)
    return watch(folder, Wishes(span, choices), recursive, once, as_json)
