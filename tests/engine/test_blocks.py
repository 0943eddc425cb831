"""The schedule of blocks covers every selection once, in whole bars, and never depends on anything else."""

import pytest

from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.tempo import Selection
from harmonicflow.engine.blocks import latent_length, schedule


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("meter", ["4/4", "7/8", "3/4", "6/8", "12/8"])
@pytest.mark.parametrize("bpm", ["33.3", "96", "271.8", "20", "400"])
@pytest.mark.parametrize("bars", [1, 2, 5, 32])
def test_blocks_cover_the_selection_without_gap_or_overlap(rate: int, meter: str, bpm: str, bars: int) -> None:
    selection = Selection.from_bars(bars, bpm, meter, rate)
    blocks = schedule(selection, context=12)
    assert blocks[0].start == 0 and blocks[-1].end == latent_length(selection)
    assert blocks[0].start_frame == 0 and blocks[-1].end_frame == selection.frames
    for before, after in zip(blocks, blocks[1:], strict=False):
        assert before.end == after.start and before.end_frame == after.start_frame
    for block in blocks[:-1]:
        covered = (block.end - 12) * HOP / SAMPLE_RATE  # seconds that are final after this block
        assert covered >= block.end_frame / rate or block.end == latent_length(selection)
    assert [b.index for b in blocks] == list(range(len(blocks)))
    assert all(b.end_frame - b.start_frame <= 16 * rate for b in blocks)


def test_the_first_two_bars_come_alone_then_about_eight_seconds() -> None:
    selection = Selection.from_bars(16, 120, "4/4", 48000)  # a bar lasts 2 s
    assert [b.end_frame / 48000 for b in schedule(selection, 4)] == [4, 12, 20, 28, 32]


def test_every_cut_but_inside_endless_bars_is_a_bar_line() -> None:
    selection = Selection.from_seconds("1.7", "40.2", 44100, "97.3", "7/8", start_beat="1/2")
    lines = {bar.end_frame for bar in selection.bars()}
    assert {b.end_frame for b in schedule(selection, 12)} <= lines
    slow = Selection.from_bars(2, 20, "32/4", 44100)  # 96 s a bar
    assert all(b.end_frame - b.start_frame <= 12 * 44100 for b in schedule(slow, 12))


def test_an_edit_covers_the_frames_its_bars_touch() -> None:
    selection = Selection.from_bars(8, 97.3, "4/4", 48000)
    bars = selection.bars()[2:5]
    blocks = schedule(selection, 12, bars)
    first, last = (bar * SAMPLE_RATE / 48000 / HOP for bar in (bars[0].start_frame, bars[-1].end_frame))
    assert blocks[0].start <= first < blocks[0].start + 1 and blocks[-1].end - 1 < last <= blocks[-1].end
    assert (blocks[0].start_frame, blocks[-1].end_frame) == (bars[0].start_frame, bars[-1].end_frame)


def test_latents_cover_the_last_sample() -> None:
    for rate, frames in ((44100, 2048), (44100, 2049), (48000, 100_000), (96000, 12_345)):
        selection = Selection.from_seconds(0, str(frames / rate) if frames > rate / 10 else "0.2", rate, 120)
        length = latent_length(selection)
        assert (length - 1) * HOP / SAMPLE_RATE < selection.frames / rate <= length * HOP / SAMPLE_RATE
