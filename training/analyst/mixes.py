"""Mixes made once, round by round, and kept as features: a step of training then costs no signal processing.

One small file a song and round, whole or not there: making goes on where it was stopped, and training may begin
with the first rounds while later ones are made.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError

from ..data import Track, tracks
from .mixing import SECONDS, Example, make_example
from .truth import truth_of

Report = Callable[[str], None]


def make_mixes(
    roots: Sequence[Path], split: str, folder: Path, rounds: Iterable[int], seed: int, report: Report
) -> None:
    """Mixes of all songs of a split into `folder`/`split`, as many excerpts a round as a song holds.

    Raises: HarmonicFlowError `no_corpus`, `bad_corpus`.
    """
    songs = [(number, track) for number, root in enumerate(roots) for track in _tracks(root, split, len(roots) > 1)]
    (folder / split).mkdir(parents=True, exist_ok=True)
    for turn in rounds:
        made = 0
        for corpus, track in songs:
            path = folder / split / f"{turn:02d}-{corpus}-{track.folder.name}.npz"
            labels = track.labels
            if path.exists() or labels is None:
                continue
            random = np.random.default_rng((seed, turn, zlib.crc32(f"{corpus} {track.folder.name}".encode())))
            count = max(1, round(track.samples / SAMPLE_RATE / SECONDS))
            truth = truth_of(labels)
            write(path, [make_example(track, truth, random) for _ in range(count)])
            made += count
        if made:
            report(f"{split}: {made} mixes of {SECONDS:.0f} s made in round {turn}")


def _tracks(root: Path, split: str, optional: bool) -> list[Track]:
    """The songs of a split; beside other corpora one may have none in it."""
    try:
        return tracks(root, split)
    except HarmonicFlowError as error:
        if optional and error.code == "no_corpus":
            return []
        raise


def write(path: Path, examples: Sequence[Example]) -> None:
    """Keep some examples in one file."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            time=np.stack([example.time for example in examples]),
            harmony=np.stack([example.harmony for example in examples]),
            beats=np.stack([example.beats for example in examples]),
            chords=np.stack([example.chords for example in examples]),
            key=np.array([example.key for example in examples], np.uint8),
        )
    part.replace(path)


def read(path: Path) -> list[Example]:
    """The examples of a file."""
    with np.load(path) as held:
        rows = zip(*(held[name] for name in ("time", "harmony", "beats", "chords", "key")), strict=True)
        return [Example(time, harmony, beats, chords, int(key)) for time, harmony, beats, chords, key in rows]
