"""All judges on one bundle: hear the corpus, train or load each judge, perform, and say what was found.

A judge is trained on true audio of the training split alone, and never hears what is performed before it judges.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from harmonicflow.core.errors import HarmonicFlowError

from ..data import Track, tracks
from ..excerpts import Excerpt, choose_excerpts
from . import coherence, copying, genre, timbre_trial
from . import genre_trial as of_genre
from .coherence_trial import GATE, coherence_trial
from .options import JUDGES, JudgeOptions, Verdict
from .player import Player
from .songs import Heard, load_songs

Report = Callable[[str], None]
TIMBRE_SECONDS: Final = 8.0  # of the scores that every sound plays


def judge(
    bundle_dir: str | Path,
    corpus_dir: str | Path,
    encoded_dir: str | Path | None,
    options: JudgeOptions,
    report: Report = lambda line: None,
) -> dict[str, Any]:
    """What every judge finds of a bundle, as one JSON object; `report` gets a line now and then.

    `corpus_dir`: true audio with labels in splits. `encoded_dir`: the same encoded by this bundle's codec, for the
    distances of latents (None: only mel levels are compared). Raises `no_bundle`, `bad_bundle`, `latent_mismatch`,
    `no_corpus`, `disk`.
    """
    if unknown := set(options.judges) - set(JUDGES):
        raise ValueError(f"no such judge: {', '.join(sorted(unknown))}")
    if options.threads:
        torch.set_num_threads(options.threads)
    encoded = None if encoded_dir is None else Path(encoded_dir)
    court = Court(Path(bundle_dir), Path(corpus_dir), encoded, options, report)
    found = {name: getattr(court, name)().plain() for name in JUDGES if name in options.judges}
    card = court.player.card
    return {
        "bundle": card.name, "version": card.version, "bundle_hash": court.player.flow.bundle.hash,
        "latent_space": card.latent_space, "split": options.split, "seed": options.seed, "steps": court.player.steps,
        "songs": options.songs, "seconds": options.seconds, "judges": found,
        "valid": [name for name, one in found.items() if one["valid"]],
        "passed": [name for name, one in found.items() if one["pass"]],
    }  # fmt: skip


class Court:
    """What the judges share: a player, the corpus as heard, and excerpts of the split that is judged."""

    def __init__(self, bundle: Path, corpus: Path, encoded: Path | None, options: JudgeOptions, report: Report) -> None:
        self.player = Player(bundle, options.steps, options.threads, options.seed)
        self.corpus, self.encoded, self.options, self.report = corpus, encoded, options, report
        self._heard: dict[str, list[Heard]] = {}

    def heard(self, split: str) -> list[Heard]:
        """The songs of a split; none where the corpus has no such split, but for the training split."""
        if split not in self._heard:
            try:
                cache = self.options.cache
                self._heard[split] = load_songs(self.corpus, split, self.player.stems, cache, self.report)
            except HarmonicFlowError as error:
                if error.code != "no_corpus" or split == "train":
                    raise
                self._heard[split] = []
        return self._heard[split]

    def tracks(self, split: str) -> list[Track]:
        """The audio of a split."""
        return tracks(self.corpus, split, self.player.stems, self.report)

    def excerpts(self, songs: int, seconds: float, varied: bool = False) -> list[Excerpt]:
        """Windows of the split that is judged; the default sound alone unless `varied`."""
        options = self.options
        return choose_excerpts(
            self.corpus, options.split, self.player.stems, songs, seconds, options.seed, varied
        )

    def coherence(self) -> Verdict:
        """Is a stem that is played to three true ones of their song?"""
        options = self.options
        songs = coherence.usable(self.heard("train"))
        if not songs:
            return Verdict({}, {}, False, GATE, False, ["no song of the corpus has two stems"])
        one = coherence.trained(
            self.player.stems, songs, options.cache, options.train_steps, options.seed, self.report
        )
        checked = coherence.validation(one, coherence.usable(self.heard("validation")), options.seed)
        self.report(f"coherence judge on validation songs: {checked}")
        return coherence_trial(one, checked, self.player, self.excerpts(options.songs, options.seconds), self.report)

    def timbre(self) -> Verdict:
        """Is a sound that is asked for by example heard again?"""
        songs = {split: self.heard(split) for split in timbre_trial.SPLITS}
        made = {stem: timbre_trial.bench(stem, songs, self.options.programs) for stem in self.player.stems}
        benches = {stem: bench for stem, bench in made.items() if bench is not None}
        if not benches:
            return Verdict({}, {}, False, timbre_trial.GATE, False, ["too few sounds in the corpus to tell apart"])
        splits = {reference.split for bench in benches.values() for reference in bench.references}
        sources = {(split, track.folder.name): track for split in splits for track in self.tracks(split)}
        excerpts = self.excerpts(4 * self.options.scores, min(TIMBRE_SECONDS, self.options.seconds))
        excerpts.sort(key=lambda excerpt: -sum(bool(excerpt.onsets(stem)) for stem in self.player.stems))
        return timbre_trial.timbre_trial(
            benches, sources, self.player, excerpts[: self.options.scores], self.report
        )

    def genre(self) -> Verdict:
        """Is a genre that is asked for in words heard?"""
        options = self.options
        genres = genre.genres_of(self.heard("train"))
        if len(genres) < 2:
            return Verdict({}, {}, False, of_genre.GATE, False, ["too few genres in the corpus to tell apart"])
        one = genre.trained(genres, self.heard("train"), options.cache, options.train_steps, options.seed, self.report)
        return of_genre.genre_trial(
            one, self.heard(options.split), self.heard("validation"), self.player, options.takes, options.bars,
            self.report,
        )  # fmt: skip

    def copying(self) -> Verdict:
        """Is what is performed nearer to what was trained on than true songs are?"""
        options = self.options
        excerpts = self.excerpts(options.songs, options.seconds)
        windows = copying.gather(self.player, excerpts, self.tracks("train"), options.seed, self.report)
        space = self.player.card.latent_space
        found = copying.distances(windows, self.encoded, self.heard("train"), space, self.report)
        verdict = copying.verdict(found)
        return verdict if self.encoded else replace(verdict, notes=["no encoded corpus: latents were not compared"])
