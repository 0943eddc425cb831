"""Keys: a tonic and a mode, their scales, and the key that fits some chords best."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harmonicflow.core.errors import HarmonicFlowError

from .chords import ChordSpan, pitch_class
from .qualities import plain

MODES = ("major", "minor")
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_TONICS = {
    "major": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
_KEY = re.compile(r"\s*([A-Ga-g])(##|bb|#|b|)\s*(?:(major|maj|dur|M)|(minor|min|moll|m)|)\s*\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """A key: tonic as a pitch class (0 = C), mode "major" or "minor"."""

    tonic: int
    mode: str = "major"

    def __post_init__(self) -> None:
        if self.mode not in MODES or not 0 <= self.tonic < 12:
            raise HarmonicFlowError("bad_key", key=f"{self.tonic} {self.mode}")

    @property
    def name(self) -> str:
        return f"{_TONICS[self.mode][self.tonic]} {self.mode}"

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven pitch classes, from the tonic up (natural minor)."""
        return tuple((self.tonic + step) % 12 for step in _SCALES[self.mode])

    def __str__(self) -> str:
        return self.name


def parse_key(text: str) -> Key:
    """The key that "A minor", "F# major", "Bbm" or "E" names; raises `bad_key`."""
    match = _KEY.match(plain(text)) if len(text) <= 40 else None
    if match is None:
        raise HarmonicFlowError("bad_key", key=text[:40])
    return Key(pitch_class(match[1], match[2]), "minor" if match[4] else "major")


def key_of_chords(spans: Iterable[ChordSpan]) -> Key | None:
    """The key whose scale holds the chords' notes longest, tonic chords counting extra; None without chords."""
    spans = tuple(spans)
    if not spans:
        return None
    total = float(sum(span.duration for span in spans))

    def fit(key: Key) -> float:
        scale, score = set(key.scale), 0.0
        for place, span in enumerate(spans):
            chord = span.chord
            inside = sum(tone in scale for tone in chord.pitch_classes) / len(chord.pitch_classes)
            tonic = chord.root == key.tonic and chord.is_minor == (key.mode == "minor")
            score += float(span.duration) * (inside + 0.25 * tonic)
            score += 0.1 * total * (tonic and place in (0, len(spans) - 1))
        return score

    return max((Key(tonic, mode) for mode in MODES for tonic in range(12)), key=fit)
