"""`harmonicflow encode`: sound files to latents."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harmonicflow.core.errors import HarmonicFlowError

if TYPE_CHECKING:
    from ..runtime import Runtime
    from ..transcode import EncodeOptions
    from .batch import Task, Tick

COPY: Final = ".decoded.wav"
PIECES: Final = ".pieces"
FILE: Final = click.Path(path_type=Path)


@click.command(
    "encode",
    epilog="""\b
Examples:
  harmonicflow encode song.wav --out latents --round-trip
  harmonicflow encode music/ --out latents
  harmonicflow encode music/ --out latents --mono --seconds 12 --last drop""",
)
@click.argument("inputs", nargs=-1, required=True, type=FILE, metavar="FOLDER|FILE...")
@click.option("--out", type=FILE, required=True, metavar="DIR", help="Folder for the latents; made if missing.")
@click.option("--mono", is_flag=True, help="Mix the channels down.  [default: each channel a row]")
@click.option(
    "--seconds", type=click.FloatRange(0.05, 3600), metavar="N",
    help="Cut into pieces of about N seconds, whole latent frames of 46 ms.  [default: whole files]",
)
@click.option(
    "--last", type=click.Choice(["pad", "drop"]), default="pad", show_default=True,
    help="What becomes of the last piece, which is too short: filled up with silence, or left out.",
)
@click.option(
    "--round-trip", is_flag=True,
    help="Also write the decoded copy beside the latents, and say how near it is to the original.",
)
@click.option("--force", is_flag=True, help="Encode again what is there already.")
@click.option("--bundle", metavar="FOLDER", help="Use this bundle.  [default: the one that is installed]")
@click.option("--threads", type=click.IntRange(1, 256), help="For the network.  [default: the machine's cores]")
@click.option("--json", "as_json", is_flag=True, help="Write results as JSON, one object a line, for scripts.")
def command(
    inputs: tuple[Path, ...], out: Path, mono: bool, seconds: float | None, last: str, round_trip: bool, force: bool,
    bundle: str | None, threads: int | None, as_json: bool,
) -> int:  # fmt: skip
    """Turn sound files into latents: 32 numbers for every 46 ms of each channel.

    Any rate, any length, up to eight channels; FOLDERs with their sub-folders. A file becomes NAME.safetensors, or with
    --seconds a folder NAME.pieces. What is there already is skipped, so that a run that was ended goes on where it was;
    a file that cannot be read is reported and the rest goes on. No daemon is needed.
    """
    from harmonicflow.audio import files

    from .batch import find_tasks, open_runtime, run

    def length(path: Path) -> float:
        about = files.info(path, files.LONGEST_S)
        return about.frames / about.rate

    tasks = find_tasks(inputs, out, files.ENDINGS, "sound", length, but=COPY)
    runtime = open_runtime(bundle, threads)
    from ..transcode import EncodeOptions

    options = EncodeOptions.of(mono, seconds, last == "drop")
    work = _work(runtime, options, round_trip)
    return run("encode", tasks, lambda task: not force and _is_done(task, runtime, options, round_trip), work, _words,
               as_json)


def _target(task: "Task", options: "EncodeOptions") -> Path:
    from ..latents import ENDING

    return task.target.with_name(task.target.name + (ENDING if options.frames is None else PIECES))


def _is_done(task: "Task", runtime: "Runtime", options: "EncodeOptions", round_trip: bool) -> bool:
    """Whether the latents are there, of this bundle's latent space, with their copies if those are wanted."""
    from ..latents import ENDING, LatentsReader

    target = _target(task, options)
    made = [target] if options.frames is None else sorted(target.glob(f"*{ENDING}"))
    if not target.exists() or (round_trip and not all(_copy(file).exists() for file in made)):
        return False
    try:
        for file in made[:1]:
            with LatentsReader(file) as latents:
                return latents.origin.latent_space == runtime.bundle.card.latent_space
    except HarmonicFlowError:
        return False
    return True  # a folder without pieces: all of the file was too short


def _copy(latents: Path) -> Path:
    return latents.with_name(latents.stem + COPY)


def _work(
    runtime: "Runtime", options: "EncodeOptions", round_trip: bool
) -> "Callable[[Task, Tick], dict[str, Any]]":
    from harmonicflow.core.paths import disk_errors, publish_folder, remove_folder

    from ..transcode import encode_file

    def whole(task: "Task", tick: "Tick") -> dict[str, Any]:
        made = encode_file(runtime, task.source, _target(task, options), options, tick)
        return {"seconds": task.seconds, "files": _rows(runtime, task, made, options, round_trip)}

    def pieces(task: "Task", tick: "Tick") -> dict[str, Any]:
        target = _target(task, options)
        with disk_errors(target), tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as part:
            folder = Path(part, target.name)
            folder.mkdir()
            made = encode_file(runtime, task.source, folder, options, tick)
            rows = _rows(runtime, task, made, options, round_trip)
            remove_folder(target)
            publish_folder(folder, target)
        for row in rows:
            row |= {key: str(target / Path(row[key]).name) for key in ("latents", "decoded") if key in row}
        return {"seconds": task.seconds, "files": rows}

    return whole if options.frames is None else pieces


def _rows(
    runtime: "Runtime", task: "Task", made: list[Path], options: "EncodeOptions", round_trip: bool
) -> list[dict[str, Any]]:
    """What is said of each file of latents; with `round_trip` its copy is made and measured."""
    from ..latents import LatentsReader
    from ..transcode import compare, decode_file

    rows: list[dict[str, Any]] = []
    for path in made:
        with LatentsReader(path) as latents:
            origin = latents.origin
            rows.append({"latents": str(path), "rows": latents.rows, "frames": latents.length})
        if round_trip:
            decode_file(runtime, path, _copy(path))
            near = compare(task.source, _copy(path), origin.start_frame, options.mono)
            rows[-1] |= {"decoded": str(_copy(path)), **near._asdict()}
    return rows


def _words(row: dict[str, Any]) -> str:
    """A line for each file of latents; for pieces without a round trip one line for all."""
    lines = []
    for file in row["files"]:
        line = str(file["latents"])
        if "decoded" in file:
            ratio = "silent" if file["si_sdr_db"] is None else f"SI-SDR {file['si_sdr_db']:.1f} dB"
            line = f"{file['decoded']}  {ratio}, log-mel distance {file['log_mel_db']:.1f} dB"
        lines.append(line)
    if len(lines) > 1 and "decoded" not in row["files"][0]:
        return f"{Path(lines[0]).parent}  {len(lines)} pieces"
    return "\n".join(lines) or f"{row['source']}  too short for a piece"
