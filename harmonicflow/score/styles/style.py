"""What a style is: the tables that its four players read.

A pattern has four characters (steps) for each of its four pulses, for one turn or for two; `.` is nothing. Grooves of
three pulses play the first, second and fourth, unless the table has a pattern of its own. Where pulses divide by three
(12/8) the steps are folded into thirds, unless the table has a pattern of twelve.

    kick    x a kick, X a loud one, g a feathered one
    snare   X loud, x normal, g ghost note, r cross-stick, c clap, C loud clap, h m l toms
    hand    h closed hat, o open hat, r ride, b bell, s stick on the shell, a shaker, t tambourine, z crash; capitals
            are accents. A name instead of a pattern is a row of `drums.CYMBALS`
    foot    p the hat's pedal
    fills   s snare, g ghost, h m l toms, k kick, c crash, o open hat, b clap; two pulses
    bass    R root, 8 octave above, 5 fifth, 3 third, 6 sixth, 7 seventh, g dead note, a approach to what comes,
            n root of the chord that comes within a pulse, w walking step, k wherever the kick drum plays, - silence
    guitar  D downstroke, U upstroke, m muted scratch, P power chord, p palm-muted power chord, q short shell chord,
            c chop on the high strings, n next note of an arpeggio, b and f the thumb on the lowest string and the next,
            s root and fifth, S root and sixth
    piano   B both hands, L left hand, R right hand, r right hand softly, o octaves, n next note of an arpeggio, N the
            same in octaves; a left hand of its own: L its chord, and 1 3 5 6 8 single notes
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..pulses import Pulse

MARKS: Final = {
    "kick": ".xXg", "snare": ".XxgrcChml", "hand": ".horbsatzHORBSATZ", "foot": ".p", "bass": ".R85367gankw-",
    "guitar": ".DUmPpqcnbfsS", "piano": ".BLRronN", "left": ".L13568",
}  # fmt: skip


class Row(NamedTuple):
    """One line of a pattern over four pulses, over three, and over four that divide by three."""

    four: str
    three: str = ""
    twelve: str = ""

    def cell(self, pulse: Pulse, turn: int) -> str:
        """The characters of one pulse in a turn of the pattern: four, or three where a `twelve` is read."""
        if pulse.compound and self.twelve:
            slot = pulse.slot if pulse.size == 4 else (0, 1, 3)[pulse.slot]
            return self.twelve[3 * slot : 3 * slot + 3]
        own = self.three if pulse.size == 3 else self.four
        text, slot, width = own, pulse.slot, 4 * pulse.size
        if not own:
            text, slot, width = self.four, (0, 1, 3)[pulse.slot], 16
        at = turn % (len(text) // width) * width + 4 * slot
        return text[at : at + 4]


class Groove(NamedTuple):
    """One drum pattern; energy 0..1 is where it feels at home."""

    energy: float
    kick: str
    snare: str
    hand: str
    kick3: str = ""
    snare3: str = ""
    foot: str = ""
    kick12: str = ""
    snare12: str = ""
    hand12: str = ""

    def row(self, name: str) -> Row:
        """The line of one limb."""
        three = {"kick": self.kick3, "snare": self.snare3}.get(name, "")
        twelve = {"kick": self.kick12, "snare": self.snare12, "hand": self.hand12}.get(name, "")
        four = {"kick": self.kick, "snare": self.snare, "hand": self.hand, "foot": self.foot}[name]
        return Row(four, three, twelve)

    @property
    def off_beat(self) -> float:
        return off_beat(self.kick + self.snare)

    @property
    def onsets(self) -> int:
        """Steps of four pulses on which anything is struck."""
        written = len(self.hand) >= 16
        every = 2 if written else 16 // int(self.hand.strip("abcdefghijklmnopqrstuvwxyz") or 6)
        hand = self.hand[:16] if written else "".join("x" if step % every == 0 else "." for step in range(16))
        return steps(self.kick, self.snare, hand, self.foot)


def steps(*patterns: str) -> int:
    """Steps of one turn on which at least one of the patterns has something."""
    return sum(any(pattern[step : step + 1] not in ("", ".", "-") for pattern in patterns) for step in range(16))


def off_beat(pattern: str) -> float:
    """How far a pattern's strokes lie from the pulses: 0 all on them, 1 all on odd steps."""
    places = [place % 4 for place, mark in enumerate(pattern) if mark != "."]
    return sum((0.0, 1.0, 0.5, 1.0)[place] for place in places) / max(len(places), 1)


class Line(NamedTuple):
    """One pattern of a pitched part; `left` is the pianist's left hand where it has a line of its own."""

    energy: float
    four: str
    three: str = ""
    twelve: str = ""
    left: str = ""

    @property
    def row(self) -> Row:
        return Row(self.four, self.three, self.twelve)

    @property
    def off_beat(self) -> float:
        return off_beat(self.four)

    @property
    def onsets(self) -> int:
        """Steps of four pulses on which a note is struck; a bass with the kick has about three."""
        return 3 if "k" in self.four else steps(self.four, self.left)


class Kit(NamedTuple):
    """The drummer."""

    grooves: tuple[Groove, ...]
    fills: tuple[str, ...]
    ghosts: float  # density of ghost notes
    kicks: float = 0.07  # how readily a kick is added
    free: bool = False  # answers the band anew in every bar, on the ride; others keep a section's groove
    fill_level: float = 1.0
    late_ms: float = 3.0  # how far a backbeat leans back


class BassLines(NamedTuple):
    """The bass player."""

    lines: tuple[Line, ...]
    held: float  # share of the time to the next note that a note sounds
    short: str = ""  # marks that are played shorter
    locks: bool = True  # moves offbeats onto the kick drum and joins some of its notes
    loose: bool = False  # a chord's root may come within the chord's first pulse, or before it


class GuitarLines(NamedTuple):
    """The guitarist."""

    lines: tuple[Line, ...]
    shape: str  # row of fretboard.SHAPES
    first: str  # struck where a chord begins and the pattern has nothing
    share: float = 0.95  # of the time to the next stroke that a chord sounds
    longest_s: float = 5.0
    loose: bool = False  # a chord may be struck first within its first pulse
    order: tuple[int, ...] = (0, 2, 3, 4, 3, 2)  # strings of an arpeggio, counted from the shape's lowest
    fastest_s: float = 0.09  # steps shorter than this lose their odd strokes
    note_s: float = 9.0  # longest a plucked note rings


class Register(NamedTuple):
    """Where the right hand plays: within [low, high], its highest note around `top`."""

    low: int
    high: int
    top: int
    size: int  # notes in the right hand


class PianoLines(NamedTuple):
    """The pianist; `beside` is the register beside a guitar."""

    lines: tuple[Line, ...]
    first: str
    alone: Register
    beside: Register
    share: float
    longest_s: float
    loose: bool = False
    rooted: bool = True  # plain chords keep their root beside a bass player
    rings: bool = False  # the left hand rings until the chord changes
    shells: bool = False  # the left hand holds third and seventh, and plays along with the right


class Style(NamedTuple):
    """One genre. Times in milliseconds are how far a part lies behind (+) or before (-) the grid."""

    name: str
    tempo: tuple[float, float]  # quarter notes a minute that suit
    pulse_window: tuple[float, float]  # pulses a minute that feel right; outside, half- or double-time
    swing: float  # 0 straight, 1 fully swung eighths
    sixteenths: float  # share of an eighth that its first sixteenth gets
    minor: float  # how often a piece is in minor where nobody says
    push: float  # how readily chords are anticipated
    lag_ms: dict[str, float]
    drums: Kit
    bass: BassLines
    guitar: GuitarLines
    piano: PianoLines
    level: float = 1.0  # loudness against other styles
    openers: tuple[str, ...] = ("drums", "guitar", "piano", "bass")  # who is likely to begin, and to come in last
    looseness: float = 1.0  # how uneven the players' timing is


def checked(style: Style) -> Style:
    """The style, if all its patterns are whole; raises ImportError."""
    for groove in style.drums.grooves:
        for name in ("kick", "snare", "hand", "foot"):
            if name != "hand" or len(groove.hand) >= 16:
                _check(style.name, name, groove.row(name), optional=name == "foot")
    for name, lines in (("bass", style.bass.lines), ("guitar", style.guitar.lines), ("piano", style.piano.lines)):
        for line in lines:
            _check(style.name, name, line.row)
            _check(style.name, "left", Row(line.left), optional=True)
    if any(len(fill) != 8 or set(fill) - set(".sghmlkcob") for fill in style.drums.fills):
        raise ImportError(f"{style.name} has a fill that is not two pulses long")
    return style


def _check(style: str, name: str, row: Row, optional: bool = False) -> None:
    whole = len(row.four) in ((0, 16, 32) if optional else (16, 32))
    whole &= len(row.three) in (0, 12, 24) and len(row.twelve) in (0, 12)
    if not whole or set("".join(row)) - set(MARKS[name]):
        raise ImportError(f"{style} has a broken {name} pattern: {row.four!r} {row.three!r} {row.twelve!r}")
