"""Extend keeps every sample and note of the parent, and what follows joins without a click."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from harmonicflow.audio.joins import foretold
from harmonicflow.audio.loudness import TruePeaks
from harmonicflow.audio.seams import CLICK_DB, click_db
from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.meters import Meter, MeterMap
from harmonicflow.core.tempo import Selection, TempoMap
from harmonicflow.engine import extend as extending
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.result import BlockAudio, Result
from harmonicflow.engine.take import read_take, write_take
from harmonicflow.score.score import Note, Score
from harmonicflow.score.steering import Steering

TEMPO = 311.3


def made(flow: HarmonicFlow, rate: int = 44_100, **options: object) -> Result:
    plain = {"bars": 2, "tempo": TEMPO, "rate": rate, "seed": 1, "chords": "Am | F", "steps": 2}
    return flow.generate(**(plain | options))[0]


def files(result: Result) -> dict[str, np.ndarray]:
    return {**result.stems, "mix": result.mix, "binaural": result.binaural}


def check_grown(parent: Result, child: Result) -> None:
    """Samples, latents and notes of the parent are there to the bit, and something follows."""
    seam, end = parent.selection.frames, parent.selection.beats
    assert child.selection.frames > seam and child.selection.tempo == parent.selection.tempo
    for name, sound in files(parent).items():
        new = files(child)[name]
        assert new.shape == (len(sound), child.selection.frames) and np.isfinite(new).all()
        assert new[:, :seam].tobytes() == sound.tobytes(), name
    assert child.dry[:, :seam].tobytes() == parent.dry.tobytes()
    whole = seam * SAMPLE_RATE // (parent.selection.rate * HOP)
    assert np.array_equal(child.latents[:, :whole], parent.latents[:, :whole]) and child.canvas.known[1:].all()
    kept = tuple(note for note in child.score.notes if note.start < end)
    assert kept == parent.score.notes
    assert all(note.end <= child.selection.beats for note in child.score.notes)
    for note in child.score.notes:
        if note.start >= end:
            ahead_s = float((child.selection.frame_at_beat(note.start) - seam) / child.selection.rate)
            assert ahead_s + note.shift_s >= -1e-4, "it would sound before the seam"


@pytest.fixture(scope="module")
def parent(flow: HarmonicFlow) -> Result:
    return made(flow)


@pytest.fixture(scope="module")
def child(flow: HarmonicFlow, parent: Result) -> Result:
    return flow.extend(parent, bars=2, seed=5, steps=2)[0]


@pytest.mark.parametrize(("rate", "delivery"), [(44_100, "mixed"), (48_000, "dry"), (96_000, "mixed")], ids=str)
def test_the_parent_stays_and_the_seam_is_not_heard(
    flow: HarmonicFlow, monkeypatch: pytest.MonkeyPatch, rate: int, delivery: str
) -> None:
    """What was joined is seen: parent, its foretold tail and the new sound, by the measure of regenerate's seams."""
    joins: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    real = extending.join

    def seen(kept: np.ndarray, tail: np.ndarray, new: np.ndarray, rate: int) -> np.ndarray:
        joins.append((kept, tail, new, real(kept, tail, new, rate)))
        return joins[-1][3]

    monkeypatch.setattr(extending, "join", seen)
    parent = made(flow, rate, delivery=delivery)
    (child,) = flow.extend(parent, bars=1, seed=2, steps=2)
    check_grown(parent, child)
    assert len(joins) == 4
    for kept, tail, new, joined in joins:
        old, high = np.concatenate((kept, tail)), len(kept) + len(tail)
        assert click_db(joined[:high], old, new[:high], len(kept), rate) <= CLICK_DB
    # Strips, limiter and room carry on: what they leave at the very seam is no rougher than the 5 ms on both sides.
    seam, near = parent.selection.frames, round(0.005 * rate)
    for name, sound in files(child).items():
        rough = np.abs(np.diff(sound[:, seam - near : seam + near].astype(float), 2)).max(axis=0)
        at, around = rough[near - 3 : near + 1].max(), max(rough[: near - 3].max(), rough[near + 1 :].max())
        assert at <= 10 ** (CLICK_DB / 20) * max(around, 1e-5), name
        assert np.abs(sound[:, seam:]).max() > 0.01, name
    assert TruePeaks(2).process(child.mix).max() <= 10 ** (-0.9 / 20)


def test_a_hard_cut_would_click(parent: Result, child: Result) -> None:
    """The measure can fail: put end to end, without a join, the same two sounds click."""
    seam, rate = parent.selection.frames, 44_100
    worst = 0.0
    for row, kept in enumerate(parent.dry):
        (tail,) = foretold(kept[None], rate)
        high = seam + len(tail)
        new = np.roll(child.dry[row], 37)[:high]  # another phase at the seam
        hard = np.concatenate((kept, new[seam:]))
        worst = max(worst, click_db(hard, np.concatenate((kept, tail)), new, seam, rate))
    assert worst > CLICK_DB


def test_five_in_a_chain_and_back_through_the_disk(flow: HarmonicFlow, parent: Result, tmp_path: Path) -> None:
    """Each is written, read and extended; the last begins with every one before it."""
    chain, folder = [parent], tmp_path / "0"
    write_take(parent, folder)
    for number in range(1, 6):
        (child,) = flow.extend(folder, bars=1, seed=number, steps=1)
        assert child.parent == folder.name and len(child.selection.bars()) == 2 + number
        folder = tmp_path / str(number)
        summary = write_take(child, folder)
        assert (summary.parent, summary.made, summary.option) == (str(number - 1), "extend", 1)
        check_grown(chain[-1], child)
        chain.append(read_take(folder))
    for result in chain:
        for name, sound in files(result).items():
            assert files(chain[-1])[name][:, : sound.shape[1]].tobytes() == sound.tobytes()
    exact = Selection.from_bars(7, TEMPO, "4/4", 44_100)
    assert chain[-1].selection.frames == exact.frames, "no rounding adds up"


def test_options_differ_and_seeds_decide(flow: HarmonicFlow, parent: Result) -> None:
    three = flow.extend(parent, bars=1, seed=4, count=3, steps=1)
    (again,) = flow.extend(parent, bars=1, seed=6, steps=1)
    assert [(each.seed, each.option) for each in three] == [(4, 1), (5, 2), (6, 3)]
    assert len({each.mix.tobytes() for each in three}) == len({each.score for each in three}) == 3
    assert again.mix.tobytes() == three[2].mix.tobytes() and again.score == three[2].score


@pytest.mark.parametrize(
    ("meter", "tempo"),
    [
        ("7/8", "301.3"), ("5/4", "371"),
        (MeterMap([(1, Meter(4, 4)), (3, Meter(7, 8))]), 287),
        ("4/4", TempoMap.from_changes(((0, 250), (7, 300), (9, "233.33")), 44_100)),
    ],
    ids=["7/8", "5/4", "4/4 to 7/8", "tempo map"],
)  # fmt: skip
def test_meters_and_tempo_maps_go_on(flow: HarmonicFlow, meter: object, tempo: object) -> None:
    parent = made(flow, meter=meter, tempo=tempo, steps=1)
    (child,) = flow.extend(parent, bars=2, seed=3, steps=1)
    check_grown(parent, child)
    whole = Selection.from_bars(4, tempo, meter, 44_100)  # type: ignore[arg-type]
    assert child.selection == whole and child.score.chords[-1].end == whole.beats
    assert child.score.part("drums")[-1].start >= whole.bars()[2].start_beat


def test_a_bar_that_was_cut_is_filled_up_first(flow: HarmonicFlow) -> None:
    """A host's selection from beat 2 to a beat and a half into its third bar; positions of the session are kept."""
    tempo = TempoMap.constant(160, 48_000, 0, 96_000)
    selection = Selection(48_000, 96_000 + 36_000, 96_000 + 36_000 + 7 * 18_000 + 9_000, tempo, start_beat=Fraction(2))
    (parent,) = flow.generate(selection=selection, seed=1, chords="Am | F | C", steps=1)
    (child,) = flow.extend(parent, bars=1, seed=3, steps=1)
    check_grown(parent, child)
    assert child.selection.start_frame == selection.start_frame
    assert [bar.end_beat for bar in child.selection.bars()] == [2, 6, 10, 14]
    assert [span.chord.name for span in child.score.chords][:3] == ["Am", "F", "C"]
    (beats,) = flow.extend(parent, beats="5/2", steps=1)
    (seconds,) = flow.extend(parent, seconds=0.75, steps=1)
    assert beats.selection.beats == 10 and seconds.selection.frames == selection.frames + 36_000


def test_who_rests_and_what_is_asked(flow: HarmonicFlow, parent: Result) -> None:
    (child,) = flow.extend(
        parent, bars=2, stems=["bass", "drums"], chords="Ebmaj7 | Bb7", genre="jazz", key="Eb major", title="b", steps=1
    )
    check_grown(parent, child)
    new = child.score.within(parent.selection.beats, child.selection.beats)
    assert new.parts == ("bass", "drums") and set(child.stems) == set(parent.stems)
    assert [(span.start, span.chord.name) for span in child.score.chords] == [
        (0, "Am"), (4, "F"), (8, "Ebmaj7"), (12, "Bb7"),
    ]  # fmt: skip
    assert (child.plan.genre, child.plan.key, child.title) == ("jazz", "Eb major", "b")
    assert parent.plan.genre == "pop"


def test_finished_parts_are_played_as_they_are(flow: HarmonicFlow, parent: Result) -> None:
    mine = Score(tuple(Note("bass", Fraction(beat), Fraction(1), 33 + beat, 90) for beat in range(6, 16)))
    (child,) = flow.extend(parent, bars=2, known=mine, steps=1)
    check_grown(parent, child)
    assert [note for note in child.score.part("bass") if note.start >= 8] == [n for n in mine.notes if n.start >= 8]
    assert len(child.score.part("drums")) > len(parent.score.part("drums"))


def test_steering_is_inherited_and_its_energy_holds_on(flow: HarmonicFlow) -> None:
    parent = made(flow, steering=Steering(density={"": 0.9}, energy=(0.1, 0.8)), steps=1)
    (child,) = flow.extend(parent, bars=1, steps=1)
    (grandchild,) = flow.extend(child, bars=1, steps=1)
    for each in (child, grandchild):
        assert each.request["steering"]["density"] == {"": 0.9}
        assert each.request["steering"]["energy"] == (0.8,) or list(each.request["steering"]["energy"]) == [0.8]
    (other,) = flow.extend(child, bars=1, steering=Steering(density={"": 0.1}), steps=1)
    assert other.request["steering"]["density"] == {"": 0.1}


def test_an_energy_curve_goes_over_the_new_bars(
    flow: HarmonicFlow, parent: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a composer reads at the middle of each bar: the first value for the past, the curve for what is new."""
    seen: list[Steering] = []
    real = extending.recomposed
    monkeypatch.setattr(extending, "recomposed", lambda *words: (seen.append(words[4]), real(*words))[1])
    flow.extend(parent, bars=4, steering=Steering(energy=(0.0, 1.0)), steps=1)
    asked = [seen[0].energy_at((bar + 0.5) / 6) for bar in range(6)]
    assert asked == pytest.approx([0, 0, 1 / 8, 3 / 8, 5 / 8, 7 / 8])


def test_the_clip_of_the_opening_is_known_as_far_as_it_went(flow: HarmonicFlow, tmp_path: Path) -> None:
    clip = 0.3 * np.sin(np.arange(2 * SAMPLE_RATE) * 0.05, dtype=np.float32)
    (parent,) = flow.generate(clip=clip, clip_rate=SAMPLE_RATE, tempo=120, seed=1, steps=1)
    (child,) = flow.extend(parent, bars=1, steps=1)
    check_grown(parent, child)
    write_take(child, tmp_path / "child")
    back = read_take(tmp_path / "child")
    assert np.array_equal(back.canvas.known, child.canvas.known)
    assert back.canvas.known[0].sum() == parent.canvas.frames < child.canvas.frames
    (edited,) = flow.regenerate(tmp_path / "child", stems="bass", from_bar=1, to_bar=2, seed=2, steps=1)
    assert np.array_equal(edited.latents[0], child.latents[0])


def test_an_extension_can_be_regenerated_across_its_seam_and_extended(flow: HarmonicFlow, child: Result) -> None:
    (edited,) = flow.regenerate(child, stems="drums", from_bar=2, to_bar=3, seed=8, steps=1)
    (longer,) = flow.extend(edited, bars=1, steps=1)
    check_grown(edited, longer)


def test_the_new_sound_is_given_as_a_block(flow: HarmonicFlow, parent: Result) -> None:
    blocks: list[BlockAudio] = []
    options = flow.extend(parent, bars=1, count=2, steps=1, on_block=blocks.append)
    assert [block.take_index for block in blocks] == [0, 1]
    for block, option in zip(blocks, options, strict=True):
        assert block.start_frame == parent.selection.frames
        assert np.array_equal(block.mix, option.mix[:, block.start_frame :])
        assert np.array_equal(block.stems[1], option.stems["drums"][:, block.start_frame :])


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("bad_selection", {}), ("bad_selection", {"bars": 0}), ("bad_selection", {"bars": 1, "seconds": 1}),
        ("bad_selection", {"beats": "two"}), ("too_short", {"seconds": 0.01}), ("too_long", {"seconds": 3600}),
        ("too_long", {"bars": 10**9}), ("unknown_stem", {"bars": 1, "stems": "kazoo"}),
        ("bad_count", {"bars": 1, "count": 17}), ("bad_chord", {"bars": 1, "chords": "H#9"}),
        ("unknown_genre", {"bars": 1, "genre": "polka"}),
    ],
)  # fmt: skip
def test_bad_extensions_are_refused(flow: HarmonicFlow, parent: Result, code: str, options: dict[str, object]) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        flow.extend(parent, **options)
    assert caught.value.code == code


def test_a_take_of_another_latent_space_is_refused(flow: HarmonicFlow, parent: Result) -> None:
    other = replace(parent, bundle=parent.bundle | {"latent_space": "0123456789abcdef"})
    with pytest.raises(HarmonicFlowError, match="0123456789abcdef"):
        flow.extend(other, bars=1)


def test_a_cancel_ends_it_between_steps(flow: HarmonicFlow, parent: Result) -> None:
    seen: list[str] = []

    def stop(at: object) -> None:
        seen.append(at.stage)  # type: ignore[attr-defined]
        if seen.count("perform") == 3:
            flow.cancel()

    with pytest.raises(HarmonicFlowError) as caught:
        flow.extend(parent, bars=2, count=2, steps=4, progress=stop)
    assert caught.value.code == "cancelled" and seen.count("perform") == 3


def test_a_learned_composer_goes_on_from_what_is_there(tiny_composer: Path) -> None:
    """The model writes; what it writes depends on the parent's notes; its progress and the parent stay as they are."""
    flow = HarmonicFlow(tiny_composer, threads=1)
    parent, other = (made(flow, seed=seed, steps=1) for seed in (1, 2))
    assert parent.composer == "model" and parent.score != other.score
    children = [flow.extend(each, bars=2, seed=5, steps=1)[0] for each in (parent, other, parent)]
    for before, after in zip((parent, other), children, strict=False):
        check_grown(before, after)
        assert after.composer == "model" and not after.warnings
        added = after.score.within(before.selection.beats, after.selection.beats)
        assert added.parts == ("bass", "drums", "guitar", "piano")
    new = [tuple(note for note in child.score.notes if note.start >= 8) for child in children]
    assert new[0] == new[2] != new[1]
