"""Start, stop, continue, song position and silence: where a host is, and which notes are sent for it."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.clock.follower import Follower, Place
from bridge.clock.hearing import _steady
from bridge.clock.notes import Notes, Sender
from bridge.clock.ports import Stamps
from bridge.clock.sound import InTime, written
from bridge.clock.telling import Telling
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.score.midi import write_midi
from harmonicflow.score.score import Note, Score
from tests.bridge.clock_hosts import due, usb

TICK, START, CONTINUE, STOP, SENSING = b"\xf8", b"\xfa", b"\xfb", b"\xfc", b"\xfe"
PERIOD = 2.5 / 120


def position(sixteenths: int) -> bytes:
    return bytes([0xF2, sixteenths & 127, sixteenths >> 7])


class Hosted:
    """A host at 120 BPM, and what follows it."""

    def __init__(self) -> None:
        self.follower, self.now = Follower(), 100.0

    def say(self, message: bytes) -> None:
        self.follower.hear(message, self.now)

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.now += PERIOD
            self.say(TICK)

    def place(self, later: float = 0.0) -> Place:
        return self.follower.place(self.now + later)


def test_it_stands_until_the_first_tick_after_start() -> None:
    host = Hosted()
    host.ticks(30)
    assert not host.place().playing and host.place().ticks == 0 and host.place().bpm == pytest.approx(120)
    host.say(START)
    assert not host.place().playing
    host.ticks(1)
    assert host.place().playing and host.place().ticks == pytest.approx(0, abs=0.01)
    host.ticks(24)
    assert host.place().beats == pytest.approx(1, abs=0.001)
    assert host.place(PERIOD / 2).ticks == pytest.approx(24.5, abs=0.01)
    assert host.place(3 * PERIOD).ticks < 25  # not past a tick that has not come


def test_stop_and_continue() -> None:
    host = Hosted()
    host.say(START)
    host.ticks(10)
    host.say(STOP)
    host.ticks(50)  # as many hosts do
    assert not host.place().playing and host.place().ticks == 10
    host.say(CONTINUE)
    host.ticks(1)
    assert host.place().playing and host.place().ticks == pytest.approx(10, abs=0.01)


def test_song_position_while_it_stands_and_while_it_runs() -> None:
    host = Hosted()
    host.say(position(300))
    assert host.place().beats == 75
    host.say(CONTINUE)
    host.ticks(7)
    assert host.place().ticks == pytest.approx(1806, abs=0.01)
    jumps = host.place().jumps
    host.say(position(8))
    host.ticks(1)
    assert host.place().ticks == pytest.approx(48, abs=0.01) and host.place().jumps == jumps + 1
    host.say(START)
    host.ticks(1)
    assert host.place().ticks == pytest.approx(0, abs=0.01)


def test_a_missing_clock_is_noticed_and_what_is_no_clock_is_not_heard() -> None:
    host = Hosted()
    assert not host.place(100).lost  # nothing has been heard yet
    host.say(START)
    host.ticks(48)
    for message in (SENSING, b"\x90\x40\x40", b"\xf2\x01", b"", b"\xf0\x7e\xf7"):
        host.say(message)
    assert host.place().playing and host.place().jumps == 1
    for later in (0.6, 5.0, 3600.0):
        assert host.place(later).lost and not host.place(later).playing and host.place(later).bpm is None
        assert host.place(later).ticks < 48
    host.now += 2
    host.ticks(1)  # it is there again, and goes on where it was
    assert host.place().playing and host.place().ticks == pytest.approx(48, abs=0.01)


class Out:
    """A MIDI port that remembers what sounds, and what was struck at which place."""

    def __init__(self) -> None:
        self.struck: list[tuple[float, int]] = []
        self.sounding: set[int] = set()
        self.at = 0.0

    def send(self, message: Any) -> None:
        if message.type == "note_on" and message.velocity:
            self.struck.append((self.at, message.note))
            self.sounding.add(message.note)
        elif message.type in ("note_on", "note_off"):
            self.sounding.discard(message.note)


SIXTEENTHS = tuple(Note("piano", Fraction(n, 4), Fraction(1, 4), 40 + n, 90) for n in range(16))
DATA = write_midi(Score(SIXTEENTHS), Selection.from_bars(1, 97, "4/4", 44_100))


def run(host: Hosted, sender: Sender, out: Out, ticks: int) -> None:
    for _ in range(ticks):
        host.ticks(1)
        for share in (0.0, 0.5):
            place = host.place(share * PERIOD)
            out.at = place.ticks
            sender.follow(place)


def test_notes_at_their_ticks_around_and_elsewhere() -> None:
    host, out = Hosted(), Out()
    sender = Sender(Notes(DATA, 4), out.send, loop=True)
    run(host, sender, out, 30)
    assert not out.struck
    host.say(START)
    run(host, sender, out, 96 + 6 + 1)
    assert [note for _, note in out.struck] == [*range(40, 56), 40, 41]
    assert [at for at, _ in out.struck] == pytest.approx([6.0 * n for n in range(18)], abs=0.6)
    assert out.sounding == {41}
    host.say(position(13))
    run(host, sender, out, 1)
    assert out.sounding == {53} and out.struck[-1][1] == 53
    host.say(STOP)
    run(host, sender, out, 1)
    assert not out.sounding
    host.say(CONTINUE)
    run(host, sender, out, 24)
    assert [note for _, note in out.struck[-4:]] == [54, 55, 40, 41] and out.sounding == {41}
    host.now += 1
    sender.follow(host.place())
    assert not out.sounding  # the clock is gone


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("SCXPT"), st.integers(0, 40)), max_size=12), st.booleans())
def test_notes_never_hang(story: list[tuple[str, int]], loop: bool) -> None:
    """Whatever a host does: what sounds is what the score has at that place, and nothing after a stop."""
    host, out = Hosted(), Out()
    sender = Sender(Notes(DATA, 4), out.send, loop)
    for what, number in story:
        if what == "P":
            host.say(position(number))
        elif what != "T":
            host.say({"S": START, "C": CONTINUE, "X": STOP}[what])
        run(host, sender, out, number)
        place = host.place(0.5 * PERIOD)
        sender.follow(place)
        at = place.ticks % 96 if loop else place.ticks
        assert out.sounding <= ({40 + int(at // 6)} if place.playing and at < 96 else set())


def test_a_pedal_and_long_notes_are_ended() -> None:
    track = mido.MidiTrack([
        mido.Message("control_change", control=64, value=127), mido.Message("note_on", note=60, velocity=90),
        mido.Message("note_off", note=60, time=960 * 20), mido.MetaMessage("end_of_track"),
    ])  # fmt: skip
    import io

    buffer = io.BytesIO()
    mido.MidiFile(type=1, ticks_per_beat=960, tracks=[track]).save(file=buffer)
    notes, sent = Notes(buffer.getvalue(), 4), []
    assert [event.tick for event in notes.events] == [0, 96]
    Sender(notes, sent.append).silence()
    assert any(message.is_cc(64) and not message.value for message in sent)


def test_time_stamps_are_those_of_the_least_delayed() -> None:
    """The system says 10 ms between messages; Python is late by up to 30 ms."""
    stamps, rng = Stamps(), np.random.default_rng(1)
    at = 50 + 0.01 * np.arange(200)
    late = rng.exponential(5e-3, 200)
    found = np.array([stamps.time(0.01 if n else 0.0, at[n] + late[n]) for n in range(200)])
    assert np.abs(found[50:] - at[50:]).max() < 5e-4 and np.diff(found)[50:] == pytest.approx(0.01, abs=5e-4)


@pytest.mark.parametrize(
    ("bpm", "error", "text"),
    [(119.998, 1e-4, "120"), (93.7002, 2e-5, "93.7"), (137.33, 2e-5, "137.33"), (97.1234, 1e-6, "97.123")],
)
def test_a_tempo_is_written_as_exactly_as_it_is_known(bpm: float, error: float, text: str) -> None:
    assert written(bpm, error) == text


def test_a_takes_sound_is_silent_at_another_tempo_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    selection = Selection.from_bars(4, 120, "4/4", 44_100)
    said: list[str] = []
    for bpm, fits in ((120, True), (120.06, True), (121, False), (118.8, False)):
        follower, said[:] = Follower(), []
        guide = InTime(follower, selection, 48_000, 4)
        times = usb(due(bpm, 240), np.random.default_rng(2))
        follower.hear(START, 0.0)
        for time in times:
            follower.hear(TICK, float(time))
            guide.judge(follower.place(float(time)), said.append)
        monkeypatch.setattr("time.monotonic", lambda now=float(times[-1]): now)
        playing, frame = guide(0.010)
        assert playing is fits and len(said) == (not fits)
        if fits:
            wanted = (240 + 0.010 * bpm / 2.5) / 24 * 24_000
            assert frame == pytest.approx(wanted, abs=240)  # 5 ms
        else:
            assert f"generate --bars 4 --tempo {bpm:g}" in said[0] and "not stretched" in said[0]


def told(places: list[tuple[float, Place]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person is told who looks at these places at these times."""
    said: list[str] = []
    monkeypatch.setattr("bridge.clock.telling.say", said.append)
    telling = Telling("port", 0.0)
    for now, place in places:
        telling.look(place, now)
    return said


def test_a_clock_that_never_came_has_not_stood_and_a_tempo_is_told_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = Place(False, 0.0, None, 1.0, 0, 0, False, None)
    said = told([(1.0, silent), (6.0, silent), (7.0, silent)], monkeypatch)
    assert len(said) == 1 and said[0].startswith("no clock comes from port yet")
    rough, sure = (Place(True, 24.0, bpm, error, 30, 1, False, None) for bpm, error in ((97.2, 0.001), (97.3, 0.0001)))
    said = told([(1.0, rough), (2.0, sure), (3.0, sure._replace(playing=False))], monkeypatch)
    assert said == ["the host plays at 97.3 BPM", "the host stands"]


class Stopped:
    """A port whose clock has stopped coming, or is never steady."""

    name = "port"

    def __init__(self, place: Place) -> None:
        self.follower = SimpleNamespace(place=lambda now: place)


def test_a_clock_that_stops_while_it_is_heard_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(False, 60.0, None, 1e-4, 60, 1, True, None)
    with pytest.raises(HarmonicFlowError, match="no MIDI clock comes from port"):
        _steady(Stopped(place), 0.0, lambda: None)  # type: ignore[arg-type]
    said: list[str] = []
    monkeypatch.setattr("bridge.clock.hearing.say", said.append)

    def look() -> None:
        if said:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _steady(Stopped(place._replace(lost=False)), 0.0, look)  # type: ignore[arg-type]
    assert len(said) == 1 and "not steady yet" in said[0]
