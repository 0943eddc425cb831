"""`harmonicflow daemon settings`: what holds, and where it comes from."""

from harmonicflow.core.settings import TABLE


def test_every_setting_with_its_value_and_origin(run_here, tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text("queue_limit = 5\n")
    monkeypatch.setenv("HARMONICFLOW_LOG_MB", "7")
    rows = {row["name"]: row for row in run_here("daemon", "settings", "--json").objects}
    assert list(rows) == list(TABLE)
    assert (rows["queue_limit"]["value"], rows["queue_limit"]["from"]) == (5, "settings.toml")
    assert (rows["log_mb"]["value"], rows["log_mb"]["from"]) == (7, "HARMONICFLOW_LOG_MB")
    assert (rows["low_disk_mb"]["value"], rows["low_disk_mb"]["from"]) == (500, "default")

    ran = run_here("daemon", "settings")
    [line] = [line for line in ran.out.splitlines() if line.startswith("queue_limit")]
    assert line.split() == ["queue_limit", "5", "jobs", "settings.toml", "1", "to", "10000", "32"]
    assert str(tmp_path / "home" / "settings.toml") in ran.err


def test_a_wrong_setting_is_said(run_here, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text("queue_limit = 0\n")
    ran = run_here("daemon", "settings")
    assert ran.code == 2 and "1 to 10000" in ran.err and not ran.out
