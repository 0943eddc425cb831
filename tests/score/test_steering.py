"""Steering: what a message says, what may not be said, and what the composer is told to aim at."""

import numpy as np
import pytest

from harmonicflow.core import messages
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.score.aims import SPREAD, TYPICAL, aims_of, typical
from harmonicflow.score.arrange import ComposeRequest
from harmonicflow.score.cells import CELL_PARTS
from harmonicflow.score.form import form_of
from harmonicflow.score.score import Score
from harmonicflow.score.steering import Steering


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


def test_half_is_what_players_do_and_the_ends_are_two_deviations_away() -> None:
    request = ComposeRequest(Selection.from_bars(4, "100", "4/4", 44100))
    form = form_of(request, Steering())
    free = aims_of(form, Steering(), None, "funk", CELL_PARTS)
    assert np.isnan(free["density"]).all() and (free["human"] == 1).all()
    for share, away in ((0.5, 0.0), (1.0, 2.0), (0.0, -2.0)):
        aims = aims_of(form, Steering(density={"guitar": share}), None, "funk", ("guitar", "bass"))
        expected = np.clip(typical("density", "guitar", "funk") + away * SPREAD["density"]["guitar"], 0.02, 0.98)
        np.testing.assert_allclose(aims["density"][CELL_PARTS.index("guitar")], expected, atol=1e-6)
        assert np.isnan(aims["density"][CELL_PARTS.index("bass")]).all()
        assert np.isnan(aims["human"][CELL_PARTS.index("drums")]).all()  # it is not to be written
    assert all("" in row for control in TYPICAL.values() for row in control.values())
