"""How a musician wants the notes to be: what a request says beside chords, genre and emotion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS

from .score import Score

if TYPE_CHECKING:
    from harmonicflow.core import messages

COMPOSERS: Final = ("auto", "model", "arranger")
ALL: Final = ""  # the name that stands for every part without a row of its own


@dataclass(frozen=True)
class Steering:
    """What is left out is the composer's choice. Shares are 0..1, by part; "" stands for all others.

    Raises `bad_steering`, `unknown_stem`.
    """

    density: Mapping[str, float] = field(default_factory=dict)  # 0 few notes, 1 many
    complexity: Mapping[str, float] = field(default_factory=dict)  # 0 on the beats, 1 off them
    swing: float | None = None  # 0 straight, 1 triplets
    quantize: float | None = None  # of the timing: 0 as played, 1 on the grid
    energy: tuple[float, ...] = ()  # a curve from the first bar to the last, in straight lines
    loudness: float | None = None
    register: float | None = None  # 0 low, 1 high
    temperature: float | None = None  # of the learned composer: 0 likely notes, 0.5 as its bundle says, 1 daring
    follow: str = ""  # whose strokes the bass follows; of the drums, the kick
    answer: str = ""  # the part that the others leave room for and answer
    composer: str = "auto"  # "model", "arranger"
    like: Score | None = None  # whose motifs and groove to play
    groove: Score | None = None  # whose timing and accents to play

    def __post_init__(self) -> None:
        for name in ("density", "complexity"):
            for part, value in getattr(self, name).items():
                _check_part(part)
                _check_share(name, value)
        for name in ("swing", "quantize", "loudness", "register", "temperature"):
            if getattr(self, name) is not None:
                _check_share(name, getattr(self, name))
        for value in self.energy:
            _check_share("energy", value)
        _check_part(self.follow)
        _check_part(self.answer)
        if self.follow == "bass":
            raise HarmonicFlowError("bad_steering", what="follow", value="bass", reason="it is the bass that follows")
        if self.composer not in COMPOSERS:
            reason = f"there are {', '.join(COMPOSERS)}"
            raise HarmonicFlowError("bad_steering", what="composer", value=self.composer, reason=reason)

    @classmethod
    def of(cls, message: messages.Steering | None, like: Score | None = None, groove: Score | None = None) -> Steering:
        """The steering that a request carries."""
        if message is None:
            return cls(like=like, groove=groove)
        said = {row.name: getattr(message, row.name) for row in fields(cls) if row.name not in ("like", "groove")}
        return cls(**said, like=like, groove=groove)

    def message(self) -> messages.Steering:
        """The part of it that a request's field `steering` carries: all but the scores."""
        from harmonicflow.core.messages import Steering as Message

        rows = (row.name for row in fields(self) if row.name not in ("like", "groove"))
        said = {name: getattr(self, name) for name in rows}
        return Message(**said | {"density": dict(self.density), "complexity": dict(self.complexity)})

    def share(self, name: str, part: str) -> float | None:
        """What is asked of one part: `name` is density, complexity, loudness or register; None: nothing."""
        asked = getattr(self, name)
        if isinstance(asked, Mapping):
            value: float | None = asked.get(part, asked.get(ALL))
            return value
        return None if asked is None else float(asked)

    def energy_at(self, share: float) -> float | None:
        """The energy curve at a share 0..1 of the range; None without one."""
        if not self.energy:
            return None
        place = min(max(share, 0.0), 1.0) * (len(self.energy) - 1)
        low = min(int(place), len(self.energy) - 1)
        high = min(low + 1, len(self.energy) - 1)
        return self.energy[low] + (place - low) * (self.energy[high] - self.energy[low])

    def mean(self, name: str, rest: float) -> float:
        """A share for a composer that knows one for all parts: the mean of what is asked, `rest` for the others."""
        asked = [self.share(name, part) for part in INSTRUMENTS]
        return sum(rest if value is None else value for value in asked) / len(asked)


def _check_share(what: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise HarmonicFlowError("bad_steering", what=what, value=value, reason="it goes from 0 to 1")


def _check_part(name: str) -> None:
    if name != ALL and name not in INSTRUMENTS:
        raise HarmonicFlowError("unknown_stem", stem=name, known=", ".join(INSTRUMENTS))
