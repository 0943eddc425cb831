"""Everything a composer must show, measured: people's songs, the composers, and controls that must do worse.

Each composer writes three sets: the chords of test songs (`framed`), every genre from nothing (`free`), and 64 bars of
every genre (`long`). The first row of `composers` is the one that ships; the gates are about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harmonicflow.core.constants import GENRES
from harmonicflow.score.arrange import Composer

from . import coded, copying, emotion, genre, groove, harmony, kept, likeness, masked, speed
from .corpora import Corpora, Sizes
from .gates import gates
from .pieces import Piece
from .players import Deaf, composers, free_request, made, request_of, whole_bars

if TYPE_CHECKING:
    from .learned import Learned

Report = Callable[[str], None]
QUANTILES: Final = (0.05, 0.95)
NOISE: Final = "noise"
CODED_SONGS: Final = 40
PLANTED: Final = 100  # copies


@dataclass(frozen=True)
class Options:
    """What to measure on what."""

    midi: Path
    trained_on: tuple[Path, ...] = ()  # corpora; the pack's songs stand for them where none is named
    cache: Path | None = None
    sizes: Sizes = field(default_factory=Sizes)
    seed: int = 0
    threads: int = 2
    framed: int = 40  # excerpts of test songs whose chords are composed to
    bars: int = 16
    free: int = 4  # pieces of each genre
    long_bars: int = 64
    sweeps: int = 1  # seeds of each mood and genre
    masks: int = kept.MASKS
    windows: int = 60  # of test songs for the likelihood
    window_bars: int = masked.BARS


@dataclass(frozen=True)
class Written:
    """What one composer wrote."""

    framed: list[Piece]
    free: list[Piece]
    long: list[Piece]


@dataclass
class Board:
    """The scoreboard as plain JSON, and pieces for pictures."""

    board: dict[str, Any]
    exhibits: list[tuple[str, dict[str, Piece]]]


def evaluate(options: Options, learned: Learned | None, report: Report) -> Board:
    """Measure everything; minutes.  Raises `missing_file`."""
    corpora = Corpora.load(options.midi, options.trained_on, options.cache, options.sizes, report)
    rows = composers(learned)
    frames = _frames(corpora.test, options)
    written = {name: _write(composer, frames, options, name, report) for name, composer in rows.items()}
    main = next(iter(rows))
    board: dict[str, Any] = {
        "about": _about(corpora, main, options),
        "coded": _coded(corpora, report),
        "likelihood": _likelihood(corpora, learned, options, report),
        "harmony": _harmony(corpora, frames, written),
        "groove": _groove(corpora, written),
        "form": _form(corpora, written),
        "genre": _genre(corpora, written, report),
        "copying": _copying(corpora, written, options, report),
        "emotion": _emotion(rows, options, report),
        "speed": {name: _speed(name, composer, learned) for name, composer in rows.items() if name != NOISE},
        "kept": {},
    }
    report("speed measured")
    for name, composer in rows.items():
        if name != NOISE:
            board["kept"][name] = vars(kept.check(composer, corpora.test, options.masks, options.seed))
    report("kept cells compared")
    board["about"] |= learned.about() if learned else {}
    board["gates"] = gates(board)
    return Board(board, _exhibits(frames, written))


def _frames(test: Sequence[Piece], options: Options) -> list[Piece]:
    """Excerpts of test songs that have chords."""
    cuts = (whole_bars(piece, options.bars) for piece in test if piece.chords)
    return [cut for cut in cuts if cut is not None and cut.chords][: options.framed]


def _write(composer: Composer, frames: list[Piece], options: Options, name: str, report: Report) -> Written:
    seed = options.seed
    framed = [
        made(composer, request_of(piece, seed + number), piece, piece.name).piece for number, piece in enumerate(frames)
    ]
    free = [
        made(composer, free_request(word, options.bars, seed + 1000 + number), name=word).piece
        for word in GENRES for number in range(options.free)
    ]  # fmt: skip
    long = [made(composer, free_request(word, options.long_bars, seed + 2000), name=word).piece for word in GENRES]
    report(f"{name} wrote {len(framed) + len(free) + len(long)} pieces")
    return Written(framed, free, long)


def _about(corpora: Corpora, main: str, options: Options) -> dict[str, Any]:
    return {
        "measured": main, "test_songs": len(corpora.test), "train_songs": len(corpora.train),
        "human_performances": len(corpora.drummers), "human_songs": len(corpora.whole), "framed": options.framed,
        "free": options.free * len(GENRES), "bars": options.bars, "long_bars": options.long_bars,
        "seed": options.seed, "threads": options.threads,
    }  # fmt: skip


def _coded(corpora: Corpora, report: Report) -> dict[str, Any]:
    songs = [cut for piece in corpora.test if (cut := whole_bars(piece, 16)) is not None][:CODED_SONGS]
    backs = [coded.there_and_back(piece) for piece in songs]
    report("cells there and back compared")
    return {
        "back": coded.compare(zip(songs, backs, strict=True)),
        "late": coded.compare((piece, coded.late(back)) for piece, back in zip(songs, backs, strict=True)),
    }


def _likelihood(corpora: Corpora, learned: Learned | None, options: Options, report: Report) -> dict[str, Any]:
    bars = options.window_bars
    test = list(masked.windows(corpora.test, bars))[: options.windows]
    validation = list(masked.windows(corpora.validation, bars))
    books = masked.Bookmakers.fit(masked.windows(corpora.train, bars), validation, options.seed)
    graph = learned.graph if learned else None
    found = masked.measure(books, test, graph, options.seed, report)
    return {"windows": len(test), "tasks": found}


def _harmony(corpora: Corpora, frames: list[Piece], written: Mapping[str, Written]) -> dict[str, Any]:
    annotated = [piece for piece in corpora.test if piece.corpus == "pop909"]  # people's chords, not read off the notes
    rows = {"people": harmony.fits(annotated, human_only=True), "test songs": harmony.fits(frames)}
    rows |= {name: harmony.fits(pieces.framed) for name, pieces in written.items()}
    main = next(iter(written))
    rows["chords moved"] = harmony.fits([harmony.misled(piece) for piece in written[main].framed])
    return rows


def _groove(corpora: Corpora, written: Mapping[str, Written]) -> dict[str, Any]:
    def half(pieces: list[Piece], kept_splits: tuple[str, ...]) -> list[Piece]:
        return [piece for piece in pieces if (piece.split in kept_splits)]

    everyone = groove.gather(corpora.people, human_only=True)
    others = groove.gather(half(corpora.people, ("train", "validation")), human_only=True)
    unseen = groove.gather(half(corpora.people, ("test",)), human_only=True)
    rows = {"people, test split": groove.compare(others, unseen)}
    rows |= {name: groove.compare(everyone, groove.gather(pieces.free)) for name, pieces in written.items()}
    main = next(iter(written))
    rows["mechanical"] = groove.compare(
        everyone, groove.gather([groove.mechanical(piece) for piece in written[main].free])
    )
    return {
        name: {"inside": groove.inside(found), "of": len(found),
               "by_statistic": {word: groove.inside(found, word) for word in groove.STATISTICS}, "rows": found}
        for name, found in rows.items()
    }  # fmt: skip


def _form(corpora: Corpora, written: Mapping[str, Written]) -> dict[str, Any]:
    people = likeness.gather([piece.cut(0, 64) for piece in corpora.whole], human_only=True)
    main = next(iter(written))
    rows = {name: likeness.gather(pieces.long) for name, pieces in written.items()}
    rows["looped"] = likeness.gather([likeness.looped(piece) for piece in written[main].long])
    return {
        "people": {
            part: {figure: [round(float(np.quantile(values, q)), 4) for q in (*QUANTILES, 0.5)] + [len(values)]
                   for figure, values in figures.items()}
            for part, figures in people.items()
        },
        "rows": {
            name: {part: {figure: {"mean": round(float(np.mean(values)), 4), "largest": round(max(values), 4)}
                          for figure, values in figures.items()}
                   for part, figures in found.items()}
            for name, found in rows.items()
        },
    }  # fmt: skip


def _genre(corpora: Corpora, written: Mapping[str, Written], report: Report) -> dict[str, Any]:
    judge = genre.fit(corpora.bands_train)
    people = genre.fit([p for p in corpora.drummers if p.split != "test"], ("drums",), decay=1.0)
    heard = [piece for piece in corpora.drummers if piece.split == "test"]
    out: dict[str, Any] = {
        "chance": 1 / len(judge.genres), "genres": judge.genres,
        "true": genre.accuracy(judge, corpora.bands_test), "rows": {}, "mistaken": {},
        "drums": {"chance": 1 / len(people.genres), "true": genre.accuracy(people, heard), "rows": {}},
    }  # fmt: skip
    for name, pieces in written.items():
        out["rows"][name] = genre.accuracy(judge, pieces.free)
        out["mistaken"][name] = genre.mistaken(judge, pieces.free)
        out["drums"]["rows"][name] = genre.accuracy(people, pieces.free)
    report("genres named")
    return out


def _copying(
    corpora: Corpora, written: Mapping[str, Written], options: Options, report: Report
) -> dict[str, Any]:  # fmt: skip
    index = copying.Index.of(corpora.train)
    rng = np.random.default_rng(options.seed)
    main = next(iter(written))
    rows = {"test songs": index.shared(corpora.test), "test songs, human parts": index.shared(corpora.test, True)}
    rows |= {name: index.shared(pieces.framed + pieces.long) for name, pieces in written.items()}
    copies = []
    for _ in range(PLANTED):
        source = corpora.train[int(rng.integers(len(corpora.train)))]
        first = int(rng.integers(max(len(source.bars) - 1 - copying.BARS, 1)))
        copies.append(copying.planted(source, first, rng))
    rows["planted"] = index.shared([copy for copy in copies if copy.parts])
    report("passages looked up")
    return {
        "passages_in_training": {part: len(keys) for part, keys in index.places.items()},
        "rows": {
            name: {part: {"share": round(copying.rate(counts)[0], 4), "error": round(copying.rate(counts)[1], 4),
                          "passages": int(sum(total for _, total in counts))}
                   for part, counts in sorted(shared.items())}
            for name, shared in rows.items()
        },
        "allowed": {
            part: round(copying.allowed(counts, rows["test songs"].get(part, [])), 4)
            for part, counts in rows[main].items()
        },
    }  # fmt: skip


def _emotion(rows: Mapping[str, Composer], options: Options, report: Report) -> dict[str, Any]:
    main = next(iter(rows))
    told = {name: composer for name, composer in rows.items() if name != NOISE} | {"not told": Deaf(rows[main])}
    out = {}
    for name, composer in told.items():
        out[name] = emotion.verdict(list(emotion.sweep(composer, options.sweeps)))
        report(f"moods of {name} swept")
    return out


def _speed(name: str, composer: Composer, learned: Learned | None) -> dict[str, float]:
    return speed.measure(composer, learned.first if learned is not None and name == "composer" else None)


def _exhibits(frames: list[Piece], written: Mapping[str, Written]) -> list[tuple[str, dict[str, Piece]]]:
    """Two test songs in which all parts play, beside what was written to their chords; two genres from nothing."""
    full = [number for number, piece in enumerate(frames) if len(piece.parts) == 4][:2]
    names = [name for name in written if name != NOISE]
    shown: list[tuple[str, dict[str, Piece]]] = []
    for number in full:
        rows = {"a test song": frames[number]} | {name: written[name].framed[number] for name in names}
        shown.append((f"{frames[number].genre or 'no genre'}, chords of a test song", rows))
    for place in (0, -1):
        rows = {name: written[name].free[place] for name in names}
        word = rows[names[0]].genre
        shown.append((f"{word} from nothing", rows))
    return shown
