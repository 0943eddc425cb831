"""The adversarial stage: a finished codec's decoder learns what spectral distances do not hear.

A decoder trained on distances answers what the latents do not tell with an average: hiss becomes smooth, cymbals dull.
Discriminators that hear decoded and true sounds, stems and their sums, give a gradient towards what is real.  Encoder
and whitening stay as they are, so the latent space keeps its name and every network that reads it stays usable.

Balance.  With y the decoded sound, r = d(reconstruction)/dy and a = d(deceit + features)/dy, the decoder follows
    g = r + w |r| / |a| a
(Defossez et al. 2022, section 3.4, for two losses): w is the share of the adversary whatever the scales of the losses,
the number of discriminators and their width.  It is 0 while the discriminators warm up and then rises to its value.

Legend: G songs, B waveforms of a batch, T samples, F frames, K bins, M bands.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from harmonicflow.nn.codec import Codec, CodecConfig

from .codec import CodecBatch, CodecData, noisy, reconstruction, reconstruction_scores, sums
from .device import moved
from .discriminators import DiscriminatorConfig, Discriminators, deceit_loss, feature_loss, rival_loss
from .losses import FLOOR, magnitude, mel_matrix, spectrum

FEATURES_WEIGHT = 2.0  # of feature matching against deceit
TEXTURE_WINDOW = 1024  # samples
TEXTURE_BANDS = 24
SI_SDR_LOSS_DB = 0.3  # how much SI-SDR, of stems or sums, may be lost
DISTANCES = {"mel": 1.03, "level": 1.05, "buzz": 1.05}  # factors by which distances may grow


@dataclass(frozen=True)
class AdversarialOptions:
    """How the decoder hears its discriminators."""

    share: float = 0.5  # size of their gradient against the reconstruction's; 0: no discriminators at all
    heard: float = 0.5  # part of a window that they hear, drawn for each step: they are the dearest part of it
    warmup_steps: int = 200  # before the decoder hears them; as many again until it hears them fully


def texture_distance(output: Tensor, target: Tensor) -> Tensor:
    """How differently [B, T] are grained: L1 of the mean and of the deviation of log magnitudes, band by band.

    Both are taken over all cells of a band, whatever their phase: an averaged noise has the right mean and too small
    a deviation, a dull one too low a mean.
    """

    def grain(audio: Tensor) -> tuple[Tensor, Tensor]:
        level = torch.log(magnitude(spectrum(audio, TEXTURE_WINDOW)) + FLOOR)
        bands = mel_matrix(TEXTURE_BANDS, TEXTURE_WINDOW).to(audio.device)
        mean = (level @ bands).mean(1)
        square = (level.square() @ bands).mean(1)
        return mean, torch.sqrt((square - mean.square()).clamp(min=1e-6))

    return torch.stack([(a - b).abs().mean() for a, b in zip(grain(output), grain(target), strict=True)]).sum()


class DecoderTask:
    """The loss and the validation of the adversarial stage (see `training.loop.Task`).

    The best decoder is the one of the smallest texture distance whose SI-SDR (stems and sums) is at most 0.3 dB under,
    and whose log-mel distance is at most 3 %, level and buzz distance at most 5 % over what the stage began with
    (`start`); any other scores infinity, so a stage that only harms leaves the decoder it was given.

    Without a share for the discriminators the decoder goes on with its reconstruction loss alone, which then chooses
    the best: for a new distance among the losses, or for instruments the encoder need not learn anew.
    """

    def __init__(self, config: CodecConfig, validation: CodecData, seed: int, options: AdversarialOptions,
                 discriminators: DiscriminatorConfig, batches: int = 8) -> None:
        self.network = Codec(config)
        self.network.encoder.requires_grad_(False)
        self.rivals = Discriminators(discriminators)
        self.options = options
        self.random = np.random.default_rng(seed)
        self.fixed = [validation.batch() for _ in range(batches)]
        self.start: dict[str, float] = {}

    def loss(self, batch: CodecBatch) -> dict[str, Tensor]:
        """Parts by name.  The value of "total" is the reconstruction's, its gradients are those of both sides."""
        audio = batch.flat()
        with torch.no_grad():
            latents = noisy(self.network.encoder(audio))
        output = self.network.decoder(latents)
        if not self.options.share:
            parts = reconstruction(output, batch, self.random)
            return {name: value if name == "total" else value.detach() for name, value in parts.items()}
        heard = output.detach().requires_grad_()
        parts = reconstruction(heard, batch, self.random)
        wanted = parts.pop("total")
        (push,) = torch.autograd.grad(wanted, heard)

        together, truth = sums(heard, batch)
        piece = self._piece(audio.shape[1])
        real = self.rivals(torch.cat([audio, truth])[:, piece])
        fake = self.rivals(torch.cat([heard, together])[:, piece])
        parts |= {"rivals": rival_loss(real, fake), "deceit": deceit_loss(fake), "features": feature_loss(real, fake)}
        (pull,) = torch.autograd.grad(parts["deceit"] + FEATURES_WEIGHT * parts["features"], heard, retain_graph=True)
        balance = self._share() * push.norm() / pull.norm().clamp(min=1e-12)
        both = (output * (push + balance * pull)).sum() + parts["rivals"]
        parts = {name: value.detach() for name, value in parts.items()}
        return parts | {"total": both - both.detach() + wanted.detach()}

    def _piece(self, length: int) -> slice:
        """Where the discriminators listen this time."""
        count = round(self.options.heard * length)
        start = int(self.random.integers(length - count + 1))
        return slice(start, start + count)

    def _share(self) -> Tensor:
        """The adversary's share at this step of the discriminators."""
        steps = self.rivals.steps
        rise = (steps - self.options.warmup_steps) / max(1, self.options.warmup_steps)
        steps += 1
        return self.options.share * rise.clamp(0, 1)

    def validate(self, network: nn.Module) -> dict[str, float]:
        assert isinstance(network, Codec)
        scores = self.scores(network)
        if not self.options.share:
            return {"loss": scores["reconstruction"], **scores}
        return {"loss": scores["texture"] if self.acceptable(scores) else float("inf"), **scores}

    @torch.no_grad()
    def scores(self, network: Codec) -> dict[str, float]:
        """The reconstruction's loss, its parts and SI-SDR, and the texture distance."""
        scores = reconstruction_scores(network, self.fixed)
        return {"reconstruction": scores.pop("loss"), **scores,
                "texture": float(np.mean([self._texture(network, batch) for batch in self.fixed]))}

    @staticmethod
    def _texture(network: Codec, told: CodecBatch) -> float:
        batch = moved(told, network.encoder.mean.device)
        audio = batch.flat()
        output = network.decoder(network.encoder(audio))
        together, truth = sums(output, batch)
        return float(texture_distance(torch.cat([output, together]), torch.cat([audio, truth])))

    def acceptable(self, scores: dict[str, float]) -> bool:
        """Whether the reconstruction is about as good as at the start."""
        start = self.start or scores
        return (all(scores[name] <= start[name] * factor for name, factor in DISTANCES.items())
                and all(scores[name] >= start[name] - SI_SDR_LOSS_DB for name in ("si_sdr_db", "sum_si_sdr_db")))
