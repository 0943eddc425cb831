"""`harmonicflow export`: checkpoints to a bundle."""

import json
from pathlib import Path

import click

from harmonicflow.core.errors import HarmonicFlowError

FILE = click.Path(path_type=Path)


@click.command(
    "export",
    epilog="""\b
Examples:
  harmonicflow export --codec runs/codec/codec.safetensors --performer runs/performer/best.safetensors --out mine
  harmonicflow export --codec C --performer P --out mine --name mine --scores scores.json --corpus corpus
  harmonicflow export --codec C --performer P --out mine --text runs/text/text.safetensors
  harmonicflow export --codec runs/decoder/codec.safetensors --performer harmonicflow/bundles/default --out mine""",
)
@click.option("--codec", type=FILE, required=True, metavar="PATH",
              help="Checkpoint of the codec, or the folder of a bundle to take it from as it is.")
@click.option("--performer", type=FILE, required=True, metavar="PATH",
              help="Checkpoint of the performer, or the folder of a bundle.")
@click.option("--out", type=FILE, required=True, metavar="DIR", help="Folder of the bundle; made, or replaced.")
@click.option("--name", default="default", show_default=True, help="Name of the bundle.")
@click.option("--version", default="0.1.0", show_default=True, help="Version of the bundle.")
@click.option("--base", type=FILE, metavar="PATH",
              help="What `train decoder` began with, a checkpoint or a bundle: the model card counts its training too.")
@click.option("--text", type=FILE, metavar="FILE",
              help="Table of words for prompts.  [default: that of a bundle named by the other options]")
@click.option("--composer", type=FILE, metavar="PATH",
              help="Checkpoint of the composer, or a bundle that has one.  [default: as for --text]")
@click.option("--analyst", type=FILE, metavar="PATH",
              help="Checkpoint of the analyst, or a bundle that has one.  [default: as for --text]")
@click.option("--scores", type=FILE, metavar="FILE", help="What `harmonicflow evaluate --json` measured.")
@click.option("--codec-scores", type=FILE, metavar="FILE", help="What `harmonicflow evaluate --codec --json` measured.")
@click.option("--unrolled", type=click.IntRange(1, 64), metavar="STEPS",
              help="Also write unrolled.onnx: this many steps of the sampler as one graph, for TensorRT and the like.")
@click.option("--corpus", type=FILE, metavar="DIR", help="The corpus it was trained on, for the model card's credits.")
@click.option("--hardware", default="", metavar="TEXT", help="What it was trained on, for the model card.")
@click.option("--notes", default="", metavar="TEXT", help="Anything else the model card should say.")
def command(
    codec: Path, performer: Path, out: Path, name: str, version: str, base: Path | None, text: Path | None,
    composer: Path | None, analyst: Path | None, scores: Path | None, codec_scores: Path | None, unrolled: int | None,
    corpus: Path | None, hardware: str, notes: str,
) -> None:  # fmt: skip
    """Turn checkpoints into a bundle the daemon can load.

    Each network becomes one ONNX file, compared with its weights at other lengths and batches before anything is
    written. What comes from a bundle is copied to the byte, so a new decoder can go out with the performer that
    stands; a performer that was trained on another codec is refused. The folder appears whole or not at all; its path
    is the last line of the output.

    unrolled.onnx takes the inputs of performer.onnx without time and step, noise in the unknown cells of x, and gives
    the stems' latents; the score is read once for all steps. HarmonicFlow itself runs step by step, so that it can
    report and stop in between.
    """
    from harmonicflow.engine.card import codec_summary
    from harmonicflow.engine.sources import corpus_data, corpus_sounds

    from .bundle import build_bundle

    if out.exists() and not (out / "model.json").is_file() and any(out.iterdir() if out.is_dir() else [out]):
        raise HarmonicFlowError("bad_option", option="--out", value=str(out), reason="it holds something else")
    training: dict[str, object] = {"hardware": hardware} if hardware else {}
    training |= {"data": corpus_data(corpus), "corpus": corpus_sounds(corpus)} if corpus else {}
    training |= {"notes": notes} if notes else {}
    ladder = _table("--codec-scores", codec_scores)
    if ladder and not {"scores", "about"} <= set(ladder):
        reason = "it is not what `harmonicflow evaluate --codec --json` wrote"
        raise HarmonicFlowError("bad_option", option="--codec-scores", value=str(codec_scores), reason=reason)
    folder = build_bundle(
        codec, performer, out, _table("--scores", scores), training, name, version, base=base, text=text,
        composer=composer, analyst=analyst,
        codec_scores=codec_summary(ladder) if ladder else None, unrolled=unrolled,
        report=lambda line: click.echo(line, err=True),
    )  # fmt: skip
    click.echo(folder)


def _table(option: str, path: Path | None) -> dict[str, object]:
    """A JSON object from a file; nothing when there is no file."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HarmonicFlowError("missing_file", path=path) from None
    except (OSError, ValueError) as error:
        raise HarmonicFlowError("bad_option", option=option, value=str(path), reason=str(error)) from None
    if not isinstance(found, dict):
        raise HarmonicFlowError("bad_option", option=option, value=str(path), reason="it is not a JSON object")
    return found
