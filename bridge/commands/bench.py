"""`harmonicflow bench`: speed, memory and start-up, measured on this computer."""

import click

from ..options import Count, json_option


@click.command(
    "bench",
    epilog="""\b
Examples:
  harmonicflow bench
  harmonicflow bench --json --runs 5""",
)
@click.option("--seconds", type=Count(1, 600), default=12, show_default=True, help="Length of the music made.")
@click.option("--runs", type=Count(1, 50), default=3, show_default=True, help="Runs; the median is reported.")
@click.option("--steps", type=Count(1, 64), help="Steps of the player.  [default: the model's own]")
@click.option("--bundle", metavar="FOLDER", help="Measure this bundle.  [default: the one that is installed]")
@json_option
def command(seconds: int, runs: int, steps: int | None, bundle: str | None, as_json: bool) -> None:
    """Measure how fast four stems with mix and binaural are made here, and the codec alone.

    A daemon of its own is started in a folder of its own, so that a running one and your takes are left alone.
    The real-time factor is the time taken divided by the length of the music: below 1 is faster than playing it. It is
    given for the model's own number of steps (or --steps), and from one run each for 1, 4 and 8.
    The codec's rows are the other way round, four stems in multiples of real time: 20 is twenty times faster.
    """
    from ..measure import bench, show_bench

    show_bench(bench(seconds, runs, steps or 0, bundle), as_json)
