"""The client library against the real daemon: blocks, repeats, and doors that are shut."""

from fractions import Fraction

import msgspec
import numpy as np
import pytest
import soundfile

from bridge.client import Client
from bridge.request import Span, request_id, selection_of
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Generate, ListTakes, ShowTake, TakeList, TakeReply


def request(bars=4, **fields):
    selection = selection_of(Span(bars=bars, tempo=Fraction(120)), 44_100)
    return Generate(id=request_id(), selection=selection.to_wire(), seed=3, **fields)


@pytest.fixture
def client(cli, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(cli.home))
    with Client.connect() as found:
        yield found


def test_blocks_are_the_take_piece_by_piece(client):
    blocks, events = [], []
    done = client.perform(
        request(bars=12),
        on_event=events.append,
        on_block=lambda block, buffers: blocks.append((block, [np.frombuffer(b, "<f4").copy() for b in buffers])),
    )
    [take] = done.takes
    assert len(blocks) >= 2 and [block.index for block, _ in blocks] == list(range(len(blocks)))
    assert blocks[0][0].frames == 4 * 44_100, "the first block is two bars"
    mixes = [buffers[1].reshape(2, block.frames) for block, buffers in blocks]
    starts = [block.start_frame for block, _ in blocks]
    assert starts == list(np.cumsum([0] + [mix.shape[1] for mix in mixes[:-1]]))
    written, _ = soundfile.read(f"{take.folder}/mix.wav", dtype="float32")
    assert np.array_equal(np.concatenate(mixes, axis=1), written.T)
    states = [event.state.value for event in events]
    assert states[-1] in ("writing", "done") and "running" in states
    assert [event.seq for event in events] == sorted({event.seq for event in events})


def test_a_repeated_request_gets_the_stored_reply(client):
    asked = request(bars=1, stems=("bass",))
    first = client.perform(asked)
    total = client.ask(ListTakes(id=request_id()), TakeList).total
    assert client.perform(asked) == first
    assert client.ask(ListTakes(id=request_id()), TakeList).total == total


def test_a_daemons_refusal_is_raised_as_its_own_error(client):
    with pytest.raises(HarmonicFlowError) as found:
        client.ask(ShowTake(id=request_id(), take="no-such-take"), TakeReply)
    assert (found.value.code, found.value.exit_code) == ("unknown_take", 2)
    with pytest.raises(HarmonicFlowError) as found:
        client.perform(request(bars=1, prompt="x" * 3000))
    assert found.value.code == "bad_request"
    assert client.status().pid == client.connection.pid, "and the connection is as good as before"


def test_a_wrong_key_is_refused(client):
    wrong = msgspec.structs.replace(client.connection, key="00" * 32)
    with Client(wrong) as stranger, pytest.raises(HarmonicFlowError) as found:
        stranger.status()
    assert found.value.code in ("denied", "daemon_lost")


def test_no_daemon(tmp_path, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path))
    with pytest.raises(HarmonicFlowError) as found:
        Client.connect()
    assert (found.value.code, found.value.exit_code) == ("no_daemon", 3)
