"""MIDI files and steering on the command line: what they become in a request."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import mido
import msgspec
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from bridge import making
from bridge.midi_options import midi_options
from bridge.options import like_option
from bridge.request import Span, selection_of
from bridge.scores import Given, around, is_midi, moved, specs, take_given
from bridge.steering import steering_options, take_steering
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Generate, Steering
from harmonicflow.core.meters import Meter
from harmonicflow.core.tempo import Selection, TempoMap
from harmonicflow.score.chords import chords_over
from harmonicflow.score.midi import write_midi
from harmonicflow.score.score import Note, Score, Section
from harmonicflow.score.spec import score_of, spec_of


def chosen(*words: str) -> dict[str, Any]:
    """The options as a command gets them."""
    got: dict[str, Any] = {}

    @click.command()
    @steering_options
    @midi_options
    @like_option
    @click.option("--chords")
    def command(**choices: Any) -> None:
        got.update(choices)

    CliRunner().invoke(command, list(words), catch_exceptions=False, standalone_mode=False)
    return got


@pytest.mark.parametrize(
    ("words", "steering"),
    [
        ("", None),
        ("--density 0.7", Steering(density={"": 0.7})),
        ("--density bass=0.7,drums=0.3,0.5 --complexity piano=1", Steering(
            density={"bass": 0.7, "drums": 0.3, "": 0.5}, complexity={"piano": 1.0})),
        ("--swing 2/3 --energy 0.3,0.5,0.9 --loudness 0", Steering(swing=2 / 3, energy=(0.3, 0.5, 0.9), loudness=0.0)),
        ("--follow-kick --answer Guitar --composer arranger --register 1", Steering(
            follow="drums", answer="guitar", composer="arranger", register=1.0)),
    ],
)  # fmt: skip
def test_what_steers_a_request(words: str, steering: Steering | None) -> None:
    assert take_steering(chosen(*words.split())) == steering
    assert steering is None or msgspec.json.decode(msgspec.json.encode(steering), type=Steering) == steering


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--density 1.1", "bad_steering"), ("--density bass=x", "bad_steering"), ("--swing x", "bad_steering"),
        ("--density kazoo=0.1", "unknown_stem"), ("--answer kazoo", "unknown_stem"),
        ("--density 0.1,0.2", "bad_steering"), ("--energy 0.1,,0.2", "bad_steering"), ("--swing -1", "bad_steering"),
        ("--energy " + ",".join(["0.5"] * 65), "bad_steering"),
        ("--midi-part kazoo=a.mid", "unknown_stem"), ("--track Sax=kazoo", "unknown_stem"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(words: str, code: str) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        chosen(*words.split())
    assert caught.value.code == code


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Five bars of 7/8 at 97.3, then 140, with bass, guitar, chords and a section."""
    tempo = TempoMap.from_changes([(0, "97.3"), (7, 140)], 44_100)
    selection = Selection.from_bars(5, tempo, "7/8", 44_100)
    notes = [Note("bass", Fraction(7 * n, 4), Fraction(1), 40, 80, 0.01) for n in range(10)]
    notes += [Note("guitar", Fraction(n), Fraction(3, 2), 60, 70) for n in range(17)]
    score = Score(tuple(notes), chords_over("Am7 | F", selection), (Section(Fraction(0), Fraction(35, 2), "verse"),))
    write_midi(score, selection, tmp_path / "song.mid")
    return tmp_path / "song.mid"


def test_finished_parts_bring_their_time(song: Path) -> None:
    choices = chosen("--midi", str(song))
    given = take_given(choices)
    assert set(choices) & {"midi", "midi_parts", "tracks", "chords_from", "groove_from", "like_score"} == set()
    selection = selection_of(Span(clock=given.clock), 48_000)
    assert [str(bar.meter) for bar in selection.bars()] == ["7/8"] * 5
    assert selection.bpm_at_beat(6) == Fraction("97.3") and selection.bpm_at_beat(7) == 140
    score = score_of(specs(given, selection)["score"])
    assert score.parts == ("bass", "guitar") and len(score.notes) == 27
    assert score.part("bass")[1].shift_s == 0.01  # to the last bit
    assert [span.chord.name for span in score.chords] == ["Am7", "F", "Am7", "F", "Am7"]
    assert max(note.end for note in score.notes) == Fraction(35, 2)  # nothing rings beyond the selection


def test_a_tempo_a_meter_and_a_length_of_ones_own_hold(song: Path) -> None:
    clock = take_given(chosen("--midi", str(song))).clock
    selection = selection_of(Span(clock=clock, tempo=Fraction(60), meter="4/4", bars=2), 44_100)
    assert selection.seconds == 8 and selection.meters.meter(1) == Meter(4, 4)
    short = selection_of(Span(clock=clock, bars=1, start=Fraction(2)), 44_100, clip_frames=44_100 * 60)
    assert short.start_frame == 88_200 and short.beats == Fraction(7, 2) and short.bpm_at_beat(0) == Fraction("97.3")
    inside = selection_of(Span(clock=clock, bars=1, start_beat=Fraction(3, 2)), 44_100)
    assert inside.beats == 2 and inside.bpm_at_beat(1) == Fraction("97.3")


def test_one_part_of_a_file_and_a_track_by_name(song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = mido.MidiFile()
    for name in ("Lead Sax", "Keys"):
        sound = [mido.Message("note_on", note=60, velocity=70), mido.Message("note_on", note=60, velocity=0, time=480)]
        file.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name=name), *sound]))
    file.save(tmp_path / "other.mid")
    given = take_given(chosen("--midi", str(tmp_path / "other.mid")))
    assert given.score is not None and given.score.parts == ("piano",)
    said = capsys.readouterr().err
    assert "'Lead Sax' is left out, 'Keys' plays piano" in said and '--track "Lead Sax=guitar"' in said
    assert given.clock is not None and not given.clock.says_tempo
    given = take_given(chosen("--midi", str(tmp_path / "other.mid"), "--track", "lead sax=guitar",
                              "--midi-part", f"piano={song}"))  # fmt: skip
    assert given.score is not None and given.score.parts == ("guitar", "piano")
    assert len(given.score.part("piano")) == 27  # all of the song, instead of the keys


def test_chords_go_around_until_the_selection_is_full(song: Path) -> None:
    given = take_given(chosen("--chords-from", str(song)))
    selection = Selection.from_bars(7, 120, "7/8", 44_100)
    chords = score_of(specs(given, selection)["score"]).chords
    assert [(span.chord.name, span.end) for span in chords][-3:] == [
        ("Am7", Fraction(35, 2)),
        ("Am7", 21),
        ("F", Fraction(49, 2)),
    ]
    assert specs(given, selection, "C | G")["score"].chords == ()  # those that are named hold


def test_chords_are_heard_from_notes_and_from_sound(tmp_path: Path) -> None:
    triads = {"C": (48, 60, 64, 67), "F": (41, 60, 65, 69), "G": (43, 59, 62, 67), "Am": (45, 60, 64, 69)}
    selection = Selection.from_bars(4, 100, "4/4", 44_100)
    notes = [Note("piano", Fraction(4 * bar), Fraction(4), pitch, 80)
             for bar, name in enumerate(triads) for pitch in triads[name]]  # fmt: skip
    write_midi(Score(tuple(notes)), selection, tmp_path / "notes.mid")
    found = score_of(specs(take_given(chosen("--chords-from", str(tmp_path / "notes.mid"))), selection)["score"])
    assert [span.chord.name for span in found.chords] == list(triads)
    time = np.arange(selection.frames) / 44_100
    sound = np.zeros(selection.frames)
    for note in notes:
        begin, end = (int(selection.frame_at_beat(beat)) for beat in (note.start, note.end))
        tone = 440 * 2 ** ((note.pitch - 69) / 12)
        part = sum(np.sin(2 * np.pi * tone * k * time[: end - begin]) / k**2 for k in (1, 2, 3))
        sound[begin:end] += 0.05 * part * np.exp(-time[: end - begin])
    soundfile.write(tmp_path / "notes.wav", sound[:-500], 44_100)  # cut a little early, as loops are
    twice = Selection.from_bars(8, 100, "4/4", 48_000)
    heard = score_of(specs(take_given(chosen("--chords-from", str(tmp_path / "notes.wav"))), twice)["score"])
    assert [span.chord.name for span in heard.chords] == [*triads, *triads]


def test_around_and_moved() -> None:
    selection = Selection.from_bars(2, 120, "4/4", 44_100)
    once = chords_over("C F | G", selection)
    assert around(once, Fraction(8), Fraction(19))[-1].end == 19 and len(around(once, Fraction(8), Fraction(19))) == 8
    spec = spec_of(Score((Note("bass", Fraction(1), Fraction(1), 40, 80),), once), "x.mid")
    later = score_of(moved(spec, Fraction(7, 2)))
    assert later.notes[0].start == Fraction(9, 2) and later.chords[0].start == Fraction(7, 2)


def test_groove_and_motifs(song: Path, tmp_path: Path) -> None:
    choices = chosen("--groove-from", str(song), "--like", f"bass={song}", "--like", "drums=d.wav")
    given = take_given(choices)
    assert choices["like"] == (("drums", "d.wav"),)  # a sound stays a sound
    found = specs(given, Selection.from_bars(1, 120, "4/4", 44_100))
    assert len(found["groove"].notes) == 27 and {row[0] for row in found["like_score"].notes} == {"bass"}
    assert found["groove"].name == found["like_score"].name == "song.mid" and "score" not in found
    assert specs(Given(), Selection.from_bars(1, 120, "4/4", 44_100)) == {}
    with pytest.raises(HarmonicFlowError, match="one score to be like already"):
        take_given(chosen("--like-score", str(song), "--like", str(song)))
    soundfile.write(tmp_path / "loop.wav", np.zeros(1000), 44_100)
    with pytest.raises(HarmonicFlowError, match="a MIDI file that is asked for"):
        take_given(chosen("--groove-from", str(tmp_path / "loop.wav")))


def test_midi_is_known_by_its_ending_or_its_head(song: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").write_bytes(song.read_bytes())
    (tmp_path / "sound.wav").write_bytes(b"RIFF0000WAVE")
    assert is_midi(str(tmp_path / "bare")) and is_midi("NONE.MID")
    assert not is_midi(str(tmp_path / "sound.wav")) and not is_midi(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--midi", "{}/none.mid"), "missing_file"), (("--midi", "{}/text.mid"), "bad_midi"),
        (("--midi", "{}/empty.mid"), "empty_midi"), (("--chords-from", "{}/empty.mid"), "empty_midi"),
        (("--groove-from", "{}/empty.mid"), "empty_midi"), (("--chords-from", "{}/none.wav"), "missing_file"),
        (("--midi", "{}/song.mid", "--track", "Tuba=bass"), "unknown_track"), (("--track", "Tuba=bass"), "bad_option"),
        (("--chords-from", "{}/song.mid", "--chords", "C"), "bad_option"),
    ],
)  # fmt: skip
def test_files_that_will_not_do(song: Path, tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    (tmp_path / "text.mid").write_text("not music")
    with pytest.raises(HarmonicFlowError) as caught:
        specs(
            take_given(chosen(*(word.format(tmp_path) for word in words))), Selection.from_bars(1, 120, "4/4", 44_100)
        )
    assert caught.value.code == code and "\n" not in str(caught.value)


def test_the_request_that_is_sent(song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the way to the message, as a daemon would get it."""
    sent: list[Generate] = []

    class Nobody:
        def __enter__(self) -> object:
            return SimpleNamespace()

        def __exit__(self, *error: object) -> None: ...

    def follow(client: object, request: Generate, buffers: list[Any]) -> tuple[()]:
        sent.append(msgspec.json.decode(msgspec.json.encode(request), type=Generate))
        return ()

    monkeypatch.setattr(making, "connect_or_start", Nobody)
    monkeypatch.setattr(making, "follow", follow)
    choices = chosen("--midi", str(song), "--density", "drums=0.9", "--like-score", str(song))
    making.make(None, Span(), None, None, choices | {"seed": 1})
    (request,) = sent
    assert request.steering == Steering(density={"drums": 0.9})
    assert request.score is not None and request.score.name == "song.mid" and len(request.score.notes) == 27
    assert request.like_score is not None and request.groove is None
    assert Selection.from_wire(request.selection).meters.meter(1) == Meter(7, 8)
