"""The dialog and the progress window, through the mouse and the keyboard, and the watch behind them."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harmonicflow.core.messages import Generate
from harmonicflow.core.spool import Report

from .reaper_host import Window
from .reaper_studio import Studio

TITLE = "HarmonicFlow: generate stems"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """No daemon: a test reports in its place."""
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    studio = Studio(tmp_path, tmp_path / "home", 8000)
    studio.alone()
    (studio.spool / "beat.json").write_text('{"beat": 1}')
    yield studio
    studio.reaper.quit()
    studio.reaper.tidy()


def texts(window: Window) -> list[str]:
    return [text for text, *_ in window.shown]


def dialog(studio: Studio) -> Window:
    studio.reaper.act("generate_stems")
    return studio.reaper.windows[TITLE]


def click(studio: Studio, window: Window, text: str) -> None:
    window.click(text)
    studio.reaper.pump()
    window.release()
    studio.reaper.pump()


def progress(studio: Studio) -> Window:
    studio.reaper.skip_s += 1
    studio.reaper.pump(2)
    return studio.reaper.windows["HarmonicFlow"]


def report(studio: Studio, **fields: object) -> None:
    [job] = studio.waiting()
    file = studio.spool / "outbox" / f"{job['id']}.json"
    file.write_bytes(msgspec.json.encode(Report(id=job["id"], **fields)))  # type: ignore[arg-type]
    beat = json.loads((studio.spool / "beat.json").read_bytes())["beat"] + 1
    (studio.spool / "beat.json").write_text(json.dumps({"beat": beat}))


def test_the_dialog_asks_and_remembers(studio: Studio) -> None:
    window = dialog(studio)
    assert "Bars 2 to 3, 4.3 s at 93.7 BPM" in texts(window) and "Play along with Vox" in texts(window)
    click(studio, window, "Drums")
    click(studio, window, "Play along with Vox")
    window.choice = "funk"
    click(studio, window, "Genre")
    studio.reaper.answers = ["a, b and \\ c", "99", "no number", None]
    for row in ("Prompt", "Options", "Seed (0: a new one)", "Typed (Am7 | D7)"):
        click(studio, window, row)
    assert studio.reaper.asked[0] == ("Prompt,extrawidth=220,separator=\x1f", "") and "a, b and \\ c" in texts(window)
    click(studio, window, "Generate")
    request = studio.request()
    assert isinstance(request, Generate) and request.stems == ("bass", "guitar", "piano") and request.clip is None
    assert (request.prompt, request.genre, request.count, request.seed) == ("a, b and \\ c", "funk", 8, 3)
    values = studio.remembered()
    assert (values["drums"], values["along"], values["chords"], values["mix"]) == (False, False, "Am | F", True)
    assert not window.open
    again = dialog(studio)
    assert "funk" in texts(again) and "8" in texts(again) and "a, b and \\ c" in texts(again)


@pytest.mark.parametrize("how", ["button", "escape", "closed"])
def test_the_dialog_can_be_left(how: str, studio: Studio) -> None:
    before, window = studio.remembered(), dialog(studio)
    click(studio, window, "Bass")
    if how == "button":
        click(studio, window, "Cancel")
    elif how == "escape":
        window.keys = [27]
    else:
        window.open = False
    studio.reaper.pump(2)
    assert not studio.reaper.running and not list((studio.spool / "inbox").glob("*")) and studio.remembered() == before


def test_the_dialog_follows_the_selection(studio: Studio) -> None:
    window = dialog(studio)
    studio.project.select(4, 8)
    studio.reaper.skip_s += 1
    studio.reaper.pump()
    assert "Bar 2, 2.6 s at 93.7 BPM" in texts(window)
    assert "Play along (select tracks with sound first)" in texts(window)
    studio.project.select(0, 0)
    studio.reaper.skip_s += 1
    studio.reaper.pump()
    assert any(text.startswith("Select a range first") for text in texts(window))
    studio.project.select(8, 12, studio.vox)
    window.keys = [13]
    studio.reaper.pump()
    assert studio.request().selection.start_frame == studio.project.frame(8)  # type: ignore[union-attr]


def test_progress_is_shown_and_closing_it_cancels_nothing(studio: Studio) -> None:
    studio.reaper.act("generate_stems_last_settings")
    assert texts(progress(studio)) == ["on its way (generate stems)", "Cancel"]
    seen = []
    for fields in (
        {"state": "queued", "position": 2}, {"state": "queued", "position": 1},
        {"state": "loading", "words": "loading"},
        {"state": "running", "words": "playing 3 of 8", "step": 3, "steps": 8, "seconds_left": 4.6},
    ):  # fmt: skip
        report(studio, **fields)
        seen.append(texts(progress(studio))[0])
    assert seen == [
        "waits for 2 others (generate stems)", "waits for 1 other (generate stems)", "loading (generate stems)",
        "5 s left, playing 3 of 8 (generate stems)",
    ]  # fmt: skip
    window = progress(studio)
    window.open = False
    progress(studio)
    assert not progress(studio).open and len(studio.waiting()) == 1
    assert not list((studio.spool / "inbox").glob("cancel*"))
    studio.reaper.act("watch")  # brings it back; one watch is enough
    assert progress(studio).open and len(studio.reaper.running) == 1
    click(studio, progress(studio), "Cancel")
    assert len(list((studio.spool / "inbox").glob("cancel*.json"))) == 1
    report(studio, state="cancelled")
    progress(studio)
    assert not progress(studio).open and not studio.waiting() and studio.reaper.messages == []


def test_a_silent_daemon_is_said_in_the_window(studio: Studio) -> None:
    studio.reaper.act("generate_stems_last_settings")
    progress(studio)
    for _ in range(4):
        window = progress(studio)
    assert texts(window)[0] == "no answer from the daemon, starting it again"
    studio.until((studio.spool / "woken").exists, 5)


def test_a_second_job_makes_the_window_larger(studio: Studio) -> None:
    studio.reaper.act("generate_stems_last_settings")
    small = progress(studio).size
    studio.reaper.act("another_take")
    large = progress(studio)
    assert len(texts(large)) == 3 and large.size[1] > small[1]


@pytest.mark.parametrize("action", ["generate_stems", "watch"])
def test_the_key_pressed_again_begins_anew_without_a_question(studio: Studio, action: str) -> None:
    first = studio.reaper.act(action)
    second = studio.reaper.act(action)
    assert studio.reaper.running == [second] and not first.window.open
    studio.reaper.pump(3)
    assert studio.reaper.running == [second] and studio.reaper.messages == []


def test_of_two_watches_the_later_one_stays(studio: Studio) -> None:
    """As when REAPER stood still for so long that the first one seemed dead."""
    studio.reaper.act("watch")
    [first] = studio.reaper.running
    studio.reaper.skip_s += 10
    studio.reaper.act("watch")
    studio.reaper.pump(2)
    assert len(studio.reaper.running) == 1 and studio.reaper.running[0] is not first


def test_the_watch_is_started_even_where_nothing_is_registered(studio: Studio) -> None:
    studio.reaper.commands.clear()
    studio.reaper.act("generate_stems_last_settings")
    assert len(studio.reaper.running) == 1 and len(studio.reaper.commands) == 1
    assert texts(progress(studio))[0].startswith("on its way")
