"""Tempo, meter, bars and frames are exact: there and back, over an hour, in odd meters and at odd tempos."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import SNAP_S, Meter, MeterMap, Selection, TempoMap, exact, frame_of, nearest

RATES = st.sampled_from((8_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000))
BPM = st.decimals(min_value=20, max_value=400, places=3).map(Fraction)
BEATS = st.fractions(min_value=-1000, max_value=100_000, max_denominator=960)
METERS = st.builds(Meter, st.integers(1, 32), st.sampled_from((1, 2, 4, 8, 16, 32)))


@st.composite
def tempo_maps(draw: st.DrawFn) -> TempoMap:
    steps = draw(st.lists(st.tuples(st.fractions(Fraction(1, 4), 64, max_denominator=24), BPM), min_size=1, max_size=6))
    beat, changes = draw(st.fractions(-100, 100, max_denominator=24)), []
    for length, bpm in steps:
        changes.append((beat, bpm))
        beat += length
    return TempoMap.from_changes(changes, draw(RATES), draw(st.integers(-(10**6), 10**6)))


@st.composite
def meter_maps(draw: st.DrawFn) -> MeterMap:
    lengths = draw(st.lists(st.integers(1, 20), max_size=4))
    bars = [1]
    for length in lengths:
        bars.append(bars[-1] + length)
    return MeterMap([(bar, draw(METERS)) for bar in bars])


@given(tempo_maps(), BEATS)
def test_beats_and_frames_there_and_back(tempo: TempoMap, beat: Fraction) -> None:
    frame = tempo.frame_at(beat)
    assert tempo.beat_at(frame) == beat
    assert tempo.frame_at(tempo.beat_at(nearest(frame))) == nearest(frame)


@given(tempo_maps(), BEATS, BEATS)
def test_time_never_runs_backwards(tempo: TempoMap, a: Fraction, b: Fraction) -> None:
    assert (a < b) == (tempo.frame_at(a) < tempo.frame_at(b))


@given(BPM, RATES)
@settings(max_examples=5)
def test_an_hour_without_drift(bpm: Fraction, rate: int) -> None:
    # The definition itself: n beats last n * 60 / bpm seconds.
    tempo = TempoMap.constant(bpm, rate)
    last_beat = int(bpm * 60)
    assert tempo.frame_at(last_beat) == Fraction(last_beat * 60 * rate) / bpm
    lengths = (tempo.frame_at(beat + 1) - tempo.frame_at(beat) for beat in range(last_beat))
    assert sum(lengths) == tempo.frame_at(last_beat)


@pytest.mark.parametrize("bpm", ["33.3", "271.8"])
def test_every_bar_of_an_hour_in_seven_eight(bpm: str) -> None:
    rate = 44_100
    bar_s = Fraction(7, 2) * 60 / Fraction(bpm)
    count = int(3590 / bar_s)
    selection = Selection.from_bars(count, bpm, "7/8", rate)
    bars = selection.bars()
    assert len(bars) == count and selection.beats == Fraction(7, 2) * count
    for bar in bars:
        assert bar.start_frame == nearest((bar.number - 1) * bar_s * rate)
    assert bars[-1].end_frame == selection.frames == nearest(count * bar_s * rate)


def test_a_float_tempo_means_its_decimal() -> None:
    assert TempoMap.constant(97.3, 48_000) == TempoMap.constant("97.3", 48_000)
    assert TempoMap.constant(97.3, 48_000).bpm_at(5) == Fraction(973, 10)
    assert exact(0.1) == Fraction(1, 10) and exact("7/8") == Fraction(7, 8) and exact(1e-05) == Fraction(1, 100_000)


@pytest.mark.parametrize("text", ["nan", "inf", "1e999999999", "9" * 700, "1/0", "", "0x10", "٣", "1_000", "True"])
def test_what_is_not_a_number_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="plain|zero"):
        exact(text)


@pytest.mark.parametrize("bpm", [0, 4000, 19.99, 400.01, -120, float("nan"), float("inf"), "fast", "1e400"])
def test_bad_tempo(bpm: float | str) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        TempoMap.constant(bpm, 44_100)
    assert caught.value.code == "bad_tempo" and str(bpm) in str(caught.value)


def test_tempo_changes_are_straight_lines() -> None:
    # 4 beats at 120 (2 s), then 60: beat 6 is at 4 s; before the first anchor the first line goes on.
    tempo = TempoMap.from_changes([(0, 120), (4, 60)], 48_000)
    assert [tempo.frame_at(beat) / 48_000 for beat in (-2, 0, 4, 6)] == [-1, 0, 2, 4]
    assert [tempo.bpm_at(beat) for beat in (-1, 0, Fraction(39, 10), 4, 100)] == [120, 120, 120, 60, 60]
    assert tempo.beat_at(3 * 48_000) == 5


def test_a_map_that_goes_backwards_is_refused() -> None:
    for anchors in [[(0, 0)], [(0, 0), (0, 9)], [(1, 0), (0, 22_050)], [(0, 22_050), (1, 0)]]:
        with pytest.raises(HarmonicFlowError) as caught:
            TempoMap(anchors, 44_100)
        assert caught.value.code == "bad_selection"


def test_meters() -> None:
    beats = {"4/4": 4, "3/4": 3, "6/8": 3, "12/8": 6, "7/8": Fraction(7, 2), "2/2": 4}
    assert {text: Meter.parse(text).beats for text in beats} == beats
    for text in ("0/4", "33/4", "4/3", "4", "4/4/4", "-4/4", "x/y", ""):
        with pytest.raises(HarmonicFlowError) as caught:
            Meter.parse(text)
        assert caught.value.code == "bad_meter"
    for changes in ([], [(2, Meter(4, 4))], [(1, Meter(4, 4)), (1, Meter(3, 4))]):
        with pytest.raises(HarmonicFlowError):
            MeterMap(changes)


@given(meter_maps(), st.integers(-50, 100), st.fractions(0, Fraction(99, 100), max_denominator=100))
def test_bars_and_beats_there_and_back(meters: MeterMap, bar: int, part: Fraction) -> None:
    position = part * meters.meter(bar).beats
    beat = meters.bar_start(bar) + position
    assert meters.bar_at(beat) == bar and meters.position_in_bar(beat) == position
    assert meters.bar_start(bar + 1) == meters.bar_start(bar) + meters.meter(bar).beats


@given(
    tempo_maps(), meter_maps(), st.integers(0, 10**7), st.floats(0.2, 20), st.fractions(0, 500, max_denominator=48)
)
@settings(max_examples=60)
def test_bars_tile_any_selection(
    tempo: TempoMap, meters: MeterMap, start: int, seconds: float, start_beat: Fraction
) -> None:
    frames = int(seconds * tempo.rate)
    selection = Selection(tempo.rate, start, start + frames, tempo, meters, start_beat)
    bars = selection.bars()
    assert [bar.number for bar in bars] == list(range(1, len(bars) + 1))
    assert bars[0].start_frame == 0 and bars[-1].end_frame == frames
    assert all(bar.start_frame < bar.end_frame for bar in bars)
    for bar, after in zip(bars, bars[1:], strict=False):
        assert bar.end_frame == after.start_frame and bar.end_beat == after.start_beat == after.grid_start
        assert bar.grid_start + bar.meter.beats == bar.end_beat
        assert nearest(selection.frame_at_beat(bar.end_beat)) == bar.end_frame
    assert abs(selection.frame_at_beat(selection.beats) - frames) <= SNAP_S * tempo.rate
    assert bars[0].grid_start <= 0 and abs(selection.start_beat - start_beat) * 60 <= SNAP_S * 400
    assert Selection.from_wire(selection.to_wire()) == selection


def test_where_the_selection_lies_never_matters() -> None:
    def bars_at(start: int) -> list[object]:
        return list(Selection(48_000, start, start + 480_001, TempoMap.constant("97.3", 48_000, 0, start)).bars())

    assert bars_at(0) == bars_at(173_000_017)


def test_a_selection_that_starts_inside_a_bar() -> None:
    # 3/4 at 60: bar lines every 3 s; the selection starts on beat 2 of a bar (start_beat 3 + 1).
    selection = Selection.from_seconds("0", "7.5", 48_000, 60, "3/4", start_beat=4)
    assert [(bar.number, bar.grid_start, bar.start_beat, bar.end_beat) for bar in selection.bars()] == [
        (1, -1, 0, 2),
        (2, 2, 2, 5),
        (3, 5, 5, Fraction(15, 2)),
    ]
    assert selection.beat_at_frame(48_000) == 1 and selection.frame_at_beat(Fraction(5, 2)) == 120_000
    first, last = selection.bar_range(2, 3)
    assert (first.start_frame, last.end_frame) == (96_000, 360_000)
    for wrong in ((0, 1), (3, 2), (1, 4)):
        with pytest.raises(HarmonicFlowError) as caught:
            selection.bar_range(*wrong)
        assert caught.value.code == "bad_bars"


@given(st.integers(0, 10**7), st.integers(2000, 10**6), RATES)
def test_length_in_frames_is_the_difference_of_rounded_ends(start_ms: int, length_ms: int, rate: int) -> None:
    selection = Selection.from_seconds(
        Fraction(start_ms, 1000), Fraction(start_ms + length_ms, 1000), rate, 120, "4/4"
    )
    # As a script that checks it would: text to float, Python's round.
    start, end = (float(f"{ms // 1000}.{ms % 1000:03}") for ms in (start_ms, start_ms + length_ms))
    assert selection.frames == round(end * rate) - round(start * rate)


# Times halfway between two frames: text, rate, frame. Halves go to the even frame where the float product is exact,
# and to the float's side where it is not.
TIES = [
    ("0.5", 44_101, 22_050), ("1.5", 44_101, 66_152), ("2.005", 44_100, 88_420), ("2.015", 44_100, 88_862),
    ("0.0625", 44_104, 2_756), ("0.0625", 44_120, 2_758), ("1.0000625", 8_000, 8_001), ("1.0001875", 8_000, 8_002),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rate", "frame"), TIES)
def test_halves_are_rounded_as_python_rounds_them(text: str, rate: int, frame: int) -> None:
    assert Fraction(text) * rate % 1 == Fraction(1, 2), "a tie"
    assert frame_of(text, rate) == frame_of(Fraction(text), rate) == frame_of(float(text), rate) == frame
    assert frame == round(float(text) * rate)
    end = Fraction(text) + 3
    assert Selection.from_seconds(text, end, rate, 120).start_frame == frame
    assert Selection.from_seconds(text, end, rate, 120).frames == round(float(end) * rate) - frame


def test_the_issue_examples_of_lengths() -> None:
    for rate in (44_100, 48_000, 96_000):
        assert Selection.from_seconds(2.0, 9.5, rate, 96).frames == round(9.5 * rate) - round(2.0 * rate)
    assert nearest(Fraction(5, 2)) == 3 and nearest(Fraction(-1, 2)) == 0


@pytest.mark.parametrize(
    ("code", "start", "end", "rate"),
    [
        ("bad_selection", 9.5, 2.0, 44_100),
        ("bad_selection", 2, 2, 44_100),
        ("bad_selection", "two", 9, 44_100),
        ("bad_selection", 0, "9" * 400, 44_100),
        ("too_short", 0, 0.01, 44_100),
        ("too_long", 0, 3601, 44_100),
        ("bad_rate", 0, 2, 0),
        ("bad_rate", 0, 2, 1_000_000),
    ],
)
def test_bad_selections(code: str, start: float, end: float, rate: int) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        Selection.from_seconds(start, end, rate, 120)
    assert caught.value.code == code


def test_no_bars_and_far_too_many_bars() -> None:
    for bars, code in ((0, "bad_selection"), (-3, "bad_selection"), (10**9, "too_long")):
        with pytest.raises(HarmonicFlowError) as caught:
            Selection.from_bars(bars, 120, "4/4", 44_100)
        assert caught.value.code == code


@pytest.mark.parametrize("frames", [-2, -1, 1, 2])
def test_a_bar_line_a_hair_from_an_end_is_at_the_end(frames: int) -> None:
    # 2 s bars; the selection is `frames` frames early or late at both ends, as a DAW's mouse may leave it.
    tempo, rate = TempoMap.constant(120, 48_000), 48_000
    start = 2 * rate + frames
    selection = Selection(rate, start, start + 4 * rate, tempo, start_beat=tempo.beat_at(start))
    assert [(bar.start_beat, bar.end_beat) for bar in selection.bars()] == [(0, 4), (4, 8)]
    assert selection.start_beat == 4


@given(st.integers(1, 64), BPM, METERS, RATES)
@settings(max_examples=60)
def test_whole_bars_stay_whole(bars: int, bpm: Fraction, meter: Meter, rate: int) -> None:
    assume(Fraction(1, 5) < bars * meter.beats * 60 / bpm < 3500)
    selection = Selection.from_bars(bars, bpm, meter, rate)
    assert len(selection.bars()) == bars and selection.beats == bars * meter.beats
    assert abs(selection.seconds - bars * meter.beats * 60 / bpm) <= Fraction(1, 2 * rate)


@pytest.mark.parametrize("meter", ["4/4", "7/8", "12/8"])
def test_a_selection_extended_is_the_longer_selection(meter: str) -> None:
    """No rounding adds up: one bar at a time or all at once, the last frame is the same."""
    grown = Selection.from_bars(1, "97.3", meter, 48_000)
    for _ in range(40):
        grown = grown.extended(bars=1)
    assert grown == Selection.from_bars(41, "97.3", meter, 48_000)
    assert Selection.from_bars(3, "97.3", meter, 48_000).extended(bars=38) == grown


def test_a_selection_extended_by_beats_and_seconds_and_from_inside_a_bar() -> None:
    cut = Selection.from_seconds(1, "9.5", 44_100, 96)  # 13.6 beats: the fourth bar is cut
    assert cut.extended(bars=2).beats == 24 and cut.extended(beats="2.4").beats == 16
    assert cut.extended(seconds="0.5").seconds == 9 and cut.extended(bars=1).start_frame == 44_100
    with pytest.raises(HarmonicFlowError, match="its length is not clear"):
        cut.extended(bars=1, beats=1)
    with pytest.raises(HarmonicFlowError, match="too long"):
        cut.extended(bars=10**9)


@given(st.integers(1, 40), BPM, METERS, RATES, st.data())
@settings(max_examples=60)
def test_frames_touch_the_bars_that_a_count_finds(
    bars: int, bpm: Fraction, meter: Meter, rate: int, data: st.DataObject
) -> None:
    assume(Fraction(1, 5) < bars * meter.beats * 60 / bpm < 3500)
    selection = Selection.from_bars(bars, bpm, meter, rate)
    first = data.draw(st.integers(1, bars))
    last = data.draw(st.integers(first, bars))
    one, two = selection.bar_range(first, last)
    assert selection.bars_touched(one.start_frame, two.end_frame) == (first, last)
    edge = rate // 16_000  # as far as a host's grid may be off
    assert selection.bars_touched(one.start_frame - edge, two.end_frame + edge) == (first, last)
    middles = [(bar.start_frame + bar.end_frame) // 2 for bar in (one, two)]
    assert selection.bars_touched(middles[0], middles[1] + 1) == (first, last)
    assert selection.bars_touched(middles[0], middles[0] + 1) == (first, first)
    assert selection.bars_touched(-(2**52), 2**52) == (1, bars)
    for start, end in ((0, 0), (middles[1], middles[0]), (-5, 0), (selection.frames, selection.frames + 9)):
        if start >= end or start < 0 or start >= selection.frames:
            with pytest.raises(HarmonicFlowError, match="frames 0 to"):
                selection.bars_touched(start, end)
