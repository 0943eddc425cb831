"""XML that is written as it is said, so that a project of a hundred thousand notes takes no memory."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import IO, Final, TypeAlias
from xml.sax.saxutils import escape, quoteattr

Value: TypeAlias = str | int | float | Fraction | None  # True and False are "true" and "false"

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


class Xml:
    """A document in UTF-8; attributes that are None are left out."""

    def __init__(self, file: IO[bytes]) -> None:
        self._out = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
        self._depth = 0
        self._out.write('<?xml version="1.0" encoding="UTF-8"?>\n')

    @contextmanager
    def element(self, tag: str, /, **attributes: Value) -> Iterator[None]:
        """An element around what is said in the `with`."""
        self._line(f"<{tag}{_attributes(attributes)}>")
        self._depth += 1
        yield
        self._depth -= 1
        self._line(f"</{tag}>")

    def leaf(self, tag: str, /, **attributes: Value) -> None:
        """An element without anything in it."""
        self._line(f"<{tag}{_attributes(attributes)}/>")

    def text(self, tag: str, text: str) -> None:
        """An element that holds a text."""
        self._line(f"<{tag}>{escape(_FORBIDDEN.sub('', text))}</{tag}>")

    def close(self) -> None:
        """Write what is left; the file stays open."""
        self._out.flush()
        self._out.detach()

    def _line(self, text: str) -> None:
        self._out.write(f"{'  ' * self._depth}{text}\n")


def _attributes(attributes: dict[str, Value]) -> str:
    return "".join(f" {name}={quoteattr(written(value))}" for name, value in attributes.items() if value is not None)


def written(value: Value) -> str:
    """A value as XML Schema has it; a number so that whoever reads it gets the same float."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Fraction):
        return repr(float(value))
    return _FORBIDDEN.sub("", str(value))
