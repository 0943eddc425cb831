"""What was proven, by which test, how often and how long: a file of JSON lines that every run adds to.

A proof lies in `.reliability/proven.jsonl` of the repository until `python -m tests.reliability.page`
takes it into `docs/reliability.jsonl`, from which the table of docs/reliability.md is written.
"""

import datetime
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from .properties import PROPERTIES

ROOT: Final = Path(__file__).parents[2]
FRESH: Final = ROOT / ".reliability" / "proven.jsonl"
KEPT: Final = ROOT / "docs" / "reliability.jsonl"

When: TypeAlias = Literal["every run", "night", "soak", "once"]
ORDER: Final = ("every run", "night", "soak", "once")


class Proof(msgspec.Struct, frozen=True, omit_defaults=True):
    """One test's word on one property."""

    property: str  # of PROPERTIES; "" where a test failed before it said which
    test: str  # "tests/daemon/test_crashes.py::test_a_full_disk", or the command of a long run
    cases: int
    passed: bool
    seconds: float
    when: When
    day: str
    measured: str = ""  # a few figures, for people


def proof(property_: str, test: str, cases: int, passed: bool, seconds: float, when: When, measured: str = "") -> Proof:
    """A proof of today. Raises KeyError for a property that is not in the table."""
    assert not property_ or PROPERTIES[property_]
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Proof(property_, test, cases, passed, round(seconds, 3), when, day, " ".join(measured.split()))


def add(proof: Proof, path: Path | None = None) -> None:
    """Append a proof; several processes may do so at once."""
    path = path or Path(os.environ.get("HARMONICFLOW_PROOFS") or FRESH)
    path.parent.mkdir(exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write(msgspec.json.encode(proof) + b"\n")


def read(path: Path) -> list[Proof]:
    """Every proof of a file, oldest first."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [msgspec.json.decode(line, type=Proof) for line in lines if line]


def latest(proofs: Iterable[Proof]) -> list[Proof]:
    """The last word of each test on each property. A test that failed early takes back all it has proven."""
    last: dict[tuple[str, str], Proof] = {}
    for each in proofs:
        if each.property:
            last[each.test, each.property] = each
        else:
            for key, old in last.items():
                if key[0] == each.test:
                    last[key] = msgspec.structs.replace(old, passed=False, day=each.day)
    return list(last.values())
