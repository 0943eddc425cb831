"""MIDI ports of this computer, through every system that RtMidi knows here: ALSA, JACK, CoreMIDI, Windows.

The word "virtual" in the place of a name makes a port that other programs connect to (not on Windows).
"""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from harmonicflow.core.errors import HarmonicFlowError

CLIENT: Final = "HarmonicFlow"
VIRTUAL: Final = "virtual"
LIST: Final = "List the ports with: harmonicflow play --list-ports"
REMEMBERED: Final = 512  # arrivals, among which the least delayed one says where time stamps begin
SILENCE_S: Final = 60.0  # without a message: time stamps begin anew


class Port(NamedTuple):
    """A MIDI port of another program or device: "in" is one that we hear, "out" one that we send to."""

    name: str
    direction: str
    system: str  # "ALSA", "Jack", "CoreMIDI", "Windows MM"
    api: int  # RtMidi's number of it
    number: int  # within the system and direction


def library() -> Any:
    """The module rtmidi; raises `missing_package`."""
    try:
        import rtmidi
    except ModuleNotFoundError as error:
        install = 'python -m pip install "harmonicflow[play]"'
        raise HarmonicFlowError("missing_package", package="python-rtmidi", install=install) from error
    return rtmidi


def ports(direction: str) -> list[Port]:
    """All ports to hear from ("in") or to send to ("out"), but our own; none where no system is there."""
    midi = library()
    kind = midi.MidiIn if direction == "in" else midi.MidiOut
    found = []
    for api in midi.get_compiled_api():
        try:
            with _quiet():
                client = kind(api, name=f"{CLIENT} looks")
        except midi.RtMidiError:  # compiled in, but its server or kernel module is not here
            continue
        system = midi.get_api_display_name(api)
        names = enumerate(client.get_ports())
        found += [Port(name, direction, system, api, n) for n, name in names if not name.startswith(CLIENT)]
        client.delete()
    return found


def find(name: str, direction: str) -> Port:
    """The port whose name is `name`, or holds it; raises `no_midi_port`."""
    found = ports(direction)
    wanted = name.strip().lower()
    for port in sorted(found, key=lambda port: port.name.lower() != wanted):
        if wanted and wanted in port.name.lower():
            return port
    names = ", ".join(repr(port.name) for port in found)
    what = "to hear from" if direction == "in" else "to send to"
    hint = f"There are {names}" if names else f"Start the program that has it, or name the port {VIRTUAL!r}"
    raise HarmonicFlowError("no_midi_port", port=name, what=what, hint=hint)


class Stamps:
    """Absolute times out of the seconds between two messages that a system tells.

    It stamps a message as it comes in, before threads wait for each other. What is told is added up, and laid on
    `time.monotonic` where the least delayed of the last messages came.
    """

    def __init__(self) -> None:
        self._sum = 0.0
        self._leads: deque[float] = deque(maxlen=REMEMBERED)
        self._last = float("-inf")

    def time(self, delta: float, arrived: float) -> float:
        """When the message came in that was handed over at `arrived`, `delta` seconds after the one before."""
        if arrived - self._last > SILENCE_S:
            self._leads.clear()
        self._last = arrived
        self._sum += delta
        self._leads.append(arrived - self._sum)
        return self._sum + min(self._leads)


class Input:
    """A port being heard: `hear(message, time)` is called in RtMidi's own thread, times as `time.monotonic`'s."""

    def __init__(self, name: str, hear: Callable[[bytes, float], None]) -> None:
        """Raises `missing_package`, `no_midi_port`."""
        self._client, self.name = _opened(name, "in")
        self._stamps = Stamps()
        self._hear = hear
        self._client.ignore_types(sysex=True, timing=False, active_sense=True)
        self._client.set_callback(self._heard)

    def _heard(self, event: tuple[list[int], float], _: object) -> None:
        message, delta = event
        self._hear(bytes(message), self._stamps.time(delta, time.monotonic()))

    def close(self) -> None:
        """Hear no more."""
        self._client.cancel_callback()
        self._client.close_port()
        self._client.delete()


class Output:
    """A port to send to; takes mido's messages."""

    def __init__(self, name: str) -> None:
        """Raises `missing_package`, `no_midi_port`."""
        self._client, self.name = _opened(name, "out")

    def send(self, message: Any) -> None:
        """Send one message at once."""
        self._client.send_message(message.bytes())

    def close(self) -> None:
        """Let the port go."""
        self._client.close_port()
        self._client.delete()


def _opened(name: str, direction: str) -> tuple[Any, str]:
    """RtMidi's client of a port, and the port's whole name."""
    port = None if name == VIRTUAL else find(name, direction)
    midi = library()
    kind = midi.MidiIn if direction == "in" else midi.MidiOut
    own = "clock" if direction == "in" else "notes"
    apis = midi.get_compiled_api() if port is None else [port.api]
    reason = "this system has no virtual ports"
    for api in apis:
        try:
            with _quiet():
                client = kind(api, name=f"{CLIENT} {direction}")
            if port is not None:
                client.open_port(port.number, own)
                return client, port.name
            client.open_virtual_port(own)
            return client, f"{CLIENT} {direction}:{own}"
        except (midi.RtMidiError, NotImplementedError) as error:
            reason = str(error)[:200]
    raise HarmonicFlowError("no_midi_port", port=name, what=f"that opens ({reason})", hint=LIST)


@contextmanager
def _quiet() -> Iterator[None]:
    """ALSA and JACK write to stderr that they are not here, past Python."""
    try:
        stderr = sys.__stderr__.fileno() if sys.__stderr__ else -1
        kept = os.dup(stderr)
    except (OSError, ValueError):
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stderr)
        yield
    finally:
        os.dup2(kept, stderr)
        os.close(kept)
