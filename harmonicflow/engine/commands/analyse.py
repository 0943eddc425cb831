"""`harmonicflow analyse`: what a recording or a MIDI file holds, as text, as JSON, as a picture."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import write_atomic

if TYPE_CHECKING:
    from ..hear import Analyst
    from ..heard import Heard

FILE: Final = click.Path(path_type=Path)
MIDI_ENDINGS: Final = (".mid", ".midi", ".smf", ".kar")


@click.command(
    "analyse",
    epilog="""\b
Examples:
  harmonicflow analyse song.mp3
  harmonicflow analyse riff.wav --picture riff.png
  harmonicflow analyse clip.mid --json > clip.json""",
)
@click.argument("file", type=FILE)
@click.option("--picture", type=FILE, metavar="FILE.png", help="Draw it: sound, beats, chords, sections, like bars.")
@click.option("--bundle", metavar="FOLDER", help="Use this bundle.  [default: the one that is installed]")
@click.option("--threads", type=click.IntRange(1, 256), help="For the network.  [default: the machine's cores]")
@click.option("--json", "as_json", is_flag=True, help="Write everything as one JSON object, for scripts.")
def command(file: Path, picture: Path | None, bundle: str | None, threads: int | None, as_json: bool) -> None:
    """Say what a sound or MIDI file holds: tempo, meter, key, chords in bars, sections, loudness.

    FILE is a WAV, FLAC, MP3, OGG or AIFF recording, or a MIDI file. The bundle's analyst listens where it has one; the
    reply says who did. No daemon is needed.
    """
    if picture is not None and picture.suffix.lower() != ".png":
        reason = "pictures are drawn as PNG: give a name that ends in .png"
        raise HarmonicFlowError("bad_option", option="--picture", value=str(picture), reason=reason)
    draw = picture is not None
    heard, drawn = _midi(file, draw) if _is_midi(file) else _sound(file, bundle, threads, draw)
    if picture is not None:
        write_atomic(picture, drawn, mode=0o666)
    if as_json:
        click.echo(json.dumps({"file": str(file), **heard.to_json()}, separators=(",", ":")))
        return
    from ..heard_text import describe

    click.echo("\n".join(describe(heard, file.name)))


def _is_midi(file: Path) -> bool:
    """By its first bytes, or by its name where they cannot be read."""
    try:
        with file.open("rb") as opened:
            opening = opened.read(4)
    except OSError:
        opening = b""
    return opening == b"MThd" or file.suffix.lower() in MIDI_ENDINGS


def _midi(file: Path, draw: bool) -> "tuple[Heard, bytes]":
    from harmonicflow.score.midi import read_midi

    from ..hear_midi import hear_score

    found = read_midi(file)
    if not found.score.notes:
        raise HarmonicFlowError("empty_midi", path=file, what="notes")
    heard = hear_score(found)
    if not draw:
        return heard, b""
    from ..heard_picture import picture

    return heard, picture(heard, file.name, file=found)


def _sound(file: Path, bundle: str | None, threads: int | None, draw: bool) -> "tuple[Heard, bytes]":
    from harmonicflow.audio import files

    sound, rate = files.read(file)
    analyst = _analyst(bundle, threads)
    from ..hear import hear

    heard = hear(sound, rate, analyst, name=str(file))
    if not draw:
        return heard, b""
    from ..heard_picture import peaks_of, picture

    return heard, picture(heard, file.name, peaks_of(sound))


def _analyst(bundle: str | None, threads: int | None) -> "Analyst | None":
    """The analyst of a bundle, None where it has none; a named bundle must be there."""
    from .batch import open_runtime

    runtime = open_runtime(bundle, threads)
    from ..hear import analyst_of

    return analyst_of(runtime)
