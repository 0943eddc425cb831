"""Ardour's saved scripts: the tables that its script interpreters write as Lua statements, read without running them.

Ardour keeps what a user has bound as text like `scripts = {} scripts[1] = {} scripts[1]["n"] = "Name" ...`, and runs
that text to have it back. Only assignments of tables, strings, numbers, booleans and nil to such places occur; anything
else is refused. Every value stays the bytes it was, so what others have bound is written back as it stood.
(Source: the functions `serialize` and `basic_serialize` in Ardour's gtk2_ardour/luainstance.cc, 7 to 9.)
"""

import re
from typing import Final

Table = dict[bytes, "Table | bytes"]  # Lua's own words for keys and values: b'"n"', b"1", b'"Name"'

_STRING: Final = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_WORD: Final = rb"[-+.\w]+"
_KEY: Final = re.compile(rb"\[(%b|%b)\]" % (_STRING, _WORD), re.DOTALL)
_STATEMENT: Final = re.compile(
    rb"\s*([A-Za-z_]\w*)((?:\[(?:%b|%b)\])*)\s*=\s*(\{\}|%b|%b)\s*" % (_STRING, _WORD, _STRING, _WORD), re.DOTALL
)
_ESCAPE: Final = re.compile(rb"\\(\d{1,3}|.)", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\n": b"\n", b'"': b'"', b"\\": b"\\"}


def parse(state: bytes) -> Table:
    """The tables by name of a saved state; raises ValueError for anything that Ardour would not have written."""
    tables: Table = {}
    at = 0
    while at < len(state):
        statement = _STATEMENT.match(state, at)
        if statement is None:
            raise ValueError(f"byte {at} is not an assignment")
        place = tables
        *path, last = [statement[1], *_KEY.findall(statement[2])]
        for key in path:
            inner = place.get(key)
            if not isinstance(inner, dict):
                raise ValueError(f"byte {at} assigns to a table that is not there")
            place = inner
        place[last] = {} if statement[3] == b"{}" else statement[3]
        at = statement.end()
    return tables


def serialise(name: bytes, value: Table | bytes) -> bytes:
    """The statements that make a table again: the inverse of `parse`."""
    if isinstance(value, bytes):
        return name + b" = " + value + b" "
    return name + b" = {} " + b"".join(serialise(b"%b[%b]" % (name, key), inner) for key, inner in value.items())


def quote(text: bytes) -> bytes:
    """A string as Lua reads it, on one line; control characters as three digits."""
    escaped = re.sub(rb'["\\]', rb"\\\g<0>", text)
    return b'"' + re.sub(rb"[\x00-\x1f\x7f]", lambda found: b"\\%03d" % found[0][0], escaped) + b'"'


def unquote(word: Table | bytes | None) -> bytes:
    """The bytes of a quoted string; b"" for whatever else stands there; raises ValueError for an unknown escape."""
    if not isinstance(word, bytes) or not word.startswith(b'"'):
        return b""

    def plain(found: re.Match[bytes]) -> bytes:
        if found[1].isdigit():
            return bytes([int(found[1])])
        if found[1] not in _LETTERS:
            raise ValueError(f"unknown escape {found[0]!r}")
        return _LETTERS[found[1]]

    return _ESCAPE.sub(plain, word[1:-1])
