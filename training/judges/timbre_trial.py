"""A fixed score is played like excerpts of many sounds: is the sound heard again among all sounds of its stem?

The judge ranks the sounds of a stem by their distance to what it hears; the right one should come first. Rows: the
reference itself and its codec's copy, stems played like the reference, the same told no reference or another sound's,
and the reference of another sound. The song of a reference is never among those the judge was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from harmonicflow.core.constants import HOP

from ..data import Track
from ..excerpts import Excerpt
from ..hearing import asked_stems
from .features import Picture, picture
from .options import Verdict
from .player import Player, Sound
from .ranks import rank_figures, rank_of
from .songs import Heard
from .timbre import WINDOW, TimbreJudge, by_sound, description, learn, windows_of
from .tower import Report

SPLITS: Final = ("test", "validation", "train")  # where references come from, the unseen first
CLEAR: Final = 2.0  # times chance that the truth's reciprocal rank must be
ERRORS: Final = 2.0  # standard errors that the performed rank must be over its controls
GATE: Final = (
    "the mean reciprocal rank of the sound asked for is two standard errors over that without a reference, with a "
    "wrong one, and chance"
)
Distances = dict[str, float]


@dataclass(frozen=True)
class Reference:
    """A window of a song in which a sound plays a stem."""

    stem: str
    sound: str
    split: str
    song: str
    start: int  # pitch frame
    window: Picture


@dataclass
class Bench:
    """The judge of one stem, and a reference for each sound it tells apart."""

    judge: TimbreJudge
    references: list[Reference]


def bench(stem: str, songs: dict[str, list[Heard]], most: int) -> Bench | None:
    """The sounds of a stem with a song to take a reference from and others in the training split; None if too few."""
    found = {split: by_sound(songs.get(split, []), stem) for split in SPLITS}
    candidates = []
    for sound, own in found["train"].items():
        split = next((split for split in SPLITS if found[split].get(sound)), "train")
        reference = found[split][sound][0]
        left = [song for song in own if song is not reference]
        if left:
            candidates.append((SPLITS.index(split), -len(left), sound, split, reference, left))
    chosen = sorted(candidates, key=lambda row: row[:3])[:most]
    held_out = {id(row[4]) for row in chosen}
    examples, references = {}, []
    for _, _, sound, split, song, left in chosen:
        described = [description(w) for each in left if id(each) not in held_out for w in windows_of(each, stem)]
        rows = [row for row in described if row is not None]
        if len(rows) >= 2:
            examples[sound] = rows
            start, window = loudest(song.pictures[stem])
            references.append(Reference(stem, sound, split, song.name, start, window))
    return Bench(learn(examples), references) if len(examples) >= 3 else None


def loudest(whole: Picture) -> tuple[int, Picture]:
    """Where most sounds, and the window."""
    starts = range(0, max(1, whole.frames - WINDOW + 1), WINDOW // 2)
    start = max(starts, key=lambda at: float(whole.cut(at, WINDOW).mel.mean()))
    return start, whole.cut(start, WINDOW)


def timbre_trial(
    benches: dict[str, Bench], tracks: dict[tuple[str, str], Track], player: Player, excerpts: Sequence[Excerpt],
    report: Report,
) -> Verdict:  # fmt: skip
    """The verdict on sounds asked for by example; `tracks` by split and song hold the references' audio."""
    sounds = {
        (r.stem, r.sound): tracks[r.split, r.song].read(r.stem, r.start * HOP, WINDOW * HOP)
        for each in benches.values()
        for r in each.references
    }
    latents = {key: player.encode({key[0]: sound})[key[0]] for key, sound in sounds.items()}
    heard: dict[str, dict[tuple[str, str], list[Distances]]] = {}
    for key, row in latents.items():
        _note(heard, "codec", key, benches, player.decode({key[0]: row})[key[0]])
    for key, sound in sounds.items():
        _note(heard, "truth", key, benches, sound)
    rounds = max((len(each.references) for each in benches.values()), default=0)
    for number, excerpt in enumerate(excerpts):
        asked = [stem for stem in asked_stems(excerpt, player.stems) if stem in benches]
        plain = player.decode(player.play(excerpt))
        for turn in range(rounds):
            now = {stem: benches[stem].references[turn].sound for stem in asked if turn < len(benches[stem].references)}
            played = player.decode(player.play(excerpt, like={stem: latents[stem, name] for stem, name in now.items()}))
            for stem, name in now.items():
                _note(heard, "performed", (stem, name), benches, played[stem])
                _note(heard, "dropped", (stem, name), benches, plain[stem])
            report(f"timbre: score {number + 1} of {len(excerpts)}, sound {turn + 1} of {rounds}")
    return verdict(heard, benches)


def _note(
    heard: dict[str, dict[tuple[str, str], list[Distances]]], row: str, key: tuple[str, str],
    benches: dict[str, Bench], sound: Sound,
) -> None:  # fmt: skip
    whole = picture(sound)
    starts = range(0, max(1, whole.frames - WINDOW + 1), WINDOW // 2)
    found = benches[key[0]].judge.of(whole.cut(start, WINDOW) for start in starts)
    if found is not None:
        heard.setdefault(row, {}).setdefault(key, []).append(found)


def verdict(heard: dict[str, dict[tuple[str, str], list[Distances]]], benches: dict[str, Bench]) -> Verdict:
    """Ranks by row; a wrong reference is the same sound's neighbour in the list of references."""
    ranks: dict[str, list[tuple[float, int]]] = {}
    by_stem: dict[str, dict[str, list[tuple[float, int]]]] = {}
    for row, by_key in heard.items():
        for stem, each in benches.items():
            names = [reference.sound for reference in each.references]
            for place, name in enumerate(names):
                for asked, label in ((name, row), (names[place - 1], f"{row}_wrong")):
                    found = [(rank_of(d, asked), len(d)) for d in by_key.get((stem, name), [])]
                    ranks.setdefault(label, []).extend(found)
                    by_stem.setdefault(stem, {}).setdefault(label, []).extend(found)
    table: dict[str, dict[str, float]] = {row: rank_figures(found) for row, found in ranks.items() if found}
    mrr = {row: figures["mrr"] for row, figures in table.items()}
    chance = table["truth"]["chance_mrr"] if "truth" in table else 1.0
    controls = ("truth_wrong", "codec_wrong")
    valid = mrr.get("truth", 0) >= CLEAR * chance and min(mrr.get("truth", 0), mrr.get("codec", 0)) > max(
        mrr.get(row, 1.0) for row in controls
    )
    worse = [mrr.get(row, 1.0) for row in ("dropped", "performed_wrong")]
    unseen = [reference.split != "train" for each in benches.values() for reference in each.references]
    figures: dict[str, Any] = {
        "performed": table.get("performed"),
        "share_of_truth": mrr.get("performed", 0.0) / max(mrr.get("truth", 0.0), 1e-9),
        "share_of_codec": mrr.get("performed", 0.0) / max(mrr.get("codec", 0.0), 1e-9),
        "sounds": {stem: len(each.references) for stem, each in benches.items()},
        "by_stem": {stem: {row: rank_figures(found) for row, found in rows.items() if found and "_wrong" not in row}
                    for stem, rows in by_stem.items()},
        "references_the_performer_never_heard": f"{sum(unseen)} of {len(unseen)}",
    }  # fmt: skip
    least = mrr["performed"] - ERRORS * table["performed"]["mrr_error"] if "performed" in table else 0.0
    return Verdict(figures, table, bool(valid), GATE, least > max([*worse, chance]))
