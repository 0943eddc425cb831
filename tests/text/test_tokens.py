"""Text to tokens: another library's answers, and strings that nobody types."""

import random
import time

import pytest

from harmonicflow.text.tokens import LONGEST_TEXT, pieces_of, tokens_of, words_of


def cut(text: str, tokens: list[str]) -> list[str]:
    return [tokens[at] for at in tokens_of(text, {token: at for at, token in enumerate(tokens)})]


def test_as_the_library_tokenizers_cuts_them(pieces: dict) -> None:
    assert len(pieces["cases"]) > 90
    wrong = [(text, want, got) for text, want in pieces["cases"]
             if (got := " ".join(cut(text, pieces["vocabulary"]))) != want]  # fmt: skip
    assert wrong == []


def test_the_library_itself_on_drawn_strings(pieces: dict) -> None:
    """Where it is installed: thousands of strings of the letters people write with."""
    tokenizers = pytest.importorskip("tokenizers")
    tokens = pieces["vocabulary"]
    numbers = {**{token: at for at, token in enumerate(tokens)}, "[UNK]": len(tokens)}
    theirs = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    theirs.normalizer = tokenizers.normalizers.BertNormalizer()
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    draw = random.Random(1)
    spans = ((32, 126), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x45F), (0x4E00, 0x4EFF), (0x1F300, 0x1F64F))
    for _ in range(5000):
        text = "".join(chr(draw.randint(*draw.choice(spans))) for _ in range(draw.randint(0, 12)))
        text = draw.choice(("", " ", "-")).join((text, draw.choice(tokens).replace("##", "")))
        assert cut(text, tokens) == [piece for piece in theirs.encode(text).tokens if piece != "[UNK]"], repr(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hip-Hop, R&B!", ["hip", "-", "hop", ",", "r", "&", "b", "!"]),
        ("CAFÉ  Größe\tnaïve", ["cafe", "große", "naive"]),
        ("12/8 @ 97.3", ["12", "/", "8", "@", "97", ".", "3"]),
        ("爵士 jazz", ["爵", "士", "jazz"]),
        ("a\u200bb\x00c", ["abc"]),
        ("ΟΔΟΣ", ["οδοσ"]),
        (" \n ", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_plain_text_is_cut_like_any_other() -> None:
    """ASCII takes a short cut; one letter outside it takes the long way."""
    draw = random.Random(2)
    for _ in range(300):
        text = "".join(chr(draw.randint(0, 127)) for _ in range(40))
        assert words_of(f"{text} é") == [*words_of(text), "e"]


def test_the_longest_piece_first_and_all_or_nothing() -> None:
    vocabulary = {"un": 0, "unhap": 1, "##py": 2, "##hap": 3, "##p": 4}
    assert pieces_of("unhappy", vocabulary) == [1, 2]
    assert pieces_of("unhapp", vocabulary) == [1, 4]
    assert pieces_of("unhappyx", vocabulary) == []
    assert pieces_of("a" * 101, {"a": 0, "##a": 1}) == []


def test_a_text_is_read_to_its_cap_and_no_further() -> None:
    assert words_of("a " * LONGEST_TEXT) == ["a"] * (LONGEST_TEXT // 2)
    start = time.perf_counter()
    words_of("é!" * 500_000)
    assert time.perf_counter() - start < 1.0
