"""`harmonicflow decode`: latents to sound files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harmonicflow.core.constants import MAX_RATE, MIN_RATE

if TYPE_CHECKING:
    from .batch import Task, Tick

FILE: Final = click.Path(path_type=Path)


@click.command(
    "decode",
    epilog="""\b
Examples:
  harmonicflow decode latents/song.safetensors --out copies
  harmonicflow decode latents/ --out copies --rate 48000""",
)
@click.argument("inputs", nargs=-1, required=True, type=FILE, metavar="FOLDER|FILE...")
@click.option("--out", type=FILE, required=True, metavar="DIR", help="Folder for the sound files; made if missing.")
@click.option("--rate", type=click.IntRange(MIN_RATE, MAX_RATE), metavar="HZ", help="[default: the original's rate]")
@click.option("--force", is_flag=True, help="Decode again what is there already.")
@click.option("--bundle", metavar="FOLDER", help="Use this bundle.  [default: the one that is installed]")
@click.option("--threads", type=click.IntRange(1, 256), help="For the network.  [default: the machine's cores]")
@click.option("--json", "as_json", is_flag=True, help="Write results as JSON, one object a line, for scripts.")
def command(
    inputs: tuple[Path, ...], out: Path, rate: int | None, force: bool, bundle: str | None, threads: int | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Turn latents that `harmonicflow encode` wrote back into sound: 32-bit float WAV, as long as the original.

    FOLDERs with their sub-folders. What is there already is skipped; a file that cannot be read, or that another codec
    wrote, is reported and the rest goes on. No daemon is needed.
    """
    from .batch import find_tasks, open_runtime, run

    runtime = open_runtime(bundle, threads)
    from ..latents import ENDING, LatentsReader
    from ..transcode import decode_file

    def length(path: Path) -> float:
        with LatentsReader(path) as latents:
            return latents.origin.frames / latents.origin.rate

    def target(task: "Task") -> Path:
        return task.target.with_name(f"{task.target.name}.wav")

    def work(task: "Task", tick: "Tick") -> dict[str, Any]:
        seconds = decode_file(runtime, task.source, target(task), rate, tick)
        return {"decoded": str(target(task)), "seconds": seconds}

    tasks = find_tasks(inputs, out, [ENDING], "latents", length)
    return run("decode", tasks, lambda task: not force and target(task).exists(), work, lambda row: row["decoded"],
               as_json)
