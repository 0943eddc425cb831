"""A take round a head that turns: with the head straight it is the take's own binaural.wav.

Measured with the default bundle, 8 bars at 48 kHz: the greatest difference is 124 dB below full scale behind the
limiter. Four stems in blocks of 512 frames take 8 % of one core while the head turns, 3 % while it is still, with
OPENBLAS_NUM_THREADS=1: the limiter's matrix product wakes all cores else, and they wait for more in a loop.
"""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from bridge.audition.headphones import Headphones, folded
from bridge.audition.in_step import InStep
from harmonicflow.audio import files
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.mix.strips import StripProcessor, strip_for
from harmonicflow.spatial.binaural import render
from harmonicflow.spatial.head import Head
from harmonicflow.spatial.hrtf import Position

RATE = 48_000
RNG = np.random.default_rng(0)


def decibels(x):
    return 20 * np.log10(np.abs(x).max() + 1e-12)


def take_of(cli, *words):
    done = cli(*words, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out.splitlines()[-1])


def assert_straight_is_the_take(folder):
    own, rate = files.read(Path(folder) / "binaural.wav")
    headphones = Headphones.of_take(folder)
    assert (headphones.rate, headphones.frames) == (rate, own.shape[1])
    ours = np.concatenate(list(headphones.stream(700)), axis=1)
    assert decibels(ours - own) < -110 and decibels(own) > -40


def test_a_straight_head_hears_binaural_wav(cli):
    length = ("--seconds", "1.5", "--tempo", "120", "--rate", str(RATE), "--seed", "5")
    mixed = take_of(cli, "generate", *length)
    dry = take_of(cli, "generate", *length, "--delivery", "dry", "--stems", "bass,piano")
    again = take_of(cli, "regenerate", mixed["take"], "--stem", "guitar", "--from-bar", "1", "--to-bar", "1")
    for take in (mixed, dry, again):
        assert_straight_is_the_take(take["folder"])


def strips_of(names):
    """As take.json has them."""
    return {name: {"pan": strip_for(name).pan} for name in names}


def band(frames=RATE, level=0.1, names=("bass", "drums", "guitar", "piano")):
    """Stems [2, N] as their strips deliver them, and the mono that was placed [S, N]."""
    strips = [StripProcessor(strip_for(name), RATE) for name in names]
    mono = np.stack([strip.colour(level * RNG.standard_normal(frames)) for strip in strips])
    return {name: strip.place(x) for name, strip, x in zip(names, strips, mono, strict=True)}, mono


def test_a_pan_is_turned_back_exactly():
    stems, mono = band()
    for sound, own, (name, strip) in zip(stems.values(), mono, strips_of(stems).items(), strict=True):
        back = folded([sound[:, :1000], sound[:, 1000:]], sound.shape[1], RATE, strip)
        assert decibels(back - own) - decibels(own) < -130, name
    centred = folded([np.ones((2, 10), np.float32)], 10, RATE, None)
    assert centred == pytest.approx(np.sqrt(2))


def test_any_frame_and_loud_stems_under_the_ceiling():
    stems, mono = band(level=0.5)
    whole = render(mono, RATE)
    headphones = Headphones(stems, RATE, strips_of(stems))
    assert decibels(headphones.render(0, RATE) - whole) < -100
    assert decibels(whole) < -0.9 < decibels(mono.sum(axis=0))
    quiet = Headphones({name: 0.01 * sound for name, sound in stems.items()}, RATE, strips_of(stems))
    straight = quiet.render(0, RATE)
    for start, frames in ((30_000, 700), (1, 64), (30_700, 512), (47_900, 100)):
        assert decibels(quiet.render(start, frames) - straight[:, start : start + frames]) < -140
    beyond = quiet.render(RATE + 300, 1000)
    assert beyond.shape == (2, 1000) and not beyond.any()
    assert not quiet.render(-2000, 1000).any()


def test_it_turns_and_a_beginning_is_where_the_head_is():
    """A source at the left: whoever looks at it has it in front, the ears alike."""
    sound = {"x": np.tile(0.1 * RNG.standard_normal(2 * RATE), (2, 1)).astype(np.float32)}
    headphones = Headphones(sound, RATE, positions={"x": Position(90.0)})

    def left_db(start, frames=2048):
        left, right = headphones.render(start, frames)
        return 10 * np.log10(np.sum(left**2) / np.sum(right**2))

    assert left_db(0) > 8
    headphones.turn(90)
    assert headphones.head == Head(90)
    assert left_db(2048, 512) > 6  # on its way
    assert abs(left_db(2560 + 512 * 30)) < 0.2  # a beginning elsewhere
    headphones.turn(180, 0, 0)
    assert left_db(0) < -8
    with pytest.raises(ValueError, match="finite"):
        headphones.turn(float("nan"))
    assert headphones.head == Head(180)


def test_another_thread_turns_while_it_renders():
    stems, _ = band(4 * RATE, 0.02)
    headphones = Headphones(stems, RATE, strips_of(stems))
    going, turns = threading.Event(), []

    def shake():
        while not going.is_set():
            turns.append(headphones.turn(*RNG.uniform(-180, 180, 3)))

    shaker = threading.Thread(target=shake)
    shaker.start()
    out = np.concatenate([headphones.render(at, 512) for at in range(0, 512 * 100, 512)], axis=1)
    going.set()
    shaker.join()
    assert turns and np.isfinite(out).all() and 0.001 < np.abs(out).max() < 1


def test_it_is_a_source_like_a_file():
    stems, mono = band(20_000, 0.05)
    group = InStep([Headphones(stems, RATE, strips_of(stems))], RATE, 2)
    out = np.concatenate([piece.sound[0] for piece in group.pieces(lambda: False)]).T
    assert out.shape == (2, 20_000) and decibels(out - render(mono, RATE)) < -110


def test_what_is_no_take_is_said(tmp_path):
    def code():
        with pytest.raises(HarmonicFlowError) as caught:
            Headphones.of_take(tmp_path)
        return caught.value.code

    assert code() == "unknown_take"
    for text in ("{}x", '{"summary": {}}', '{"strips": {}, "summary": {"files": []}}', '{"strips": 1, "summary": []}'):
        (tmp_path / "take.json").write_text(text)
        assert code() in ("bad_take", "unknown_take")
    row = {"stem": "bass", "file": "../bass.wav", "frames": 10, "rate": RATE}
    (tmp_path / "take.json").write_text(json.dumps({"strips": {"bass": {}}, "summary": {"files": [row]}}))
    assert code() == "missing_file"
    with pytest.raises(ValueError, match="one length"):
        Headphones({}, RATE)
