"""What subscribers are told without having asked: how each job goes, whoever sent it, and which take is chosen."""

import time
from collections.abc import Callable
from typing import Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FINAL_STATES, ErrorWire, JobEvent, JobState
from harmonicflow.core.osc import Value
from harmonicflow.core.progress import stage_words

from .control import Control
from .jobs import Jobs
from .surface import SHOWN
from .surface_subscribers import Address, Subscribers
from .surface_takes import Choice

PROGRESS_S: Final = 0.1  # at least between two messages on how far a job is within one state
ERROR_S: Final = 0.1  # and between two errors that somebody else has made
MAX_SENTENCE: Final = 300  # characters of an error
MAX_TEXT: Final = 120  # characters of a line for people
TAKEN: Final = ("chosen", "choose", "star")


class News:
    """Tells `subscribers`. Who asked for a job hears of it directly, and not twice."""

    def __init__(
        self, subscribers: Subscribers, jobs: Jobs, control: Control, choice: Choice,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._subscribers = subscribers
        self._jobs = jobs
        self._control = control
        self._choice = choice
        self._clock = clock
        self._asked: dict[str, set[Address]] = {}  # by job, who asked for it here
        self._told: dict[str, tuple[JobState, float]] = {}  # by job, the last progress and when
        self._state: tuple[Value, ...] = ()
        self._taken: tuple[Value, ...] = ()
        self._error_told = float("-inf")

    def ours(self, job: str, address: Address) -> None:
        """A job was accepted that this door was asked for."""
        self._asked.setdefault(job, set()).add(address)

    def job(self, event: JobEvent) -> None:
        """Tell what has become of a job. What the surface asked for is chosen when it is done."""
        ended = event.state in FINAL_STATES
        mine = event.job in self._asked
        but = frozenset(self._asked.get(event.job, ()))
        if len(self._subscribers):
            self._tell(event, but)
        if ended:
            self._asked.pop(event.job, None)
            self._told.pop(event.job, None)
        if event.state is JobState.DONE:
            if mine:
                self._choice.newest()
            self.chosen()
        self.look()

    def refused(self, error: ErrorWire, address: Address) -> None:
        """Tell the others of an error that has no job."""
        now = self._clock()
        if now - self._error_told >= ERROR_S:
            self._error_told = now
            self._error(error, frozenset((address,)))

    def chosen(self, by: Address | None = None) -> None:
        """Another take is chosen, or there are more takes, or another star: if so, tell it."""
        taken = self._taken_now() if len(self._subscribers) else ()
        if taken != self._taken:
            self._taken = taken
            self._subscribers.changed("chosen")
            self._subscribers.changed("choose", by)
            self._subscribers.changed("star")

    def look(self) -> None:
        """Tell what has changed without a word."""
        if not len(self._subscribers):
            return
        state = self._state_now()
        if state != self._state:
            self._state = state
            self._subscribers.tell("state", *state)
            self._subscribers.tell("busy", self._busy())
        self.chosen()

    def everything(
        self, where: Address, say: Callable[..., object], values: Callable[[str], tuple[Value, ...]]
    ) -> None:
        """Tell one subscriber how all stands."""
        for name in (*SHOWN, *TAKEN):
            say(where, name, *values(name))
        say(where, "state", *self._state_now())
        say(where, "busy", self._busy())

    def _tell(self, event: JobEvent, but: frozenset[Address]) -> None:
        tell, now = self._subscribers.tell, self._clock()
        last, when = self._told.get(event.job, (None, float("-inf")))
        if last is event.state and now - when < PROGRESS_S:
            return
        self._told[event.job] = event.state, now
        if last is None:
            tell("accepted", event.job, max(event.position - 1, 0) + (self._jobs.running is not None), but=but)
        tell("progress", event.job, event.state.value, event.step, event.steps, but=but)
        if event.state is JobState.DONE:
            for take in event.takes:
                tell("done", event.job, take, but=but)
            tell("share", 1.0)
            tell("text", f"done: {', '.join(event.takes)}"[:MAX_TEXT])
        elif event.error is not None:
            self._error(event.error, but)
        elif event.state is JobState.CANCELLED:
            self._error(ErrorWire(**HarmonicFlowError("cancelled").to_wire()), but)
        else:
            share = event.step / event.steps if event.steps else 0.0
            tell("share", share)
            tell("text", stage_words(event.stage or event.state.value, event.step, event.steps)[:MAX_TEXT])

    def _error(self, error: ErrorWire, but: frozenset[Address]) -> None:
        sentence = f"{error.message}. {error.todo}"
        self._subscribers.tell("error", error.code, sentence[:MAX_SENTENCE], but=self._subscribers.also(but))
        self._subscribers.tell("text", sentence[:MAX_TEXT])

    def _busy(self) -> int:
        return int(self._jobs.running is not None)

    def _state_now(self) -> tuple[Value, ...]:
        return self._control.worker, self._jobs.waiting

    def _taken_now(self) -> tuple[Value, ...]:
        return (*self._choice.shown(), self._choice.starred())
