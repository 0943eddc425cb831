"""Which errors the product raises while tests run: those it makes itself, and those that another process sent.

An error that a test makes by hand does not count; one that a daemon, a worker or a command of its own process has
said counts where it is read: by the client, by the tests' own desk, or in a command's output.
"""

import functools
import json
import sys
from typing import Any

import pytest

from harmonicflow.core.errors import HarmonicFlowError

from .proofs import ROOT

PRODUCT = tuple(str(ROOT / folder) + "/" for folder in ("harmonicflow", "daemon", "bridge", "training", "export"))
raised: set[str] = set()


def watch() -> None:
    """Note the code of every error from now on."""
    make, read = HarmonicFlowError.__init__, HarmonicFlowError.from_wire.__func__  # type: ignore[attr-defined]

    @functools.wraps(make)
    def init(self: HarmonicFlowError, code: str, /, **fields: object) -> None:
        if sys._getframe(1).f_code.co_filename.startswith(PRODUCT):
            raised.add(code)
        make(self, code, **fields)

    @functools.wraps(read)
    def from_wire(cls: type[HarmonicFlowError], wire: Any) -> HarmonicFlowError:
        if sys._getframe(1).f_code.co_filename.startswith(PRODUCT):
            raised.add(wire["code"])
        error: HarmonicFlowError = read(cls, wire)
        return error

    HarmonicFlowError.__init__ = init  # type: ignore[method-assign]
    HarmonicFlowError.from_wire = classmethod(from_wire)  # type: ignore[method-assign,assignment]


def said(output: str) -> None:
    """Note what a command of a process of its own has said with --json."""
    for line in output.splitlines():
        if line.startswith("{") and '"error"' in line and (error := json.loads(line).get("error")):
            raised.add(error["code"])


def whole(config: pytest.Config) -> bool:
    """Whether all tests are run, as by `make test`."""
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
