"""What a watch says: results to stdout, the rest to stderr, as words for people or as JSON for scripts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import TakeSummary

from ..output import result, result_json, say
from .beside import sentence
from .clips import Clip, printable


class Outcome(NamedTuple):
    """What a clip has come to: `state` is done, failed, known, removed, changed or trouble."""

    clip: Clip
    state: str
    place: Path | None = None  # the folder or the text beside it
    takes: Sequence[TakeSummary] = ()
    error: HarmonicFlowError | None = None


class Telling:
    """Who tells it, and counts."""

    def __init__(self, folder: Path, as_json: bool) -> None:
        self._folder, self._as_json = folder, as_json
        self.done = self.failed = self.known = 0
        self._said = ""  # of troubles; the same one is said once

    def outcome(self, found: Outcome) -> None:
        """A clip that is done, failed or removed."""
        clip = found.clip.path
        self._said = ""
        self.done += found.state == "done"
        self.failed += found.state == "failed"
        if self._as_json:
            result_json(_row(found))
        if found.error is not None:
            why, name = sentence(clip, found.error), printable(clip.name)
            say(why if name in why else f"{name}: {why}")
        elif found.state == "removed":
            say(f"{printable(clip.name)} was removed before it was its turn, or while its take was made")
        elif not self._as_json:
            for warning in _warnings(found):
                say(f"note: {warning}")
            result(printable(found.place))

    def trouble(self, error: HarmonicFlowError) -> None:
        """What is wrong with no clip, and keeps them all."""
        if str(error) == self._said:
            return
        self._said = str(error)
        say(f"harmonicflow: {error}")
        if self._as_json:
            result_json({"state": "trouble", "error": error.to_wire()})

    def end(self, waiting: int) -> None:
        """What was done, and what waits."""
        have, waits = ("has" if self.done == 1 else "have"), ("waits" if waiting == 1 else "wait")
        before = f", {self.known} had been done before" if self.known else ""
        again = f"; to go on, watch {printable(self._folder)} again with the same options" if waiting else ""
        clips = "clip" if self.done == 1 else "clips"
        say(f"{self.done} {clips} {have} takes now, {self.failed} a text why not, {waiting} {waits}{before}{again}")
        if self._as_json:
            counts = {"takes": self.done, "failed": self.failed, "waiting": waiting, "known": self.known}
            result_json({"state": "ended", **counts})


def _row(found: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"clip": printable(found.clip.path), "state": found.state}
    if found.place is not None:
        row["folder" if found.takes else "text"] = printable(found.place)
    if found.takes:
        row["takes"] = [take.take for take in found.takes]
        row["warnings"] = _warnings(found)
    if found.error is not None:
        row["error"] = found.error.to_wire()
    return row


def _warnings(found: Outcome) -> list[str]:
    return sorted({warning for take in found.takes for warning in take.warnings})
