"""A MIDI file to a MIDI port, live."""

import io
from typing import Any


def play(data: bytes, port: Any, loop: bool = False) -> None:
    """Send a file's messages at their times; whatever sounds ends with it, and at once with KeyboardInterrupt."""
    import mido

    file: mido.MidiFile = mido.MidiFile(file=io.BytesIO(data))
    try:
        while True:
            for message in file.play():
                port.send(message)
            if not loop or file.length == 0:
                return
    finally:
        for channel in range(16):
            port.send(mido.Message("control_change", channel=channel, control=64, value=0))
            port.send(mido.Message("control_change", channel=channel, control=123, value=0))
        port.close()
