"""The performer's full scoreboard on planted songs and the stand-in bundle: rows, steps, gates, page and pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harmonicflow.core.constants import LATENT_RATE
from harmonicflow.engine import codec
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime
from tests.planted_songs import make_song
from tests.tiny_bundle import make_tiny_bundle
from training.commands.evaluate import command
from training.excerpts import Excerpt, choose_excerpts
from training.performer_gates import gates
from training.performer_ladder import STEPS, TOLD, PerformerLadder, PerformerOptions, climb, differing, kept
from training.performer_page import page, table
from training.performer_pictures import draw
from training.rows import Told, conditions, performed, regenerated
from training.scoreboard import DROPPED, LADDER

STEMS = ("bass", "drums", "guitar", "piano")
OPTIONS = PerformerOptions(songs=2, seconds=3.0, threads=1, step_songs=1, bars=3, timed_runs=1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs to measure on, and two others whose drums the probe is fitted to."""
    folder = tmp_path_factory.mktemp("corpus")
    for split, numbers in (("test", (1, 2)), ("train", (3, 4))):
        for number in numbers:
            make_song(folder, number)
        (folder / "validation").rename(folder / split)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def runtime(tiny: Path) -> Runtime:
    return Runtime(Bundle.load(tiny), threads=1)


@pytest.fixture(scope="module")
def excerpt(corpus: Path) -> Excerpt:
    return choose_excerpts(corpus, "test", STEMS, 1, 4.0, 0)[0]


@pytest.fixture(scope="module")
def ladder(tiny: Path, corpus: Path) -> PerformerLadder:
    return climb(tiny, corpus, OPTIONS)


def test_what_is_dropped_is_zero_and_flagged_so(excerpt: Excerpt) -> None:
    def inputs(told: Told) -> dict[str, np.ndarray]:
        return conditions(excerpt, STEMS, told).window(STEMS, 0, excerpt.frames)

    full = inputs(Told())
    assert full["score"][..., -1].all() and full["guide"][0, :, 75:78].all()
    silent = inputs(Told(score=False))
    assert not silent["score"].any() and np.array_equal(silent["guide"], full["guide"])
    for told, columns, flag in (
        (Told(chords=False), slice(9, 45), 76),
        (Told(key=False), slice(45, 59), 77),
        (Told(time=False), slice(0, 9), 75),
    ):
        guide = inputs(told)["guide"][0]
        assert full["guide"][0, :, columns].any() and not guide[:, columns].any() and not guide[:, flag].any()
        others = [place for place in range(79) if place != flag and not columns.start <= place < columns.stop]
        assert np.array_equal(guide[:, others], full["guide"][0][:, others])
        assert np.array_equal(inputs(told)["score"], full["score"])
    assert inputs(Told(time=False))["pool"].shape[1] == round(4 * LATENT_RATE) / LATENT_RATE // 0.5 + 1


def test_a_clip_is_heard_and_everything_told_is_what_was_told_before(runtime: Runtime, excerpt: Excerpt) -> None:
    plain = performed(runtime, excerpt, 0, 1)
    guided, clipped = (performed(runtime, excerpt, 0, 1, Told(score=False, clip=clip)) for clip in (False, True))
    assert not np.array_equal(plain["bass"], guided["bass"]) and not np.array_equal(guided["bass"], clipped["bass"])


def test_a_regenerated_stem_hears_the_true_others(runtime: Runtime, excerpt: Excerpt) -> None:
    latents = codec.encode(runtime, np.stack([excerpt.truth(stem) for stem in STEMS]))
    made = regenerated(runtime, excerpt, latents, 0, 1)
    assert set(made) == {"bass", "drums", "piano"}, "no guitar is asked for"
    others = latents.copy()
    others[0] = 0.5
    again = regenerated(runtime, excerpt, others, 0, 1)
    assert np.array_equal(made["bass"], again["bass"]), "its own truth is not known to it"
    assert not np.array_equal(made["piano"], again["piano"])


def test_every_row_is_measured(ladder: PerformerLadder) -> None:
    board = ladder.board
    assert set(board["rows"]) == {*LADDER, *DROPPED} and set(TOLD) | {"regenerated"} == set(DROPPED)
    assert {"snare", "all"} >= set(board["rows"]["truth"].get("drum_f1", {"all": 1}))
    assert set(board["steps"]["rows"]) == {str(steps) for steps in STEPS} and board["steps"]["songs"] == 1
    assert set(board["steps"]["kept"]["32"].values()) == {1.0}
    rows = {row: board["rows"][row]["pitch_f1"]["all"] for row in ("performed", "no_score", "no_chords")}
    assert rows["no_score"] < 0.5 * rows["performed"], "the stand-in knows no notes but the score's"
    assert rows["no_chords"] == pytest.approx(rows["performed"], abs=0.15)
    assert json.loads(json.dumps(board)) == board
    assert len(ladder.exhibits) == 2


def test_a_straight_flow_keeps_everything_at_any_number_of_steps(ladder: PerformerLadder) -> None:
    """The stand-in's flow bends a little: the noise leaves a trace in its sound."""
    shares = ladder.board["steps"]["kept"]
    assert all(abs(shares[steps]["pitch_f1"] - 1) < 0.2 for steps in ("1", "2", "4", "8")), shares


def test_a_long_take_is_exact(ladder: PerformerLadder) -> None:
    found = ladder.board["long_take"]
    assert found["frames"] == round(3 * 4 * 60 * 44100 / 97.3) and found["blocks"] >= 2
    assert found["wrong_frames"] == 0 and found["differing_bytes"] == 0 and found["real_time_factor"] > 0
    a = np.arange(8, dtype=np.float32)
    assert differing(a, a.copy()) == 0 and differing(a, a[:7]) == 32 and 0 < differing(a, -a) < 32


def planted(**rows: dict) -> dict:
    """A board whose performer meets every demand, but for what is planted."""
    onset, row = {stem: 1.0 for stem in (*STEMS, "all")}, {}
    for metric in ("onset_f1_50", "onset_f1_20", "pitch_f1", "drum_f1", "chord", "beat_phase"):
        row[metric] = onset
    late = {"offset_ms": dict.fromkeys(STEMS, 3.0), "offset_iqr_ms": dict.fromkeys(STEMS, 8.0)}
    names = ("truth", "performed", "no_score")
    board = {"rows": {name: row | late for name in names}, "shares": dict.fromkeys(names, row)}
    board["rows"] |= {"no_harmony": {"chord": {"all": 0.2}}, "truth_shuffled": {"chord": {"all": 0.15}}} | rows
    kept = dict.fromkeys(row, 0.97)
    long_take = {"bars": 64, "tempo": "97.3", "wrong_frames": 0, "differing_bytes": 0, "real_time_factor": 0.1,
                 "steps": 4, "threads": 2}  # fmt: skip
    return board | {"valid": dict.fromkeys(row, True), "steps": {"kept": {"4": kept}}, "long_take": long_take}


def failing(board: dict) -> set[tuple[str, str]]:
    return {(gate["gate"], gate["column"]) for gate in gates(board) if not gate["pass"]}


def test_gates_pass_and_each_can_fail() -> None:
    good = planted()
    assert failing(good) == set() and len(gates(good)) == 10 + 8 + 4 + 1 + 1 + 2 + 6 + 3
    assert failing(planted(no_harmony={"chord": {"all": 0.26}})) == {
        ("chords with neither score, chords nor key told", "all")
    }
    late = planted()
    late["rows"]["performed"] = late["rows"]["performed"] | {"offset_ms": {"bass": -11.0}}
    assert ("median offset, ms", "bass") in failing(late), "early is as bad as late"
    blind = planted()
    blind["valid"]["drum_f1"] = False
    assert {("notes heard, F1, share of the truth's (does not rank)", "drums")} < failing(blind)
    for place in ("wrong_frames", "differing_bytes", "real_time_factor"):
        assert len(failing(replaced(good, "long_take", good["long_take"] | {place: 1}))) == 1
    slow = replaced(good, "steps", {"kept": {"4": good["steps"]["kept"]["4"] | {"chord": 0.94}}})
    assert len(failing(slow)) == 1
    verdict = {
        "figures": {"share_of_truth": {"performed": 0.93}},
        "ladder": {},
        "valid": True,
        "gate": "0.9",
        "pass": True,
    }
    judged = replaced(good, "judges", {"coherence": verdict, "copying": verdict | {"pass": False}})
    assert failing(judged) == {("judged", "copying")}
    assert [gate["value"] for gate in gates(judged) if gate["gate"] == "judged"] == [0.93, None]
    missing = replaced(good, "shares", good["shares"] | {"no_score": {}})
    assert len(failing(missing)) == 2, "what is not measured is not met"


def replaced(board: dict, key: str, value: object) -> dict:
    return board | {key: value}


def test_shares_of_many_steps() -> None:
    scores = {steps: {"chord": {"all": value}} for steps, value in (("1", 0.3), ("32", 0.6))}
    assert kept(scores) == {"1": {"chord": 0.5}, "32": {"chord": 1.0}}


def test_page_and_pictures(ladder: PerformerLadder, tmp_path: Path) -> None:
    drawn = draw(ladder.exhibits[:1], tmp_path / "pictures")
    figures = {"share": 0.9312, "by_stem": {"bass": {"truth": 0.5}}, "table": {str(n): {} for n in range(13)}}
    verdict = {"figures": figures, "ladder": {"auc": 0.99}, "valid": True, "gate": "at least 0.9", "pass": True,
               "notes": ["small"]}  # fmt: skip
    text = page(ladder.board | {"judges": {"coherence": verdict}}, drawn, tmp_path, "harmonicflow evaluate --performer")
    assert all(f"- {row}: " in text for row in (*LADDER, *DROPPED))
    assert "## Steps" in text and "real-time factor" in text and "(pictures/performer_1.png)" in text
    assert "### Coherence: pass" in text and "| share | 0.931 |" in text
    assert "| by stem, bass | truth 0.5 |" in text and "| ladder | auc 0.99 |" in text
    assert f"{ladder.board['rows']['performed']['pitch_f1']['bass']:.3f}" in text
    assert "gates" in table(ladder.board) and "32" in table(ladder.board)
    assert (tmp_path / "pictures" / "performer_1.png").stat().st_size < 150_000


def test_the_command_asks_for_one_scoreboard(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    shared = ["--bundle", str(tiny), "--corpus", str(corpus)]
    both = CliRunner().invoke(command, [*shared, "--codec", "--performer"])
    assert both.exit_code == 2 and "ask for one" in both.stderr
    clips = CliRunner().invoke(command, [*shared, "--performer", "--clips", str(tmp_path)])
    assert clips.exit_code == 2 and "--clips goes with --codec" in clips.stderr
    for kind in ([], ["--codec"]):
        judges = CliRunner().invoke(command, [*shared, *kind, "--judges", str(tmp_path)])
        assert judges.exit_code == 2 and "--judges goes with --performer" in judges.stderr


def test_the_command_writes_the_page(tiny: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(*window: object) -> PerformerOptions:
        return replace(PerformerOptions(*window), step_songs=1, bars=2, drum_songs=0, timed_runs=1)  # type: ignore[arg-type]

    monkeypatch.setattr("training.performer_ladder.PerformerOptions", few)
    words = [
        "--performer",
        "--bundle",
        tiny,
        "--corpus",
        corpus,
        "--songs",
        1,
        "--seconds",
        3,
        "--threads",
        1,
        "--json",
    ]
    done = CliRunner().invoke(command, [str(word) for word in [*words, "--page", tmp_path / "performer.md"]])
    assert done.exit_code == 0, done.output
    board = json.loads(done.stdout)
    text = (tmp_path / "performer.md").read_text(encoding="utf-8")
    assert "--performer --corpus CORPUS --split test --songs 1 --seconds 3 --page performer.md" in text
    assert str(tmp_path) not in text and str(corpus) not in text
    assert "drum_f1" not in board["rows"]["truth"], "there was nothing to fit the probe to"
    assert "shuffled" not in board["rows"], "one song has no other"
