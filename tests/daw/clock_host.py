"""A host that sends MIDI clock to JACK: a process of its own, so that nothing that listens slows it down."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.daw.jack import Jack

TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
NAME: Final = "host"
ROOT: Final = Path(__file__).parents[2]
Plan = list[tuple[float, bytes]]  # seconds, message


def ticks(bpms: Sequence[float], start: float = 0.0) -> Plan:
    """A tick at `start`, and one after each tempo's length of a tick."""
    plan = [(start, TICK)]
    for bpm in bpms:
        plan.append((plan[-1][0] + 2.5 / bpm, TICK))
    return plan


def song_position(sixteenths: int) -> bytes:
    return bytes([0xF2, sixteenths & 0x7F, sixteenths >> 7])


class Host:
    """Opens its port "host:clock" at once; sends a plan when it is told to. Use it as a context manager."""

    def __init__(self, jack: Jack) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.daw.clock_host"], env=jack.env, cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> "Host":
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        """In order: a server that waits for its clients (`-S`) waits long for one that was killed."""
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def send(self, plan: Plan) -> None:
        """Send it all; returns when the last message has gone."""
        self.begin(plan)
        self.wait()

    def begin(self, plan: Plan) -> None:
        assert self.process.stdin is not None
        print(json.dumps([(at, list(message)) for at, message in plan]), file=self.process.stdin, flush=True)

    def wait(self) -> None:
        assert self.process.stdout is not None and self.process.stdout.readline() == "sent\n"


def main() -> None:
    import rtmidi

    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=NAME)
    out.open_virtual_port("clock")
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.monotonic() + 0.05
        for at, message in json.loads(line):
            while (left := began + at - time.monotonic()) > 0:
                time.sleep(left if left < 0.002 else left - 0.001)
            out.send_message(message)
        print("sent", flush=True)
    out.close_port()
    out.delete()


if __name__ == "__main__":
    main()
