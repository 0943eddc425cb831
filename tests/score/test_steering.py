"""Steering: what a message says, what may not be said, and what the composer is told to aim at."""

import numpy as np
import pytest

from harmonicflow.core import messages
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.score.aims import STEERED, aims_of
from harmonicflow.score.arrange import ComposeRequest
from harmonicflow.score.cells import CELL_PARTS
from harmonicflow.score.form import form_of
from harmonicflow.score.score import Score
from harmonicflow.score.steering import Steering
from harmonicflow.score.typical import SPREAD, TYPICAL, typical


def test_there_and_back_with_a_message() -> None:
    message = messages.Steering(density={"": 0.3, "bass": 0.7}, swing=0.5, energy=(0.2, 1.0), follow="drums")
    steering = Steering.of(message, like=Score())
    assert steering.message() == message and steering.like == Score()
    assert Steering.of(None) == Steering()
    assert steering.share("density", "bass") == 0.7 and steering.share("density", "piano") == 0.3
    assert steering.share("loudness", "piano") is None
    assert [steering.energy_at(share) for share in (0, 0.5, 1)] == [0.2, pytest.approx(0.6), 1.0]
    assert Steering().energy_at(0.5) is None
    assert Steering(density={"bass": 1.0}).mean("density", 0.5) == pytest.approx(0.625)


@pytest.mark.parametrize(
    "wrong",
    [
        {"density": {"bass": 1.2}}, {"swing": -0.1}, {"energy": (0.5, 7.0)}, {"loudness": 2.0}, {"follow": "kazoo"},
        {"follow": "bass"}, {"complexity": {"kazoo": 0.5}}, {"composer": "somebody"}, {"answer": "strings"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_a_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        Steering(**wrong)  # type: ignore[arg-type]
    assert caught.value.code in ("bad_steering", "unknown_stem") and str(caught.value).endswith(".")


NOTHING_KEPT = {name: np.full(len(CELL_PARTS), np.nan, np.float32) for name in STEERED}


def aims(
    steering: Steering,
    genre: str = "funk",
    parts: tuple[str, ...] = CELL_PARTS,
    seed: int = 0,
    emotion: tuple[float, float] | None = None,
    kept: dict[str, np.ndarray] = NOTHING_KEPT,
) -> dict[str, np.ndarray]:
    request = ComposeRequest(Selection.from_bars(1, "100", "4/4", 44100), seed=seed)
    return aims_of(form_of(request, steering), steering, emotion, genre, parts, kept)


def test_half_is_what_players_do_and_the_ends_are_two_deviations_away() -> None:
    guitar, bass, drums = (CELL_PARTS.index(name) for name in ("guitar", "bass", "drums"))
    for share, away in ((0.5, 0.0), (1.0, 2.0), (0.0, -2.0)):
        found = aims(Steering(density={"guitar": share}), parts=("guitar", "bass"))
        expected = np.clip(typical("density", "guitar", "funk") + away * SPREAD["density"]["guitar"], 0.02, 0.98)
        np.testing.assert_allclose(found["density"][guitar], expected, atol=1e-6)
        assert np.isnan(found["human"][drums]).all()  # it is not to be written
    assert typical("density", "bass", "polka") == pytest.approx(np.mean(TYPICAL["density"]["bass"]))
    human = aims(Steering())["human"]
    assert np.isnan(aims(Steering())["register"][drums]).all()
    assert (human[drums] == 1).all() and np.isnan(human[bass]).all(), "people's basses are of two genres only"


def test_takes_differ_around_what_players_do_and_a_part_goes_on_as_it_does() -> None:
    bass = CELL_PARTS.index("bass")
    drawn = [float(aims(Steering(), seed=seed)["density"][bass, 0]) for seed in range(200)]
    middle, spread = typical("density", "bass", "funk"), SPREAD["density"]["bass"]
    assert np.mean(drawn) == pytest.approx(middle, abs=0.02) and 0.3 * spread < np.std(drawn) < 0.6 * spread
    assert max(abs(value - middle) for value in drawn) <= spread
    kept = {name: np.array([0.33, np.nan, np.nan, np.nan], np.float32) for name in STEERED}
    assert aims(Steering(), kept=kept)["density"][bass, 0] == pytest.approx(0.33)
    assert aims(Steering(), kept=kept, emotion=(0.0, 1.0))["density"][bass, 0] == pytest.approx(
        (0.33 + middle + 1.6 * spread) / 2
    )
    assert aims(Steering(density={"bass": 0.5}), kept=kept)["density"][bass, 0] == pytest.approx(middle)
