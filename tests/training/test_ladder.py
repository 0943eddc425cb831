"""The codec's ladder on two planted songs, a recording and the stand-in bundle; its rungs, gates, page and pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from harmonicflow.analysis.fidelity import Truth, chroma_similarity, complex_distance, si_sdr_db
from harmonicflow.analysis.metrics import log_mel_distance_db
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from tests.tiny_bundle import make_tiny_bundle
from training import rungs
from training.commands.evaluate import command
from training.ladder import LadderOptions, climb, song_pieces, whole
from training.ladder_page import table
from training.ladder_pictures import SHOWN, attacks, draw, loudest_start, spectrograms
from training.ladder_scores import METRICS, Tally, board, gates, ranks

STEMS = ("bass", "drums", "guitar", "piano")
SONG_S = 6.0
OPTIONS = LadderOptions(split="test", songs=2, seconds=3.0, threads=1, griffin_lim_songs=2, iterations=2)


def tones(notes: list[list[float]]) -> np.ndarray:
    """Plucked tones with eight overtones; drums (pitch 38) as bursts of noise out of silence."""
    out, rng = np.zeros(round(SONG_S * SAMPLE_RATE)), np.random.default_rng(0)
    for onset, offset, pitch, velocity in notes:
        start, end = round(onset * SAMPLE_RATE), round(offset * SAMPLE_RATE)
        t = np.arange(end - start) / SAMPLE_RATE
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 9)) * np.exp(-3 * t)
        if pitch == 38:
            tone = rng.standard_normal(len(t)) * np.exp(-60 * t)
        out[start:end] += 0.0015 * velocity * tone * np.minimum(1, (end - start - np.arange(end - start)) / 400)
    return out


def make_song(folder: Path, number: int) -> None:
    parts: dict[str, list[list[float]]] = {"bass": [], "drums": [], "piano": [], "other": []}
    for beat in range(10):
        at = 0.2 + (0.5 + 0.03 * number) * beat
        parts["drums"].append([at, at + 0.2, 38, 80 + 4 * beat])
        parts["bass"].append([at, at + 0.3, 40 + (5 * beat) % 12, 100])
        parts["piano"] += [[at, at + 0.4, pitch + (5 * beat) % 12, 90] for pitch in (60, 64, 67)]
    parts["other"].append([0.5, 4.5, 69, 60])
    track = folder / "test" / f"Track{number:05d}"
    track.mkdir(parents=True)
    for part, notes in parts.items():
        if part != "other" or number == 1:
            soundfile.write(track / f"{part}.wav", tones(notes), SAMPLE_RATE, subtype="PCM_16")
    labels = {"genre": "pop", "emotion": None, "beats_s": [0.0, 1.0, 2.0, 3.0], "downbeats": [0], "chords": [],
              "key": None, "notes": {stem: parts.get(stem, []) for stem in STEMS}, "seconds": SONG_S}  # fmt: skip
    (track / "labels.json").write_text(json.dumps(labels))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in (1, 2):
        make_song(folder, number)
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stereo recording at another rate, and a file that is no sound."""
    folder = tmp_path_factory.mktemp("clips")
    sound = tones([[0.1 + 0.5 * n, 0.5 + 0.5 * n, 50 + 3 * n, 110] for n in range(5)])[: 3 * SAMPLE_RATE : 2]
    soundfile.write(folder / "lick.flac", np.stack([sound, 0.5 * sound], axis=1), SAMPLE_RATE // 2)
    (folder / "README.txt").write_text("not a sound")
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def result(tiny: Path, corpus: Path, clips: Path) -> tuple[dict, dict]:
    """One run with everything: its board, and the sounds it shows."""
    ladder = climb(tiny, corpus, replace(OPTIONS, songs=1, seed=0), None, clips)  # the song with all columns
    return ladder.board, ladder.exhibits


def test_every_column_goes_through_every_rung(result: tuple[dict, dict]) -> None:
    scores = result[0]["scores"]
    assert result[0]["columns"] == ["bass", "drums", "piano", "sum", "mix", "other", "lick"]
    assert result[0]["songs"]["other"] == 1 and result[0]["songs"]["guitar"] == 0
    for metric in ("log_mel_l1_db", "complex_stft", "si_sdr_db"):
        for column in result[0]["columns"]:
            assert set(scores[metric][column]) == {"codec", "mp3", "griffin_lim", "noise"}
    assert set(scores["chroma"]) == {"bass", "piano", "sum", "mix", "other", "lick"}
    assert set(scores["onset_f1_50"]) == {"drums", "sum", "mix", "other", "lick"}
    assert set(scores["before_held"]["drums"]) == {"truth", "codec", "mp3", "griffin_lim", "noise"}


def test_the_ladder_comes_out_in_order(result: tuple[dict, dict]) -> None:
    scores, ranked = result[0]["scores"], result[0]["ranks"]
    assert scores["onset_f1_50"]["drums"]["truth"] > 0.95
    assert scores["before_excess_db"]["drums"]["truth"] == 0
    for column in ("bass", "piano", "sum"):
        mp3, mel, noise = (scores["si_sdr_db"][column][rung] for rung in ("mp3", "griffin_lim", "noise"))
        assert mp3 > 10 > mel >= noise
        assert scores["chroma"][column]["mp3"] > scores["chroma"][column]["noise"] + 0.1
        assert ranked["si_sdr_db"][column] and ranked["complex_stft"][column] and ranked["chroma"][column]
    assert ranked["before_held"]["drums"] and ranked["onset_f1_50"]["drums"]


def test_the_stand_in_codec_fails_its_gates(result: tuple[dict, dict]) -> None:
    """It holds 32 sines: no attack of a drum survives it, so a gate that passed it would be none."""
    found = {(gate["column"], gate["gate"]): gate["pass"] for gate in result[0]["gates"]}
    assert not found["drums", "onset F1 (50 ms), share of the truth's"]
    assert not found["drums", "level before clear onsets (median), dB"]
    assert not found["piano", "chroma similarity"]
    assert ("bass", "SI-SDR, dB (not below -20) against mel + Griffin-Lim") in found


def test_the_table_says_every_metric_and_gate(result: tuple[dict, dict]) -> None:
    plain = table(result[0])
    assert "FAIL" in plain and all(METRICS[name].title in plain for name in result[0]["scores"])
    assert json.loads(json.dumps(result[0])) == result[0]


def test_the_command_prints_one_object_and_writes_the_page(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    words = ["--codec", "--bundle", tiny, "--corpus", corpus, "--songs", 1, "--seconds", 3, "--threads", 1, "--json"]
    words += ["--seed", 5, "--page", tmp_path / "codec.md"]
    with pytest.MonkeyPatch.context() as patch:  # Griffin-Lim is the slow part
        patch.setattr("training.ladder.LadderOptions", partial(LadderOptions, iterations=1))
        done = CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0 and "measured 1 of 1" in done.stderr
    scores = json.loads(done.stdout)
    text = (tmp_path / "codec.md").read_text(encoding="utf-8")
    assert "--corpus CORPUS --split test --songs 1 --seconds 3 --seed 5 --page codec.md" in text
    assert f"{scores['scores']['si_sdr_db']['piano']['mp3']:.1f}" in text and "**fails**" in text
    assert str(tmp_path) not in text and str(corpus) not in text
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == [f"codec_{name}.png" for name in ("bass", "drums", "mix", "onsets", "piano")]
    assert all(f"(pictures/{name})" in text for name in pictures)
    assert max(path.stat().st_size for path in (tmp_path / "pictures").iterdir()) < 150_000


def test_same_seed_same_board_and_same_bundle_same_scores(tiny: Path, corpus: Path) -> None:
    options = LadderOptions(split="test", songs=1, seconds=3.0, threads=1, griffin_lim_songs=0)
    found = climb(tiny, corpus, options, tiny).board
    assert found == climb(tiny, corpus, options, tiny).board
    for columns in found["scores"].values():
        assert all(row.get("codec") == row.get("previous") for row in columns.values())
    assert found["about"]["previous_hash"] == found["about"]["bundle_hash"]


def test_pieces_hold_what_sounds_and_their_sum(corpus: Path) -> None:
    pieces = {piece.name[:10]: piece for piece in song_pieces(corpus, STEMS, OPTIONS)}
    first, second = pieces["Track00001"], pieces["Track00002"]
    assert set(first.sounds) == {"bass", "drums", "piano", "other", "mix"} and "other" not in second.sounds
    together = first.sounds["bass"] + first.sounds["drums"] + first.sounds["piano"]
    np.testing.assert_allclose(whole(first)["sum"], together, atol=1e-6)
    np.testing.assert_allclose(first.sounds["mix"], together + first.sounds["other"], atol=1e-6)
    assert first.onsets_s is not None and list(first.onsets_s) == ["drums"] and len(first.onsets_s["drums"]) >= 6


@pytest.mark.parametrize("split", ["nowhere", "train"])
def test_without_songs_it_says_so(tiny: Path, corpus: Path, split: str) -> None:
    with pytest.raises(HarmonicFlowError) as error:
        climb(tiny, corpus, LadderOptions(split=split, threads=1))
    assert error.value.code == "no_corpus"


@pytest.mark.parametrize("words", [["--previous", "x"], ["--page", "x.md"], ["--codec", "--steps", "4"]])
def test_options_of_the_other_kind_are_refused(corpus: Path, words: list[str]) -> None:
    done = CliRunner().invoke(command, ["--corpus", str(corpus), *words])
    assert done.exit_code == 2 and "--codec" in done.stderr


# ----------------------------------------------------------------------------------------------------------- the rungs


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return tones([[0.5 * n + 0.1, 0.5 * n + 0.5, 45 + 3 * n, 110] for n in range(10)]).astype(np.float32)


def test_mp3_has_64_kbit_and_no_delay(sound: np.ndarray) -> None:
    assert rungs.mp3_kbps(sound) == pytest.approx(rungs.MP3_KBPS, rel=rungs.MP3_TOLERANCE)
    copy = rungs.mp3(sound)
    assert copy.shape == sound.shape and copy.dtype == np.float32
    assert si_sdr_db(copy, sound) > 20


@pytest.mark.parametrize("delay", [-700, -1, 0, 1, 529, 2257])
def test_a_planted_delay_is_taken_out(sound: np.ndarray, delay: int) -> None:
    late = np.pad(sound, (max(delay, 0), 0))[max(-delay, 0) :]
    np.testing.assert_array_equal(rungs.aligned(late, sound)[: len(sound) - 700], sound[: len(sound) - 700])


def test_alignment_of_silence_is_silence() -> None:
    assert not rungs.aligned(np.zeros(90, np.float32), np.ones(99, np.float32)).any()


def test_mel_and_griffin_lim_keep_levels_and_lose_phases(sound: np.ndarray) -> None:
    sound = sound[: 3 * SAMPLE_RATE // 2]
    (copy,) = rungs.mel_griffin_lim(sound[None], 1)
    assert copy.shape == sound.shape and copy.dtype == np.float32
    truth = Truth(sound, SAMPLE_RATE)
    assert log_mel_distance_db(copy, sound, SAMPLE_RATE) < 2 and chroma_similarity(copy, truth) > 0.9
    assert complex_distance(copy, truth) > 1
    assert np.sqrt(np.mean(copy**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.2)


def test_griffin_lim_draws_its_phases_from_the_seed(sound: np.ndarray) -> None:
    rows = np.stack([sound[: SAMPLE_RATE // 2], 0.5 * sound[: SAMPLE_RATE // 2]])
    once, again, other = (rungs.mel_griffin_lim(rows, seed, 2) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert once.shape == rows.shape and not np.array_equal(once, other)


def test_noise_has_the_sounds_level(sound: np.ndarray) -> None:
    noise = rungs.noise_like(sound, 3)
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.02)
    assert not rungs.noise_like(np.zeros(10, np.float32), 0).any()


# ---------------------------------------------------------------------------------------------- scores, ranks and gates


def planted(metric: str, values: dict[str, float], column: str = "drums") -> Tally:
    tally = Tally()
    for rung, value in values.items():
        tally.add(metric, column, rung, "a", [value])
    return tally


@pytest.mark.parametrize(
    ("values", "good"),
    [
        ({"mp3": 20.0, "codec": 7.0, "griffin_lim": -19.5, "noise": -20.0}, True),
        ({"mp3": 7.0, "codec": 20.0, "noise": -20.0}, True),  # the codec may be the better one
        ({"mp3": -19.0, "codec": 7.0, "noise": -20.0}, False),  # cannot tell MP3 from noise
        ({"mp3": 20.0, "codec": -15.0, "noise": -10.0}, False),  # a codec below noise
    ],
)
def test_a_metric_must_rank_what_is_known(values: dict[str, float], good: bool) -> None:
    assert ranks(planted("si_sdr_db", values), "si_sdr_db", "drums") == good


def test_nothing_may_stand_above_the_truth() -> None:
    values = {"truth": 0.5, "codec": 0.9, "mp3": 0.5, "noise": 0.0}
    assert not ranks(planted("before_held", values), "before_held", "drums")


def test_comparisons_are_on_the_songs_that_both_heard() -> None:
    tally = planted("si_sdr_db", {"codec": 5.0, "griffin_lim": 4.0})
    tally.add("si_sdr_db", "drums", "codec", "b", -19.0)
    assert tally.score("si_sdr_db", "drums", "codec") == -7
    (gate,) = gates(tally, ("drums",))
    assert gate["value"] == 5 and gate["pass"] and gate["needs"] == "> 4.0"


@pytest.mark.parametrize(("true_db", "own_db", "passes"), [(-70, -51, True), (-70, -49, False), (-30, -25, True)])
def test_the_gate_before_onsets(true_db: float, own_db: float, passes: bool) -> None:
    (gate,) = gates(planted("before_db", {"truth": true_db, "codec": own_db}), ("drums",))
    assert gate["pass"] == passes


def test_a_board_names_what_does_not_rank() -> None:
    tally = planted("si_sdr_db", {"mp3": -19.0, "codec": 7.0, "noise": -20.0})
    text = table(board(tally, {"bundle": "x"}, ["drums"], ("drums",)))
    assert "does not rank: drums" in text


# ------------------------------------------------------------------------------------------------------------- pictures


def test_pictures_show_the_loudest_part_and_need_a_clear_onset(sound: np.ndarray, tmp_path: Path) -> None:
    quiet = np.concatenate([np.zeros(2 * SAMPLE_RATE, np.float32), sound])
    assert loudest_start(quiet, 3.0) >= SAMPLE_RATE
    assert len(spectrograms(dict.fromkeys(SHOWN, quiet)).axes) == len(SHOWN) + 1
    assert attacks({"truth": np.zeros(SAMPLE_RATE, np.float32)}) is None
    assert draw({}, tmp_path / "none", STEMS) == {} and not list((tmp_path / "none").iterdir())
