"""What the command line writes: results to stdout, everything else to stderr."""

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence

from harmonicflow.core.errors import HarmonicFlowError


def say(text: str) -> None:
    """One line for the person, on stderr; nobody need be listening there."""
    with contextlib.suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


def result(text: str) -> None:
    """One line of result, on stdout."""
    print(text, flush=True)


def result_json(value: Mapping[str, object]) -> None:
    """One object on one line of stdout. NaN and infinity, which JSON lacks, become null."""
    print(json.dumps(_finite(value), ensure_ascii=False, separators=(", ", ": ")), flush=True)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def say_error(error: HarmonicFlowError, as_json: bool) -> int:
    """The error's sentence on stderr, with `--json` its object on stdout too; returns the exit code."""
    say(f"harmonicflow: {error}")
    if as_json:
        result_json({"error": error.to_wire()})
    return error.exit_code


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; cells that read as numbers stand to the right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [all(_numeric(cell) for cell in column[1:]) for column in columns]
    lines = []
    for row in (header, *rows):
        cells = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _numeric(cell: str) -> bool:
    return cell.strip("-+.0123456789x%:") == ""


def decibels(value: float) -> str:
    """A level with one decimal; digital silence reads "-inf"."""
    return f"{value:.1f}" if value > -200 else "-inf"
