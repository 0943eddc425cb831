"""Country: boom-chick. Root and fifth, the train beat on the snare, a picking thumb, a honky-tonk piano."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

_NONE = "................"

COUNTRY = Style(
    name="country",
    tempo=(84, 132),
    pulse_window=(60, 140),
    swing=0.0,
    sixteenths=0.52,
    minor=0.1,
    push=0.15,
    lag_ms={"drums": 0.0, "bass": 0.0, "guitar": -2.0, "piano": 0.0},
    drums=Kit(
        grooves=(
            Groove(0.12, "x.......x.......", "....r.......r...", "h...h...h...h...", "x...........", "....r...r..."),
            Groove(0.28, "x.......x.......", "....r.......r...", "h.h.h.h.h.h.h.h.", "x...........", "....r...r..."),
            Groove(0.42, "x...x...x...x...", "g.x.g.x.g.x.g.x.", _NONE, "x...........", "g.x.g.x.g.x."),
            Groove(0.56, "x...x...x...x...", "ggxgggxgggxgggxx", _NONE, "x...........", "ggx.ggX.ggXg"),  # train
            Groove(0.68, "x.....x.x.......", "....X.......X...", "H.h.H.h.H.h.H.h.", "x.....x.....", "....X...X..."),
            Groove(0.8, "X...X...X...X...", "gxXggxXggxXggxXX", "................", "x.....x.....", "gxXggXXggXXX"),
            Groove(0.93, "x.x...x.x.x...x.", "....X.......X..x", "R.r.R.r.R.r.R.r.", "x.x...x...x.", "....X...X..."),
        ),
        fills=("ssssssss", "s.ssssss", "gsgsssss", "s.s.ssss", "ss.sss.s", "..ssssss"),
        ghosts=0.2,
    ),
    bass=BassLines(
        lines=(
            Line(0.12, "R.......5.......", "R..........."),
            Line(0.35, "R.......5.......", "R.......5..."),
            Line(0.5, "R.......5.....a.", "R.......5.a."),
            Line(0.62, "R.....R.5.....a.", "R.....R.5.a."),
            Line(0.74, "R...5...R...5...", "R...5...3..."),
            Line(0.85, "R...3...5...6...", "R...3...5..."),
            Line(0.95, "R.R.3.3.5.5.6.a.", "R.R.3.3.5.a."),
        ),
        held=0.78,
        locks=False,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.1, "b...n...f...n...", "b...n...n..."),
            Line(0.28, "b.n.f.n.b.n.f.n.", "b.n.f.n.f.n."),  # the thumb alternates
            Line(0.4, "b.nnf.n.b.nnf.n.", "b.nnf.n.f.n."),
            Line(0.55, "b...D.U.f...D.U.", "b...D.U.D.U."),
            Line(0.68, "b..UD.U.f..UD.U.", "b..UD.U.D.U."),
            Line(0.8, "b.DUf.DUb.DUf.DU", "b.DUf.DUf.DU"),
            Line(0.94, "bUDUfUDUbUDUfUDU", "bUDUfUDUfUDU"),
        ),
        shape="open",
        first="b",
        share=0.9,
        longest_s=1.2,
        order=(3, 2, 4, 3, 2, 4),
        fastest_s=0.08,
        note_s=1.2,
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "B.......R.......", "B.......R..."),
            Line(0.26, "....R.......R...", "....R...R...", left="1.......5......."),
            Line(0.42, "....R.......R.R.", "....R...R.R.", left="1.......5......."),
            Line(0.58, "..R.R.....R.R.R.", "..R.R...R.R.", left="1.......5.....8."),
            Line(0.74, "..R.R.R...R.R.RR", "..R.R.R.R.RR", left="1...5...1...5..."),
            Line(0.92, "o.RRo.RRo.RRo.RR", "o.RRo.RRo.RR", left="1...3...5...6..."),
        ),
        first="R",
        alone=Register(60, 82, 74, 3),
        beside=Register(64, 86, 79, 3),
        share=0.7,
        longest_s=0.9,
        loose=True,
    ),
    openers=("guitar", "bass", "drums", "piano"),
)
