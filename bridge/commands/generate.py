"""`harmonicflow generate`: stems for a clip, or from nothing."""

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
    out_option,
    stems_option,
    style_options,
    time_options,
)
from ..steering import steering_options


@click.command(
    "generate",
    epilog="""\b
Examples:
  harmonicflow generate riff.wav --tempo 96 --stems bass,drums --genre funk
  harmonicflow generate riff.wav --start 2.0 --end 9.5 --tempo 96 --meter 4/4 --seed 7 --out stems
  harmonicflow generate song.mp3 --start 0:32 --bars 8 --tempo 104 --prompt "warm Rhodes, brushed drums"
  harmonicflow generate --bars 8 --tempo 97.3 --chords "Am | F | C | G" --preview
  harmonicflow generate riff.wav --tempo 96 --like bass=fretless.wav --like drums=brushes.flac
  harmonicflow generate --seconds 20 --tempo 140 --meter 7/8 --genre jazz --rate 48000
  harmonicflow generate --midi sketch.mid --track "Lead Sax=guitar" --follow-kick --options 3
  harmonicflow generate --bars 16 --chords-from song.mid --groove-from drums.mid --energy 0.3,0.5,0.9""",
)
@click.argument("clip", required=False)
@click.option("--start", type=Seconds(), help="Where the selection starts in the clip.  [default: 0]")
@click.option("--end", type=Seconds(), help="Where it ends in the clip.  [default: the clip's end]")
@click.option("--bars", type=Count(1, 10_000), help="The length in bars, instead of --end.")
@click.option("--seconds", type=Seconds(), help="The length in seconds, instead of --end.")
@time_options
@click.option("--tempo-from-clock", metavar="PORT", help="Hear the tempo from a host's MIDI clock, for two bars.")
@stems_option
@style_options("from the prompt, or pop", "heard from the clip, or usual ones", "heard from the clip")
@steering_options
@midi_options
@like_option
@choice_options
@count_option
@click.option("--rate", type=click.INT, metavar="HZ", help="Sample rate in Hz when there is no clip.  [default: 44100]")
@click.option(
    "--delivery", type=click.Choice(["mixed", "dry"]), default="mixed", show_default=True,
    help="Stems in stereo through their channel strip, or mono and untouched.",
)  # fmt: skip
@click.option("--model", help="The bundle to use, by name.  [default: the one the daemon serves]")
@click.option("--title", default="", help="A name for the take, shown in lists.")
@out_option
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
    tempo_from_clock: str | None,
    rate: int | None,
    out: str | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Make stems that fit CLIP, or stems from nothing.

    CLIP is a sound file (WAV, FLAC, MP3, OGG, AIFF). Say its tempo and meter, and where the part you mean starts and
    ends; bass, drums, guitar and piano come back in its time and key, each file exactly as long as the selection
    and at the clip's sample rate, with a MIDI file, a stereo mix and a binaural render. Without CLIP give a length
    (--bars or --seconds), or parts that are finished (--midi), whose tempo, meter and length then hold.
    """
    from ..making import Span, generate

    if sum(length is not None for length in (end, bars, seconds)) > 1:
        raise click.UsageError("give only one of --end, --bars and --seconds")
    has_midi = any(choices[name] for name in ("midi", "midi_parts", "chords_from"))
    if clip is None and bars is None and seconds is None and not has_midi:
        raise click.UsageError("give a clip, a MIDI file with --midi, or a length with --bars or --seconds")
    if clip is None and (start is not None or end is not None):
        raise click.UsageError("--start and --end are places in a clip, and there is no clip")
    if clip is not None and rate is not None:
        raise click.UsageError("--rate is for requests without a clip; files come back at the clip's own rate")
    if tempo_from_clock is not None:
        if tempo is not None:
            raise click.UsageError("give only one of --tempo and --tempo-from-clock")
        from ..clock.hearing import tempo_from

        tempo = tempo_from(tempo_from_clock)
    span = Span(start, end, seconds, bars, tempo, meter, start_beat)
    generate(clip, span, rate, out, as_json, choices)
