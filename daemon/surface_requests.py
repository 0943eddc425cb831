"""From a surface and a few numbers to requests as any other client sends them."""

import secrets
from fractions import Fraction
from typing import Any, Final

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Extend, Generate, Regenerate, Steering, TakeSummary
from harmonicflow.core.tempo import Selection

from .surface import Arguments, Surface

RATE: Final = 44_100  # Hz, of takes made out of nothing
METER: Final = "4/4"
ALL: Final = ""  # every stem
LONGEST_S: Final = 300.0  # of what a controller may ask for: the door is unsigned, and an hour of stems is 7 GB


def new(surface: Surface, said: Arguments) -> Generate:
    """A request without a clip, at the surface's tempo. Raises `too_long` and what else a selection raises."""
    tempo = Fraction(round(surface.tempo * 1000), 1000)
    selection = Selection.from_bars(int(said["bars"]) or surface.bars, tempo, METER, RATE)
    _check_length(float(selection.seconds))
    return Generate(
        id=request_id(), selection=selection.to_wire(), genre=str(said["genre"] or surface.genre) or None,
        key=str(said["key"] or surface.key) or None, emotion=surface.emotion, steering=steered(surface, None),
        **_draw(said),
    )  # fmt: skip


def again(surface: Surface, said: Arguments, last: Generate) -> Generate:
    """The last request once more, with what the surface says instead."""
    genre = said["genre"] or (surface.genre if "press" in said else "")
    return msgspec.structs.replace(
        last, id=request_id(), genre=str(genre) if genre else last.genre, emotion=surface.emotion or last.emotion,
        steering=steered(surface, last.steering), **_draw(said),
    )  # fmt: skip


def regenerate(surface: Surface, said: Arguments, take: TakeSummary, parents: Steering | None) -> Regenerate:
    """One stem of a take made again; `parents` is what the take was steered with."""
    first = int(said["from_bar"])
    return Regenerate(
        id=request_id(), take=take.take, stems=(str(said["stem"]),), from_bar=first,
        to_bar=int(said["to_bar"]) or max(take.bars, first), emotion=surface.emotion,
        steering=steered(surface, parents), **_draw(said),
    )  # fmt: skip


def extend(surface: Surface, said: Arguments, take: TakeSummary, parents: Steering | None) -> Extend:
    """More bars of a take; raises `too_long` for one that is long already."""
    _check_length(take.seconds)
    return Extend(
        id=request_id(), take=take.take, bars=int(said["bars"]), emotion=surface.emotion,
        steering=steered(surface, parents), **_draw(said),
    )  # fmt: skip


def steered(surface: Surface, before: Steering | None) -> Steering | None:
    """What steers a request, where the surface's density and temperature stand in the place of what was said before."""
    said: dict[str, Any] = {}
    if surface.density is not None:
        said["density"] = {ALL: surface.density}
    if surface.temperature is not None:
        said["temperature"] = surface.temperature
    return msgspec.structs.replace(before or Steering(), **said) if said else before


def request_id() -> str:
    """A name for a request of the OSC door."""
    return f"osc-{secrets.token_hex(8)}"


def _check_length(seconds: float) -> None:
    if seconds > LONGEST_S:
        raise HarmonicFlowError(
            "too_long", what="a take for a controller", seconds=f"{seconds:.0f}", maximum=f"{LONGEST_S:.0f}"
        )


def _draw(said: Arguments) -> dict[str, Any]:
    """Seed (-1: a new one), steps and count, where they are said."""
    seed = int(said.get("seed", -1))
    found: dict[str, Any] = {name: said[name] for name in ("steps", "count") if name in said}
    return found | {"seed": secrets.randbits(31) if seed < 0 else seed}
