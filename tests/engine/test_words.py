"""Words and timbres on their way to the performer: understood, told, kept in the take, and never guessed loudly."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.perform import timbre_of
from harmonicflow.engine.publish import write_bundle
from harmonicflow.engine.result import Result
from harmonicflow.engine.take import read_take, write_take
from harmonicflow.engine.timbre import LEVEL_DBFS
from harmonicflow.text.table import TextTable
from training.text_table import pack_table

RATE = SAMPLE_RATE
SHORT = {"bars": 1, "tempo": 240, "chords": "Am", "seed": 3, "steps": 1}
NEAR = 0.9  # cosine between a planted word and the tag it means


def planted() -> bytes:
    """A table in which "fjord" means electronic, "tundra" calm, and "moraine" nothing."""
    axes = np.eye(256, dtype=np.float32)
    words = {"electronic": axes[0], "calm": axes[1], "moraine": axes[5]}
    for word, meaning, own in (("fjord", 0, 3), ("tundra", 1, 4)):
        words[word] = NEAR * axes[meaning] + np.sqrt(1 - NEAR**2) * axes[own]
    about = {"licence": "CC0-1.0", "source": "a test"}
    return pack_table(list(words), np.stack(list(words.values())), about)


def with_text(tiny: Path, folder: Path, data: bytes) -> Path:
    """The stand-in bundle with a table of words."""
    shutil.copytree(tiny, folder)
    card = json.loads((folder / "model.json").read_text())
    row = {"file": "text.safetensors", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    card["files"]["text"] = row | {"license": "CC0-1.0"}
    (folder / "text.safetensors").write_bytes(data)
    (folder / "model.json").write_text(json.dumps(card))
    return folder


@pytest.fixture(scope="module")
def worded(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> HarmonicFlow:
    return HarmonicFlow(with_text(tiny, tmp_path_factory.mktemp("worded") / "bundle", planted()), threads=1)


# --------------------------------------------------------------------------------------------------------------- words


def test_what_no_list_has_is_understood_by_meaning_and_said(worded: HarmonicFlow) -> None:
    meant = worded.words.meant("fjord", None, None, None)
    assert meant.genre == "electronic"
    assert re.match(r'"fjord" understood as electronic \(0\.\d\d\)', meant.sentence)
    assert worded.words.meant("tundra", None, None, None).emotion == worded.words.meant("", None, "calm", None).emotion


@pytest.mark.parametrize(
    ("prompt", "genre", "wanted"),
    [
        ("funk fjord", None, "funk"),
        ("fjord", "jazz", "jazz"),
        ("moraine", None, "pop"),
        ("not sad, fjord", None, "pop"),
    ],
)
def test_exact_words_and_named_fields_come_first(
    worded: HarmonicFlow, prompt: str, genre: str | None, wanted: str
) -> None:
    assert worded.words.meant(prompt, genre, None, None).genre == wanted


def test_it_says_when_nothing_is_near_and_when_there_is_no_table(worded: HarmonicFlow, flow: HarmonicFlow) -> None:
    assert 'no known tag is near "moraine"' in worded.words.meant("moraine", None, None, None).sentence
    assert flow.words.meant("fjord", None, None, None) == ("pop", None, 'not understood: "fjord"')
    assert not flow.words.embed("fjord").any()


def told(flow: HarmonicFlow, result: Result) -> Mapping[str, np.ndarray]:
    conditions = flow.conditions(result.selection, result.score, result.plan, None)
    return {"text": conditions.text, "timbre": conditions.timbre}


def test_the_prompt_reaches_the_performer_and_stays_in_the_take(worded: HarmonicFlow, tmp_path: Path) -> None:
    options = {**SHORT, "genre": "rock", "emotion": (0.0, 0.0)}
    plain, prompted = (worded.generate(prompt=text, **options)[0] for text in ("", "fjord"))
    wanted = TextTable.load(planted()).embed("fjord")
    assert np.linalg.norm(wanted) == pytest.approx(1) and not told(worded, plain)["text"].any()
    np.testing.assert_array_equal(told(worded, prompted)["text"], wanted)
    assert np.abs(prompted.latents - plain.latents).max() > 1e-4  # the stand-in performer has a trace of it
    write_take(prompted, tmp_path / "take")
    parent = read_take(tmp_path / "take")
    assert parent.plan.text == "fjord"
    kept, other = (worded.regenerate(parent, stems="bass", from_bar=1, prompt=text, seed=4)[0]
                   for text in ("", "tundra"))  # fmt: skip
    np.testing.assert_array_equal(told(worded, kept)["text"], wanted)
    assert other.plan.text == "tundra" and not np.array_equal(told(worded, other)["text"], wanted)


def test_a_take_of_before_prompts_were_kept_still_opens(flow: HarmonicFlow, tmp_path: Path) -> None:
    write_take(flow.generate(**SHORT)[0], tmp_path / "take")
    record = json.loads((tmp_path / "take" / "take.json").read_text())
    del record["plan"]["text"]
    (tmp_path / "take" / "take.json").write_text(json.dumps(record))
    plan = read_take(tmp_path / "take").plan
    assert plan.text == "" and plan.timbre is None


def test_the_table_is_read_at_the_first_prompt_and_checked_then(tiny: Path, tmp_path: Path) -> None:
    folder = with_text(tiny, tmp_path / "bundle", planted())
    data = planted()
    (folder / "text.safetensors").write_bytes(data[:-1] + b"?")
    flow = HarmonicFlow(folder, threads=1)
    flow.generate(**SHORT)
    with pytest.raises(HarmonicFlowError, match="text.safetensors is damaged"):
        flow.generate(prompt="fjord", **SHORT)
    card, files = json.loads((folder / "model.json").read_text()), {path.name: path.read_bytes()
                                                                    for path in folder.iterdir()}  # fmt: skip
    del files["model.json"]
    with pytest.raises(HarmonicFlowError, match="text.safetensors is damaged"):
        write_bundle(tmp_path / "other", card, files)
    (folder / "text.safetensors").write_bytes(data[:-1])
    with pytest.raises(HarmonicFlowError, match="missing or cut short"):
        Bundle.load(folder)


def test_a_file_that_is_no_table_is_refused(tiny: Path, tmp_path: Path) -> None:
    flow = HarmonicFlow(with_text(tiny, tmp_path / "bundle", b"\0" * 64), threads=1)
    with pytest.raises(HarmonicFlowError, match="text: "):
        flow.generate(prompt="fjord", **SHORT)


# -------------------------------------------------------------------------------------------------------------- timbres


def voice(hz: float, seconds: float, level: float = 0.2) -> np.ndarray:
    """A swelling tone, float32 [N] at 44.1 kHz."""
    at = np.arange(int(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * at) * (1 + 0.5 * np.sin(2 * np.pi * 3 * at))).astype(np.float32)


def test_a_reference_is_mean_and_spread_of_each_channel() -> None:
    latents = np.random.default_rng(0).normal(0.3, 2, (50, 32)).astype(np.float32)
    rows = timbre_of([None, latents, None], 3)
    np.testing.assert_allclose(rows[1], [*latents.mean(0), *latents.std(0), 1], rtol=1e-6)
    assert not rows[[0, 2]].any() and rows[:, -1].tolist() == [0, 1, 0]
    np.testing.assert_array_equal(timbre_of(np.stack([latents, latents]), 2), np.stack([rows[1], rows[1]]))
    assert not timbre_of(None, 4).any()


def test_a_stem_is_told_what_sounds_in_its_clip_and_no_other(flow: HarmonicFlow) -> None:
    sound = voice(430.664, 40 * HOP / RATE)[: 40 * HOP]
    rests = np.concatenate((np.zeros(20 * HOP, np.float32), sound, np.zeros(30 * HOP, np.float32)))
    plain, like = flow.generate(**SHORT)[0], flow.generate(like={"bass": (rests, RATE)}, **SHORT)[0]
    gain = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(sound.astype(np.float64) ** 2))
    wanted = timbre_of([flow.encode(sound * np.float32(gain))], 1)[0]
    row = told(flow, like)["timbre"]
    np.testing.assert_allclose(row[0], wanted, atol=1e-5)
    assert np.abs(wanted[:-1]).max() > 0.1 and not row[1:].any()
    bass = np.abs(like.latents - plain.latents)[1].max()
    assert bass > 1e-4  # the stand-in performer has a trace of it
    (said,) = like.request["like"]
    assert said == {"stem": "bass", "rate": RATE, "channels": 1, "frames": len(rests), "name": ""}


def test_how_loud_a_reference_is_tells_nothing(flow: HarmonicFlow) -> None:
    rows = [told(flow, flow.generate(like={"bass": (voice(430.664, 1, level), RATE)}, **SHORT)[0])["timbre"][0]
            for level in (0.01, 0.9)]  # fmt: skip
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-4)


def test_other_rates_and_channels_give_the_same_reference(flow: HarmonicFlow) -> None:
    at = np.arange(2 * 48_000) / 48_000
    stereo = np.stack([0.2 * np.sin(2 * np.pi * 430.664 * at)] * 2).astype(np.float32)
    mono = (0.2 * np.sin(2 * np.pi * 430.664 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    rows = [told(flow, flow.generate(like={"bass": like}, **SHORT)[0])["timbre"][0]
            for like in ((stereo, 48_000), (mono, RATE))]  # fmt: skip
    np.testing.assert_allclose(rows[0], rows[1], atol=0.02)


def test_one_clip_for_all_leaves_those_with_their_own(flow: HarmonicFlow) -> None:
    like = {"": (voice(430.664, 1), RATE), "drums": (voice(2067.2, 1), RATE)}
    rows = told(flow, flow.generate(like=like, stems=("bass", "drums", "piano"), **SHORT)[0])["timbre"]
    np.testing.assert_array_equal(rows[0], rows[3])
    assert not rows[2].any() and rows[1, -1] == 1 and not np.allclose(rows[0], rows[1])


def test_regenerate_keeps_the_parents_timbres_and_replaces_those_given(flow: HarmonicFlow, tmp_path: Path) -> None:
    like = {"bass": (voice(430.664, 1), RATE), "guitar": (voice(861.33, 1), RATE)}
    write_take(flow.generate(like=like, **SHORT)[0], tmp_path / "take")
    parent = read_take(tmp_path / "take")
    old = told(flow, parent)["timbre"]
    assert old[:, -1].tolist() == [1, 0, 1, 0]
    kept = flow.regenerate(parent, stems="bass", from_bar=1, seed=5)[0]
    np.testing.assert_array_equal(told(flow, kept)["timbre"], old)
    changed = flow.regenerate(parent, stems="bass", from_bar=1, seed=5, like={"": (voice(172.27, 1), RATE)})[0]
    new = told(flow, changed)["timbre"]
    np.testing.assert_array_equal(new[1:], old[1:])
    assert not np.allclose(new[0], old[0]) and np.abs(changed.latents - kept.latents)[1].max() > 1e-4
    np.testing.assert_array_equal(told(flow, parent)["timbre"], old)  # the parent is what it was


@pytest.mark.parametrize(
    ("stem", "sound", "code"),
    [
        ("bass", np.zeros(RATE, np.float32), "silent_reference"),
        ("", np.full(RATE, 1e-5, np.float32), "silent_reference"),
        ("bass", np.concatenate((voice(430, 0.1), np.zeros(RATE, np.float32))), "too_short"),
        ("bass", np.tile(voice(430, 1), 61), "too_long"),
        ("banjo", voice(430, 1), "unknown_stem"),
        ("bass", np.full(RATE, np.nan, np.float32), "bad_samples"),
        ("bass", np.zeros(0, np.float32), "empty_audio"),
    ],
)
def test_clips_that_tell_nothing_are_refused(flow: HarmonicFlow, stem: str, sound: np.ndarray, code: str) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        flow.generate(like={stem: (sound, RATE)}, **SHORT)
    assert caught.value.code == code and str(caught.value).endswith(".")


def test_a_bundle_that_was_not_trained_for_it_says_so(flow: HarmonicFlow, tiny: Path, tmp_path: Path) -> None:
    like = {"bass": (voice(430, 1), RATE)}
    assert "was not trained to sound like a clip" in " ".join(flow.generate(like=like, **SHORT)[0].warnings)
    shutil.copytree(tiny, tmp_path / "bundle")
    card = json.loads((tmp_path / "bundle" / "model.json").read_text())
    card["training"] = {"performer": {"conditions": ["score", "timbre"]}}
    (tmp_path / "bundle" / "model.json").write_text(json.dumps(card))
    trained = HarmonicFlow(tmp_path / "bundle", threads=1)
    assert "was not trained" not in " ".join(trained.generate(like=like, **SHORT)[0].warnings)
