"""Text to WordPiece tokens, as BERT's uncased models cut it.

Devlin et al. 2019; Wu et al. 2016 (WordPiece). The text is cleaned (controls out, white space to blanks, blanks around
Chinese characters), loses its accents and capitals, is cut at blanks and around punctuation, and each word is cut into
the longest pieces the vocabulary holds, left to right; all but the first carry "##".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

LONGEST_TEXT: Final = 2000  # characters; what comes after is not read
LONGEST_WORD: Final = 100  # characters; a longer word is no word
INSIDE: Final = "##"  # before a piece that goes on with a word

# The blocks of Chinese characters that BERT sets apart, as a class of a regular expression.
_CHINESE: Final = re.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002b81f\U0002b920-\U0002ceaf"
    "\U0002f800-\U0002fa1f])"
)
_PLAIN_WORDS: Final = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")


def words_of(text: str) -> list[str]:
    """The words and single punctuation marks of a text, lower case and without accents."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        return _PLAIN_WORDS.findall("".join(map(_clean, text)).lower())
    text = _CHINESE.sub(r" \1 ", "".join(map(_clean, text)))
    text = "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")
    text = "".join(map(str.lower, text))  # one by one: a capital sigma ends no word here
    return "".join(f" {char} " if _is_mark(char) else char for char in text).split()


@lru_cache(maxsize=4096)
def _clean(char: str) -> str:
    """A character, a blank for white space, nothing for controls, formats, surrogates and private use."""
    if char in "\t\n\r":
        return " "
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") or char == "\ufffd":
        return ""
    return " " if char.isspace() else char


@lru_cache(maxsize=4096)
def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "P" or (char.isascii() and char.isprintable() and not char.isalnum())


def pieces_of(word: str, vocabulary: Mapping[str, int], longest: int = LONGEST_WORD) -> list[int]:
    """The numbers of a word's pieces; none if any part is in no piece. `longest`: of the vocabulary's, characters."""
    if len(word) > LONGEST_WORD:
        return []
    found, at = [], 0
    while at < len(word):
        before = INSIDE if at else ""
        for end in range(min(len(word), at + longest), at, -1):
            number = vocabulary.get(before + word[at:end])
            if number is not None:
                found.append(number)
                at = end
                break
        else:
            return []
    return found


def tokens_of(text: str, vocabulary: Mapping[str, int], longest: int = LONGEST_WORD) -> Iterator[int]:
    """The numbers of a text's tokens; words that are in no pieces are left out."""
    for word in words_of(text):
        yield from pieces_of(word, vocabulary, longest)
