"""R11 with real disks: full ones, read-only ones, folders that somebody removes while a job runs."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harmonicflow.core.messages import Accepted, ClipSpec, Done, Failed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts are made as Linux makes them")
MEGABYTE = 1 << 20
LONG = {"bars": 24, "steps": 24}  # a second or more at the stand-in bundle


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Mount something; all of it is gone after the test. Skips where the user may not."""
    points: list[Path] = []

    def mounted(point: Path, *options: str) -> None:
        point.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() or subprocess.run(["mount", *options, point], capture_output=True).returncode:
            pytest.skip("only root may mount disks, and not in every container")
        points.append(point)

    yield mounted
    for point in reversed(points):
        subprocess.run(["umount", "-l", point], check=True)


def check_takes(house: Any, known: set[str]) -> None:
    """Only what was acknowledged can be seen, and it is whole."""
    assert house.takes() <= known
    for take in house.takes():
        assert (house.home / "takes" / take / "take.json").exists()


def whole(done: Done) -> bool:
    return all(
        hashlib.sha256((Path(take.folder) / row.file).read_bytes()).hexdigest() == row.sha256
        for take in done.takes for row in take.files
    )  # fmt: skip


def test_a_disk_with_so_much_room(house: Any, mount: Any, request_of: Any, clip: np.ndarray, proven: Any) -> None:
    """A disk of 24 MB with more and more room: a job is refused, or fails, or is done; then there is room again."""
    mount(house.home, "-t", "tmpfs", "-o", "size=24m", "tmpfs")
    house.environment["HARMONICFLOW_LOW_DISK_MB"] = "0"
    house.start()
    desk = house.desk()
    desk.until_ready()
    filler, known, ends = house.home / "filler", set[str](), list[str]()
    spec = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1])
    for number, room_kb in enumerate((0, 4, 64, 200, 400, 600, 900, 1300, 1700, 2200, 3000, 6000)):
        filler.write_bytes(bytes(shutil.disk_usage(house.home).free - room_kb * 1024))
        desk.send(request_of(f"r{number}", clip=spec), [clip])
        answers = desk.replies()
        last = answers[-1]
        ends.append("done" if isinstance(last, Done) else "failed" if isinstance(answers[0], Accepted) else "refused")
        if isinstance(last, Done):
            assert whole(last)
            known |= {take.take for take in last.takes}
        else:
            assert last.error.code == "disk" and "space" in last.error.message + last.error.todo, last
        filler.unlink()
        check_takes(house, known)
        desk.until(lambda status: not status.queued)
    assert ends[0] == "refused" and "failed" in ends and ends[-1] == "done", ends
    done = desk.done(request_of("after", clip=spec), [clip])
    assert whole(done) and desk.status().worker == "ready"
    house.kill()
    house.start()  # what was said holds after a start too
    known |= {take.take for take in done.takes}
    assert house.takes() == known
    desk = house.desk()
    for number, end in enumerate(ends):
        desk.send(request_of(f"r{number}", clip=spec), [clip])
        last = desk.replies()[-1]
        assert isinstance(last, Done) or end == "failed", f"{number}: {end}, now {last}"
    assert "Traceback" not in house.log()
    proven("R11", cases=len(ends), measured=f"disks with room for less and more: {' '.join(ends)}")


def test_low_disk_refuses_before_anything_is_lost(house: Any, mount: Any, request_of: Any, clip: np.ndarray) -> None:
    mount(house.home, "-t", "tmpfs", "-o", "size=24m", "tmpfs")
    house.environment["HARMONICFLOW_LOW_DISK_MB"] = "16"
    house.start()
    desk = house.desk()
    first = desk.done(request_of("first"))
    (house.home / "filler").write_bytes(bytes(8 * MEGABYTE))
    desk.send(request_of("second"))
    refused = desk.reply()
    assert isinstance(refused, Failed) and refused.error.code == "low_disk" and not refused.job
    assert "16 MB" in refused.error.message and str(house.home) in refused.error.message
    assert "takes --prune" in refused.error.todo
    desk.send(request_of("first"))
    assert [type(desk.reply()), desk.reply()] == [Accepted, first], "what is known already needs no room"
    (house.home / "filler").unlink()
    assert isinstance(desk.done(request_of("second")), Done), "the same id again, once there is room"
    large = np.zeros((2, 5 * MEGABYTE // 8), np.float32)
    spec = ClipSpec(rate=44_100, channels=2, frames=large.shape[1])
    desk.send(request_of("large", clip=spec), [large])
    assert desk.reply().error.code == "low_disk", "the clip counts too"


def test_a_folder_that_can_only_be_read(house: Any, mount: Any, request_of: Any, proven: Any) -> None:
    house.start()
    desk = house.desk()
    known = {desk.done(request_of("before")).takes[0].take}
    for number, name in enumerate(("takes", "jobs")):
        folder = house.home / name
        mount(folder, "--bind", str(folder))
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        desk.send(request_of(f"r{number}"))
        last = desk.replies()[-1]
        assert isinstance(last, Failed) and last.error.code == "disk", last
        assert "read-only" in last.error.message.lower() and str(folder) in last.error.message
        assert house.takes() == known and desk.status().worker == "ready"
        subprocess.run(["umount", "-l", folder], check=True)
        subprocess.run(["mount", "--bind", folder, folder], check=True)  # what the fixture takes down
        assert isinstance(desk.done(request_of(f"again{number}")), Done)
        known = house.takes()
    proven("R11", cases=2, measured="takes or jobs read-only: `disk`, and work as soon as they are not")


@pytest.mark.parametrize("name", ["takes", "takes/.staging", "jobs"])
def test_a_folder_removed_during_a_job(house: Any, request_of: Any, name: str, proven: Any) -> None:
    """The job fails in words or is done; either way the next one works, and nothing half-written is seen."""
    house.start()
    desk = house.desk()
    desk.until_ready()
    desk.send(request_of("victim", **LONG))
    desk.until(lambda status: status.worker == "busy" and any(job.step for job in status.jobs))
    shutil.rmtree(house.home / name)
    last = desk.replies()[-1]
    if isinstance(last, Done):
        assert whole(last)
    else:
        assert last.error.code == "disk", last
    after = desk.done(request_of("next"))
    assert whole(after)
    check_takes(house, {take.take for done in (last, after) if isinstance(done, Done) for take in done.takes})
    assert "Traceback" not in house.log()
    proven("R11", measured=f"{name} removed during a job: {'done' if isinstance(last, Done) else last.error.code}")
