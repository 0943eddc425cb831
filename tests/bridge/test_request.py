"""From options to the exact range, and to the sound that is sent."""

from fractions import Fraction

import numpy as np
import pytest
import soundfile

from bridge.request import CONTEXT_S, Span, check_harmony, look_at, out_folders, read_clip, read_like, selection_of
from harmonicflow.core.constants import MAX_LIKE_SECONDS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize(
    ("start", "end"),
    [("2.0", "9.5"), ("0.1", "0.7"), ("1.235", "7.77777"), ("0", "9.99"), ("2.005", "2.515"), ("1.0001875", "5.015")],
)
def test_the_length_is_the_difference_of_the_rounded_ends(rate, start, end):
    span = Span(start=Fraction(start), end=Fraction(end), tempo=Fraction(96))
    selection = selection_of(span, rate, clip_frames=10 * rate)
    assert selection.frames == round(float(end) * rate) - round(float(start) * rate)
    other = Selection.from_seconds(start, end, rate, 96)  # as the Python API does it
    assert (selection.start_frame, selection.end_frame) == (other.start_frame, other.end_frame)


@pytest.mark.parametrize(
    ("meter", "bpm", "bars", "seconds"),
    [("4/4", "120", 4, 8), ("7/8", "97.3", 3, Fraction(3 * 7 * 600, 2 * 973)), ("12/8", "33.3", 2, Fraction(7200, 333)),
     ("3/4", "271.8", 5, Fraction(15 * 600, 2718)), ("6/8", "400", 1, Fraction(9, 20))],
)  # fmt: skip
def test_bars_have_their_exact_length(meter, bpm, bars, seconds):
    selection = selection_of(Span(bars=bars, tempo=Fraction(bpm), meter=meter), 48_000)
    assert selection.frames == round(seconds * 48_000)
    assert len(selection.bars()) == bars


def test_bars_from_inside_a_bar_end_on_a_bar_line():
    # From beat 2.5 of a 4/4 bar, two bars: 1.5 + 4 quarter notes of half a second.
    selection = selection_of(
        Span(bars=2, tempo=Fraction(120), start_beat=Fraction(5, 2), start=Fraction(3)), 1_000 * 48
    )
    assert selection.frames == 48_000 * 11 // 4
    assert [bar.grid_start for bar in selection.bars()] == [Fraction(-5, 2), Fraction(3, 2)]


def test_no_end_means_the_clips_end():
    assert selection_of(Span(start=Fraction(1)), 44_100, clip_frames=100_000).end_frame == 100_000


@pytest.mark.parametrize(
    ("start", "end"), [("9", "2"), ("2", "2"), ("0", "11"), ("-1", "5"), ("20", "30"), ("20", None)]
)
def test_ranges_outside_the_clip_are_refused(start, end):
    span = Span(start=Fraction(start), end=None if end is None else Fraction(end))
    with pytest.raises(HarmonicFlowError) as found:
        selection_of(span, 44_100, clip_frames=441_000)
    assert found.value.code == "bad_selection"


def test_the_clip_goes_with_its_surroundings(tmp_path):
    sound = np.arange(2 * 200_000, dtype=np.float32).reshape(200_000, 2) / 400_000
    soundfile.write(tmp_path / "ramp.wav", sound, 10_000, subtype="FLOAT")
    path = str(tmp_path / "ramp.wav")
    selection = selection_of(Span(start=Fraction(6), end=Fraction(18)), 10_000, look_at(path).frames)
    spec, audio = read_clip(path, 200_000, selection)
    start = (6 - CONTEXT_S) * 10_000
    assert (spec.start_frame, spec.channels, spec.frames, spec.rate) == (start, 2, 200_000 - start, 10_000)
    assert np.array_equal(audio, sound[start:].T) and audio.flags.c_contiguous


def test_a_reference_is_heard_from_where_it_sounds(tmp_path):
    rate = 8_000
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (100 * rate, 2)).astype(np.float32)
    noise[: 30 * rate] = 0
    soundfile.write(tmp_path / "late.wav", noise, rate, subtype="FLOAT")
    soundfile.write(tmp_path / "rest.wav", np.zeros((rate, 1)), rate)
    (spec,), (sound,) = read_like([("bass", str(tmp_path / "late.wav"))])
    assert (spec.stem, spec.rate, spec.channels, spec.name) == ("bass", rate, 1, "late.wav")
    assert sound.shape == (1, spec.frames) == (1, MAX_LIKE_SECONDS * rate)
    start = 30 * rate - int(np.argmax(np.abs(sound[0]) > 0))
    np.testing.assert_allclose(sound[0], noise.mean(axis=1)[start : start + sound.shape[1]], atol=1e-7)
    with pytest.raises(HarmonicFlowError, match="no sound in .*rest.wav that bass could be like"):
        read_like([("bass", str(tmp_path / "rest.wav"))])


def test_chords_are_read_before_a_daemon_is_asked():
    selection = selection_of(Span(bars=4), 44_100)
    check_harmony("Am7 | D7/F# | Gmaj7 | %", "F# minor", selection)
    check_harmony(None, None, selection)
    with pytest.raises(HarmonicFlowError, match="H#9"):
        check_harmony("Am | H#9", None, selection)
    with pytest.raises(HarmonicFlowError, match="'Hm'"):
        check_harmony(None, "Hm", selection)


def test_out_folders_are_made_or_refused_before_the_work(tmp_path):
    assert [f.name for f in out_folders(str(tmp_path / "a"), 3)] == ["01", "02", "03"]
    assert out_folders(str(tmp_path / "b"))[0].is_dir() and not list((tmp_path / "b").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(HarmonicFlowError) as found:
        out_folders(str(tmp_path / "file" / "x"))
    assert found.value.code == "disk" and found.value.exit_code == 1
