"""`harmonicflow compose`: the notes alone, as a MIDI file."""

from fractions import Fraction
from typing import Any

import click

from ..midi_options import midi_options
from ..options import (
    Count,
    Seconds,
    count_option,
    json_option,
    like_option,
    seed_option,
    stems_option,
    style_options,
    time_options,
)
from ..steering import steering_options


@click.command(
    "compose",
    epilog="""\b
Examples:
  harmonicflow compose --prompt "late-night bossa, a little sad" --bars 16
  harmonicflow compose --genre funk --mood happy --bars 32 --seed 7 --out groove.mid --picture groove.png
  harmonicflow compose riff.wav --tempo 96 --stems bass,drums --follow-kick
  harmonicflow compose sketch.mid --options 3
  harmonicflow compose --chords "Em9 | A13" --bars 8 --density bass=0.8,drums=0.4 --energy 0.2,0.9""",
)
@click.argument("clip", required=False)
@click.option("--start", type=Seconds(), help="Where the selection starts in the clip.  [default: 0]")
@click.option("--end", type=Seconds(), help="Where it ends in the clip.  [default: the clip's end]")
@click.option("--bars", type=Count(1, 10_000), help="The length in bars.  [default: the clip's, or 8]")
@click.option("--seconds", type=Seconds(), help="The length in seconds.")
@time_options
@stems_option
@style_options("from the prompt, or pop", "heard from the clip, or usual ones", "heard from the clip")
@steering_options
@midi_options
@like_option
@seed_option
@count_option
@click.option("--out", metavar="FILE", help="The MIDI file, written over if it is there.  [default: a new score.mid]")
@click.option("--picture", metavar="FILE.png", help="Also draw the notes: a piano roll for each instrument.")
@click.option("--bundle", metavar="FOLDER", help="Use this bundle.  [default: the one that is installed]")
@json_option
def command(
    clip: str | None,
    start: Fraction | None,
    end: Fraction | None,
    bars: int | None,
    seconds: Fraction | None,
    tempo: Fraction | None,
    meter: str | None,
    start_beat: Fraction,
    out: str | None,
    picture: str | None,
    bundle: str | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Write a score for CLIP, or from nothing: bass, drums, guitar and piano as a MIDI file, without any sound.

    CLIP is a sound file, or a MIDI file whose parts are finished. Chords, sections and notes are as `generate` would
    play them with the same options and seed. Without a tempo, genre and mood choose one. No daemon is needed.
    """
    from ..composing import compose

    span = checked_span(clip, start, end, bars, seconds, tempo, meter, start_beat, choices)
    compose(clip, span, None, out, picture, bundle, as_json, choices)


def checked_span(
    clip: str | None,
    start: Fraction | None,
    end: Fraction | None,
    bars: int | None,
    seconds: Fraction | None,
    tempo: Fraction | None,
    meter: str | None,
    start_beat: Fraction,
    choices: dict[str, Any],
) -> Any:
    """Place and length; eight bars where nothing has a length of its own."""
    from ..composing import DEFAULT_BARS
    from ..request import Span

    if sum(length is not None for length in (end, bars, seconds)) > 1:
        raise click.UsageError("give only one of --end, --bars and --seconds")
    if clip is None and (start is not None or end is not None):
        raise click.UsageError("--start and --end are places in a clip, and there is no clip")
    has_length = clip is not None or any(choices[name] for name in ("midi", "midi_parts"))
    if bars is None and seconds is None and not has_length:
        bars = DEFAULT_BARS
    return Span(start, end, seconds, bars, tempo, meter, start_beat)
