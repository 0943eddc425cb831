"""Free words to genre and mood, and a sentence that says what was understood and what was not.

Phrases of vocabulary.py are looked up in the prompt, the longest first; each word is used once. A longer phrase
counts for more ("slap bass" outweighs "pop"), the genre's own name for most. "not", "no", "without" turn what
follows them off.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError

from .vocabulary import GENRE_WORDS, MOODS, NEGATIONS, PASSED_OVER, STRONGER, WEAKER

NAME_WEIGHT: Final = 3.0
LONGEST_PHRASE: Final = 4  # words
NEGATION_REACH: Final = 3  # words
LONGEST_PROMPT: Final = 2000  # characters; what comes after is not read


@dataclass(frozen=True)
class Understood:
    """What a prompt was taken to mean. Phrases are as the vocabulary spells them."""

    genre: str | None = None
    genre_phrases: tuple[str, ...] = ()
    mood: str | None = None
    mood_phrases: tuple[str, ...] = ()
    emotion: tuple[float, float] | None = None  # valence, arousal, each -1..1
    left_out: tuple[str, ...] = ()  # "not ..."
    unknown: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """One line for the reply, empty for an empty prompt."""
        said = []
        if self.genre:
            said.append(f"genre {self.genre} (from {_listed(self.genre_phrases)})")
        if self.mood:
            said.append(f"mood {self.mood} (from {_listed(self.mood_phrases)})")
        if self.left_out:
            said.append(f"left out {_listed(self.left_out)}")
        if self.unknown:
            said.append(f"not understood: {_listed(self.unknown)}")
        return "; ".join(said)


def _listed(phrases: tuple[str, ...]) -> str:
    return ", ".join(f'"{phrase}"' for phrase in phrases)


def mood_emotion(mood: str) -> tuple[float, float]:
    """(valence, arousal) of a named mood; raises `unknown_mood`."""
    try:
        valence, arousal, _ = MOODS[mood.strip().lower()]
    except KeyError:
        raise HarmonicFlowError("unknown_mood", mood=mood[:40], known=", ".join(MOODS)) from None
    return valence, arousal


def nearest_mood(emotion: tuple[float, float]) -> str:
    """The named mood next to a point of the valence-arousal plane."""
    return min(MOODS, key=lambda name: math.dist(MOODS[name][:2], emotion))


def understand(prompt: str) -> Understood:
    """Genre, mood and emotion that a prompt asks for; what is not asked for is None."""
    words = _words(prompt)
    genre_scores: dict[str, float] = {}
    genre_phrases: dict[str, list[str]] = {}
    moods: list[tuple[str, float, str]] = []
    left_out: list[str] = []
    unknown: list[str] = []
    at = 0
    while at < len(words):
        length, phrase = _phrase_at(words, at)
        before = words[max(0, at - NEGATION_REACH) : at]
        if length == 0:
            if words[at] not in PASSED_OVER | STRONGER | WEAKER | NEGATIONS and not words[at].isdigit():
                unknown.append(words[at])
            at += 1
            continue
        at += length
        if NEGATIONS & set(before):
            left_out.append(phrase)
            continue
        for name, weight in _genres_of().get(phrase, ()):
            genre_scores[name] = genre_scores.get(name, 0.0) + weight
            genre_phrases.setdefault(name, []).append(phrase)
        if phrase in _moods_of():
            strength = 1.3 if STRONGER & set(before[-2:]) else 0.6 if WEAKER & set(before[-2:]) else 1.0
            moods.append((_moods_of()[phrase], strength, phrase))
    # Ties go to the genre named first in the prompt: dictionaries keep that order.
    genre = max(genre_scores, key=lambda name: genre_scores[name], default=None)
    emotion = _mean_emotion(moods)
    return Understood(
        genre=genre,
        genre_phrases=tuple(genre_phrases[genre]) if genre else (),
        mood=nearest_mood(emotion) if emotion else None,
        mood_phrases=tuple(phrase for _, _, phrase in moods),
        emotion=emotion,
        left_out=tuple(left_out),
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _mean_emotion(moods: list[tuple[str, float, str]]) -> tuple[float, float] | None:
    if not moods:
        return None
    weighted = [(MOODS[name].valence * strength, MOODS[name].arousal * strength) for name, strength, _ in moods]
    valence, arousal = (sum(axis) / len(moods) for axis in zip(*weighted, strict=True))
    return round(max(-1.0, min(1.0, valence)), 3), round(max(-1.0, min(1.0, arousal)), 3)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w&']+", text[:LONGEST_PROMPT].lower().replace("-", " "))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _phrase_at(words: list[str], at: int) -> tuple[int, str]:
    """The longest known phrase at a place: its length in words (0 = none) and its spelling in the vocabulary."""
    known = _spellings()
    for length in range(min(LONGEST_PHRASE, len(words) - at), 0, -1):
        phrase = words[at : at + length]
        for key in (" ".join(phrase), " ".join(_singular(word) for word in phrase)):
            if key in known:
                return length, known[key]
    word = _singular(words[at])
    if len(word) >= 5 and words[at] not in PASSED_OVER | STRONGER | WEAKER | NEGATIONS:
        near = get_close_matches(word, known, n=1, cutoff=0.83)
        if near:
            return 1, known[near[0]]
    return 0, ""


@lru_cache(maxsize=1)
def _genres_of() -> dict[str, tuple[tuple[str, float], ...]]:
    """Phrase to the genres that list it and its weight there: one a word, three for the genre's name."""
    found: dict[str, list[tuple[str, float]]] = {}
    for genre in GENRES:
        for phrase in GENRE_WORDS[genre]:
            name = phrase.replace(" ", "") == genre
            weight = NAME_WEIGHT if name else 1.0 + 0.5 * phrase.count(" ")
            found.setdefault(phrase, []).append((genre, weight))
    return {phrase: tuple(rows) for phrase, rows in found.items()}


@lru_cache(maxsize=1)
def _moods_of() -> dict[str, str]:
    return {phrase: mood for mood, row in MOODS.items() for phrase in (*row.words, mood)}


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    """Each known phrase, and its singular form where that is no phrase itself ("blue" is not the blues)."""
    phrases = (*_genres_of(), *_moods_of())
    singular = {" ".join(_singular(word) for word in phrase.split()): phrase for phrase in phrases}
    return singular | {phrase: phrase for phrase in phrases}
