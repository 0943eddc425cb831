"""The signed wire: there and back, and everything an outsider could try."""

import array
import random

import pytest

from harmonicflow.core import messages, wire
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Block, Cancel, ControlRequest, Status, WorkReply

KEY = bytes(range(32))
BLOCK = Block(id="r1", job="j1", index=0, start_frame=0, frames=3, channels=2, stems=("bass",))
SOUND = array.array("f", [0.0, 0.5, -1.0, 1.0, 2.0, 3.0])


def flat(frames: list[bytes | memoryview]) -> list[bytes]:
    return [bytes(frame) for frame in frames]


def refusal(frames: list[bytes], expected: object = WorkReply, key: bytes = KEY) -> str:
    with pytest.raises(HarmonicFlowError) as caught:
        wire.unpack(key, frames, expected)
    return caught.value.code


def test_there_and_back_without_a_copy() -> None:
    frames = wire.pack(KEY, BLOCK, [SOUND, memoryview(b"")])
    message, buffers = wire.unpack(KEY, frames, WorkReply)
    assert message == BLOCK
    assert buffers[0].cast("f").tolist() == SOUND.tolist() and len(buffers[1]) == 0
    SOUND[0] = 7.0
    assert buffers[0].cast("f")[0] == 7.0
    SOUND[0] = 0.0


def test_the_layout_is_the_one_in_the_protocol() -> None:
    seal, header = flat(wire.pack(KEY, Status(id="s1")))
    assert len(seal) == wire.SEAL_BYTES == 60
    assert seal[:4] == bytes.fromhex("4846 0001")  # "HF", protocol 1
    assert header == b'{"kind":"status","id":"s1"}'
    counter = int.from_bytes(seal[20:28])
    assert int.from_bytes(flat(wire.pack(KEY, Status(id="s1")))[0][20:28]) == counter + 1


def test_a_replay_is_refused_at_a_guarded_door() -> None:
    guard = wire.ReplayGuard()
    first, second = (flat(wire.pack(KEY, Cancel(id="c", job=job))) for job in ("a", "b"))
    for frames in (second, first):  # two threads may overtake each other
        wire.unpack(KEY, frames, ControlRequest, guard)
    for frames in (first, second):
        with pytest.raises(HarmonicFlowError, match="sent before"):
            wire.unpack(KEY, frames, ControlRequest, guard)


def test_the_guard_remembers_a_window_and_refuses_what_is_older() -> None:
    guard = wire.ReplayGuard()
    order = list(range(3000))
    rng = random.Random(0)
    for start in range(0, 3000, 100):  # overtaking by less than a window
        part = order[start : start + 100]
        rng.shuffle(part)
        order[start : start + 100] = part
    for counter in order:
        guard.accept(b"a" * 16, counter)
    for counter in order:
        with pytest.raises(HarmonicFlowError, match="sent before"):
            guard.accept(b"a" * 16, counter)
    guard.accept(b"b" * 16, 5)
    guard.accept(b"a" * 16, 10**12)
    with pytest.raises(HarmonicFlowError, match="sent before"):
        guard.accept(b"a" * 16, 2999)


def test_memory_of_the_guard_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.ReplayGuard, "MAX_SENDERS", 10)
    guard = wire.ReplayGuard()
    for number in range(100):
        guard.accept(number.to_bytes(16), 0)
    assert len(guard._senders) == 10


def test_every_changed_bit_of_seal_and_header_is_refused() -> None:
    frames = flat(wire.pack(KEY, BLOCK, [SOUND]))
    for place in (0, 1):
        for bit in range(0, 8 * len(frames[place]), 3):
            changed = bytearray(frames[place])
            changed[bit // 8] ^= 1 << bit % 8
            tampered = [*frames]
            tampered[place] = bytes(changed)
            assert refusal(tampered) in ("denied", "protocol_version")


def test_wrong_key_and_no_key() -> None:
    frames = flat(wire.pack(wire.new_key(), BLOCK))
    assert refusal(frames) == "denied"
    assert refusal([b"", frames[1]]) == "denied"
    assert refusal([b"\0" * wire.SEAL_BYTES, frames[1]]) == "denied"


def test_buffers_cannot_be_added_dropped_cut_or_swapped() -> None:
    seal, header, one, two = flat(wire.pack(KEY, BLOCK, [SOUND, SOUND[:2]]))
    for frames in (
        [seal, header],
        [seal, header, one],
        [seal, header, one, two, b""],
        [seal, header, one[:-4], two],
        [seal, header, two, one],
        [seal, header, one + two],
    ):
        assert refusal(frames) == "denied"


def test_truncated_messages() -> None:
    seal, header = flat(wire.pack(KEY, Status(id="s1")))
    for frames in ([], [b""], [seal], [header]):
        assert refusal(frames, ControlRequest) == "bad_request"
    for length in range(wire.SEAL_BYTES):
        assert refusal([seal[:length], header], ControlRequest) == "denied"
    for length in range(len(header)):
        assert refusal([seal, header[:length]], ControlRequest) == "denied"


def test_oversize_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = flat(wire.pack(KEY, BLOCK, [SOUND]))
    assert refusal([*frames, *[b""] * 64]) == "bad_request"
    monkeypatch.setattr(wire, "MAX_MESSAGE_BYTES", len(frames[1]) + 23)
    assert refusal(frames) == "bad_request"
    with pytest.raises(HarmonicFlowError) as caught:
        wire.pack(KEY, BLOCK, [SOUND])
    assert caught.value.code == "bad_request"
    monkeypatch.setattr(wire, "MAX_HEADER_BYTES", 10)
    assert refusal(frames[:2]) == "bad_request"


def test_the_largest_clip_that_is_read_can_be_sent() -> None:
    from harmonicflow.audio.files import MAX_VALUES

    assert 4 * MAX_VALUES <= wire.MAX_SOUND_BYTES < wire.MAX_MESSAGE_BYTES == 256 << 20
    wire._check_sizes(b" " * wire.MAX_HEADER_BYTES, [memoryview(bytes(1)).cast("B")] * 2)
    with pytest.raises(HarmonicFlowError, match="256 MiB"):
        wire._check_sizes(b"", [memoryview(bytes(wire.MAX_MESSAGE_BYTES // 64 + 1))] * 64)


def test_another_protocol_is_said() -> None:
    seal, header = flat(wire.pack(KEY, Status(id="s1")))
    with pytest.raises(HarmonicFlowError, match="protocol 2, this one 1"):
        wire.unpack(KEY, [seal[:2] + b"\0\2" + seal[4:], header], ControlRequest)


def sealed(header: bytes) -> list[bytes]:
    """A header that nobody would pack, signed by somebody who has the key."""
    prefix = wire._PREFIX.pack(b"HF", messages.PROTOCOL, b"m" * 16, 0)
    return [prefix + wire._digest(KEY, prefix, header, []), header]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"\xff\xfe",
        b'{"kind":"generate","id":"a"}',  # of another door
        b'{"kind":"status"}',
        b'{"kind":"status","id":7}',
        b'{"kind":"status","id":"\xff"}',
        b"[" * 200_000,
        b'{"kind":"status","id":"a","x":' + b"[" * 100_000,
        b'{"kind":"list' + b"x" * 100_000,
    ],
    ids=lambda header: repr(header[:30]),
)
def test_signed_nonsense_is_a_bad_request(header: bytes) -> None:
    assert refusal(sealed(header), ControlRequest) == "bad_request"


def test_random_mutations_never_do_anything_else() -> None:
    rng = random.Random(0)
    good = flat(wire.pack(KEY, BLOCK, [SOUND]))
    for _ in range(5000):
        frames = [bytearray(frame) for frame in good]
        for _ in range(rng.randrange(1, 4)):
            frame = rng.choice(frames)
            frame[rng.randrange(len(frame))] = rng.randrange(256)
        if rng.random() < 0.3:
            frames = rng.choices(frames, k=rng.randrange(5))
        if [bytes(frame) for frame in frames[:2]] != good[:2]:
            assert refusal([bytes(frame) for frame in frames]) in ("denied", "bad_request", "protocol_version")


def test_a_forked_sender_is_another_sender() -> None:
    here = wire._sender(1)
    assert wire._sender(1) is here and wire._sender(2)[0] != here[0]
