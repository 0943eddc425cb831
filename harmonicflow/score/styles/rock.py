"""Rock: a hard backbeat, eighth notes, power chords."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

ROCK = Style(
    name="rock",
    tempo=(84, 168),
    pulse_window=(62, 210),
    swing=0.0,
    sixteenths=0.5,
    minor=0.45,
    push=0.25,
    lag_ms={"drums": 0.0, "bass": 1.0, "guitar": -1.0, "piano": 0.0},
    drums=Kit(
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
        ghosts=0.15,
    ),
    bass=BassLines(
        lines=(
            Line(0.15, "R.......R.......", "R..........."),
            Line(0.4, "k..............a", "k..........a"),
            Line(0.55, "R.R.R.R.R.R.R.R.", "R.R.R.R.R.R."),
            Line(0.65, "R.R.R.R.R.R.R.a.", "R.R.R.R.R.a."),
            Line(0.8, "R.R.8.R.R.R.5.a.", "R.R.8.R.5.a."),
            Line(0.9, "R.RRR.R.R.RRR.a.", "R.RRR.R.R.a."),
        ),
        held=0.94,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.1, "n.n.n.n.n.n.n.n."),
            Line(0.3, "D.......D.....U.", "D.....D.U..."),
            Line(0.45, "P.p.p.p.p.p.P.p.", "P.p.p.p.p.p."),
            Line(0.55, "P.p.p.P.p.p.P.p.", "P.p.P.p.P.p."),
            Line(0.7, "P.....P.P.......", "P.....P....."),
            Line(0.75, "P...P.PPP...P.P.", "P...P.P.P.P."),
            Line(0.95, "P.P.P.P.P.P.P.P.", "P.P.P.P.P.P."),
        ),
        shape="open",
        first="P",
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "B.......R......."),
            Line(0.3, "B...............", "B..........."),
            Line(0.5, "B.....R.....R...", "B.....R....."),
            Line(0.7, "B.R.R.R.B.R.R.R.", "B.R.R.R.R.R."),
            Line(0.9, "B.R.R.B.R.R.B.R.", "B.R.B.R.B.R."),
        ),
        first="B",
        alone=Register(59, 81, 74, 3),
        beside=Register(62, 84, 77, 3),
        share=0.92,
        longest_s=4.0,
        rings=True,
    ),
    openers=("guitar", "drums", "bass", "piano"),
)
