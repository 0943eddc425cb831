"""A daemon that is missing, broken, killed, frozen or not alone: said in words, in time, with the right exit code."""

import contextlib
import json
import os
import shutil
import signal
import time
from fractions import Fraction
from hashlib import sha256

import zmq

from bridge.client import Client
from bridge.request import Span, request_id, selection_of
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Cancel, CancelReply, Generate
from harmonicflow.core.wire import pack

LONG = ("generate", "--seconds", "100", "--steps", "64", "--tempo", "120", "--seed", "1", "--json")


def pid_of(cli):
    return json.loads((cli.home / "run" / "daemon.json").read_text())["pid"]


def running_job(cli, *words):
    """A long job that the engine has begun: the process that waits for it."""
    process = cli.popen(*(words or LONG))
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


def said(process, words, within_s=4):
    """A sentence on stderr that has these words; before it there may be progress."""
    started = time.monotonic()
    while words not in (line := process.stderr.readline()):
        assert line, process.stdout.read()
    assert time.monotonic() - started < within_s
    return line


def test_a_killed_daemon_is_said_within_4_seconds(fresh_cli):
    process = running_job(fresh_cli)
    os.kill(pid_of(fresh_cli), signal.SIGKILL)
    assert "is kept" in (line := said(process, "has ended")) and "waiting 10 seconds" in line
    code, error, sentence = last_words(process, 14)
    assert (code, error["code"]) == (3, "daemon_lost") and "has ended" in sentence and "is kept" in sentence
    # Nothing is lost: the next daemon goes on with the job, until it is told not to.
    assert fresh_cli("daemon", "start").code == 0
    [job] = fresh_cli("daemon", "status", "--json").objects[0]["jobs"]
    assert job["state"] in ("queued", "loading", "running") and job["job"] in error["message"]
    assert fresh_cli("cancel").code == 0


def test_a_frozen_daemon_is_said_within_4_seconds(cli):
    process = running_job(cli)
    pid = pid_of(cli)
    os.kill(pid, signal.SIGSTOP)
    try:
        said(process, "not answered for 3 seconds")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert cli("daemon", "status").code == 0
    assert cli("cancel").code == 0
    assert last_words(process, 4)[0] == 130


def test_the_next_daemon_goes_on_with_the_job_and_so_does_its_bridge(fresh_cli):
    process = running_job(fresh_cli, "generate", "--seconds", "20", "--steps", "16", "--json")
    os.kill(pid_of(fresh_cli), signal.SIGKILL)
    said(process, "has ended")
    assert fresh_cli("daemon", "start").code == 0
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and json.loads(out)["seconds"] == 20, err


def test_ctrl_c_cancels_the_job(cli):
    before = cli("takes", "--json").out
    process = running_job(cli)
    process.send_signal(signal.SIGINT)
    code, error, sentence = last_words(process, 4)
    assert (code, error["code"]) == (130, "cancelled") and "cancelled" in sentence
    status = cli("daemon", "status", "--json").objects[0]
    assert status["jobs"][0]["state"] == "cancelled" and not status["queued"]
    assert cli("takes", "--json").out == before


def test_cancel_from_elsewhere(cli):
    """By name a job that waits, without a name the one that runs."""
    first = running_job(cli)
    second = cli.popen("generate", "--bars", "1", "--json")
    assert "waiting for its turn" in second.stderr.readline()
    jobs = cli("daemon", "status", "--json").objects[0]["jobs"]
    [name] = [job["job"] for job in jobs if job["state"] == "queued"]
    assert cli("cancel", name).out == f"job {name} is being cancelled\n"
    code, error, _ = last_words(second, 4)
    assert (code, error["code"]) == (130, "cancelled")
    assert first.poll() is None
    assert cli("cancel", name).out == f"job {name} is over: cancelled\n"
    assert cli("cancel", "--json").objects[0]["state"] == "running"
    code, error, _ = last_words(first, 4)
    assert (code, error["code"]) == (130, "cancelled")


def test_a_full_queue_is_exit_code_4(cli, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(cli.home))
    selection = selection_of(Span(seconds=Fraction(600)), 44_100).to_wire()
    names = [request_id() for _ in range(32)]  # as many as may wait
    first = running_job(cli)
    with Client.connect() as client, zmq.Context() as context, context.socket(zmq.DEALER) as door:
        door.linger = 0
        door.connect(client.connection.work)
        for name in names:
            door.send_multipart(pack(client.connection.key_bytes, Generate(id=name, selection=selection, steps=64)))
        try:
            for _ in names:
                assert door.poll(20_000) and b'"accepted"' in door.recv_multipart()[1]
            ran = cli("generate", "--bars", "1", "--json")
        finally:
            for name in reversed(names):
                with contextlib.suppress(HarmonicFlowError):
                    client.ask(Cancel(id=request_id(), job=name), CancelReply)
            assert cli("cancel").code == 0
    assert (ran.code, ran.objects[0]["error"]["code"]) == (4, "busy") and "32 jobs are waiting" in ran.err, ran
    assert last_words(first, 4)[0] == 130


def test_stop_may_wait_for_the_running_job(fresh_cli, bundle, tmp_path):
    """Also: another bundle than the usual one."""
    other = shutil.copytree(bundle, tmp_path / "other")
    started = fresh_cli("daemon", "start", "--bundle", str(other), "--json").objects[0]
    process = running_job(fresh_cli, "generate", "--seconds", "20", "--steps", "16", "--json")
    assert fresh_cli("daemon", "stop", "--wait").out == f"the daemon (process {started['pid']}) has ended\n"
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and json.loads(out)["seconds"] == 20, err
    assert started["bundle_folder"] == str(other)
    assert fresh_cli("daemon", "status").code == 3


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


def test_no_bundle_and_a_damaged_one(fresh_cli, bundle, tmp_path):
    folder = tmp_path / "bundle"
    fresh_cli.env["HARMONICFLOW_BUNDLE"] = str(folder)

    def refused(name, says):
        ran = fresh_cli("generate", "--bars", "1", "--json")
        assert (ran.code, ran.objects[0]["error"]["code"]) == (5, name), ran
        assert says in ran.err and str(folder) in ran.err and "Traceback" not in ran.err

    refused("no_bundle", "model.json")
    shutil.copytree(bundle, folder)
    data = bytearray((folder / "decoder.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "decoder.onnx").write_bytes(data)
    refused("bad_bundle", "decoder.onnx")
    shutil.copy(bundle / "decoder.onnx", folder)
    assert fresh_cli("generate", "--bars", "1").code == 0, "and once it is repaired, all is well"


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
