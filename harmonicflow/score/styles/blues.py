"""Blues: a shuffle, or twelve eighths when slow; boogie basses, the guitar's fifth and sixth, rolling right hands."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

_SLOW = {"kick12": "x.....x.....", "snare12": "...X.....X..", "hand12": "HhhHhhHhhHhh"}

BLUES = Style(
    name="blues",
    tempo=(66, 138),
    pulse_window=(46, 168),
    swing=1.0,
    sixteenths=0.5,
    minor=0.2,
    push=0.1,
    lag_ms={"drums": 1.0, "bass": 3.0, "guitar": 2.0, "piano": 3.0},
    drums=Kit(
        grooves=(
            Groove(0.12, "x.......x.......", "....r.......r...", "h...h...h...h...",
                   kick12="x.....x.....", snare12="...r.....r..", hand12="hhhhhhhhhhhh"),
            Groove(0.28, "x.......x.......", "....x.......x...", "H.h.H.h.H.h.H.h.", **_SLOW),
            Groove(0.42, "x.....x.x.....x.", "....X.......X...", "H.h.H.h.H.h.H.h.", **_SLOW),
            Groove(0.55, "x...x...x...x...", "g.g.X.g.g.g.X.g.", "H.h.H.h.H.h.H.h.", **_SLOW),
            Groove(0.68, "x...x.x.x...x.x.", "....X.g.....X.g.", "R.r.R.r.R.r.R.r.", foot="....p.......p...",
                   kick12="x....xx....x", snare12="...X.g...X.g", hand12="RrrRrrRrrRrr"),
            Groove(0.8, "x...x...x...x...", "x.g.X.g.x.g.X.g.", "R.r.R.r.R.r.R.r.", foot="....p.......p...",
                   kick12="x..x.xx..x.x", snare12="..gX.g..gX.g", hand12="RrrRrrRrrRrr"),
            Groove(0.93, "x.x.x.x.x.x.x.x.", "x.x.X.x.x.x.X.x.", "R.r.R.r.R.r.R.r.",
                   kick12="x.xx.xx.xx.x", snare12="x.xX.xx.xX.x", hand12="RrrRrrRrrRrr"),
        ),
        fills=("s.s.s.s.", "..s.s.s.", "s.s.h.l.", "h.h.l.l.", "s...s.s.", "..h.s.s."),
        ghosts=0.3,
        late_ms=6.0,
    ),
    bass=BassLines(
        lines=(
            Line(0.12, "R.......5.......", twelve="R.....5....."),
            Line(0.3, "R.......5.....a.", "R.......5.a.", "R....R5....a"),
            Line(0.44, "R...3...5...6...", "R...3...5...", "R.RR.R5.56.a"),
            Line(0.56, "w...w...w...w...", "w...w...w...", "w..w..w..w.."),
            Line(0.68, "R...R.3.5...6.5.", "R.3.5...6.5.", "R.R3.35.56.a"),
            Line(0.8, "R.R.3.3.5.5.6.6.", "R.R.3.3.5.5.", "R.R3.35.56.6"),
            Line(0.93, "R.R.3.5.6.7.8.5.", "R.3.5.6.8.5.", "RRR335556667"),
        ),
        held=0.84,
        locks=False,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.12, "D...............", twelve="D...........", three="D..........."),
            Line(0.28, "....q.......q...", "....q...q...", "...q.....q.."),
            Line(0.42, "s...s...S...S...", "s...S...S...", "s.ss.sS.SS.S"),
            Line(0.6, "s.s.S.S.s.s.S.S.", "s.s.S.S.s.s.", "s.sS.Ss.sS.S"),
            Line(0.75, "s.s.S.s.s.s.S.q.", "s.s.S.s.S.q.", "s.sS.Ss.sq.q"),
            Line(0.92, "s.sqS.S.s.sqS.q.", "s.sqS.S.S.q.", "sssSSSsssqqq"),
        ),
        shape="shell",
        first="q",
        share=0.75,
        longest_s=0.6,
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "B...............", "B...........", "B..........."),
            Line(0.26, "B.....R.........", "B.....R.....", "B....R...R.."),
            Line(0.4, "R.....R.....R...", "R.....R.....", "R.RR.R..R..R", left="L.......L......."),
            Line(0.55, "..R...R...R...R.", "..R...R...R.", "R.RR.RR.RR.R", left="1...5...6...5..."),
            Line(0.7, "R.R...R.R.R...R.", "R.R...R.R.R.", "RRRRRRRRRRRR", left="1.1.5.5.6.6.5.5."),
            Line(0.9, "oRR.R.RRoRR.R.RR", "oRR.R.RRoRR.", "oRRoRRoRRoRR", left="1.3.5.6.8.6.5.3."),
        ),
        first="R",
        alone=Register(58, 80, 72, 3),
        beside=Register(60, 82, 74, 3),
        share=0.75,
        longest_s=0.8,
        loose=True,
        rooted=False,
    ),
    looseness=1.1,
    openers=("guitar", "piano", "drums", "bass"),
)
