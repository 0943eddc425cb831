"""What is played arrives at the device sample for sample: through PortAudio into ALSA's tape, or into a stand-in."""

import io
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from bridge.audition import in_step, midi_out, playback, sounding
from bridge.clock import ports
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.score.midi import read_midi, write_midi
from harmonicflow.score.score import Note, Score
from tests.bridge.conftest import CommandLine
from tests.bridge.stand_in_device import Device, noise, playback_of, use


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file into which a device named "tape" writes what it is given, as float32 [frames, 2]."""
    alsa = Path("/usr/share/alsa/alsa.conf")
    config = tmp_path / "alsa.conf"
    config.write_text(
        f'<{alsa}>\npcm.quiet {{ type null }}\n'
        f'pcm.tape {{ type file slave.pcm "quiet" file "{tmp_path / "tape.raw"}" format "raw" }}\n'
    )  # fmt: skip
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    look = "import sounddevice; assert any(row['name'] == 'tape' for row in sounddevice.query_devices())"
    if not alsa.is_file() or subprocess.run([sys.executable, "-c", look], capture_output=True).returncode:
        pytest.skip("PortAudio with ALSA is not here")
    return tmp_path / "tape.raw"


@pytest.fixture
def command(bundle: Path, tmp_path: Path) -> Iterator[CommandLine]:
    run = CommandLine(tmp_path / "home", bundle)
    yield run
    run.close()


def played(tape: Path, frames: int) -> np.ndarray:
    """What the device was given, from the first sound on; it may have begun with silence."""
    sound = np.fromfile(tape, "<f4").reshape(-1, 2)
    start = int(np.argmax(np.abs(sound).max(axis=1) > 0))
    return sound[start : start + frames]


def test_every_sample_arrives(tape: Path, command: CommandLine, tmp_path: Path) -> None:
    sound = noise(50_000)
    soundfile.write(tmp_path / "noise.wav", sound, 44_100, "FLOAT")
    ran = command("play", str(tmp_path / "noise.wav"), "--device", "tape", "--volume", "-6.0206")
    assert ran.code == 0, ran.err
    assert "playing" in ran.err and "0:01" in ran.err
    np.testing.assert_allclose(played(tape, 50_000), sound / 2, atol=1e-5)


def test_mono_is_heard_on_both_sides_and_other_rates_are_converted(
    tape: Path, command: CommandLine, tmp_path: Path
) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 48_000).astype(np.float32) * 0.5
    soundfile.write(tmp_path / "tone.flac", tone, 48_000)
    assert command("play", str(tmp_path / "tone.flac"), "--device", "tape", "--rate", "44100").code == 0
    heard = np.fromfile(tape, "<f4").reshape(-1, 2)
    assert (heard[:, 0] == heard[:, 1]).all()
    spectrum = np.abs(np.fft.rfft(heard[2_000:20_000, 0] * np.hanning(18_000)))
    assert np.argmax(spectrum) * 44_100 / 18_000 == pytest.approx(1000, abs=3)
    assert np.count_nonzero(np.abs(heard[:, 0]) > 1e-3) == pytest.approx(22_050, abs=400)


def test_ctrl_c_stops_at_once(tape: Path, command: CommandLine, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "noise.wav", noise(4_000), 44_100)
    process = command.popen("play", str(tmp_path / "noise.wav"), "--device", "quiet", "--loop")
    assert process.stderr is not None
    assert "around and around" in process.stderr.readline()
    time.sleep(0.5)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130 and time.monotonic() - began < 3 and "Traceback" not in said


def test_devices_are_listed_and_unknown_ones_refused(tape: Path, command: CommandLine, tmp_path: Path) -> None:
    listed = command("play", "--list-devices")
    assert listed.code == 0 and "tape" in listed.out and "44100" in listed.out
    assert any('"name": "tape"' in line for line in command("play", "--list-devices", "--json").out.splitlines())
    soundfile.write(tmp_path / "noise.wav", noise(4_000), 44_100)
    ran = command("play", str(tmp_path / "noise.wav"), "--device", "gramophone")
    assert ran.code == 6 and "no output device 'gramophone'" in ran.err and "--list-devices" in ran.err


def test_a_score_is_performed_and_a_take_is_played(tape: Path, command: CommandLine, tmp_path: Path) -> None:
    """End to end: the parts of the file are the parts of the take, and what the device gets is its mix."""
    selection = Selection.from_bars(1, 120, "4/4", 44_100)
    notes = tuple(Note(name, Fraction(n), Fraction(1), 45, 90) for name in ("bass", "piano") for n in range(4))
    write_midi(Score(notes), selection, tmp_path / "score.mid")
    ran = command("play", str(tmp_path / "score.mid"), "--device", "tape", "--seed", "1", "--preview")
    assert ran.code == 0, ran.err
    (take,) = [file.parent for file in (tmp_path / "home" / "takes").glob("*/take.json")]
    assert {file.name for file in take.glob("*.wav")} == {"bass.wav", "piano.wav", "mix.wav", "binaural.wav"}
    assert read_midi(take / "score.mid").score.notes == Score(notes).notes  # played as they are
    mix, _ = soundfile.read(take / "mix.wav", dtype="float32")
    heard = np.fromfile(tape, "<f4").reshape(-1, 2)
    start = next(n for n in range(4096) if np.array_equal(heard[n : n + 5000], np.clip(mix[:5000], -1, 1)))
    np.testing.assert_array_equal(heard[start : start + len(mix)], np.clip(mix, -1, 1))
    again = command("play", "last", "--stem", "bass", "--device", "quiet")
    assert again.code == 0 and "bass.wav" in again.err
    assert command("play", "last", "--stem", "guitar", "--device", "quiet").code == 2  # it plays none
    assert "binaural.wav" in command("play", str(take), "--binaural", "--device", "quiet").err


@pytest.mark.parametrize(("channels", "device_channels"), [(1, 2), (2, 2), (2, 1), (4, 2)])
def test_no_gap_and_nothing_left_over(
    channels: int, device_channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than the queue, so that reading has to keep up."""
    device = Device(device_channels)
    use(device, monkeypatch)
    monkeypatch.setattr(in_step, "PIECE", 1000)
    monkeypatch.setattr(playback, "AHEAD", 8)
    sound = noise(30_001, channels)
    soundfile.write(tmp_path / "noise.wav", sound, 44_100, "FLOAT")
    playing = playback_of(tmp_path / "noise.wav")
    playing.run()
    heard = np.concatenate(device.heard)
    sides = [sound[:, side::2].mean(axis=1) for side in (0, 1)] if channels > 1 else [sound[:, 0]] * 2
    wanted = np.stack(sides, axis=1) if device_channels == 2 else sound.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(heard[:30_001], wanted, atol=1e-6)
    assert not heard[30_001:].any() and device.closed and playing.gaps == 0


def test_a_rate_that_the_device_does_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(Device(rates=(48_000,)), monkeypatch)
    assert sounding.output(None, None, 44_100) == (None, 2, 48_000)
    assert sounding.output("0", 48_000, 44_100) == (0, 2, 48_000)
    with pytest.raises(HarmonicFlowError, match="does not take 96000 Hz"):
        sounding.output(None, 96_000, 44_100)
    with pytest.raises(HarmonicFlowError, match="no output device 'gong'"):
        sounding.output("gong", None, 44_100)


def test_a_file_that_breaks_off_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(Device(), monkeypatch)
    soundfile.write(tmp_path / "noise.flac", noise(60_000), 44_100)
    whole = (tmp_path / "noise.flac").read_bytes()
    (tmp_path / "noise.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HarmonicFlowError, match="ends early"):
        playback_of(tmp_path / "noise.flac").run()


def test_without_the_package_or_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(HarmonicFlowError, match=r"harmonicflow\[play\]"):
        sounding.library()

    class NoLibrary:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(sys, "meta_path", [NoLibrary(), *sys.meta_path])
    with pytest.raises(HarmonicFlowError, match="libportaudio2") as caught:
        sounding.library()
    assert caught.value.exit_code == 6


class Port:
    """A MIDI port that writes down what it is sent, and when."""

    def __init__(self, name: str) -> None:
        self.name, self.sent, self.closed = name, [], False

    def send(self, message: mido.Message) -> None:
        self.sent.append((time.monotonic(), message))

    def close(self) -> None:
        self.closed = True


def test_notes_go_to_a_midi_port_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_here: Any) -> None:
    port = Port("FLUID Synth 1")
    there = [ports.Port(name, "out", "ALSA", 2, number) for number, name in enumerate(("Thru", "FLUID Synth 1"))]
    monkeypatch.setattr(ports, "ports", lambda direction: there)
    with monkeypatch.context() as patch:
        patch.setattr(ports, "Output", lambda name: port)
        check_that_notes_are_sent(port, tmp_path, run_here)
    ran = run_here("play", str(tmp_path / "score.mid"), "--midi-out", "organ")
    assert ran.code == 6 and "'Thru', 'FLUID Synth 1'" in ran.err


def check_that_notes_are_sent(port: Port, tmp_path: Path, run_here: Any) -> None:
    selection = Selection.from_bars(1, 400, "2/4", 44_100)
    notes = (Note("bass", Fraction(0), Fraction(1), 40, 90), Note("drums", Fraction(1), Fraction(1), 36, 80))
    (tmp_path / "score.mid").write_bytes(write_midi(Score(notes), selection))
    ran = run_here("play", str(tmp_path / "score.mid"), "--midi-out", "fluid")
    assert ran.code == 0 and "on FLUID Synth 1" in ran.err and port.closed
    struck = [(at, message) for at, message in port.sent if message.type == "note_on"]
    assert [(message.channel, message.note, message.velocity) for _, message in struck] == [(0, 40, 90), (9, 36, 80)]
    assert struck[1][0] - struck[0][0] == pytest.approx(0.15, abs=0.1)
    assert sum(message.is_cc(123) for _, message in port.sent) == 16


def test_notes_end_when_playing_is_stopped() -> None:
    class Stopping(Port):
        def send(self, message: mido.Message) -> None:
            super().send(message)
            if message.type == "note_on":
                raise KeyboardInterrupt

    port = Stopping("x")
    score = Score((Note("bass", Fraction(0), Fraction(1), 40, 90),))
    with pytest.raises(KeyboardInterrupt):
        midi_out.play(write_midi(score, Selection.from_bars(1, 120, "4/4", 44_100)), port, loop=True)
    assert port.closed and port.sent[-1][1].is_cc(123)
    assert (
        len(mido.MidiFile(file=io.BytesIO(write_midi(score, Selection.from_bars(1, 120, "4/4", 44_100)))).tracks) == 2
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "name what to play"), (("{}/none.wav",), 2, "there is no file"), (("nothing",), 2, "no take 'nothing'"),
        (("last",), 2, "no take 'last'"), (("{}",), 2, "no take"), (("{}/text.mid",), 2, "is not a MIDI file"),
        (("{}/empty.mid", "--midi-out", "x"), 2, "holds no notes"), (("{}/text.wav",), 2, "not a sound file"),
        (("{}/text.wav", "--midi-out", "x"), 2, "only scores go there"), (("last", "--volume", "99"), 2, "--volume"),
        (("last", "--stem", "bass", "--binaural"), 2, "only one of"), (("last", "--stem", "kazoo"), 2, "no stem"),
    ],
)  # fmt: skip
def test_what_cannot_be_played(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(Device(), monkeypatch)
    for name in ("text.mid", "text.wav"):
        (tmp_path / name).write_text("neither of them")
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    ran = run_here("play", *(word.format(tmp_path) for word in words))
    assert ran.code == code and said in ran.err and ran.err.count("\n") == 1, ran.err
