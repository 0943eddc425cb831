"""The fixed schedule of blocks: whole bars, the first two alone so that sound starts early, then about 8 s each.

The schedule depends on the selection alone, so streaming and batch run the very same blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from harmonicflow.core.constants import HOP, LATENT_RATE_EXACT, SAMPLE_RATE
from harmonicflow.core.tempo import Bar, Selection

BLOCK_S: Final = 8  # seconds a block should last
LONGEST_S: Final = 12  # a bar longer than this is divided
FIRST_BARS: Final = 2
# Latent frames generated beyond a block's last bar line besides the codec's context: the resampler and the limiter
# look a few milliseconds ahead, one frame (46 ms) covers them.
MARGIN: Final = 1


@dataclass(frozen=True, slots=True)
class Block:
    """Latent frames `start` up to `end` are generated; sound up to `end_frame` (session rate) can then be given."""

    index: int
    start: int
    end: int
    start_frame: int
    end_frame: int


def latent_length(selection: Selection) -> int:
    """Latent frames that cover a selection."""
    return -(-selection.frames * SAMPLE_RATE // (selection.rate * HOP))


def schedule(selection: Selection, context: int, bars: Sequence[Bar] | None = None) -> list[Block]:
    """Blocks over the whole selection, or over some consecutive `bars` of it (an edit: no early first block).

    `context`: latent frames the decoder looks ahead; every block but the last is generated that far beyond its
    end, so that its own sound is final. An edit's blocks start at the frame its first bar touches and end with the
    frame its last bar touches.
    """
    whole = bars is None
    chosen = selection.bars() if bars is None else list(bars)
    edges = _edges(chosen, selection.rate, FIRST_BARS if whole else 0)
    first = edges[0] * SAMPLE_RATE // (selection.rate * HOP)
    last = min(-(-edges[-1] * SAMPLE_RATE // (selection.rate * HOP)), latent_length(selection))
    blocks: list[Block] = []
    start = first
    for index, (start_frame, end_frame) in enumerate(zip(edges, edges[1:], strict=False)):
        end = -(-end_frame * SAMPLE_RATE // (selection.rate * HOP)) + context + MARGIN
        end = last if end_frame == edges[-1] else min(end, last)
        blocks.append(Block(index, start, end, start_frame, end_frame))
        start = end
    return blocks


def _edges(bars: Sequence[Bar], rate: int, first_bars: int) -> list[int]:
    """The session frames at which blocks meet."""
    pieces = [piece for bar in bars for piece in _pieces(bar, rate)]
    edges, count = [pieces[0][0]], 0
    for number, (start, end) in enumerate(pieces):
        length, longer = (Fraction(frame - edges[-1], rate) for frame in (start, end))
        early = len(edges) == 1 and count >= first_bars > 0
        if count and (early or abs(length - BLOCK_S) <= abs(longer - BLOCK_S)):
            edges.append(start)
            count = 0
        count += 1
        if number == len(pieces) - 1:
            edges.append(end)
    if len(edges) > 2 and edges[-1] - edges[-2] < rate:  # less than a second is left: no block of its own
        del edges[-2]
    return edges


def _pieces(bar: Bar, rate: int) -> list[tuple[int, int]]:
    """A bar as (start, end) frames, divided evenly when it is too long for one block."""
    frames = bar.end_frame - bar.start_frame
    parts = 1 if frames <= LONGEST_S * rate else -(-frames // (BLOCK_S * rate))
    edges = [bar.start_frame + frames * part // parts for part in range(parts + 1)]
    return list(zip(edges, edges[1:], strict=False))


def context_length(seconds: float) -> int:
    """Latent frames that last about `seconds`."""
    return round(seconds * LATENT_RATE_EXACT)
