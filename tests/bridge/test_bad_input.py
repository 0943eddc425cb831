"""Bad input, each through the real command line: a sentence, the right exit code, no traceback, nothing lost."""

import json

import numpy as np
import pytest
import soundfile

RATE = 44_100
CLIP = "harmonicflow/data/guit_em9.flac"


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    (folder / "text.wav").write_text("these are words, and no sound at all\n" * 20)
    (folder / "empty.wav").write_bytes(b"")
    header_only = folder / "header.wav"
    soundfile.write(header_only, np.zeros((0, 2), np.float32), RATE)
    soundfile.write(folder / "one.wav", np.zeros((1, 2), np.float32), RATE)
    broken = np.zeros((RATE, 2), np.float32)
    broken[RATE // 2, 1] = np.nan
    soundfile.write(folder / "nan.wav", broken, RATE, subtype="FLOAT")
    whole = folder / "whole.flac"
    soundfile.write(whole, np.random.default_rng(1).normal(0, 0.1, (RATE, 1)), RATE)
    (folder / "cut.flac").write_bytes(whole.read_bytes()[:30_000])
    return folder


# Words, exit code, error code, and what the sentence must say. {clips} is the folder above.
ROWS = [
    ("generate {clips}/nowhere.wav --tempo 96", 2, "missing_file", "nowhere.wav"),
    ("generate {clips}/text.wav --tempo 96", 2, "not_audio", "text.wav"),
    ("generate {clips}/empty.wav --tempo 96", 2, "empty_audio", "empty.wav"),
    ("generate {clips}/header.wav --tempo 96", 2, "empty_audio", "header.wav"),
    ("generate {clips}/one.wav --tempo 96", 2, "too_short", "at least"),
    ("generate {clips}/nan.wav --tempo 96", 2, "bad_samples", "frame 22050"),
    ("generate {clips}/cut.flac --tempo 96", 2, "broken_audio", "cut.flac"),
    ("generate {clips} --tempo 96", 2, "not_audio", "sound file"),
    (f"generate {CLIP} --start 9.5 --end 2.0 --tempo 96", 2, "bad_selection", "ends before it starts"),
    (f"generate {CLIP} --start 2 --end 2 --tempo 96", 2, "bad_selection", "2 s"),
    (f"generate {CLIP} --end 20 --tempo 96", 2, "bad_selection", "9.97"),
    (f"generate {CLIP} --tempo 0", 2, "bad_tempo", "20 to 400"),
    (f"generate {CLIP} --tempo quick", 2, "bad_tempo", "quick"),
    (f"generate {CLIP} --tempo 96 --meter 4/5", 2, "bad_meter", "4/5"),
    (f"generate {CLIP} --tempo 96 --chords Am|H#9", 2, "bad_chord", "'H#9'"),
    (f"generate {CLIP} --tempo 96 --stems bass,kazoo", 2, "unknown_stem", "'kazoo'"),
    (f"generate {CLIP} --tempo 96 --genre polka", 2, "unknown_genre", "'polka'"),
    (f"generate {CLIP} --tempo 96 --seed -1", 2, "bad_seed", "-1"),
    (f"generate {CLIP} --tempo 96 --steps 0", 2, "bad_steps", "1 to 64"),
    (f"generate {CLIP} --tempo 96 --count 17", 2, "bad_count", "1 to 16"),
    (f"generate {CLIP} --tempo 96 --out {{clips}}/text.wav/x", 1, "disk", "cannot be written"),
    ("generate --bars 2 --rate 10", 2, "bad_rate", "10 Hz"),
    ("generate --seconds 0.001", 2, "too_short", "at least"),
    ("generate --seconds 99999", 2, "too_long", "at most"),
    ("generate", 2, "usage", "--bars"),
    ("generate --bars 2 --seconds 3", 2, "usage", "only one"),
    ("regenerate last --stem kazoo", 2, "unknown_stem", "'kazoo'"),
    ("cancel", 3, "no_daemon", "daemon start"),
    ("daemon stop", 3, "no_daemon", "daemon start"),
    ("daemon status", 3, "no_daemon", "daemon start"),
    ("daemon restart-everything", 2, "usage", "restart-everything"),
    ("genrate", 2, "usage", "'generate'"),
]


@pytest.mark.parametrize(("words", "code", "name", "says"), ROWS, ids=[row[0] for row in ROWS])
def test_a_sentence_and_an_exit_code(fresh_cli, clips, words, code, name, says):
    ran = fresh_cli(*(word.format(clips=clips) for word in words.split()), "--json")
    assert ran.code == code, ran
    assert "Traceback" not in ran.err + ran.out
    sentence = ran.err.splitlines()[-1]
    assert sentence.startswith("harmonicflow: ") and sentence.endswith(".") and says in sentence
    [line] = ran.out.splitlines()
    error = json.loads(line)["error"]
    assert error["code"] == name and error["message"] in sentence and error["todo"]
    assert not fresh_cli.home.exists() or not list(fresh_cli.home.rglob("*.wav"))


def test_without_json_nothing_is_on_stdout(fresh_cli):
    ran = fresh_cli("generate", "nowhere.wav")
    assert (ran.code, ran.out) == (2, "") and len(ran.err.splitlines()) == 1
