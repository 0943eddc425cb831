"""`harmonicflow demo`: the example clip in, four stems out."""

import click

from ..options import MAX_SEED, Whole, json_option

CLIP = "guit_em9.flac"  # "rolled Em9 chord", Sub-d, 2008, CC0: harmonicflow/data/CREDITS.txt
TEMPO = 80  # the guitar's notes lie 0.75 s apart
BARS = 3
PROMPT = "a warm, laid-back funk groove"
SEED = 5  # a take in which every instrument is heard


@click.command(
    "demo",
    epilog="""\b
Examples:
  harmonicflow demo
  harmonicflow demo --out ~/first-take --seed 8""",
)
@click.option("--out", metavar="FOLDER", help="Also copy the files into this folder (made when missing).")
@click.option(
    "--seed", type=Whole("bad_seed", "seed", 0, MAX_SEED), default=SEED, show_default=True, metavar="NUMBER",
    help="Another seed gives another take.",
)  # fmt: skip
@json_option
def command(out: str | None, seed: int, as_json: bool) -> None:
    """Send the example clip, an electric guitar, through everything once.

    Three bars of it are selected at 80 beats a minute. Bass, drums, guitar and piano come back in time and in key,
    with a stereo mix, a binaural render for headphones and a MIDI file. The last line is the folder they are in.
    """
    from fractions import Fraction
    from importlib.resources import as_file, files

    from harmonicflow.core.constants import DEFAULT_STEMS

    from ..making import Span, generate
    from ..output import say

    say(f"the clip: {CLIP}, a rolled Em9 chord on an electric guitar (Sub-d, CC0)")
    say(f"the wish: {BARS} bars at {TEMPO} beats a minute, {PROMPT!r}, seed {seed}")
    span = Span(start=Fraction(0), bars=BARS, tempo=Fraction(TEMPO), meter="4/4")
    choices = {"stems": DEFAULT_STEMS, "prompt": PROMPT, "seed": seed, "title": "demo"}
    with as_file(files("harmonicflow").joinpath("data", CLIP)) as clip:
        generate(str(clip), span, None, out, as_json, choices)
