"""Watching a folder: look, hand clips to two lanes, put what they come to beside them, and say so.

Two lanes, so that one clip is read and another one's files are copied while the daemon works; more would only take
turns from others. A lane ends in one of a few ways, and only two of them leave something beside the clip: a take, or
a sentence. Trouble that is none of the clip's (a full disk, no daemon) is said once, and the clip waits.
"""

import contextlib
import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from harmonicflow.core import paths
from harmonicflow.core.errors import EXIT_CANCELLED, EXIT_FAILED, EXIT_OK, HarmonicFlowError
from harmonicflow.core.progress import Progress

from ..cli import unexpected
from ..making import prepared
from ..output import say
from ..request import out_folders
from . import beside
from .asking import Stopped, Studio, Wishes, digest, stand_in
from .clips import Clip, Looks, look, printable
from .telling import Outcome, Telling

LANES: Final = 2
LOOK_S: Final = 0.5  # between two looks at the folder
SHOW_S: Final = 0.1
TROUBLE_S: Final = 5.0  # before a clip that met trouble is tried again
TRIED_BARS: Final = 4
# What no other clip and no patience would change: the watch ends with it.
ENDS: Final = frozenset(
    {"unknown_model", "no_bundle", "bad_bundle", "protocol_version", "bad_connection", "network_closed", "denied",
     "missing_package"}
)  # fmt: skip
TROUBLE: Final = frozenset({"disk", "low_disk", "daemon_start", "daemon_lost", "no_daemon"})


class Watch:
    """A folder being watched."""

    def __init__(self, folder: Path, wishes: Wishes, recursive: bool, once: bool, as_json: bool) -> None:
        self._studio = Studio(wishes)
        self._looks = Looks(folder, recursive)
        self._telling = Telling(folder, as_json)
        self._once = once
        self._waiting: deque[Clip] = deque()
        self._later: list[tuple[float, Clip]] = []  # and when
        self._lanes: dict[Future[Outcome], Clip] = {}
        self._words: dict[Path, str] = {}  # how far each lane is
        self._look_at = 0.0
        self._naming = threading.Lock()
        self._trouble: HarmonicFlowError | None = None

    def run(self) -> int:
        """Until Ctrl-C, or until nothing is left to do; returns the exit code. Raises what ends the watch."""
        pool = ThreadPoolExecutor(LANES, "lane")
        code = EXIT_OK
        with Progress() as progress:
            try:
                self._turns(pool, progress)
                code = EXIT_FAILED if self._telling.failed else EXIT_OK
            except KeyboardInterrupt:
                code = EXIT_CANCELLED
            finally:
                self._studio.stop.set()
                pool.shutdown(cancel_futures=True)
                progress.clear()
                for future in list(self._lanes):
                    with contextlib.suppress(HarmonicFlowError):
                        self._close(future)
        self._telling.end(len(self._waiting) + len(self._later) + self._looks.unsettled)
        return self._trouble.exit_code if self._trouble is not None and code != EXIT_CANCELLED else code

    def _turns(self, pool: ThreadPoolExecutor, progress: Progress) -> None:
        while True:
            now = time.monotonic()
            if now >= self._look_at:
                self._look_at = now + LOOK_S
                self._look()
            self._waiting.extend(clip for due, clip in self._later if due <= now)
            self._later = [row for row in self._later if row[0] > now]
            while self._waiting and len(self._lanes) < LANES:
                clip = self._waiting.popleft()
                self._lanes[pool.submit(self._handle, clip)] = clip
            if self._once and self._look_at > now and not (self._lanes or self._later or self._looks.unsettled):
                return
            ended: set[Future[Outcome]] = set()
            if self._lanes:
                ended, _ = wait(self._lanes, SHOW_S, FIRST_COMPLETED)
            else:
                time.sleep(SHOW_S)
            if ended:
                progress.clear()
            for future in ended:
                self._close(future)
            if progress.live:
                progress.update(self._line())

    def _look(self) -> None:
        try:
            new = self._looks.new()
        except OSError as error:
            unseen = HarmonicFlowError("unreadable", path=self._looks.folder, reason=error.strerror or error)
            if self._once:
                raise unseen from None
            self._telling.trouble(unseen)
            return
        # What has nothing beside it comes first: whoever dropped it waits for it.
        self._waiting.extend(sorted(new, key=lambda clip: beside.has_result(clip.path)))

    def _line(self) -> str:
        if not self._lanes:
            return f"watching {self._looks.folder}"
        now = ", ".join(f"{path.name}: {words}" for path, words in sorted(self._words.items()))
        waiting = len(self._waiting) + len(self._later)
        return now + (f"; {waiting} wait" if waiting else "")

    # ------------------------------------------------------------------------------------------------------- one clip

    def _handle(self, clip: Clip) -> Outcome:
        """One clip in a lane, to its end."""
        try:
            return self._handled(clip)
        finally:
            self._words.pop(clip.path, None)

    def _handled(self, clip: Clip) -> Outcome:
        if outcome := self._moved(clip):
            return outcome
        of = ""
        try:
            of = digest(clip)
            if beside.known(clip.path, of):
                return Outcome(clip, "known")
            if clip.kind:
                raise HarmonicFlowError("not_a_clip", path=printable(clip.path), what=clip.kind)
            takes = self._studio.takes(clip.path, of, lambda words: self._words.__setitem__(clip.path, words))
            if outcome := self._moved(clip):
                return outcome
            with self._naming:
                return Outcome(clip, "done", beside.put(clip.path, takes), takes)
        except HarmonicFlowError as error:
            if error.code in ENDS:
                raise
            return self._moved(clip) or self._failed(clip, of or stand_in(clip), error)
        except (Stopped, MemoryError):
            raise
        except Exception as error:  # a fault of ours over one clip: the others are to have their takes
            return self._failed(clip, of or stand_in(clip), unexpected(error))

    def _moved(self, clip: Clip) -> Outcome | None:
        """What has become of a clip that is not any more what was looked at; None where it is."""
        now = look(clip.path)
        if now is not None and now.mark == clip.mark:
            return None
        return Outcome(clip, "removed" if now is None else "changed")

    def _failed(self, clip: Clip, of: str, error: HarmonicFlowError) -> Outcome:
        if error.code in TROUBLE:
            return Outcome(clip, "trouble", error=error)
        try:
            with self._naming:
                if beside.known(clip.path, of):  # it could not be read before either
                    return Outcome(clip, "known")
                return Outcome(clip, "failed", beside.explain(clip.path, of, error), error=error)
        except HarmonicFlowError as unwritten:
            return Outcome(clip, "trouble", error=unwritten)

    # ---------------------------------------------------------------------------------------------------- and its end

    def _close(self, future: Future[Outcome]) -> None:
        clip = self._lanes.pop(future)
        try:
            outcome = future.result()
        except Stopped:
            self._waiting.append(clip)
            return
        if outcome.state == "changed":
            self._looks.forget(outcome.clip.path)
            self._look_at = 0.0
        elif outcome.state == "trouble" and outcome.error is not None:
            self._telling.trouble(outcome.error)
            if self._once:
                self._trouble = outcome.error
            else:
                self._later.append((time.monotonic() + TROUBLE_S, clip))
        elif outcome.state == "known":
            self._telling.known += 1
        else:
            self._telling.outcome(outcome)


def _try_options(wishes: Wishes) -> None:
    """Raises what is wrong with the options themselves, before it is said of every clip."""
    span = replace(wishes.span, start=None, seconds=None, bars=wishes.span.bars or TRIED_BARS)
    prepared(None, span, None, dict(wishes.choices, seed=0))


def watch(folder: str, wishes: Wishes, recursive: bool, once: bool, as_json: bool) -> int:
    """Watch a folder; returns the exit code. Raises what its name, its disk and the options are wrong with."""
    place = Path(folder).expanduser().absolute()
    if not place.is_dir():
        reason = "it is no folder" if place.exists() else "there is no such folder; make it first"
        raise HarmonicFlowError("bad_option", option="FOLDER", value=folder, reason=reason)
    if (place / "take.json").exists() or paths.home().resolve() in (place.resolve(), *place.resolve().parents):
        raise HarmonicFlowError("bad_option", option="FOLDER", value=folder, reason="it holds takes, not clips")
    _try_options(wishes)
    lock = paths.LockFile(paths.run_folder() / f"watch-{sha256(str(place.resolve()).encode()).hexdigest()[:16]}.lock")
    if not lock.acquire():
        raise HarmonicFlowError("watched", path=place, pid=lock.owner())
    try:
        beside.sweep(place, recursive)
        out_folders(str(place))
        if not once:
            say(f"watching {place}; what is dropped into it gets a take beside it; Ctrl-C ends it")
        if wishes.span.tempo is None:
            say("note: no --tempo given, clips that name none (riff 96bpm.wav) are taken to be at 120 beats a minute")
        return Watch(place, wishes, recursive, once, as_json).run()
    finally:
        lock.release()
