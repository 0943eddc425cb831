"""`harmonicflow promote`: a bundle becomes the default one if it measures better."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("candidate", type=click.Path(path_type=Path))
@click.option("--current", type=click.Path(path_type=Path), default=None,
              help="The bundle to replace; default: the shipped one.")
@click.option("--corpus", "--data-dir", "--data_dir", type=click.Path(path_type=Path), required=True,
              help="Corpus in Slakh's layout, with labels.json; its validation split decides.")
@click.option("--songs", type=click.IntRange(2, 10_000), default=20, show_default=True, help="Songs to listen to.")
@click.option("--seconds", type=click.FloatRange(3.0, 300.0), default=12.0, show_default=True, help="Of each song.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws the songs and the noise.")
@click.option("--threads", type=click.IntRange(1, 256), default=None, help="For the networks; default: all cores.")
@click.option("--all-sounds", is_flag=True, help="Songs with varied programs and kits too, not the default sound only.")
@click.option("--json", "as_json", is_flag=True, help="Both scoreboards and the codec's ladder as one JSON object.")
def command(
    candidate: Path, current: Path | None, corpus: Path, songs: int, seconds: float, seed: int, threads: int | None,
    all_sounds: bool, as_json: bool,
) -> None:  # fmt: skip
    """Put the bundle CANDIDATE in the place of the current one, if the validation split says that it is better.

    Its stems are measured against their scores, and a codec that is another one by the codec's ladder: it may lose
    little anywhere and must gain somewhere; a composer by the bits it needs for hidden cells, an analyst by the beats
    and chords it hears. Otherwise nothing changes and the reason is said. Whatever happens, the
    place holds one whole bundle.
    """
    from harmonicflow.engine.bundle import default_path

    from ..evaluate import EvaluateOptions
    from ..promote import promote
    from ..scoreboard import table

    place = current or default_path()
    options = EvaluateOptions("validation", songs, seconds, seed, None, threads, all_sounds)
    verdict = promote(candidate, place, corpus, options, lambda line: click.echo(line, err=True))
    if as_json:
        boards = {"candidate": verdict.candidate, "current": verdict.current, "codec": verdict.codec}
        click.echo(json.dumps({"promoted": str(place), "reason": verdict.reason} | boards))
        return
    if verdict.candidate:
        click.echo(table(verdict.candidate))
    click.echo(f"\npromoted to {place}: {verdict.reason}")
