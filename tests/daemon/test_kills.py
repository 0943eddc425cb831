"""R1, R2, R3: a daemon that is killed again and again loses nothing, doubles nothing and shows nothing half."""

from typing import Any

import pytest

from tests.soak.storm import Storm


@pytest.mark.timeout(300)
def test_kills_at_random_moments(house: Any, request_of: Any, proven: Any) -> None:
    """Cancels, killed workers, repeated requests, regenerate and extend among them."""
    result = Storm(house, request_of, seed=7).blow(kills=20, requests=36)
    assert result.wrong == []
    assert result.kills == 20 and result.requests >= 36 and result.takes >= 20, result
    proven("R1", result.kills, f"{result.takes} takes acknowledged, {result.files} files compared, 0 wrong")
    proven("R2", result.requests, f"{result.done} done, {result.failed} failed, {result.cancelled} cancelled")


@pytest.mark.timeout(300)
def test_repeats_are_harmless(house: Any, request_of: Any, proven: Any) -> None:
    """R3: every request 1 to 5 times with one id, before and after kills, and once more in the end: one take each."""
    result = Storm(house, request_of, seed=3, cancels=False, workers=False, count=False).blow(5, 40)
    assert result.wrong == []
    assert result.done == result.takes == result.requests >= 40 and result.sends >= 80, result
    proven("R3", result.requests, f"sent {result.sends} times, {result.kills} kills: {result.takes} takes")


@pytest.mark.night
@pytest.mark.timeout(1800)
def test_a_hundred_kills(house: Any, request_of: Any, proven: Any) -> None:
    result = Storm(house, request_of, seed=11).blow(kills=100, requests=120)
    assert result.wrong == []
    proven("R1", result.kills, f"{result.takes} takes acknowledged, {result.files} files compared, 0 wrong")
    proven("R2", result.requests, f"{result.done} done, {result.failed} failed, {result.cancelled} cancelled")
