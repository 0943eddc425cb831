"""The first judge: do two stems play the same song at the same time?

Each stem's window becomes one unit vector a frame; two windows are scored by the mean product of their vectors. The
judge is trained as a classifier of pairs: stems of one song at one time against stems of two songs and against a
stem moved by an odd number of half sixteenths (contrastive, as in CLAP, with a product a frame instead of one a
window). Half of the weight of the wrong pairs is on each kind, right and wrong weigh the same, so 0.5 is the border.

Shapes: B pairs, L pitch frame, D width.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.core.constants import SAMPLE_RATE

from .features import MEL_HOP, Picture
from .ranks import auc
from .songs import Heard
from .tower import Report, Tower, fit, fitted, shown, sounds

WINDOW: Final = 128  # pitch frames, 5.9 s
BATCH: Final = 24
TRIES: Final = 200  # to find windows that sound
CHECKED: Final = 400  # validation pairs
MEL_RATE: Final = SAMPLE_RATE / MEL_HOP
Pair = tuple[tuple[str, Picture], tuple[str, Picture]]


class Coherence(nn.Module):
    """Scores of pairs of windows."""

    def __init__(self, stems: tuple[str, ...]) -> None:
        super().__init__()
        self.stems = stems
        self.tower = Tower(len(stems))
        self.gain = nn.Parameter(torch.tensor(8.0))
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def vectors(self, windows: list[tuple[str, Picture]], random: np.random.Generator | None = None) -> Tensor:
        """Unit vectors [B, L, D]."""
        mel, pitch = shown([window for _, window in windows], random)
        kinds = torch.tensor([self.stems.index(stem) for stem, _ in windows])
        return functional.normalize(self.tower(mel, pitch, kinds), dim=-1)

    def logits(self, a_BLD: Tensor, b_BLD: Tensor) -> Tensor:
        """Of each pair [B]."""
        return self.gain * (a_BLD * b_BLD).sum(-1).mean(-1) + self.bias

    @torch.no_grad()
    def scores(self, pairs: list[Pair]) -> list[float]:
        """How likely each pair belongs together, 0 to 1."""
        out: list[float] = []
        for at in range(0, len(pairs), BATCH):
            first, second = zip(*pairs[at : at + BATCH], strict=True)
            out += torch.sigmoid(self.logits(self.vectors(list(first)), self.vectors(list(second)))).tolist()
        return out


def loss_of(judge: Coherence, songs: list[Heard], random: np.random.Generator) -> Tensor:
    """Of one batch: every first stem against every second one, and against its own second one moved."""
    drawn = [draw(songs, random) for _ in range(BATCH)]
    a, b, moved = (
        judge.vectors(list(side), random) for side in zip(*((x, y, z) for x, y, z in drawn), strict=True)
    )
    products = torch.einsum("ald,bld->ab", a, b) / a.shape[1]
    logits = judge.gain * products + judge.bias
    right = functional.softplus(-logits.diagonal()).mean()
    off = ~torch.eye(BATCH, dtype=torch.bool)
    return right + 0.5 * functional.softplus(logits[off]).mean() + 0.5 * functional.softplus(
        judge.logits(a, moved)
    ).mean()


def draw(
    songs: list[Heard], random: np.random.Generator
) -> tuple[tuple[str, Picture], tuple[str, Picture], tuple[str, Picture]]:
    """Two stems of a song at one time, and the second one moved by an odd number of half sixteenths."""
    for _ in range(TRIES):
        song = songs[int(random.integers(len(songs)))]
        sixteenth = sixteenth_s(song) * MEL_RATE
        shift = round((int(random.integers(8)) + 0.5) * sixteenth * (1 if random.random() < 0.5 else -1))
        if len(song.pictures) < 2 or song.frames - WINDOW <= abs(shift):
            continue
        a, b = (str(stem) for stem in random.permutation(list(song.pictures))[:2])
        start = int(random.integers(abs(shift), 2 * (song.frames - WINDOW) - abs(shift)))
        places = ((a, start), (b, start), (b, start + shift))
        windows = [at(song.pictures[stem], begin, WINDOW) for stem, begin in places]
        if all(sounds(window) for window in windows):
            return (a, windows[0]), (b, windows[1]), (b, windows[2])
    raise ValueError("no two stems of these songs sound together")


def at(whole: Picture, start: int, length: int) -> Picture:
    """`length` pitch frames from a mel frame on."""
    mel = whole.mel[start : start + 2 * length]
    return Picture(np.pad(mel, ((0, 2 * length - len(mel)), (0, 0))), whole.cut(start // 2, length).pitch)


def sixteenth_s(song: Heard) -> float:
    """The length of a sixteenth in seconds, 0.125 where nothing is known of the beats."""
    beats = song.labels.get("beats_s") or ()
    return float(np.median(np.diff(beats))) / 4 if len(beats) > 1 else 0.125


def usable(songs: list[Heard]) -> list[Heard]:
    """The songs with two stems that can be moved half a sixteenth around a window."""
    return [song for song in songs if len(song.pictures) >= 2 and song.frames > WINDOW + sixteenth_s(song) * MEL_RATE]


def validation(judge: Coherence, songs: list[Heard], seed: int) -> dict[str, float]:
    """Areas under the curve on songs the judge has not seen: against other songs' stems, and against moved ones.

    None of them without songs.
    """
    if not songs:
        return {}
    random = np.random.default_rng(seed)
    drawn = [draw(songs, random) for _ in range(CHECKED)]
    right = judge.scores([(a, b) for a, b, _ in drawn])
    moved = judge.scores([(a, c) for a, _, c in drawn])
    wrong = judge.scores([(a, drawn[place - 1][1]) for place, (a, _, _) in enumerate(drawn)])
    return {"auc_shuffled": auc(right, wrong), "auc_shifted": auc(right, moved)}


def trained(
    stems: tuple[str, ...], songs: list[Heard], folder: Path, steps: int, seed: int, report: Report
) -> Coherence:
    """A judge of these songs, from the folder where it is kept."""
    torch.manual_seed(seed)
    judge = Coherence(stems)
    about = {"judge": "coherence", "songs": [(song.name, song.frames) for song in songs], "steps": steps, "seed": seed}
    fitted(judge, folder, "coherence", about,
           lambda: fit(judge, lambda random: loss_of(judge, songs, random), steps, seed, report, "coherence"), report)
    return judge
