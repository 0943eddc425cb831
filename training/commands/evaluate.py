"""`harmonicflow evaluate`: how well a bundle plays its score, beside the ladder."""

import json
from pathlib import Path

import click


@click.command()
@click.option("--bundle", type=click.Path(path_type=Path), default=None,
              help="A bundle's folder; default: the shipped one.")
@click.option("--corpus", "--data-dir", "--data_dir", type=click.Path(path_type=Path), required=True,
              help="Corpus in Slakh's layout, with labels.json.")
@click.option("--split", default="validation", show_default=True, help="train, validation or test.")
@click.option("--songs", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Songs to listen to.")
@click.option("--seconds", type=click.FloatRange(3.0, 300.0), default=12.0, show_default=True, help="Of each song.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws the songs and the noise.")
@click.option("--steps", type=click.IntRange(1, 64), default=None, help="Of the sampler; default: the bundle's own.")
@click.option("--threads", type=click.IntRange(1, 256), default=None, help="For the networks; default: all cores.")
@click.option("--json", "as_json", is_flag=True, help="The whole scoreboard as one JSON object.")
def command(
    bundle: Path | None, corpus: Path, split: str, songs: int, seconds: float, seed: int, steps: int | None,
    threads: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure how well a bundle plays its score.

    Stems are performed from the scores of songs the networks have not seen and measured beside the true audio, the
    codec's copy of it, and controls: late, of another song, noise.
    """
    from harmonicflow.engine.bundle import default_path

    from ..evaluate import EvaluateOptions, evaluate
    from ..scoreboard import table

    options = EvaluateOptions(split, songs, seconds, seed, steps, threads)
    board = evaluate(bundle or default_path(), corpus, options, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(board) if as_json else table(board))
