"""Options that steer what is composed, and the `Steering` of a request that they make."""

from typing import Any, Final

import click

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.messages import Steering

from .options import Kind, grouped, number

MOST_POINTS: Final = 64  # of an energy curve
KICK: Final = "drums"  # whose kick the bass follows
COMPOSERS: Final = ("auto", "model", "arranger")
_NAMES: Final = (
    "density", "complexity", "swing", "quantize", "energy", "loudness", "register", "temperature", "follow",
    "answer", "composer",
)  # fmt: skip


def _share(what: str, text: str) -> float:
    """A number from 0 to 1; raises `bad_steering`."""
    value = number(text)
    if value is None or not 0 <= value <= 1:
        raise HarmonicFlowError("bad_steering", what=what, value=text.strip(), reason="it goes from 0 to 1")
    return float(value)


def _stem(text: str) -> str:
    name = text.strip().lower()
    if name not in INSTRUMENTS:
        raise HarmonicFlowError("unknown_stem", stem=name, known=", ".join(INSTRUMENTS))
    return name


def _what(param: click.Parameter | None) -> str:
    return (param.name or "this") if param else "this"


class Share(Kind):
    """A number from 0 to 1; raises `bad_steering`."""

    name = "0-1"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return value if isinstance(value, float) else _share(_what(param), str(value))


class PerStem(Kind):
    """One number for all ("0.7"), numbers by stem ("bass=0.7,drums=0.3"), or both; "" stands for all others."""

    name = "0-1|stem=0-1"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        if isinstance(value, dict):
            return value
        found: dict[str, float] = {}
        for word in str(value).split(","):
            stem, equals, text = word.rpartition("=")
            name = _stem(stem) if equals else ""
            if name in found:
                reason = f"{name or 'the number for all'} is given twice"
                raise HarmonicFlowError("bad_steering", what=_what(param), value=value, reason=reason)
            found[name] = _share(_what(param), text)
        return found


class Curve(Kind):
    """Numbers from 0 to 1 with commas between, from the first bar to the last; raises `bad_steering`."""

    name = "0-1,0-1..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        points = tuple(_share(_what(param), word) for word in str(value).split(","))
        if len(points) > MOST_POINTS:
            reason = f"it has at most {MOST_POINTS} points"
            raise HarmonicFlowError("bad_steering", what=_what(param), value=f"{value[:20]}...", reason=reason)
        return points


class Stem(Kind):
    """One instrument; raises `unknown_stem`."""

    name = "stem"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return _stem(str(value)) if value else ""


steering_options: Final = grouped(
    click.option("--density", type=PerStem(), help="Few notes (0) to many (1); 0.7, or bass=0.7,drums=0.3."),
    click.option("--complexity", type=PerStem(), help="On the beats (0) to off them (1); for all, or by stem."),
    click.option("--swing", type=Share(), help="Straight (0) to triplets (1)."),
    click.option("--quantize", type=Share(), help="Timing as played (0) to exactly on the grid (1)."),
    click.option("--energy", type=Curve(), help='A curve from the first bar to the last: "0.3,0.5,0.9".'),
    click.option("--loudness", type=Share(), help="Played softly (0) to hard (1)."),
    click.option("--register", type=Share(), help="Low (0) to high (1)."),
    click.option("--temperature", type=Share(), help="Likely notes of the learned composer (0) to daring ones (1)."),
    click.option("--follow-kick", "follow", flag_value=KICK, default="", help="The bass plays with the kick drum."),
    click.option("--answer", type=Stem(), default="", help="Leave room for this part and answer it: guitar."),
    click.option(
        "--composer", type=click.Choice(COMPOSERS), default="auto", show_default=True,
        help="Who writes the notes: the learned model, the arranger by rule, or whichever can.",
    ),
)  # fmt: skip


def take_steering(choices: dict[str, Any]) -> Steering | None:
    """Take what steers out of the options; None where nothing does, so that a parent's holds on."""
    said = {name: choices.pop(name) for name in _NAMES if name in choices}
    steering = Steering(**{name: value for name, value in said.items() if value is not None})
    return None if steering == Steering() else steering
