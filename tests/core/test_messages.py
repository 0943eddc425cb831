"""The messages: the table is complete, ranges hold on decoding, unknown fields are ignored."""

import inspect
from typing import get_args

import msgspec
import pytest

from harmonicflow.core import messages
from harmonicflow.core.constants import MAX_SCORE_NOTES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import MESSAGES, Generate, Message, SelectionSpec
from harmonicflow.core.tempo import Selection

SPEC = Selection.from_bars(8, "97.3", "7/8", 48_000).to_wire()


def decode(text: bytes) -> Message:
    message: Message = msgspec.json.decode(text, type=messages.WorkRequest)
    return message


def test_the_table_has_every_message_once() -> None:
    classes = {
        each
        for _, each in inspect.getmembers(messages, inspect.isclass)
        if issubclass(each, Message) and each is not Message
    }
    rows = [row.message for row in MESSAGES]
    assert set(rows) == classes and len(rows) == len(set(rows))
    tags = [each.__struct_config__.tag for each in rows]
    assert len(tags) == len(set(tags))
    assert all(reply in rows for row in MESSAGES for reply in row.replies)
    assert all(inspect.getdoc(each) for each in rows)


def test_doors_decode_exactly_the_rows_of_the_table() -> None:
    unions = {
        ("work", "bridge"): messages.WorkRequest,
        ("work", "daemon"): messages.WorkReply,
        ("control", "bridge"): messages.ControlRequest,
        ("control", "daemon"): messages.ControlReply,
        ("events", "daemon"): messages.Event,
    }
    for (door, sender), union in unions.items():
        rows = {row.message for row in MESSAGES if door in row.door and row.sender == sender}
        assert rows == set(get_args(union))


def test_a_request_there_and_back() -> None:
    request = Generate(id="a1", selection=SPEC, stems=("bass",), emotion=(0.5, -1.0), chords="Am7 | D7", seed=2**63 - 1)
    assert decode(messages.encode(request)) == request
    assert Selection.from_wire(request.selection).beats == 28


def test_steering_and_scores_are_bounded() -> None:
    """Every number of a score or of steering has a range, every list a length: a request cannot fill the memory."""
    note = ("bass", "1/3", "1/2", 40, 80, -0.01)
    score = messages.ScoreSpec(notes=(note,), chords=(("0", "4", "Am7"),), sections=(("0", "8", "verse"),))
    steering = messages.Steering(density={"": 0.3, "bass": 0.7}, swing=0.5, energy=(0.2, 1.0), follow="drums")
    request = Generate(id="a1", selection=SPEC, steering=steering, score=score, groove=score, like_score=score)
    assert decode(messages.encode(request)) == request
    base = msgspec.to_builtins(Generate(id="a1", selection=SPEC))
    wrong: list[dict[str, object]] = [
        {"steering": {"density": {"bass": 1.1}}},
        {"steering": {"complexity": {str(number): 0.5 for number in range(18)}}},
        {"steering": {"swing": -0.1}},
        {"steering": {"energy": [0.5] * 65}},
        {"steering": {"composer": "somebody"}},
        {"score": {"notes": [note] * (MAX_SCORE_NOTES + 1)}},
        *({"score": {"notes": [note[:place] + (value,) + note[place + 1 :]]}} for place, value in (
            (0, "x" * 33), (1, "1e99"), (1, "1/0"), (1, "9" * 13), (2, "0x1"), (3, 128), (4, 0), (5, 2), (5, None)
        )),
        {"groove": {"chords": [["0", "4", "A" * 201]]}},
    ]  # fmt: skip
    for fields in wrong:
        with pytest.raises(msgspec.ValidationError):
            decode(msgspec.json.encode(base | fields))


def test_a_place_is_named_in_one_way() -> None:
    base = {"kind": "regenerate", "id": "r", "take": "t", "stems": ["bass"]}
    bars = {"from_bar": 1, "to_bar": 2}
    assert decode(msgspec.json.encode(base | bars)).to_bar == 2
    assert decode(msgspec.json.encode(base | {"frames": [-3, 7]})).frames == (-3, 7)
    for place in ({}, bars | {"frames": [0, 1]}, {"from_bar": 1}, {"to_bar": 1}, {"frames": [1]}, {"frames": [0, 0.5]}):
        with pytest.raises(msgspec.ValidationError):
            decode(msgspec.json.encode(base | place))


def test_a_newer_peer_may_send_more() -> None:
    fields = msgspec.to_builtins(Generate(id="a1", selection=SPEC)) | {"of_a_newer_release": [1, 2]}
    assert decode(msgspec.json.encode(fields)) == Generate(id="a1", selection=SPEC)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": "../../etc/passwd"},
        {"id": "a\n"},
        {"id": "x" * 65},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": 1.5},
        {"steps": -1},
        {"steps": 65},
        {"count": 17},
        {"emotion": [0, 2]},
        {"prompt": "x" * 2001},
        {"delivery": "loud"},
        {"stems": ["bass"] * 17},
        {"clip": {"rate": 44_100, "channels": 9, "frames": 1}},
        {"clip": {"rate": 0, "channels": 1, "frames": 1}},
        {"clip": {"rate": 44_100, "channels": 1, "frames": 0}},
        {"selection": {}},
        {"kind": "shutdown"},
    ],
    ids=str,
)
def test_out_of_range_is_refused_on_decoding(wrong: dict[str, object]) -> None:
    fields = msgspec.to_builtins(Generate(id="a1", selection=SPEC)) | wrong
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.json.encode(fields))


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("tempo", (("0", "0"), ("1", "1e999999999")), "bad_request"),
        ("tempo", (("0", "0"), ("1", "1/0")), "bad_request"),
        ("tempo", (("0", "0"), ("1", "7")), "bad_tempo"),
        ("tempo", (("0", "0"), ("1", "-22050")), "bad_selection"),
        ("start_beat", "nan", "bad_request"),
        ("meters", ((1, "4/5"),), "bad_meter"),
        ("meters", ((2, "4/4"),), "bad_meter"),
        ("end_frame", -5, "bad_selection"),
    ],
)
def test_a_selection_off_the_wire_is_checked(field: str, value: object, code: str) -> None:
    spec = msgspec.structs.replace(SPEC, **{field: value})
    assert isinstance(spec, SelectionSpec)
    with pytest.raises(HarmonicFlowError) as caught:
        Selection.from_wire(spec)
    assert caught.value.code == code
