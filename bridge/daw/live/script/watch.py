"""The watch: how far the jobs of this Set are, in Live's status bar, and their results onto tracks."""

import time
from collections.abc import Iterator
from typing import Any

from .place import Bench, Laid, settle
from .takes import Part, fetch, home_of
from .words import WAIT, Trouble

FINAL = ("done", "failed", "cancelled")
UNKNOWN_S = 10.0  # without a report from a daemon that lives, a job is lost
SHOW_S = 0.5  # between two lines in the status bar
SETTLE_S = 0.3  # until Live has done what it defers


class Watch:
    """Looks once a tick."""

    def __init__(self, surface: Any, library: str) -> None:
        self.surface, self.library = surface, library
        self._missing: dict[str, float] = {}  # by job: since when there is no report
        self._placing: set[str] = set()
        self._silent = False
        self._shown = 0.0

    def look(self) -> None:
        """At every job of the Set that is open."""
        jobs = self.surface.jobs.waiting
        if not jobs:
            self.surface.daemon.rest()
            self._silent = False
            return
        state = self._state()
        lines = [line for job in jobs if (line := self._job(job, state))]
        now = time.monotonic()
        if lines and now - self._shown >= SHOW_S:
            self._shown = now
            self.surface.show_message(f"HarmonicFlow: {lines[0]}")

    def _job(self, job: dict[str, Any], state: str) -> str:
        """One look at a job: how far it is."""
        name, what = job["id"], job["what"]
        if name in self._placing:
            return f"placing ({what})"
        report = self.surface.spool.report(name)
        if report is not None and report.get("state") in FINAL:
            self._final(job, report)
            return ""
        if state != "alive":
            return "starting the daemon" if state == "starting" else "no answer from the daemon, starting it again"
        if report is None:
            since = self._missing.setdefault(name, time.monotonic())
            if not self.surface.spool.waits(name) and time.monotonic() - since > UNKNOWN_S:
                self._strike(name)
                self.surface.tell(f"{what} failed: the daemon does not know the job. Send it again")
            return f"on its way ({what})"
        self._missing.pop(name, None)
        return f"{_words(report)} ({what})"

    def _final(self, job: dict[str, Any], report: dict[str, Any]) -> None:
        name, what = job["id"], job["what"]
        if report["state"] == "done":
            self._placing.add(name)
            self.surface.add(self._place(job, report))
            return
        self._strike(name)
        self.surface.spool.forget(name)
        if report["state"] == "cancelled":
            self.surface.tell(f"cancelled: {what}")
            return
        error = report.get("error") or {}
        todo = f". {error['todo']}" if error.get("todo") else ""
        self.surface.tell(f"{what} failed: {error.get('message') or 'the daemon does not say why'}{todo}")

    def _place(self, job: dict[str, Any], report: dict[str, Any]) -> Iterator[None]:
        """Copy the files, then put them in; in steps."""
        surface, name, what = self.surface, job["id"], job["what"]
        struck = False
        try:
            song = surface.song()
            parts: list[Part] = []
            homes = list(dict.fromkeys([home_of(song, self.library), home_of(None, self.library)]))
            yield from fetch(report["takes"], job.get("wish") or {}, homes, parts)
            # Struck off before anything that may go wrong: a result is never put in twice.
            self._strike(name)
            struck = True
            bench = Bench(song, float(job["start"]), int(job["scene"]), float(job["tempo"]))
            count = bench.put(parts)
            surface.spool.forget(name)
            notes = list(report["takes"][0].get("warnings") or ())
            if abs(bench.song_tempo - bench.tempo) > 1e-6:
                was, now = (round(tempo, 2) for tempo in (bench.tempo, bench.song_tempo))
                notes.append(f"it was made at {was:g} BPM, and the Set is at {now:g}")
            if bench.left_out:
                notes.append(f"{', '.join(bench.left_out)}: in the take lane only, it would cut what follows")
            stems = ", ".join(dict.fromkeys(part.stem for part in parts))
            surface.tell("; ".join([f"done: {what}: {stems} ({count} clips)", *notes]))
            surface.add(self._settle(song, bench.laid))
        except GeneratorExit:
            raise
        except Exception as error:
            if not struck:
                self._strike(name)
            surface.spool.forget(name)
            reason = str(error) if isinstance(error, Trouble) else f"Live or the disk refuses it ({error})"
            raise Trouble(
                f"{what} is not in: {reason}. The take is kept: harmonicflow takes. Undo brings back what was there"
            ) from error
        finally:
            self._placing.discard(name)

    def _settle(self, song: Any, laid: list[Laid]) -> Iterator[str]:
        """Look once more when Live has turned Warp off."""
        due = time.monotonic() + SETTLE_S
        yield WAIT
        while time.monotonic() < due:
            yield WAIT
        for wrong in settle(song, laid):
            yield WAIT
            if wrong:
                self.surface.tell(f"{wrong} clips have not the length of the take: turn their Warp off")

    def _strike(self, name: str) -> None:
        self._missing.pop(name, None)
        self.surface.jobs.remove(name)

    def _state(self) -> str:
        """Whether the daemon lives; that it does not is said once, and it is started again."""
        state = str(self.surface.daemon.state())
        if state == "silent":
            if not self._silent:
                self.surface.tell("the daemon does not answer; starting it again. Its jobs are kept")
            self._silent = True
            self.surface.daemon.start()
        elif state == "alive" and self._silent:
            self._silent = False
            self.surface.tell("the daemon answers again")
        return state


def _words(report: dict[str, Any]) -> str:
    """How far a job is."""
    position, left = report.get("position") or 0, report.get("seconds_left")
    if report.get("state") == "queued" and position:
        return f"waits for {position} other{'s' if position > 1 else ''}"
    words = str(report.get("words") or report.get("state"))
    return f"{words}, {round(left)} s left" if isinstance(left, int | float) and left >= 1 else words
