"""A long take: exactly as many frames as its bars say, and streamed as it is kept, whatever is done between blocks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from harmonicflow.core.tempo import Selection
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.result import BlockAudio, Result

BARS, TEMPO, RATE, STEMS = 64, "97.3", 44100, ["bass", "drums"]


@pytest.fixture(scope="module")
def long_take(flow: HarmonicFlow) -> tuple[Result, list[BlockAudio]]:
    given: list[BlockAudio] = []
    (take,) = flow.generate(bars=BARS, tempo=TEMPO, rate=RATE, steps=1, stems=STEMS, on_block=given.append)
    return take, given


def exact(rate: int, bars: int = BARS) -> int:
    """Frames of whole bars of four quarters, halves rounded up."""
    return int(Fraction(bars * 4 * 60 * rate) / Fraction(TEMPO) + Fraction(1, 2))


def test_every_file_has_the_exact_number_of_frames(long_take: tuple[Result, list[BlockAudio]]) -> None:
    take, _ = long_take
    frames = exact(RATE)
    assert take.selection.frames == frames == 6_961_727
    assert {sound.shape for sound in (*take.stems.values(), take.mix, take.binaural)} == {(2, frames)}
    assert take.dry.shape == (2, frames)


def test_every_bar_line_is_where_it_should_be(long_take: tuple[Result, list[BlockAudio]]) -> None:
    """Each line is rounded by itself: no error grows from bar to bar."""
    lines = [bar.end_frame for bar in long_take[0].selection.bars()]
    assert lines == [exact(RATE, bars) for bars in range(1, BARS + 1)]
    drift_s = max(abs(Fraction(line, RATE) - Fraction(n * 240) / Fraction(TEMPO)) for n, line in enumerate(lines, 1))
    assert drift_s <= Fraction(1, 2 * RATE)


def test_blocks_of_a_long_take_are_the_take_byte_for_byte(long_take: tuple[Result, list[BlockAudio]]) -> None:
    take, given = long_take
    assert len(given) > 15 and [block.index for block in given] == list(range(len(given)))
    at = 0
    for block in given:
        assert block.start_frame == at
        end = at + block.frames
        assert block.mix.tobytes() == take.mix[:, at:end].tobytes()
        assert block.stems.tobytes() == np.stack([stem[:, at:end] for stem in take.stems.values()]).tobytes()
        at = end
    assert at == take.selection.frames


def test_the_beginning_does_not_know_how_long_the_take_will_be(
    flow: HarmonicFlow, long_take: tuple[Result, list[BlockAudio]]
) -> None:
    """Streaming is causal: what is given first is final, so noise and windows may not depend on what comes later."""
    _, given = long_take
    first: list[BlockAudio] = []

    class Enough(Exception):
        pass

    def stop(block: BlockAudio) -> None:
        first.append(block)
        if len(first) == 3:
            raise Enough

    with pytest.raises(Enough):
        flow.generate(bars=BARS, tempo=TEMPO, rate=RATE, steps=1, stems=STEMS, on_block=stop)
    for again, before in zip(first, given, strict=False):
        assert again.mix.tobytes() == before.mix.tobytes() and again.stems.tobytes() == before.stems.tobytes()


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
def test_no_error_grows_with_the_length(rate: int) -> None:
    for bars in (1, 7, 64, 1000):
        assert Selection.from_bars(bars, TEMPO, "4/4", rate).frames == exact(rate, bars)
