"""How proofs are written down, joined and shown."""

import re
from pathlib import Path

import pytest

from tests.reliability import page, proofs
from tests.reliability.plugin import Proven
from tests.reliability.properties import PROPERTIES

pytest_plugins = ["pytester"]
HERE = "tests/reliability/test_proofs.py::test_the_last_word_counts"


def test_the_table_is_written_from_the_kept_proofs() -> None:
    # After new proofs: make docs
    assert page.PAGE.read_text(encoding="utf-8") == page.page(proofs.read(proofs.KEPT))


def test_the_last_word_counts(tmp_path: Path) -> None:
    file = tmp_path / "some" / "proven.jsonl"
    for cases, passed in ((5, True), (7, False), (9, True)):
        proofs.add(proofs.proof("R4", HERE, cases, passed, 1.0, "every run"), file)
    proofs.add(proofs.proof("R5", "other", 1, True, 1.0, "night", "p99\n3 ms"), file)
    first, second = proofs.latest(proofs.read(file))
    assert (first.cases, first.passed, second.measured) == (9, True, "p99 3 ms")
    row = page.table([first])
    assert "| R4 | a worker's death is contained |" in row and "| every run | 9 | passed | 1 s |" in row
    proofs.add(proofs.proof("", HERE, 0, False, 1.0, "every run"), file)
    first, second = proofs.latest(proofs.read(file))
    assert not first.passed and second.passed, "a test that fails early takes back what it has proven"
    assert "failed: test_the_last_word_counts" in page.table([first])


def test_a_test_that_is_gone_proves_nothing() -> None:
    gone = proofs.proof("R4", "tests/reliability/test_proofs.py::test_of_yesterday", 1, True, 1.0, "every run")
    run = proofs.proof("R14", "make soak", 1, True, 1.0, "soak")
    here = proofs.proof("R4", HERE + "[param]", 1, True, 1.0, "every run")
    assert page.there([gone, run, here]) == [here, run]


def test_a_property_nobody_knows_is_refused(proven: Proven) -> None:
    with pytest.raises(AssertionError, match="X99"):
        proven("X99")


def test_what_a_test_proves_is_what_became_of_it(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pytest of its own, with the plugin of this one: passed, failed after, failed before, skipped."""
    file = tmp_path / "proven.jsonl"
    monkeypatch.setenv("HARMONICFLOW_PROOFS", str(file))
    pytester.makeconftest("from tests.reliability.plugin import proven, pytest_runtest_makereport")
    pytester.makepyfile(
        test_some="""
        import pytest
        def test_good(proven): proven("R1", cases=3, measured="2 ms"); proven("R2")
        def test_late(proven): proven("R3"); assert False
        def test_early(proven): assert False; proven("R4")
        def test_none(proven): pytest.skip("no")
        @pytest.mark.night
        def test_long(proven): proven("R5")
        """
    )
    pytester.makeini("[pytest]\nmarkers = night: long\npythonpath = " + str(proofs.ROOT))
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2, failed=2, skipped=1)
    found = [(each.property, each.cases, each.passed, each.when) for each in proofs.read(file)]
    assert found == [
        ("R1", 3, True, "every run"), ("R2", 1, True, "every run"), ("R3", 1, False, "every run"),
        ("", 0, False, "every run"), ("", 0, False, "every run"), ("R5", 1, True, "night"),
    ]  # fmt: skip


def test_every_property_has_a_name_and_a_mark() -> None:
    assert all(re.fullmatch(r"[RSTE]\d+", name) and all(row) for name, row in PROPERTIES.items())
