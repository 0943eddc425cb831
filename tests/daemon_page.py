"""Writes the tables of docs/daemon.md from the code: `make docs`. tests/test_docs.py compares."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from daemon.metrics import FAMILIES, PREFIX
from harmonicflow.core import settings

PAGE: Final = Path(__file__).parent.parent / "docs" / "daemon.md"


def page() -> str:
    """The whole page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in {"settings": _settings(), "metrics": _metrics()}.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    return text


def _settings() -> str:
    rows = (
        (f"`{row.name}`", row.purpose, row.range, row.unit, f"`{row.default}`" if row.default != "" else "empty")
        for row in settings.TABLE.values()
    )
    return _table(("setting", "what it is for", "may be", "unit", "default"), rows)


def _metrics() -> str:
    rows = (
        (f"`{PREFIX}{name}`", family.kind, ", ".join(f"`{label}`" for label in family.labels), family.words)
        for name, family in FAMILIES.items()
    )
    return _table(("metric", "kind", "labels", "what it says"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
