"""The strict OSC door: its table, and the datagrams that stop python-osc's own server."""

import random
import struct
import time

import pytest
from pythonosc.osc_message import OscMessage

from daemon.surface import MOVES, OWN
from harmonicflow.core import osc
from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.score.keys import parse_key
from tests.attacks.fuzz_osc import nested, padded

# /harmonicflow/generate ,iiis 7 4 1 "funk", byte for byte as OSC 1.0 writes it.
GENERATE = bytes.fromhex(
    "2f68 6172 6d6f 6e69 6366 6c6f 772f 6765 6e65 7261 7465 0000"  # address, padded to 4
    "2c69 6969 7300 0000"  # ,iiis
    "0000 0007 0000 0004 0000 0001"
    "6675 6e6b 0000 0000"
)


def timed_bundle(seconds_ahead: int) -> bytes:
    stamp = int(time.time()) + 2_208_988_800 + seconds_ahead
    return b"#bundle\0" + struct.pack(">IIi", stamp, 0, 8) + b"/a\0\0,\0\0\0"


ATTACKS = {
    "negative bundle element size": b"#bundle\0" + struct.pack(">Qi", 1, -4),
    "bundle nested 100 deep": nested(100),
    "bundle nested 3000 deep": nested(3000),
    "time tag a year ahead": timed_bundle(31_536_000),
    "address of 24 asterisks": padded(b"/" + b"*" * 24 + b"z") + padded(b","),
    "address of 60 asterisks": padded(b"/" + b"*" * 60 + b"z") + padded(b","),
    "alternation": padded(b"/{a,aa}" + b"*" * 40 + b"z") + padded(b","),
    "pattern that would match": padded(b"/harmonicflow/*") + padded(b","),
    "invalid UTF-8 address": b"/\xff\xfe\0" + padded(b","),
    "invalid UTF-8 string": padded(b"/a") + padded(b",s") + b"\xff\xff\xff\0",
    "unknown type tags": padded(b"/a") + padded(b",QQ"),
    "blob of negative size": padded(b"/a") + padded(b",b") + struct.pack(">i", -8),
    "blob of huge size": padded(b"/a") + padded(b",b") + struct.pack(">i", 2**31 - 1),
    "60000 open brackets": padded(b"/a") + padded(b"," + b"[" * 60_000),
    "3000 open brackets": padded(b"/a") + padded(b"," + b"[" * 3000),
    "60000 booleans": padded(b"/a") + padded(b"," + b"T" * 60_000),
    "truncated float": padded(b"/a") + padded(b",f") + b"\0",
    "no type tags": padded(b"/harmonicflow/status"),
    "no end of the address": b"/abc",
    "no end of the tags": padded(b"/a") + b",iii",
    "empty": b"",
    "one zero": b"\0",
    "a path": padded(b"/harmonicflow/generate") + padded(b",s") + padded(b"../../etc/passwd"),
    "unknown address": padded(b"/harmonicflow/shutdown") + padded(b","),
    "too many arguments": padded(b"/harmonicflow/cancel") + padded(b",ii") + struct.pack(">ii", 1, 1),
    "a knob that is no number": padded(b"/harmonicflow/valence") + padded(b",f") + struct.pack(">f", float("nan")),
    "a knob at infinity": padded(b"/harmonicflow/tempo") + padded(b",d") + struct.pack(">d", float("inf")),
    "a path in a list of words": padded(b"/harmonicflow/genre") + padded(b",s") + padded(b"/etc/passwd"),
    "a harder press than there is": padded(b"/harmonicflow/play") + padded(b",f") + struct.pack(">f", 128.0),
    "not a number": padded(b"/harmonicflow/ping") + padded(b",f") + struct.pack(">f", float("nan")),
    "infinity": padded(b"/harmonicflow/ping") + padded(b",d") + struct.pack(">d", float("inf")),
    "boolean as number": padded(b"/harmonicflow/ping") + padded(b",T"),
    "out of range": padded(b"/harmonicflow/ping") + padded(b",i") + struct.pack(">i", -1),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused_at_once(name: str) -> None:
    start = time.perf_counter()
    with pytest.raises(HarmonicFlowError) as caught:
        osc.parse(ATTACKS[name])
    assert caught.value.code == "bad_request"
    assert time.perf_counter() - start < 0.1


def test_a_message_byte_for_byte() -> None:
    values = {"seed": 7, "steps": 4, "count": 1, "genre": "funk"}
    assert osc.parse(GENERATE) == ("/harmonicflow/generate", values)
    assert osc.build("/harmonicflow/generate", 7, 4, 1, "funk") == GENERATE


def test_trailing_arguments_have_defaults() -> None:
    address, values = osc.parse(osc.build("/harmonicflow/generate", 9.0))  # surfaces often send floats only
    assert values == {"seed": 9, "steps": 0, "count": 1, "genre": ""} and isinstance(values["seed"], int)
    assert osc.parse(osc.build("/harmonicflow/new"))[1]["seed"] == -1, "a new one each time"
    with pytest.raises(HarmonicFlowError, match="bars must be a whole number from 1"):
        osc.parse(osc.build("/harmonicflow/extend"))


def test_a_word_may_be_sent_as_its_number() -> None:
    assert osc.parse(osc.build("/harmonicflow/regenerate", 1.0))[1]["stem"] == tuple(INSTRUMENTS)[1]
    assert osc.parse(osc.build("/harmonicflow/genre", 0))[1] == {"genre": ""}
    assert osc.parse(osc.build("/harmonicflow/genre", 1))[1] == {"genre": GENRES[0]}
    for wrong in (-1, len(GENRES) + 1, 0.5, True):
        with pytest.raises(HarmonicFlowError, match="genre must be one of"):
            osc.parse(osc.build("/harmonicflow/genre", wrong))


def test_a_button_is_pressed_by_any_number_and_by_true() -> None:
    for sent, press in (((), 1), ((1.0,), 1), ((0.3,), 0.3), ((127,), 127), ((True,), 1), ((0.0,), 0), ((False,), 0)):
        assert osc.parse(osc.build("/harmonicflow/play", *sent))[1] == {"press": pytest.approx(press)}


def test_knobs_take_whole_and_broken_numbers_and_give_floats() -> None:
    for sent in (100, 100.0, 100.5):
        value = osc.parse(osc.build("/harmonicflow/tempo", sent))[1]["bpm"]
        assert value == sent and isinstance(value, float)


def test_every_key_and_genre_is_one_that_the_engine_reads() -> None:
    assert len({parse_key(name) for name in osc.KEYS}) == len(osc.KEYS) == 24


def test_every_knob_shows_what_it_was_set_to_at_its_own_address() -> None:
    """Surfaces update the widget whose address a message has."""
    for name, shown in MOVES.items():
        assert all(osc.PREFIX + each in osc.REPLIES for each in shown)
        assert osc.PREFIX + name in osc.ADDRESSES
    assert {osc.PREFIX + name for name in OWN} <= set(osc.ADDRESSES) & set(osc.REPLIES)


@pytest.mark.parametrize("address", osc.ADDRESSES)
def test_every_address_accepts_the_ends_of_its_ranges_and_nothing_beyond(address: str) -> None:
    row = osc.ADDRESSES[address]
    low = [argument.choices[0] if argument.choices else argument.low for argument in row.arguments]
    high = [argument.choices[-1] if argument.choices else argument.high for argument in row.arguments]
    for values in (low, high):
        assert list(osc.parse(osc.build(address, *values))[1].values()) == values
    for place, argument in enumerate(row.arguments):
        between = () if argument.real else (0.5 if argument.choices else argument.low + 0.5,)
        outside = ("kazoo", len(argument.choices)) if argument.choices else (argument.low - 1, argument.high + 1, "7")
        if argument.high == 2**63 - 1:
            outside = (argument.low - 1, 1e19)
        for wrong in (*between, *outside, float("nan"), float("inf")):
            with pytest.raises(HarmonicFlowError, match=argument.name):
                osc.parse(osc.build(address, *low[:place], wrong, *low[place + 1 :]))


def test_what_the_daemon_says_can_be_read_by_the_library() -> None:
    message = OscMessage(osc.build("/harmonicflow/progress", "j1", "running", 3, 4))
    assert (message.address, message.params) == ("/harmonicflow/progress", ["j1", "running", 3, 4])
    with pytest.raises(HarmonicFlowError):
        osc.build("/harmonicflow/error", "x" * 5000)


def test_mutated_datagrams_do_nothing_else_and_take_no_time() -> None:
    rng = random.Random(0)
    seeds = [GENERATE, osc.build("/harmonicflow/regenerate", "bass", 1, 2, 3), *ATTACKS.values()]
    accepted, slowest = 0, 0.0
    for _ in range(20_000):
        datagram = bytearray(rng.choice(seeds)[:4200])
        for _ in range(rng.randrange(1, 6)):
            if datagram:
                datagram[rng.randrange(len(datagram))] = rng.choice((0, 44, 47, 42, 255, rng.randrange(256)))
        if rng.random() < 0.2:
            del datagram[rng.randrange(len(datagram) + 1) :]
        start = time.perf_counter()
        try:
            address, values = osc.parse(bytes(datagram))
        except HarmonicFlowError as error:
            assert error.code == "bad_request"
        else:
            accepted += 1
            assert address in osc.ADDRESSES and values.get("genre", "") in ("", *GENRES)
        slowest = max(slowest, time.perf_counter() - start)
    assert accepted > 0 and slowest < 0.1
