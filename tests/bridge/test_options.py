"""What a person may type, and what it means exactly."""

from fractions import Fraction

import click
import pytest
from click.testing import CliRunner

from bridge.options import Emotion, Genre, Like, Seconds, Stems, Tempo, Whole, choice_options, like_option
from harmonicflow.core.errors import HarmonicFlowError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("9.5", Fraction(19, 2)), ("0", 0), ("1:02.5", Fraction(125, 2)), ("1/3", Fraction(1, 3)), ("-1", -1), ("07", 7)],
)
def test_times_are_exact(text, seconds):
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text", ["", "ten", "1e999999999", "1:75", "::", "nan", "inf", "0x10", "9" * 400, "1/0", "٣:00x"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(click.UsageError, match="is not a time"):
        Seconds().convert(text, None, None)


def test_tempo_is_the_decimal_that_was_written():
    assert Tempo().convert("97.3", None, None) == Fraction(973, 10)
    for wrong in ("0", "19.9", "401", "fast", "-120", "1e99"):
        with pytest.raises(HarmonicFlowError) as found:
            Tempo().convert(wrong, None, None)
        assert found.value.code == "bad_tempo" and found.value.exit_code == 2


def test_stems_keep_their_order_and_are_named_once():
    assert Stems().convert(" Piano, bass,piano ", None, None) == ("piano", "bass")
    for wrong in ("kazoo", "bass,,kazoo", "", ","):
        with pytest.raises(HarmonicFlowError) as found:
            Stems().convert(wrong, None, None)
        assert found.value.code == "unknown_stem" and "guitar" in found.value.todo


@pytest.mark.parametrize(
    ("text", "means"),
    [("bass=a.wav", ("bass", "a.wav")), ("Drums = b=c.wav", ("drums", " b=c.wav")), ("a.wav", ("", "a.wav")),
     ("./x=1.wav", ("", "./x=1.wav")), ("take.1=2.wav", ("", "take.1=2.wav")), ("C:\\x=1.wav", ("", "C:\\x=1.wav"))],
)  # fmt: skip
def test_a_sound_to_be_like_is_for_one_stem_or_for_all(text, means):
    assert Like().convert(text, None, None) == means
    with pytest.raises(HarmonicFlowError, match="no stem 'kazoo'"):
        Like().convert(f"kazoo={text}", None, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [("", "steps 0 like 0"), ("--steps 64", "steps 64"), ("--preview", "steps 1"),
     ("--preview --steps 4", "only one of"), ("--steps 4 --preview", "only one of"),
     ("--steps 65", "65 steps are not possible"),
     ("--steps 0", "0 steps are not possible"), ("--like bass=a --like b", "like 2"),
     ("--like bass=a --like bass=b", "bass has one already"), ("--like a --like b", "for all stems already")],
)  # fmt: skip
def test_steps_previews_and_sounds_to_be_like(words, said):
    @click.command()
    @like_option
    @choice_options
    def command(seed, steps, like):
        click.echo(f"steps {steps} like {len(like)}")

    ran = CliRunner().invoke(command, words.split())
    assert said in ran.output + str(ran.exception)


def test_a_genre_may_be_spelled_as_people_do():
    assert Genre().convert("Hip-Hop", None, None) == "hiphop"
    with pytest.raises(HarmonicFlowError, match="polka"):
        Genre().convert("polka", None, None)


@pytest.mark.parametrize("text", ["-1", "9223372036854775808", "1.5", "seven", "", "9" * 5000])
def test_a_seed_outside_its_range_is_an_error_with_the_range(text):
    with pytest.raises(HarmonicFlowError) as found:
        Whole("bad_seed", "seed", 0, 2**63 - 1).convert(text, None, None)
    assert "9223372036854775807" in found.value.todo


def test_an_emotion_is_two_numbers():
    assert Emotion().convert("0.5,-1", None, None) == (0.5, -1.0)
    for wrong in ("1", "0,2", "a,b", "0,0,0"):
        with pytest.raises(click.UsageError):
            Emotion().convert(wrong, None, None)
