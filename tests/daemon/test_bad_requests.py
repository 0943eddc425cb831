"""S8 through the door: what an honest client never sends; each is answered in words, and the next job is done."""

from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest

from harmonicflow.core.messages import ClipSpec, Failed, LikeSpec, ScoreSpec
from tests.reliability.plugin import Proven

BYTES = 200e6  # the most that the daemon and its worker may grow by
CLIPS: dict[str, dict[str, int]] = {
    **{f"rate {rate}": {"rate": rate} for rate in (-1, 0, 1, 7_999, 384_001, 4_000_000_000, 2**63)},
    **{f"{channels} channels": {"channels": channels} for channels in (-1, 0, 9, 12, 65_536)},
    **{f"{frames} frames": {"frames": frames} for frames in (-1, 0, 1_382_400_001, 2**62)},
    "starts nowhere": {"start_frame": 2**53},
}
NOTE = ("bass", "0", "1", 40, 80, 0.0)
SCORES: dict[str, dict[str, Any]] = {
    "pitch": {"notes": (("bass", "0", "1", 128, 80, 0.0),)},
    "velocity": {"notes": (("bass", "0", "1", 40, 0, 0.0),)},
    "no fraction": {"notes": (("bass", "1/0", "1", 40, 80, 0.0),)},
    "long number": {"notes": (("bass", "9" * 2_000, "1", 40, 80, 0.0),)},
    "late": {"notes": (("bass", "0", "1", 40, 80, 1e9),)},
    "long name": {"notes": (("b" * 10_000, "0", "1", 40, 80, 0.0),)},
    "notes": {"notes": (NOTE,) * 30_001},
    "chords": {"chords": (("0", "1", "Am"),) * 30_001},
    "chord name": {"chords": (("0", "1", "A" * 201),)},
    "sections": {"sections": (("0", "1", "verse"),) * 4_097},
}
LATE_SCORES: dict[str, dict[str, Any]] = {  # what only the engine can know
    "backwards": {"notes": (("bass", "2", "-1", 40, 80, 0.0),)},
    "no length": {"notes": (("bass", "2", "0", 40, 80, 0.0),)},
    "no chord": {"chords": (("0", "1", "H#9"),)},
}


def refused(desk: Any, request: Any, buffers: Any = ()) -> Failed:
    desk.send(request, buffers)
    last = desk.replies()[-1]
    assert isinstance(last, Failed), (request, last)
    assert last.error.message and last.error.todo and last.error.code != "engine_failed", last
    return last


@pytest.fixture
def desk(open_house: Any) -> Any:
    return open_house.desk()


def clip_of(**fields: int) -> ClipSpec:
    return ClipSpec(**({"rate": 44_100, "channels": 1, "frames": 4} | fields))


def test_rates_channels_and_lengths_from_nothing_to_the_endless(desk: Any, request_of: Any, proven: Proven) -> None:
    before = desk.status()
    for name, fields in CLIPS.items():
        answer = refused(desk, request_of(clip=clip_of(**fields)), [bytes(16)])
        assert answer.error.code == "bad_request" and not answer.job, (name, answer)
        if "start_frame" not in fields:
            like = msgspec.convert(msgspec.to_builtins(clip_of(**fields)), dict)
            like = LikeSpec(**{key: like[key] for key in ("rate", "channels", "frames")})
            assert refused(desk, request_of(like=(like,)), [bytes(16)]).error.code == "bad_request"
    after = desk.status()
    assert after.daemon_rss_bytes - before.daemon_rss_bytes < 5e6 and after.queued == 0
    proven("S8", cases=2 * len(CLIPS) - 1, measured="clips at the door")


def test_scores_that_mean_harm(desk: Any, request_of: Any, proven: Proven) -> None:
    for name, fields in SCORES.items():
        answer = refused(desk, request_of(score=ScoreSpec(**fields)))
        assert answer.error.code == "bad_request" and not answer.job, (name, answer)
    for fields in LATE_SCORES.values():
        refused(desk, request_of(score=ScoreSpec(**fields)))
    assert desk.done(request_of()), "the next one is done"
    proven("S8", cases=len(SCORES) + len(LATE_SCORES), measured="scores at the door")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -1e30])
def test_samples_that_are_no_sound(desk: Any, request_of: Any, value: float, proven: Proven) -> None:
    """As the clip, and as what a stem is to be like."""
    sound = np.full((1, 22_050), 0.1, np.float32)
    sound[0, 11_025] = value
    fields = {"rate": 44_100, "channels": 1, "frames": 22_050}
    for request in (request_of(clip=ClipSpec(**fields)), request_of(like=(LikeSpec(stem="bass", **fields),))):
        error = refused(desk, request, [sound]).error
        assert error.code == ("wild_samples" if abs(value) < np.inf else "bad_samples"), error
        assert "11025" in error.message
    proven("S8", cases=2)


@pytest.mark.parametrize(
    ("rate", "channels", "frames"), [(8_000, 1, 1), (8_000, 8, 8_000), (384_000, 8, 38_400), (44_100, 2, 44_100)]
)
def test_the_edges_of_what_is_allowed_are_done(
    desk: Any, request_of: Any, rate: int, channels: int, frames: int, proven: Proven
) -> None:
    """Silence, full scale and denormal numbers, at the lowest and the highest rate."""
    for level in (0.0, 1.0, 1e-40):
        sound = np.full((channels, frames), level, np.float32)
        clip = ClipSpec(rate=rate, channels=channels, frames=frames)
        assert desk.done(request_of(uuid4().hex, clip=clip, chords="Am"), [sound])
    proven("S8", cases=3)


def test_the_daemon_and_its_worker_have_not_grown(open_house: Any, desk: Any, request_of: Any) -> None:
    """After all of the above: nothing was expanded, and nobody died."""
    status = desk.status()
    assert status.daemon_rss_bytes < 80e6 and status.worker_rss_bytes < 250e6 + BYTES
    assert "Traceback" not in open_house.log() and "died" not in open_house.log()
