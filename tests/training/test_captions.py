"""Captions: true to the labels, of many wordings, the same for the same draw."""

import re
from typing import Any

import numpy as np
import pytest

from harmonicflow.text.lines import GENRES, MOODS, TEMPOS, TONES
from harmonicflow.text.table import DIMENSIONS, TextTable
from training.captions import caption, facts_of, song_captions, tone_of
from training.corpus.sounds import VOICE_NAMES, VOICES
from training.text_table import pack_table

NOTE = [0.0, 0.5, 40, 80]
BALLAD: dict[str, Any] = {
    "group": "a", "source": "somewhere/a.mid", "genre": "jazz", "genre_arranged": None, "emotion": [-0.75, -0.4],
    "tempo_bpm": 62.0, "meter": "3/4", "key": "F# minor", "seconds": 60.0,
    "drums_from": "groove/drummer5/session1/17_blues-shuffle_72_beat_4-4.mid",
    "programs": {"bass": 32, "drums": 40, "guitar": 26, "piano": 3},
    "banks": {"bass": 0, "drums": 128, "guitar": 0, "piano": 0},
    "notes": {"bass": [NOTE] * 30, "drums": [NOTE] * 400, "guitar": [NOTE] * 400, "piano": [NOTE] * 1000},
}  # fmt: skip
BRIGHT: dict[str, Any] = {
    **BALLAD, "genre": "funk", "emotion": [0.7, 0.85], "tempo_bpm": 150.0, "meter": "4/4", "key": "Bb major",
    "drums_from": None, "programs": {"bass": 36, "drums": 25, "guitar": 28, "piano": 4},
    "banks": {"bass": 0, "drums": 128, "guitar": 8, "piano": 0},
}  # fmt: skip


def many(labels: dict[str, Any], count: int = 600, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [caption(labels, rng) for _ in range(count)]


def says(texts: list[str], phrase: str) -> bool:
    return re.search(rf"\b{re.escape(phrase)}\b", "\n".join(texts).lower()) is not None


@pytest.mark.parametrize("labels", [BALLAD, BRIGHT])
def test_hundreds_of_wordings(labels: dict[str, Any]) -> None:
    texts = many(labels)
    assert len(set(texts)) > 450
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) <= 2 and max(lengths) >= 15 and 3 <= np.median(lengths) <= 12
    assert all(text == text.strip() and text and "  " not in text for text in texts)


def test_everything_is_said_at_some_time() -> None:
    texts = many(BALLAD)
    for phrase in ("slow jazz", "sad", "upright bass", "brushes", "jazz guitar", "honky tonk piano", "62 bpm",
                   "f sharp minor", "waltz time", "sparse bass", "busy piano", "blues shuffle drums"):  # fmt: skip
        assert says(texts, phrase), phrase
    texts = many(BRIGHT)
    for phrase in ("fast", "funk", "euphoric", "slap bass", "808 drums", "funk guitar", "electric piano",
                   "b flat major"):  # fmt: skip
        assert says(texts, phrase), phrase


@pytest.mark.parametrize(
    ("labels", "kind", "own"),
    [
        (BALLAD, GENRES, ("jazz",)), (BALLAD, MOODS, ("sad", "melancholic")), (BALLAD, TEMPOS, ("slow",)),
        (BALLAD, TONES, ("upright bass", "brushes", "jazz guitar", "honky-tonk piano")),
        (BRIGHT, GENRES, ("funk",)), (BRIGHT, MOODS, ("excited", "triumphant", "energetic")),
        (BRIGHT, TEMPOS, ("fast",)),
        (BRIGHT, TONES, ("slap bass", "808 drums", "funk guitar", "electric piano")),
    ],
)  # fmt: skip
def test_nothing_else_is_said(labels: dict[str, Any], kind: dict[str, Any], own: tuple[str, ...]) -> None:
    # Words side by side make others: "jazz", "drums". A tone may be called mellow, a mood too.
    labels = {**labels, "drums_from": None, **({"genre": None} if kind is TONES else {"programs": {}})}
    texts = many(labels)
    said = "\n".join(texts).lower()
    allowed = " / ".join(phrase for name in own for phrase in (name, *kind[name].says))
    others = [phrase for name, line in kind.items() if name not in own for phrase in (name, *line.says)]
    assert len(others) > 5
    assert [phrase for phrase in others if phrase in said and phrase not in allowed and says(texts, phrase)] == []


def test_unknown_facts_are_left_unsaid() -> None:
    quiet = {"genre": None, "emotion": None, "tempo_bpm": None, "key": None, "programs": {"guitar": 24},
             "notes": {"guitar": [NOTE] * 60}, "seconds": 10.0}  # fmt: skip
    texts = many(quiet, 300)
    assert says(texts, "nylon guitar") and says(texts, "solo guitar")
    assert not any(re.search(r"bpm|beats|minor|major|\d", text) for text in texts)
    assert set(text.lower() for text in many({}, 200)) <= {
        f"{opener}{noun}"
        for opener in ("", "give me ", "i want ", "play ", "make ", "we need ", "please play ", "something like ",
                       "can you make ", "how about ")
        for noun in ("music", "track", "piece", "groove", "tune")
    }  # fmt: skip


def test_tempo_words_keep_to_their_borders() -> None:
    for bpm, word in ((60, "slow"), (81, "slow"), (100, "medium tempo"), (140, "fast"), (85, None), (125, None)):
        texts = many({"tempo_bpm": bpm}, 200)
        assert [name for name in TEMPOS if says(texts, name)] == ([word] if word else [])
    assert not any(says(many({"tempo_bpm": 60, "meter": "6/8"}, 100), name) for name in TEMPOS)


def test_what_was_played_is_said_more_than_what_it_was_called() -> None:
    texts = many({"genre": "latin", "genre_arranged": "pop"}, 400)
    pop, latin = (sum(says([text], word) for text in texts) for word in ("pop", "latin"))
    assert pop > 1.5 * latin > 0


def test_era_only_where_the_source_names_a_composer() -> None:
    assert says(many({"source": "mutopia/piano/LisztF__liszt-consolation-no3.mid"}, 200), "nineteenth century")
    assert says(many({"source": "mutopia/guitar/GiulianiM__op50.mid"}, 200), "classical music")
    assert facts_of({"source": "mutopia/piano/Traditional__dansar.mid"}) == []


def test_every_sound_of_the_corpus_has_a_tone() -> None:
    for stem, voices in VOICES.items():
        for voice in voices:
            tone = tone_of(stem, voice.program, voice.bank)
            assert tone in TONES, (stem, voice)
            name = VOICE_NAMES[voice].lower()
            word = {"bass": "bass", "guitar": "guitar", "piano": "piano"}.get(stem)
            assert word is None or word in tone, name
    assert tone_of("bass", 0, 0) is None and tone_of("drums", 90, 128) is None and tone_of("flute", 73, 0) is None


def test_embedded_captions_are_the_same_each_time() -> None:
    tokens = sorted({word for text in many(BALLAD) + many(BRIGHT) for word in re.findall(r"[a-z0-9]+", text.lower())})
    table = TextTable.load(pack_table(tokens, np.random.default_rng(2).normal(size=(len(tokens), DIMENSIONS)), {}))
    first = song_captions(BALLAD, table, 64, 3)
    assert first.shape == (64, DIMENSIONS) and first.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(first, song_captions(BALLAD, table, 64, 3))
    assert len(np.unique(first, axis=0)) > 40
    for other in (song_captions(BALLAD, table, 64, 4), song_captions({**BALLAD, "group": "b"}, table, 64, 3)):
        assert (first != other).any(axis=1).mean() > 0.8
    apart = first.mean(0) @ song_captions(BRIGHT, table, 64, 3).mean(0)
    assert apart < first.mean(0) @ song_captions(BALLAD, table, 64, 9).mean(0)
