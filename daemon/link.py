"""What the server and its worker say to each other.

Orders go down the worker's standard input as JSON lines; reports come back over a loopback socket in
the same signed frames as the protocol's messages, under a key made for that one worker. Large things
stay on the disk (the request and its clip lie in the job's folder), so an order never fills the pipe.
"""

from typing import Final, TypeAlias

import msgspec

from harmonicflow.core.messages import Block, ErrorWire, Message, TakeSummary

MAX_ORDER: Final = 16_384  # bytes of one line


class Start(Message, frozen=True, kw_only=True):
    """The first order: where to report, under which key, and which bundle to load ("" = the default)."""

    port: int
    key: bytes
    bundle: str = ""
    prove: bool = False  # play a bar before saying Loaded


class Run(Message, frozen=True, kw_only=True):
    """Do the job whose request lies in `folder`; write its takes below `staging`."""

    job: str
    folder: str
    staging: str
    takes: str  # the folder of finished takes, for regenerate and extend


class Stop(Message, frozen=True, kw_only=True):
    """Leave the job as soon as possible; the report is Stopped."""

    job: str


class Loaded(Message, frozen=True, kw_only=True):
    """The engine is ready."""

    bundle: str
    folder: str
    seconds: float
    mark: str = ""  # SHA-256 of its card
    device: str = "cpu"  # or "cuda"


class Refused(Message, frozen=True, kw_only=True):
    """The bundle cannot be used; the worker ends."""

    error: ErrorWire


class Progress(Message, frozen=True, kw_only=True):
    """How far the job is."""

    job: str
    stage: str
    step: int
    steps: int
    seconds_left: float | None = None


class Written(Message, frozen=True, kw_only=True):
    """The takes lie complete and synced below `staging`, each in a folder of its own name."""

    job: str
    takes: tuple[TakeSummary, ...]


class Broken(Message, frozen=True, kw_only=True):
    """The job cannot be done."""

    job: str
    error: ErrorWire


class Stopped(Message, frozen=True, kw_only=True):
    """The job was left as asked."""

    job: str


Order: TypeAlias = Start | Run | Stop
Report: TypeAlias = Loaded | Refused | Progress | Block | Written | Broken | Stopped

_orders: Final[msgspec.json.Decoder[Order]] = msgspec.json.Decoder(Order)


def order_line(order: Order) -> bytes:
    """One order as a line."""
    return msgspec.json.encode(order) + b"\n"


def read_order(line: bytes) -> Order:
    """The order of a line. Raises msgspec.DecodeError for anything else."""
    return _orders.decode(line)
