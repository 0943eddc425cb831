"""The soak's own verdict, with planted leaks; and a run of some seconds that is interrupted and goes on."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.soak import samples, soak
from tests.soak.samples import Sample

MB = 1_000_000


def planted(grown: Callable[[int], float] = lambda job: 0, files: Callable[[int], int] = lambda job: 0) -> list[Sample]:
    """1,400 jobs, a sample every five; the memory has noise of 2 % and a step while it is warm."""
    dice = Random(1)
    return [
        Sample(
            seconds=job * 1.25, segment=0, jobs=job, daemon_bytes=int(40 * MB + grown(job) + dice.gauss(0, 0.4 * MB)),
            worker_bytes=(150 - 40 * (job < 100)) * MB, daemon_files=30 + files(job) + dice.randrange(2),
            worker_files=20, threads=8, ended={"done": job - job // 10, "cancelled": job // 10},
        )
        for job in range(0, 1400, 5)
    ]  # fmt: skip


def test_what_stays_as_it_is_passes() -> None:
    found = samples.verdict(planted(), soak.EXPLAINED)
    assert found.passed and found.jobs == 1395 and 6 < found.hours < 7 and found.worker_percent == 0, found


def test_a_leak_of_three_kilobytes_a_job_is_found() -> None:
    """540 kB an hour: 1.35 %."""
    found = samples.verdict(planted(grown=lambda job: 3_000 * job), soak.EXPLAINED)
    assert 1.1 < found.daemon_percent < 1.6 and not found.passed, found


def test_descriptors_that_are_kept_are_found() -> None:
    found = samples.verdict(planted(files=lambda job: job // 200), soak.EXPLAINED)
    assert found.daemon_files >= 3 and not found.passed, found


def test_a_failure_nobody_explains_is_found() -> None:
    odd = [*planted(), Sample(1800.0, 1, 1396, MB, MB, 1, 1, 1, {"engine_failed": 1})]
    found = samples.verdict(odd, soak.EXPLAINED)
    assert found.failures == {"engine_failed": 1} and not found.passed and found.jobs == 1396


def test_a_soak_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HARMONICFLOW_HOME", "HARMONICFLOW_KEEP_TAKES_GB"):  # put back afterwards
        monkeypatch.setenv(name, "0")
    monkeypatch.setattr(soak, "LOOK_S", 0.5)
    report = tmp_path / "soak.jsonl"
    for minutes in (0.03, 0.11, 0.11):  # the third one has nothing to do
        soak.main(["--minutes", str(minutes), "--every", "0.4", "--report", str(report)])
        with report.open("ab") as file:
            file.write(b'{"seconds": 3')  # a power cut
    found = samples.read(report)
    assert {each.segment for each in found} == {0, 1} and found[-1].seconds >= 0.11 * 60
    assert samples.verdict(found, soak.EXPLAINED).failures == {}
    assert found[-1].ended["done"] > 0 and found[-1].daemon_files > 5
