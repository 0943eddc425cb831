"""Open Sound Control behind a strict door: one plain message a datagram, exact addresses, small arguments.

python-osc serves as a codec only. Its own dispatcher can be stopped by one datagram: a bundle
element of size -4 loops for ever, an address of 24 asterisks hangs in a regular expression, a
future time tag sleeps. So bundles, patterns, blobs, arrays and odd type tags are refused before the
codec sees them, and addresses are looked up in a table. No argument is ever a path.
"""

from typing import Final, NamedTuple, TypeAlias

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from .constants import GENRES, MAX_BPM, MIN_BPM
from .errors import HarmonicFlowError
from .instruments import INSTRUMENTS

Value: TypeAlias = int | float | str | bool

MAX_DATAGRAM_BYTES: Final = 4_096  # the largest request is under 1 kB
MAX_ARGUMENTS: Final = 32
TYPE_TAGS: Final = frozenset(b"ifsTFhd")
PREFIX: Final = "/harmonicflow/"

LEASE_S: Final = 60  # a subscription ends so long after the last message of the subscriber
MOST_SUBSCRIBERS: Final = 16
MAX_BEAT: Final = 1_000_000
TONICS: Final = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
KEYS: Final = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in TONICS)


class Argument(NamedTuple):
    """One argument: a whole number in a range, with `real` any number in it, or one of `choices` (or its number)."""

    name: str
    default: int | float | str | None = None  # None: it must be sent
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    real: bool = False


class Address(NamedTuple):
    """One address. Arguments come in this order; trailing ones with a default may be left out."""

    address: str
    meaning: str
    arguments: tuple[Argument, ...] = ()


_SEED: Final = Argument("seed", -1, -1, 2**63 - 1)
_STEPS: Final = Argument("steps", 0, 0, 64)
_COUNT: Final = Argument("count", 1, 1, 16)
_GENRE: Final = Argument("genre", "", choices=("", *GENRES))
_KEY: Final = Argument("key", "", choices=("", *KEYS))
# Of a button: how hard it is pressed. Most surfaces send 1 for the press and 0 for the release, which does nothing.
_PRESS: Final = Argument("press", 1, 0, 127, real=True)


def _real(name: str, low: float, high: float) -> Argument:
    return Argument(name, None, low, high, real=True)


def _button(name: str, meaning: str) -> Address:
    return Address(PREFIX + name, meaning, (_PRESS,))


# What the daemon understands. A reply goes to the port that the request came from.
ADDRESSES: Final[dict[str, Address]] = {
    row.address: row
    for row in (
        # Work. A seed of -1 is a new one each time; 0 steps: the model's own number.
        Address(
            "/harmonicflow/new",
            "make takes out of nothing, at the surface's tempo; 0 bars, no genre and no key: the surface's",
            (Argument("bars", 0, 0, 256), _GENRE, _KEY, _SEED, _STEPS, _COUNT),
        ),
        Address(
            "/harmonicflow/generate",
            "make takes again for the last clip and selection",
            (_SEED, _STEPS, _COUNT, _GENRE),
        ),
        Address(
            "/harmonicflow/regenerate",
            "change one stem of the chosen take, in bars from_bar to to_bar, which is included; 0: its last bar",
            (
                Argument("stem", choices=tuple(INSTRUMENTS)),
                Argument("from_bar", 1, 1, 1_000_000),
                Argument("to_bar", 0, 0, 1_000_000),
                _SEED,
            ),
        ),
        Address(
            "/harmonicflow/extend",
            "continue the chosen take by so many bars, in `count` options",
            (Argument("bars", low=1, high=1_000_000), _SEED, _STEPS, _COUNT),
        ),
        # The same for buttons, with a new seed each time.
        _button("press/new", "as `new`, all as the surface is set"),
        _button("press/generate", "as `generate`, with the surface's genre where it has one"),
        *(
            _button(f"press/regenerate/{stem}", f"as `regenerate`, the {stem} in all bars of the chosen take")
            for stem in INSTRUMENTS
        ),
        _button("press/extend", "as `extend`, by the surface's bars"),
        _button("cancel", "end the running job"),
        # What new takes are to be like. Until one of these is moved it is the composer's own choice.
        Address("/harmonicflow/valence", "how sad (-1) or happy (1) the next takes are", (_real("value", -1, 1),)),
        Address("/harmonicflow/arousal", "how calm (-1) or excited (1) the next takes are", (_real("value", -1, 1),)),
        Address(
            "/harmonicflow/emotion", "both at once, as XY pads send them",
            (_real("valence", -1, 1), _real("arousal", -1, 1)),
        ),
        Address("/harmonicflow/density", "how few (0) or many (1) notes the next takes have", (_real("value", 0, 1),)),
        Address(
            "/harmonicflow/temperature",
            "how likely (0) or daring (1) the learned composer chooses; 0.5 is its own measure",
            (_real("value", 0, 1),),
        ),
        Address(
            "/harmonicflow/bars", "how many bars `new` and the extend button make",
            (Argument("bars", low=1, high=256),),
        ),
        Address("/harmonicflow/genre", "of what `new` and the generate button make", (_GENRE._replace(default=None),)),
        Address("/harmonicflow/key", "of what `new` makes", (_KEY._replace(default=None),)),
        _button("reset", "valence, arousal, density, temperature, genre and key are the composer's choice again"),
        # Transport: the daemon keeps the time, subscribers play.
        _button("play", "play from the beginning"),
        _button("stop", "stop, and stay at this beat"),
        _button("continue", "play on from where it stands"),
        Address(
            "/harmonicflow/transport", "continue (1) or stop (0), for toggles", (Argument("playing", low=0, high=1),)
        ),
        Address("/harmonicflow/locate", "go to a beat (a quarter note) of the take", (_real("beat", 0, MAX_BEAT),)),
        Address("/harmonicflow/tempo", "quarter notes a minute", (_real("bpm", MIN_BPM, MAX_BPM),)),
        # Takes: 0 is the newest.
        Address("/harmonicflow/choose", "choose a take: 0 is the newest", (Argument("index", low=0, high=1_000_000),)),
        _button("next", "choose the next newer take"),
        _button("previous", "choose the next older take"),
        _button("star", "star the chosen take, or take its star away"),
        Address("/harmonicflow/starred", "the same by value, for toggles", (Argument("starred", low=0, high=1),)),
        Address("/harmonicflow/takes", "list the newest takes", (Argument("count", 8, 1, 100),)),
        # The head of the listener, in degrees, for the binaural render.
        Address(
            "/harmonicflow/head", "yaw (positive: to the left), pitch (up), roll (to the right), in degrees",
            (_real("yaw", -360, 360), _real("pitch", -90, 90), _real("roll", -360, 360)),
        ),
        Address("/harmonicflow/head/yaw", "one of them", (_real("degrees", -360, 360),)),
        Address("/harmonicflow/head/pitch", "one of them", (_real("degrees", -90, 90),)),
        Address("/harmonicflow/head/roll", "one of them", (_real("degrees", -360, 360),)),
        # Feedback.
        Address(
            "/harmonicflow/subscribe",
            f"hear of every change until {LEASE_S} s after the last message, at this port of the sender; below 1024: "
            "the port it came from",
            (Argument("port", 0, 0, 65_535),),
        ),
        Address(
            "/harmonicflow/unsubscribe", "no longer; the port as it was subscribed", (Argument("port", 0, 0, 65_535),)
        ),
        _button("status", "ask how the daemon is"),
        Address("/harmonicflow/ping", "ask whether it listens", (Argument("number", 0, 0, 2**31 - 1),)),
    )
}

# What the daemon says: address -> what it carries.
REPLIES: Final[dict[str, str]] = {
    # To who asked, and to subscribers whoever asked, at whatever door.
    "/harmonicflow/accepted": "job (s), jobs before it (i)",
    "/harmonicflow/progress": "job (s), state (s), step (i), steps (i)",
    "/harmonicflow/done": "job (s), take (s), one message a take",
    "/harmonicflow/error": "code (s), sentence and what to do (s)",
    "/harmonicflow/state": "worker (s), jobs waiting (i)",
    # To who asked.
    "/harmonicflow/pong": "number (i)",
    "/harmonicflow/take": "index (i, 0 = newest), take (s), bars (i), seconds (f), genre (s), starred (i); one a take",
    # To subscribers, all when they subscribe and then each change.
    "/harmonicflow/transport": "playing (i, 0 or 1), beat (f, of the moment it was sent), tempo (f, BPM)",
    "/harmonicflow/chosen": "take (s, empty where there is none), index (i, 0 = newest), count (i)",
    "/harmonicflow/head": "yaw (f), pitch (f), roll (f), degrees",
    "/harmonicflow/macros": "valence (f), arousal (f), density (f), temperature (f)",
    # The same for the widgets that sent it, one value each; not to the subscriber that moved it.
    "/harmonicflow/play": "whether it plays (i, 0 or 1)",
    "/harmonicflow/stop": "whether it stands (i, 0 or 1)",
    "/harmonicflow/tempo": "BPM (f)",
    "/harmonicflow/valence": "-1 to 1 (f)",
    "/harmonicflow/arousal": "-1 to 1 (f)",
    "/harmonicflow/emotion": "valence (f), arousal (f)",
    "/harmonicflow/density": "0 to 1 (f)",
    "/harmonicflow/temperature": "0 to 1 (f)",
    "/harmonicflow/bars": "of new takes (i)",
    "/harmonicflow/genre": "of new takes (s, empty: the composer's choice)",
    "/harmonicflow/key": "of new takes (s, empty: the composer's choice)",
    "/harmonicflow/head/yaw": "degrees (f)",
    "/harmonicflow/head/pitch": "degrees (f)",
    "/harmonicflow/head/roll": "degrees (f)",
    "/harmonicflow/choose": "index of the chosen take (i)",
    "/harmonicflow/star": "whether the chosen take is starred (i, 0 or 1)",
    "/harmonicflow/busy": "whether a job runs (i, 0 or 1)",
    "/harmonicflow/share": "how much of the running job is done, 0 to 1 (f)",
    "/harmonicflow/text": "a line for people about what happens (s)",
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


def read(datagram: bytes) -> tuple[str, list[object]]:
    """The address and the values of any plain message, as a subscriber gets them; raises `bad_request`."""
    return _message(datagram)


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
    if isinstance(value, float) and value.is_integer():  # many OSC surfaces only send floats
        value = int(value)
    if isinstance(value, bool) and argument is _PRESS:  # and some send their buttons as true and false
        value = int(value)
    number = not isinstance(value, bool)
    if argument.choices:
        if isinstance(value, str) and value in argument.choices:
            return value
        if isinstance(value, int) and number and 0 <= value < len(argument.choices):
            return argument.choices[value]
        raise _refused(f"{row.address}: {argument.name} must be one of {', '.join(filter(None, argument.choices))}")
    if isinstance(value, int) and number and argument.low <= value <= argument.high:
        return float(value) if argument.real else value
    if isinstance(value, float) and argument.real and argument.low <= value <= argument.high:  # NaN is not
        return value
    what = "a number" if argument.real else "a whole number"
    raise _refused(f"{row.address}: {argument.name} must be {what} from {argument.low} to {argument.high}")


def _refused(reason: str) -> HarmonicFlowError:
    return HarmonicFlowError("bad_request", reason=reason)
