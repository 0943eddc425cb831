"""The table of styles: what each genre's players play, as patterns over pulses.

A pattern has four characters (steps) for each of its four pulses; `.` is nothing. In three-pulse grooves the first,
second and fourth pulse are played, unless the table has a pattern of its own.

    drums   kick and snare: X loud, x normal, g ghost note
    bass    R root, 8 octave above, 5 fifth, 3 third, 7 seventh, g dead note, a approach to what comes, w walking step,
            k wherever the kick drum plays
    guitar  D downstroke, U upstroke, m muted scratch, P power chord, p palm-muted power chord, q short shell chord,
            n next note of an arpeggio
    piano   B both hands, L left hand, R right hand, r right hand softly, n next note of an arpeggio
"""

from __future__ import annotations

from typing import NamedTuple

from harmonicflow.core.constants import ARRANGED_GENRES, GENRES
from harmonicflow.core.errors import HarmonicFlowError


class Groove(NamedTuple):
    """One drum pattern. `cymbal` names a row of `drums.CYMBALS`; energy 0..1 is where it feels at home."""

    energy: float
    kick: str
    snare: str
    cymbal: str
    kick3: str
    snare3: str


class Line(NamedTuple):
    """One pattern of a pitched part."""

    energy: float
    four: str
    three: str = ""

    def steps(self, size: int) -> str:
        """The pattern of a groove of `size` pulses, 4 * size characters."""
        return self.four if size == 4 else self.three or self.four[:8] + self.four[12:]


class Style(NamedTuple):
    """One genre. Times in milliseconds are how far a part lies behind (+) or before (-) the grid."""

    name: str
    pulse_window: tuple[float, float]  # pulses a minute that feel right; outside, half- or double-time
    swing: float  # 0 straight, 1 fully swung eighths
    sixteenths: float  # share of an eighth that its first sixteenth gets
    grooves: tuple[Groove, ...]
    fills: tuple[str, ...]  # two pulses: s snare, g ghost, h m l toms, k kick, c crash
    bass: tuple[Line, ...]
    guitar: tuple[Line, ...]
    piano: tuple[Line, ...]
    guitar_shape: str  # row of fretboard.SHAPES
    push: float  # how readily chords are anticipated
    lag_ms: dict[str, float]
    ghosts: float  # density of ghost notes


STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style(
            name="rock",
            pulse_window=(62, 210),
            swing=0.0,
            sixteenths=0.5,
            grooves=(
                Groove(0.2, "x.........x.....", "....x.......x...", "hat8", "x...........", "........x..."),
                Groove(0.4, "x.......x.x.....", "....X.......X...", "hat8", "x.....x.....", "........X..."),
                Groove(0.5, "x.....x...x.....", "....X.......X...", "hat8", "x.........x.", "....X...X..."),
                Groove(0.6, "x..x....x.x.....", "....X.......X...", "open8", "x..x..x.....", "........X..."),
                Groove(0.7, "x......x..x...x.", "....X.......X...", "open8", "x.....x...x.", "....X...X..."),
                Groove(0.85, "x.x...x.x.x.....", "....X.......X...", "open4", "x.x...x.....", "........X..."),
                Groove(0.95, "x.x.x.x.x.x.x.x.", "....X.......X...", "crash4", "x.x...x...x.", "....X...X..."),
            ),
            fills=("s.s.ssss", "sssshhll", "s.sshhml", "s.sss.ss", "hhmmllss", "..ssl.ss", "s.hhs.ll", "ssssssss"),
            bass=(
                Line(0.15, "R.......R.......", "R..........."),
                Line(0.4, "k..............a", "k..........a"),
                Line(0.55, "R.R.R.R.R.R.R.R.", "R.R.R.R.R.R."),
                Line(0.65, "R.R.R.R.R.R.R.a.", "R.R.R.R.R.a."),
                Line(0.8, "R.R.8.R.R.R.5.a.", "R.R.8.R.5.a."),
                Line(0.9, "R.RRR.R.R.RRR.a.", "R.RRR.R.R.a."),
            ),
            guitar=(
                Line(0.1, "n.n.n.n.n.n.n.n."),
                Line(0.3, "D.......D.....U.", "D.....D.U..."),
                Line(0.45, "P.p.p.p.p.p.P.p.", "P.p.p.p.p.p."),
                Line(0.55, "P.p.p.P.p.p.P.p.", "P.p.P.p.P.p."),
                Line(0.7, "P.....P.P.......", "P.....P....."),
                Line(0.75, "P...P.PPP...P.P.", "P...P.P.P.P."),
                Line(0.95, "P.P.P.P.P.P.P.P.", "P.P.P.P.P.P."),
            ),
            piano=(
                Line(0.1, "B.......R......."),
                Line(0.3, "B...............", "B..........."),
                Line(0.5, "B.....R.....R...", "B.....R....."),
                Line(0.7, "B.R.R.R.B.R.R.R.", "B.R.R.R.R.R."),
                Line(0.9, "B.R.R.B.R.R.B.R.", "B.R.B.R.B.R."),
            ),
            guitar_shape="open",
            push=0.25,
            lag_ms={"drums": 0.0, "bass": 1.0, "guitar": -1.0, "piano": 0.0},
            ghosts=0.15,
        ),
        Style(
            name="pop",
            pulse_window=(58, 168),
            swing=0.0,
            sixteenths=0.5,
            grooves=(
                Groove(0.15, "x.........x.....", "....x.......x...", "stick8", "x...........", "........x..."),
                Groove(0.35, "x.......x.......", "....x.......x...", "hat8", "x...........", "....x...x..."),
                Groove(0.5, "x.....x.x.......", "....X.......X...", "hat8", "x.....x.....", "........X..."),
                Groove(0.55, "x......x..x.....", "....X.......X...", "hat16", "x......x....", "........X..."),
                Groove(0.65, "x..x..x...x.....", "....X.......X...", "hat8", "x..x..x.....", "........X..."),
                Groove(0.75, "x...x...x...x...", "....X.......X...", "off8", "x...x...x...", "........X..."),
                Groove(0.9, "x...x...x...x.x.", "....X.......X...", "ride8", "x.....x...x.", "....X...X..."),
            ),
            fills=("....s.s.", "s.sshhml", "..ss..ss", "s...s.ss", "..s.ssss", "k.ssk.ss", "h.m.l.s."),
            bass=(
                Line(0.15, "R...............", "R..........."),
                Line(0.35, "R.......R.....a.", "R.......5..."),
                Line(0.5, "k..............a", "k..........a"),
                Line(0.6, "R.....R.R.....5.", "R.....R.5..."),
                Line(0.7, "R..R..R.R..R..a.", "R..R..R...a."),
                Line(0.8, "R.8.R.8.R.8.R.a.", "R.8.R.8.R.a."),
                Line(0.9, "R.R.R.8.R.R.5.a.", "R.R.R.8.5.a."),
            ),
            guitar=(
                Line(0.1, "n.n.n.n.n.n.n.n."),
                Line(0.3, "n.nnn.n.n.nnn.n."),
                Line(0.4, "D...D...D...D.U.", "D...D...D.U."),
                Line(0.55, "D...D.U...U.D.U.", "D...D.U.D.U."),
                Line(0.7, "D..UD.U..UU.D.U.", "D..UD.U.D.U."),
                Line(0.85, "D.DUD.DUD.DUD.DU", "D.DUD.DUD.DU"),
            ),
            piano=(
                Line(0.1, "B...............", "B..........."),
                Line(0.25, "L.n.n.n.n.n.n.n.", "L.n.n.n.n.n."),
                Line(0.45, "B...R...B...R...", "B...R...R..."),
                Line(0.55, "B...R.R...R.R...", "B...R.R.R..."),
                Line(0.7, "B..R..R.B..R..R.", "B..R..R...R."),
                Line(0.85, "B.R.R.R.B.R.R.R.", "B.R.R.R.R.R."),
            ),
            guitar_shape="open",
            push=0.4,
            lag_ms={"drums": 0.0, "bass": 2.0, "guitar": 0.0, "piano": 1.0},
            ghosts=0.2,
        ),
        Style(
            name="funk",
            pulse_window=(54, 134),
            swing=0.0,
            sixteenths=0.54,
            grooves=(
                Groove(0.25, "x.........x.....", "....X..g....X...", "hat8", "x.....x.....", "....X..gX..."),
                Groove(0.4, "x..x......x.....", "....X..g.g..X...", "hat8", "x..x..x.....", "....X..gX..g"),
                Groove(0.5, "x.x.......x..x..", "....X..g.g.gX..g", "hat8", "x.x....x....", "....X.g.X..g"),
                Groove(0.6, "x.....x..xx.....", "....X..g.g..X..g", "hat16", "x.....x..x..", "....X..g...g"),
                Groove(0.7, "x..x..x...x..x..", ".g..X..g.g..X..g", "hat16", "x..x..x..x..", ".g..X..gX..g"),
                Groove(0.8, "x.x...x..xx...x.", "....X..g.g..X.g.", "open16", "x.x...x..x..", "....X..g.g.."),
                Groove(0.9, "x..x.xx..x.x..x.", ".g..X..gg..gX..g", "open16", "x..x.xx..x..", ".g..X..g.g.g"),
            ),
            fills=("gsgss.ss", "s..s..s.", "..s.s.ss", "s.sshmls", "..ssg.s.", "gsg.shml", "k.s.k.ss"),
            bass=(
                Line(0.2, "R.........R...a.", "R.....R...a."),
                Line(0.4, "R..R..g...R..8.a", "R..R..g.R..a"),
                Line(0.5, "k.....g......8.a", "k.....g...8a"),
                Line(0.6, "R..g..8.R.g..5.a", "R..g..8.R..a"),
                Line(0.7, "R.R..8.g..R.7.8a", "R.R..8.g.7.a"),
                Line(0.8, "RR.g8..R.gR..78.", "RR.g8..R.g7a"),
                Line(0.9, "R.gR.8g.R.gR7.8a", "R.gR.8g.R7.a"),
            ),
            guitar=(
                Line(0.15, "..........D.....", "......D....."),
                Line(0.35, "..m.D.m...m.D.m.", "..m.D.m.D.m."),
                Line(0.5, "m.mmD.m.mDm.D.mm", "m.mmD.m.mDm."),
                Line(0.6, "mmDmm.DmmmDmmmUm", "mmDmm.DmmmUm"),
                Line(0.75, "DmmUmmDmmmUmDmUm", "DmmUmmDmmmUm"),
                Line(0.9, "mDmUDmmUmDmUDmUU", "mDmUDmmUmDmU"),
            ),
            piano=(
                Line(0.15, "B...............", "B..........."),
                Line(0.35, "......R.......R.", "......R...R."),
                Line(0.5, "B..R......R..R..", "B..R......R."),
                Line(0.6, "..R...R..R....R.", "..R...R..R.."),
                Line(0.75, "L..R..R.L.R..R.r", "L..R..R.L.R."),
                Line(0.9, "L.RR.LR.L.RrL.Rr", "L.RR.LR.L.Rr"),
            ),
            guitar_shape="top",
            push=0.2,
            lag_ms={"drums": 0.0, "bass": 1.0, "guitar": 0.0, "piano": 2.0},
            ghosts=0.8,
        ),
        Style(
            name="jazz",
            pulse_window=(84, 300),
            swing=1.0,
            sixteenths=0.5,
            grooves=(
                Groove(0.2, "g...g...g...g...", "................", "ride", "g...........", "............"),
                Groove(0.35, "g...g...g...g...", "......g.........", "ride", "g...........", "......g....."),
                Groove(0.45, "g...g...g.x.g...", "..............g.", "ride", "g.....x.....", "..........g."),
                Groove(0.5, "g...g...g...g...", "..g.......x.....", "ride", "g...g.......", "..g...x....."),
                Groove(0.6, "g...g.x.g...g...", "..........g...x.", "ride", "g...g.x.....", "......g...x."),
                Groove(0.65, "x...g...g...g.x.", "......x.......g.", "ride", "x...g.....x.", "......x....."),
                Groove(0.8, "g.x.g...x...g...", "..g...x.......x.", "ride", "g.x.g.......", "......x...x."),
                Groove(0.85, "g...g.x.g.g.g...", "..x.....x.....x.", "ride", "g...g...x...", "..x...x....."),
            ),
            fills=("s.s.h.l.", "g.s.g.s.", "h.s.l.s.", "..s.h.s.", "s.h.m.l.", "g.g.s.k."),
            bass=(
                Line(0.15, "R.......5.......", "R..........."),
                Line(0.4, "w...w...w...w...", "w...w...w..."),
                Line(0.6, "w...w...w...w.g.", "w...w...w.g."),
                Line(0.85, "w...w.g.w...w.g.", "w...w.g.w..."),
            ),
            guitar=(
                Line(0.15, "q.......q.......", "q..........."),
                Line(0.5, "q...q...q...q...", "q...q...q..."),
                Line(0.9, "q...q...q...q.q.", "q...q...q.q."),
            ),
            piano=(
                Line(0.15, "R...............", "R..........."),
                Line(0.35, "R.....R.........", "R.....R....."),
                Line(0.45, "......R.........", "......R....."),
                Line(0.5, "..R...........R.", "..R.......R."),
                Line(0.6, "......R...R.....", "..R...R....."),
                Line(0.7, "R.....R.......R.", "R.....R...R."),
                Line(0.85, "..R...R...r...R.", "..R...R...r."),
            ),
            guitar_shape="shell",
            push=0.7,
            lag_ms={"drums": 0.0, "bass": -2.0, "guitar": 0.0, "piano": 4.0},
            ghosts=0.5,
        ),
    )
}

# The arranged genre whose playing comes nearest; told to the user through `nearest_arranged`.
_NEAREST = {
    "latin": "pop", "soul": "funk", "hiphop": "funk", "blues": "rock", "reggae": "pop", "country": "pop",
    "afrobeat": "funk", "electronic": "pop", "metal": "rock",
}  # fmt: skip

if set(STYLES) != set(ARRANGED_GENRES) or set(_NEAREST) | set(STYLES) != set(GENRES):
    raise ImportError("the styles and the genre tables contradict each other")


def nearest_arranged(genre: str) -> str:
    """The genre that the arranger plays when asked for `genre`: itself or the nearest; raises `unknown_genre`."""
    if genre in STYLES:
        return genre
    if genre not in _NEAREST:
        raise HarmonicFlowError("unknown_genre", genre=genre, known=", ".join(GENRES))
    return _NEAREST[genre]
