"""How well a bundle plays its score: measured on the exported graphs, beside the ladder that says what scores mean.

For each song a window: the stems are performed from the song's own notes, beats, chords and key, with no audio known.
Beside them stand the true audio, the codec's copy of it, and the controls (scoreboard.LADDER).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime

from .excerpts import Excerpt, choose_excerpts
from .hearing import Hearing, drum_probe
from .rows import Sounds, another, blocks, conditions, copied, decoded_noise, late, performed
from .scoreboard import Tally, scoreboard

__all__ = ["Evaluation", "EvaluateOptions", "blocks", "conditions", "evaluate", "late", "performed"]

Report = Callable[[str], None]
Row = Callable[[int], Sounds]  # the sounds of a song, made when they are asked for

SOUND_ROWS: Final = ("codec", "performed", "shuffled", "noise")  # also compared with the true sound itself


@dataclass(frozen=True)
class EvaluateOptions:
    """What to listen to."""

    split: str = "validation"
    songs: int = 20
    seconds: float = 12.0
    seed: int = 0
    steps: int | None = None  # of the sampler; None: the bundle's own number
    threads: int | None = None  # of the networks; None: the machine's cores
    varied: bool = False  # songs with other sounds than the default ones too
    drum_songs: int = 60  # of the train split, to which the drum probe is fitted


def evaluate(
    bundle_dir: str | Path,
    corpus_dir: str | Path,
    options: EvaluateOptions = EvaluateOptions(),
    report: Report = lambda line: None,
) -> dict[str, Any]:
    """The scoreboard of a bundle on a corpus; `report` gets a line a song and a line a row.

    Raises `no_bundle`, `bad_bundle`, `latent_mismatch`, `no_corpus`.
    """
    evaluation = Evaluation(bundle_dir, corpus_dir, options, report)
    return scoreboard(evaluation.measure(evaluation.ladder()), evaluation.about())


class Evaluation:
    """One evaluation: the songs, the true sounds, those performed with everything told, and the ears.

    Only these are held; every other row is made song by song, heard and let go.
    """

    def __init__(
        self, bundle_dir: str | Path, corpus_dir: str | Path, options: EvaluateOptions, report: Report
    ) -> None:
        self.options, self.report = options, report
        self.bundle = Bundle.load(bundle_dir)
        self.runtime = Runtime(self.bundle, options.threads)
        self.steps = options.steps or self.bundle.card.performer.steps
        stems, corpus = self.bundle.stems, Path(corpus_dir)
        self.excerpts = choose_excerpts(
            corpus, options.split, stems, options.songs, options.seconds, options.seed, options.varied
        )
        self.truths: list[Sounds] = [{stem: excerpt.truth(stem) for stem in stems} for excerpt in self.excerpts]
        self.hearing = Hearing(self.truths, self.excerpts, stems, drum_probe(self._drum_excerpts(corpus)))
        self.performed: list[Sounds] = []
        for number, excerpt in enumerate(self.excerpts):
            self.performed.append(performed(self.runtime, excerpt, options.seed + number, self.steps))
            report(f"performed {number + 1} of {len(self.excerpts)}: {excerpt.name}")

    def _drum_excerpts(self, corpus: Path) -> list[Excerpt]:
        options = self.options
        if not options.drum_songs or options.split == "train":
            return []
        try:
            return choose_excerpts(
                corpus, "train", self.bundle.stems, options.drum_songs, options.seconds, options.seed, options.varied
            )
        except HarmonicFlowError as error:
            if error.code != "no_corpus":
                raise
            self.report("no songs to fit the drum probe to: which drums are struck is not measured")
            return []

    def ladder(self) -> dict[str, Row]:
        """The rows of every scoreboard."""
        seed, runtime, excerpts = self.options.seed, self.runtime, self.excerpts
        truths, made = self.truths, self.performed
        rows: dict[str, Row] = {
            "truth": truths.__getitem__,
            "codec": lambda place: copied(runtime, truths[place]),
            "performed": made.__getitem__,
            "noise": lambda place: decoded_noise(runtime, excerpts[place], seed + place),
            "shifted": lambda place: late(made[place], excerpts[place].half_sixteenth_s),
            "truth_shifted": lambda place: late(truths[place], excerpts[place].half_sixteenth_s),
        }
        if len(excerpts) >= 2:
            rows["shuffled"] = lambda place: another(made, excerpts, place)
            rows["truth_shuffled"] = lambda place: another(truths, excerpts, place)
        return rows

    def measure(self, rows: Mapping[str, Row], songs: int | None = None) -> dict[str, Tally]:
        """What every row did on every song, or on the first `songs`."""
        tallies: dict[str, Tally] = {}
        for row, make in rows.items():
            tally = tallies[row] = Tally()
            for place in range(min(songs or len(self.excerpts), len(self.excerpts))):
                self.hearing.add(tally, make(place), place, row in SOUND_ROWS)
            self.report(f"measured {row}")
        return tallies

    def about(self) -> dict[str, Any]:
        """What was measured on what."""
        card, options = self.bundle.card, self.options
        return {
            "bundle": card.name, "version": card.version, "bundle_hash": self.bundle.hash,
            "latent_space": card.latent_space, "split": options.split, "songs": len(self.excerpts),
            "seconds": round(self.excerpts[0].seconds, 2), "seed": options.seed, "steps": self.steps,
            "sounds": "all" if options.varied else "default",
            "minutes_asked": round(sum(e.seconds for e in self.excerpts) / 60, 2),
        }  # fmt: skip
