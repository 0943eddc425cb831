"""The report for a bug: everything that helps, nothing that is private."""

import getpass
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harmonicflow
from bridge import bug_report
from bridge.bug_report import Scrub
from harmonicflow.core import paths

SECRETS = ["Marianne Faithful", "marianne", "studio-pc", "My Song: Demo, 2nd 'try'", "Secret Band", "my-own-model"]


@pytest.fixture
def scrub(tmp_path, monkeypatch):
    """A scrubber in the home of a musician with a name."""
    user = tmp_path / "marianne"
    monkeypatch.setenv("HARMONICFLOW_HOME", str(user / ".local" / "share" / "harmonicflow"))
    (paths.bundles_folder() / "my-own-model").mkdir(parents=True)
    monkeypatch.setattr(getpass, "getuser", lambda: "marianne")
    monkeypatch.setattr(socket, "gethostname", lambda: "studio-pc.example.org")
    monkeypatch.setattr(Path, "home", lambda: user)
    monkeypatch.setattr(bug_report, "_user_names", lambda: iter(["marianne", "Marianne Faithful", "Marianne"]))
    return Scrub()


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("cannot read {home}/run/daemon.json: denied", "cannot read <home>/run/daemon.json: denied"),
        ("{package}/harmonicflow/core/wire.py, line 3", "<harmonicflow>/harmonicflow/core/wire.py, line 3"),
        (
            "the bundle my-own-model 1.0 in {home}/bundles/my-own-model",
            "the bundle <bundle> 1.0 in <home>/bundles/<bundle>",
        ),
        ("/media/My Song: Demo, 2nd 'try'.wav is damaged", "<path>"),
        ("file:/media/x/My Song: Demo, 2nd 'try'.wav", "<path>"),
        ("file:///media/marianne/x", "<path>"),
        ("reason:/media/Secret Band/x", "reason:<path>"),
        ("open('/media/Secret Band/a.wav') failed", "open('<path>"),
        ('File "C:\\Users\\marianne\\Secret Band.py", line 3', 'File "<path>'),
        ("D:/Secret Band/a.wav is gone", "<path>"),
        ("\\\\studio-pc\\Secret Band", "<path>"),
        ("~/Secret Band/a.wav", "<path>"),
        ("Marianne Faithful on studio-pc.example.org", "<user> on <computer>"),
        ("listens at 192.168.1.7 and fe80::1:2, not 127.0.0.1", "listens at <address> and <address>, not 127.0.0.1"),
        ("job 20260101-000000-abcdef accepted: My Song", "job 20260101-000000-abcdef accepted: <id>"),
        ("2026-01-01 10:20:30,123 bars of 4/4 at 44100 Hz and/or more", None),
        ("see https://example.org/page", None),
    ],
)
def test_what_is_left_of_a_line(scrub, line, left):
    line = line.format(home=paths.home(), package=Path(harmonicflow.__path__[0]).parent)
    said = scrub(line)
    assert said == (line if left is None else left)
    assert not any(secret in said for secret in SECRETS)


NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="/\\"), min_size=3, max_size=12)


@given(words=st.lists(NAMES, min_size=2, max_size=4), before=st.sampled_from(["", "at ", "(", "path=", "x: ", "'"]))
def test_no_path_outside_is_left_whatever_its_name(words, before):
    scrub = Scrub()
    said = scrub(f"{before}/zz{'/zz'.join(words)}")
    assert "/zz" not in said and "zz" not in said.replace("<path>", "")


def test_the_whole_report(scrub, run_here, tmp_path, monkeypatch):
    home = tmp_path / "marianne" / ".local" / "share" / "harmonicflow"
    monkeypatch.setenv("HARMONICFLOW_HOME", str(home))
    monkeypatch.setenv("HARMONICFLOW_QUEUE_LIMIT", "5")
    (home / "log").mkdir()
    lines = [f"2026-01-01 10:20:30,123 INFO line {number}" for number in range(10_000)]
    secret = "2026-01-01 10:20:31,123 ERROR /media/Secret Band/x.wav cannot be read"
    (home / "log" / "daemon.log").write_text("\n".join([*lines, secret]))
    monkeypatch.chdir(tmp_path)
    ran = run_here("doctor", "--report", "--bundle", "/media/Secret Band/bundle")
    text = (tmp_path / "harmonicflow-report.txt").read_text()
    assert "harmonicflow-report.txt" in ran.err
    assert not any(secret in text for secret in [*SECRETS, str(tmp_path), str(Path(harmonicflow.__path__[0]).parent)])
    for expected in (harmonicflow.__version__, "there is no bundle in <path>", "queue_limit = 5", "INFO line 9999",
                     "ERROR <path>", "folder", "not running", "onnxruntime"):  # fmt: skip
        assert expected in text, text
    assert "line 9000" not in text and len(text) < 20_000


def test_the_report_of_a_running_daemon_names_no_titles(cli, tmp_path):
    done = cli("generate", "--bars", "1", "--tempo", "240", "--title", "Secret Band", "--out", str(tmp_path / "out"))
    assert done.code == 0, done.err
    ran = cli("doctor", "--report", str(tmp_path / "report.txt"))
    text = (tmp_path / "report.txt").read_text()
    assert ran.code == 0 and "done" in text and "worker ready" in text and "Secret Band" not in text
    assert 'harmonicflow_jobs_total{state="done"} 1.0' in text and "_bucket" not in text
    assert "accepted: <id>" in text and str(tmp_path) not in text
