"""The form of a piece: which bars are alike, where sections begin, which come back, and which bars repeat in a row.

Bars are compared by their harmony, quarter by quarter, and by their sound and rhythm: the self-similarity. A section
begins where a checkerboard laid on its diagonal fits best (Foote 2000); sections that are alike get one letter; stripes
beside the diagonal are passages that return.

Shapes: K beat, B bar, P pitch class (12), D feature of sound, Q quarter of a bar (4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .spectra import Floats, Times

QUARTERS: Final = 4
HARMONY_SHARE: Final = 0.6  # of the likeness; the rest is sound and rhythm
UNLIKE: Final = 0.5  # cosine at which two bars' harmonies have nothing in common
KERNEL: Final = 4  # bars on each side of a boundary that are compared
SHORTEST: Final = 4  # bars of a section; a piece of less than 12 may have sections of two
NOVEL: Final = 0.12  # how much more alike bars of one side must be than bars across, for a boundary
WITHOUT_RETURN: Final = 2.5  # times as novel must a boundary be at which no passage begins that returns, if some do
LEAST_SPREAD: Final = 0.25  # of a feature of sound, in nepers: what differs less over the bars is the same to the ear
SAME: Final = 0.72  # likeness of two sections with one letter
ALIKE: Final = 0.8  # mean likeness of a passage that returns
ONE_BAR: Final = 0.65  # of each of its bars
MOST_MOTIFS: Final = 16


@dataclass(frozen=True)
class FoundSection:
    """Bars `first` up to `last`, not included, and their letter. Confidence 0..1: how clear its beginning is."""

    first: int
    last: int
    letter: str
    confidence: float


@dataclass(frozen=True)
class Motif:
    """Bars `first` to `first + bars` that come back from `again` on; likeness 0..1."""

    first: int
    again: int
    bars: int
    likeness: float


@dataclass(frozen=True)
class Structure:
    """The form of a piece of B bars."""

    sections: tuple[FoundSection, ...]
    motifs: tuple[Motif, ...]
    likeness_BB: Floats  # 0..1, 1 on the diagonal


def find_structure(likeness_BB: Floats) -> Structure:
    """Sections and motifs from the likeness of each two bars."""
    count = len(likeness_BB)
    if count == 0:
        return Structure((), (), likeness_BB)
    novelty = checkerboard(likeness_BB, min(KERNEL, max(count // 3, 1)))
    returns = _stripes(likeness_BB)
    starts = boundaries(novelty, _votes(returns, count), SHORTEST if count >= 12 else 2)
    sections = _joined(_lettered(likeness_BB, starts, novelty))
    return Structure(sections, _longest(returns), likeness_BB)


def bar_likeness(harmony_BX: Floats, sound_BD: Floats) -> Floats:
    """Likeness of each two bars [B, B], 0..1, from `bar_rows` of harmony and of sound."""
    unit = harmony_BX / (np.linalg.norm(harmony_BX, axis=1, keepdims=True) + 1e-9)
    harmony = np.clip((unit @ unit.T - UNLIKE) / (1 - UNLIKE), 0, 1)
    heard = sound_BD / np.maximum(sound_BD.std(axis=0), LEAST_SPREAD)
    squares = (heard**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * heard @ heard.T, 0) / max(heard.shape[1], 1)
    likeness = HARMONY_SHARE * harmony + (1 - HARMONY_SHARE) * np.exp(-apart / 2)
    np.fill_diagonal(likeness, 1.0)
    return np.asarray(likeness, np.float32)


def bar_rows(rows_KD: Floats, edges: Sequence[int]) -> Floats:
    """Rows of beats as rows of bars [B, Q * D]: the means of each bar's quarters; bar b has beats edges[b]..[b + 1]."""
    sums = np.concatenate([np.zeros((1, rows_KD.shape[1])), np.cumsum(rows_KD, axis=0, dtype=np.float64)])
    out = []
    for first, last in zip(edges, edges[1:], strict=False):
        cuts = np.linspace(first, last, QUARTERS + 1)
        at = np.array([np.interp(cuts, np.arange(len(sums)), column) for column in sums.T]).T
        out.append((np.diff(at, axis=0) / max((last - first) / QUARTERS, 1e-9)).ravel())
    return np.array(out).reshape(len(out), -1)


def checkerboard(likeness_BB: Floats, reach: int) -> Times:
    """How much a new section begins with each bar [B] (Foote 2000, with a Gaussian taper): likeness within the bars
    before and within those after it, less the likeness across; 0 at the ends."""
    count = len(likeness_BB)
    side = np.arange(-reach, reach) + 0.5
    taper = np.exp(-((side / reach) ** 2) * 2)
    kernel = np.outer(taper * np.sign(side), taper * np.sign(side))
    kernel /= np.abs(kernel).sum() / 2
    padded = np.pad(likeness_BB, reach, mode="reflect" if count > reach else "edge")
    novelty = np.array([(padded[at : at + 2 * reach, at : at + 2 * reach] * kernel).sum() for at in range(count)])
    novelty[0] = 0
    return novelty


def boundaries(novelty_B: Times, votes_B: Times, shortest: int) -> list[int]:
    """First bars of sections, 0 among them: the clearest first, none nearer than `shortest` to another.

    Where a passage begins or ends that returns elsewhere (`votes_B`) little novelty is enough; where passages return
    and none begins here, much is needed.
    """
    count = len(novelty_B)
    padded = np.pad(novelty_B, 1, constant_values=-1.0)
    peak = (padded[1:-1] >= padded[:-2]) & (padded[1:-1] > padded[2:])
    need = NOVEL * (WITHOUT_RETURN if votes_B.any() else 1.0)
    worth = novelty_B / NOVEL + votes_B
    kept = [0]
    for bar in np.argsort(-worth, kind="stable"):
        clear = votes_B[bar] >= 1 or (peak[bar] and novelty_B[bar] > need)
        if clear and all(abs(int(bar) - other) >= shortest for other in (*kept, count)):
            kept.append(int(bar))
    return sorted(kept)


def _votes(returns: list[Motif], count: int) -> Times:
    """How many edges of passages of a section's length that return lie on each bar [B]."""
    votes = np.zeros(count + 1)
    for motif in returns:
        if motif.bars >= SHORTEST:
            for edge in (motif.first, motif.first + motif.bars, motif.again, motif.again + motif.bars):
                votes[edge] += 1
    return votes[:count]


def _lettered(likeness_BB: Floats, starts: list[int], novelty_B: Times) -> tuple[FoundSection, ...]:
    """Sections with letters: that of the earlier section most alike it, or the next new one."""
    spans = list(zip(starts, [*starts[1:], len(likeness_BB)], strict=True))
    groups: list[list[int]] = []
    letters: list[int] = []
    for number, span in enumerate(spans):
        likes = [max(_alike(likeness_BB, spans[other], span) for other in group) for group in groups]
        best = int(np.argmax(likes)) if likes else -1
        if best >= 0 and likes[best] >= SAME:
            groups[best].append(number)
        else:
            groups.append([number])
            best = len(groups) - 1
        letters.append(best)
    clear = np.clip(novelty_B / (4 * NOVEL), 0, 1)
    clear[:1] = 1
    return tuple(
        FoundSection(first, last, letter_of(letter), float(clear[first]))
        for (first, last), letter in zip(spans, letters, strict=True)
    )


def letter_of(number: int) -> str:
    """A, B ... Z, AA, AB ..."""
    return (letter_of(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def _alike(likeness_BB: Floats, one: tuple[int, int], other: tuple[int, int]) -> float:
    """Mean likeness along the best diagonal of two sections' square, for the bars that the shorter one has."""
    block = likeness_BB[one[0] : one[1], other[0] : other[1]]
    if block.shape[0] > block.shape[1]:
        block = block.T
    short, long = block.shape
    return max(float(np.trace(block[:, shift : shift + short])) / short for shift in range(long - short + 1))


def _joined(sections: tuple[FoundSection, ...]) -> tuple[FoundSection, ...]:
    """Neighbours of one letter as one section, as long as it has no more than eight bars."""
    out: list[FoundSection] = []
    for section in sections:
        before = out[-1] if out else None
        if before and before.letter == section.letter and section.last - before.first <= 2 * SHORTEST:
            out[-1] = FoundSection(before.first, section.last, before.letter, before.confidence)
        else:
            out.append(section)
    return tuple(out)


def _stripes(likeness_BB: Floats) -> list[Motif]:
    """Every passage of two bars and more that returns: runs of like bars along the diagonals."""
    count = len(likeness_BB)
    found: list[Motif] = []
    for lag in range(1, count - 1):
        diagonal = np.diagonal(likeness_BB, lag)
        inside = np.concatenate([[False], diagonal >= ONE_BAR, [False]])
        edges = np.flatnonzero(np.diff(inside.astype(np.int8)))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            for start in range(first, last, lag):  # a passage does not overlap its return
                bars = min(int(last) - start, lag)
                mean = float(diagonal[start : start + bars].mean())
                if bars >= 2 and mean >= ALIKE:
                    found.append(Motif(start, start + lag, bars, mean))
    return found


def _longest(returns: list[Motif]) -> tuple[Motif, ...]:
    """The longest ones first, without those inside a longer one's."""
    kept: list[Motif] = []
    for motif in sorted(returns, key=lambda motif: (-motif.bars, -motif.likeness, motif.first, motif.again)):
        if len(kept) == MOST_MOTIFS:
            break
        if not any(_told(motif, other) for other in kept):
            kept.append(motif)
    return tuple(kept)


def _told(motif: Motif, other: Motif) -> bool:
    """Whether a kept motif's bars hold those of a shorter one, first or again."""

    def inside(start: int) -> bool:
        return any(
            begin <= start and start + motif.bars <= begin + other.bars for begin in (other.first, other.again)
        )

    return inside(motif.first) and inside(motif.again)
