"""A take as a sound that plays from anywhere: a file of it in memory, or its stems round a head that turns."""

from pathlib import Path
from typing import Final, NamedTuple

from harmonicflow.core.tempo import Selection

from ..exporting.found import read
from .deck import Rendered, Whole
from .headphones import Headphones
from .in_step import File, InStep
from .sounding import Output

BINAURAL: Final = "binaural"
Angles = tuple[float, float, float]  # yaw, pitch, roll in degrees


class Playable(NamedTuple):
    """A take's sound, where its beats are, and the head it is heard with, where that can turn."""

    name: str
    sound: Rendered
    selection: Selection
    bars: int
    headphones: Headphones | None = None


def playable(folder: Path, part: str, where: Output, head: Angles | None = None) -> Playable:
    """A take brought to a device's rate and channels; `part`: the file of it, without its ending.

    With a `head` the part is what both ears hear. Raises `unknown_take`, `unknown_stem`, `bad_take` and what reading
    sound raises.
    """
    from .sounds import of_take

    take = read(folder)
    if head is None:
        sound = Whole(InStep([File(of_take(folder, part).path)], where.rate, where.channels))
        return Playable(take.name, sound, take.selection, take.summary.bars)
    headphones = around(folder, where.rate)
    headphones.turn(*head)
    return Playable(take.name, headphones, take.selection, take.summary.bars, headphones)


def around(folder: Path, rate: int) -> Headphones:
    """The stems of a take round a head, at `rate` Hz."""
    take = read(folder)
    if take.selection.rate == rate:
        return Headphones.of_take(folder)
    stems = {}
    for row in take.summary.files:
        if row.stem not in ("mix", BINAURAL):
            sound = File(folder / row.file)
            whole = Whole(InStep([sound], rate, min(2, sound.info.channels)))
            stems[row.stem] = whole.render(0, whole.frames)
    return Headphones(stems, rate, take.details.get("strips"))
