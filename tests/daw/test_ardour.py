"""Select, generate, undo, redo, regenerate, undo: in a real Ardour, by its own saved sessions and sound files."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile as sf

from harmonicflow.analysis.onsets import onsets
from harmonicflow.core.spool import ReportTake
from tests.daw.daemon import Daemon
from tests.daw.headless import Plan, TempoRow, read_track
from tests.daw.session_xml import Region, SessionState
from tests.daw.studio import PULSE, VALUES, Seen, Studio

pytestmark = [pytest.mark.daw, pytest.mark.timeout(240)]

FIRST, LAST = 8, 24  # the range in beats: four bars of 4/4, from bar 3
ONE_BAR = (12, 16)  # bar 4, where the bass is made again
STEMS = ("bass", "drums", "guitar", "piano")
WANTED = (*STEMS, "mix", "binaural")
PLANS = {
    "44100 Hz, 93.7 BPM": Plan(44_100, (TempoRow(0, 93.7),)),
    "48000 Hz, 137.3 BPM": Plan(48_000, (TempoRow(0, 137.3),)),
    "96000 Hz, 100 BPM": Plan(96_000, (TempoRow(0, 100),)),
    "a change inside": Plan(48_000, (TempoRow(0, 93.7), TempoRow(16, 137.3))),
}
ALIGNED_S = 0.010
FADE = 64  # frames, of a region in Ardour


@dataclass(frozen=True)
class Story:
    """One run of Ardour: the session as it was saved after each act."""

    studio: Studio
    span: tuple[int, int]  # the range, in frames
    bar: tuple[int, int]  # of the bass that was made again
    before: SessionState
    generated: SessionState
    undone: SessionState
    redone: SessionState
    regenerated: SessionState
    undone_again: SessionState
    redone_again: SessionState  # the file is as this says
    seen: Seen
    seen_again: Seen

    @property
    def take(self) -> ReportTake:
        """The generated take."""
        assert self.seen.report
        return self.seen.report.takes[0]

    @property
    def new_take(self) -> ReportTake:
        """The take with another bass."""
        assert self.seen_again.report
        return self.seen_again.report.takes[0]


@pytest.fixture(scope="module", params=PLANS)
def story(
    request: pytest.FixtureRequest, daemon: Daemon, tmp_path_factory: pytest.TempPathFactory, pictures: Path
) -> Story:
    studio = Studio(tmp_path_factory.mktemp("studio") / "here", PLANS[request.param], daemon)
    studio.put_clicks(FIRST, LAST)
    studio.remember({**VALUES, "quantize": 1, "seed": 1 + list(PLANS).index(request.param)})
    span, bar = ((studio.frame(first), studio.frame(last)) for first, last in ((FIRST, LAST), ONE_BAR))
    with studio.ardour as ardour, studio.outbox() as outbox:
        before = ardour.save()
        ardour.select_track(PULSE)
        ardour.select_range(*span)
        seen = studio.used(outbox, studio.sent(outbox, "generate_again"))
        generated = ardour.save()
        ardour.screenshot(pictures / f"generated, {request.param}.png")
        undone, redone = ardour.undo(), ardour.redo()
        ardour.select_range(*bar)
        seen_again = studio.used(outbox, studio.sent(outbox, "regenerate_bass"))
        regenerated = ardour.save()
        ardour.screenshot(pictures / f"regenerated, {request.param}.png")
        undone_again, redone_again = ardour.undo(), ardour.redo()
    return Story(
        studio, span, bar, before, generated, undone, redone, regenerated, undone_again, redone_again, seen, seen_again
    )  # fmt: skip


def track(state: SessionState, stem: str, kind: str = "audio") -> tuple[Region, ...]:
    """The regions of a stem's track."""
    return state.tracks[f"HF {stem.title()}{' MIDI' if kind == 'midi' else ''}"].regions


def struck_beats(take: ReportTake) -> list[int]:
    """The beats of a take, from 0, on which its drums have a note; between them there may be others."""
    file = mido.MidiFile(take.parts["drums"])
    ticks = {
        ticks
        for track in file.tracks
        for ticks, message in zip(accumulate(message.time for message in track), track, strict=True)
        if message.type == "note_on" and message.velocity
    }
    return sorted(tick // file.ticks_per_beat for tick in ticks if tick % file.ticks_per_beat == 0)


def test_every_region_at_the_exact_sample(story: Story) -> None:
    for stem in WANTED:
        (region,) = track(story.generated, stem)
        assert region.span == story.span, stem
        assert region.start == 0
        assert region.name == f"{stem} {story.take.take}"


def test_midi_beside_the_audio(story: Story) -> None:
    """MIDI regions lie in beats: a tick of 1/1920 beat is the finest that Ardour can say."""
    for stem in STEMS:
        (region,) = track(story.generated, stem, "midi")
        tick = story.generated.rate * 60 / 90 / 1920
        for found, expected in zip(region.span, story.span, strict=True):
            assert abs(found - expected) <= tick, stem


def test_session_has_the_takes_own_samples(story: Story) -> None:
    for file in story.take.files:
        expected, rate = sf.read(file.path, dtype="float32", always_2d=True)
        assert (rate, len(expected)) == (story.generated.rate, story.span[1] - story.span[0])
        (region,) = track(story.generated, file.stem)
        np.testing.assert_array_equal(story.generated.sound(region), expected.T, file.stem)


def test_tracks_have_colours_of_their_own(story: Story) -> None:
    colours = [story.generated.tracks[f"HF {stem.title()}"].color for stem in WANTED]
    assert len(set(colours)) == len(WANTED)


def test_own_tracks_are_left_alone(story: Story) -> None:
    for state in (story.generated, story.undone, story.redone, story.regenerated, story.undone_again):
        for name in ("Vox", "Pulse"):
            assert state.tracks[name] == story.before.tracks[name]
        assert state.tempos == story.before.tempos


def test_one_undo_one_redo(story: Story) -> None:
    made = set(story.generated.tracks) - set(story.before.tracks)
    assert len(made) == len(WANTED) + len(STEMS)
    assert not any(story.undone.tracks[name].regions for name in made)
    assert {name: story.redone.tracks[name] for name in made} == {name: story.generated.tracks[name] for name in made}


def test_undo_steps_have_names(story: Story) -> None:
    """A step a result and none besides: neither for the files, nor for the tracks, nor for what shows the progress."""
    assert len(story.generated.undo) == len(story.before.undo) + 1
    assert len(story.regenerated.undo) == len(story.before.undo) + 2
    assert all("HarmonicFlow" in step for step in story.regenerated.undo[len(story.before.undo) :])


def test_bass_again_is_a_layer_over_one_bar(story: Story) -> None:
    old, new = sorted(track(story.regenerated, "bass"), key=lambda region: region.layer)
    edit = story.new_take.edit
    assert edit and edit.stems == ("bass",)
    assert old == track(story.redone, "bass")[0]
    assert new.span == (story.span[0] + edit.start_frame, story.span[0] + edit.end_frame)
    # Ardour cuts a grid line to the sample before it, the take's bars begin at the nearest one.
    assert np.abs(np.subtract(new.span, story.bar)).max() <= 1
    assert new.layer > old.layer
    (path,) = [Path(file.path) for file in story.new_take.files if file.stem == "bass"]
    expected, _ = sf.read(path, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(story.regenerated.sound(new), expected[edit.start_frame : edit.end_frame].T)
    for stem in ("drums", "guitar", "piano"):
        assert track(story.regenerated, stem) == track(story.redone, stem)


def test_one_undo_takes_the_layer_away(story: Story) -> None:
    assert {name: track.regions for name, track in story.undone_again.tracks.items()} == {
        name: track.regions for name, track in story.redone.tracks.items()
    }


def test_what_the_bass_track_plays(story: Story) -> None:
    """By Ardour's own reading: the new bass in its bar, the old one around it, and nothing faded where they meet."""
    assert story.redone_again.tracks == story.regenerated.tracks
    edit, frames = story.new_take.edit, story.span[1] - story.span[0]
    assert edit
    old, new = (
        sf.read(next(file.path for file in take.files if file.stem == "bass"), dtype="float32", always_2d=True)[0]
        for take in (story.take, story.new_take)
    )
    expected = old.copy()
    expected[edit.start_frame : edit.end_frame] = new[edit.start_frame : edit.end_frame]
    assert not np.array_equal(expected, old)
    np.testing.assert_array_equal(expected, new)  # what the daemon delivers is old outside the edit, too
    heard = read_track(story.studio.home, story.studio.session, "HF Bass", 2, story.span[0], frames).T
    inner = slice(FADE, frames - FADE)  # the take's own edges are faded by Ardour
    np.testing.assert_allclose(heard[inner], expected[inner], rtol=0, atol=1e-6)


def test_drums_are_on_the_sessions_beats(story: Story) -> None:
    """By sound alone: onsets in the session's own file of the drums, against the grid on which the clicks lie.

    With the timing "on the grid": as people play, a stroke may well be 20 ms early.
    """
    state = story.generated
    (region,) = track(state, "drums")
    heard_s = onsets(state.sound(region).mean(axis=0), state.rate) + float(region.position / state.rate)
    beats_s = np.array([state.frame_at(Fraction(FIRST + beat)) for beat in struck_beats(story.take)]) / state.rate
    offsets_s = np.abs(heard_s[:, None] - beats_s).min(axis=0)
    median_s = float(np.median(offsets_s))
    print(f"drums: {len(beats_s)} beats, median offset {1000 * median_s:.1f} ms")
    assert len(beats_s) >= 4
    assert median_s <= ALIGNED_S
