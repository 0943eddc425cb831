"""Keys and progressions made up in them."""

import pytest

from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import MeterMap
from harmonicflow.score.chords import parse_progression
from harmonicflow.score.harmony import default_chords
from harmonicflow.score.keys import Key, key_of_chords, parse_key


@pytest.mark.parametrize(
    ("text", "tonic", "mode"),
    [
        ("A minor", 9, "minor"),
        ("F# major", 6, "major"),
        ("Bbm", 10, "minor"),
        ("E", 4, "major"),
        ("e♭ min", 3, "minor"),
    ],
)
def test_names(text: str, tonic: int, mode: str) -> None:
    assert parse_key(text) == Key(tonic, mode)
    assert parse_key(Key(tonic, mode).name) == Key(tonic, mode)


@pytest.mark.parametrize("text", ["", "H minor", "A dorian?", "C majorminor", "x" * 50])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(HarmonicFlowError, match="not understood"):
        parse_key(text)


@pytest.mark.parametrize(
    ("progression", "key"),
    [
        ("C | F | G | C", "C major"),
        ("Am | Dm | E7 | Am", "A minor"),
        ("Dm7 | G7 | Cmaj7 | Cmaj7", "C major"),
        ("Em | C | G | D", "E minor"),
        ("Bb | Gm | Eb | F", "Bb major"),
    ],
)
def test_the_key_of_well_known_progressions(progression: str, key: str) -> None:
    found = key_of_chords(parse_progression(progression, MeterMap.constant("4/4"), 4))
    assert found is not None and found.name == key


def test_no_chords_no_key() -> None:
    assert key_of_chords(()) is None


@pytest.mark.parametrize("genre", GENRES)
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_made_up_progressions_are_in_their_key(genre: str, mode: str) -> None:
    meters = MeterMap.constant("4/4")
    texts = set()
    for seed in range(12):
        key = Key(seed, mode)
        text = default_chords(key, genre, 12, seed)
        assert text == default_chords(key, genre, 12, seed)
        spans = parse_progression(text, meters, 12)
        assert sum(span.duration for span in spans) == 48
        inside = sum(float(span.duration) for span in spans if span.chord.root in key.scale)
        assert inside >= 24  # borrowed degrees (bVII, bVI) are half of some rock progressions
        texts.add(tuple(span.chord.transposed(-seed % 12).name for span in spans))
    assert len(texts) > 1
