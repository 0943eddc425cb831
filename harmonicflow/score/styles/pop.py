"""Pop: the kick and the chords push, strums and arpeggios."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

POP = Style(
    name="pop",
    tempo=(72, 136),
    pulse_window=(58, 168),
    swing=0.0,
    sixteenths=0.5,
    minor=0.4,
    push=0.4,
    lag_ms={"drums": 0.0, "bass": 2.0, "guitar": 0.0, "piano": 1.0},
    drums=Kit(
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
        ghosts=0.2,
    ),
    bass=BassLines(
        lines=(
            Line(0.15, "R...............", "R..........."),
            Line(0.35, "R.......R.....a.", "R.......5..."),
            Line(0.5, "k..............a", "k..........a"),
            Line(0.6, "R.....R.R.....5.", "R.....R.5..."),
            Line(0.7, "R..R..R.R..R..a.", "R..R..R...a."),
            Line(0.8, "R.8.R.8.R.8.R.a.", "R.8.R.8.R.a."),
            Line(0.9, "R.R.R.8.R.R.5.a.", "R.R.R.8.5.a."),
        ),
        held=0.96,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.1, "n.n.n.n.n.n.n.n."),
            Line(0.3, "n.nnn.n.n.nnn.n."),
            Line(0.4, "D...D...D...D.U.", "D...D...D.U."),
            Line(0.55, "D...D.U...U.D.U.", "D...D.U.D.U."),
            Line(0.7, "D..UD.U..UU.D.U.", "D..UD.U.D.U."),
            Line(0.85, "D.DUD.DUD.DUD.DU", "D.DUD.DUD.DU"),
        ),
        shape="open",
        first="D",
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "B...............", "B..........."),
            Line(0.25, "L.n.n.n.n.n.n.n.", "L.n.n.n.n.n."),
            Line(0.45, "B...R...B...R...", "B...R...R..."),
            Line(0.55, "B...R.R...R.R...", "B...R.R.R..."),
            Line(0.7, "B..R..R.B..R..R.", "B..R..R...R."),
            Line(0.85, "B.R.R.R.B.R.R.R.", "B.R.R.R.R.R."),
        ),
        first="B",
        alone=Register(57, 79, 71, 3),
        beside=Register(62, 84, 77, 3),
        share=0.97,
        longest_s=6.0,
        rings=True,
    ),
    openers=("piano", "guitar", "drums", "bass"),
)
