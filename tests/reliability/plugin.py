"""The fixture `proven`: a test says which property it has just shown, and with how many cases.

    def test_a_full_disk(house, proven) -> None:
        ...
        proven("R11", cases=3, measured="the third write of five failed")

Whether it holds is the test's own result, and the duration is the test's.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from . import codes, proofs
from .properties import PROPERTIES

Proven: TypeAlias = Callable[..., None]
_calls = pytest.StashKey[list[tuple[str, int, str]]]()


@pytest.fixture
def proven(request: pytest.FixtureRequest) -> Proven:
    """`proven(property, cases=1, measured="")`; a test may call it for several properties."""
    calls = request.node.stash.setdefault(_calls, [])

    def say(property_: str, /, cases: int = 1, measured: str = "") -> None:
        assert property_ in PROPERTIES, f"{property_} is not in tests/reliability/properties.py"
        calls.append((property_, cases, measured))

    return say


def pytest_configure() -> None:
    """Note from now on which errors are raised."""
    codes.watch()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that looks back comes last."""
    items.sort(key=lambda item: item.name == "test_every_code_was_raised")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Write down what a test has proven, once it is known how it ended."""
    report: pytest.TestReport = yield
    if report.when == "call" and not report.skipped and _calls in item.stash:
        when: proofs.When = "night" if item.get_closest_marker("night") else "every run"
        calls = item.stash[_calls]
        if report.failed:
            calls = [*calls, ("", 0, "")]
        for property_, cases, measured in calls:
            proofs.add(proofs.proof(property_, item.nodeid, cases, report.passed, report.duration, when, measured))
    return report
