"""The chain without a window: session, tempo map, clip, spool, the real daemon, and back into the session's tracks."""

import json
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile as sf

from harmonicflow.core.messages import Generate
from harmonicflow.core.spool import Report
from harmonicflow.core.tempo import Selection
from tests.daw.daemon import ROOT, Daemon, stand_in, wait_for
from tests.daw.headless import Plan, TempoRow, create_session, is_there, quoted, read_track, run_in
from tests.daw.session_xml import SessionState, place, read_session

pytestmark = pytest.mark.skipif(not is_there(), reason="Ardour 7 is not installed")

RATE = 48_000
# 3 bars of 4/4, a change of tempo, then 3/4, a ramp, and a tempo that stays.
PLAN = Plan(
    RATE, (TempoRow(0, 93.7), TempoRow(8, 137.3), TempoRow(15, 120, 140), TempoRow(18, 140)),
    meters=((0, 4, 4), (12, 3, 4)),
)  # fmt: skip
FIRST_BEAT, LAST_BEAT = 4, 18
CLIP_AT, CLIP_FRAMES = 150_001, 6 * RATE  # the clip begins inside the range, off the grid


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with stand_in(tmp_path_factory.mktemp("daemon")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def libraries(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Lua libraries in one folder, as they are installed."""
    folder = tmp_path_factory.mktemp("libraries")
    for part in ("lua", "ardour/lib"):
        for source in (ROOT / "bridge" / "daw" / part).glob("*.lua"):
            shutil.copy(source, folder)
    (folder / "settings.json").write_text(json.dumps({"spool": str(daemon.spool)}))
    for name in ("inbox", "outbox", "hosts"):
        (daemon.spool / name).mkdir(mode=0o700, parents=True)
    return folder


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Stereo noise, so that every sample is known by its value: [frames, 2]."""
    return (np.random.default_rng(6).standard_normal((CLIP_FRAMES, 2)) * 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, sound: np.ndarray) -> Path:
    """A session with the sound on its track Vox."""
    folder = tmp_path_factory.mktemp("ardour")
    session = create_session(folder / "home", folder / "song", PLAN)
    sf.write(folder / "noise.wav", sound, RATE, subtype="FLOAT")
    place(session, "Vox", folder / "noise.wav", CLIP_AT)
    return session


@pytest.fixture(scope="module")
def request_id(session: Path, libraries: Path, daemon: Daemon) -> str:
    """The request that the libraries hand in for the range; no daemon runs yet."""
    first, last = selected(read_session(session))
    script = f"""
        Session = s
        local main = assert(loadfile({quoted(libraries / "main.lua")}))({quoted(libraries)})
        local tracks = {{ s:route_by_name("Vox"):to_track() }}
        local values = {{ chords = "Am | F", chord_source = "typed", seed = 7 }}
        local id = "ardour-headless-1"
        main.requests.generate(id, {first}, {last}, tracks, values, {{ "bass", "drums", "guitar", "piano" }})
        print("request " .. id)
        Session = nil
    """
    output = run_in(session.parent / "home", script, session)
    return next(line.split()[1] for line in output.splitlines() if line.startswith("request "))


@pytest.fixture(scope="module")
def handed_in(request_id: str, daemon: Daemon) -> tuple[Generate, np.ndarray]:
    """The request and its sound [channels, frames], as they lie in the inbox."""
    data = (daemon.spool / "inbox" / f"{request_id}.json").read_bytes()
    sound = np.fromfile(daemon.spool / "inbox" / f"{request_id}.0.f32", "<f4")
    request = msgspec.json.decode(data, type=Generate)
    assert request.clip
    return request, sound.reshape(request.clip.channels, request.clip.frames)


def selected(state: SessionState) -> tuple[int, int]:
    """The range's frames: Ardour's grid lines, cut to whole samples as Ardour cuts them."""
    return int(state.frame_at(FIRST_BEAT)), int(state.frame_at(LAST_BEAT))


def test_tempo_map_and_meters(session: Path, handed_in: tuple[Generate, np.ndarray]) -> None:
    state, request = read_session(session), handed_in[0]
    selection = Selection.from_wire(request.selection)
    assert (selection.rate, selection.start_frame, selection.end_frame) == (RATE, *selected(state))
    for beat in np.arange(FIRST_BEAT, LAST_BEAT, 0.25):  # 0.3 ms inside the ramp, a frame elsewhere
        off = abs(float(selection.tempo.frame_at(Fraction(beat))) - state.frame_at(beat))
        assert off <= (1 if beat < 15 else 0.0003 * RATE), beat
    assert [str(bar.meter) for bar in selection.bars()] == ["4/4", "4/4", "3/4", "3/4"]
    assert selection.start_beat == 0


def test_clip_sample_for_sample(handed_in: tuple[Generate, np.ndarray], sound: np.ndarray) -> None:
    request, clip = handed_in
    assert request.clip and request.clip.start_frame == request.selection.start_frame
    expected = np.zeros((2, request.clip.frames), np.float32)
    offset = CLIP_AT - request.selection.start_frame
    heard = sound[: request.clip.frames - offset].T
    expected[:, offset : offset + heard.shape[1]] = heard
    np.testing.assert_allclose(clip, expected, rtol=0, atol=1e-7)


def test_stems_on_the_tracks(
    session: Path, handed_in: tuple[Generate, np.ndarray], request_id: str, daemon: Daemon
) -> None:
    """The daemon's answer, on the track Pulse, read by Ardour."""
    daemon.start()
    file = daemon.spool / "outbox" / f"{request_id}.json"

    def final() -> Report | None:
        report = msgspec.json.decode(file.read_bytes(), type=Report) if file.exists() else None
        return report if report and report.final else None

    report = wait_for(final, 30, "a finished take")
    assert report.error is None
    (take,) = report.takes
    start, frames = handed_in[0].selection.start_frame, take.frames
    assert (take.start_frame, start + frames) == (start, handed_in[0].selection.end_frame)
    bass = next(Path(file.path) for file in take.files if file.stem == "bass")
    place(session, "Pulse", bass, start)
    expected, _ = sf.read(bass, dtype="float32", always_2d=True)
    assert np.abs(expected).max() > 0.01
    heard = read_track(session.parent / "home", session, "Pulse", 2, start, frames)
    np.testing.assert_allclose(heard.T, expected, rtol=0, atol=1e-7)
