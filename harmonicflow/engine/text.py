"""The words of a request: by the exact word lists first, else by the nearest known tag; and the prompt's embedding.

The table of words is a file of the bundle, about 8 MB, read at the first prompt. A bundle without one understands the
word lists alone, and its network hears nothing of the prompt.
"""

from collections.abc import Sequence
from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from harmonicflow.analysis.words import LONGEST_PROMPT, Understood, mood_emotion, understand
from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError

from .bundle import TEXT_WIDTH, Bundle

if TYPE_CHECKING:
    from harmonicflow.text.table import TextTable
    from harmonicflow.text.tags import TagMatch

DEFAULT_GENRE: Final = "pop"
LONGEST_QUOTE: Final = 80  # characters of the prompt there


class Meant(NamedTuple):
    """What a request's words ask for."""

    genre: str
    emotion: tuple[float, float] | None  # valence, arousal
    sentence: str  # one line about the prompt, for the reply


class Words:
    """What a bundle makes of words."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._table: TextTable | None = None

    @property
    def table(self) -> "TextTable | None":
        """The table of words, None where the bundle has none. Raises `bad_bundle`."""
        if self._table is None and (data := self._bundle.take_text()) is not None:
            from harmonicflow.text.table import TextTable

            try:
                self._table = TextTable.load(data)
            except ValueError as error:
                raise HarmonicFlowError("bad_bundle", path=self._bundle.path, reason=f"text: {error}") from error
        return self._table

    def embed(self, text: str) -> np.ndarray:
        """The text's embedding, float32 [256]; zeros for an empty text, and without a table."""
        table = self.table if text.strip() else None
        if table is None:
            return np.zeros(TEXT_WIDTH, np.float32)
        return np.asarray(table.embed(text[:LONGEST_PROMPT]), np.float32)

    def meant(
        self,
        prompt: str,
        genre: str | None,
        mood: str | None,
        emotion: tuple[float, float] | None,
        default: str = DEFAULT_GENRE,
    ) -> Meant:
        """Genre and emotion. What is named outweighs the prompt, in which words of the lists outweigh what is near.

        Tags near in meaning are looked for where a word of the prompt is in no list.

        Raises `unknown_genre`, `unknown_mood`, `bad_bundle`.
        """
        if genre is not None and genre not in GENRES:
            raise HarmonicFlowError("unknown_genre", genre=genre, known=", ".join(GENRES))
        if emotion is None and mood is not None:
            emotion = mood_emotion(mood)
        heard = understand(prompt)
        settled = {"genre": bool(genre or heard.genre), "mood": emotion is not None or bool(heard.mood)}
        near = self._near(prompt, heard, [kind for kind in settled if settled[kind]])
        taken = {tag.kind: tag.name for tag in near}
        if emotion is None:
            emotion = heard.emotion or (mood_emotion(taken["mood"]) if "mood" in taken else None)
        found = genre or heard.genre or taken.get("genre") or default
        return Meant(found, emotion, self._sentence(prompt, heard, near))

    def _near(self, prompt: str, heard: Understood, settled: Sequence[str]) -> "list[TagMatch]":
        """The nearest tag of each kind that is not settled, for a prompt with words that no list has.

        None where something is to be left out: "not sad" lies near to sad.
        """
        if not heard.unknown or heard.left_out or (table := self.table) is None:
            return []
        from harmonicflow.text.tags import KINDS, nearest_tags

        text, kinds = prompt[:LONGEST_PROMPT], [kind for kind in KINDS if kind not in settled]
        return [tag for kind in kinds for tag in nearest_tags(table, text, kinds=(kind,), count=1)]

    def _sentence(self, prompt: str, heard: Understood, near: "Sequence[TagMatch]") -> str:
        said = shorten(prompt, LONGEST_QUOTE, placeholder=" ...")
        if near:
            names = ", ".join(f"{tag.name} ({tag.similarity:.2f})" for tag in near)
            return "; ".join(filter(None, (replace(heard, unknown=()).sentence, f'"{said}" understood as {names}')))
        lost = self._table is not None and not (heard.genre or heard.mood or heard.left_out) and heard.unknown
        return heard.sentence + (f'; no known tag is near "{said}"' if lost else "")
