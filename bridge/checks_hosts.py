"""Is what surrounds us in order: the sound system and the DAWs."""

import subprocess
import sys
from typing import Final

from .check import Check, pip
from .daw.hosts import Host

SOUND_S: Final = 8.0  # a sound system that says nothing for so long will not do so later
_LOOK: Final = """
import sys
try:
    import sounddevice
except ModuleNotFoundError:
    sys.exit("no package")
except OSError:
    sys.exit("no library")
rows = [row["name"] for row in sounddevice.query_devices() if row["max_output_channels"] > 0]
print(len(rows))
try:
    print(sounddevice.query_devices(kind="output")["name"] if rows else "")
except (ValueError, sounddevice.PortAudioError):
    print("")
"""
LIBRARY: Final = {
    "win32": pip("--force-reinstall", "sounddevice"),
    "darwin": pip("--force-reinstall", "sounddevice"),
}
ONLY_PLAY: Final = "Only `harmonicflow play` needs it: a DAW plays by itself"


def sound(look: str = _LOOK) -> Check:
    """PortAudio is there and knows a device; asked in a process of its own, since a broken sound system may hang."""
    try:
        ran = subprocess.run(
            [sys.executable, "-c", look], stdin=subprocess.DEVNULL, capture_output=True, timeout=SOUND_S
        )
    except subprocess.TimeoutExpired:
        found = f"the sound system has not answered for {SOUND_S:.0f} seconds"
        repair = "systemctl --user restart pipewire wireplumber" if sys.platform == "linux" else ""
        return Check.warning("sound", found, repair, "End programs that hold the sound device, a JACK server too")
    words = ran.stderr.decode(errors="replace").strip().splitlines()[-1:]
    if words == ["no package"]:
        return Check.warning("sound", "the package sounddevice is not installed", pip("harmonicflow[play]"), ONLY_PLAY)
    if words == ["no library"]:
        repair = LIBRARY.get(sys.platform, "sudo apt install libportaudio2")
        return Check.warning("sound", "the library PortAudio is not installed", repair, ONLY_PLAY)
    if ran.returncode:
        return Check.warning("sound", f"PortAudio cannot be asked: {' '.join(words)[:200]}", "", ONLY_PLAY)
    number, name, *_ = [*ran.stdout.decode(errors="replace").splitlines(), "", ""]
    if not number.isdigit() or number == "0":
        return Check.warning("sound", "there is no output device", "", "Connect one, or start JACK. " + ONLY_PLAY)
    return Check.ok("sound", f"{number} output devices, {'one' if name else 'none'} of them the default one")


def host(row: Host, _: str | None = None) -> Check:
    """Whether the newest installation of a host has our scripts, of this release, bound, and whether they find us."""
    name = row.name
    installer = row.load()
    states = installer.look()
    if not states:
        return Check.ok(name, f"there is no {row.title} on this computer")
    state = states[0]
    repair = f"harmonicflow bridge install {name}"
    found = f"{state.title}: bridge {state.state}"
    if state.state == "not installed":
        return Check(name, "ok", found, repair, f"Only where you want it in {row.title}")
    if state.state != "installed":
        return Check.warning(name, f"{found} ({state.version})", repair)
    wrong = installer.misled(state)
    return Check.warning(name, f"{found}, but {wrong}", repair) if wrong else Check.ok(name, found)
