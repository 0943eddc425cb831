"""What the pages and tables of measurements share: rows of text as a Markdown table or in columns, gates as rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Gate = dict[str, Any]  # "gate", "column", "value" (None: not measured), "needs", "pass"


def markdown(rows: list[list[str]]) -> list[str]:
    """A Markdown table, the first row its head."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return [head, "|" + "---|" * len(rows[0]), *body]


def aligned(rows: list[list[str]]) -> Iterable[str]:
    """Rows in columns for a terminal: the first to the left, the others to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if place == 0 else cell.rjust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        yield "  " + "  ".join(cells)


def gate_row(gate: Gate) -> list[str]:
    """A gate as a row of a Markdown table."""
    value = "-" if gate["value"] is None else f"{gate['value']:.3g}"
    return [gate["column"], gate["gate"], value, gate["needs"], "pass" if gate["pass"] else "**fails**"]


def gate_table(gates: list[Gate]) -> list[str]:
    """How many gates pass, and a Markdown table of them."""
    rows = [["", "what", "measured", "needs", ""], *map(gate_row, gates)]
    return [f"{sum(gate['pass'] for gate in gates)} of {len(gates)} pass.", "", *markdown(rows)]


def demands(command: str, gates: list[Gate]) -> list[str]:
    """A page's command and its gates, in Markdown."""
    return ["", f"```sh\n{command}\n```", "", "## Gates", "", *gate_table(gates), ""]


def gate_lines(gates: list[Gate]) -> list[str]:
    """The gates for a terminal."""
    lines = ["gates"]
    for gate in gates:
        word, value = "pass" if gate["pass"] else "FAIL", "-" if gate["value"] is None else f"{gate['value']:g}"
        lines.append(f"  {word}  {gate['column']:<7} {gate['gate']}: {value}, needs {gate['needs']}")
    return [*lines, f"  {sum(gate['pass'] for gate in gates)} of {len(gates)} gates pass"]
