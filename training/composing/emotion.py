"""Does the mood that is asked for move the music the way the literature says?

Gabrielsson and Lindstrom 2010 (Handbook of Music and Emotion, ch. 14) review a century of studies: major mode goes with
happiness, minor with sadness; high pitch with happiness and excitement, low with sadness; fast, loud and dense with
high arousal, slow and soft with low. Juslin and Laukka 2004 (J. New Music Research 33) list the same cues of
performers: happiness fast, rather loud, high; anger fast and loud; sadness slow, soft, low; tenderness slow and soft.
Livingstone et al. 2010 (Computer Music Journal 34) changed scores by such rules and listeners heard the intended
quadrant: mode and pitch height for valence, tempo, loudness and pace for arousal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from harmonicflow.score.arrange import Composer
from harmonicflow.score.emotion import preferred_bpm
from harmonicflow.score.keys import key_of_chords

from ..corpus.harmony import find_key
from .harmony import PITCHED
from .pieces import DURATION, PITCH, START, VELOCITY, Floats, Piece, chords_of
from .players import Deaf, free_request, made

LEVELS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
BARS: Final = 8
GENRES: Final = ("pop", "rock", "jazz")
DIRECTIONS: Final = {  # (what is measured, what is swept): it must rise with it
    ("mode", "valence"): "more pieces in major",
    ("register", "valence"): "higher",
    ("tempo", "valence"): "a faster tempo is preferred",
    ("tempo", "arousal"): "a faster tempo is preferred",
    ("density", "arousal"): "more onsets a beat",
    ("loudness", "arousal"): "louder",
}
SLACK: Final = 0.05  # of the range of the levels' means: a fall this small is chance, as ties are no fall
SURE: Final = 3.0  # standard errors that the pieces' rank correlation must lie above none


def measured(piece: Piece) -> dict[str, float]:
    """What a piece shows of its mood."""
    pitched = [piece.part(name) for name in PITCHED if len(piece.part(name))]
    every = [part for part in piece.parts.values() if len(part)]
    if not every:
        return {}
    notes = np.concatenate(every)
    onsets = sum(len(np.unique(np.round(part[:, START] * 12))) for part in every)
    out = {"density": onsets / piece.beats, "loudness": float(notes[:, VELOCITY].mean())}
    if pitched:
        upper = np.concatenate([piece.part(name) for name in PITCHED if name != "bass"] or pitched)
        out["register"] = float(np.average(upper[:, PITCH], weights=upper[:, DURATION]) if len(upper) else 0.0)
        out["mode"] = float(mode_of(piece, pitched) == "major")
    return out


def mode_of(piece: Piece, parts: Sequence[Floats]) -> str:
    """Major or minor, by the chords that were written; without any by the key profiles of Krumhansl and Kessler."""
    key = key_of_chords(chords_of(piece))
    if key is not None:
        return key.mode
    songs = [
        np.column_stack([part[:, START], part[:, START] + part[:, DURATION], part[:, PITCH], part[:, VELOCITY]])
        for part in parts
    ]
    return (find_key(songs) or "C major").split()[1]


def sweep(composer: Composer, seeds: int) -> Iterator[dict[str, Any]]:
    """One row a piece: valence, arousal and what it shows."""
    for genre in GENRES:
        for valence in LEVELS:
            for arousal in LEVELS:
                for seed in range(seeds):
                    request = free_request(genre, BARS, seed, (valence, arousal))
                    row: dict[str, Any] = {"valence": valence, "arousal": arousal, "of": (genre, seed)}
                    heard = (request.emotion or (0.0, 0.0)) if not isinstance(composer, Deaf) else (0.0, 0.0)
                    yield row | measured(made(composer, request).piece) | {"tempo": preferred_bpm(genre, heard)}


def verdict(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each expected direction the five levels' means, and the rank correlation of all pieces and of the means."""
    out = []
    for (what, swept), means in DIRECTIONS.items():
        kept = [row for row in rows if what in row]
        if not kept:
            continue
        levels = [float(np.mean([row[what] for row in kept if row[swept] == level])) for level in LEVELS]
        correlation = spearman([row[swept] for row in kept], apart(kept, what, swept))
        out.append({
            "what": what, "with": swept, "means": means, "at": list(LEVELS),
            "levels": [round(level, 4) for level in levels], "rank_correlation": round(correlation, 3),
            "pieces": len(kept),
            "monotonic": rises(levels) and correlation > SURE / max(len(kept) - 1, 1) ** 0.5,
        })  # fmt: skip
    return out


def apart(rows: list[dict[str, Any]], what: str, swept: str) -> list[float]:
    """What each piece shows beside the mean of those that differ from it in nothing but the level swept."""
    other = "arousal" if swept == "valence" else "valence"
    groups: dict[Any, list[float]] = {}
    for row in rows:
        groups.setdefault((row["of"], row[other]), []).append(row[what])
    return [row[what] - float(np.mean(groups[row["of"], row[other]])) for row in rows]


def rises(levels: Sequence[float]) -> bool:
    """Whether no level falls below the one before it by more than a small part of the whole rise."""
    steps = np.diff(levels)
    return bool(levels[-1] > levels[0] and steps.min() >= -SLACK * (max(levels) - min(levels)))


def spearman(a: Sequence[float], b: Sequence[float] | Floats) -> float:
    """Rank correlation with ties at their mean rank; 0 where nothing varies."""
    ranks = []
    for values in (np.asarray(a, np.float64), np.asarray(b, np.float64)):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(count) - (count - 1) / 2)[place])
    if min(float(row.std()) for row in ranks) < 1e-12:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
