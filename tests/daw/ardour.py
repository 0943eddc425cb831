"""A real Ardour 7 on a screen that nobody sees, driven as its user would: actions, keys, a range of time.

Its Dummy backend is silent and needs no sound card. Orders go by OSC, which answers nothing: where an order can be
seen to be done (the playhead, the saved session) the harness waits for that, and for nothing else.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from .daemon import Found, wait_for
from .session_xml import SessionState, read_session, session_file

PROGRAMS = ("ardour", "ardour7-lua", "Xvfb", "xdotool", "import")
WIDTH, HEIGHT = 1600, 1000  # pixels; Ardour fills the screen
FIRST_ROW_Y, ROW_HEIGHT = 259, 68  # the rows of the editor as Ardour opens a new session
HEADER_X = 150  # beside a track's name, off its buttons
START_S = 60.0
PATIENCE_S = 15.0

# Starts without its first-run questions, its plugin scan and its choice of a sound card.
_OPTIONS = {"hide-dummy-backend": 0, "try-autostart-engine": 1, "discover-plugins-on-start": 0, "save-history": 1}
_DUMMY = (
    '<AudioMIDISetup><EngineStates><State backend="None (Dummy)" driver="Normal Speed" device="Silence" '
    'input-device="" output-device="" sample-rate="{rate}" buffer-size="1024" n-periods="0" input-latency="0" '
    'output-latency="0" lm-input="" lm-output="" active="1" use-buffered-io="0" midi-option="1 in, 1 out, Silence" '
    'lru="1700000000"><MIDIDevices/></State></EngineStates></AudioMIDISetup>'
)


def missing_programs() -> list[str]:
    """The programs that this needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def config_folder(home: Path) -> Path:
    """Where Ardour 7 keeps its configuration under a home folder."""
    return home / ".config" / "ardour7"


def configure(home: Path, rate: int, keys: dict[str, str] | None = None) -> None:
    """Write the configuration of an Ardour that has been started before; `keys` maps an action to its key."""
    folder = config_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".a7").touch()  # the first-run wizard has been seen
    (folder / "osc_url").touch()  # where this file is, Ardour writes which port it took
    options = "".join(f'<Option name="{name}" value="{value}"/>' for name, value in _OPTIONS.items())
    (folder / "config").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Ardour><Config>{options}</Config><Metadata/><Extra>{_DUMMY.format(rate=rate)}</Extra></Ardour>"
    )
    text = Path("/etc/ardour7/ardour.keys").read_text()
    bindings = "".join(f'<Binding key="{key}" action="{action}"/>' for action, key in (keys or {}).items())
    text = re.sub(r'(<Bindings name="Global">\s*<Press>)', lambda found: found[1] + bindings, text)
    (home / "test.keys").write_text(text)


class Ardour:
    """One running Ardour with a session open, from `with` to the end of its block."""

    def __init__(self, home: Path, session: Path, spool: Path) -> None:
        self.home, self.session, self.spool = home, session, spool
        self.log = home / "ardour.log"
        self._xvfb: subprocess.Popen[bytes] | None = None
        self._ardour: subprocess.Popen[bytes] | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self) -> Self:
        try:
            self._environment = {**os.environ, "HOME": str(self.home), "DISPLAY": self._start_display()}
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None and self.alive:
            self.screenshot(self.home / "failed.png")
        crashed = not self.alive
        self.close()
        if error is not None:
            error.add_note(f"Ardour {'had died' if crashed else 'lived'}; {self.home}\n{self.log_tail()}")

    def _start_display(self) -> str:
        """Start an X server on a number that is free."""
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"]
        self._xvfb = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(writing)
        with open(reading) as numbers:
            return f":{numbers.readline().strip()}"

    def _start(self) -> None:
        port_file = config_folder(self.home) / "osc_url"
        port_file.write_text("")
        command = ["ardour", "--no-splash", "--no-announcements", "-k", str(self.home / "test.keys"), str(self.session)]
        with open(self.log, "ab") as log:
            self._ardour = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        found = self.wait(lambda: re.search(r":(\d+)/", port_file.read_text()), START_S, "Ardour's OSC port")
        self._address = ("127.0.0.1", int(found[1]))
        self.ping(START_S)
        self.goto(0)
        window = self.wait(lambda: self.windows(f"^{self.session.name} - Ardour"), PATIENCE_S, "Ardour's window")[0]
        self._xdotool("windowsize", "--sync", window, str(WIDTH), str(HEIGHT))

    def ping(self, seconds: float = PATIENCE_S) -> None:
        """Wait until the watching hook answers: the session is open and Ardour's timers run."""
        hosts = self.spool / "hosts"
        hosts.mkdir(mode=0o700, parents=True, exist_ok=True)
        (hosts / "pong").unlink(missing_ok=True)
        (hosts / "ping").touch()
        self.wait((hosts / "pong").exists, seconds, "the answer of the hook in Ardour")

    @property
    def alive(self) -> bool:
        """Whether Ardour runs."""
        return self._ardour is not None and self._ardour.poll() is None

    def log_tail(self) -> str:
        """The end of what Ardour has printed."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def wait(self, look: Callable[[], Found | None], seconds: float, what: str, every_s: float = 0.02) -> Found:
        """The first true answer of `look`, while Ardour lives."""

        def watched() -> Found | None:
            assert self.alive, f"Ardour died while the test waited for {what}:\n{self.log_tail()}"
            return look()

        return wait_for(watched, seconds, what, every_s)

    def osc(self, address: str, *values: int | float | str) -> None:
        """Send an order by OSC."""
        builder = OscMessageBuilder(address=address)
        for value in values:
            builder.add_arg(value)
        self._socket.sendto(builder.build().dgram, self._address)

    def playhead(self) -> int | None:
        """The frame of the playhead; None where Ardour did not answer in a moment."""
        self._socket.settimeout(0.2)
        self.osc("/transport_frame")
        try:
            while True:  # other answers may stand before it
                message = OscMessage(self._socket.recv(65_536))
                if message.address == "/transport_frame":
                    return int(next(iter(message)))
        except TimeoutError:
            return None

    def goto(self, frame: int) -> None:
        """Move the playhead and wait until it is there."""

        def there() -> bool:
            self.osc("/locate", frame, 0)
            return self.playhead() == frame

        self.wait(there, PATIENCE_S, f"the playhead at {frame}")

    def action(self, path: str) -> None:
        """Do what a menu item does, e.g. "Common/Save"."""
        self.osc("/access_action", path)

    def select_track(self, row: int) -> None:
        """Select one track with a click, counted from 0 as they stand in the window; the master bus is row 0."""
        self._xdotool("mousemove", str(HEADER_X), str(FIRST_ROW_Y + ROW_HEIGHT * row + ROW_HEIGHT // 2), "click", "1")
        self.settle()

    def select_range(self, start: int, end: int) -> None:
        """Select the time from one frame up to another."""
        self.goto(start)
        self.action("Common/start-range-from-playhead")
        self.settle()
        self.goto(end)
        self.action("Common/finish-range-from-playhead")
        self.settle()

    def settle(self) -> None:
        """Let the window's thread finish what stands before it: the hook runs there, so its answer comes after."""
        self.ping()

    def undo(self) -> SessionState:
        """One undo, and the session after it."""
        self.osc("/undo")
        return self.save()

    def redo(self) -> SessionState:
        """One redo, and the session after it."""
        self.osc("/redo")
        return self.save()

    def save(self) -> SessionState:
        """Save and read the session."""
        self.settle()
        file = session_file(self.session)
        before = file.stat().st_mtime_ns
        self.osc("/save_state")
        self.wait(lambda: file.stat().st_mtime_ns != before, PATIENCE_S, "the saved session")
        self.settle()
        return read_session(self.session)

    def key(self, *keys: str) -> None:
        """Press keys in Ardour's window, as xdotool names them: "ctrl+shift+F5"."""
        self._xdotool("key", *keys)

    def windows(self, name: str) -> list[str]:
        """The windows on the screen whose title matches a pattern."""
        result = self._xdotool("search", "--onlyvisible", "--name", name, check=False)
        return result.split()

    def focus(self, window: str) -> None:
        """Give a window the keyboard: there is no window manager that would."""
        self._xdotool("windowfocus", "--sync", window)

    def _xdotool(self, *words: str, check: bool = True) -> str:
        result = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert result.returncode == 0 or not check, f"xdotool {' '.join(words)}: {result.stderr}"
        return result.stdout

    def screenshot(self, path: Path) -> None:
        """A picture of the whole screen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["import", "-window", "root", str(path)]
        subprocess.run(command, env=self._environment, check=True, capture_output=True, timeout=PATIENCE_S)

    def close(self) -> None:
        """End Ardour and its screen: SIGTERM to the group, SIGKILL where that does not do."""
        for process in (self._ardour, self._xvfb):
            if process is None:
                continue
            for number, seconds in ((signal.SIGTERM, 8.0), (signal.SIGKILL, 8.0)):
                try:
                    os.killpg(process.pid, number)
                    process.wait(seconds)
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue
                if process is self._ardour:
                    continue  # whatever it left in its group
                break
        self._socket.close()
