"""`harmonicflow daemon health`: exit codes that a service manager can act on."""

import os
import signal


def test_no_daemon(run_here):
    ran = run_here("daemon", "health")
    assert ran.code == 3 and "no daemon is running" in ran.err and not ran.out


def test_a_daemon_that_is_well(cli):
    assert cli("daemon", "health").code == 0
    for _ in range(100):
        ran = cli("daemon", "health", "--ready", "--json")
        if ran.code == 0:
            break
    assert ran.objects[0]["worker"] in ("ready", "busy") and ran.objects[0]["pid"] > 0


def test_lives_but_is_not_ready(fresh_cli, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.json").write_text("{}")
    fresh_cli.env["HARMONICFLOW_BUNDLE"] = str(broken)
    assert fresh_cli("daemon", "start").code == 0
    assert fresh_cli("daemon", "health").code == 0
    ran = fresh_cli("daemon", "health", "--ready", "--json")
    assert ran.code == 1 and ran.objects[0]["error"]["code"] == "not_ready" and "engine" in ran.err


def test_a_disk_that_is_too_full_for_jobs(cli):
    cli.env["HARMONICFLOW_LOW_DISK_MB"] = "10000000"
    try:
        ran = cli("daemon", "health", "--ready")
    finally:
        del cli.env["HARMONICFLOW_LOW_DISK_MB"]
    assert ran.code == 1 and "not ready" in ran.err
    assert cli("daemon", "health").code == 0


def test_a_daemon_that_hangs(fresh_cli):
    assert fresh_cli("daemon", "start").code == 0
    pid = fresh_cli("daemon", "health", "--json").objects[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        ran = fresh_cli("daemon", "health")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ran.code == 3 and f"process {pid}" in ran.err
