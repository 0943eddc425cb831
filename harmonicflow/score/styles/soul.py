"""Soul: a fat backbeat, a bass that sings, chops on two and four, gospel chords; slow pieces roll in twelve."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

SOUL = Style(
    name="soul",
    tempo=(66, 124),
    pulse_window=(50, 140),
    swing=0.0,
    sixteenths=0.55,
    minor=0.4,
    push=0.35,
    lag_ms={"drums": 3.0, "bass": 5.0, "guitar": 3.0, "piano": 6.0},
    drums=Kit(
        grooves=(
            Groove(
                0.15, "x..........x....", "....r.......r...", "h.h.h.h.h.h.h.h.",
                kick12="x.....x.....", snare12="...r.....r..", hand12="hhhhhhhhhhhh",
            ),
            Groove(
                0.3, "x......x.xx.....", "....x.......x..g", "H.h.H.h.H.h.H.h.",
                kick12="x....xx.....", snare12="...x.....x..", hand12="HhhHhhHhhHhh",
            ),
            Groove(
                0.45, "x......xx.x.....", "....X..g....X..g", "h.h.h.h.h.h.h.h.",
                kick12="x....xx.....", snare12="...X.g...X..", hand12="HhhHhhHhhHhh",
            ),
            Groove(0.58, "x.....x.x.....x.", "X...X...X...X...", "h.h.h.h.h.h.h.h."),  # four on the snare
            Groove(0.7, "x.x....xx.x....x", "....X..g....X...", "T.t.T.t.T.t.T.t."),
            Groove(
                0.82, "x..x..x.x..x..x.", "X..gX..gX..gX.gg", "h.h.h.o.h.h.h.o.",
                kick12="x..x..x..x.x", snare12="g.gX..g.gX.g", hand12="RrrRrrRrrRrr",
            ),
            Groove(
                0.94, "x.x.x..xx.x.x..x", "X.g.X..gX.g.X.gX", "R.r.R.r.R.r.R.r.",
                kick12="x.xx..x.xx..", snare12="g.gX.gg.gXgX", hand12="RrrRrrRrrRrr",
            ),
        ),
        fills=("s..ss.s.", "ssss..s.", "..s.s.ss", "k.s.k.ss", "sss.h.l.", "s.ssc...", "..ss.sss"),
        ghosts=0.5,
        late_ms=9.0,
    ),
    bass=BassLines(
        lines=(
            Line(0.12, "R.......5.......", twelve="R.....5....."),
            Line(0.3, "R......R5.....a.", "R......R..a.", "R....R5....a"),
            Line(0.45, "R..R....8.7.5.a.", "R..R..7.5.a.", "R..R.R5..3.a"),
            Line(0.58, "R..R.35.R..R.5a.", "R..R.35...a.", "R.R3.5R.R3.a"),
            Line(0.72, "R.R..5.6R.8.5.3a", "R.R..5.65.3a", "R.R5.6R.R5.a"),
            Line(0.85, "R.RR.35.8.65.3.a", "R.RR.35.5.3a", "R.RR35R.RR3a"),
            Line(0.95, "RgRR.358.65.R35a", "RgRR.35.R35a", "RRRR35RRR53a"),
        ),
        held=0.86,
        short="8a",
        locks=True,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.12, "n...n...n...n...", twelve="n.nn.nn.nn.n"),
            Line(0.3, "....c.......c...", "....c...c...", "...c.....c.."),
            Line(0.45, "....c..m....c..m", "....c..mc..m", "...c.m...c.m"),
            Line(0.6, "n..nc..n..n.c..n", "n..nc..nc..n", "n.nc..n.nc.n"),
            Line(0.75, "m.mmc.m.m.mmc.cm", "m.mmc.m.c.cm", "m.mc.mm.mc.c"),
            Line(0.92, "m.mmc.mcmmm.c.mc", "m.mmc.mcc.mc", "mmmc.mmmmc.c"),
        ),
        shape="top",
        first="D",
        share=0.7,
        longest_s=0.9,
        loose=True,
        order=(2, 3, 1, 2, 0, 1),
        note_s=0.5,
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "B...............", "B...........", "B..........."),
            Line(0.28, "B.......R..R....", "B......R....", "B..R..R..R.."),
            Line(0.42, "B...R...B...R..r", "B...R...R..r", "B..R.rB..R.r"),
            Line(0.56, "R...R...R...R...", "R...R...R...", "R.RR.RR.RR.R", left="L.....5.L.....5."),
            Line(0.7, "R..R.R..R..R.RR.", "R..R.R..R.R.", "RRRRRRRRRRRR", left="1.....5.1...5.6."),
            Line(0.92, "oR.RoR.RoR.RoRRR", "oR.RoR.RoRRR", "oRRoRRoRRoRR", left="1..1..5.1..3..5."),
        ),
        first="B",
        alone=Register(57, 79, 71, 4),
        beside=Register(55, 76, 70, 4),
        share=0.85,
        longest_s=2.0,
        rooted=True,
    ),
    looseness=1.2,
    openers=("piano", "guitar", "bass", "drums"),
)
