"""Metal: palm-muted gallops and tremolo in fifths, the bass in unison, two feet on the kick; half-time when heavy."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

METAL = Style(
    name="metal",
    tempo=(96, 190),
    pulse_window=(72, 215),
    swing=0.0,
    sixteenths=0.5,
    minor=0.97,
    push=0.0,
    lag_ms={"drums": 0.0, "bass": 0.0, "guitar": -1.0, "piano": 0.0},
    drums=Kit(
        grooves=(
            Groove(0.12, "x.........x.....", "........X.......", "R...R...R...R...", "x...........", "........X..."),
            Groove(0.28, "x.x.......x.x...", "........X.......", "Z...z...Z...z...", "x.x.......x.", "........X..."),
            Groove(0.44, "x.xxx.x.x.xxx.x.", "....X.......X...", "O...o...O...o...", "x.xxx.x.x.x.", "....X...X..."),
            Groove(0.58, "x.xxx.xxx.xxx.xx", "....X.......X...", "O...O...O...O...", "x.xxx.xxx.xx", "....X...X..."),
            Groove(0.7, "x...x...x...x...", "..X...X...X...X.", "R.r.R.r.R.r.R.r.", "x...x...x...", "..X...X...X."),
            Groove(0.82, "xxxxxxxxxxxxxxxx", "....X.......X...", "Z...z...Z...z...", "xxxxxxxxxxxx", "....X...X..."),
            Groove(0.95, "xxxxxxxxxxxxxxxx", "..X...X...X...X.", "R.R.R.R.R.R.R.R.", "xxxxxxxxxxxx", "..X...X...X."),
        ),
        fills=("sssshhhh", "hhhhllll", "sshhmmll", "s.sshhll", "ksskhkkl", "llllssss"),
        ghosts=0.0,
        kicks=0.05,
        late_ms=0.0,
    ),
    bass=BassLines(
        lines=(
            Line(0.12, "R...............", "R..........."),
            Line(0.28, "R.R.....R.R.....", "R.R.....R..."),
            Line(0.44, "R.R.R.R.R.R.R.R.", "R.R.R.R.R.R."),
            Line(0.58, "R.RRR.RRR.RRR.RR", "R.RRR.RRR.RR"),
            Line(0.72, "R.RRR.RRR.RR5.RR", "R.RRR.RRR.RR"),
            Line(0.9, "RRRRRRRRRRRRRRRR", "RRRRRRRRRRRR"),
        ),
        held=0.88,
        locks=False,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.08, "n.n.n.n.n.n.n.n.", "n.n.n.n.n.n."),
            Line(0.2, "P...............", "P..........."),
            Line(0.32, "P.P.....P.P.....", "P.P.....P..."),
            Line(0.45, "P.p.p.p.P.p.p.P.", "P.p.p.p.P.p."),
            Line(0.58, "P.ppp.ppP.ppp.pp", "P.ppp.ppP.pp"),  # the gallop
            Line(0.7, "P.pppPppP.pppPpp", "P.pppPppP.pp"),
            Line(0.82, "PpppPpppPpppPpPp", "PpppPpppPpPp"),
            Line(0.95, "PPPPPPPPPPPPPPPP", "PPPPPPPPPPPP"),
        ),
        shape="open",
        first="P",
        share=0.92,
        longest_s=3.0,
        fastest_s=0.062,
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "B...............", "B..........."),
            Line(0.3, "n.n.n.n.n.n.n.n.", "n.n.n.n.n.n.", left="L..............."),
            Line(0.5, "B.......B.......", "B.......B..."),
            Line(0.65, "R...R...R...R...", "R...R...R...", left="8.......8......."),
            Line(0.8, "R.o.o.o.R.o.o.o.", "R.o.o.R.o.o.", left="8...8...8...8..."),
            Line(0.95, "RNNNRNNNRNNNRNNN", "RNNNRNNNRNNN", left="8...8...8...8..."),
        ),
        first="B",
        alone=Register(55, 76, 67, 3),
        beside=Register(60, 81, 72, 3),
        share=0.98,
        longest_s=5.0,
        rings=True,
    ),
    level=1.1,
    looseness=0.7,
    openers=("guitar", "drums", "bass", "piano"),
)
