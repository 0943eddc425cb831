"""Is what surrounds us in order: the sound system and the DAWs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from harmonicflow.core import spool

from .check import Check, pip
from .daw.wake import wake_command

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


def ardour() -> Check:
    """Whether the newest Ardour here has our scripts, of this release, bound, and whether they find us."""
    from .daw.ardour.install import FOLDER, SETTINGS, look

    states = look()
    if not states:
        return Check.ok("ardour", "there is no Ardour on this computer")
    state = states[0]
    repair = "harmonicflow bridge install ardour"
    found = f"{state.ardour}: bridge {state.state}"
    if state.state == "not installed":
        return Check("ardour", "ok", found, repair, "Only where you want it in Ardour")
    if state.state != "installed":
        return Check.warning("ardour", f"{found} ({state.version})", repair)
    wrong = misled(state.config / FOLDER / SETTINGS)
    return Check.warning("ardour", f"{found}, but {wrong}", repair) if wrong else Check.ok("ardour", found)


def misled(settings: Path) -> str:
    """What the scripts in Ardour know that is not so any more, "" where all of it is."""
    try:
        known = json.loads(settings.read_bytes())
        start, folder = [str(word) for word in known["start"]], str(known["spool"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{settings} cannot be read"
    if not Path(start[0] if start else "").is_file():
        return f"its scripts start a Python that is not there any more ({start[0] if start else 'none'})"
    if folder != str(spool.folder()):
        return f"its scripts look for results in {folder}"
    return "" if start == wake_command() else "its scripts start another installation of HarmonicFlow"
