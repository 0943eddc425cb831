"""The fourth judge: is what is performed a copy of what was trained on?

Two measures of a window of 2 s, both the distance to the nearest window of the same stem among all training songs, of
windows scaled to length one so that loudness counts for nothing: of latents (exact to the phase) and of mel levels
(deaf to it). A performed window is as new as the true test song if its distances are distributed as the song's own:
the share of them under the 1 % quantile of the true song's is then about 1 %. The reference plays the same score in
the same sound, as the codec gives it back. Planted copies, cut from training songs at any sample, say what each measure
finds.

Shapes: L latent frame, C channel, N mel frame, M mel band, W window.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from harmonicflow.core.constants import HOP, LATENT_RATE
from harmonicflow.core.errors import HarmonicFlowError

from ..data import Track
from ..excerpts import Excerpt
from ..hearing import asked_stems
from .features import STEP_DB, Picture, picture
from .options import Verdict
from .player import Player, Sound
from .ranks import auc, nearest, quantiles
from .songs import Heard
from .tower import RANGE_DB, Report, sounds

WINDOW: Final = round(2 * LATENT_RATE)  # latent frames
HOP_FRAMES: Final = WINDOW // 2
PLANTED: Final = 16  # copies a stem, half of them on the latent grid
MARGIN: Final = 8  # latent frames of context around a planted copy
FOUND: Final = 0.9  # how often a planted copy must lie nearer to training than a window of the truth
SPREAD: Final = 2.0  # standard errors that a share may lie over what is expected of a fresh song
GATE: Final = (
    "no more performed windows (by two standard errors) are nearer to training than 99 % of the truth's than a fresh "
    "song would have, about 1 %"
)

Floats = NDArray[np.floating]
Windows = dict[str, dict[str, list[Floats]]]  # measure -> row -> vectors


def latent_windows(latents_LC: Floats, starts: Sequence[int]) -> Floats:
    """[W, WINDOW * C] of the windows that begin at `starts`."""
    return _windows(latents_LC, starts).reshape(len(starts), WINDOW * latents_LC.shape[1])


def mel_windows(whole: Picture, starts: Sequence[int]) -> Floats:
    """[W, WINDOW * M]: two mel frames averaged to one, levels within 60 dB of the window's largest, their mean off."""
    pairs = whole.mel[: 2 * whole.frames].reshape(whole.frames, 2, -1).astype(np.float32).mean(axis=1) * STEP_DB
    level = _windows(pairs, starts).reshape(len(starts), WINDOW * whole.mel.shape[1])
    level = np.maximum(level - level.max(axis=1, keepdims=True), -RANGE_DB)
    return level - level.mean(axis=1, keepdims=True)


def _windows(rows_LD: Floats, starts: Sequence[int]) -> NDArray[np.float32]:
    """Float32 [W, WINDOW, D]."""
    if not len(starts):
        return np.zeros((0, WINDOW, rows_LD.shape[1]), np.float32)
    every = np.lib.stride_tricks.sliding_window_view(np.asarray(rows_LD, np.float32), WINDOW, axis=0)
    return np.ascontiguousarray(every[list(starts)].transpose(0, 2, 1))


def all_starts(frames: int) -> range:
    """Where a window of so many frames can begin."""
    return range(0, max(0, frames - WINDOW + 1))


def encoded_windows(folder: Path, stem: str, space: str) -> Iterator[Floats]:
    """Every latent window of a stem, song after song.  Raises `no_corpus`, `latent_mismatch`."""
    paths = sorted((folder / "train").glob("*.safetensors"))
    if not paths:
        raise HarmonicFlowError("no_corpus", path=folder / "train")
    for path in paths:
        with safe_open(path, framework="numpy") as file:
            meta = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
            if meta.get("latent_space") != space:
                reason = f"{path} was encoded by another codec than the bundle's"
                raise HarmonicFlowError("latent_mismatch", reason=reason, hint="Encode the corpus with this bundle's")
            if stem in meta["parts"]:
                latents = file.get_tensor("latents")[meta["parts"].index(stem)].astype(np.float32)
                yield latent_windows(latents, all_starts(len(latents)))


def pictured_windows(songs: Iterable[Heard], stem: str) -> Iterator[Floats]:
    """Every mel window of a stem, song after song."""
    for song in songs:
        if stem in song.pictures:
            yield mel_windows(song.pictures[stem], all_starts(song.pictures[stem].frames))


def gather(
    player: Player, excerpts: Sequence[Excerpt], trained: Sequence[Track], seed: int, report: Report
) -> dict[str, Windows]:
    """Windows of every row by stem: the true song's, performed ones at the same places, planted copies and noise."""
    out: dict[str, Windows] = {stem: {"latents": {}, "mel": {}} for stem in player.stems}
    random = np.random.default_rng(seed)
    for number, excerpt in enumerate(excerpts):
        truth = player.encode({stem: excerpt.truth(stem) for stem in player.stems})
        played = player.play(excerpt)
        noise = {stem: random.standard_normal(row.shape).astype(np.float32) for stem, row in truth.items()}
        for row, latents in (("truth", truth), ("performed", played), ("noise", noise)):
            decoded = {stem: picture(sound_T) for stem, sound_T in player.decode(latents).items()}
            for stem in asked_stems(excerpt, player.stems):
                _add(out[stem], row, latents[stem], decoded[stem], range(0, excerpt.frames - WINDOW + 1, HOP_FRAMES))
        report(f"copying: performed {number + 1} of {len(excerpts)}")
    for stem in player.stems:
        _plant(out[stem], stem, player, [track for track in trained if stem in track.places], random)
    return out


def _plant(windows: Windows, stem: str, player: Player, trained: Sequence[Track], random: np.random.Generator) -> None:
    frames = WINDOW + 2 * MARGIN
    tried = 0
    planted = 0
    while trained and planted < PLANTED and tried < 20 * PLANTED:
        tried += 1
        track = trained[int(random.integers(len(trained)))]
        start = int(random.integers(max(1, track.samples // HOP - frames))) * HOP
        off_grid = planted % 2 == 1
        sound = track.read(stem, start + (int(random.integers(1, HOP)) if off_grid else 0), frames * HOP)
        if sounds(picture(sound).cut(MARGIN, WINDOW)):
            latents = player.encode({stem: sound})
            row = "planted_off_grid" if off_grid else "planted_on_grid"
            _add(windows, row, latents[stem], picture(player.decode(latents)[stem]), [MARGIN])
            planted += 1


def _add(windows: Windows, row: str, latents_LC: Sound, whole: Picture, starts: Iterable[int]) -> None:
    heard = [start for start in starts if sounds(whole.cut(start, WINDOW))]
    windows["latents"].setdefault(row, []).extend(latent_windows(latents_LC, heard))
    windows["mel"].setdefault(row, []).extend(mel_windows(whole, heard))


def distances(
    windows: dict[str, Windows], encoded: Path | None, songs: Sequence[Heard], space: str, report: Report
) -> dict[str, dict[str, dict[str, NDArray[np.float64]]]]:
    """Measure -> stem -> row -> distances to training; without encoded songs only what mel levels say."""
    out: dict[str, dict[str, dict[str, NDArray[np.float64]]]] = {"mel": {}}
    if encoded is not None:
        out["latents"] = {}
    for measure, by_stem in out.items():
        for stem, each in windows.items():
            rows = {row: np.stack(vectors) for row, vectors in each[measure].items() if vectors}
            if rows:
                blocks = (
                    encoded_windows(encoded, stem, space)
                    if measure == "latents" and encoded is not None else pictured_windows(songs, stem)
                )  # fmt: skip
                found = nearest(np.concatenate(list(rows.values())), blocks)
                ends = np.cumsum([len(vectors) for vectors in rows.values()])[:-1]
                by_stem[stem] = dict(zip(rows, np.split(found, ends), strict=True))
                report(f"copying: {measure} of {stem} compared")
    return out


def verdict(found: dict[str, dict[str, dict[str, NDArray[np.float64]]]]) -> Verdict:
    """Shares nearer than 99 % of the truth's by measure, beside what a fresh song of the same kind would show.

    Of n windows of the truth the k-th smallest distance, k = floor(n / 100) from 0, is the limit. A further window of
    the same distribution lies under it with the chance (k + 1) / (n + 1), however the distances are distributed.
    """
    figures: dict[str, Any] = {}
    ladder: dict[str, Any] = {}
    valid, met, worst = bool(found), bool(found), 0.0
    for measure, by_stem in found.items():
        under: dict[str, list[bool]] = {}
        over: dict[str, list[float]] = {}
        expected: list[float] = []
        stems: dict[str, Any] = {}
        for stem, rows in by_stem.items():
            truth = np.sort(rows.get("truth", np.zeros(0)))
            if not len(truth):
                continue
            place = len(truth) // 100
            for row, values in rows.items():
                under.setdefault(row, []).extend((values < truth[place]).tolist())
                over.setdefault(row, []).append(auc(values, truth))
            expected += [(place + 1) / (len(truth) + 1)] * len(rows.get("performed", ()))
            stems[stem] = {row: quantiles(values) for row, values in rows.items()}
        share = {row: float(np.mean(values)) for row, values in under.items()}
        farther = {row: float(np.mean(values)) for row, values in over.items()}
        chance = float(np.mean(expected)) if expected else 0.0
        spread = chance * (1 - chance) * (1 / max(1, len(expected)) + 1 / max(1, len(under.get("truth", ()))))
        figures[measure] = {
            "share_below_1%_of_truth": share.get("performed"), "expected": chance,
            "allowed": chance + SPREAD * float(np.sqrt(spread)), "farther_than_truth": farther.get("performed"),
            "windows": len(expected), "distances": stems,
        }  # fmt: skip
        ladder[measure] = {"share_below_1%_of_truth": share, "farther_than_truth": farther}
        copies = ["planted_on_grid"] + ["planted_off_grid"] * (measure == "mel")
        valid &= all(farther.get(row, 1.0) <= 1 - FOUND for row in copies) and share.get("noise", 1.0) == 0.0
        met &= len(expected) > 0 and share["performed"] <= figures[measure]["allowed"]
        worst = max(worst, share.get("performed", 0.0))
    return Verdict(figures | {"worst_share": worst}, ladder, valid, GATE, met)
