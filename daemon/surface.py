"""The surface: what a controller's knobs stand at, and where the transport is. No doors, no disk; the clock is given.

The daemon plays nothing itself: it keeps the time, and who subscribes (see surface_subscribers.py) plays. The macros
count from when one of them is moved until /harmonicflow/reset; before that the composer chooses.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from harmonicflow.core.osc import MAX_BEAT, Value

Arguments: TypeAlias = dict[str, Value]

BPM: Final = 120.0  # until a tempo is set
BARS: Final = 8
MIDDLE: Final = 0.5  # what density and temperature are shown at while they are the composer's choice

# What each command moves: the messages that subscribers are sent then. The first is the one that its widget shows.
MOVES: Final[dict[str, tuple[str, ...]]] = {
    "valence": ("valence", "emotion", "macros"),
    "arousal": ("arousal", "emotion", "macros"),
    "emotion": ("emotion", "valence", "arousal", "macros"),
    "density": ("density", "macros"),
    "temperature": ("temperature", "macros"),
    "bars": ("bars",),
    "genre": ("genre",),
    "key": ("key",),
    "reset": ("macros", "valence", "arousal", "emotion", "density", "temperature", "genre", "key"),
    "play": ("transport", "play", "stop"),
    "stop": ("transport", "play", "stop"),
    "continue": ("transport", "play", "stop"),
    "transport": ("transport", "play", "stop"),
    "locate": ("transport",),
    "tempo": ("tempo", "transport"),
    "head": ("head", "head/yaw", "head/pitch", "head/roll"),
    "head/yaw": ("head/yaw", "head"),
    "head/pitch": ("head/pitch", "head"),
    "head/roll": ("head/roll", "head"),
}
# Where a widget shows what it sent, its own subscriber is not told again: a fader under a finger would jump back.
OWN: Final = frozenset(
    ("valence", "arousal", "emotion", "density", "temperature", "bars", "genre", "key", "tempo",
     "head/yaw", "head/pitch", "head/roll")
)  # fmt: skip
SHOWN: Final = tuple(dict.fromkeys(name for names in MOVES.values() for name in names))


@dataclass
class Surface:
    """What the knobs stand at. Angles in degrees, tempo in quarter notes a minute."""

    clock: Callable[[], float] = time.monotonic
    tempo: float = BPM
    playing: bool = False
    emotion: tuple[float, float] | None = None  # valence, arousal; None: the composer's choice
    density: float | None = None
    temperature: float | None = None
    bars: int = BARS  # of new takes
    genre: str = ""
    key: str = ""
    head: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # yaw, pitch, roll
    _beat: float = 0.0  # at `_since`
    _since: float = 0.0

    @property
    def beat(self) -> float:
        """Where the transport is now, in quarter notes from the take's first frame."""
        passed = (self.clock() - self._since) * self.tempo / 60 if self.playing else 0.0
        return min(self._beat + passed, float(MAX_BEAT))

    def move(self, name: str, arguments: Arguments) -> tuple[str, ...]:
        """Do what a command of `MOVES` says; the messages that tell of it, of those that now carry something else.

        What is the same is not told again: of two programs that tell each other, one stops.
        """
        before = {each: self.values(each) for each in MOVES[name] if each != "transport"}
        self._move(name, arguments)
        return tuple(each for each in MOVES[name] if each not in before or before[each] != self.values(each))

    def _move(self, name: str, arguments: Arguments) -> None:
        numbers = [float(value) for value in arguments.values() if not isinstance(value, str)]
        if name in ("valence", "arousal"):
            valence, arousal = self.emotion or (0.0, 0.0)
            self.emotion = (numbers[0], arousal) if name == "valence" else (valence, numbers[0])
        elif name == "emotion":
            self.emotion = (numbers[0], numbers[1])
        elif name == "density":
            self.density = numbers[0]
        elif name == "temperature":
            self.temperature = numbers[0]
        elif name == "bars":
            self.bars = int(numbers[0])
        elif name == "genre":
            self.genre = str(arguments["genre"])
        elif name == "key":
            self.key = str(arguments["key"])
        elif name == "reset":
            self.emotion = self.density = self.temperature = None
            self.genre = self.key = ""
        elif name == "head":
            self.head = numbers
        elif name.startswith("head/"):
            self.head[("head/yaw", "head/pitch", "head/roll").index(name)] = numbers[0]
        else:
            self._transport(name, numbers)

    def _transport(self, name: str, numbers: list[float]) -> None:
        self._beat, self._since = self.beat, self.clock()
        if name == "play":
            self._beat, self.playing = 0.0, True
        elif name == "locate":
            self._beat = numbers[0]
        elif name == "tempo":
            self.tempo = numbers[0]
        else:
            self.playing = name == "continue" or (name == "transport" and bool(numbers[0]))

    def values(self, name: str) -> tuple[Value, ...]:
        """What the message `name` of `SHOWN` carries now."""
        valence, arousal = self.emotion or (0.0, 0.0)
        density = MIDDLE if self.density is None else self.density
        temperature = MIDDLE if self.temperature is None else self.temperature
        shown: dict[str, tuple[Value, ...]] = {
            "transport": (int(self.playing), self.beat, self.tempo),
            "play": (int(self.playing),),
            "stop": (int(not self.playing),),
            "tempo": (self.tempo,),
            "macros": (valence, arousal, density, temperature),
            "valence": (valence,),
            "arousal": (arousal,),
            "emotion": (valence, arousal),
            "density": (density,),
            "temperature": (temperature,),
            "bars": (self.bars,),
            "genre": (self.genre,),
            "key": (self.key,),
            "head": tuple(self.head),
            "head/yaw": (self.head[0],),
            "head/pitch": (self.head[1],),
            "head/roll": (self.head[2],),
        }
        return shown[name]
