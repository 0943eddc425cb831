"""What else happens to jobs: cancelled, queued, outlived by Ardour, without a daemon, several at once, in a hurry."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest

from harmonicflow.core.messages import JobState
from tests.daw.daemon import Daemon
from tests.daw.headless import Plan, TempoRow
from tests.daw.studio import PULSE, VALUES, Studio, ours

pytestmark = [pytest.mark.daw, pytest.mark.timeout(240)]

PLAN = Plan(48_000, (TempoRow(0, 120),))
SHORT = (8, 16)  # beats
LONG = (8, 104)  # so long that a job of it is still at work when something happens to it
LOST_S = 4.0  # within which a dead daemon is noticed
KEY_S, IMPORT_S = 0.3, 1.5
OWN_BASS = 4  # row of the first result's MIDI for the bass: after Vox, Pulse, HF Bass
STEMS_ALONE = {**VALUES, "mix": False, "binaural": False, "midi": False}


@pytest.fixture
def studio(daemon: Daemon, tmp_path: Path) -> Iterator[Studio]:
    """A session with clicks; Ardour is not started."""
    studio = Studio(tmp_path / "here", PLAN, daemon)
    studio.put_clicks(*LONG)
    studio.remember(STEMS_ALONE)
    yield studio
    print(studio.log())


def select(studio: Studio, beats: tuple[int, int]) -> tuple[int, int]:
    """Select a range of beats on the track with the clicks; its frames."""
    span = studio.frame(beats[0]), studio.frame(beats[1])
    studio.ardour.select_track(PULSE)
    studio.ardour.select_range(*span)
    return span


def spans(studio: Studio) -> dict[str, list[tuple[int, int]]]:
    """What lies on our tracks, saved and read."""
    return {name: [span for _, *span in regions] for name, regions in ours(studio.ardour.save()).items()}


def test_cancel_leaves_the_session_untouched(studio: Studio) -> None:
    with studio.ardour as ardour, studio.outbox() as outbox:
        select(studio, LONG)
        before, files = ardour.save(), studio.files()
        request = studio.sent(outbox, "generate_again")
        studio.running(outbox, request)
        assert studio.files() == files  # nothing is written into the session while a job runs
        studio.act("cancel")
        studio.told("cancelled: ", 5)
        seen = studio.used(outbox, request)
        after = ardour.save()
    assert seen.report and seen.report.state == JobState.CANCELLED
    assert after == before
    assert studio.files() == files


def test_a_second_job_waits_for_the_first(studio: Studio) -> None:
    with studio.ardour, studio.outbox() as outbox:
        first_span = select(studio, LONG)
        first = studio.sent(outbox, "generate_again")
        studio.running(outbox, first)
        second_span = select(studio, SHORT)
        second = studio.sent(outbox, "generate_again")
        assert not outbox.seen[first].done_s
        seen = [studio.used(outbox, request) for request in (first, second)]
        found = spans(studio)
    assert seen[0].done_s < seen[1].done_s
    assert sorted(found["HF Bass"]) == sorted([list(first_span), list(second_span)])


def test_ardour_ends_while_a_job_runs(studio: Studio) -> None:
    """The result is found by the Ardour that is started next."""
    with studio.outbox() as outbox:
        with studio.ardour as ardour:
            span = select(studio, LONG)
            request = studio.sent(outbox, "generate_again")
            studio.running(outbox, request)
            ardour.save()
        assert not outbox.seen[request].used_s
        with studio.again() as ardour:
            studio.used(outbox, request)
            found = spans(studio)
            undone, left = ours(ardour.undo()), ardour.save().markers
    assert {name: regions for name, regions in found.items()} == {
        f"HF {stem}": [list(span)] for stem in ("Bass", "Drums", "Guitar", "Piano")
    }
    assert not any(undone.values())
    assert not left  # of the marker that was saved with the session


def test_options_and_another_take_are_layers(studio: Studio) -> None:
    """A range off the grid, two options in one undo step, and one more take above them in its own."""
    studio.remember({**STEMS_ALONE, "count": 2})
    span = (123_457, 300_001)
    with studio.ardour as ardour, studio.outbox() as outbox:
        ardour.select_track(PULSE)
        ardour.select_range(*span)
        studio.used(outbox, studio.sent(outbox, "generate_again"))
        options = ardour.save()
        studio.remember(STEMS_ALONE)
        studio.used(outbox, studio.sent(outbox, "another_take"))
        another, undone, empty = ardour.save(), ardour.undo(), ardour.undo()
    layers = another.tracks["HF Guitar"].regions
    assert [region.span for region in layers] == [span] * len(layers)
    assert len({region.name for region in layers}) == len(layers) >= 3
    top = max(layers, key=lambda region: region.layer)
    assert top not in options.tracks["HF Guitar"].regions
    first = max(options.tracks["HF Guitar"].regions, key=lambda region: region.layer)
    assert first.name.endswith("-1")  # the first option is what one hears
    assert ours(undone) == ours(options)
    assert not any(ours(empty).values())


def test_the_daemon_is_killed(studio: Studio, daemon: Daemon) -> None:
    """Ardour lives and says so; once a daemon runs again, the job is done after all."""
    with studio.ardour as ardour, studio.outbox() as outbox:
        span = select(studio, LONG)
        request = studio.sent(outbox, "generate_again")
        studio.running(outbox, request)
        killed_s = time.monotonic()
        daemon.kill()
        studio.told("the daemon does not answer", LOST_S)
        print(f"said after {time.monotonic() - killed_s:.2f} s")
        assert ardour.alive
        daemon.start_unless_running()
        studio.used(outbox, request)
        assert spans(studio)["HF Bass"] == [list(span)]


def test_keystroke_to_job_and_result_to_regions(studio: Studio) -> None:
    """Medians of five; the time that xdotool itself takes to press the key counts."""
    with studio.ardour, studio.outbox() as outbox:
        select(studio, SHORT)
        for action in ("generate_again", "regenerate_bass"):
            key_s, import_s = [], []
            for _ in range(5):
                began_s = time.monotonic()
                request = studio.sent(outbox, action, by_key=True)
                key_s.append(outbox.seen[request].accepted_s - began_s)
                seen = studio.used(outbox, request)
                import_s.append(seen.used_s - seen.done_s)
            print(f"{action}: key to job {key_s}, result to regions {import_s}")
            assert statistics.median(key_s) < KEY_S
            assert statistics.median(import_s) < IMPORT_S


def test_the_dialog(studio: Studio, pictures: Path) -> None:
    """It opens with the last values; OK (Alt+O) sends, Escape does not."""
    with studio.ardour as ardour, studio.outbox() as outbox:
        select(studio, SHORT)
        studio.press("generate")
        window = ardour.wait(lambda: ardour.windows("generate stems"), 5, "the dialog")[0]
        ardour.screenshot(pictures / "dialog.png")
        ardour.focus(window)
        ardour.key("Escape")
        ardour.wait(lambda: not ardour.windows("generate stems"), 5, "the end of the dialog")
        assert not outbox.seen
        studio.press("generate")
        window = ardour.wait(lambda: ardour.windows("generate stems"), 5, "the dialog")[0]
        ardour.focus(window)
        ardour.key("alt+o")
        request = ardour.wait(lambda: sorted(outbox.seen), 5, "a job from the dialog")[0]
        seen = studio.used(outbox, request)
        assert seen.report and seen.report.takes[0].seed == VALUES["seed"]


def test_own_midi_is_a_finished_part(studio: Studio) -> None:
    """A MIDI track that calls itself a bass is played as it is, the others are invented to it."""
    studio.remember({**VALUES, "mix": False, "binaural": False})
    with studio.ardour as ardour, studio.outbox() as outbox:
        select(studio, SHORT)
        first = studio.used(outbox, studio.sent(outbox, "generate_again")).report
        ardour.osc("/strip/name", OWN_BASS, "My bass")  # no result any more, but the musician's own
        ardour.wait(lambda: "My bass" in ardour.save().tracks, 5, "the track's new name")
        ardour.select_track(OWN_BASS)
        ardour.select_range(studio.frame(SHORT[0]), studio.frame(SHORT[1]))
        studio.remember({**VALUES, "mix": False, "binaural": False, "seed": 8})
        second = studio.used(outbox, studio.sent(outbox, "generate_again")).report
    assert first and second
    one, other = first.takes[0].parts, second.takes[0].parts
    assert notes_of(other["bass"]) == notes_of(one["bass"]) != []
    assert notes_of(other["drums"]) != notes_of(one["drums"])


def notes_of(path: str) -> list[tuple[int, int, int]]:
    """Tick, pitch and velocity of the notes of a MIDI file, in Ardour's resolution of 1/1920 beat."""
    file = mido.MidiFile(path)
    found = []
    for track in file.tracks:
        ticks = 0
        for message in track:
            ticks += message.time
            if message.type == "note_on" and message.velocity:
                found.append((ticks * 1920 // file.ticks_per_beat, message.note, message.velocity))
    return sorted(found)
