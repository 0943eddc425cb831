"""Takes of many kinds in a home of their own, made by the real engine on the stand-in bundle, to test exports on.

Each is short. Rates, tempos, meters and places differ: see `CASES`.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

from harmonicflow.core.messages import Generate
from harmonicflow.core.tempo import Meter, MeterMap, Selection, TempoMap, nearest
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.take import write_take

CREATED: Final = "2026-01-02T03:04:05+00:00"


def _selection(
    rate: int, tempos: list[tuple[object, object]], meters: MeterMap, start_beat: Fraction, beats: Fraction,
    start_frame: int = 0,
) -> Selection:  # fmt: skip
    """Tempos as (selection beat, BPM), the first at 0."""
    tempo = TempoMap.from_changes(tempos, rate, start_frame)  # type: ignore[arg-type]
    end = nearest(tempo.frame_at(beats))
    return Selection(rate, start_frame, end, tempo, meters, start_beat)


def _meters(*changes: tuple[int, str]) -> MeterMap:
    return MeterMap([(bar, Meter.parse(text)) for bar, text in changes])


F = Fraction
RAMP: Final = [(F(step, 2), 100 + 3 * step) for step in range(12)]
CASES: Final[dict[str, Callable[[], Selection]]] = {
    "plain": lambda: _selection(44_100, [(0, "93.7")], _meters((1, "4/4")), F(0), F(8)),
    "seven": lambda: _selection(48_000, [(0, "137.3")], _meters((1, "7/8")), F(14), F(7), 1_234_567),
    "change": lambda: _selection(
        96_000, [(0, "93.7"), (3, "137.3"), (5, 120)], _meters((1, "4/4")), F(2), F(6), 96_000
    ),
    "meters": lambda: _selection(48_000, [(0, "137.3")], _meters((1, "4/4"), (2, "7/8"), (3, "3/4")), F(3), F(15, 2)),
    "ramp": lambda: _selection(44_100, RAMP, _meters((1, "3/4")), F(5, 2), F(23, 4), 44_100 * 3600),
}  # fmt: skip


def make(bundle: Path, home: Path) -> None:
    """Write a take of every case into `home`, and two options of one request: `options-1`, `options-2`."""
    flow = HarmonicFlow(bundle, threads=1)
    for name, selection in CASES.items():
        stems = ("bass", "drums", "guitar", "piano") if name == "plain" else ("bass", "drums")
        request = Generate(
            id=name, selection=selection().to_wire(), stems=stems, seed=3, chords="Am7 D9/F# | Gmaj7", title=f"A {name}"
        )
        (result,) = flow.generate(request)
        write_take(result, home / "takes" / f"20260102-{name}-1", created=CREATED)
    request = Generate(
        id="twice", selection=CASES["seven"]().to_wire(), stems=("bass", "piano"), seed=5, count=2, title='"<&> \x07'
    )
    for number, result in enumerate(flow.generate(request), 1):
        write_take(result, home / "takes" / f"20260102-options-{number}", created=CREATED)
