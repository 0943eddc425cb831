"""A script that has nothing but files: it writes requests into the spool and reads the reports, as hosts do."""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

PATIENCE_S = 30.0
FINAL = ("done", "failed", "cancelled")


class Script:
    """The spool below a home folder, from outside: plain JSON, no class of the project's."""

    def __init__(self, home: Path) -> None:
        self.root = home / "spool"
        self.inbox, self.outbox = self.root / "inbox", self.root / "outbox"

    def put(self, name: str, data: bytes) -> Path:
        """A file of the inbox, whole or not there."""
        half = self.inbox / f".{name}.tmp"
        half.write_bytes(data)
        os.rename(half, self.inbox / name)
        return self.inbox / name

    def send(self, request: Any, sounds: Sequence[np.ndarray] = (), **changes: Any) -> str:
        """A request and its sounds; its id."""
        fields = {**msgspec.to_builtins(request), **changes}
        for number, sound in enumerate(sounds):
            self.put(f"{fields['id']}.{number}.f32", np.ascontiguousarray(sound, "<f4").tobytes())
        self.put(f"{fields['id']}.json", json.dumps(fields).encode())
        return str(fields["id"])

    def report(self, name: str) -> dict[str, Any] | None:
        """The report as it is now. Half of one would be an error here."""
        try:
            found: dict[str, Any] = json.loads((self.outbox / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return None
        assert found["id"] == name and found["kind"] == "report"
        return found

    def until(self, name: str, look: Callable[[dict[str, Any]], Any], seconds: float = PATIENCE_S) -> dict[str, Any]:
        """The first report that looks right."""
        deadline = time.monotonic() + seconds
        found = None
        while time.monotonic() < deadline:
            found = self.report(name)
            if found and look(found):
                return found
            time.sleep(0.005)
        raise TimeoutError(f"not within {seconds} s: {found}")

    def end(self, name: str, seconds: float = PATIENCE_S) -> dict[str, Any]:
        """The report that nothing follows."""
        return self.until(name, lambda report: report["state"] in FINAL, seconds)

    def state(self, name: str, *states: str) -> dict[str, Any]:
        """The first report of one of these states."""
        return self.until(name, lambda report: report["state"] in states)

    def beat(self) -> dict[str, Any] | None:
        """The daemon's sign of life."""
        try:
            found: dict[str, Any] = json.loads((self.root / "beat.json").read_bytes())
        except FileNotFoundError:
            return None
        return found

    def waiting(self) -> list[str]:
        """What lies in the inbox."""
        return sorted(path.name for path in self.inbox.iterdir())
