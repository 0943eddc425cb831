"""The door for commands: small files in the spool's folder `hosts` that `harmonicflow live` writes.

A command holds words of a list, numbers in a range and texts for the prompt; never a path. What is older than a minute
is dropped, so that nothing waits for a Live that is started tomorrow.
"""

import json
import os
import re
import time
from typing import Any, NamedTuple

from .spool import Spool, remove, table_of, write

COMMANDS = ("generate", "regenerate", "again", "cancel", "status")
FILE = re.compile(r"live-command-([0-9a-f]{16})\.json")
OLD_S = 60.0
MAX_TEXT = 2000
RANGES: dict[str, tuple[float, float]] = {
    "count": (1, 8),
    "seed": (0, 2**63 - 1),
    "rate": (8000, 384000),
    "quantize": (0.0, 1.0),
}
SWITCHES = ("midi", "mix", "binaural", "along")
TEXTS = ("prompt", "chords")


class Command(NamedTuple):
    """One command; `name` is that of its file, "" for one that came over MIDI."""

    command: str
    stem: str
    values: dict[str, Any]
    name: str


def collect(spool: Spool, settings: dict[str, Any]) -> list[Command]:
    """The commands that lie there, the oldest first; their files are removed."""
    found: list[tuple[float, Command]] = []
    try:
        names = os.listdir(spool.path("hosts"))
    except OSError:
        return []
    for name in names:
        match = FILE.fullmatch(name)
        if not match:
            continue
        path = spool.path("hosts", name)
        table = table_of(path)
        remove(path)
        command = read(table, settings, match[1])
        if command is not None and table is not None:
            found.append((float(table["at"]), command))
    return [command for _, command in sorted(found, key=lambda each: each[0])]


def read(table: dict[str, Any] | None, settings: dict[str, Any], name: str) -> Command | None:
    """A command as it was written; None for what is none, or is too old."""
    if table is None or not isinstance(table.get("at"), int | float) or abs(time.time() - table["at"]) > OLD_S:
        return None
    command, stem = table.get("command"), table.get("stem", "")
    if command not in COMMANDS or command == "regenerate" and stem not in settings["stems"]:
        return None
    values = table.get("values")
    return Command(str(command), str(stem), clean(values if isinstance(values, dict) else {}, settings), name)


def clean(values: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The options that are ones, of the right kind and in their range."""
    found: dict[str, Any] = {}
    for name, (least, most) in RANGES.items():
        value = values.get(name)
        kinds = int | float if name == "quantize" else int
        if isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most:
            found[name] = value
    for name in SWITCHES:
        if isinstance(values.get(name), bool):
            found[name] = values[name]
    for name in TEXTS:
        if isinstance(values.get(name), str):
            found[name] = values[name][:MAX_TEXT]
    for name, words in (("genre", settings["genres"]), ("mood", settings["moods"])):
        if values.get(name) in ("", *words):
            found[name] = values[name]
    stems = values.get("stems")
    if isinstance(stems, list) and all(stem in settings["stems"] for stem in stems):
        found["stems"] = stems
    return found


def answer(spool: Spool, command: Command, ok: bool, message: str) -> None:
    """Tell the program that wrote the command what became of it."""
    if command.name:
        data = json.dumps({"ok": ok, "message": message}).encode()
        try:
            write(spool.path("hosts", f"live-answer-{command.name}.json"), data)
        except OSError:
            pass
