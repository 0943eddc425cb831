"""Takes as a person or a script is shown them, and their files copied to where the person wants them."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import TakeSummary

from .output import decibels, result, result_json, say, table

LARGEST_DESCRIPTION: Final = 64_000_000  # bytes of take.json
COPIED: Final = ("score.mid", "take.json")  # beside every WAV of the take


def check_lengths(take: TakeSummary, frames: int, rate: int) -> None:
    """Refuse a take whose files are not exactly as long as the selection; raises `bad_take`."""
    for row in take.files:
        if (row.frames, row.rate) != (frames, rate):
            raise HarmonicFlowError(
                "bad_take",
                take=take.take,
                reason=f"{row.file} has {row.frames} frames at {row.rate} Hz, the selection {frames} at {rate} Hz",
            )


def copy_take(take: TakeSummary, folder: Path) -> TakeSummary:
    """Copy a take's sound, score and description into `folder`; the same take, with that folder.

    Each file appears whole or not at all: it is written under another name and then renamed.
    """
    source = Path(take.folder)
    for name in (*(row.file for row in take.files), *take.parts.values(), *COPIED):
        unfinished = folder / f".{name}.{uuid4().hex}"
        try:
            shutil.copyfile(source / name, unfinished)
            os.replace(unfinished, folder / name)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise HarmonicFlowError("disk", path=folder / name, reason=error.strerror or error) from None
    return msgspec.structs.replace(take, folder=str(folder))


def take_row(take: TakeSummary) -> dict[str, Any]:
    """A take as one JSON object; `path` of every file is absolute."""
    row: dict[str, Any] = msgspec.to_builtins(take)
    folder = Path(take.folder)
    for file in row["files"]:
        file["path"] = str(folder / file["file"])
        file["seconds"] = file["frames"] / file["rate"]
    row["midi"] = str(folder / "score.mid")
    row["parts"] = {stem: str(folder / file) for stem, file in take.parts.items()}
    return row


def read_details(folder: Path) -> dict[str, Any]:
    """The take.json of a folder; empty where there is none that can be read."""
    try:
        description = folder / "take.json"
        if description.stat().st_size > LARGEST_DESCRIPTION:
            return {}
        details = json.loads(description.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return details if isinstance(details, dict) else {}


def understood(take: TakeSummary) -> str:
    """What the words of the request were taken to mean, in one line; empty where nothing is known."""
    plan = read_details(Path(take.folder)).get("plan")
    if not isinstance(plan, dict):
        return ""
    parts = [f"key {plan['key']}" if plan.get("key") else "", plan.get("understood")]
    return "; ".join(str(part) for part in parts if part)


def made(take: TakeSummary) -> str:
    """When a take was made, by the clock on the wall; as it is stored where that is no time."""
    try:
        return datetime.fromisoformat(take.created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return take.created


def take_table(take: TakeSummary) -> str:
    """The files of a take: stem, seconds, peak, integrated loudness, file."""
    rows = [
        (
            row.stem,
            f"{row.frames / row.rate:.3f}",
            "-inf" if row.peak_dbfs is None else decibels(row.peak_dbfs),
            "-inf" if row.lufs is None else decibels(row.lufs),
            row.file,
        )
        for row in take.files
    ]
    return table(("stem", "seconds", "peak dBFS", "LUFS", "file"), rows)


def show_take(take: TakeSummary, as_json: bool) -> None:
    """Write one take to stdout; without `--json` the last line is its folder."""
    if as_json:
        result_json(take_row(take))
        return
    if words := understood(take):
        say(f"understood: {words}")
    say(f"seed: {take.seed}" + (f", made from {take.parent}" if take.parent else ""))
    result(take_table(take))
    result(take.folder)
