"""The render: linear, aligned, as loud as the mix, under the ceiling, and the same however it is cut."""

from importlib import resources

import numpy as np
import pytest
import scipy.signal

from harmonicflow.audio import files
from harmonicflow.audio.convolve import Convolver
from harmonicflow.audio.loudness import integrated_lufs, true_peak_dbtp
from harmonicflow.mix.bus import mix
from harmonicflow.mix.strips import StripProcessor, strip_for
from harmonicflow.spatial.binaural import DEFAULT_POSITIONS, BinauralRenderer, Placement, position_for, render
from harmonicflow.spatial.hrtf import Position, filters

RATE = 44100
CLIP = resources.files("harmonicflow.data") / "guit_em9.flac"
RNG = np.random.default_rng(0)


def band(rate=RATE, seconds=6.0):
    """Four plain stems: a saw bass, decaying noise hits, the shipped guitar, soft chords."""
    t = np.arange(int(seconds * rate)) / rate
    bass = 0.25 * scipy.signal.sawtooth(2 * np.pi * 55 * t) * (t % 0.5 < 0.4)
    hits = 0.5 * RNG.standard_normal(len(t)) * np.exp(-(t % 0.25) * 40)
    hits += 0.6 * np.sin(2 * np.pi * 60 * t) * np.exp(-(t % 0.5) * 12)
    guitar = files.read(str(CLIP), 0, 6 * 44100)[0].mean(axis=0)
    guitar = np.resize(guitar, len(t))
    chords = sum(0.08 * np.sin(2 * np.pi * hz * t) * np.exp(-(t % 1.0) * 2) for hz in (220, 277, 330, 440, 660))
    return {"bass": bass, "drums": hits, "guitar": guitar, "piano": np.asarray(chords)}


def test_a_convolver_filters_as_scipy_does():
    x, taps = RNG.standard_normal((3, 9000)), RNG.standard_normal((2, 3, 300))
    expected = [sum(scipy.signal.fftconvolve(x[i], taps[o, i])[:9000] for i in range(3)) for o in range(2)]
    assert np.abs(Convolver(taps).process(x.astype(np.float32)) - expected).max() < 1e-3 * np.abs(expected).max()


def test_an_impulse_at_the_left_comes_out_as_the_measured_pair():
    x = np.zeros((1, 2000), np.float32)
    x[0, 500] = 1.0
    out = Placement(RATE, {"bass": Position(90)}, equalised=False, matched=False).process(x)
    assert np.abs(out[:, 500:732] - filters(Position(90), RATE, False)).max() < 1e-6
    assert not out[:, :500].any()


def test_two_sources_are_the_sum_of_each():
    positions = {"a": Position(30), "b": Position(-100, 20, 3)}
    x = RNG.standard_normal((2, 8000)).astype(np.float32)
    placement = [Placement(RATE, positions) for _ in range(3)]
    both = placement[0].process(x)
    first, second = placement[1].process(x * [[1], [0]]), placement[2].process(x * [[0], [1]])
    assert np.abs(both - first - second).max() < 1e-5


@pytest.mark.parametrize("azimuth", [0, 40, 90, 180, 250])
def test_a_stem_and_its_render_start_together(azimuth):
    x = np.zeros((1, 1000), np.float32)
    x[0, 100] = 1.0
    out = np.abs(Placement(RATE, {"x": Position(azimuth)}).process(x)).max(axis=0)
    first = int(np.argmax(out > 0.1 * out.max()))
    assert 100 <= first <= 100 + 0.0006 * RATE


@pytest.mark.parametrize("rate", [RATE, 48000])
def test_pieces_equal_the_whole_bit_for_bit(rate):
    x = (RNG.standard_normal((4, 20000)) * 0.5).astype(np.float32)
    whole = render(x, rate)
    assert whole.shape == (2, 20000) and whole.dtype == np.float32
    for sizes in ([1, 2, 77], [4096], [0, 5000, 131]):
        renderer, parts, at = BinauralRenderer(rate), [], 0
        stop = 700 if 1 in sizes else x.shape[1]
        while at < stop:
            count = int(RNG.choice(sizes))
            parts.append(renderer.process(x[:, at : min(stop, at + count)]))
            at += count
        if stop == x.shape[1]:
            parts.append(renderer.finish())
        out = np.concatenate(parts, axis=1)
        assert out.tobytes() == whole[:, : out.shape[1]].tobytes()


@pytest.mark.parametrize("rate", [RATE, 48000])
@pytest.mark.parametrize("louder", [None, "bass", "drums", "guitar", "piano"])
def test_it_is_as_loud_as_the_mix(rate, louder):
    mono, stereo = [], {}
    for name, x in band(rate).items():
        strip = StripProcessor(strip_for(name), rate)
        mono.append(strip.colour(x * 10 ** ((-6 if name == louder else -14) / 20)))
        stereo[name] = strip.place(mono[-1])
    out = render(np.stack(mono), rate)
    assert abs(integrated_lufs(out, rate) - integrated_lufs(mix(stereo, rate), rate)) < 1.0


def test_the_peak_stays_under_the_ceiling():
    out = render(RNG.standard_normal((4, RATE)), RATE)
    assert true_peak_dbtp(out) <= -1.0


def test_defaults():
    assert list(DEFAULT_POSITIONS) == ["bass", "drums", "guitar", "piano"]
    for name, position in DEFAULT_POSITIONS.items():
        left, right = StripProcessor(strip_for(name), RATE).process(RNG.standard_normal(RATE))
        ears = filters(position)
        sides = np.sign([round(np.std(left) / np.std(right) - 1, 2), round(np.std(ears[0]) / np.std(ears[1]) - 1, 2)])
        assert sides[0] == sides[1], name  # the mix and the render agree on left and right
    assert position_for("violin") == position_for("flute")
    assert not render(np.zeros((4, 5000)), RATE).any()
