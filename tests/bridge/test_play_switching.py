"""Changes between voices: exact outside the crossfade, without a click inside it, whenever they come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audition.switching import Switch

RATE = 48_000
FADE = 480


def mixed(switch: Switch, sound: np.ndarray, block: int = 256, presses: dict[int, int] | None = None) -> np.ndarray:
    """[T, C], block by block; `presses`: which voice is chosen before which block."""
    out = np.full(sound.shape[1:], 9, np.float32)
    for number, first in enumerate(range(0, len(out), block)):
        if presses and number in presses:
            switch.chosen = presses[number]
        switch.mix(sound[:, first : first + block], out[first : first + block])
    return out


def noise(voices: int, frames: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (voices, frames, 2)).astype(np.float32)


def roughness(x: np.ndarray) -> float:
    """The largest second difference, in which a click stands out of a tone."""
    return float(np.abs(np.diff(x, 2, axis=0)).max())


def test_a_change_is_exact_outside_of_ten_milliseconds() -> None:
    sound = noise(2, 4_000)
    out = mixed(Switch(2, RATE), sound, 100, {10: 1, 30: 0})
    for start, end, voice in ((0, 1_000, 0), (1_000 + FADE, 3_000, 1), (3_000 + FADE, 4_000, 0)):
        np.testing.assert_array_equal(out[start:end], sound[voice, start:end])
    middle = 1_000 + FADE // 2 - 1  # half of each
    np.testing.assert_allclose(out[middle], sound[:, middle].mean(axis=0), atol=1e-6)


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 3), max_size=12), st.sampled_from([1, 7, 64, 500]))
def test_what_is_alike_stays_as_loud_however_one_presses(presses: dict[int, int], block: int) -> None:
    """Gains add up to 1 at every frame: four equal voices are one, also when one change comes during another."""
    sound = np.repeat(noise(1, 31 * block), 4, axis=0)
    np.testing.assert_allclose(mixed(Switch(4, RATE), sound, block, presses), sound[0], atol=1e-6)


@pytest.mark.parametrize("block", [50, 256, 1_024])
def test_no_click(block: int) -> None:
    """From a tone to its opposite and back before the first change is over."""
    tone = np.sin(2 * np.pi * 200 * np.arange(30_000) / RATE).astype(np.float32)[:, None]
    sound = np.stack([tone, -tone])
    presses = {5000 // block: 1, 5000 // block + 2: 0, 20_000 // block: 1}
    out = mixed(Switch(2, RATE), sound, block, presses)
    assert roughness(out) < 3 * roughness(tone)
    hard = np.concatenate([tone[:5_050], -tone[5_050:]])
    assert roughness(hard) > 100 * roughness(tone)  # what a click would be


def test_it_changes_by_itself_at_the_frame() -> None:
    sound = noise(3, 10_000)
    switch = Switch(3, RATE, every=3_000)
    out = mixed(switch, sound, 333)
    for turn, start in enumerate(range(0, 10_000, 3_000)):
        place = slice(start + (FADE if turn else 0), min(start + 3_000, 10_000))
        np.testing.assert_array_equal(out[place], sound[turn % 3, place])
    assert switch.heard == [4_000, 3_000, 3_000] and switch.chosen == 0


def test_leaving_fades_to_silence() -> None:
    sound = np.ones((1, 2_000, 1), np.float32)
    switch = Switch(1, RATE)
    out = np.full((2_000, 1), 9, np.float32)
    switch.mix(sound[:, :700], out[:700])
    switch.leaving = True
    assert not switch.gone
    for first in (700, 1_000):
        switch.mix(sound[:, first : first + 300], out[first : first + 300])
    assert switch.gone
    assert (out[:700] == 1).all() and not out[700 + FADE : 1_300].any()
    assert (np.diff(out[700 : 700 + FADE, 0]) <= 0).all()
    assert roughness(out[:1_300]) < 1e-3
