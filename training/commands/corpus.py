"""`harmonicflow corpus`: render training songs from MIDI, and say what a corpus holds."""

from __future__ import annotations

from pathlib import Path

import click

from ..corpus.plan import PARTS

_PARTS_HELP = "Comma-separated: " + "; ".join(f"{letter} = {what}" for letter, what in PARTS.items()) + "."


@click.group()
def command() -> None:
    """Render training songs from MIDI."""


@command.command()
@click.option("--midi", type=click.Path(path_type=Path), required=True, help="The MIDI pack: manifest.csv, folders.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The corpus; what is there is kept.")
@click.option("--hours", type=click.FloatRange(min=0.0, min_open=True), default=3.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--parts", default="A,B,C,D", show_default=True, help=_PARTS_HELP)
@click.option("--sound-font", "--sound_font", "sound_fonts", type=click.Path(path_type=Path), multiple=True,
              help="Again for more; the first has the default sound.  [default: Debian's two]")
@click.option("--varied", type=click.FloatRange(0, 1), default=0.5, show_default=True,
              help="Share of the songs with other SoundFonts, programs and kits.")
@click.option("--audio/--no-audio", default=True, show_default=True, help="Without: notes alone, for `train composer`.")
def build(
    midi: Path, out: Path, hours: float, seed: int, jobs: int, parts: str, sound_fonts: tuple[Path, ...],
    varied: float, audio: bool,
) -> None:  # fmt: skip
    """Render a corpus in Slakh's layout; run it again to go on where it stopped."""
    from ..corpus.build import BuildOptions, Progress, build
    from ..corpus.sounds import SOUND_FONTS

    letters = "".join(letter.strip().upper() for letter in parts.split(","))
    unknown = sorted(set(letters) - set(PARTS))
    if unknown or not letters:
        raise click.BadParameter(f"no part {', '.join(unknown) or parts!r}; choose from {', '.join(PARTS)}")

    def say(step: Progress) -> None:
        if step.outcome != "there":
            reason = f" ({step.reason})" if step.reason else ""
            line = f"{step.done}/{step.total} {step.track.split}/{step.track.name} {step.outcome}{reason}"
            click.echo(f"{line} {step.seconds:.0f} s from {step.track.row.path}", err=True)

    build(BuildOptions(midi, out, hours, seed, jobs, letters, sound_fonts or SOUND_FONTS, varied, audio), say)
    click.echo(str(out))


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--pictures", type=click.Path(path_type=Path, file_okay=False), help="Draw into this folder, as PNG.")
@click.option("--tracks", type=click.IntRange(0, 100), default=2, show_default=True, help="Drawn, of each split.")
def report(folder: Path, as_json: bool, pictures: Path | None, tracks: int) -> None:
    """Say how many hours, genres, sounds and notes a corpus holds.

    Ends with an error when a song, or a drummer's take, is in more than one split.
    """
    from harmonicflow.core.errors import HarmonicFlowError

    from ..corpus.report import as_json as json_of
    from ..corpus.report import as_lines, report, shared_sources

    if pictures:
        from ..corpus.pictures import need_matplotlib

        need_matplotlib()
    splits = report(folder)
    click.echo(json_of(splits) if as_json else "\n".join(as_lines(splits)))
    if pictures:
        from ..corpus.pictures import draw_report, save
        from ..corpus.trackpicture import draw_track, examples

        written = draw_report(splits, pictures)
        for split in splits:
            for track in examples(folder, split, tracks):
                written.append(save(draw_track(track), pictures / f"{split}-{track.name}.png"))
        for path in written:
            click.echo(str(path), err=True)
    if shared := shared_sources(splits):
        raise HarmonicFlowError("mixed_splits", count=len(shared), path=str(folder))
