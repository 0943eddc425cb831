"""A studio for tests: a stand-in for REAPER with our real scripts installed, the real spool, and real daemons."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile as sf

from bridge.daw.reaper import install
from harmonicflow.core.messages import Generate, Regenerate
from harmonicflow.core.spool import Report

from .reaper_host import Reaper
from .reaper_project import Project, Track
from .reaper_tempo import Marker, TempoMap

CHANGE_S = 8 * 60 / 93.7
TEMPO = TempoMap(93.7, (4, 4), (Marker(0, 93.7, 4, 4), Marker(CHANGE_S, 137.3)))  # a change at beat 8
FIRST, LAST = 4, 12  # beats: two bars, one before the change and one after it
VALUES: dict[str, Any] = {  # of the dialog, as if it had been filled in once
    "prompt": "", "genre": "rock", "chord_source": "typed", "chords": "Am | F", "seed": 3, "count": 1,
    "mix": True, "binaural": True, "midi": True,
}  # fmt: skip


class Studio:
    """One project and one REAPER; HARMONICFLOW_HOME must name `home`."""

    def __init__(self, folder: Path, home: Path, rate: int = 48_000, file: str = "song.rpp") -> None:
        self.spool = home / "spool"
        self.hurry_s = 0.0  # how far REAPER's clock leaps at each look, where no real daemon is waited for
        config = folder / "REAPER"
        install.install(config)
        project = Project(folder / "media", str(folder / file) if file else "", tempo=TEMPO, rate=rate)
        self.project, self.scripts = project, config / "Scripts" / install.FOLDER
        self.reaper = self.again()
        sound = np.random.default_rng(5).standard_normal((3 * rate, 2)).astype(np.float32) * 0.1
        sf.write(folder / "vox.wav", sound, rate, subtype="FLOAT")
        self.vox: Track = project.add_track("Vox")
        project.add_sound(self.vox, folder / "vox.wav", project.frame(FIRST) + 777)
        project.select(FIRST, LAST, self.vox)
        self.remember(VALUES)

    def alone(self) -> None:
        """No daemon is started: a file `woken` in the spool appears where one would be."""
        settings = self.scripts / "lib" / "settings.json"
        start = ["touch", str(self.spool / "woken")]
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"start": start}))

    def again(self) -> Reaper:
        """Another REAPER with the same project and the same scripts, which has just started."""
        self.reaper = Reaper(self.project, self.scripts)
        for name in install.ACTIONS:
            script = install._script(name)
            self.reaper.register(f"_{script.id}", self.scripts / script.path.name)
        return self.reaper

    def remember(self, values: dict[str, Any]) -> None:
        """Write the dialog's last values."""
        hosts = self.spool / "hosts"
        hosts.mkdir(mode=0o700, parents=True, exist_ok=True)
        (hosts / "reaper.json").write_text(json.dumps(values))

    def remembered(self) -> dict[str, Any]:
        """The dialog's last values."""
        found: dict[str, Any] = json.loads((self.spool / "hosts" / "reaper.json").read_bytes())
        return found

    def waiting(self) -> list[dict[str, Any]]:
        """The jobs that the scripts remember, of all projects."""
        files = (self.spool / "hosts").glob("reaper-*.json")
        return [job for file in files for job in json.loads(file.read_bytes())["jobs"]]

    def request(self) -> Generate | Regenerate:
        """The one request that no daemon has taken up yet."""
        [file] = (self.spool / "inbox").glob("[!.]*.json")
        return msgspec.json.decode(file.read_bytes(), type=Generate | Regenerate)

    def log(self) -> str:
        """What our scripts have noted."""
        return "".join(file.read_text() for file in (self.spool / "hosts").glob("reaper-*.log"))

    def until(self, look: Callable[[], Any], seconds: float = 60, what: str = "") -> None:
        """Let REAPER's timer go on until something is so."""
        deadline = time.monotonic() + seconds
        while not look():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}; {self.log()} {self.reaper.messages}"
            self.reaper.pump()
            self.reaper.skip_s += self.hurry_s
            time.sleep(0.0 if self.hurry_s else 0.005)

    def answer(self, *takes: Any, state: str = "done", **fields: Any) -> str:
        """Be the daemon: take the one request, and report on it. Its id."""
        [file] = (self.spool / "inbox").glob("[!.]*.json")
        for path in (self.spool / "inbox").glob(f"{file.stem}*"):
            path.unlink()
        report = Report(id=file.stem, state=state, takes=takes, **fields)  # type: ignore[arg-type]
        (self.spool / "outbox" / file.name).write_bytes(msgspec.json.encode(report))
        return file.stem

    def finish(self, seconds: float = 60) -> None:
        """Wait until no job is on its way."""
        self.until(lambda: not self.waiting(), seconds, "the end of all jobs")

    def items(self, name: str) -> list[tuple[int, int, int, bool]]:
        """Of a track each item's first and last frame, number of takes and whether it is muted."""
        items = self.project.named(name).items
        rows = [(*item.span(self.project.rate), len(item.takes), bool(item.values.get("B_MUTE"))) for item in items]
        return sorted(rows)
