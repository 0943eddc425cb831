"""A studio for tests: a session with a song in it, our scripts installed in Ardour, and the daemon's spool between."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import soundfile as sf

from bridge.daw.ardour.install import install
from bridge.daw.ardour.ui_scripts import UiScripts
from harmonicflow.core.spool import Report

from .ardour import Ardour, config_folder, configure
from .daemon import Daemon, wait_for
from .headless import Plan, create_session
from .session_xml import SessionState, audio_folder, open_osc, place, read_session

VOX, PULSE = 1, 2  # rows in Ardour's window
CLICK_HZ, CLICK_S = 1000.0, 0.03
KEYS = {"generate": "F5", "generate_again": "F6", "regenerate_bass": "F7"}  # with control and shift, which are free
VALUES: dict[str, Any] = {  # of the dialog, as if it had been filled in once
    "prompt": "", "genre": "rock", "chord_source": "typed", "chords": "Am | F | C | G", "seed": 3,
    "mix": True, "binaural": True, "midi": True,
}  # fmt: skip
JOB_S = 90.0


@dataclass
class Seen:
    """What happened to a request's report: monotonic seconds."""

    accepted_s: float
    done_s: float = 0.0  # 0 while it is not done
    used_s: float = 0.0  # the script has removed it
    report: Report | None = None


@dataclass
class Outbox:
    """A thread that looks every few milliseconds at what the daemon reports and what the script takes away."""

    folder: Path
    seen: dict[str, Seen] = field(default_factory=dict)

    def __enter__(self) -> "Outbox":
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.004):
            names = {file.stem for file in self.folder.glob("[!.]*.json")}
            now_s = time.monotonic()
            for name in names:
                if name.startswith("cancel-"):
                    continue
                seen = self.seen.setdefault(name, Seen(now_s))
                if not seen.done_s:
                    try:
                        seen.report = msgspec.json.decode((self.folder / f"{name}.json").read_bytes(), type=Report)
                    except FileNotFoundError:  # used in this moment
                        continue
                    if seen.report.final:
                        seen.done_s = now_s
            for name, seen in self.seen.items():
                if name not in names and not seen.used_s:
                    seen.used_s = now_s


class Studio:
    """One session and all that belongs to it; `folder` is empty before."""

    def __init__(self, folder: Path, plan: Plan, daemon: Daemon) -> None:
        self.folder, self.plan, self.daemon = folder, plan, daemon
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.session = create_session(self.home, folder / f"song-{uuid4().hex[:6]}", plan)  # whose log is its own
        self.ardour = Ardour(self.home, self.session, daemon.spool)
        open_osc(self.session)
        install(config_folder(self.home))
        slots = UiScripts((config_folder(self.home) / "ui_scripts").read_bytes()).our_actions()
        self._slots = {Path(name).stem.removeprefix("harmonicflow_"): slot for slot, name in slots.items()}
        configure(self.home, plan.rate, {self._path(name): f"Primary-Tertiary-{key}" for name, key in KEYS.items()})
        self.remember(VALUES)

    def again(self) -> Ardour:
        """The same session in another Ardour, one that is not started yet."""
        self.ardour = Ardour(self.home, self.session, self.daemon.spool)
        return self.ardour

    def _path(self, action: str) -> str:
        return f"LuaAction/script-{self._slots[action]}"

    def remember(self, values: dict[str, Any]) -> None:
        """Write the dialog's last values."""
        file = self.daemon.spool / "hosts" / "ardour.json"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(json.dumps(values))

    def frame(self, beat: float) -> int:
        """The frame at which Ardour draws a beat's grid line."""
        return int(read_session(self.session).frame_at(beat))

    def put_clicks(self, first_beat: int, last_beat: int, track: str = "Pulse") -> None:
        """Put a click on every beat of a range on a track, where Ardour's own grid has it."""
        state, rate = read_session(self.session), self.plan.rate
        start = int(state.frame_at(first_beat))
        sound = np.zeros(int(state.frame_at(last_beat)) - start, np.float32)
        time_s = np.arange(int(CLICK_S * rate)) / rate
        click = (0.7 * np.sin(2 * np.pi * CLICK_HZ * time_s) * np.exp(-time_s / 0.005)).astype(np.float32)
        for beat in range(first_beat, last_beat):
            at = round(state.frame_at(beat)) - start
            sound[at : at + len(click)] += click[: len(sound) - at]
        sf.write(self.folder / "clicks.wav", sound, rate, subtype="FLOAT")
        place(self.session, track, self.folder / "clicks.wav", start)

    def act(self, action: str) -> None:
        """Do one of our actions, by the name of its script."""
        self.ardour.action(self._path(action))

    def press(self, action: str) -> None:
        """Press the key of one of our actions."""
        self.ardour.key(f"ctrl+shift+{KEYS[action]}")

    def outbox(self) -> Outbox:
        """Watch the daemon's reports."""
        return Outbox(self.daemon.spool / "outbox")

    def sent(self, outbox: Outbox, action: str, *, by_key: bool = False) -> str:
        """Do an action that sends a request; the request's id once the daemon has accepted it."""
        before = set(outbox.seen)
        (self.press if by_key else self.act)(action)
        what = f"a job of {action}; {self.log()}"
        return self.ardour.wait(lambda: sorted(set(outbox.seen) - before), 10, what, 0.002)[0]

    def running(self, outbox: Outbox, request: str, stage: str = "perform") -> None:
        """Wait until a job is well on its way."""

        def now() -> bool:
            report = outbox.seen[request].report
            assert report is None or not report.final, f"{request} was over before: {report}"
            return bool(report and report.stage == stage and report.step >= 1)

        self.ardour.wait(now, JOB_S, f"{request} at {stage}", 0.005)

    def used(self, outbox: Outbox, request: str) -> Seen:
        """Wait until the script has put a result in place and taken its report away."""
        self.ardour.wait(lambda: outbox.seen[request].used_s, JOB_S, f"the result of {request}; {self.log()}")
        self.ardour.settle()
        return outbox.seen[request]

    def log(self) -> str:
        """What our scripts have told the musician in this session."""
        files = sorted((self.daemon.spool / "hosts").glob(f"ardour-{self.session.name}-*.log"))
        return "".join(file.read_text() for file in files)

    def told(self, words: str, seconds: float) -> float:
        """Wait until the log has these words; how long that took, in seconds."""
        began_s = time.monotonic()
        self.ardour.wait(lambda: words in self.log(), seconds, f"{words!r} in: {self.log()}", 0.01)
        return time.monotonic() - began_s

    def files(self) -> set[str]:
        """The session's own sound and MIDI files."""
        folder = audio_folder(self.session).parent
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def ours(state: SessionState) -> dict[str, Any]:
    """The tracks that our scripts have made: what is heard of each region, by track."""
    return {
        name: [(region.name, *map(int, region.span)) for region in track.regions]
        for name, track in state.tracks.items() if name.startswith("HF ")
    }  # fmt: skip


__all__ = ["JOB_S", "PULSE", "VALUES", "VOX", "Outbox", "Seen", "Studio", "ours", "wait_for"]
