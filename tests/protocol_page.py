"""Writes the tables of docs/protocol.md from the code: `make docs`. tests/test_docs.py compares."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harmonicflow.core import messages, spool
from harmonicflow.core.errors import ERRORS
from harmonicflow.core.messages import MESSAGES, PROTOCOL, Part, Row
from harmonicflow.core.osc import ADDRESSES, REPLIES, Argument
from harmonicflow.core.wire import MAX_SOUND_BYTES

PAGE = Path(__file__).parent.parent / "docs" / "protocol.md"
BEGIN = "<!-- written from the tables: begin -->"
END = "<!-- written from the tables: end -->"
TYPES = ("Id", "IdOrNone", "Text", "Name", "Rational", "Rate", "Frame", "Frames", "Stems", "Seed", "Steps", "Count")
MORE_TYPES = ("Unit", "Share", "PerStem", "Beat", "NoteRow", "SpanRow", "Natural")

SPOOL_PARTS = (spool.Beat, spool.Report, spool.ReportTake, spool.ReportFile, spool.ReportEdit)
SPOOL = (
    ("beat", f"{spool.BEAT_S:g} s", "between two of `beat.json` while a request is under way"),
    ("idle beat", f"{spool.IDLE_BEAT_S:g} s", "the same from 10 s after the last request on"),
    ("lost", f"{spool.LOST_S:g} s", "while a request is under way, a beat that stays the same so long is a dead one's"),
    ("report", f"{spool.REPORT_S:g} s", "at least between two reports on one request"),
    ("request", f"{spool.MAX_REQUEST_BYTES} bytes", "the largest `ID.json` that is read"),
    ("sounds", f"{MAX_SOUND_BYTES} bytes", "the most that the sounds of one request may have together"),
)


def page() -> str:
    """The whole page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """Everything between the marks."""
    parts = [each for _, each in inspect.getmembers(messages, inspect.isclass) if issubclass(each, Part)]
    sections = [
        ("Messages", _table(("message", "door", "from", "replies", "buffers"), map(_message_row, MESSAGES))),
        ("Types", _table(("type", "JSON"), ((f"`{name}`", _schema(name)) for name in (*TYPES, *MORE_TYPES)))),
        *((f"{row.message.__name__}", _fields(row.message)) for row in MESSAGES),
        *((each.__name__, _fields(each)) for each in sorted(parts, key=lambda each: each.__name__) if each is not Part),
        ("JobState", ", ".join(f"`{state}`" for state in messages.JobState)),
        ("Delivery", ", ".join(f"`{delivery}`" for delivery in messages.Delivery)),
        ("Spool: what is counted on", _table(("name", "value", "meaning"), SPOOL)),
        *((f"Spool: {each.__name__}", _fields(each)) for each in SPOOL_PARTS),
        ("OSC: what the daemon understands", _table(("address", "arguments", "meaning"), map(_osc_row, ADDRESSES))),
        ("OSC: what the daemon says", _table(("address", "carries"), ((f"`{a}`", b) for a, b in REPLIES.items()))),
        ("Errors", _table(("code", "sentence", "what to do", "exit code"), map(_error_row, ERRORS))),
    ]
    return f"Protocol {PROTOCOL}.\n\n" + "\n".join(f"### {title}\n\n{body}\n" for title, body in sections)


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _message_row(row: Row) -> tuple[str, ...]:
    replies = ", ".join(reply.__name__ for reply in row.replies)
    return f"`{row.message.__name__}`", row.door, row.sender, replies, row.buffers


def _schema(name: str) -> str:
    schema = msgspec.json.schema(getattr(messages, name))
    each = schema.get("items") or schema.get("additionalProperties") or {}
    flat = {**schema, **{f"each {key}": value for key, value in each.items()}}
    places = [", ".join(f"{key} {value}" for key, value in place.items()) for place in schema.get("prefixItems", ())]
    flat |= {"prefixItems": "; ".join(places)} if places else {}
    return ", ".join(f"{key} `{value}`" for key, value in flat.items() if key not in ("items", "additionalProperties"))


def _fields(each: type[Any]) -> str:
    rows = list(_field_rows(each))
    return f"{inspect.getdoc(each)}\n\n" + _table(("field", "type", "default", "meaning"), rows)


def _field_rows(each: type[Any]) -> Iterator[tuple[str, ...]]:
    source = inspect.getsource(each)
    lines = source.splitlines()
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    for node in tree.body:
        if isinstance(node, ast.AnnAssign):
            comment = lines[(node.end_lineno or 1) - 1].partition("  # ")[2]
            default = f"`{ast.unparse(node.value)}`" if node.value else ""
            yield f"`{ast.unparse(node.target)}`", f"`{ast.unparse(node.annotation)}`", default, comment


def _osc_row(address: str) -> tuple[str, ...]:
    row = ADDRESSES[address]
    return f"`{address}`", "; ".join(map(_argument, row.arguments)), row.meaning


def _argument(argument: Argument) -> str:
    if argument.choices:
        what = "one of " + ", ".join(filter(None, argument.choices))
    else:
        what = ("any number from " if argument.real else "") + f"{argument.low} to {argument.high}"
    return f"{argument.name}: {what}" + ("" if argument.default is None else f" (default {argument.default!r})")


def _error_row(code: str) -> tuple[str, ...]:
    spec = ERRORS[code]
    return f"`{code}`", spec.sentence, spec.todo, str(spec.exit_code)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
