"""The audio graph as an SVG page: left the nodes with their mean edges, right every edge over time.

An arrow goes from the one who is heard to the one who listens, in the colour of the former; its width is the weight. A
ring around a node is the weight it gives itself. On the right each strip is one edge, dark where it weighs much, with
bar lines through all of them.

Legend: L latent frames, R rows (who listens), N nodes (who is heard).
"""

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from math import cos, hypot, pi, sin
from typing import Final

import numpy as np

from harmonicflow.core.png import png

from .graph import CLIP, GIVEN, AudioGraph

WIDTH: Final = 1120  # of the page, in pixels, as all lengths here
CENTRE: Final = (200.0, 250.0)  # of the circle of nodes
RADIUS: Final = 138.0
NODE: Final = 30.0  # radius
STRIPS_LEFT: Final = 520
STRIPS_WIDTH: Final = 540
STRIPS_TOP: Final = 84
STRIP: Final = 11  # height of one edge
GROUP_GAP: Final = 14
WIDEST: Final = 9.0  # of an arrow
COLOURS: Final = ("#2f6db3", "#c2543a", "#3f8f55", "#8457b0", "#b0487f", "#3a8f99")  # of instruments, in turn
CLIP_COLOUR: Final = "#444444"
GIVEN_COLOURS: Final = ("#b8860b", "#6f7d4c")
DARK: Final = np.array([16, 44, 84])  # of the heaviest edge; white is none


def picture(graph: AudioGraph, title: str) -> str:
    """The page as SVG text."""
    shown_rows = [row for row in graph.rows if graph.clip or row != CLIP]
    shown = [node for node in graph.nodes if graph.clip or node != CLIP]
    colours = _colours(shown)
    strips = list(_strips(graph, shown_rows, shown))
    height = max(460, STRIPS_TOP + len(shown_rows) * (STRIP * len(shown) + GROUP_GAP) + 40)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _text(24, 32, f"Who listens to whom: {title}", size=17),
        _text(24, 52, "An arrow points at the listener; wide is much. A ring: attention to itself.", fill="#666"),
        *_arrows(graph, shown_rows, shown, colours),
        *_nodes(graph, shown_rows, shown, colours),
        *strips,
        "</svg>",
    ])  # fmt: skip


def _colours(shown: list[str]) -> dict[str, str]:
    stems = [node for node in shown if node not in (CLIP, *GIVEN)]
    found = {stem: COLOURS[index % len(COLOURS)] for index, stem in enumerate(stems)}
    return {**found, CLIP: CLIP_COLOUR, **dict(zip(GIVEN, GIVEN_COLOURS, strict=True))}


# ------------------------------------------------------------------------------------------------------------ the nodes


def _places(shown: list[str]) -> dict[str, tuple[float, float]]:
    """Centres on a circle, clockwise from the top."""
    turns = [2 * pi * index / len(shown) - pi / 2 for index in range(len(shown))]
    around = [(CENTRE[0] + RADIUS * cos(turn), CENTRE[1] + RADIUS * sin(turn)) for turn in turns]
    return dict(zip(shown, around, strict=True))


def _arrows(graph: AudioGraph, rows: list[str], shown: list[str], colours: dict[str, str]) -> Iterator[str]:
    """The lightest first, so that the heaviest lie on top."""
    mean, places = graph.mean(), _places(shown)
    heaviest = _heaviest(graph, rows, shown)
    weights = {
        (heard, row): float(mean[graph.rows.index(row), graph.nodes.index(heard)])
        for row in rows for heard in shown if heard != row
    }  # fmt: skip
    for (heard, row), weight in sorted(weights.items(), key=lambda item: item[1]):
        label = f"{row} hears {heard}: {weight:.1%}"
        yield _arrow(places[heard], places[row], weight / heaviest, colours[heard], label)


def _arrow(start: tuple[float, float], end: tuple[float, float], share: float, colour: str, label: str) -> str:
    """A bent line with a head, to the right of the straight way, so that both directions can be told apart."""
    width = max(0.4, WIDEST * share)
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    middle = ((start[0] + end[0]) / 2 - 0.16 * dy, (start[1] + end[1]) / 2 + 0.16 * dx)
    back = hypot(end[0] - middle[0], end[1] - middle[1])
    ux, uy = (end[0] - middle[0]) / back, (end[1] - middle[1]) / back  # the direction in which the line comes in
    head = 5 + 1.1 * width
    tip = (end[0] - ux * (NODE + 5), end[1] - uy * (NODE + 5))
    foot = (tip[0] - ux * head, tip[1] - uy * head)
    side = (-uy * head / 2, ux * head / 2)
    begin = (start[0] + NODE * dx / length, start[1] + NODE * dy / length)
    return (
        f'<g opacity="{0.25 + 0.65 * min(share, 1):.2f}"><title>{escape(label)}</title>'
        f'<path d="M{begin[0]:.1f},{begin[1]:.1f}Q{middle[0]:.1f},{middle[1]:.1f} {foot[0]:.1f},{foot[1]:.1f}" '
        f'fill="none" stroke="{colour}" stroke-width="{width:.2f}"/>'
        f'<path d="M{tip[0]:.1f},{tip[1]:.1f}L{foot[0] + side[0]:.1f},{foot[1] + side[1]:.1f}'
        f'L{foot[0] - side[0]:.1f},{foot[1] - side[1]:.1f}Z" fill="{colour}"/></g>'
    )


def _nodes(graph: AudioGraph, rows: list[str], shown: list[str], colours: dict[str, str]) -> Iterator[str]:
    mean, heaviest = graph.mean(), _heaviest(graph, rows, shown)
    for node, (x, y) in _places(shown).items():
        if node in rows:
            own = float(mean[graph.rows.index(node), graph.nodes.index(node)])
            ring = WIDEST * own / heaviest
            yield (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{NODE - 4:.1f}" fill="white" stroke="{colours[node]}" '
                f'stroke-width="{max(1, ring):.2f}"><title>{escape(node)} hears itself: {own:.1%}</title></circle>'
            )
        else:  # harmony and rhythm are given: they are heard and do not listen
            side = 2 * NODE - 6
            yield (
                f'<rect x="{x - side / 2:.1f}" y="{y - 14:.1f}" width="{side:.1f}" height="28" rx="4" '
                f'fill="{colours[node]}"/>'
            )
        yield _text(x, y + 4, node, anchor="middle", fill="white" if node in GIVEN else "#222")


# ----------------------------------------------------------------------------------------------------------- the strips


def _strips(graph: AudioGraph, rows: list[str], shown: list[str]) -> Iterator[str]:
    """One group of strips a listener; bar lines and times around them."""
    mean, heaviest = graph.mean(), _heaviest(graph, rows, shown)
    columns = [graph.nodes.index(node) for node in shown]
    top, right = STRIPS_TOP, STRIPS_LEFT + STRIPS_WIDTH
    for row in rows:
        place = graph.rows.index(row)
        height = STRIP * len(shown)
        shades = _shades(graph.edges[:, place][:, columns], heaviest)
        image = b64encode(png(shades.tobytes(), shades.shape[1], shades.shape[0])).decode()
        yield (
            f'<image x="{STRIPS_LEFT}" y="{top}" width="{STRIPS_WIDTH}" height="{height}" '
            f'preserveAspectRatio="none" href="data:image/png;base64,{image}"/>'
        )
        yield _text(STRIPS_LEFT - 76, top + height / 2 + 4, f"{row} hears", anchor="end", size=12)
        for index, node in enumerate(shown):
            y = top + STRIP * index + STRIP - 2
            yield _text(STRIPS_LEFT - 6, y, node, anchor="end", size=10)
            yield _text(right + 6, y, f"{mean[place, graph.nodes.index(node)]:.0%}", size=10)
        top += height + GROUP_GAP
    yield from _time_axis(graph, top - GROUP_GAP)
    yield _text(right + 6, STRIPS_TOP - 8, "mean", size=10, fill="#666")
    said = f"white: none; dark: {heaviest:.0%} of its attention and more"
    yield _text(STRIPS_LEFT, top + 22, said, size=10, fill="#666")


def _time_axis(graph: AudioGraph, bottom: int) -> Iterator[str]:
    """Bar lines and numbers above, seconds below; not more of them than can be read."""
    total = float(graph.seconds[-1] + graph.seconds[0])

    def place(second: float) -> float:
        return STRIPS_LEFT + STRIPS_WIDTH * second / total

    every = -(-len(graph.bars) // 24)
    for number, second in graph.bars[::every]:
        x = place(second)
        yield f'<path d="M{x:.1f},{STRIPS_TOP - 4}V{bottom + 4}" stroke="#e0822f" stroke-width="0.6" opacity="0.7"/>'
        yield _text(x + 2, STRIPS_TOP - 8, str(number), size=10, fill="#a0571b")
    yield _text(STRIPS_LEFT - 6, STRIPS_TOP - 8, "bar", anchor="end", size=10, fill="#a0571b")
    step = next(step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1 << 30) if total / step <= 12)
    for second in range(0, int(total) + 1, step):
        yield _text(place(second), bottom + 16, f"{second} s", anchor="middle", size=10, fill="#666")


def _shades(edges_LN: np.ndarray, heaviest: float) -> np.ndarray:
    """Strips as pixels, uint8 [STRIP * N, STRIPS_WIDTH, 3]: the mean over the frames of a column, a gap below each."""
    length = len(edges_LN)
    edges = np.linspace(0, length, STRIPS_WIDTH + 1)
    low = np.minimum(edges[:-1].astype(int), length - 1)
    high = np.maximum(np.ceil(edges[1:]).astype(int), low + 1)
    sums = np.concatenate([np.zeros((1, edges_LN.shape[1])), np.cumsum(edges_LN, axis=0, dtype=np.float64)])
    weights_NX = ((sums[high] - sums[low]) / (high - low)[:, None]).T
    share = np.clip(weights_NX / heaviest, 0, 1)[..., None]
    shades = np.repeat(255 + share * (DARK - 255), STRIP, axis=0)
    shades[STRIP - 1 :: STRIP] = 255
    return shades.round().astype(np.uint8)


def _heaviest(graph: AudioGraph, rows: list[str], shown: list[str]) -> float:
    """What counts as much: the 99th percentile of all weights that are drawn."""
    drawn = graph.edges[:, [graph.rows.index(row) for row in rows]][..., [graph.nodes.index(node) for node in shown]]
    return max(float(np.percentile(drawn, 99)), 1e-6)


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 11, fill: str = "#222") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{fill}">{escape(words)}</text>'
