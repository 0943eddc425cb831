"""Takes the newest proofs in and writes the table of docs/reliability.md: `python -m tests.reliability.page`."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from .proofs import FRESH, KEPT, ORDER, ROOT, Proof, latest, read
from .properties import PROPERTIES

PAGE: Final = ROOT / "docs" / "reliability.md"
BEGIN: Final = "<!-- written from the proofs: begin -->"
END: Final = "<!-- written from the proofs: end -->"
HEAD: Final = ("", "property", "pass mark", "when", "cases", "result", "duration", "measured")


def page(proofs: Sequence[Proof]) -> str:
    """The whole page as it should be."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n\n{table(proofs)}\n\n{END}{rest.split(END)[1]}"


def table(proofs: Sequence[Proof]) -> str:
    """One row for each property and each occasion on which it is tried."""
    rows = [HEAD]
    for name, (sentence, mark) in PROPERTIES.items():
        found = [each for each in proofs if each.property == name]
        for when in ORDER:
            if some := [each for each in found if each.when == when]:
                rows.append((name, sentence, mark, when, *_figures(some)))
        if not found:
            rows.append((name, sentence, mark, "", "", "not shown yet", "", ""))
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(HEAD), *lines[1:]])


def _figures(proofs: Sequence[Proof]) -> tuple[str, str, str, str]:
    failed = [each for each in proofs if not each.passed]
    result = "failed: " + ", ".join(each.test.rpartition("::")[2] for each in failed) if failed else "passed"
    seconds = sum(each.seconds for each in {each.test: each for each in proofs}.values())
    measured = "; ".join(dict.fromkeys(each.measured for each in proofs if each.measured))
    return f"{sum(each.cases for each in proofs):,}", result, _duration(seconds), measured


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def there(proofs: Iterable[Proof]) -> list[Proof]:
    """Without the proofs of tests that are no more."""
    found = []
    for each in proofs:
        file, _, name = each.test.partition("::")
        path = ROOT / file
        text = path.read_text(encoding="utf-8") if path.suffix == ".py" and path.exists() else ""
        if not name or f"def {name.partition('[')[0]}(" in text:
            found.append(each)
    return sorted(found, key=lambda each: (list(PROPERTIES).index(each.property), each.test))


def main() -> None:
    """Join what is kept with what is fresh, and write both files."""
    proofs = there(latest([*read(KEPT), *read(FRESH)]))
    KEPT.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in proofs))
    PAGE.write_text(page(proofs), encoding="utf-8")
    FRESH.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
