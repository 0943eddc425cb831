"""Funk: sixteenths, ghost notes, everything short; the first beat is the heaviest."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

FUNK = Style(
    name="funk",
    tempo=(84, 124),
    pulse_window=(54, 134),
    swing=0.0,
    sixteenths=0.54,
    minor=0.55,
    push=0.2,
    lag_ms={"drums": 0.0, "bass": 1.0, "guitar": 0.0, "piano": 2.0},
    drums=Kit(
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
        ghosts=0.8,
    ),
    bass=BassLines(
        lines=(
            Line(0.2, "R.........R...a.", "R.....R...a."),
            Line(0.4, "R..R..g...R..8.a", "R..R..g.R..a"),
            Line(0.5, "k.....g......8.a", "k.....g...8a"),
            Line(0.6, "R..g..8.R.g..5.a", "R..g..8.R..a"),
            Line(0.7, "R.R..8.g..R.7.8a", "R.R..8.g.7.a"),
            Line(0.8, "RR.g8..R.gR..78.", "RR.g8..R.g7a"),
            Line(0.9, "R.gR.8g.R.gR7.8a", "R.gR.8g.R7.a"),
        ),
        held=0.72,
        short="8a7",
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.15, "..........D.....", "......D....."),
            Line(0.35, "..m.D.m...m.D.m.", "..m.D.m.D.m."),
            Line(0.5, "m.mmD.m.mDm.D.mm", "m.mmD.m.mDm."),
            Line(0.6, "mmDmm.DmmmDmmmUm", "mmDmm.DmmmUm"),
            Line(0.75, "DmmUmmDmmmUmDmUm", "DmmUmmDmmmUm"),
            Line(0.9, "mDmUDmmUmDmUDmUU", "mDmUDmmUmDmU"),
        ),
        shape="top",
        first="D",
        share=0.8,
        longest_s=0.22,
        loose=True,
    ),
    piano=PianoLines(
        lines=(
            Line(0.15, "B...............", "B..........."),
            Line(0.35, "......R.......R.", "......R...R."),
            Line(0.5, "B..R......R..R..", "B..R......R."),
            Line(0.6, "..R...R..R....R.", "..R...R..R.."),
            Line(0.75, "L..R..R.L.R..R.r", "L..R..R.L.R."),
            Line(0.9, "L.RR.LR.L.RrL.Rr", "L.RR.LR.L.Rr"),
        ),
        first="B",
        alone=Register(57, 77, 70, 4),
        beside=Register(52, 70, 65, 3),
        share=0.55,
        longest_s=0.35,
        loose=True,
        rooted=False,
    ),
    openers=("drums", "guitar", "bass", "piano"),
)
