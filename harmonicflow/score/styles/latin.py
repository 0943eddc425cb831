"""Latin: sixteen steps are one turn of the clave. Quiet bossa nova, cha-cha, salsa with cascara and bell, samba."""

from .style import BassLines, Groove, GuitarLines, Kit, Line, PianoLines, Register, Style

_BEMBE = "b.b.bb.b.b.b"  # the standard bell of twelve

LATIN = Style(
    name="latin",
    tempo=(84, 136),
    pulse_window=(52, 116),
    swing=0.0,
    sixteenths=0.5,
    minor=0.55,
    push=0.5,
    lag_ms={"drums": 0.0, "bass": 0.0, "guitar": 1.0, "piano": -1.0},
    drums=Kit(
        grooves=(
            Groove(0.1, "x..x....x..x....", "r.....r....r....", "h.h.h.h.h.h.h.h.", foot="..p...p...p...p."),
            Groove(
                0.25, "x..xx..xx..xx..x", "r..r..r...r..r..", "hhhhhhhhhhhhhhhh", foot="..p...p...p...p.",
                kick12="x.....x.....", snare12="r..r..r...r.", hand12="h.hh.hh.hh.h",
            ),
            Groove(
                0.4, "x.......x.......", "..r...ll..r...ll", "B.b.B.b.B.b.B.b.",
                kick12="x.....x.....", snare12="..r..l..r.ll", hand12=_BEMBE,
            ),
            Groove(
                0.52, "...x..x....x..x.", "......hl......hl", "S.s.Ss.s.Ss.S.s.", foot="..p...p...p...p.",
                kick12="x.....x.....", snare12="...r.l...r.l", hand12=_BEMBE,
            ),
            Groove(
                0.65, "...x..x....x..x.", "..x...hl..x...ll", "B.b.B.bbB.b.B.bb", foot="..p...p...p...p.",
                kick12="x..x..x..x..", snare12="..rx.l..rx.l", hand12=_BEMBE,
            ),
            Groove(
                0.78, "...x..x....x..x.", "..X..g.g..X.g.hl", "B.b.Bb.b.Bb.B.b.",
                kick12="x..x..x..x..", snare12="g.gX.gg.gX.l", hand12=_BEMBE,
            ),
            Groove(
                0.93, "x..Xx..Xx..Xx..X", "XggXgggXgXgXggXg", "r.rrr.rrr.rrr.rr",
                kick12="x..x..x..x..", snare12="gxgXgggxgXgl", hand12="b.bbb.bbbb.b",
            ),
        ),
        fills=("h.hl.ls.", "hhl.hhl.", "s.shh.ll", "h.l.hlhl", "..s.hhll", "ssh.hml."),
        ghosts=0.2,
        kicks=0.0,
        late_ms=0.0,
    ),
    bass=BassLines(
        lines=(
            Line(0.12, "R.......5.......", twelve="R.....5....."),
            Line(0.25, "R..R....5..5....", "R..R..5.....", "R....R5....5"),
            Line(0.38, "R.....5.R.....5.", "R.....5.R...", "R...5.R...5."),
            Line(0.55, "...5..n....5..n.", "...5..5...n.", "...5.n...5.n"),
            Line(0.7, "R..5..n....5..n.", "R..5..5...n.", "R..5.n...5.n"),
            Line(0.82, "R..5..n8..85..n.", "R..5..58..n.", "R..5.n8..5.n"),
            Line(0.94, "R..RR..55..5R..a", "R..RR..55..a", "R.R5.5R.R5.a"),
        ),
        held=0.88,
        locks=False,
        loose=True,
    ),
    guitar=GuitarLines(
        lines=(
            Line(0.12, "b.....q...q.....", twelve="b...q...q..."),
            Line(0.3, "q..q..q...q..q..", "q..q..q..q..", "q..q.q..q.q."),
            Line(0.5, "n..n..n.n.n..n..", "n..n..n.n.n.", "n.nn.nn.nn.n"),
            Line(0.65, "n.nn.n.n.n.n.nn.", "n.nn.n.n.nn.", "n.nn.nn.nn.n"),
            Line(0.8, "c..c..c.c.c..c.c", "c..c..c.c.c.", "c.cc.cc.cc.c"),
            Line(0.93, "D.mUDmUm.UmUDmUm", "D.mUDmUmDmU.", "D.UDmUD.UDmU"),
        ),
        shape="top",
        first="q",
        share=0.8,
        longest_s=0.5,
        loose=True,
        order=(0, 2, 1, 2, 0, 1, 2, 1),
        note_s=0.3,
    ),
    piano=PianoLines(
        lines=(
            Line(0.1, "R.......R.......", "R.......R...", left="L.......L......."),
            Line(0.25, "R..R..R...R..R..", "R..R..R..R..", "R..R.R..R.R."),
            Line(0.42, "R...R.R.R...R.R.", "R...R.R.R...", "R.R..RR.R..R"),
            Line(0.55, "N.NN.N.N.N.N.N.N", "N.NN.N.N.N.N", "N.NN.NN.NN.N"),
            Line(0.72, "R.NN.R.N.R.N.R.N", "R.NN.R.N.R.N", "R.NN.RN.RN.N"),
            Line(0.92, "o.RN.o.RNo.R.oNR", "o.RN.o.R.oNR", "o.Ro.Ro.RoNR"),
        ),
        first="R",
        alone=Register(57, 81, 74, 3),
        beside=Register(60, 84, 77, 3),
        share=0.7,
        longest_s=0.8,
        loose=True,
        rooted=False,
    ),
    openers=("piano", "guitar", "drums", "bass"),
)
