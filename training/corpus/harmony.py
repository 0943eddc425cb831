"""Key, chords and mood of a song, read from its notes: labels for pieces that come without them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.score.chords import NOTE_NAMES

from .song import OFFSET, ONSET, PITCH, VELOCITY, Part

# Krumhansl and Kessler 1982, probe-tone ratings.
_MAJOR: Final = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR: Final = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])

_CHORDS: Final[dict[str, tuple[int, ...]]] = {
    "": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11),
    "sus4": (0, 5, 7), "dim": (0, 3, 6), "5": (0, 7),
}  # fmt: skip
_BARE: Final = 0.12  # taken off a fifth without a third: believed only where there is nothing else
_CHANGE_COST: Final = 0.25  # how much better a new chord must fit before it is believed


def chroma(part: Part, start_s: float, end_s: float) -> NDArray[np.float64]:
    """Seconds x loudness of each pitch class [12] sounding in a span."""
    sounding = np.clip(np.minimum(part[:, OFFSET], end_s) - np.maximum(part[:, ONSET], start_s), 0, None)
    weight = np.minimum(sounding, 2.0) * part[:, VELOCITY] / 127
    return np.bincount(part[:, PITCH].astype(int) % 12, weights=weight, minlength=12).astype(np.float64)


def find_key(parts: Sequence[Part]) -> str | None:
    """ "A minor" by correlation with the key profiles; None without notes."""
    total = sum((chroma(part, 0.0, 1e9) for part in parts), np.zeros(12))
    if total.sum() == 0:
        return None
    scores = [
        (float(np.corrcoef(np.roll(profile, tonic), total)[0, 1]), tonic, mode)
        for tonic in range(12)
        for profile, mode in ((_MAJOR, "major"), (_MINOR, "minor"))
    ]
    _, tonic, mode = max(scores)
    return f"{NOTE_NAMES[tonic]} {mode}"


def find_chords(
    parts: Sequence[Part], bass: Part | None, edges_s: NDArray[np.float64]
) -> tuple[tuple[float, float, str], ...]:
    """Chords over the spans between `edges_s`, by templates and a small cost of change (Viterbi).

    Neighbours of one name are joined; spans without notes have no chord.
    """
    names = [NOTE_NAMES[root] + suffix for root in range(12) for suffix in _CHORDS]
    templates = np.stack([_template(root, tones) for root in range(12) for tones in _CHORDS.values()])
    spans = list(zip(edges_s[:-1], edges_s[1:], strict=True))
    bare = np.array([_BARE if name.endswith("5") else 0.0 for name in names])
    fits = np.zeros((len(spans), len(names)))
    silent = np.zeros(len(spans), bool)
    for index, (start, end) in enumerate(spans):
        total = sum((chroma(part, start, end) for part in parts), np.zeros(12))
        if bass is not None:
            total = total + chroma(bass, start, end)
        silent[index] = total.sum() < 1e-6
        if not silent[index]:
            fits[index] = templates @ (total / np.linalg.norm(total)) - bare
            if bass is not None:
                low = chroma(bass, start, end)
                fits[index] += 0.15 * np.repeat(low / max(low.sum(), 1e-9), len(_CHORDS))
    path = _best_path(fits)
    out: list[tuple[float, float, str]] = []
    for index, (start, end) in enumerate(spans):
        if silent[index]:
            continue
        name = names[path[index]]
        if out and out[-1][2] == name and abs(out[-1][1] - start) < 1e-9:
            out[-1] = (out[-1][0], float(end), name)
        else:
            out.append((float(start), float(end), name))
    return tuple(out)


def _template(root: int, tones: tuple[int, ...]) -> NDArray[np.float64]:
    row = np.zeros(12)
    row[[(root + tone) % 12 for tone in tones]] = 1.0
    row[root] = 1.2  # a chord's root is heard more often than its fifth
    return np.asarray(row / np.linalg.norm(row))


def _best_path(fits: NDArray[np.float64]) -> list[int]:
    if not len(fits):
        return []
    score = fits[0].copy()
    back = np.zeros(fits.shape, int)
    for index in range(1, len(fits)):
        jump = int(np.argmax(score))
        moved = score[jump] - _CHANGE_COST
        stay = score >= moved
        back[index] = np.where(stay, np.arange(len(score)), jump)
        score = np.where(stay, score, moved) + fits[index]
    path = [int(np.argmax(score))]
    for index in range(len(fits) - 1, 0, -1):
        path.append(int(back[index, path[-1]]))
    return path[::-1]


def derived_emotion(
    parts: dict[str, Part], key: str | None, tempo_bpm: float | None, seconds: float
) -> tuple[float, float] | None:
    """(valence, arousal), each -1 to 1, from mode, tempo, density and loudness. Derived, not felt."""
    notes = np.concatenate(list(parts.values())) if parts else np.zeros((0, 4))
    if not len(notes):
        return None
    pace = 0.0 if tempo_bpm is None else np.clip(np.log2(tempo_bpm / 110.0), -1, 1)
    density = np.clip(np.log2(max(len(notes) / seconds, 0.1) / 8.0) / 2, -1, 1)
    loudness = np.clip((notes[:, VELOCITY].mean() - 80) / 40, -1, 1)
    mode = 0.0 if key is None else (-0.5 if key.endswith("minor") else 0.5)
    valence = np.clip(mode + 0.3 * pace, -1, 1)
    arousal = np.clip(0.45 * pace + 0.35 * density + 0.3 * loudness, -1, 1)
    return round(float(valence), 3), round(float(arousal), 3)
