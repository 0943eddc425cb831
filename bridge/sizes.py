"""Ages and sizes as people write them: 30d, 12h, 10G, 500M."""

import re
from typing import Any, Final

import click

from harmonicflow.core.errors import HarmonicFlowError

from .options import Kind, number

DAYS: Final = {"h": 1 / 24, "d": 1.0, "w": 7.0}
BYTES: Final = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
MOST_DAYS: Final = 10**6
MOST_BYTES: Final = 2**62
_PARTS: Final = re.compile(r"([\d./]+)\s*([a-z]*)")


def days(text: str) -> float:
    """An age in days: "12h", "30d", "8w". Raises ValueError."""
    amount, unit = _split(text)
    found = amount * DAYS.get(unit or "d", 0)
    if unit not in ("", *DAYS) or not 0 <= found <= MOST_DAYS:
        raise ValueError("write hours, days or weeks like 12h, 30d or 8w")
    return found


def nbytes(text: str) -> int:
    """A size in bytes: "500M", "10G", "10 GB". Raises ValueError."""
    amount, unit = _split(text)
    unit = unit.removesuffix("b")
    found = int(amount * BYTES.get(unit, 0))
    if unit not in BYTES or not 0 <= found <= MOST_BYTES:
        raise ValueError("write it like 500M or 10G")
    return found


def spoken(size: int) -> str:
    """A size for people: "1.5 GB"."""
    for unit, least in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= least:
            return f"{size / least:.3g} {unit}"
    return f"{size} bytes"


def _split(text: str) -> tuple[float, str]:
    match = _PARTS.fullmatch(text.strip().lower())
    amount = number(match[1]) if match and len(match[1]) < 20 else None
    return (-1.0, "") if match is None or amount is None else (float(amount), match[2])


class Age(Kind):
    """An age in days; raises `bad_option`."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return value if isinstance(value, float) else days(str(value))
        except ValueError as error:
            raise _bad(param, value, error) from None


class Size(Kind):
    """A size in bytes; raises `bad_option`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else nbytes(str(value))
        except ValueError as error:
            raise _bad(param, value, error) from None


def _bad(param: click.Parameter | None, value: object, reason: ValueError) -> HarmonicFlowError:
    return HarmonicFlowError("bad_option", option=param.opts[0] if param else "this", value=value, reason=reason)
