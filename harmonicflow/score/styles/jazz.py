"""Jazz: the ride swings, the bass walks, the others comment."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

JAZZ = Style(
    name="jazz",
    tempo=(76, 220),
    pulse_window=(84, 300),
    swing=1.0,
    sixteenths=0.5,
    minor=0.35,
    push=0.7,
    lag_ms={"drums": 0.0, "bass": -2.0, "guitar": 0.0, "piano": 4.0},
    drums=Kit(
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
        ghosts=0.5,
        free=True,
        fill_level=0.72,
    ),
    bass=BassLines(
        lines=(
            Line(0.15, "R.......5.......", "R..........."),
            Line(0.4, "w...w...w...w...", "w...w...w..."),
            Line(0.6, "w...w...w...w.g.", "w...w...w.g."),
            Line(0.85, "w...w.g.w...w.g.", "w...w.g.w..."),
        ),
        held=0.93,
        locks=False,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.15, "q.......q.......", "q..........."),
            Line(0.5, "q...q...q...q...", "q...q...q..."),
            Line(0.9, "q...q...q...q.q.", "q...q...q.q."),
        ),
        shape="shell",
        first="q",
        loose=True,
    ),
    piano=PianoLines(
        lines=(
            Line(0.15, "R...............", "R..........."),
            Line(0.35, "R.....R.........", "R.....R....."),
            Line(0.45, "......R.........", "......R....."),
            Line(0.5, "..R...........R.", "..R.......R."),
            Line(0.6, "......R...R.....", "..R...R....."),
            Line(0.7, "R.....R.......R.", "R.....R...R."),
            Line(0.85, "..R...R...r...R.", "..R...R...r."),
        ),
        first="R",
        alone=Register(55, 77, 69, 4),
        beside=Register(58, 79, 72, 3),
        share=0.7,
        longest_s=1.2,
        loose=True,
        rooted=False,
        shells=True,
    ),
    level=0.95,
    openers=("piano", "bass", "drums", "guitar"),
)
