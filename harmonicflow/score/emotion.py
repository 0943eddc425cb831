"""What an emotion asks of the notes: from valence and arousal, each -1..1, to targets that composers aim at.

Each row is a straight line in valence and arousal, so a sweep of either moves its target one way. The signs, and which
of the two moves a row more, are those on which these reviews of listening experiments agree:

    [GL]  Gabrielsson and Lindström, The role of structure in the musical expression of emotions, in Handbook of Music
          and Emotion, 2010
    [JL]  Juslin and Laukka, Expression, perception, and induction of musical emotions, Journal of New Music Research
          33(3), 2004
    [LM]  Livingstone, Muhlberger, Brown and Thompson, Changing musical emotion: a computational rule system for
          modifying score and performance, Computer Music Journal 34(1), 2010

The sizes are ours: the ends of the plane stay inside what a genre's players do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from harmonicflow.core.constants import GENRES

Emotion = tuple[float, float]


class Line(NamedTuple):
    """A target: at rest (0, 0), by valence, by arousal, and who says so."""

    rest: float
    valence: float
    arousal: float
    source: str


LINES: Final[dict[str, Line]] = {
    # Log2 of the tempo over the genre's usual one. Fast is happy, excited, angry; slow is sad, calm, tender.
    "tempo": Line(0.0, 0.10, 0.35, "GL, JL, LM"),
    # Controls, in standard deviations among songs (typical.SPREAD).
    "density": Line(0.0, 0.2, 1.6, "GL: activity; LM: note density is faster tempo without the tempo"),
    "complexity": Line(0.0, -0.5, 0.6, "GL, LM: regular and simple is glad or calm, irregular uneasy or angry"),
    "register": Line(0.0, 1.2, 1.2, "GL, JL: high is happy, graceful, surprised; low is sad, serious"),
    "loudness": Line(0.0, 0.15, 1.6, "GL, JL, LM: loud is intense, angry, joyful; soft is sad, tender, peaceful"),
    # Log2 of the notes' lengths: staccato is lively, legato solemn, sad or tender.
    "articulation": Line(0.0, -0.05, -0.35, "GL, JL, LM"),
    # Of a bar in the form's plan.
    "energy": Line(0.5, 0.05, 0.28, "GL, LM"),
}
MAJOR_FROM: Final = 0.0
"""Valence from which a progression that nobody named is major: major is happy and calm, minor sad and angry (all)."""

# Quarter notes a minute, slowest, usual and fastest, as records of the genre commonly have them.
TEMPI: Final[dict[str, tuple[float, float, float]]] = {
    "rock": (84, 120, 168), "pop": (72, 108, 138), "funk": (84, 104, 126), "jazz": (72, 132, 220),
    "latin": (84, 112, 184), "soul": (64, 92, 124), "hiphop": (68, 88, 104), "blues": (56, 96, 144),
    "reggae": (62, 76, 96), "country": (76, 112, 164), "afrobeat": (92, 110, 128), "electronic": (100, 124, 144),
    "metal": (92, 140, 200),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Targets:
    """What an emotion asks for: differences from what would be played without it, but for `energy`."""

    tempo: float  # factor of the genre's usual tempo
    density: float  # these four: standard deviations by which the control of that name moves
    complexity: float
    register: float
    loudness: float
    articulation: float  # factor of the notes' lengths
    energy: float  # 0..1
    mode: str  # "major" or "minor"

    @classmethod
    def of(cls, emotion: Emotion | None) -> Targets:
        """The targets of an emotion; those at rest for none."""
        valence, arousal = (min(max(axis, -1.0), 1.0) for axis in emotion or (0.0, 0.0))
        value = {name: line.rest + line.valence * valence + line.arousal * arousal for name, line in LINES.items()}
        return cls(
            tempo=2.0 ** value["tempo"], density=value["density"], complexity=value["complexity"],
            register=value["register"], loudness=value["loudness"], articulation=2.0 ** value["articulation"],
            energy=value["energy"], mode="major" if valence >= MAJOR_FROM else "minor",
        )  # fmt: skip


def preferred_bpm(genre: str, emotion: Emotion | None = None) -> float:
    """The tempo a genre has with an emotion, in quarter notes a minute; inside the genre's range, rising all the way.

    An unknown genre has that of pop. The log of the tempo bends towards the range's ends without reaching them.
    """
    slowest, usual, fastest = TEMPI.get(genre, TEMPI["pop"])
    wanted = Targets.of(emotion).tempo
    room = fastest / usual if wanted >= 1 else usual / slowest
    share = abs(wanted - 1) if wanted >= 1 else 1 / wanted - 1
    bent = 1 + (room - 1) * share / (share + (room - 1))
    return round(usual * bent if wanted >= 1 else usual / bent, 2)


if set(TEMPI) != set(GENRES):
    raise ImportError("every genre has a range of tempi")
