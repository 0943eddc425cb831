"""The collections that an evaluation needs, made once or read from where they were kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..corpus.manifest import read_manifest
from . import songs
from .bands import bands
from .pieces import Piece
from .store import kept, stamp


@dataclass(frozen=True)
class Sizes:
    """How many pieces of each kind."""

    test: int = 120
    validation: int = 40
    train: int = 400
    trained_on: int = 3000  # songs at most, where they are read from corpora
    bands_train: int = 24  # of each genre
    bands_test: int = 10
    piano: int = 40  # whole piano songs


@dataclass(frozen=True)
class Corpora:
    """What composers are measured against."""

    test: list[Piece]
    validation: list[Piece]
    train: list[Piece]
    drummers: list[Piece]  # human drums alone, by genre
    whole: list[Piece]  # human songs from beginning to end
    bands_train: list[Piece]  # every genre alike
    bands_test: list[Piece]

    @classmethod
    def load(
        cls, midi: Path, trained_on: tuple[Path, ...], folder: Path | None, sizes: Sizes, report: Callable[[str], None]
    ) -> Corpora:
        """From a MIDI pack, kept in `folder`; songs of the splits from the corpora a composer was trained on, if told.

        Raises `missing_file` where there is no pack, `no_corpus`.
        """
        rows = read_manifest(midi)
        name = stamp(midi, sizes)

        def get(what: str, make: Callable[[], object]) -> list[Piece]:
            return kept(folder, what, name, make, report)  # type: ignore[arg-type]

        def split(what: str, count: int) -> list[Piece]:
            if trained_on:
                return list(songs.labelled(trained_on, what, count))
            return get(what, lambda: songs.songs(midi, rows, what, count))

        return cls(
            split("test", sizes.test),
            split("validation", sizes.validation),
            split("train", sizes.train if not trained_on else sizes.trained_on),
            get("drummers", lambda: songs.drummers(midi, rows)),
            get("whole", lambda: songs.whole(midi, rows, sizes.piano)),
            get("bands_train", lambda: bands(midi, rows, "train", sizes.bands_train)),
            get("bands_test", lambda: bands(midi, rows, "test", sizes.bands_test)),
        )

    @property
    def people(self) -> list[Piece]:
        """Pieces in which people play or write a part; drums only of drummers where a genre has some."""
        drummed = {piece.genre for piece in self.drummers}
        others = ("bass", "guitar", "piano")
        return self.drummers + [piece.only(others) if piece.genre in drummed else piece for piece in self.whole]
