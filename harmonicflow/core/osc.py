"""Open Sound Control behind a strict door: one plain message a datagram, exact addresses, small arguments.

python-osc serves as a codec only. Its own dispatcher can be stopped by one datagram: a bundle
element of size -4 loops for ever, an address of 24 asterisks hangs in a regular expression, a
future time tag sleeps. So bundles, patterns, blobs, arrays and odd type tags are refused before the
codec sees them, and addresses are looked up in a table. No argument is ever a path.
"""

from typing import Final, NamedTuple, TypeAlias

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from .constants import GENRES
from .errors import HarmonicFlowError
from .instruments import INSTRUMENTS

Value: TypeAlias = int | float | str | bool

MAX_DATAGRAM_BYTES: Final = 4_096  # the largest request is under 1 kB
MAX_ARGUMENTS: Final = 32
TYPE_TAGS: Final = frozenset(b"ifsTFhd")


class Argument(NamedTuple):
    """One argument: a whole number in a range, or one of `choices`."""

    name: str
    default: int | str | None = None  # None: it must be sent
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()


class Address(NamedTuple):
    """One address. Arguments come in this order; trailing ones with a default may be left out."""

    address: str
    meaning: str
    arguments: tuple[Argument, ...] = ()


_SEED: Final = Argument("seed", 0, 0, 2**63 - 1)

# What the daemon understands. A reply goes to the port that the request came from.
ADDRESSES: Final[dict[str, Address]] = {
    row.address: row
    for row in (
        Address(
            "/harmonicflow/generate",
            "make takes again for the last clip and selection; 0 steps: the model's own number",
            (
                _SEED,
                Argument("steps", 0, 0, 64),
                Argument("count", 1, 1, 16),
                Argument("genre", "", choices=("", *GENRES)),
            ),
        ),
        Address(
            "/harmonicflow/regenerate",
            "change one stem of the last take, in bars from_bar to to_bar, which is included",
            (
                Argument("stem", choices=tuple(INSTRUMENTS)),
                Argument("from_bar", low=1, high=1_000_000),
                Argument("to_bar", low=1, high=1_000_000),
                _SEED,
            ),
        ),
        Address(
            "/harmonicflow/extend",
            "continue the last take by so many bars, in `count` options",
            (
                Argument("bars", low=1, high=1_000_000),
                _SEED,
                Argument("steps", 0, 0, 64),
                Argument("count", 1, 1, 16),
            ),
        ),
        Address("/harmonicflow/cancel", "end the running job"),
        Address("/harmonicflow/status", "ask how the daemon is"),
        Address("/harmonicflow/ping", "ask whether it listens", (Argument("number", 0, 0, 2**31 - 1),)),
    )
}

# What the daemon says: address -> what it carries.
REPLIES: Final[dict[str, str]] = {
    "/harmonicflow/accepted": "job (s), jobs before it (i)",
    "/harmonicflow/progress": "job (s), state (s), step (i), steps (i)",
    "/harmonicflow/done": "job (s), take (s), one message a take",
    "/harmonicflow/state": "worker (s), jobs waiting (i)",
    "/harmonicflow/error": "code (s), sentence and what to do (s)",
    "/harmonicflow/pong": "number (i)",
}


def parse(datagram: bytes) -> tuple[str, dict[str, Value]]:
    """The address and the named arguments of one message; raises `bad_request` for anything else."""
    address, values = _message(datagram)
    row = ADDRESSES.get(address)
    if row is None:
        raise _refused(f"there is no address {address[:60]!r}")
    if len(values) > len(row.arguments):
        raise _refused(f"{address} takes at most {len(row.arguments)} arguments")
    named: dict[str, Value] = {}
    for place, argument in enumerate(row.arguments):
        named[argument.name] = _checked(row, argument, values[place] if place < len(values) else argument.default)
    return address, named


def build(address: str, *values: Value) -> bytes:
    """One message as a datagram."""
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    try:
        datagram = builder.build().dgram
    except BuildError as error:
        raise _refused(str(error)) from None
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise _refused("the message is too long")
    return datagram


def _message(datagram: bytes) -> tuple[str, list[object]]:
    if len(datagram) > MAX_DATAGRAM_BYTES or len(datagram) % 4 or not datagram.startswith(b"/"):
        raise _refused("the datagram is not a plain OSC message")
    address_end = datagram.find(b"\0")
    tags_start = address_end + 4 - address_end % 4
    tags_end = datagram.find(b"\0", tags_start)
    tags = datagram[tags_start:tags_end] if 0 < address_end and tags_start < tags_end else b""
    if not tags.startswith(b",") or len(tags) > 1 + MAX_ARGUMENTS or not TYPE_TAGS.issuperset(tags[1:]):
        raise _refused("the OSC type tags are not supported")
    try:
        message = OscMessage(datagram)
    except (ParseError, ValueError):  # UnicodeDecodeError is a ValueError
        raise _refused("the OSC message is broken") from None
    return message.address, message.params


def _checked(row: Address, argument: Argument, value: object) -> Value:
    if argument.choices:
        if isinstance(value, str) and value in argument.choices:
            return value
        raise _refused(f"{row.address}: {argument.name} must be one of {', '.join(filter(None, argument.choices))}")
    if isinstance(value, float) and value.is_integer():  # many OSC surfaces only send floats
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and argument.low <= value <= argument.high:
        return value
    raise _refused(f"{row.address}: {argument.name} must be a whole number from {argument.low} to {argument.high}")


def _refused(reason: str) -> HarmonicFlowError:
    return HarmonicFlowError("bad_request", reason=reason)
