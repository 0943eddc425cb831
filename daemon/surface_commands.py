"""What each command of the OSC door does: moves the surface, asks for work, chooses among takes, answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from harmonicflow.core import osc
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Accepted,
    Cancelled,
    Done,
    ErrorWire,
    Failed,
    JobEvent,
    Message,
    StarTake,
    Steering,
    TakeReply,
    TakeSummary,
    WorkRequest,
)

from . import surface_requests as requests
from .control import Control
from .disk import Disk
from .dispatch import Dispatch
from .intake import Intake
from .jobs import Jobs
from .journal import Journal
from .surface import MOVES, OWN, Arguments, Surface
from .surface_news import MAX_SENTENCE, News
from .surface_subscribers import Address, Say, Subscribers
from .surface_takes import Choice
from .takes import Takes
from .timers import Timers

TICK_S: Final = 1.0  # between two looks at what changes without a word: leases, stars, removed takes
LIGHTS: Final = {"play": ("play", "stop"), "stop": ("play", "stop"), "continue": ("play", "stop"), "star": ("star",)}
STEPS: Final = {"next": -1, "previous": 1}


@dataclass(frozen=True)
class OscClient:
    """Where a datagram came from; hears what becomes of its job in OSC's words."""

    commands: "Commands" = field(compare=False, repr=False)
    address: Address

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        """Send what can be said in OSC; sound is not."""
        if isinstance(message, Accepted):
            self.commands.say(self.address, "accepted", message.job, message.position)
        elif isinstance(message, Done):
            for take in message.takes:
                self.commands.say(self.address, "done", message.job, take.take)
        elif isinstance(message, Failed):
            self.commands.say_error(self.address, message.error)
            if not message.job:  # it was never accepted: no event tells of it
                self.commands.news.refused(message.error, self.address)
        elif isinstance(message, Cancelled):
            self.commands.say_error(self.address, ErrorWire(**HarmonicFlowError("cancelled").to_wire()))
        elif isinstance(message, JobEvent):
            self.commands.say(self.address, "progress", message.job, message.state.value, message.step, message.steps)
        elif isinstance(message, TakeReply):
            self.commands.news.chosen()


class Commands:
    """The surface, who hears of it, and what the door's messages do to both. `say` sends, `port` is the door's own."""

    def __init__(
        self, say: Say, port: int, jobs: Jobs, intake: Intake, dispatch: Dispatch, control: Control,
        journal: Journal, takes: Takes, disk: Disk, timers: Timers,
    ) -> None:  # fmt: skip
        self.say = say
        self._port = port
        self._jobs = jobs
        self._intake = intake
        self._dispatch = dispatch
        self._control = control
        self._takes = takes
        self._disk = disk
        self._timers = timers
        self.surface = Surface()
        self._choice = Choice(journal, takes)
        self.subscribers = Subscribers(say, self._values, timers)
        self.news = News(self.subscribers, jobs, control, self._choice)
        self._answers: dict[str, Callable[[Arguments, Address], object]] = {
            "ping": self._ping, "status": self._status, "takes": self._list, "cancel": self._cancel,
            "subscribe": self._subscribe, "unsubscribe": self._unsubscribe, "choose": self._choose,
            "star": self._star, "starred": self._star, "new": self._new, "generate": self._generate,
            "regenerate": self._regenerate, "extend": self._extend,
        }  # fmt: skip

    def do(self, name: str, arguments: Arguments, address: Address) -> None:
        """Do what a message says; what is wrong with it is said to its sender, and to subscribers."""
        self.subscribers.heard(address)
        try:
            self._do(name, arguments, address)
        except HarmonicFlowError as error:
            wire = ErrorWire(**error.to_wire())
            self.say_error(address, wire)
            self.news.refused(wire, address)

    def progress(self, event: JobEvent) -> None:
        """Tell a job's OSC clients how far it is, and subscribers of every job."""
        job = self._jobs.find(event.job)
        for listener in job.listeners if job else ():
            if isinstance(listener, OscClient):
                self.news.ours(event.job, listener.address)
                listener.send(event)
        self.news.job(event)

    def say_error(self, address: Address, error: ErrorWire) -> None:
        """Send an error to who asked, also where it listens at another port than it asks from."""
        for where in (address, *self.subscribers.of(address)):
            self.say(where, "error", error.code, f"{error.message}. {error.todo}"[:MAX_SENTENCE])

    def _do(self, name: str, arguments: Arguments, address: Address) -> None:
        if arguments.get("press") == 0:  # a button that is let go; its light was put out by the finger
            for light in LIGHTS.get(name, ()):
                self.subscribers.changed(light)
            return
        if name in MOVES:
            for moved in self.surface.move(name, arguments):
                self.subscribers.changed(moved, address if moved == name and name in OWN else None)
        elif name in STEPS:
            self._choice.step(STEPS[name])
            self.news.chosen()
        elif name.startswith("press/"):
            self._press(name.removeprefix("press/"), arguments, address)
        else:
            self._answers[name](arguments, address)

    def _press(self, name: str, arguments: Arguments, address: Address) -> None:
        """What a button means: its command, with everything as the surface is set."""
        verb, _, stem = name.partition("/")
        said: dict[str, Arguments] = {
            "new": {"bars": 0, "genre": "", "key": ""},
            "generate": {"genre": ""},
            "regenerate": {"stem": stem, "from_bar": 1, "to_bar": 0},
            "extend": {"bars": self.surface.bars},
        }
        self._answers[verb]({**arguments, **said[verb]}, address)

    # Work.

    def _new(self, said: Arguments, address: Address) -> None:
        self._intake.fresh(OscClient(self, address), requests.new(self.surface, said))

    def _generate(self, said: Arguments, address: Address) -> None:
        self._intake.again(OscClient(self, address), lambda last: requests.again(self.surface, said, last))

    def _regenerate(self, said: Arguments, address: Address) -> None:
        take = self._choice.take()
        self._edit(take, lambda parents: requests.regenerate(self.surface, said, take, parents), address)

    def _extend(self, said: Arguments, address: Address) -> None:
        take = self._choice.take()
        self._edit(take, lambda parents: requests.extend(self.surface, said, take, parents), address)

    def _edit(self, take: TakeSummary, request: Callable[[Steering | None], WorkRequest], address: Address) -> None:
        """Ask for an edit of a take. Where the surface steers, the rest of what steered the take is read first."""
        client = OscClient(self, address)
        if self.surface.density is None and self.surface.temperature is None:
            self._intake.request(client, request(None), ())
            return

        def failed(error: HarmonicFlowError) -> None:
            client.send(Failed(id="", error=ErrorWire(**error.to_wire())))

        self._disk.run(
            lambda: _steering(self._takes.made_for(take.take)[1]),
            lambda parents: self._intake.request(client, request(parents), ()), failed,
        )  # fmt: skip

    def _cancel(self, _: Arguments, address: Address) -> None:
        job = self._jobs.find("")
        if job is None:
            raise HarmonicFlowError("no_job")
        self._dispatch.cancel(job)

    # Takes.

    def _choose(self, said: Arguments, address: Address) -> None:
        self._choice.choose(int(said["index"]))
        self.news.chosen(address)

    def _star(self, said: Arguments, address: Address) -> None:
        take = self._choice.take().take
        starred = bool(said["starred"]) if "starred" in said else not self._choice.starred()
        self._control.request(
            OscClient(self, address), StarTake(id=requests.request_id(), take=take, starred=starred)
        )

    def _list(self, said: Arguments, address: Address) -> None:
        for row in self._choice.listed(int(said["count"])):
            self._answer(address, "take", *row)

    # Feedback.

    def _ping(self, said: Arguments, address: Address) -> None:
        self._answer(address, "pong", said["number"])

    def _status(self, _: Arguments, address: Address) -> None:
        self._answer(address, "state", self._control.worker, self._jobs.waiting)

    def _answer(self, address: Address, name: str, *values: osc.Value) -> None:
        """A reply, where the sender listens: at the port it asked from, and where else it has subscribed from there."""
        for where in (address, *self.subscribers.of(address)):
            self.say(where, name, *values)

    def _subscribe(self, said: Arguments, address: Address) -> None:
        if said["port"] == self._port and address[0].startswith("127."):
            raise HarmonicFlowError("bad_request", reason=f"port {self._port} is the daemon's own")
        where, all_of_it = self.subscribers.add(address, int(said["port"]))
        if all_of_it:
            self.news.everything(where, self.say, self._values)
        if "osc tick" not in self._timers:
            self._timers.set("osc tick", TICK_S, self._tick)

    def _unsubscribe(self, said: Arguments, address: Address) -> None:
        self.subscribers.remove(address, int(said["port"]))

    def _tick(self) -> None:
        self.subscribers.expire()
        if len(self.subscribers):
            self.news.look()
            self._timers.set("osc tick", TICK_S, self._tick)

    def _values(self, name: str) -> tuple[osc.Value, ...]:
        if name == "chosen":
            return self._choice.shown()
        if name == "choose":
            return self._choice.shown()[1:2]
        if name == "star":
            return (int(self._choice.starred()),)
        return self.surface.values(name)


def _steering(request: dict[str, object]) -> Steering | None:
    """What the take of this request was steered with; None where nothing can be read of it."""
    try:
        return msgspec.convert(request.get("steering"), Steering | None)
    except msgspec.ValidationError:
        return None
