"""Regenerate changes what was asked and not one sample more, without a click."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from harmonicflow.audio.seams import CLICK_DB, click_db
from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine import regenerate
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.result import BlockAudio, Result
from harmonicflow.engine.take import write_take
from harmonicflow.score.score import Note, Score
from harmonicflow.score.steering import Steering

BARS, TEMPO = 8, 193.7
FILES = ("bass.wav", "drums.wav", "guitar.wav", "piano.wav", "mix.wav", "binaural.wav", "score.mid")


def made(flow: HarmonicFlow, rate: int, delivery: str) -> Result:
    options = {"bars": BARS, "tempo": TEMPO, "seed": 1, "chords": "Am | F | C | G", "steps": 2}
    return flow.generate(rate=rate, delivery=delivery, **options)[0]


@pytest.fixture(scope="module", params=[(44100, "mixed"), (48000, "mixed"), (48000, "dry")], ids=str)
def any_parent(flow: HarmonicFlow, request: pytest.FixtureRequest) -> Result:
    return made(flow, *request.param)


@pytest.fixture(scope="module")
def parent(flow: HarmonicFlow) -> Result:
    return made(flow, 48000, "mixed")


@pytest.fixture
def splices(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """What the real splice was given and gave: old, new, spliced."""
    seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    real = regenerate.splice

    def recorded(old: np.ndarray, new: np.ndarray, start: int, end: int, rate: int) -> np.ndarray:
        seen.append((old, new, real(old, new, start, end, rate)))
        return seen[-1][2]

    monkeypatch.setattr(regenerate, "splice", recorded)
    yield seen


@pytest.mark.parametrize(("first", "last"), [(3, 4), (1, 1), (8, 8), (1, 8)])
def test_only_the_named_stem_and_bars_change(
    flow: HarmonicFlow, any_parent: Result, splices: list[tuple[np.ndarray, ...]], first: int, last: int
) -> None:
    parent = any_parent
    (child,) = flow.regenerate(parent, stems="bass", from_bar=first, to_bar=last, seed=2)
    bars = parent.selection.bars()
    start, end = bars[first - 1].start_frame, bars[last - 1].end_frame
    for name in ("drums", "guitar", "piano"):
        assert child.stems[name].tobytes() == parent.stems[name].tobytes()
        assert child.dry[child.names.index(name)].tobytes() == parent.dry[parent.names.index(name)].tobytes()
    for old, new in ((parent.stems["bass"], child.stems["bass"]), (parent.dry[0], child.dry[0])):
        assert new.shape == old.shape and np.isfinite(new).all()
        assert np.array_equal(new[..., :start], old[..., :start]) and np.array_equal(new[..., end:], old[..., end:])
        assert np.abs(new - old)[..., start:end].max() > 0.01
    for old, new, spliced in splices:
        for seam in (start, end):
            if 0 < seam < parent.selection.frames:
                assert click_db(spliced, old, new, seam, parent.selection.rate) <= CLICK_DB
    rows = child.latents != parent.latents
    assert not rows[[0, 2, 3, 4]].any()
    changed = np.flatnonzero(rows[1].any(axis=1)) * HOP / SAMPLE_RATE
    assert start / parent.selection.rate - HOP / SAMPLE_RATE < changed[0] and changed[-1] < end / parent.selection.rate


def notes_outside(result: Result, start: Fraction, end: Fraction) -> list[Note]:
    """Notes that begin outside a range, cut where it starts."""
    kept = [n for n in result.score.notes if n.instrument != "bass" or not start <= n.start < end]
    cut = (n.instrument == "bass" and n.start < start < n.end for n in kept)
    return [replace(n, duration=start - n.start) if c else n for n, c in zip(kept, cut, strict=True)]


def test_the_score_changes_only_inside_and_ends_inside(flow: HarmonicFlow, parent: Result) -> None:
    (child,) = flow.regenerate(parent, stems=["bass"], from_bar=3, to_bar=5, seed=5)
    start, end = Fraction(8), Fraction(20)
    assert sorted(map(repr, notes_outside(child, start, end))) == sorted(map(repr, notes_outside(parent, start, end)))
    inside = [n for n in child.score.part("bass") if start <= n.start < end]
    assert inside and all(n.end <= end for n in inside)
    assert inside != [n for n in parent.score.part("bass") if start <= n.start < end]
    assert all(float(n.start - start) * 60 / TEMPO + n.shift_s >= -1e-9 for n in inside)


def test_seeds_decide_and_count_counts(flow: HarmonicFlow, parent: Result) -> None:
    edit = {"stems": ["drums", "piano"], "from_bar": 2, "to_bar": 3}
    two = flow.regenerate(parent, seed=4, count=2, **edit)
    (again,) = flow.regenerate(parent, seed=5, **edit)
    assert again.mix.tobytes() == two[1].mix.tobytes() != two[0].mix.tobytes()
    assert [child.seed for child in two] == [4, 5]


def test_frames_stand_for_the_bars_they_touch(flow: HarmonicFlow, parent: Result) -> None:
    third, fourth = parent.selection.bar_range(3, 4)
    (named,) = flow.regenerate(parent, stems="bass", from_bar=3, to_bar=4, seed=4)
    (touched,) = flow.regenerate(parent, stems="bass", frames=(third.end_frame - 9, fourth.start_frame + 9), seed=4)
    assert touched.stems["bass"].tobytes() == named.stems["bass"].tobytes() and touched.request == named.request
    assert touched.stems["bass"].tobytes() != parent.stems["bass"].tobytes()


def test_files_of_the_others_are_the_same_bytes_and_the_same_files(
    flow: HarmonicFlow, parent: Result, tmp_path: Path
) -> None:
    write_take(parent, tmp_path / "parent")
    (from_folder,) = flow.regenerate(tmp_path / "parent", stems=["guitar"], from_bar=2, to_bar=3, seed=3)
    (from_memory,) = flow.regenerate(parent, stems=["guitar"], from_bar=2, to_bar=3, seed=3)
    assert from_folder.parent == "parent"
    write_take(from_folder, tmp_path / "a")
    write_take(from_memory, tmp_path / "b")
    for name in FILES:
        data = [(tmp_path / folder / name).read_bytes() for folder in ("parent", "a", "b")]
        assert data[1] == data[2]
        same = name in ("bass.wav", "drums.wav", "piano.wav")
        assert (data[0] == data[1]) == same, name
        assert (tmp_path / "parent" / name).samefile(tmp_path / "a" / name) == same


def test_a_regenerated_take_can_be_regenerated(flow: HarmonicFlow, parent: Result, tmp_path: Path) -> None:
    (child,) = flow.regenerate(parent, stems="bass", from_bar=3, to_bar=4, seed=2)
    write_take(child, tmp_path / "child")
    (grandchild,) = flow.regenerate(tmp_path / "child", stems="bass", from_bar=6, to_bar=6, seed=2)
    end = parent.selection.bars()[4].end_frame
    assert np.array_equal(grandchild.stems["bass"][:, :end], child.stems["bass"][:, :end])


def test_the_edit_s_sound_is_given_as_a_block(flow: HarmonicFlow, parent: Result) -> None:
    blocks: list[BlockAudio] = []
    (child,) = flow.regenerate(parent, stems="bass", from_bar=3, to_bar=4, seed=2, on_block=blocks.append)
    (block,) = blocks
    part = slice(block.start_frame, block.start_frame + block.frames)
    assert block.start_frame == parent.selection.bars()[2].start_frame
    assert np.array_equal(block.stems[0], child.stems["bass"][:, part])
    assert np.array_equal(block.mix, child.mix[:, part])


def test_chords_and_words_of_the_edit(flow: HarmonicFlow, parent: Result) -> None:
    (child,) = flow.regenerate(parent, stems="piano", from_bar=3, to_bar=4, chords="Ebmaj7 | Bb7", genre="jazz", seed=1)
    names = [(span.start, span.chord.name) for span in child.score.chords]
    assert names[:5] == [(0, "Am"), (4, "F"), (8, "Ebmaj7"), (12, "Bb7"), (16, "Am")]
    assert child.plan.genre == "jazz" and parent.plan.genre == "pop"


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("bad_bars", {"from_bar": 0}), ("bad_bars", {"from_bar": 9}), ("bad_bars", {"from_bar": 4, "to_bar": 3}),
        ("unknown_stem", {"stems": "kazoo"}), ("bad_chord", {"chords": "H#9"}), ("bad_steps", {"steps": 99}),
        ("unknown_genre", {"genre": "polka"}), ("bad_request", {"frames": (0, 9)}), ("bad_request", {"from_bar": None}),
        ("bad_selection", {"from_bar": None, "frames": (9, 9)}),
    ],
)  # fmt: skip
def test_bad_edits_are_refused(flow: HarmonicFlow, parent: Result, code: str, options: dict[str, object]) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        flow.regenerate(parent, **{"stems": "bass", "from_bar": 1, **options})
    assert caught.value.code == code


def test_a_take_of_another_latent_space_is_refused(flow: HarmonicFlow, parent: Result) -> None:
    other = replace(parent, bundle=parent.bundle | {"latent_space": "0123456789abcdef"})
    with pytest.raises(HarmonicFlowError, match="0123456789abcdef") as caught:
        flow.regenerate(other, stems="bass", from_bar=1)
    assert caught.value.code == "latent_mismatch"


def test_finished_parts_of_an_edit_are_played_as_they_are(flow: HarmonicFlow, parent: Result) -> None:
    """And steering reaches the request that is kept, and the next edit's where it has none of its own."""
    mine = Score(tuple(Note("bass", Fraction(beat), Fraction(3), 30 + beat, 90) for beat in range(4, 20, 2)))
    options = {"from_bar": 3, "to_bar": 4, "steps": 1}
    (child,) = flow.regenerate(
        parent, stems=["bass", "drums"], known=mine, steering=Steering(density={"": 0.8}), **options
    )
    inside = [note for note in child.score.part("bass") if 8 <= note.start < 16]
    assert [(note.start, note.pitch) for note in inside] == [(beat, 30 + beat) for beat in (8, 10, 12, 14)]
    assert inside[-1].end == 16, "it ends with the edit"
    assert child.score.part("drums") != parent.score.part("drums")
    (next_one,) = flow.regenerate(child, stems="piano", **options)
    assert next_one.request["steering"]["density"] == {"": 0.8} and next_one.score.part("bass") == child.score.part(
        "bass"
    )
