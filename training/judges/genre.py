"""The third judge: which genre is heard in a mix?

The mix is the sum of its stems' powers, so that true and performed mixes are made alike. The tower's vectors over a
window are pooled to their mean and spread and classified, every genre weighing the same in training.

Shapes: B batch, L pitch frame, D width, G genre.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .features import FLOOR_DB, STEP_DB, Bytes, Picture, decibels
from .songs import Heard
from .tower import Report, Tower, fit, fitted, shown, sounds

WINDOW: Final = 168  # pitch frames, 7.8 s
BATCH: Final = 24
FEWEST_SONGS: Final = 8  # of a genre in the training split, to be told apart at all


class Genre(nn.Module):
    """Scores of genres of mixes."""

    def __init__(self, genres: tuple[str, ...], width: int = 48) -> None:
        super().__init__()
        self.genres = genres
        self.tower = Tower(1, width, layers=5)
        self.out = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * width, len(genres)))

    def logits(self, windows: list[Picture], random: np.random.Generator | None = None) -> Tensor:
        """[B, G]."""
        x_BLD = self.tower(*shown(windows, random), torch.zeros(len(windows), dtype=torch.long))
        return cast(Tensor, self.out(torch.cat([x_BLD.mean(1), x_BLD.std(1)], dim=-1)))

    @torch.no_grad()
    def named(self, windows: list[Picture], among: Iterable[str] | None = None) -> str | None:
        """The genre that all windows of a mix together speak for; None for silence."""
        heard = [window for window in windows if sounds(window)]
        if not heard:
            return None
        score = torch.log_softmax(self.logits(heard), dim=-1).mean(0)
        allowed = [place for place, genre in enumerate(self.genres) if among is None or genre in set(among)]
        return self.genres[max(allowed, key=lambda place: float(score[place]))]


def mixed(pictures: Iterable[Picture]) -> Picture:
    """The picture of a sum of stems: their powers added up."""
    stems = list(pictures)
    frames = min(each.frames for each in stems)
    return Picture(_sum([each.mel[: 2 * frames] for each in stems]), _sum([each.pitch[:frames] for each in stems]))


def _sum(rows: list[Bytes]) -> Bytes:
    power = sum(10 ** (decibels(each) / 10) for each in rows)
    level = (10 * np.log10(np.maximum(power, 1e-10)) - FLOOR_DB) / STEP_DB
    return cast(Bytes, level.round().clip(0, 255).astype(np.uint8))


def windows_of(mix: Picture, hop: int = WINDOW) -> list[Picture]:
    """A mix in windows; a shorter one is one window, ended by silence."""
    return [mix.cut(start, WINDOW) for start in range(0, max(1, mix.frames - WINDOW + 1), hop)]


def genres_of(songs: Iterable[Heard], fewest: int = FEWEST_SONGS) -> tuple[str, ...]:
    """The genres with enough songs to be told apart, the most frequent first."""
    counts = Counter(song.genre for song in songs if song.genre)
    return tuple(genre for genre, count in counts.most_common() if count >= fewest)


def trained(
    genres: tuple[str, ...], songs: list[Heard], folder: Path, steps: int, seed: int, report: Report
) -> Genre:
    """A judge of these songs, from the folder where it is kept."""
    mixes = {genre: [mixed(song.pictures.values()) for song in songs if song.genre == genre and song.pictures]
             for genre in genres}  # fmt: skip
    torch.manual_seed(seed)
    judge = Genre(genres)

    def loss(random: np.random.Generator) -> Tensor:
        windows, wanted = [], []
        for place in random.integers(len(genres), size=BATCH):
            mix = mixes[genres[place]][int(random.integers(len(mixes[genres[place]])))]
            windows.append(mix.cut(int(random.integers(max(1, mix.frames - WINDOW))), WINDOW))
            wanted.append(int(place))
        return functional.cross_entropy(judge.logits(windows, random), torch.tensor(wanted), label_smoothing=0.1)

    about = {"judge": "genre", "genres": genres, "steps": steps, "seed": seed,
             "songs": [(song.name, song.frames, song.genre) for song in songs]}  # fmt: skip
    fitted(judge, folder, "genre", about, lambda: fit(judge, loss, steps, seed, report, "genre"), report)
    return judge


def recalls(judge: Genre, songs: list[Heard], among: tuple[str, ...] | None = None) -> dict[str, float]:
    """The share of each genre's songs that are named rightly; genres without songs are left out."""
    out = {}
    for genre in among or judge.genres:
        own = [song for song in songs if song.genre == genre and song.pictures]
        if own:
            said = [judge.named(windows_of(mixed(song.pictures.values())), among) for song in own]
            out[genre] = float(np.mean([name == genre for name in said]))
    return out
