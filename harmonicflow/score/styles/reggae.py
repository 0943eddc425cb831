"""Reggae: an empty first beat. One drop, rockers, steppers; dub bass with holes, the skank, the organ's bubble."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

REGGAE = Style(
    name="reggae",
    tempo=(66, 94),
    pulse_window=(50, 112),
    swing=0.0,
    sixteenths=0.56,
    minor=0.5,
    push=0.05,
    lag_ms={"drums": 1.0, "bass": 7.0, "guitar": 2.0, "piano": 4.0},
    drums=Kit(
        grooves=(
            Groove(0.12, "....x.......x...", "....r.......r...", "..h...h...h...h.", snare12="...r.....r..",
                   kick12="...x.....x..", hand12="h.hh.hh.hh.h"),
            Groove(0.3, "....X.......X...", "....r.......r...", "h.h.h.h.h.h.h.h."),
            Groove(0.46, "....X.......X...", "....r..g....r.gg", "H.hhH.h.H.hhH.o."),  # one drop
            Groove(0.6, "x...X...x...X...", "....r..r....r..r", "H.hhH.hoH.hhH.ho"),
            Groove(0.72, "x.....x.x.....x.", "....X..r....X..r", "H.h.H.h.H.h.H.o."),  # rockers
            Groove(0.84, "X...X...X...X...", "....X..r..r.X..r", "H.hhH.hhH.hhH.oh"),  # steppers
            Groove(0.95, "X...X..xX...X..x", "..r.X..r..r.X.rr", "HhhhHhohHhhhHoho"),
        ),
        fills=("..s.h.l.", "s..s..s.", "ss..h.ll", "h.hhl.ll", "..ss..s.", "sss.sss."),
        ghosts=0.3,
        kicks=0.0,
        late_ms=4.0,
    ),
    bass=BassLines(
        lines=(
            Line(0.12, "R.......5...-...", "R.......5.-."),
            Line(0.3, "R...R.5.-...5...", "R...R.5.-..."),
            Line(0.45, "..R.R..5-...R.5.", "..R.R..5-.5."),
            Line(0.58, "R..R..5.-...3.5.", "R..R..5.-.3."),
            Line(0.7, "R.R.5.R.-.R.3.5.", "R.R.5.R.-.5."),
            Line(0.83, "R..R5.8.-R.R5.3.", "R..R5.8.-.3."),
            Line(0.95, "R.RR5.8.R.RR5.35", "R.RR5.8.R.35"),
        ),
        held=0.9,
        short="3",
        locks=False,
        loose=True,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.12, "..c.......c.....", "..c.......c.", "..c.....c..."),
            Line(0.3, "..c...c...c...c.", "..c...c...c."),
            Line(0.6, "..c...c...c...cm", "..c...c...cm"),
            Line(0.72, "..cm..cm..cm..cm", "..cm..cm..cm"),
            Line(0.85, "..cc..cc..cc..cc", "..cc..cc..cc"),
            Line(0.96, "m.ccm.ccm.ccm.cc", "m.ccm.ccm.cc"),
        ),
        shape="top",
        first="c",
        share=0.6,
        longest_s=0.3,
        loose=True,
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "..R.......R.....", "..R.......R."),
            Line(0.28, "..R...R...R...R.", "..R...R...R."),
            Line(0.45, "..R...R...R...R.", "..R...R...R.", left="....L.......L..."),
            Line(0.6, "..R...R...R...R.", "..R...R...R.", left=".L.L.L.L.L.L.L.L"),  # the bubble
            Line(0.78, "..RR..R...RR..R.", "..RR..R...R.", left=".L.L.L.L.L.L.L.L"),
            Line(0.93, "..RR..RR..RR..RR", "..RR..RR..RR", left="LL.LLL.LLL.LLL.L"),
        ),
        first="R",
        alone=Register(57, 77, 69, 3),
        beside=Register(57, 79, 72, 3),
        share=0.5,
        longest_s=0.22,
        loose=True,
        rooted=True,
    ),
    openers=("drums", "piano", "guitar", "bass"),
)
