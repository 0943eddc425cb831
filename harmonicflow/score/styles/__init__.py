"""The table of styles, one for each genre: what its drummer, bass player, guitarist and pianist play."""

from __future__ import annotations

from typing import Final

from harmonicflow.core.constants import GENRES

from .afrobeat import AFROBEAT
from .blues import BLUES
from .country import COUNTRY
from .electronic import ELECTRONIC
from .funk import FUNK
from .hiphop import HIPHOP
from .jazz import JAZZ
from .latin import LATIN
from .metal import METAL
from .pop import POP
from .reggae import REGGAE
from .rock import ROCK
from .soul import SOUL
from .style import Groove, Line, Register, Row, Style, checked

__all__ = ["STYLES", "Groove", "Line", "Register", "Row", "Style"]

STYLES: Final[dict[str, Style]] = {
    style.name: checked(style)
    for style in (
        ROCK, POP, FUNK, JAZZ, LATIN, SOUL, HIPHOP, BLUES, REGGAE, COUNTRY, AFROBEAT, ELECTRONIC, METAL,
    )
}  # fmt: skip

if tuple(STYLES) != GENRES:
    raise ImportError("the styles and the genre table contradict each other")
