"""The words of a request: by the exact word lists first, else by the nearest known tag; and the prompt's embedding.

The table of words is a file of the bundle, about 8 MB, read at the first prompt. A bundle without one understands the
word lists alone, and its network hears nothing of the prompt.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from harmonicflow.analysis.words import LONGEST_PROMPT, Understood, mood_emotion, understand
from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError

from .bundle import TEXT_WIDTH, Bundle

if TYPE_CHECKING:
    from harmonicflow.text.table import TextTable

DEFAULT_GENRE: Final = "pop"
NEAR: Final = 0.45  # cosine similarity from which a tag counts as meant


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
        """Genre and emotion. What is named outweighs the prompt, its known words outweigh those near in meaning.

        Raises `unknown_genre`, `unknown_mood`, `bad_bundle`.
        """
        if genre is not None and genre not in GENRES:
            raise HarmonicFlowError("unknown_genre", genre=genre, known=", ".join(GENRES))
        if emotion is None and mood is not None:
            emotion = mood_emotion(mood)
        heard = understand(prompt)
        near = self._near(heard, genre is None, emotion is None)
        found = {tag.kind: tag.name for tag in near}
        if emotion is None:
            emotion = heard.emotion or (mood_emotion(found["mood"]) if "mood" in found else None)
        return Meant(genre or heard.genre or found.get("genre") or default, emotion, self._sentence(heard, near))

    def _near(self, heard: Understood, genre: bool, mood: bool) -> "list[_Tag]":
        """The genre and the mood nearest to the words that no list has, each if it is wanted and near enough."""
        kinds = [kind for kind, wanted in (("genre", genre and not heard.genre), ("mood", mood and not heard.mood))
                 if wanted]  # fmt: skip
        if not heard.unknown or not kinds or (table := self.table) is None:
            return []
        from harmonicflow.text.tags import nearest_tags

        words = " ".join(heard.unknown)
        tags = [_Tag(*tag) for kind in kinds for tag in nearest_tags(table, words, kinds=(kind,), count=1)]
        return [tag for tag in tags if tag.similarity >= NEAR]

    def _sentence(self, heard: Understood, near: "list[_Tag]") -> str:
        if not near:
            lost = f"; nothing known is near {_quoted(heard)}" if heard.unknown and self._table is not None else ""
            return heard.sentence + lost
        names = ", ".join(f"{tag.name} ({tag.similarity:.2f})" for tag in near)
        known = replace(heard, unknown=()).sentence
        return "; ".join(filter(None, (known, f"{_quoted(heard)} understood as {names}")))


class _Tag(NamedTuple):
    kind: str
    name: str
    similarity: float


def _quoted(heard: Understood) -> str:
    return f'"{" ".join(heard.unknown)}"'
