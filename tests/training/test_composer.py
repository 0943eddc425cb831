"""The composer's training: songs as cells, masks and recall, exact likelihoods, a few steps, the way to a bundle."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from export.bundle import build_bundle
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.engine.bundle import Bundle
from harmonicflow.nn.composer import Composer, ComposerConfig
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.cell_features import HARMONY_COLUMNS
from harmonicflow.score.cells import CELL_PARTS, NOTES, PLACE, SLOT, SLOTS, notes_of
from training import promote_parts
from training.cell_songs import cell_song, load_cell_songs
from training.commands.train import command as train
from training.composer import ComposerTask, TrainedComposer, cell_likelihood, roll_likelihood
from training.composer_data import CellData, draw_known, rolled, transposed
from training.composer_runs import about

TINY = ComposerConfig(dim=32, heads=2, layers=1, expansion=2, note=16, writer=32)
BPM = 100.0


def labels_of(seed: int, meter: str = "4/4", bars: int = 20, parts: tuple[str, ...] = CELL_PARTS) -> dict[str, Any]:
    """Labels of a song by the arranger."""
    selection = Selection.from_bars(bars, BPM, meter, 44100)
    score = Arranger().compose(ComposeRequest(selection, genre="pop", seed=seed, stems=parts))
    beat_s = 60 / BPM
    notes = {part: [[float(note.start) * beat_s + max(note.shift_s, 0), float(note.end) * beat_s, note.pitch,
                     note.velocity] for note in score.part(part)] for part in parts}  # fmt: skip
    per_bar = selection.bars()[0].meter.beats
    return {
        "group": f"song{seed}", "genre": "pop", "emotion": [0.1, 0.2], "meter": meter, "key": "C major",
        "made": ["bass"],
        "beats_s": [beat * beat_s for beat in range(int(selection.beats) + 2)],
        "downbeats": [float(number * per_bar) for number in range(bars + 1)],
        "chords": [[float(c.start) * beat_s, float(c.end) * beat_s, c.chord.name] for c in score.chords],
        "notes": {part: sorted(rows) for part, rows in notes.items() if rows}, "seconds": float(selection.seconds),
        "sections": [[float(s.start) * beat_s, float(s.end) * beat_s, s.name] for s in score.sections],
    }  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells")
    for split, seeds in (("train", range(4)), ("validation", range(4, 6))):
        for seed in seeds:
            track = folder / split / f"Track{seed:05d}"
            track.mkdir(parents=True)
            (track / "labels.json").write_text(json.dumps(labels_of(seed)))
    return folder


@pytest.fixture(scope="module")
def data(corpus: Path) -> CellData:
    return CellData(load_cell_songs([corpus], "train"), 8, 0)


def test_a_song_becomes_the_cells_it_was_made_of() -> None:
    labels = labels_of(3, "7/8", 12)
    song = cell_song(labels, "x")
    assert song is not None and song.cells == 12 * 4 and song.meter == "7/8"
    assert list(song.human) == [0, 1, 1, 1] and song.present.all()
    beats = 0
    for row, part in enumerate(CELL_PARTS):
        found = notes_of(part, song.tokens[row], song.grid)
        beats += len(found)
        onsets = sorted(round(float(note.start) * 60 / BPM + note.shift_s, 2) for note in found)
        wanted = sorted(round(note[0], 2) for note in labels["notes"][part])
        assert len(onsets) == pytest.approx(len(wanted), rel=0.02)
        assert np.abs(np.array(onsets[:40]) - np.array(wanted[: len(onsets[:40])])).max() < 0.05
    assert beats > 300
    root = song.harmony[0, HARMONY_COLUMNS["root"]]
    assert root.sum() == 1 and song.time[:, -4:].shape[1] == 4 and song.energy.max() == 1


def test_songs_without_beats_bars_or_notes_are_left_out(tmp_path: Path) -> None:
    whole = labels_of(1)
    for missing in ({"beats_s": []}, {"downbeats": [0.0]}, {"notes": {"piano": []}}):
        assert cell_song(whole | missing, "x") is None
    with pytest.raises(HarmonicFlowError) as refused:
        load_cell_songs([tmp_path], "train")
    assert refused.value.code == "no_corpus"


def test_the_same_seed_draws_the_same_and_only_unknown_cells_are_asked_for(data: CellData, corpus: Path) -> None:
    again = CellData(data.songs, 8, 0)
    one, other = again.batch(), CellData(data.songs, 8, 0).batch()
    assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    for _ in range(10):
        batch = data.batch()
        rows, cells = batch.write[..., 0].long(), batch.write[..., 1].long()
        known = torch.stack([k[r, c] for k, r, c in zip(batch.known, rows, cells, strict=True)])
        assert not (known * batch.weight).any(), "a cell that is shown is no question"
        hidden = batch.notes[..., SLOT].amax(-1) >= 0
        assert not (hidden & (batch.known < 0.5)).any(), "an unknown cell shows its notes"
        there = batch.recall[..., SLOT].amax(-1) >= 0
        assert not (there & (batch.likeness == 0)).any()


def test_masks_are_of_every_kind(data: CellData) -> None:
    random = np.random.default_rng(0)
    song = data.songs[0]
    masks = [draw_known(random, song, slice(0, 64)) for _ in range(200)]
    shares = np.array([mask.mean() for mask in masks])
    assert (shares == 0).any() and (shares > 0.8).any() and 0.3 < shares.mean() < 0.8
    one_part = [mask for mask in masks if sum(row.all() for row in mask) == 3]
    prefix = [mask for mask in masks if mask[:, :4].all() and not mask[:, -4:].any()]
    assert one_part and prefix


def test_a_transposed_window_is_the_same_music_higher(data: CellData) -> None:
    song = data.songs[0]
    up, harmony = transposed(song.tokens.astype(np.int16), 3), rolled(song.harmony, 3)
    there = song.tokens[..., SLOT] >= 0
    assert (up[0][there[0]][:, PLACE] - song.tokens[0][there[0]][:, PLACE] == 3).all()
    assert (up[1] == song.tokens[1]).all()
    roots = song.harmony[:, HARMONY_COLUMNS["root"]].argmax(1)
    assert (harmony[:, HARMONY_COLUMNS["root"]].argmax(1) == (roots + 3) % 12).all()


def test_training_counts_the_likelihood_that_the_network_says(data: CellData) -> None:
    torch.manual_seed(0)
    network = Composer(TINY).eval()
    batch = data.batch()
    with torch.no_grad():
        nll, _ = cell_likelihood(network, batch)
        given = {name: torch.from_numpy(value) for name, value in promote_parts.graph_inputs(batch).items()}
        order = ("notes", "known", "recall", "likeness", "harmony", "time", "style", "controls", "write", "uniform",
                 "forced", "bias", "heat")  # fmt: skip
        _, logp = network(*(given[name] for name in order))
    asked = batch.weight.flatten() > 0
    assert (nll.sum(1)[asked] + logp.sum(-1).flatten()[asked]).abs().max() < 2e-3


def test_the_roll_says_what_independent_places_cost() -> None:
    targets = torch.full((2, NOTES, 5), -1.0)
    targets[0, 0] = torch.tensor([0.0, 40, 3, 9, 8])
    logits = torch.full((2, SLOTS * 88), -3.0)
    cost = roll_likelihood(logits, targets)
    empty = SLOTS * 88 * np.log1p(np.exp(-3.0))
    assert float(cost[1]) == pytest.approx(empty, rel=1e-4) and float(cost[0] - cost[1]) == pytest.approx(3, abs=1e-3)


def test_learning_lowers_the_loss_and_a_composer_of_it_goes_into_a_bundle(
    corpus: Path, data: CellData, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    task = ComposerTask(TINY, CellData(load_cell_songs([corpus], "validation"), 8, 1), batches=2)
    with torch.no_grad():
        before = task.validate(task.network.eval())
    optimiser = torch.optim.AdamW(task.network.parameters(), 4e-3)
    task.network.train()
    for _ in range(30):
        optimiser.zero_grad()
        task.loss(data.batch())["total"].backward()
        optimiser.step()
    with torch.no_grad():
        after = task.validate(task.network.eval())
    assert after["bits"] < 0.75 * before["bits"] and after["drums"] < before["drums"]
    assert isinstance(task.network, TrainedComposer) and about(data.songs)["meters"] == ["4/4"]


def test_the_command_trains_resumes_and_its_checkpoint_is_exported(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promote_parts, "WINDOWS", 2)
    folder = tmp_path / "run"
    options = ["composer", "--data-dir", str(corpus), "--checkpoint-dir", str(folder), "--batch-size", "2", "--threads",
               "1", "--precision", "fp32", "--hidden-dim", "64", "--layers", "1"]  # fmt: skip
    first = CliRunner().invoke(train, [*options, "--epochs", "1", "--max-minutes", "1"])
    assert first.exit_code == 0 and "VALIDATION" in first.output, first.output
    assert "resumed at step" in CliRunner().invoke(train, [*options, "--epochs", "2", "--resume"]).output
    default = Path(__file__).parents[2] / "harmonicflow" / "bundles" / "default"
    made = build_bundle(default, default, tmp_path / "mine", name="mine", composer=folder / "best.safetensors")
    bundle = Bundle.load(made)
    assert bundle.has("composer") and bundle.card.composer.meters == ("4/4",)
    assert "Composer: " in bundle.card.card and "written by rule" in bundle.card.card
    refused, gain = promote_parts.composer_verdict(bundle, None, corpus, 0, lambda line: None)
    assert bool(refused) != bool(gain)
    same, _ = promote_parts.composer_verdict(bundle, bundle, corpus, 0, lambda line: None)
    assert same, "a composer is not better than itself"
    again = build_bundle(made, made, tmp_path / "again", name="again")
    assert (again / "composer.onnx").read_bytes() == (made / "composer.onnx").read_bytes()
    assert Fraction(Bundle.load(again).card.composer.parameters) == bundle.card.composer.parameters
