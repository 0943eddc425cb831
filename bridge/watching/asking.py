"""A clip's takes, asked for so that nothing is made twice: the request's name is made of what is asked.

The same clip with the same options is the same request, and the daemon answers a request that it knows with what
became of it: after a crash of either side everything goes on where it was. While the daemon has no room it is waited
for, and one that is lost is started again.
"""

import hashlib
import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import JobEvent, JobState, TakeSummary, encode
from harmonicflow.core.meters import exact
from harmonicflow.core.progress import stage_words

from ..client import Client
from ..making import Prepared, Span, prepared
from ..results import check_lengths
from ..scores import is_midi
from ..spawn import connect_or_start
from .beside import ID
from .clips import Clip

LARGEST_MB: Final = 2_000  # of a file: an hour of 24-bit stereo at 96 kHz
PIECE: Final = 1 << 20  # bytes read at once
DIGEST: Final = 32  # letters of the digests in a request's name
WAITS: Final = frozenset({"busy", "not_ready", "daemon_lost", "no_daemon"})  # what passes by itself, within seconds
ROOM_S: Final = 0.5  # before it is asked again
REMOVED: Final = "unknown_take"  # it was made before, and somebody has removed it
_BPM: Final = re.compile(r"(?<![\d.])(\d{2,3}(?:\.\d{1,3})?)[ _-]?bpm(?![a-z])", re.IGNORECASE)


class Stopped(Exception):
    """Nobody waits for it any more."""


class Wishes(NamedTuple):
    """What all clips of a folder are to get: options as `making.prepared` takes them."""

    span: Span
    choices: dict[str, Any]


def digest(clip: Clip) -> str:
    """What a clip is known by: its name and what is in it. Raises `unreadable`, `missing_file`, `too_large`."""
    sha = hashlib.sha256(os.fsencode(clip.path.name) + b"\0" + clip.kind.encode())
    if clip.kind:
        return sha.hexdigest()[:DIGEST]
    if clip.mark.size > LARGEST_MB * 1_000_000:
        size = clip.mark.size // 1_000_000
        raise HarmonicFlowError("too_large", path=clip.path, size=size, maximum=LARGEST_MB)
    try:
        # What has become a pipe since it was looked at must not hold us up, nor a link lead us elsewhere.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(clip.path, flags), "rb", buffering=0) as file:
            while piece := file.read(PIECE):
                sha.update(piece)
    except FileNotFoundError:
        raise HarmonicFlowError("missing_file", path=clip.path) from None
    except OSError as error:
        raise HarmonicFlowError("unreadable", path=clip.path, reason=error.strerror or error) from None
    return sha.hexdigest()[:DIGEST]


def stand_in(clip: Clip) -> str:
    """Instead of a digest, for what cannot be read."""
    about = f"{clip.path.name}\0{clip.mark.size}\0{clip.mark.changed_ns}"
    return hashlib.sha256(about.encode("utf-8", "surrogateescape")).hexdigest()[:DIGEST]


def named_tempo(name: str) -> Fraction | None:
    """The tempo that a file's name says: "riff 96bpm.wav"; None where it says none that is possible."""
    found = _BPM.search(name)
    bpm = exact(found[1]) if found else None
    return bpm if bpm is not None and 20 <= bpm <= 400 else None


def request_of(wishes: Wishes, clip: Path, of: str, attempt: int = 1) -> Prepared:
    """The request for a clip of the digest `of`. Raises what reading the clip raises."""
    choices = dict(wishes.choices)
    choices["title"] = clip.stem[:200].encode("utf-8", "replace").decode()
    if choices.get("seed") is None:
        choices["seed"] = int(of[:8], 16) >> 1
    span = wishes.span
    if span.tempo is None and not is_midi(str(clip)):
        span = replace(span, tempo=named_tempo(clip.name) or Fraction(120))
    asked = prepared(str(clip), span, None, choices)
    name = f"{ID}{of}"
    wanted = hashlib.sha256(encode(msgspec.structs.replace(asked.request, id=name))).hexdigest()[:16]
    name = f"{name}-{wanted}" + (f"-{attempt}" if attempt > 1 else "")
    return asked._replace(request=msgspec.structs.replace(asked.request, id=name))


class Studio:
    """Where takes are made; any thread may ask. `stop` ends every wait: what was accepted goes on in the daemon."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.stop = threading.Event()
        self._starting = threading.Lock()

    def takes(self, clip: Path, of: str, tell: Callable[[str], None]) -> Sequence[TakeSummary]:
        """The takes of a clip, waited for; `tell` hears in a few words how far it is.

        Raises what reading it and what the daemon says, but for what passes by itself, and `Stopped`.
        """
        attempt = 1
        asked = request_of(self.wishes, clip, of)
        while True:
            try:
                return self._ask(asked, tell)
            except HarmonicFlowError as error:
                if error.code == REMOVED and attempt < 9:
                    attempt += 1
                    asked = request_of(self.wishes, clip, of, attempt)
                elif error.code not in WAITS:
                    raise
                elif self.stop.wait(ROOM_S):
                    raise Stopped from None

    def _ask(self, asked: Prepared, tell: Callable[[str], None]) -> Sequence[TakeSummary]:
        def hear(event: JobEvent) -> None:
            if event.state is JobState.RUNNING and event.stage:
                tell(stage_words(event.stage, event.step, event.steps * (event.stage == "perform")))
            else:
                tell(stage_words(event.state.value))

        def look() -> None:
            if self.stop.is_set():
                raise Stopped

        def lost(error: HarmonicFlowError) -> None:
            tell("starting the daemon again")
            self._connect().close()

        with self._connect() as client:
            done = client.perform(asked.request, asked.buffers, on_event=hear, on_look=look, on_lost=lost)
            takes: Sequence[TakeSummary] = done.takes
            if client.connection.remote:
                from ..fetching import fetch

                takes = [fetch(client, take) for take in takes]
        for take in takes:
            check_lengths(take, asked.selection.frames, asked.selection.rate)
        return takes

    def _connect(self) -> Client:
        with self._starting:  # one daemon, whoever is first
            return connect_or_start()
