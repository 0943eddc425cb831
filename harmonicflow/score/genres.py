"""Genres by name: the style that is played, and the genre that a network of four knows it by."""

from __future__ import annotations

from typing import Final

from harmonicflow.core.constants import GENRES, HEARD_GENRES
from harmonicflow.core.errors import HarmonicFlowError

from .styles import STYLES

__all__ = ["STYLES", "nearest_arranged", "nearest_heard"]

_NEAREST: Final = {
    "latin": "pop", "soul": "funk", "hiphop": "funk", "blues": "rock", "reggae": "pop", "country": "pop",
    "afrobeat": "funk", "electronic": "pop", "metal": "rock",
}  # fmt: skip

if set(_NEAREST) | set(HEARD_GENRES) != set(GENRES) or not set(_NEAREST.values()) <= set(HEARD_GENRES):
    raise ImportError("the nearest genres and the genre tables contradict each other")


def nearest_arranged(genre: str) -> str:
    """The genre that the arranger plays when asked for `genre`: itself; raises `unknown_genre`."""
    if genre not in STYLES:
        raise HarmonicFlowError("unknown_genre", genre=genre, known=", ".join(GENRES))
    return genre


def nearest_heard(genre: str) -> str:
    """The nearest of `HEARD_GENRES`, for networks that were told of no others; raises `unknown_genre`."""
    return genre if genre in HEARD_GENRES else _NEAREST[nearest_arranged(genre)]
