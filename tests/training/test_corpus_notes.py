"""Notes, drums, harmony and the plan of a corpus: everything before the first sample is rendered."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import mido
import numpy as np
import pytest

from harmonicflow.core.instruments import drum_class
from harmonicflow.score.chords import parse_chord
from harmonicflow.score.midi import read_midi
from training.corpus import chordnames, drums, harmony, labels, midifile, plan, song
from training.corpus.manifest import Row
from training.corpus.sounds import Sound
from training.corpus.sources import stem_of


def part(*notes: tuple[float, float, float, float]) -> song.Part:
    return song.as_part(notes)


# ------------------------------------------------------------------------------------------------------------- notes


def test_tidy_ends_a_note_where_its_pitch_is_struck_again() -> None:
    out = song.tidy(part((0.0, 3.0, 60, 80), (1.0, 2.0, 60, 90), (0.5, 4.0, 64, 70)))
    assert out.tolist() == [[0.0, 1.0, 60, 80], [0.5, 4.0, 64, 70], [1.0, 2.0, 60, 90]]


def test_tidy_merges_a_note_written_twice_and_drops_what_no_stem_has() -> None:
    out = song.tidy(part((1.0, 1.2, 60, 50), (1.005, 2.0, 60, 90), (0.0, 1.0, 15, 80), (0.0, 1.0, 120, 80)))
    assert out.tolist() == [[1.0, 2.0, 60, 90]]


def test_tidy_gives_drums_their_fixed_length() -> None:
    out = song.tidy(part((0.0, 0.01, 36, 100), (0.2, 9.0, 36, 100), (1.0, 1.1, 20, 100)), drums=True)
    assert out.tolist() == [[0.0, 0.2, 36, 100], [0.2, 0.7, 36, 100]]


def test_window_counts_everything_from_its_first_sample() -> None:
    whole = song.Song(
        "g", "c", "s", "train", 20.0,
        {"piano": part((3.97, 5.0, 60, 80), (4.5, 9.0, 62, 80), (8.0, 9.0, 64, 80), (1.0, 6.0, 65, 80))},
        beats_s=np.arange(0, 20, 0.5), downbeats=tuple(float(b) for b in range(0, 40, 4)),
        chords=((0.0, 6.0, "C"), (6.0, 8.0, "Am"), (8.0, 20.0, "F")),
    )  # fmt: skip
    out = song.window(whole, 4.0, 8.0, tail_s=1.0)
    assert out.seconds == 5.0
    # The note a hair early begins with the window; one that sounds from before it, and one on its end, do not.
    assert out.parts["piano"].tolist() == [[0.0, 1.0, 60, 80], [0.5, 4.0, 62, 80]]
    assert out.beats_s[0] == 0.0 and out.beats_s[-1] == 5.0
    assert out.downbeats[:2] == (0.0, 4.0)
    assert out.chords == ((0.0, 2.0, "C"), (2.0, 4.0, "Am"))


# --------------------------------------------------------------------------------------------------------- MIDI files


def midi_file(path: Path, *tracks: list[mido.Message | mido.MetaMessage], ticks: int = 480) -> Path:
    midi = mido.MidiFile(type=1, ticks_per_beat=ticks)
    for messages in tracks:
        midi.tracks.append(mido.MidiTrack(messages))
    midi.save(str(path))
    return path


def on(note: int, velocity: int, time: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=note, velocity=velocity, time=time, channel=channel)


def control(number: int, value: int, time: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("control_change", control=number, value=value, time=time, channel=channel)


def test_pedal_lengthens_notes_to_its_release_or_to_the_next_stroke(tmp_path: Path) -> None:
    # A beat is half a second. 60 is let go after a beat, the pedal holds it to beat 4; 64 is struck again at beat 3.
    path = midi_file(
        tmp_path / "a.mid",
        [
            control(64, 127), on(60, 80), on(64, 80),
            on(60, 0, 480), on(64, 0), on(64, 70, 960), on(64, 0, 120), control(64, 0, 360), on(67, 90), on(67, 0, 480),
        ],
    )  # fmt: skip
    notes = sorted(midifile.load(path).by_program[0].tolist())
    assert notes == [[0.0, 1.5, 64, 80], [0.0, 2.0, 60, 80], [1.5, 2.0, 64, 70], [2.0, 2.5, 67, 90]]


def test_channel_volume_becomes_velocity_and_a_silent_channel_nothing(tmp_path: Path) -> None:
    path = midi_file(
        tmp_path / "a.mid",
        [control(7, 50), on(60, 80), on(60, 0, 480)],
        [control(7, 0, channel=1), on(62, 80, channel=1), on(62, 0, 480, channel=1)],
        [mido.Message("program_change", program=33, channel=2), on(40, 80, channel=2), on(40, 0, 480, channel=2)],
        [on(36, 80, channel=9), on(36, 0, 480, channel=9)],
    )
    loaded = midifile.load(path).by_program
    assert {program: notes[:, 3].tolist() for program, notes in loaded.items()} == {
        0: [40.0], 33: [80.0], midifile.DRUMS: [80.0],
    }  # fmt: skip
    assert [stem_of(program) for program in (0, 33, midifile.DRUMS, 27, 48)] == [
        "piano", "bass", "drums", "guitar", None,
    ]  # fmt: skip


def test_bars_of_changing_meters_and_tempo(tmp_path: Path) -> None:
    meta = mido.MetaMessage
    path = midi_file(
        tmp_path / "a.mid",
        [
            meta("time_signature", numerator=7, denominator=8), meta("set_tempo", tempo=400_000),
            meta("set_tempo", tempo=800_000, time=7 * 240), meta("time_signature", numerator=3, denominator=4),
        ],
        [on(60, 80), on(60, 0, 480 * 10)],
    )  # fmt: skip
    loaded = midifile.load(path)
    assert loaded.downbeats[:3] == (0.0, 3.5, 6.5)
    assert loaded.meter == "3/4"
    # Beat 4 lies half a beat after the change: 3.5 beats of 0.4 s and half a beat of 0.8 s.
    assert loaded.beats_s[:5].tolist() == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.8])


# -------------------------------------------------------------------------------------------------------------- drums


def test_every_pad_of_the_td11_has_a_sound_of_the_kit() -> None:
    pads = {36, 38, 40, 37, 48, 50, 45, 47, 43, 58, 46, 26, 42, 22, 44, 49, 55, 57, 52, 51, 59, 53}
    assert set(drums.TD11_TO_GM) == pads
    named = {pad: drum_class(sound) for pad, sound in drums.TD11_TO_GM.items()}
    assert named[40] == named[38] and named[26] == named[46] and named[22] == named[42]
    assert named[52] == drum_class(49)  # the edge of a crash is a crash, not General MIDI's china
    assert max(named.values()) < 15  # nothing lands among "other percussion"


def take(hits: list[tuple[float, float, float]], bars: int) -> drums.DrumTake:
    return drums.DrumTake("take.mid", "rock", 100.0, bars, np.array(hits))


def test_warp_keeps_the_place_inside_the_beat() -> None:
    player = take([(0.0, 36, 100), (1.02, 38, 90), (3.5, 46, 80), (4.0, 36, 101), (7.95, 49, 110)], bars=2)
    beats = np.concatenate([np.arange(4) * 0.5, 2.0 + np.arange(9) * 0.8])  # the second bar is slower
    out = drums.warp(player, beats, (0.0, 4.0, 8.0), first_bar=0)
    expected = [
        (0.0, 36), (0.51, 38), (1.75, 46),
        (2.0, 36),  # 7.95 is early for a third bar, which the take does not have
        (5.2, 36), (5.2 + 1.02 * 0.8, 38), (5.2 + 3.5 * 0.8, 46),  # it begins again
    ]  # fmt: skip
    assert [(round(note[0], 6), int(note[2])) for note in out] == [(round(t, 6), p) for t, p in expected]


def test_warp_gives_a_hit_before_the_bar_line_to_the_next_bar() -> None:
    player = take([(3.95, 36, 100), (4.0, 38, 100)], bars=2)
    out = drums.warp(player, np.arange(9) * 0.5, (0.0, 4.0), first_bar=1)
    assert out[:, 0].tolist() == pytest.approx([0.0])  # what would sound before the song does not
    shifted = drums.warp(player, np.arange(9) * 0.5, (0.0, 4.0), first_bar=0)
    assert shifted[:, 0].tolist() == pytest.approx([1.975, 2.0])


def test_warp_leaves_the_first_bars_to_the_others() -> None:
    out = drums.warp(take([(0.0, 36, 100)], bars=1), np.arange(17) * 0.5, (0.0, 4.0, 8.0, 12.0), 0, skip_bars=2)
    assert out[:, 0].tolist() == [4.0, 6.0]


# ------------------------------------------------------------------------------------------------------------ harmony


@pytest.mark.parametrize(
    ("text", "name"),
    [("Gb:maj7/5", "F#maj7/C#"), ("A:min", "Am"), ("D:7(#9)", "D7#9"), ("C:hdim7", "Cm7b5")],
)
def test_harte_names(text: str, name: str) -> None:
    written = chordnames.from_harte(text)
    assert written is not None and parse_chord(written) == parse_chord(name)


def test_no_chords_are_none() -> None:
    assert [chordnames.from_harte(text) for text in ("N", "&pause", "*", "2/4")] == [None] * 4


def test_musicxml_and_degrees() -> None:
    assert chordnames.from_musicxml(9, "minor-seventh", 0, shift=2) == parse_chord("Bm7/D").name
    assert [chordnames.from_degree(text, 9, True) for text in ("im", "bVIIM", "VI", "vdim", "ivm9")] == [
        parse_chord(name).name for name in ("Am", "G", "F", "Edim", "Dm9")
    ]
    assert [chordnames.from_degree(text, 7, False) for text in ("I", "V7", "Idom7", "IVsus4", "vi")] == [
        parse_chord(name).name for name in ("G", "Dmaj7", "G7", "Csus4", "Em")
    ]
    with pytest.raises(ValueError, match="scale degree"):
        chordnames.from_degree("X", 0, False)
    assert chordnames.from_harte_key("Gb:maj", 1) == "G major"


def chords_as_notes(names: list[str], seconds: float) -> song.Part:
    rows = []
    for index, name in enumerate(names):
        for pitch_class in sorted(parse_chord(name).pitch_classes):
            rows.append((index * seconds, (index + 1) * seconds, 60 + pitch_class, 80))
    return song.as_part(rows)


def test_planted_chords_and_key_are_found() -> None:
    names = ["C", "F", "G7", "C", "Am", "F", "G7", "C"]
    notes = chords_as_notes(names, 2.0)
    bass = song.as_part([(i * 2.0, i * 2 + 2, 36 + parse_chord(name).root, 90) for i, name in enumerate(names)])
    found = harmony.find_chords([notes], bass, np.arange(9) * 2.0)
    assert [name for _, _, name in found] == names
    assert found[2][:2] == (4.0, 6.0)
    assert harmony.find_key([notes]) == "C major"
    assert harmony.find_key([song.transpose(chords_as_notes(["Am", "Dm", "E7", "Am"], 1.0), 2)]) == "B minor"


def test_derived_emotion_follows_mode_and_pace() -> None:
    calm = harmony.derived_emotion({"piano": part(*((t, t + 1, 60, 50) for t in range(8)))}, "A minor", 60.0, 8.0)
    fast = part(*((t / 8, t / 8 + 1, 60, 110) for t in range(64)))
    wild = harmony.derived_emotion({"piano": fast}, "C major", 170.0, 8.0)
    assert calm is not None and wild is not None
    assert calm[0] < 0 < wild[0] and calm[1] < 0 < wild[1]
    assert harmony.derived_emotion({}, None, None, 8.0) is None


# -------------------------------------------------------------------------------------------------- labels, score.mid


def test_score_midi_says_what_the_labels_say() -> None:
    made = song.Song(
        "g", "c", "s", "train", 12.0,
        {
            "piano": part((0.31, 1.0, 60, 80), (5.017, 5.5, 64, 90)),
            "drums": part((0.0, 0.5, 36, 100), (7.77, 8.27, 38, 64)),
        },
        beats_s=np.cumsum([0.0, 0.5, 0.52, 0.49, 0.61, 0.6, 0.7]), downbeats=(0.0, 4.0), chords=((0.0, 2.0, "Am"),),
        key="A minor",
    )  # fmt: skip
    written = labels.make_labels(made, Sound(Path("x.sf2")), 0.0, 1)
    assert written["beats_s"][-1] >= 12.0  # carried on over the tail
    assert written["downbeats"][:4] == [0, 4, 8, 12]
    back = read_midi(labels.score_midi(written))
    for name, notes in written["notes"].items():
        times = [float(back.tempo.frame_at(note.start) / back.tempo.rate) for note in back.score.part(name)]
        assert times == pytest.approx([note[0] for note in notes], abs=0.0006)
        assert [(note.pitch, note.velocity) for note in back.score.part(name)] == [(n[2], n[3]) for n in notes]
    assert back.meters.bar_start(2) == Fraction(4)


# --------------------------------------------------------------------------------------------------------------- plan


def rows() -> list[Row]:
    def row(number: int, corpus: str, kind: str, split: str, parts: str) -> Row:
        group = f"{corpus}{number}"
        return Row(f"{corpus}/{number}.mid", corpus, kind, group, "rock", 100.0, "4/4", "", 200.0,
                   frozenset(parts.split(";")), 0.1, group, split)  # fmt: skip

    out = []
    for number in range(60):
        split = "validation" if number % 10 == 3 else "test" if number % 10 == 6 else "train"
        out.append(row(number, "freedoom", "multitrack", split, "bass;drums;guitar"))
        out.append(row(number, "pop909", "piano_human", split, "piano"))
        out.append(row(number, "mutopia", "guitar_score", split, "guitar"))
        out.append(row(number, "sonatas", "piano_score", split, "piano"))
        out.append(row(number, "billboard", "chord_chart", split, ""))
    return out


def test_a_longer_corpus_begins_with_the_shorter_one() -> None:
    short, long = (plan.plan(rows(), "ABCD", hours, seed=3) for hours in (1.0, 2.5))
    by_name = {track.name: track for track in long}
    assert all(by_name[track.name] == track for track in short)
    assert sum(track.seconds for track in long) == pytest.approx(2.5 * 3600, rel=0.06)
    assert len(by_name) == len(long)
    assert plan.plan(rows(), "ABCD", 1.0, seed=4) != short


def test_tracks_keep_the_split_of_their_song() -> None:
    tracks = plan.plan(rows(), "ABCD", 6.0, seed=1)
    assert all(track.split == track.row.split for track in tracks)
    groups = {split: {t.row.group for t in tracks if t.split == split} for split in ("train", "validation", "test")}
    assert not groups["train"] & groups["validation"] and not groups["train"] & groups["test"]
    assert groups["validation"] and groups["test"]
    # Songs held out are used once; training songs come again, as another turn.
    held = [track for track in tracks if track.split != "train"]
    assert all(track.turn == 0 for track in held)
    assert any(track.turn > 0 for track in tracks)


def test_any_beginning_of_the_list_is_a_mixture() -> None:
    tracks = plan.plan(rows(), "ABCD", 4.0, seed=1)
    assert {track.part for track in tracks[:12]} == set("ABCD")
