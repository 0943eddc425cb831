"""Options that name MIDI files, and which track of them plays what."""

from typing import Any, Final

import click

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS

from .options import Decorator, Kind, grouped

NOBODY: Final = "other"  # the part of tracks that no stem plays


class PartFile(Kind):
    """A MIDI file for one part: "bass=FILE"; raises `unknown_stem`."""

    name = "stem=file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        stem, equals, path = str(value).partition("=")
        stem = stem.strip().lower()
        if not equals or not path:
            self.fail(f"{value!r} names no part and file; write bass=FILE", param, ctx)
        if stem not in INSTRUMENTS:
            raise HarmonicFlowError("unknown_stem", stem=stem, known=", ".join(INSTRUMENTS))
        return stem, path


class TrackPart(Kind):
    """Which part a track of a MIDI file plays: "Keys=piano"; raises `unknown_stem`."""

    name = "track=stem"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        track, equals, stem = str(value).rpartition("=")
        stem = stem.strip().lower()
        if not equals or not track.strip():
            self.fail(f"{value!r} names no track and part; write Keys=piano", param, ctx)
        if stem not in (*INSTRUMENTS, NOBODY):
            raise HarmonicFlowError("unknown_stem", stem=stem, known=", ".join((*INSTRUMENTS, NOBODY)))
        return track.strip(), stem


track_option: Final[Decorator] = click.option(
    "--track", "tracks", type=TrackPart(), multiple=True, metavar="TRACK=STEM",
    help='Who plays a track of a MIDI file: "Keys=piano"; by name, as #3, or as "ch 2".  [default: by name, program]',
)  # fmt: skip

midi_options: Final = grouped(
    click.option(
        "--midi", "midi", multiple=True, metavar="FILE",
        help="A MIDI file whose parts are finished: they are played as they are, the others are invented to them.",
    ),
    click.option(
        "--midi-part", "midi_parts", type=PartFile(), multiple=True, metavar="STEM=FILE",
        help="All notes of a MIDI file as one finished part: bass=riff.mid.",
    ),
    track_option,
    click.option(
        "--chords-from", metavar="FILE", help="Play the chords of this MIDI or sound file, around and around."
    ),
    click.option("--groove-from", metavar="FILE", help="Take the timing and the accents of this MIDI file."),
    click.option("--like-score", metavar="FILE", help="Take the motifs and the groove of this MIDI file."),
)  # fmt: skip
