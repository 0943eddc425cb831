"""What free words are taken to mean."""

from __future__ import annotations

import pytest

from harmonicflow.analysis.vocabulary import GENRE_WORDS, MOODS
from harmonicflow.analysis.words import mood_emotion, nearest_mood, understand
from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError


def test_every_genre_has_words_and_they_lead_to_it():
    assert set(GENRE_WORDS) == set(GENRES)
    assert all(understand(genre).genre == genre for genre in GENRES)
    assert all(understand("something like " + genre + " please").unknown == () for genre in GENRES)


@pytest.mark.parametrize(
    ("prompt", "genre"),
    [
        # The ten descriptions on which sentence encoders were middling, and some of their kind.
        ("a Nashville train beat with twangy guitar", "country"),
        ("slap bass like James Brown's band", "funk"),
        ("smoky club, brushes and a walking bass", "jazz"),
        ("one drop from Kingston", "reggae"),
        ("boom-bap with dusty vinyl", "hiphop"),
        ("palm-muted riffs over double kick", "metal"),
        ("bossa nova on a beach in Rio", "latin"),
        ("twelve bar shuffle in the Delta", "blues"),
        ("Lagos 1975, Fela and Tony Allen", "afrobeat"),
        ("four on the floor in Berlin", "electronic"),
        ("Motown tambourine and Hammond organ", "soul"),
        ("a catchy radio chorus", "pop"),
        ("overdriven power chords, Seattle", "rock"),
        ("funky but not jazz", "funk"),
        ("raggae", "reggae"),
    ],
)
def test_descriptions(prompt, genre):
    assert understand(prompt).genre == genre


@pytest.mark.parametrize(
    ("prompt", "mood", "signs"),
    [
        ("a dark and brooding intro", "dark", (-1, 1)),
        ("happy summer party", None, (1, 1)),
        ("slow, sad, lonely", None, (-1, -1)),
        ("laid-back late night", "chill", (1, -1)),
        ("furious", "angry", (-1, 1)),
    ],
)
def test_moods(prompt, mood, signs):
    found = understand(prompt)
    assert mood is None or found.mood == mood
    assert all(value * sign > 0 for value, sign in zip(found.emotion, signs, strict=True))


def test_more_and_less_of_a_mood():
    plain, very, bit = (understand(text).emotion[1] for text in ("angry", "very angry", "a bit angry"))
    assert bit < plain < very <= 1


def test_says_what_was_understood_and_what_not():
    found = understand("Funky slap bass, dark, no swing, purple elephants 96")
    assert found.genre_phrases == ("funky", "slap bass")
    assert found.left_out == ("swing",)
    assert found.unknown == ("purple", "elephants")
    assert found.sentence == (
        'genre funk (from "funky", "slap bass"); mood dark (from "dark"); left out "swing"; '
        'not understood: "purple", "elephants"'
    )


@pytest.mark.parametrize("prompt", ["", "   ", "the and of", "\x00\x00", "ü" * 100_000, "a " * 50_000])
def test_nothing_to_understand(prompt):
    found = understand(prompt)
    assert found.genre is None and found.mood is None and found.emotion is None


def test_named_moods():
    for name in MOODS:
        assert nearest_mood(mood_emotion(name)) == name
        assert understand(name).emotion == pytest.approx(mood_emotion(name))
    with pytest.raises(HarmonicFlowError) as error:
        mood_emotion("soggy")
    assert error.value.code == "unknown_mood" and "happy" in str(error.value)
