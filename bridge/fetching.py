"""Takes of a daemon on another computer, brought here: the same files, but for latents and peaks.

They lie in `fetched` of the home folder, apart from the takes of this computer's own daemon, each whole or not there.
"""

import json
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
import numpy as np

from harmonicflow.audio.wav import write_wav
from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import GetTake, ShowTake, TakeReply, TakeSound, TakeSummary

from .client import Client

FOLDER: Final = "fetched"
PATIENCE_S: Final = 120.0  # for one file, over a slow network


def fetch(client: Client, take: TakeSummary) -> TakeSummary:
    """The take with its files here; raises what the daemon answers, `bad_take`, `disk`."""
    final = paths.owner_only(paths.home() / FOLDER) / take.take
    if not final.exists():
        temporary = paths.owner_only(final.with_name(f".{take.take}.{uuid4().hex[:8]}"))
        try:
            _write(client, take, temporary)
            paths.publish_folder(temporary, final)
        except BaseException:
            paths.remove_folder(temporary)
            raise
    return msgspec.structs.replace(take, folder=str(final))


def _write(client: Client, take: TakeSummary, folder: Path) -> None:
    shown = client.ask(ShowTake(id=uuid4().hex, take=take.take, midi=True), TakeReply)
    files = {**shown.midi, "take.json": json.dumps(shown.details, ensure_ascii=False, indent=1).encode()}
    for name, data in files.items():
        paths.write_atomic(folder / _plain(take, name), data)
    for row in take.files:  # one at a time: a long take is more than a message may hold
        wanted = GetTake(id=uuid4().hex, take=take.take, stems=(row.stem,))
        reply, [sound] = client.ask_with_sound(wanted, TakeSound, PATIENCE_S)
        planar = np.frombuffer(sound, "<f4")
        if [each.file for each in reply.files] != [row.file] or planar.size != row.channels * row.frames:
            raise HarmonicFlowError("bad_take", take=take.take, reason=f"{row.file} came with another length")
        write_wav(folder / _plain(take, row.file), planar.reshape(row.channels, row.frames), row.rate)


def _plain(take: TakeSummary, name: str) -> str:
    """A name from elsewhere, which must be one of a file and nothing else; raises `bad_take`."""
    if not name or name.startswith(".") or Path(name).name != name or any(sign in name for sign in '/\\:\0'):
        raise HarmonicFlowError("bad_take", take=take.take, reason=f"{name!r} is not a file name")
    return name
