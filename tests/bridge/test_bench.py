"""The bench measures what it says, with a daemon of its own."""

from bridge.measure import _pss


def test_the_figures_are_there_and_possible(fresh_cli):
    ran = fresh_cli("bench", "--seconds", "4", "--runs", "1", "--json")
    assert ran.code == 0, ran.err
    [figures] = ran.objects
    assert 0 < figures["first_block_s"] <= figures["seconds_taken"]
    assert figures["realtime_factor"] == round(figures["seconds_taken"] / 4, 4) or figures["runs"] == 1
    assert 0 < figures["daemon_start_s"] < 20 and 0 < figures["help_s"] < 5
    assert figures["steps"] == 4, "the bundle's own number"
    assert all(0 < figures[f"realtime_factor_{count}_steps"] < 50 for count in (1, 4, 8))
    assert figures["encode_x_realtime"] > 0 < figures["decode_x_realtime"] and figures["codec_rows"] == 4
    assert 1 <= figures["codec_threads"] <= figures["cores"] and figures["codec_providers"] == ["CPUExecutionProvider"]
    assert set(figures["codec_providers"]) <= set(figures["available_providers"])
    assert figures["memory_kind"] == "pss" and 5 < figures["daemon_peak_mb"] < figures["worker_peak_mb"] < 4000
    assert not fresh_cli.home.exists(), "the bench has a home of its own"


def test_a_bundle_that_is_not_there_is_a_sentence(fresh_cli, tmp_path):
    ran = fresh_cli("bench", "--bundle", str(tmp_path / "none"))
    assert ran.code == 5 and "there is no bundle in" in ran.err


def test_pss_of_nobody():
    assert _pss(2**22 + 1) is None
