"""The spool door from inside Live: files that are written under another name first and then renamed."""

import json
import os
import random
import time
from typing import Any

MAX_JSON = 4 << 20  # bytes; a report is some thousand


def table_of(path: str) -> dict[str, Any] | None:
    """The table in a JSON file; None where it is missing, damaged or too large."""
    try:
        if os.path.getsize(path) > MAX_JSON:
            return None
        with open(path, "rb") as file:
            found = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write(path: str, data: bytes) -> None:
    """Write a file whole or not at all; raises OSError."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        remove(temporary)
        raise


def remove(path: str) -> None:
    """Remove a file that may be gone."""
    try:
        os.remove(path)
    except OSError:
        pass


class Spool:
    """The folder that the daemon and this script share."""

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, *names: str) -> str:
        """A path below the spool."""
        return os.path.join(self.root, *names)

    def new_id(self) -> str:
        """A name for a request that nobody has used."""
        return f"live-{time.strftime('%Y%m%d-%H%M%S')}-{random.SystemRandom().randrange(1 << 40):010x}"

    def sound(self, name: str, half: bool = False) -> str:
        """Where the one sound of a request lies; `half`: while it is being written."""
        return self.path("inbox", f".{name}.0.f32.tmp" if half else f"{name}.0.f32")

    def send(self, request: dict[str, Any]) -> None:
        """Hand a request in; its sound is there already. Raises OSError."""
        write(self.path("inbox", f"{request['id']}.json"), json.dumps(request).encode())

    def waits(self, name: str) -> bool:
        """Whether the daemon has not taken the request in yet."""
        return os.path.exists(self.path("inbox", f"{name}.json"))

    def report(self, name: str) -> dict[str, Any] | None:
        """What became of a request; None before the daemon has seen it."""
        return table_of(self.path("outbox", f"{name}.json"))

    def cancel(self, name: str) -> None:
        """End a request that waits or runs. Raises OSError."""
        self.send({"kind": "cancel", "id": _cancel_id(name), "job": name})

    def forget(self, name: str) -> None:
        """The reports on a request, and on its cancelling, are used."""
        for used in (name, _cancel_id(name)):
            remove(self.path("outbox", f"{used}.json"))

    def beat(self) -> bytes | None:
        """The daemon's sign of life as it is written; None where there is none."""
        try:
            with open(self.path("beat.json"), "rb") as file:
                return file.read(4096)
        except OSError:
            return None


def _cancel_id(name: str) -> str:
    return f"cancel-{name[-50:]}"
