"""Bad input, each through the real command line: a sentence, the right exit code, no traceback, nothing lost."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harmonicflow.core import connection

RATE = 44_100
CLIP = Path(__file__).parents[2] / "harmonicflow" / "data" / "guit_em9.flac"


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
    (f"generate {CLIP} --tempo 96 --key H", 2, "bad_key", "'H'"),
    (f"generate {CLIP} --tempo 96 --stems bass,kazoo", 2, "unknown_stem", "'kazoo'"),
    (f"generate {CLIP} --tempo 96 --genre polka", 2, "unknown_genre", "'polka'"),
    (f"generate {CLIP} --tempo 96 --seed -1", 2, "bad_seed", "-1"),
    (f"generate {CLIP} --tempo 96 --steps 0", 2, "bad_steps", "1 to 64"),
    (f"generate {CLIP} --tempo 96 --count 17", 2, "bad_count", "1 to 16"),
    (f"generate {CLIP} --tempo 96 --out {{clips}}/text.wav/x", 1, "disk", "cannot be written"),
    (f"generate {CLIP} --rate 48000", 2, "usage", "clip's own rate"),
    (f"generate {CLIP} --start soon", 2, "usage", "'soon' is not a time"),
    (f"generate {CLIP} --emotion happy", 2, "usage", "valence and arousal"),
    (f"generate {CLIP} --start-beat -1", 2, "usage", "quarter notes"),
    ("generate --bars 2 --end 3", 2, "usage", "only one"),
    ("generate --bars 2 --start 3", 2, "usage", "there is no clip"),
    ("generate --bars x", 2, "bad_option", "from 1 to 10000"),
    ("generate --bars 0", 2, "bad_option", "'0'"),
    ("generate --json --bars", 2, "usage", "generate --help"),
    ("generate --barz 3", 2, "usage", "'--bars'"),
    ("generate --bars 2 --delivery wet", 2, "usage", "'mixed', 'dry'"),
    ("generate --bars 2 --rate 10", 2, "bad_rate", "10 Hz"),
    ("generate --seconds 0.001", 2, "too_short", "at least"),
    ("generate --seconds 99999", 2, "too_long", "at most"),
    ("generate", 2, "usage", "--bars"),
    ("generate --bars 2 --seconds 3", 2, "usage", "only one"),
    ("regenerate last --stem kazoo", 2, "unknown_stem", "'kazoo'"),
    ("regenerate last", 2, "usage", "--stem"),
    ("regenerate", 2, "usage", "TAKE"),
    ("regenerate last --stem bass --from-bar 1 --end 2", 2, "usage", "either by"),
    ("regenerate last --stem bass --start x", 2, "usage", "'x' is not a time"),
    ("extend", 2, "usage", "TAKE"),
    ("extend last", 2, "usage", "one of --bars"),
    ("extend last --bars 2 --seconds 3", 2, "usage", "one of --bars"),
    ("extend last --bars 0", 2, "bad_option", "from 1 to"),
    ("extend last --bars 2 --options 17", 2, "bad_count", "1 to 16"),
    ("extend last --beats two", 2, "usage", "quarter notes"),
    ("extend last --bars 2 --stems kazoo", 2, "unknown_stem", "'kazoo'"),
    ("takes --path", 2, "usage", "TAKE"),
    ("takes last --path --tree", 2, "usage", "only one"),
    ("takes --limit 0", 2, "bad_option", "from 1 to 1000"),
    ("demo --seed x", 2, "bad_seed", "seed x"),
    ("demo --out {clips}/text.wav/x", 1, "disk", "cannot be written"),
    ("bench --runs 0", 2, "bad_option", "--runs"),
    ("cancel ../../etc", 2, "unknown_job", "'../../etc'"),
    ("cancel", 3, "no_daemon", "daemon start"),
    ("daemon stop", 3, "no_daemon", "daemon start"),
    ("daemon status", 3, "no_daemon", "daemon start"),
    ("daemon restart-everything", 2, "usage", "restart-everything"),
    ("genrate", 2, "usage", "'generate'"),
]


def check(ran, code, name, says):
    assert ran.code == code, ran
    assert "Traceback" not in ran.err + ran.out
    sentence = ran.err.splitlines()[-1]
    assert sentence.startswith("harmonicflow: ") and sentence.endswith(".") and says in sentence
    [line] = ran.out.splitlines()
    error = json.loads(line)["error"]
    assert error["code"] == name and error["message"] in sentence and error["todo"]


@pytest.mark.parametrize(("words", "code", "name", "says"), ROWS, ids=[str(row[0]) for row in ROWS])
def test_a_sentence_and_an_exit_code(run_here, tmp_path, clips, words, code, name, says):
    given = [word.format(clips=clips) for word in words.split()]
    check(run_here(*given, *["--json"][: "--json" not in given]), code, name, says)
    assert not list((tmp_path / "home").rglob("*.wav")) and connection.find() is None, "nobody was asked"


REAL = [
    ("generate {clips}/text.wav", 2, "not_audio", "text.wav"),
    ("generate --bars 2 --tempo 0", 2, "bad_tempo", "20 to 400"),
    ("cancel", 3, "no_daemon", "daemon start"),
]


@pytest.mark.parametrize(("words", "code", "name", "says"), REAL)
def test_a_shell_sees_the_same(fresh_cli, clips, words, code, name, says):
    check(fresh_cli(*(word.format(clips=clips) for word in words.split()), "--json"), code, name, says)
    assert not fresh_cli.home.exists()


def test_without_json_nothing_is_on_stdout(run_here):
    ran = run_here("generate", "nowhere.wav")
    assert (ran.code, ran.out) == (2, "") and len(ran.err.splitlines()) == 1


# What only the daemon or the engine can know. Words, exit code, error code, and what the sentence must say.
ASKED = [
    ("generate --bars 1 --mood sleepyish", 2, "unknown_mood", "melancholic"),
    ("generate --bars 1 --model nowhere", 5, "unknown_model", "harmonicflow models"),
    ("takes no-such-take", 2, "unknown_take", "'no-such-take'"),
    ("cancel no-such-job", 2, "unknown_job", "'no-such-job'"),
    ("cancel", 2, "no_job", "no job waits or runs"),
]


@pytest.mark.parametrize(("words", "code", "name", "says"), ASKED)
def test_what_the_daemon_refuses(cli, words, code, name, says):
    check(cli(*words.split(), "--json"), code, name, says)
