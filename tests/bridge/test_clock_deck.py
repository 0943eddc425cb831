"""A sound under the hand: sample for sample where it plays, and no click wherever it starts, stops or moves."""

import numpy as np
import pytest

from bridge.audition.deck import Deck

RATE = 48_000
FADE = 480


class Tone:
    """A sine that is loud at every frame; around without a seam."""

    frames = 48_000

    def __init__(self, hz: float = 100.0) -> None:
        self.hz = hz

    def render(self, start_frame: int, frames: int) -> np.ndarray:
        at = start_frame + np.arange(frames)
        sound = 0.5 * np.cos(2 * np.pi * self.hz * at / RATE) * ((at >= 0) & (at < self.frames))
        return np.repeat(sound[None].astype(np.float32), 2, axis=0)


def fill(deck: Deck, blocks: int, size: int = 256) -> np.ndarray:
    out = np.full((blocks * size, 2), 9, np.float32)
    for first in range(0, len(out), size):
        deck.fill(out[first : first + size])
    return out[:, 0]


def steepest(sound: np.ndarray) -> float:
    """The largest second difference: a click is a corner, and this is what is heard of it."""
    return float(np.abs(np.diff(sound, 2)).max())


def test_it_plays_what_is_there_and_stops() -> None:
    deck, tone = Deck(RATE, 2), Tone()
    assert not fill(deck, 3).any()
    deck.want(tone, 12_345, True)
    heard = fill(deck, 20)
    np.testing.assert_array_equal(heard[FADE:], tone.render(12_345, 5120)[0, FADE:])
    deck.want(tone, 0, False)
    ended = fill(deck, 4)
    assert ended[:FADE].any() and not ended[FADE:].any()


def test_nothing_clicks() -> None:
    """Start, move, another sound, stop, and all of them again before the last fade is over: as smooth as the fades."""
    tone, other = Tone(), Tone(150)
    rng = np.random.default_rng(5)
    for size in (64, 256, 1024):
        deck = Deck(RATE, 2, loop=True)
        pieces = []
        for _ in range(300):
            sound = (tone, other, None)[rng.integers(3)]
            deck.want(sound, int(rng.integers(48_000)), bool(rng.integers(2)))
            pieces.append(fill(deck, int(rng.integers(1, 12)), size))
        heard = np.concatenate(pieces)
        # A fade of 10 ms bends by up to (pi / 480)^2 / 4 of full scale a frame squared; several may be on their way.
        alone = steepest(other.render(0, 9_600)[0])
        assert np.abs(heard).max() <= 1 and steepest(heard) < 4 * (alone + 2 * (np.pi / FADE) ** 2)
    hard = np.concatenate([tone.render(0, 1000)[0], np.zeros(1000)])
    assert steepest(hard) > 10 * steepest(heard)


def test_around_without_a_seam_and_silence_at_the_end() -> None:
    deck, tone = Deck(RATE, 2, loop=True), Tone()
    deck.want(tone, 40_000, True)
    heard = fill(deck, 80)
    np.testing.assert_array_equal(heard[8_000:9_000], tone.render(0, 1_000)[0])
    assert steepest(heard) < 1.01 * steepest(tone.render(0, 48_000)[0]) + 1e-4
    once = Deck(RATE, 2)
    once.want(tone, 47_000, True)
    assert not fill(once, 8)[1_000:].any()


def test_a_guide_is_followed_and_small_differences_are_left_alone() -> None:
    deck, tone = Deck(RATE, 2), Tone()
    deck.sound = tone
    told = {"playing": False, "frame": 0}
    deck.guide = lambda later: (told["playing"], told["frame"])
    assert not fill(deck, 2).any()
    told.update(playing=True, frame=20_000)
    fill(deck, 1)
    assert deck.playing and deck.frame == 20_256
    told["frame"] = 20_256 + 300  # 6 ms
    fill(deck, 1)
    assert deck.frame == 20_512
    told["frame"] = 30_000
    fill(deck, 1)
    assert deck.frame == 30_256
    told["playing"] = False
    fill(deck, 3)
    assert not deck.playing and not fill(deck, 1).any()


@pytest.mark.parametrize("playing", [True, False])
def test_it_leaves_when_it_is_silent(playing: bool) -> None:
    deck = Deck(RATE, 2)
    deck.want(Tone(), 0, playing)
    fill(deck, 4)
    deck.leaving = True
    assert not deck.gone or not playing
    fill(deck, 3)
    assert deck.gone
