"""`harmonicflow train codec|decoder|performer|composer`: training that stops by the clock and resumes."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from harmonicflow.core.constants import LATENT_CHANNELS

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "bf16", "fp32")


def _say(line: str) -> None:
    click.echo(line, err=True)


def _shared(lr: float) -> Callable[[Any], Any]:
    """Options of all networks.  The first spelling is the usual one, the second the prototype's."""
    options = [
        click.option("--data-dir", "--data_dir", type=click.Path(path_type=Path), required=True, multiple=True,
                     help="A corpus: stems in folders by song, Slakh2100, or a folder of sound files; give it again "
                          "for more."),
        click.option("--checkpoint-dir", "--checkpoint_dir", type=click.Path(path_type=Path),
                     default=Path("runs/train"), show_default=True, help="Where checkpoints are kept."),
        click.option("--batch-size", "--batch_size", default=16, show_default=True, help="Examples in a step."),
        click.option("--epochs", default=0, show_default=True,
                     help="Passes over the corpus; 0: as many as the minutes allow."),
        click.option("--max-minutes", "--max_minutes", default=60.0, show_default=True,
                     help="Wall-clock budget over all runs of this checkpoint."),
        click.option("--lr", default=lr, show_default=True, help="Peak learning rate."),
        click.option("--resume", is_flag=True, help="Go on from the last checkpoint of --checkpoint-dir."),
        click.option("--init", type=click.Path(path_type=Path), default=None,
                     help="Start from the weights of a bundle's folder or a checkpoint."),
        click.option("--seed", default=0, show_default=True, help="Seed of data order, noise and weights."),
        click.option("--threads", default=0, show_default=True, help="CPU threads; 0: all."),
        click.option("--muon/--no-muon", default=True, show_default=True,
                     help="Muon for the matrices inside the network, AdamW for the rest."),
        click.option("--validate-minutes", "--validate_minutes", default=5.0, show_default=True,
                     help="Minutes between validations."),
        click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True,
                     help="Where to train; auto: CUDA where there is one."),
        click.option("--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True,
                     help="auto: bf16 where a matrix product is quicker in it."),
        click.option("--compile/--no-compile", default=False, show_default=True,
                     help="torch.compile the repeated blocks; minutes at the start, quicker steps."),
        click.option("--loaders", default=0, show_default=True,
                     help="Threads that load; 0: one, and for a GPU half of the cores up to eight."),
    ]

    def wrap(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return wrap


@click.group()
def command() -> None:
    """Train a network on your own stems."""


@command.command()
@_shared(lr=1e-3)
@click.option("--size", type=click.Choice(("default", "large")), default="default", show_default=True,
              help="large: about five times the parameters, for a GPU.")
@click.option("--hidden-dim", "--hidden_dim", default=0, help="Width of the network at 86 Hz; 0: the size's own.")
@click.option("--latent-dim", "--latent_dim", default=LATENT_CHANNELS, show_default=True, help="Latent channels.")
def codec(size: str, hidden_dim: int, latent_dim: int, **shared: Any) -> None:
    """The codec: audio to latents and back."""
    from ..runs import train_codec

    train_codec(size=size, hidden_dim=hidden_dim, latent_dim=latent_dim, report=_say, **shared)


@command.command()
@_shared(lr=3e-4)
@click.option("--width", default=16, show_default=True, help="Channels of the discriminators; 32 or more on a GPU.")
@click.option("--share", default=0.5, show_default=True,
              help="Size of the discriminators' pull against the reconstruction's; 0: no discriminators.")
@click.option("--warmup-steps", "--warmup_steps", default=200, show_default=True,
              help="Steps before the decoder hears the discriminators.")
def decoder(width: int, share: float, warmup_steps: int, **shared: Any) -> None:
    """A finished codec's decoder alone, against discriminators (the adversarial stage).

    Needs --init (or --resume).  The encoder stays as it is, so every performer of this codec stays usable.
    """
    from ..adversarial import AdversarialOptions
    from ..discriminators import DiscriminatorConfig
    from ..runs import train_decoder

    train_decoder(adversary=AdversarialOptions(share=share, warmup_steps=warmup_steps),
                  discriminators=DiscriminatorConfig(width), report=_say, **shared)


@command.command()
@_shared(lr=1e-3)
@click.option("--size", type=click.Choice(("default", "medium", "large")), default="default", show_default=True,
              help="7, 13 or 79 M parameters; large needs a GPU, and can teach the default one.")
@click.option("--hidden-dim", "--hidden_dim", default=0, help="Width of the transformer; 0: the size's own.")
@click.option("--layers", default=0, help="Transformer blocks; 0: the size's own.")
@click.option("--seconds", default=6.0, show_default=True, help="Length of a training window.")
@click.option("--text", type=click.Path(path_type=Path), default=None,
              help="A table of words (text.safetensors of a bundle): captions are told, too.")
@click.option("--few-steps", is_flag=True,
              help="The last stage: teach the performer of --init to need 4 steps, or any number, or one.")
@click.option("--share", default=0.35, show_default=True, help="With --few-steps: of a batch that learns long steps.")
@click.option("--guidance", default=1.0, show_default=True,
              help="With --few-steps: classifier-free guidance to distil; 1: none. The performer of --init must not be "
                   "guided already.")
@click.option("--teacher", type=click.Path(path_type=Path), default=None,
              help="With --few-steps: a larger performer to learn from, a checkpoint or a bundle.")
def performer(few_steps: bool, share: float, guidance: float, teacher: Path | None, **shared: Any) -> None:
    """The performer: scores and guides to latents. DATA_DIR holds shards of `train encode`."""
    from ..few_step import FewStepOptions
    from ..performer_runs import train_performer

    if not few_steps and (teacher or guidance != 1):
        raise click.UsageError("--guidance and --teacher go with --few-steps")
    options = FewStepOptions(share, guidance) if few_steps else None
    train_performer(few_step=options, teacher=teacher, report=_say, **shared)


@command.command()
@_shared(lr=2e-3)
@click.option("--time-dim", default=0, help="Width of the network for beats; 0: the default's.")
@click.option("--harmony-dim", default=0, help="Width of the network for harmony; 0: the default's.")
@click.option("--mixes", type=click.Path(path_type=Path), default=Path("runs/mixes"), show_default=True,
              help="Folder of mixes made from the stems; those that are there are used, missing ones are made.")
@click.option("--rounds", default=4, show_default=True, help="How often each song is mixed anew.")
def analyst(**options: Any) -> None:
    """The analyst: sound to beats, bars, chords and key. DATA_DIR holds stems with labels."""
    from ..analyst.runs import train_analyst

    train_analyst(report=_say, **options)


@command.command()
@_shared(lr=1e-3)
@click.option("--hidden-dim", "--hidden_dim", default=0, help="Width of the transformer; 0: the default's.")
@click.option("--layers", default=0, help="Transformer blocks; 0: the default's.")
def composer(**shared: Any) -> None:
    """The composer: notes of beats and bars.  DATA_DIR holds labelled songs, with sound or without."""
    from ..composer_runs import train_composer

    train_composer(report=_say, **shared)


@command.command()
@click.option("--data-dir", "--data_dir", type=click.Path(path_type=Path), required=True, help="Corpus of audio.")
@click.option("--codec", "codec_path", type=click.Path(path_type=Path), required=True,
              help="Checkpoint of the codec, or a bundle.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the shards.")
@click.option("--jobs", default=1, show_default=True, help="Songs encoded at once.")
@click.option("--varied/--no-varied", default=True, show_default=True,
              help="Songs with other sounds than the corpus's default; a small performer learns faster without.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True,
              help="Where to encode; auto: CUDA where there is one.")
def encode(data_dir: Path, codec_path: Path, out: Path, jobs: int, varied: bool, device: str) -> None:
    """Encode a corpus with a trained codec, once, for the performer's training."""
    from ..device import chosen_device
    from ..encode import encode_corpus

    encode_corpus(data_dir, codec_path, out, _say, jobs, varied, str(chosen_device(device)))


if __name__ == "__main__":
    sys.exit(command())
