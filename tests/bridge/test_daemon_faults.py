"""A daemon that is missing, broken, killed, frozen or not alone: said in words, in time, with the right exit code."""

import json
import os
import shutil
import signal
import time
from hashlib import sha256

import pytest

LONG = ("generate", "--seconds", "100", "--steps", "64", "--tempo", "120", "--seed", "1", "--json")


def pid_of(cli):
    return json.loads((cli.home / "run" / "daemon.json").read_text())["pid"]


def running_job(cli):
    """A long job that the engine has begun: the process that waits for it."""
    process = cli.popen(*LONG)
    line = ""
    while "playing" not in line:
        line = process.stderr.readline()
        assert line or process.poll() is None, process.stdout.read()
    return process


def last_words(process, within_s):
    started = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - started < within_s
    assert "Traceback" not in out + err
    return process.returncode, json.loads(out.splitlines()[-1])["error"], err.splitlines()[-1]


def test_a_killed_daemon_is_said_within_4_seconds(fresh_cli):
    process = running_job(fresh_cli)
    os.kill(pid_of(fresh_cli), signal.SIGKILL)
    code, error, sentence = last_words(process, 4)
    assert (code, error["code"]) == (3, "daemon_lost") and "has ended" in sentence and "is kept" in sentence
    # Nothing is lost: the next daemon goes on with the job, until it is told not to.
    assert fresh_cli("daemon", "start").code == 0
    [job] = fresh_cli("daemon", "status", "--json").objects[0]["jobs"]
    assert job["state"] in ("queued", "loading", "running") and job["job"] in error["message"]
    assert fresh_cli("cancel").code == 0


def test_a_frozen_daemon_is_said_within_4_seconds(fresh_cli):
    process = running_job(fresh_cli)
    pid = pid_of(fresh_cli)
    os.kill(pid, signal.SIGSTOP)
    try:
        code, error, sentence = last_words(process, 4)
        assert (code, error["code"]) == (3, "daemon_lost") and "not answered for 3 seconds" in sentence
    finally:
        os.kill(pid, signal.SIGCONT)
    assert fresh_cli("daemon", "status").code == 0
    assert fresh_cli("cancel").code == 0


def test_ctrl_c_cancels_the_job(fresh_cli):
    process = running_job(fresh_cli)
    process.send_signal(signal.SIGINT)
    code, error, sentence = last_words(process, 4)
    assert (code, error["code"]) == (130, "cancelled") and "cancelled" in sentence
    jobs = fresh_cli("daemon", "status", "--json").objects[0]["jobs"]
    assert [job["state"] for job in jobs] == ["cancelled"]
    assert fresh_cli("takes", "--json").out == ""


def test_cancel_from_elsewhere(fresh_cli):
    process = running_job(fresh_cli)
    cancelled = fresh_cli("cancel", "--json")
    assert cancelled.code == 0
    code, error, _ = last_words(process, 4)
    assert (code, error["code"]) == (130, "cancelled")
    again = fresh_cli("cancel", "--json")
    assert (again.code, again.objects[0]["error"]["code"]) == (2, "unknown_job")


def test_two_daemons(fresh_cli):
    first = fresh_cli("daemon", "start", "--json")
    assert first.code == 0 and "started a daemon" in first.err
    pid = first.objects[0]["pid"]
    second = fresh_cli("daemon", "start", "--json")
    assert (second.code, second.objects[0]["error"]["code"]) == (1, "daemon_running")
    assert str(pid) in second.err and "daemon stop" in second.err
    assert fresh_cli("daemon", "status", "--json").objects[0]["pid"] == pid
    # A dead daemon's file is replaced.
    os.kill(pid, signal.SIGKILL)
    while os.path.exists(f"/proc/{pid}/exe") and _alive(pid):
        time.sleep(0.02)
    assert fresh_cli("daemon", "status").code == 3
    third = fresh_cli("daemon", "start", "--json")
    assert third.code == 0 and third.objects[0]["pid"] != pid


def test_two_bridges_that_start_a_daemon_at_once_share_one(fresh_cli):
    both = [fresh_cli.popen("takes") for _ in range(2)]
    said = [process.communicate(timeout=30)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "".join(said).count("started a daemon") == 1


def _alive(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("fault", "name", "says"), [("none", "no_bundle", "model.json"), ("damaged", "bad_bundle", "decoder.onnx")]
)
def test_no_bundle_and_a_damaged_one(fresh_cli, bundle, tmp_path, fault, name, says):
    folder = tmp_path / "bundle"
    if fault == "damaged":
        shutil.copytree(bundle, folder)
        data = bytearray((folder / "decoder.onnx").read_bytes())
        data[len(data) // 2] ^= 1
        (folder / "decoder.onnx").write_bytes(data)
    fresh_cli.env["HARMONICFLOW_BUNDLE"] = str(folder)
    ran = fresh_cli("generate", "--bars", "1", "--json")
    assert (ran.code, ran.objects[0]["error"]["code"]) == (5, name), ran
    assert says in ran.err and str(folder) in ran.err and "Traceback" not in ran.err


def test_a_take_survives_whatever_comes_after_it(fresh_cli, tmp_path):
    assert fresh_cli("generate", "--bars", "1", "--stems", "bass", "--seed", "1").code == 0
    [take] = fresh_cli("takes", "--json").objects
    for words in (
        ["generate", "nowhere.wav"],
        ["regenerate", "last", "--stem", "kazoo"],
        ["regenerate", "no", "--stem", "bass"],
    ):
        assert fresh_cli(*words).code == 2
    os.kill(pid_of(fresh_cli), signal.SIGKILL)
    assert fresh_cli("takes", "--json").objects == [take]
    for row in take["files"]:
        with open(row["path"], "rb") as file:
            assert sha256(file.read()).hexdigest() == row["sha256"]
