"""A MIDI file to a MIDI port, live."""

import io
from typing import Any

from harmonicflow.core.errors import HarmonicFlowError


def open_port(name: str) -> Any:
    """The output port whose name holds `name`; raises `missing_package` and `no_sound`."""
    import mido

    try:
        names = mido.get_output_names()
    except ModuleNotFoundError as error:
        install = 'python -m pip install "harmonicflow[play]"'
        raise HarmonicFlowError("missing_package", package=error.name, install=install) from error
    except Exception as error:  # a backend without a system below it raises errors of its own
        raise HarmonicFlowError("no_sound", reason="MIDI is not available here", hint=str(error)[:200]) from error
    found = next((each for each in names if name.lower() in each.lower()), None)
    if found is None:
        hint = f"Choose from {', '.join(names)}" if names else "Start a synthesizer or connect one"
        raise HarmonicFlowError("no_sound", reason=f"there is no MIDI port {name!r}", hint=hint)
    try:
        return mido.open_output(found)
    except (OSError, RuntimeError) as error:
        raise HarmonicFlowError("no_sound", reason=f"{found} does not open", hint=str(error)[:200]) from error


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
