"""Electronic: four to the floor, claps, an open hat between; offbeat and rolling basses, stabs, plucked arpeggios."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

_FLOOR, _CLAP = "X...X...X...X...", "....C.......C..."

ELECTRONIC = Style(
    name="electronic",
    tempo=(112, 134),
    pulse_window=(84, 168),
    swing=0.0,
    sixteenths=0.5,
    minor=0.7,
    push=0.1,
    lag_ms={"drums": 0.0, "bass": 0.0, "guitar": 0.0, "piano": 0.0},
    drums=Kit(
        grooves=(
            Groove(0.1, "x.......x.......", "................", "..h...h...h...h.", "x...........", "............"),
            Groove(0.25, "x...x...x...x...", "....c.......c...", "..h...h...h...h.", "x...x...x...", "........c..."),
            Groove(0.42, _FLOOR, "....c.......c...", "..O...O...O...O.", "X...X...X...", "........c..."),
            Groove(0.56, _FLOOR, _CLAP, "h.O.h.O.h.O.h.O.", "X...X...X...", "....C...C..."),
            Groove(0.68, _FLOOR, _CLAP, "H.OhH.OhH.OhH.Oh", "X...X...X...", "....C...C..."),
            Groove(0.82, _FLOOR, "....C..c....C.c.", "HhOhHhOhHhOhHhOh", "X...X...X...", "....C...C.c."),
            Groove(0.95, "X...X...X...X.x.", "...cC..c.c..C.cc", "HhOhHhOhHhOhHhOh", "X...X...X.x.", "....C..cC.cc"),
        ),
        fills=("b.b.bbbb", "s.s.ssss", "..b...bb", "ssssssss", "k.k.kkkk", "b..b..b."),
        ghosts=0.0,
        kicks=0.0,
        late_ms=0.0,
    ),
    bass=BassLines(
        lines=(
            Line(0.1, "R...............", "R..........."),
            Line(0.25, "R.....R...R.....", "R.....R....."),
            Line(0.4, "..R...R...R...R.", "..R...R...R."),
            Line(0.54, "..R..RR...R..R8.", "..R..RR...R8"),
            Line(0.66, "R..R..R.R..R..8.", "R..R..R.R.8."),
            Line(0.8, ".RRR.RRR.RRR.RR8", ".RRR.RRR.RR8"),
            Line(0.94, "R8RRR8RRR8RRR8R8", "R8RRR8RRR8R8"),
        ),
        held=0.62,
        locks=False,
        loose=True,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.1, "n...n...n...n...", "n...n...n..."),
            Line(0.28, "n..n..n.n..n..n.", "n..n..n.n.n."),
            Line(0.44, "n.n.n.n.n.n.n.n.", "n.n.n.n.n.n."),
            Line(0.6, "c..c..c...c.c...", "c..c..c.c..."),
            Line(0.75, "n.cnn.cnn.cnn.cn", "n.cnn.cnn.cn"),
            Line(0.93, "nncnnncnnncnnccn", "nncnnncnnccn"),
        ),
        shape="top",
        first="n",
        share=0.5,
        longest_s=0.2,
        loose=True,
        order=(0, 1, 2, 3, 1, 2, 3, 2),
        note_s=0.2,
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "B...............", "B..........."),
            Line(0.26, "R.....R.........", "R.....R....."),
            Line(0.42, "R..R..R.........", "R..R..R....."),
            Line(0.56, "R..R..R...R..R..", "R..R..R..R.."),
            Line(0.68, "..R..RR...R..RR.", "..R..RR..RR."),
            Line(0.8, "R..R..R.R..R..R.", "R..R..R.R.R.", left="L.......L......."),
            Line(0.93, "nnnnnnnnnnnnnnnn", "nnnnnnnnnnnn"),
        ),
        first="R",
        alone=Register(57, 79, 71, 4),
        beside=Register(55, 76, 70, 4),
        share=0.7,
        longest_s=0.6,
        loose=True,
    ),
    looseness=0.2,
    openers=("piano", "drums", "guitar", "bass"),
)
