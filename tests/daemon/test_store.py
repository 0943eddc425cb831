"""Takes and job folders with a disk that fails at its n-th call, for every n: old or new, never half."""

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from daemon.job_folders import JobFolders, read_clip, read_like, read_request
from daemon.takes import STAGING, Takes
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, FileRow, LikeSpec, TakeSummary


class Crash(BaseException):
    """The power went out."""


class FailingOs(ModuleType):
    """`os`, whose n-th call of those that touch the disk fails."""

    WATCHED = ("open", "write", "fsync", "rename", "replace", "link", "close")

    def __init__(self, n: int, error: BaseException) -> None:
        super().__init__("failing_os")
        self.left = n
        self.error = error

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.WATCHED:
            return real

        def call(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                if name == "close":
                    real(*arguments, **named)  # the descriptor is gone either way
                raise self.error
            return real(*arguments, **named)

        return call


def summary(name: str) -> TakeSummary:
    return TakeSummary(take=name, folder="", created="2026-01-01")


def stage(takes: Takes, job: str, count: int) -> tuple[Path, tuple[TakeSummary, ...]]:
    """What a worker leaves: `count` complete takes below staging."""
    staging = takes.staging(job)
    made = tuple(summary(f"{job}-{number}") for number in range(1, count + 1))
    for each in made:
        folder = staging / each.take
        folder.mkdir()
        (folder / "mix.wav").write_bytes(b"sound " * 1000)
        (folder / "take.json").write_bytes(msgspec.json.encode({"summary": each}))
    return staging, made


def visible(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.name != STAGING}


@pytest.mark.parametrize("error", [Crash(), OSError(28, "No space left on device")], ids=["crash", "disk full"])
def test_publish_at_every_call(tmp_path: Path, error: BaseException) -> None:
    n, finished = 0, False
    while not finished:
        n += 1
        root = tmp_path / f"{n}"
        staged = stage(Takes(root), "job", 2)
        try:
            Takes(root, FailingOs(n, error)).publish(*staged)
            finished = True
        except (Crash, HarmonicFlowError) as caught:
            assert isinstance(caught, Crash) or caught.code == "disk"
        for name in visible(root):
            assert (root / name / "mix.wav").read_bytes() == b"sound " * 1000, "half a take is visible"
        after = Takes(root)
        found = after.recover(set())
        assert {each.take for each in found} == visible(root), "whole takes without a row are taken in"
        placed = after.publish(*stage(after, "job", 2))  # the job runs again
        assert visible(root) == {"job-1", "job-2"} == {each.take for each in placed}
        assert all(Path(each.folder) == root / each.take for each in placed)
    assert n > 12, "the calls were really counted"


def test_recover_leaves_what_it_does_not_know(tmp_path: Path) -> None:
    takes = Takes(tmp_path)
    takes.publish(*stage(takes, "a", 1))
    takes.publish(*stage(takes, "b", 1))
    stage(takes, "half", 1)
    (tmp_path / "holiday pictures").mkdir()
    (tmp_path / "damaged-1").mkdir()
    (tmp_path / "damaged-1" / "take.json").write_text("{")
    assert [each.take for each in takes.recover({"a-1"})] == ["b-1"]
    assert visible(tmp_path) == {"a-1", "b-1", "holiday pictures", "damaged-1"}
    assert not (tmp_path / STAGING).exists()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b", "x" * 300, ".staging", "-x", "CON:", "é"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str, proven: Any) -> None:
    """S5."""
    takes = Takes(tmp_path / "takes")
    for call in (takes.folder, takes.details):
        with pytest.raises(HarmonicFlowError) as caught:
            call(name)
        assert caught.value.code == "unknown_take"
    proven("S5")


def test_sound_is_read_by_plain_names_and_true_lengths_only(tmp_path: Path) -> None:
    from harmonicflow.audio.wav import write_wav

    takes = Takes(tmp_path)
    (tmp_path / "t").mkdir()
    audio = np.random.default_rng(0).standard_normal((2, 100_001)).astype(np.float32)
    write_wav(tmp_path / "t" / "mix.wav", audio, 48_000)
    row = FileRow(stem="mix", file="mix.wav", sha256="", frames=100_001, channels=2, rate=48_000, peak_dbfs=0.0, lufs=0)
    (sound,) = takes.sound("t", (row,))
    np.testing.assert_array_equal(np.frombuffer(sound, "<f4").reshape(2, -1), audio)
    for change in ({"file": "../t/mix.wav"}, {"frames": 100_000}, {"channels": 1}, {"file": "none.wav"}):
        with pytest.raises(HarmonicFlowError) as caught:
            takes.sound("t", (msgspec.structs.replace(row, **change),))
        assert caught.value.code == "bad_take"
    with pytest.raises(HarmonicFlowError, match="fewer stems, or read .*/t") as caught:
        takes.sound("t", (msgspec.structs.replace(row, frames=16_000_000),) * 3)
    assert caught.value.code == "bad_request"
    (tmp_path / "t" / "mix.wav").write_bytes(b"RIFF\0\0\0\0WAVEdata\xff\xff\xff\xff\0")
    with pytest.raises(HarmonicFlowError, match="mix.wav"):
        takes.sound("t", (row,))


@pytest.fixture
def request_with_clip(request_of: Any, clip: np.ndarray) -> Any:
    return request_of("r", clip=ClipSpec(rate=44_100, channels=2, frames=clip.shape[1], name="../../x.wav"))


def test_a_job_there_and_back(tmp_path: Path, request_with_clip: Any, clip: np.ndarray) -> None:
    folders = JobFolders(tmp_path / "jobs")
    folders.keep("j", request_with_clip, [memoryview(clip).cast("B")])
    assert folders.request("j") == request_with_clip
    np.testing.assert_array_equal(read_clip(folders.folder("j"), request_with_clip), clip)
    assert folders.last() is None
    folders.remember("j")
    folders.remember("j")
    folders.remove("j")
    assert folders.last() == request_with_clip
    folders.keep("k", request_with_clip, folders.last_sounds(request_with_clip))
    np.testing.assert_array_equal(read_clip(folders.folder("k"), request_with_clip), clip)
    folders.clean({"k"})
    assert {path.name for path in folders.root.iterdir()} == {"k", ".last"}


def test_sounds_to_be_like_there_and_back(tmp_path: Path, request_with_clip: Any, clip: np.ndarray) -> None:
    other = np.ascontiguousarray(clip[:1, :500])
    like = (LikeSpec(stem="bass", rate=8_000, channels=1, frames=500), LikeSpec(rate=44_100, channels=2, frames=44_100))
    request = msgspec.structs.replace(request_with_clip, like=like)
    folders = JobFolders(tmp_path / "jobs")
    folders.keep("j", request, [memoryview(sound).cast("B") for sound in (clip, other, clip)])
    folders.remember("j")
    folders.keep("k", request, folders.last_sounds(request))
    for job in ("j", "k"):
        found = read_like(folders.folder(job), request)
        assert {stem: rate for stem, (_, rate) in found.items()} == {"bass": 8_000, "": 44_100}
        np.testing.assert_array_equal(found["bass"][0], other)
        np.testing.assert_array_equal(found[""][0], clip)
        np.testing.assert_array_equal(read_clip(folders.folder(job), request), clip)


def test_a_job_whose_folder_cannot_be_written(tmp_path: Path, request_with_clip: Any, clip: np.ndarray) -> None:
    for n in range(1, 12):
        folders = JobFolders(tmp_path / f"{n}", FailingOs(n, OSError(28, "No space left on device")))
        try:
            folders.keep("j", request_with_clip, [memoryview(clip).cast("B")])
        except HarmonicFlowError as error:
            assert error.code == "disk" and "No space" in error.message
            JobFolders(folders.root).clean(set())
            assert not list(folders.root.iterdir())
        else:
            break
    assert 6 < n < 12


def test_a_damaged_job_is_said(tmp_path: Path, request_with_clip: Any, clip: np.ndarray) -> None:
    folders = JobFolders(tmp_path)
    folders.keep("j", request_with_clip, [memoryview(clip[:, :-1].copy()).cast("B")])
    with pytest.raises(HarmonicFlowError, match="cut short"):
        read_clip(folders.folder("j"), request_with_clip)
    (folders.folder("j") / "request.json").write_text('{"kind": "generate"')
    with pytest.raises(HarmonicFlowError, match="damaged"):
        read_request(folders.folder("j"))
    (folders.folder("j") / "request.json").unlink()
    with pytest.raises(HarmonicFlowError):
        folders.request("j")
