"""Settings: variable before file before default, and every wrong value in words."""

import tomllib

import msgspec
import pytest

from harmonicflow.core import settings
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.settings import DEFAULT, TABLE, Settings


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path))
    return lambda text: settings.settings_file().write_bytes(text if isinstance(text, bytes) else text.encode())


def test_without_a_file_the_defaults_hold(write):
    assert settings.load({}) == Settings()
    assert {row.origin for row in settings.find({})} == {DEFAULT}


def test_a_variable_stands_before_the_file_and_the_file_before_the_default(write):
    write("queue_limit = 5\nkeep_takes_gb = 10\n# a remark\nlisten = '::1'\n")
    found = {row.setting.name: row for row in settings.find({"HARMONICFLOW_QUEUE_LIMIT": "7", "HARMONICFLOW_X": "?"})}
    assert (found["queue_limit"].value, found["queue_limit"].origin) == (7, "HARMONICFLOW_QUEUE_LIMIT")
    assert (found["keep_takes_gb"].value, found["keep_takes_gb"].origin) == (10.0, "settings.toml")
    assert (found["log_mb"].value, found["log_mb"].origin) == (1, DEFAULT)
    assert settings.load({}) == Settings(queue_limit=5, keep_takes_gb=10.0, listen="::1")


def test_a_file_of_windows_notepad(write):
    write(b"\xef\xbb\xbfqueue_limit = 5\r\n")
    assert settings.load({}).queue_limit == 5


@pytest.mark.parametrize(
    "line",
    ["queue_limit = 0", "queue_limit = '5'", "queue_limit = 1.5", "queue_limit = true", "queue_limit = 99999999999999"]
    + ["keep_takes_gb = nan", "keep_takes_gb = inf", "keep_takes_gb = -1", "listen = 'everywhere'", "listen = 5"]
    + ["[queue_limit]", "log_mb = [1]", "log_mb = 2020-01-01"],
)
def test_a_wrong_value_is_said_with_its_range_and_default(write, line):
    write(line)
    [name] = tomllib.loads(line)
    with pytest.raises(HarmonicFlowError) as caught:
        settings.load({})
    assert caught.value.code == "bad_setting"
    said = str(caught.value)
    assert name in said and "settings.toml" in said
    assert TABLE[name].rule in said and repr(TABLE[name].default) in said


@pytest.mark.parametrize("text", ["", "0", "many", "1e9", "nan"])
def test_a_wrong_variable_is_named(write, text):
    with pytest.raises(HarmonicFlowError, match="HARMONICFLOW_QUEUE_LIMIT"):
        settings.load({"HARMONICFLOW_QUEUE_LIMIT": text})


def test_an_unknown_name_is_refused_and_the_nearest_one_offered(write):
    write("queue_limt = 5")
    with pytest.raises(HarmonicFlowError, match="Write queue_limit"):
        settings.load({})
    write("zzz = 5")
    with pytest.raises(HarmonicFlowError, match="Take it out"):
        settings.load({})


@pytest.mark.parametrize("data", [b"queue_limit =", b"\xff\xfe\x00", b"x" * 70_000, b"a=" + b"[" * 20_000])
def test_a_file_that_is_not_toml(write, data):
    write(data)
    with pytest.raises(HarmonicFlowError) as caught:
        settings.load({})
    assert caught.value.code == "bad_settings"


def test_a_file_that_cannot_be_read(write):
    settings.settings_file().mkdir()
    with pytest.raises(HarmonicFlowError) as caught:
        settings.load({})
    assert caught.value.code == "unreadable"


def test_every_default_is_in_its_own_range_and_both_ends_are_too(write):
    assert [row.name for row in TABLE.values()] == [field.name for field in msgspec.structs.fields(Settings)]
    for row in TABLE.values():
        for value in (row.default, row.least, row.most) if row.kind is not str else (row.default,):
            assert getattr(settings.load({row.variable: str(value)}), row.name) == value
        if row.kind is not str:
            for value in (row.least - 1, row.most + 1):
                with pytest.raises(HarmonicFlowError):
                    settings.load({row.variable: str(value)})
