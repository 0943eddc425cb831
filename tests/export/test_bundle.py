"""Checkpoints to a bundle: the engine loads and plays it, and a failed build leaves what was there."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from export.bundle import build_bundle
from export.checkpoints import load_codec
from export.command import command
from export.parts import codec_part
from harmonicflow.core.constants import HOP
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine import card
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.sources import SOUND_FONTS, SOURCES, corpus_data, corpus_sounds
from harmonicflow.nn.codec import Codec
from harmonicflow.nn.latent_space import latent_space
from harmonicflow.nn.performer import Performer
from training.commands.train import command as train

from .conftest import CODEC, PERFORMER, Made, save, shaken


@pytest.fixture(scope="module")
def flow(made: Made) -> HarmonicFlow:
    return HarmonicFlow(made.bundle, threads=1)


def test_the_engine_plays_it(flow: HarmonicFlow) -> None:
    (take,) = flow.generate(bars=1, tempo=120, chords="Am", genre="rock", seed=7, steps=2)
    assert {name: audio.shape[-1] for name, audio in take.stems.items()} == dict.fromkeys(flow.stems, 2 * 44100)
    assert all(np.isfinite(audio).all() and np.abs(audio).max() > 0 for audio in take.stems.values())


def test_the_engine_encodes_and_decodes_with_it_as_torch_does(flow: HarmonicFlow, made: Made) -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, 12 * HOP).astype(np.float32)
    latents = flow.encode(audio)
    with torch.no_grad():
        wanted = made.codec.encoder(torch.from_numpy(audio)[None])[0].numpy()
    assert latents.shape == (12, 32)
    np.testing.assert_allclose(latents, wanted, atol=0.02)  # the weights were rounded
    assert flow.decode(latents).shape == (12 * HOP,)


def test_the_decoder_needs_no_more_context_than_the_card_says(flow: HarmonicFlow, made: Made) -> None:
    context = Bundle.load(made.bundle).card.codec.context
    assert context == made.codec.context
    latents = np.random.default_rng(1).normal(0, 1, (4 * context + 1, 32)).astype(np.float32)
    middle = 2 * context
    whole = flow.runtime.run("decoder", latents=latents[None])[0]
    piece = flow.runtime.run("decoder", latents=latents[None, middle - context : middle + context + 1])[0]
    here = slice(middle * HOP, (middle + 1) * HOP)
    np.testing.assert_allclose(piece[context * HOP : (context + 1) * HOP], whole[here], atol=1e-6)


def test_model_json_says_what_it_is(made: Made) -> None:
    card = json.loads((made.bundle / "model.json").read_text())
    assert (card["name"], card["version"]) == ("test", "0.0.1")
    assert card["latent_space"] == latent_space(made.codec.encoder)
    assert card["performer"]["parameters"] == sum(p.numel() for p in made.performer.parameters())
    assert card["training"]["codec"] == {"step": 12, "minutes": 3.0}
    assert card["training"]["hardware"] == "one core"
    assert card["files"]["performer"]["inputs"]["score"] == ["batch", "stems", "length", 441]
    assert max(card["parity"].values()) < 1e-4


def test_the_card_names_sources_minutes_and_limits(made: Made) -> None:
    text = Bundle.load(made.bundle).card.card
    for told in ("Groove MIDI Dataset", "CC-BY-4.0", "2.50 h", "FluidR3", "one core", "3 minutes", "Not measured yet"):
        assert told in text
    assert "one General MIDI SoundFont" in text
    assert "POP909" not in text  # it was not used
    assert all(source.license and source.credit for source in (*SOURCES.values(), *SOUND_FONTS.values()))


def test_the_card_ends_with_commands_that_exist_and_fit(made: Made) -> None:
    text = Bundle.load(made.bundle).card.card
    lines = [line.split() for line in text.splitlines() if line.startswith("    harmonicflow ")]
    trained = [line for line in lines if line[1] == "train"]
    assert [line[2] for line in trained] == [
        "codec", "encode", "performer", "performer", "encode", "performer", "performer", "decoder",
    ]  # fmt: skip
    for line in lines:
        called = command if line[1] == "export" else train.commands[line[2]]
        known = {option for parameter in called.params for option in parameter.opts}
        assert {word for word in line if word.startswith("--")} <= known, line
    assert f"--hidden-dim {CODEC.frame_dim}" in " ".join(trained[0])
    for line in trained:
        fits = f"--hidden-dim {PERFORMER.dim} --layers {PERFORMER.layers}" in " ".join(line)
        assert fits == (line[2] == "performer"), line


def test_a_corpus_of_two_sound_fonts_is_credited_for_both(tmp_path: Path) -> None:
    songs = (("FluidR3_GM.sf2", False), ("FluidR3_GM.sf2", True), ("MuseScore_General.sf3", True))
    for number, (font, varied) in enumerate(songs):
        folder = tmp_path / "train" / f"Track{number}"
        folder.mkdir(parents=True)
        labels = {"corpus": "pop909", "seconds": 1800.0, "sound_font": font, "varied": varied}
        (folder / "labels.json").write_text(json.dumps(labels))
    sounds = corpus_sounds(tmp_path)
    assert sounds == {
        "songs": 3, "hours": 1.5,
        "sound_fonts": {
            "FluidR3_GM": {"hours": 1.0, "varied_hours": 0.5}, "MuseScore_General": {"hours": 0.5, "varied_hours": 0.5},
        },
    }  # fmt: skip
    told = {"data": corpus_data(tmp_path), "corpus": sounds}
    text = "\n".join(card._data({"training": told}))
    assert text.index("1.5 hours, 3 songs, rendered with FluidR3 GM by Frank Wen (MIT), 1.0 h and MuseScore General")
    assert "In 1.0 hours the sound of every instrument was drawn at random." in text
    assert "2 General MIDI SoundFonts" in "\n".join(card._limits({"training": told, "stems": ["bass"]}))
    # A half that was trained on other songs than the other one says so; one of before sounds were counted has one font.
    text = "\n".join(card._data({"training": {"data": told["data"], "codec": {"corpus": sounds}, "performer": {}}}))
    assert "Codec: 1.5 hours, 3 songs, rendered with FluidR3 GM by Frank Wen (MIT), 1.0 h and MuseScore" in text
    assert "Performer: Rendered with FluidR3 GM by Frank Wen (MIT)." in text


def test_credits_come_from_the_training_songs(tmp_path: Path) -> None:
    songs = (
        ("train/Track1", {"corpus": "pop909", "seconds": 1800.0, "drums_from": "groove/drummer1/7.mid"}),
        ("train/Track2", {"corpus": "mutopia", "source": "mutopia/guitar/SorF__op6.mid", "seconds": 360.0}),
        ("validation/Track3", {"corpus": "billboard", "seconds": 3600.0}),
    )
    for name, labels in songs:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "labels.json").write_text(json.dumps(labels))
    (tmp_path / "train/Track4").mkdir()  # a user's own, without labels
    assert corpus_data(tmp_path) == {
        "groove": {"hours": 0.5}, "pop909": {"hours": 0.5}, "mutopia": {"hours": 0.1, "pieces": ["SorF__op6"]},
        "own": {"hours": 0.0},
    }  # fmt: skip
    with pytest.raises(HarmonicFlowError, match="no songs"):
        corpus_data(tmp_path / "train")


def test_the_latent_space_is_the_encoders_alone(made: Made) -> None:
    name = latent_space(made.codec.encoder)
    encoder = type(made.codec)(made.codec.config).encoder
    encoder.load_state_dict(made.codec.encoder.state_dict())
    assert latent_space(encoder) == name
    encoder.std[3] *= 1.01
    assert latent_space(encoder) != name


def test_a_build_that_fails_leaves_the_bundle_that_was_there(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    shutil.copytree(made.bundle, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    bad = save(tmp_path / "bad.safetensors", made.performer, latent_space="0123456789abcdef")
    with pytest.raises(HarmonicFlowError, match="0123456789abcdef") as error:
        build_bundle(made.codec_file, bad, out)
    assert error.value.code == "latent_mismatch"
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.safetensors", "bundle"]


def test_wrong_checkpoints_are_refused_in_words(made: Made, tmp_path: Path) -> None:
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"\xff" * 100)
    sick = Performer(PERFORMER)
    with torch.no_grad():
        sick.head[0, 0, 0] = float("nan")
    for codec, performer, told in (
        (noise, made.performer_file, "noise.safetensors"),
        (made.codec_file, made.codec_file, "codec.safetensors"),
        (made.codec_file, save(tmp_path / "raw.safetensors", made.performer, "raw."), "another network"),
        (made.codec_file, save(tmp_path / "sick.safetensors", sick), "sick.safetensors .* its head is not finite"),
    ):
        with pytest.raises(HarmonicFlowError, match=told) as error:
            build_bundle(codec, performer, tmp_path / "out")
        assert error.value.code == "bad_checkpoint"
    assert not (tmp_path / "out").exists()


def test_the_command_replaces_a_bundle_but_nothing_else(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "out"
    scores = tmp_path / "scores.json"
    rows = {"truth": {"pitch_f1": {"all": 0.9}}, "performed": {"pitch_f1": {"bass": 0.4, "all": 0.5}}}
    scores.write_text(json.dumps({"rows": rows}))
    words = ["--codec", made.codec_file, "--performer", made.performer_file, "--out", out, "--name", "mine"]
    words += ["--scores", scores]
    out.mkdir()
    (out / "song.wav").write_bytes(b"mine")
    refused = CliRunner().invoke(command, [str(word) for word in words])
    assert isinstance(refused.exception, HarmonicFlowError) and refused.exception.code == "bad_option"
    (out / "song.wav").rename(out / "model.json")
    run = CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)
    assert run.exit_code == 0 and run.stdout.splitlines()[-1] == str(out)
    card = Bundle.load(out).card
    assert card.name == "mine" and "| pitch F1 | 0.90 | - | 0.50 | - | - |" in card.card
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    return json.loads((folder / "model.json").read_text())["files"]


def test_a_new_decoder_goes_out_with_the_performer_that_stands(made: Made, tmp_path: Path) -> None:
    """The encoder is the same, so is the latent space; the performer's file is the bundle's own, to the byte."""
    codec = copy.deepcopy(made.codec)
    shaken(codec.decoder, 7)
    file = save(tmp_path / "codec.safetensors", codec, step=5, minutes=2.0, stage="adversarial")
    told = {"hardware": "a GPU"}
    out = build_bundle(file, made.bundle, tmp_path / "out", base=made.codec_file, training_info=told)
    assert (out / "performer.onnx").read_bytes() == (made.bundle / "performer.onnx").read_bytes()
    assert rows(out)["performer"] == rows(made.bundle)["performer"]
    assert (out / "encoder.onnx").read_bytes() == (made.bundle / "encoder.onnx").read_bytes(), "it is exported alike"
    assert rows(out)["decoder"]["sha256"] != rows(made.bundle)["decoder"]["sha256"]
    old, new = Bundle.load(made.bundle).card, Bundle.load(out).card
    assert (new.latent_space, new.stems, new.performer) == (old.latent_space, old.stems, old.performer)
    assert new.training["performer"]["from"] == "test 0.0.1" and new.training["performer"]["hardware"] == "one core"
    assert new.training["codec"]["hardware"] == "a GPU" and new.training["data"] == old.training["data"]
    assert "Codec: 3 minutes, 12 updates, then 2 minutes, 5 updates of the decoder alone against disc" in new.card
    assert "Performer: 5 minutes, 34 updates, on one core; the same as in test 0.0.1" in new.card


def test_the_codecs_ladder_is_kept_in_short_and_goes_where_the_codec_goes(made: Made, tmp_path: Path) -> None:
    board = {
        "about": {"split": "test", "songs": 20}, "columns": ["bass", "drums", "piano", "sum"], "ranks": {},
        "scores": {
            "si_sdr_db": {
                "bass": {"codec": 12.0, "mp3": 20.0, "noise": -20.0}, "piano": {"codec": 8.0, "mp3": 18.0},
                "sum": {"codec": 9.0, "mp3": 17.0},
            },
            "onset_f1_50": {"drums": {"truth": 0.97, "codec": 0.951}}, "hum_db": {"bass": {"codec": -70.0}},
        },
    }  # fmt: skip
    ladder = tmp_path / "ladder.json"
    ladder.write_text(json.dumps(board))
    out = tmp_path / "out"
    words = ["--codec", made.bundle, "--performer", made.bundle, "--out", out, "--codec-scores", ladder]
    CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)
    text = Bundle.load(out).card.card
    assert "20 songs of the test split" in text
    assert "| | truth | codec | MP3, 64 kbit/s | noise |" in text
    assert "| SI-SDR, dB | - | 10.0 | 19.0 | -20.0 |" in text, "means over the instruments, not the sum"
    assert "| SI-SDR, dB | 12.0 | - | 8.0 | 9.0 |" in text
    assert "| drum onset F1 within 50 ms | 0.97 | 0.95 | - | - |" in text
    assert "hum" not in json.dumps(json.loads((out / "model.json").read_text())["codec"]["scores"])
    again = build_bundle(out, made.bundle, tmp_path / "again")
    assert "| SI-SDR, dB | - | 10.0 | 19.0 | -20.0 |" in Bundle.load(again).card.card
    ladder.write_text('{"rows": {}}')
    refused = CliRunner().invoke(command, [str(word) for word in words])
    assert isinstance(refused.exception, HarmonicFlowError) and "evaluate --codec --json" in str(refused.exception)


def test_what_came_before_the_adversarial_stage_is_asked_of_its_base(made: Made, tmp_path: Path) -> None:
    file = save(tmp_path / "codec.safetensors", made.codec, step=5, minutes=2.0, stage="adversarial")
    for base, told in ((made.bundle, "3 minutes, 12 updates, then 2 minutes"), (None, "not recorded, then 2 minutes")):
        text = "\n".join(card._training({"training": {"codec": codec_part(file, {}, base).training}}))
        assert f"Codec: {told}, 5 updates of the decoder alone" in text
    other = save(tmp_path / "other.safetensors", shaken(Codec(CODEC), 9))
    with pytest.raises(HarmonicFlowError, match="the stage began with another codec") as error:
        codec_part(file, {}, other)
    assert error.value.code == "bad_option" and str(other) in str(error.value)


def test_heads_that_only_training_needs_are_left_out(made: Made, tmp_path: Path) -> None:
    with_heads = copy.deepcopy(made.codec)
    with_heads.heads = torch.nn.ModuleDict({"chroma": torch.nn.Linear(32, 12)})
    codec, _ = load_codec(save(tmp_path / "codec.safetensors", with_heads))
    assert set(codec.state_dict()) == set(made.codec.state_dict())


def test_both_halves_of_a_bundle_make_the_same_bundle(made: Made, tmp_path: Path) -> None:
    out = build_bundle(made.bundle, made.bundle, tmp_path / "out", {}, name="test", version="0.0.1")
    assert rows(out) == rows(made.bundle)
    for name in ("encoder", "decoder", "performer"):
        assert (out / f"{name}.onnx").read_bytes() == (made.bundle / f"{name}.onnx").read_bytes()
    first, again = (json.loads((folder / "model.json").read_text()) for folder in (made.bundle, out))
    for key in ("codec", "performer", "parity", "stems", "latent_space"):
        assert again[key] == first[key]
    assert again["training"]["data"] == first["training"]["data"]
    build_bundle(out, made.performer_file, out)  # also in its own place
    assert Bundle.load(out).card.latent_space == first["latent_space"]


@pytest.mark.parametrize("source", ["checkpoint", "bundle"])
def test_a_performer_of_another_codec_is_refused_with_what_to_do(made: Made, tmp_path: Path, source: str) -> None:
    codec = shaken(Codec(CODEC), 9)
    codec_file, there = save(tmp_path / "new.safetensors", codec), made.bundle
    if source == "checkpoint":
        there = save(tmp_path / "performer.safetensors", made.performer, latent_space=latent_space(made.codec.encoder))
    with pytest.raises(HarmonicFlowError) as error:
        build_bundle(codec_file, there, tmp_path / "out")
    said = str(error.value)
    assert error.value.code == "latent_mismatch" and not (tmp_path / "out").exists()
    for told in (str(there), str(codec_file), latent_space(made.codec.encoder), latent_space(codec.encoder)):
        assert told in said
    assert f"harmonicflow train encode --data-dir CORPUS --codec {codec_file} --out ENCODED" in said
    assert f"harmonicflow train performer --init {there} --data-dir ENCODED" in said


def test_a_damaged_bundle_gives_no_half(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(made.bundle, folder)
    (folder / "performer.onnx").write_bytes((folder / "performer.onnx").read_bytes()[:-1])
    with pytest.raises(HarmonicFlowError) as error:
        build_bundle(made.codec_file, folder, tmp_path / "out")
    assert error.value.code == "bad_bundle" and not (tmp_path / "out").exists()
