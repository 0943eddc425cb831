"""The judge of coherence on planted rhythms that the stems of a song share."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from tests.training.judges.planted import rhythm_song
from training.judges import coherence
from training.judges.coherence_trial import pairs, verdict

STEMS = ("bass", "drums")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows and batches a planted rhythm needs no more than."""
    monkeypatch.setattr(coherence, "WINDOW", 32)
    monkeypatch.setattr(coherence, "BATCH", 8)
    monkeypatch.setattr(coherence, "CHECKED", 60)


def test_a_shared_rhythm_is_learned_and_kept(tmp_path: Path) -> None:
    songs, others = [rhythm_song(number) for number in range(20)], [rhythm_song(number) for number in range(90, 100)]
    said: list[str] = []
    judge = coherence.trained(STEMS, songs, tmp_path, 40, 0, said.append)
    checked = coherence.validation(judge, others, 1)
    assert checked["auc_shuffled"] > 0.9 and checked["auc_shifted"] > 0.9
    assert len(said) == 1, "trained"
    again = coherence.trained(STEMS, songs, tmp_path, 40, 0, said.append)
    assert len(said) == 1 and coherence.validation(again, others, 1) == checked, "kept, and the same"
    coherence.trained(STEMS, songs[1:], tmp_path, 1, 0, said.append)
    assert len(said) == 2, "other songs make another judge"
    a, b = songs[0].pictures["bass"], songs[0].pictures["drums"]
    right, wrong = judge.scores([(("bass", a.cut(0, 32)), ("drums", b.cut(at, 32))) for at in (0, 100)])
    assert 0 <= wrong < 0.5 < right <= 1


def test_the_same_seed_draws_the_same_judge(tmp_path: Path) -> None:
    songs = [rhythm_song(number) for number in range(6)]
    judges = [coherence.trained(STEMS, songs, tmp_path / name, 3, 5, lambda line: None) for name in "ab"]
    a, b = (judge.tower.out.weight.detach().numpy() for judge in judges)
    assert np.array_equal(a, b)


def test_a_moved_stem_is_moved_by_an_odd_number_of_half_sixteenths() -> None:
    random = np.random.default_rng(3)
    song = rhythm_song(1)
    assert coherence.sixteenth_s(song) == 0.375
    steps = set()
    for _ in range(20):
        _, (stem, there), (_, moved) = coherence.draw([song], random)
        mel = song.pictures[stem].mel
        places = [
            next(at for at in range(len(mel)) if np.array_equal(mel[at : at + 64], window.mel))
            for window in (there, moved)
        ]
        steps.add(abs(places[1] - places[0]) / (0.375 * coherence.MEL_RATE))
    assert len(steps) > 3 and all(abs(step % 1 - 0.5) < 0.05 for step in steps)


def test_songs_without_two_stems_are_refused() -> None:
    with pytest.raises(ValueError, match="sound together"):
        coherence.draw([rhythm_song(1, ("bass",))], np.random.default_rng(0))


def test_only_windows_in_which_both_sound_are_paired() -> None:
    song = rhythm_song(2, frames=400)
    bass, drums = song.pictures["bass"], song.pictures["drums"]
    drums.mel[300:] = 0
    found = pairs("bass", bass, "drums", drums)
    assert [stem for stem, _ in found[0]] == ["bass", "drums"] and len(found) == 2


def scores(**means: float) -> dict[str, dict[str, list[float]]]:
    return {row: defaultdict(list, {"bass": [mean - 0.05, mean + 0.05]}) for row, mean in means.items()}


ORDERLY = {"truth": 0.8, "codec": 0.78, "unscored": 0.5, "shifted": 0.3, "shuffled": 0.2, "performed_shuffled": 0.2}


def test_the_verdict_needs_nine_tenths_of_the_truth() -> None:
    good = verdict(scores(performed=0.73, **ORDERLY), {}).plain()
    assert good["valid"] and good["pass"] and good["figures"]["share_of_truth"]["performed"] == pytest.approx(0.9125)
    assert good["figures"]["share_over_shuffled"]["performed"] == pytest.approx(0.53 / 0.6)
    poor = verdict(scores(performed=0.70, **ORDERLY), {}).plain()
    assert poor["valid"] and not poor["pass"]


def test_a_judge_that_cannot_rank_its_ladder_passes_nothing() -> None:
    deaf = verdict(scores(performed=0.8, **(ORDERLY | {"shuffled": 0.79})), {}).plain()
    assert not deaf["valid"] and not deaf["pass"]
