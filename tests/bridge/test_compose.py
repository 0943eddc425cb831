"""`compose`: notes without sound and without a daemon, as `generate` would play them."""

import json
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from harmonicflow.core.png import png
from harmonicflow.core.tempo import Selection, TempoMap
from harmonicflow.score.letters import GLYPHS, HEIGHT, WIDTH, letters
from harmonicflow.score.midi import read_midi, write_midi
from harmonicflow.score.picture import LEFT, picture
from harmonicflow.score.score import Note, Score


def test_a_score_from_chords(run_here: Any, tmp_path: Path) -> None:
    words = ("compose", "--bars", "4", "--tempo", "97.3", "--meter", "7/8", "--chords", "Am7 | F", "--seed", "3")
    ran = run_here(*words, "--genre", "rock", "--out", str(tmp_path / "a.mid"), "--json")
    assert ran.code == 0, ran.err
    row = json.loads(ran.out)
    found = read_midi(tmp_path / "a.mid")
    assert [span.chord.name for span in found.score.chords] == ["Am7", "F", "Am7", "F"]
    assert found.tempo.bpm_at(0) == Fraction("97.3") and str(found.meters.meter(1)) == "7/8"
    assert str(found.key) == row["key"]
    assert row["parts"] == {name: len(found.score.part(name)) for name in found.score.parts}
    assert set(row["parts"]) == {"bass", "drums", "guitar", "piano"} and row["bars"] == 4
    assert row["chords"][1] == [3.5, 3.5, "F"] and row["tempo"] == [[0.0, 97.3]] and row["meters"] == [[1, "7/8"]]
    again = run_here(*words, "--genre", "rock", "--out", str(tmp_path / "b.mid"))
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    assert "| Am7 | F | Am7 | F |" in again.out and again.out.splitlines()[-1] == str(tmp_path / "b.mid")


def test_genre_and_mood_choose_the_tempo(run_here: Any, tmp_path: Path) -> None:
    def bpm(*words: str) -> float:
        ran = run_here("compose", "--bars", "2", "--seed", "1", "--out", str(tmp_path / "x.mid"), "--json", *words)
        assert ran.code == 0 and "choose with --tempo" in ran.err, ran.err
        tempo: float = json.loads(ran.out)["tempo"][0][1]
        return tempo

    calm, wild = bpm("--genre", "rock", "--emotion", "0,-0.9"), bpm("--genre", "rock", "--emotion", "0,0.9")
    assert 84 <= calm < 120 < wild <= 168
    assert bpm("--prompt", "a slow sad reggae") < 84


def test_files_are_not_written_over_unless_they_are_named(
    run_here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("compose", "--bars", "1", "--genre", "pop", "--stems", "bass", "--tempo", "120")
    assert [run_here(*words, "--seed", "1").out.splitlines()[-1] for _ in range(2)] == ["score.mid", "score-2.mid"]
    ran = run_here(*words, "--options", "3", "--seed", "5", "--out", "take.mid", "--picture", "roll.png")
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in tmp_path.glob("take*")) == ["take-1.mid", "take-2.mid", "take-3.mid"]
    assert len(list(tmp_path.glob("roll-[123].png"))) == 3
    alone = run_here(*words, "--seed", "6", "--out", "second.mid")
    assert alone.code == 0 and Path("second.mid").read_bytes() == Path("take-2.mid").read_bytes()


def test_a_midi_clip_is_finished_and_the_others_fit_it(run_here: Any, tmp_path: Path) -> None:
    tempo = TempoMap.from_changes([(0, 90), (8, 110)], 44_100)
    selection = Selection.from_bars(4, tempo, "4/4", 44_100)
    roots = {0: 45, 4: 41, 8: 48, 12: 43}  # A, F, C, G
    notes = [Note("piano", Fraction(beat), Fraction(4), root + step, 80, 0.004)
             for beat, root in roots.items() for step in (0, 12, 19, 16 - (root == 45))]  # fmt: skip
    (tmp_path / "riff.mid").write_bytes(write_midi(Score(tuple(notes)), selection))
    ran = run_here(
        "compose", str(tmp_path / "riff.mid"), "--genre", "rock", "--out", str(tmp_path / "all.mid"), "--json"
    )
    assert ran.code == 0, ran.err
    back = read_midi(tmp_path / "all.mid")
    assert back.score.part("piano") == Score(tuple(notes)).notes  # to the bit
    assert back.tempo.bpm_at(7) == 90 and back.tempo.bpm_at(8) == 110 and len(back.score.parts) == 4
    assert [name for _, _, name in json.loads(ran.out)["chords"]] == ["Am", "F", "C", "G"]
    lowest = {
        int(note.start) // 4: note.pitch % 12 for note in reversed(back.score.part("bass")) if note.start % 4 == 0
    }
    assert lowest == {bar: root % 12 for bar, root in enumerate(roots.values())}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--bars", "2", "--like", "{}/x.wav"), "nothing is played here"), (("{}/none.mid",), "there is no file"),
        (("--bars", "2", "--seconds", "3"), "only one of"), (("--bars", "2", "--chords", "H"), "chord 'H'"),
        (("{}/empty.mid",), "holds no notes"), (("--bundle", "{}/none"), "there is no bundle"),
        (("--bars", "2", "--composer", "model"), "composer"), (("{}/empty.mid", "--start", "2"), "the clip is MIDI"),
        (("--bars", "2", "--out", "{}/no/such/folder.mid"), "cannot be written"),
    ],
)  # fmt: skip
def test_what_cannot_be_composed(words: tuple[str, ...], said: str, tmp_path: Path, run_here: Any) -> None:
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    ran = run_here("compose", *(word.format(tmp_path) for word in words), "--json")
    errors = [line for line in ran.err.splitlines() if line.startswith("harmonicflow: ")]
    assert ran.code != 0 and len(errors) == 1 and said in errors[0], ran.err
    assert "Traceback" not in ran.err and set(json.loads(ran.out)) == {"error"}


# ------------------------------------------------------------------------------------------------------- the picture


def pixels(data: bytes) -> np.ndarray:
    """A PNG file read by hand: uint8 [height, width, 3]."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(data[place : place + 4], "big") for place in (16, 20))
    size = int.from_bytes(data[33:37], "big")
    assert data[37:41] == b"IDAT" and zlib.crc32(data[37 : 41 + size]).to_bytes(4, "big") == data[41 + size : 45 + size]
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + size]), np.uint8).reshape(height, 1 + 3 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_png_there_and_back() -> None:
    sheet = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    np.testing.assert_array_equal(pixels(png(sheet.tobytes(), 7, 5)), sheet)
    with pytest.raises(ValueError, match="not 2 x 2 pixels"):
        png(b"123", 2, 2)


def test_the_picture_shows_each_note_where_it_sounds() -> None:
    selection = Selection.from_bars(2, 120, "4/4", 44_100)
    loud, soft = Note("bass", Fraction(2), Fraction(1), 40, 127), Note("bass", Fraction(5), Fraction(2), 47, 20)
    empty = pixels(picture(Score((loud,)), selection))
    sheet = pixels(picture(Score((loud, soft)), selection))
    blue = (sheet[..., 2].astype(int) - sheet[..., 0] > 40).any(axis=0)
    columns = np.flatnonzero(blue)
    assert columns[0] == LEFT + 2 * 24 and columns[-1] == LEFT + 7 * 24 - 2
    assert not blue[LEFT + 3 * 24 : LEFT + 5 * 24].any()
    where = [np.flatnonzero((sheet[:, LEFT + beat * 24 + 9, 2].astype(int) - sheet[:, LEFT + beat * 24 + 9, 0]) > 40)
             for beat in (2, 5)]  # fmt: skip
    assert where[0].min() - where[1].min() == 4 * 7  # seven semitones
    assert sheet[where[0][0], LEFT + 57].sum() < sheet[where[1][0], LEFT + 129].sum()  # the loud one is darker
    assert empty.shape == sheet.shape
    assert pixels(picture(Score(), selection)).shape[1] == LEFT + 8 * 24 + 8
    assert pixels(picture(Score((loud,)), Selection.from_bars(1500, 120, "4/4", 44_100))).shape[1] <= 4010


def test_letters_differ() -> None:
    drawn = {letter: letters(letter).tobytes() for letter in GLYPHS}
    same = {one + two for one in drawn for two in drawn if one < two and drawn[one] == drawn[two]}
    assert same <= {"gq"} and letters("Am7").shape == (HEIGHT, 3 * WIDTH) and letters("Am7").any()
