"""Where sound can be played: PortAudio's devices, and what each of them takes."""

from typing import Any, Final, NamedTuple

from harmonicflow.core.errors import HarmonicFlowError

LIST: Final = "List the devices with: harmonicflow play --list-devices"


def library() -> Any:
    """The module sounddevice; raises `missing_package` without it and `no_sound` without PortAudio."""
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        install = 'python -m pip install "harmonicflow[play]"'
        raise HarmonicFlowError("missing_package", package="sounddevice", install=install) from error
    except OSError as error:
        hint = "Install it, on Debian and Ubuntu with: sudo apt install libportaudio2"
        raise HarmonicFlowError("no_sound", reason="the library PortAudio is not installed", hint=hint) from error
    return sounddevice


def devices() -> list[dict[str, Any]]:
    """The output devices: number, name, channels, rate in Hz, whether it is the default one. Raises `no_sound`."""
    sounds = library()
    found = sounds.query_devices()
    try:
        chosen = sounds.query_devices(kind="output")["name"]
    except (ValueError, sounds.PortAudioError):
        chosen = None
    rows = [
        {
            "device": number, "name": row["name"], "channels": row["max_output_channels"],
            "rate": round(row["default_samplerate"]), "default": row["name"] == chosen,
        }
        for number, row in enumerate(found) if row["max_output_channels"] > 0
    ]  # fmt: skip
    if not rows:
        raise HarmonicFlowError("no_sound", reason="there is no output device", hint="Connect one, or start JACK")
    return rows


class Output(NamedTuple):
    """A device as it is opened: number or name (None: the default one), channels (one or two), Hz."""

    device: int | str | None
    channels: int
    rate: int


def output(name: str | None, asked_rate: int | None, own_rate: int) -> Output:
    """The device by number or a part of its name, at the rate that is asked for.

    Without one: at the sound's own rate where the device takes it, else at the device's. Raises `no_sound`.
    """
    sounds = library()
    device: int | str | None = int(name) if name is not None and name.isdigit() else name
    try:
        row = sounds.query_devices(device, "output")
    except (ValueError, sounds.PortAudioError):
        if device is None:
            devices()  # says so where there is none at all
        what = f"there is no output device {name!r}" if name else "no output device is the default one"
        raise HarmonicFlowError("no_sound", reason=what, hint=LIST) from None
    channels = min(2, row["max_output_channels"])
    for rate in (asked_rate,) if asked_rate else (own_rate, round(row["default_samplerate"])):
        try:
            sounds.check_output_settings(device, channels, "float32", samplerate=rate)
            return Output(device, channels, rate)
        except (ValueError, sounds.PortAudioError):
            continue
    reason = f"device {device} does not take {asked_rate or own_rate} Hz"
    raise HarmonicFlowError("no_sound", reason=reason, hint="Leave --rate out, or choose another --device")
