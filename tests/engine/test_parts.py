"""Each instrument's MIDI file: as long as the selection to the tick, with the notes that score.mid has."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mido
import pytest

from harmonicflow.core.tempo import MeterMap, Selection, TempoMap
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.parts import part_midi
from harmonicflow.engine.take import read_take, write_take
from harmonicflow.score.midi import TICKS_PER_BEAT, write_midi
from harmonicflow.score.score import Note, Score

MAPS = {
    "one tempo": Selection.from_bars(3, "93.7", "7/8", 48_000),
    "a change inside, cut at both ends": Selection(
        44_100, 30_000, 190_003, TempoMap([(0, 0), (4, 90_000), (8, 150_000)], 44_100),
        MeterMap.constant("4/4"), Fraction(1),
    ),
}  # fmt: skip


def opened(data: bytes | None) -> mido.MidiFile:
    assert data is not None
    return mido.MidiFile(file=io.BytesIO(data))


def events(track: mido.MidiTrack, *kinds: str) -> list[tuple[int, str]]:
    """The messages of some kinds with their ticks."""
    now, found = 0, []
    for message in track:
        now += message.time
        if message.type in kinds:
            found.append((now, str(message.copy(time=0))))
    return found


@pytest.mark.parametrize("name", MAPS)
def test_as_long_as_the_selection_and_with_its_tempo_map(name: str) -> None:
    selection = MAPS[name]
    notes = [
        Note("bass", Fraction(0), Fraction(1), 40, 90, -0.03),  # before the first beat
        Note("bass", Fraction(3, 2), Fraction(5, 7), 43, 80, 0.004),
        Note("bass", selection.beats - 1, Fraction(3), 45, 100),  # rings on
        Note("bass", selection.beats - Fraction(1, 100), Fraction(1), 50, 70, 0.02),  # later than the end
        Note("piano", Fraction(1), Fraction(1), 60, 90),
    ]
    file = opened(part_midi(Score(tuple(notes)), "bass", selection))
    whole = opened(write_midi(Score(tuple(notes)), selection))
    end = int(selection.beats * TICKS_PER_BEAT + Fraction(1, 2))
    assert file.type == 1 and len(file.tracks) == 2
    assert [sum(message.time for message in track) for track in file.tracks] == [end, end]
    for kind in ("set_tempo", "time_signature"):
        assert events(file.tracks[0], kind) == events(whole.tracks[0], kind) != []
    played = events(file.tracks[1], "note_on")
    assert played == [event for event in events(whole.tracks[1], "note_on") if event[0] < end] and len(played) == 3
    assert file.length == pytest.approx(float(selection.seconds), abs=0.001)
    assert part_midi(Score(tuple(notes)), "drums", selection) is None, "who rests has no file"


def test_a_take_has_one_for_each_instrument_that_plays(flow: HarmonicFlow, tmp_path: Path) -> None:
    (result,) = flow.generate(bars=2, tempo="110", stems=["bass", "drums"], chords="Am | F", seed=3)
    summary = write_take(result, tmp_path / "take")
    assert summary.parts == {"bass": "bass.mid", "drums": "drums.mid"}
    pitches = {note.pitch for note in result.score.part("drums")}
    heard = {m.note for m in opened((tmp_path / "take" / "drums.mid").read_bytes()).tracks[1] if m.type == "note_on"}
    assert heard == pitches
    back = read_take(tmp_path / "take")
    (child,) = flow.regenerate(back, stems="bass", from_bar=2, seed=9)
    write_take(child, tmp_path / "child")
    files = {name: [(tmp_path / folder / f"{name}.mid").read_bytes() for folder in ("take", "child")]
             for name in ("bass", "drums")}  # fmt: skip
    assert files["drums"][0] == files["drums"][1] and files["bass"][0] != files["bass"][1]
    silent = replace(result, score=Score(result.score.part("bass")))
    assert write_take(silent, tmp_path / "silent").parts == {"bass": "bass.mid"}
    assert not (tmp_path / "silent" / "drums.mid").exists()
