"""The bench measures what it says, with a daemon of its own."""

from bridge.measure import _pss


def test_the_figures_are_there_and_possible(fresh_cli):
    ran = fresh_cli("bench", "--seconds", "4", "--runs", "1", "--json")
    assert ran.code == 0, ran.err
    [figures] = ran.objects
    assert 0 < figures["first_block_s"] <= figures["seconds_taken"]
    assert figures["realtime_factor"] == round(figures["seconds_taken"] / 4, 4) or figures["runs"] == 1
    assert 0 < figures["daemon_start_s"] < 20 and 0 < figures["help_s"] < 5
    assert figures["memory_kind"] == "pss" and 5 < figures["daemon_peak_mb"] < figures["worker_peak_mb"] < 4000
    assert not fresh_cli.home.exists(), "the bench has a home of its own"


def test_pss_of_nobody():
    assert _pss(2**22 + 1) is None
