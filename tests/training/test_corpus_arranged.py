"""Chord charts laid on meters, and songs the arranger writes or completes for a corpus."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import mido
import numpy as np
import pytest

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.tempo import Meter
from harmonicflow.score.chords import parse_chord
from training.corpus import arranged, song
from training.corpus.charts import Chart, ChartBar, lay, load_chart
from training.corpus.human import with_human_drums
from training.corpus.manifest import Row

BILLBOARD = {
    "id": "0001", "metre": "12/8", "tempo_bpm": 180.0,
    "sections": [
        {"name": "verse", "bars": [["A:min"], ["D:min7", "&pause"], ["2/4", "E:7"], ["N"]]},
        {"name": "chorus", "bars": [["F:maj", "G:maj"], ["C:maj/3"]]},
    ],
}  # fmt: skip
LEADSHEET = {
    "id": "00007", "time_signature": "3/4", "length_beats": 12.0, "tempo_bpm": None,
    "chords": [[0.0, 0, "major", None], [4.0, 7, "dominant", 11], [9.0, 0, "major", None]],
}  # fmt: skip
PROGRESSION = {"id": "minor_000", "mode": "minor", "degrees": ["i", "VI", "bVIIM", "v"]}


def row(path: str, corpus: str, kind: str, genre: str = "", split: str = "train") -> Row:
    return Row(path, corpus, kind, path, genre, 100.0, "4/4", "", 60.0, frozenset(), 0.0, path, split)


CHART = row("billboard/charts.jsonl#0001", "billboard", "chord_chart")
SHEET = row("openewld/midi/00007_Song.mid", "openewld", "leadsheet")
CHANGES = row("free/progressions.jsonl#minor_000", "free", "progression")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charts")
    for path, line in (
        ("billboard/charts.jsonl", BILLBOARD), ("openewld/leadsheets.jsonl", LEADSHEET),
        ("free/progressions.jsonl", PROGRESSION),
    ):  # fmt: skip
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(line) + "\n")
    return folder


def names(chart: Chart) -> list[list[str]]:
    return [[name for _, name in bar.chords] for bar in chart.bars]


@pytest.fixture(autouse=True)
def short_songs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranged, "LENGTHS_S", (14.0, 20.0))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_billboard_chart(pack: Path) -> None:
    chart = load_chart(pack, CHART, rng())
    # Pauses and "no chord" hold the chord before; a change of meter is no chord; the tempo counted eighths.
    assert names(chart) == [["Am"], ["Dm7"], ["E7"], ["E7"], ["F", "G"], ["C/E"]]
    assert chart.starts == (0, 4) and chart.meter == "12/8" and chart.tempo_bpm == 90.0


def test_a_lead_sheet_and_a_progression(pack: Path) -> None:
    sheet = load_chart(pack, SHEET, rng())
    assert names(sheet) == [["C"], ["C", "G7/B"], ["G7/B"], ["C"]]
    assert sheet.bars[1].chords[1][0] == Fraction(1, 3) and sheet.meter == "3/4"
    roots = [parse_chord(bar[0]).root for bar in names(load_chart(pack, CHANGES, rng()))]
    assert [(root - roots[0]) % 12 for root in roots] == [0, 8, 10, 7]


def test_chords_fall_on_eighths_in_any_meter() -> None:
    chart = Chart((ChartBar(((Fraction(0), "C"), (Fraction(1, 2), "F"))), ChartBar(((Fraction(0), "F"),))),
                  (0,), "4/4", None, None)  # fmt: skip
    spans = lay(chart, 0, 3, Meter.parse("7/8"), 2)
    assert [span.chord.name for span in spans] == ["D", "G", "D", "G"]
    assert [span.start for span in spans] == [0, 2, 7, 9]
    assert sum(span.duration for span in spans) == Fraction(21, 2)


@pytest.mark.parametrize("chart", [CHART, SHEET, CHANGES], ids=lambda entry: entry.kind)
def test_a_chart_becomes_a_song_of_four_parts(pack: Path, chart: Row) -> None:
    made = arranged.from_chart(chart, "train", pack, [], rng(3))
    again = arranged.from_chart(chart, "train", pack, [], rng(3))
    assert set(made.parts) == set(made.made) == set(DEFAULT_STEMS)
    assert all(np.array_equal(made.parts[name], again.parts[name]) for name in DEFAULT_STEMS)
    assert made.genre_arranged == made.genre and made.genre in arranged.C_STYLES
    tempo = 60 / np.diff(made.beats_s)
    assert np.allclose(tempo, tempo[0]) and 60 <= tempo[0] <= 180
    for name, part in made.parts.items():
        assert len(part) >= 8 and part[:, song.ONSET].min() >= 0
        assert part[:, song.ONSET].max() < made.seconds - 1, name
    # The bass stands on the chords' notes more often than not: each bar's first chord, its notes heard in it.
    inside = 0
    for start, end, chord in made.chords:
        first = made.parts["bass"][(made.parts["bass"][:, 0] > start - 0.05) & (made.parts["bass"][:, 0] < end)][:1]
        inside += any(int(note[song.PITCH]) % 12 in parse_chord(chord).pitch_classes for note in first)
    assert inside > 0.6 * len(made.chords)


def test_every_meter_gives_bars_of_its_length(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for meter, beats in (("7/8", 3.5), ("6/8", 3.0), ("12/8", 6.0), ("3/4", 3.0)):
        monkeypatch.setattr(arranged, "METERS", {meter: 1.0})
        monkeypatch.setattr(arranged, "C_STYLES", {"rock": 1.0})
        made = arranged.from_chart(CHANGES, "train", pack, [], rng(1))
        assert made.meter == meter and np.allclose(np.diff(made.downbeats), beats)
        assert made.beats_s[-1] == pytest.approx(made.seconds - 1.5, abs=1e-3)


@pytest.fixture(scope="module")
def drummers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """A rock drummer in each split, told apart by the drum that is hit."""
    folder, rows = tmp_path_factory.mktemp("drummers"), []
    for split, pitch in (("train", 38), ("validation", 51)):
        midi = mido.MidiFile(ticks_per_beat=480)
        track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=600_000)])
        for _ in range(64):
            track.append(mido.Message("note_on", channel=9, note=pitch, velocity=90))
            track.append(mido.Message("note_off", channel=9, note=pitch, time=480))
        midi.tracks.append(track)
        midi.save(str(folder / f"{split}.mid"))
        rows.append(row(f"{split}.mid", "groove", "drums_human_beat", "rock", split))
    return folder, rows


def piano_song(split: str, meter: str = "4/4") -> song.Song:
    beats = np.cumsum(np.r_[0.0, np.full(40, 0.6) + 0.01 * np.sin(np.arange(40))])
    notes = song.as_part((float(time), float(time) + 0.5, 60, 80) for time in beats[:-1])
    return song.Song("g", "c", "s", split, float(beats[-1]) + 1.5, {"piano": notes}, beats_s=beats,
                     downbeats=tuple(float(b) for b in range(0, 40, 4)), meter=meter,
                     chords=((0.0, 12.0, "C"), (12.0, float(beats[-1]), "G7")), key="C major")  # fmt: skip


@pytest.mark.parametrize(("split", "pitch"), [("train", 38), ("validation", 51)])
def test_drummers_play_on_the_beats_of_songs_of_their_own_split(
    drummers: tuple[Path, list[Row]], split: str, pitch: int
) -> None:
    made = with_human_drums(piano_song(split), *drummers, ("rock",), rng(2))
    hits = made.parts["drums"]
    assert set(hits[:, song.PITCH]) == {float(pitch)} and made.drums_from == f"{split}.mid"
    nearest = np.abs(hits[:, :1] - made.beats_s[None]).min(axis=1)
    assert len(hits) >= 24 and nearest.max() < 1e-6


def test_waltzes_and_missing_styles_get_no_drummer(drummers: tuple[Path, list[Row]]) -> None:
    assert "drums" not in with_human_drums(piano_song("train", "3/4"), *drummers, ("rock",), rng()).parts
    assert "drums" not in with_human_drums(piano_song("train"), *drummers, ("jazz",), rng()).parts


def test_a_piano_song_is_completed_and_its_own_part_is_kept(
    drummers: tuple[Path, list[Row]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arranged, "B_STYLES", {"rock": 1.0})
    monkeypatch.setattr(arranged, "HUMAN_DRUMS", {"B": 1.0, "C": 1.0})
    given = piano_song("train")
    made = arranged.complete(given, *drummers, rng(5))
    assert set(made.parts) == set(DEFAULT_STEMS) and made.made == ("bass", "guitar")
    assert np.array_equal(made.parts["piano"], given.parts["piano"])
    assert made.genre == "rock" and made.drums_from == "train.mid"
    # The bass follows the beats of a tempo that moves: most of its notes lie on a sixteenth of the nearest beat.
    beat = np.interp(made.parts["bass"][:, 0], given.beats_s, np.arange(len(given.beats_s)))
    assert np.median(np.abs(beat * 4 - np.round(beat * 4))) < 0.2
    with pytest.raises(song.Unusable):
        arranged.complete(song.Song("g", "c", "s", "train", 9.0, {}), *drummers, rng())
