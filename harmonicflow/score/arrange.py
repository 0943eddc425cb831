"""The rule-based arranger behind the composer's interface: a request in, a score out.

It plays every genre of the table in any meter at any tempo. The same request gives the same notes. Each part draws from
its own dice, keyed by seed, part and place, so asking for one part or for some bars leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import instrument
from harmonicflow.core.tempo import Selection

from .bass import write_bass
from .chords import ChordSpan, clip_spans, parse_bars, spans_of
from .dice import Dice
from .drums import kicks_of, write_drums
from .events import SHORTEST, Event, without_rests
from .finish import finished
from .genres import STYLES, nearest_arranged
from .grid import bar_lines
from .guitar import write_guitar
from .harmony import default_chords
from .keys import Key, key_of_chords
from .piano import write_piano
from .plan import Mood, Plan, make_plan
from .score import Note, Score
from .sections import plain_name

__all__ = ["Arranger", "ComposeRequest", "Composer", "default_chords", "harmony_of", "nearest_arranged"]


@dataclass(frozen=True)
class ComposeRequest:
    """What to compose. All beats are selection beats.

    Parts of `stems` that have notes in `known` are kept as they are, unless `span` names the beats to write again:
    then the notes of `stems` that begin in [start, end) are replaced and nothing else changes.
    """

    selection: Selection
    chords: tuple[ChordSpan, ...] | None = None  # None: known.chords, or a progression made up in the key
    key: Key | None = None  # None: the chords' own
    genre: str = "pop"
    emotion: tuple[float, float] | None = None  # valence and arousal, each -1..1
    density: float = 0.5  # 0..1
    complexity: float = 0.5  # 0..1
    stems: tuple[str, ...] = DEFAULT_STEMS
    known: Score = field(default_factory=Score)  # notes to keep
    seed: int = 0
    span: tuple[Fraction, Fraction] | None = None


class Composer(Protocol):
    """Whatever fills a score."""

    def compose(self, request: ComposeRequest) -> Score:
        """The score of the request's selection: what was known and what is new."""
        ...


class Arranger:
    """A composer by rule."""

    def compose(self, request: ComposeRequest) -> Score:
        """Raises `unknown_genre` and `unknown_stem`."""
        wanted = _wanted(request)
        chords, key = harmony_of(request)
        given = request.known.part("drums") if "drums" not in wanted else ()
        plan = _plan(request, chords, key, given)
        start, end = request.span or (Fraction(0), request.selection.beats)
        start, end = max(start, Fraction(0)), min(end, request.selection.beats)
        notes = list(_kept(request, wanted, start, end))
        drums = _events(given) if given else write_drums(plan)
        for name in wanted:
            events = drums if name == "drums" else _WRITERS[name](plan, drums)
            events = events if request.span else without_rests(plan, name, events)
            notes += finished(name, events, request.selection, start, end, request.known.part(name))
        return Score(tuple(notes), clip_spans(chords, Fraction(0), request.selection.beats), plan.sections)


_WRITERS = {
    "bass": lambda plan, drums: write_bass(plan, kicks_of(drums)),
    "guitar": lambda plan, drums: write_guitar(plan),
    "piano": lambda plan, drums: write_piano(plan),
}


def _wanted(request: ComposeRequest) -> tuple[str, ...]:
    """The parts to write, in the instruments' order."""
    for name in request.stems:
        instrument(name)
        if name != "drums" and name not in _WRITERS:
            raise HarmonicFlowError("unknown_stem", stem=name, known=", ".join(("drums", *_WRITERS)))
    given = set(request.known.parts) if request.span is None else set()
    return tuple(name for name in ("drums", *_WRITERS) if name in request.stems and name not in given)


def _kept(request: ComposeRequest, wanted: tuple[str, ...], start: Fraction, end: Fraction) -> tuple[Note, ...]:
    return tuple(note for note in request.known.notes if note.instrument not in wanted or not start <= note.start < end)


def harmony_of(
    request: ComposeRequest, made_up: Callable[[ComposeRequest], Key] | None = None
) -> tuple[tuple[ChordSpan, ...], Key]:
    """The chords and the key: as given, else read off each other, else made up (the key by `made_up`)."""
    chords = request.chords if request.chords is not None else request.known.chords or None
    key = request.key or key_of_chords(chords or ()) or (made_up or _default_key)(request)
    if chords is None:
        valence = request.emotion[0] if request.emotion else 0.0
        lines = bar_lines(request.selection)
        text = default_chords(
            key, nearest_arranged(request.genre), len(lines), request.seed, _names(request, lines), valence
        )
        chords = spans_of(parse_bars(text), lines)
    return tuple(sorted(chords, key=lambda span: span.start)), key


def _names(request: ComposeRequest, lines: list[tuple[Fraction, Fraction]]) -> list[str]:
    """The section of every bar; none where no sections are given."""
    form = request.known.sections
    starts = [max(start, Fraction(0)) for start, _ in lines]
    return [next((plain_name(part.name) for part in form[::-1] if part.start <= start), "") for start in starts if form]


def _plan(request: ComposeRequest, chords: tuple[ChordSpan, ...], key: Key, drums: tuple[Note, ...]) -> Plan:
    valence, arousal = request.emotion or (0.0, 0.0)
    mood = Mood(
        _within(valence, -1.0), _within(arousal, -1.0), _within(request.density, 0.0), _within(request.complexity, 0.0)
    )
    selection = request.selection
    strokes = [float(note.start) + note.shift_s * float(selection.bpm_at_beat(note.start)) / 60 for note in drums]
    return make_plan(
        selection,
        chords,
        request.known.sections,
        key,
        STYLES[nearest_arranged(request.genre)],
        mood,
        barriers=frozenset({Fraction(0), selection.beats, *(request.span or ())}),
        seed=request.seed,
        stems=frozenset({*request.stems, *request.known.parts}),
        strokes=strokes,
    )


def _default_key(request: ComposeRequest) -> Key:
    """A major or a minor key, as often as the genre has it; brighter requests are major sooner."""
    valence = request.emotion[0] if request.emotion else 0.0
    share = STYLES[nearest_arranged(request.genre)].minor - (0.9 * valence if request.emotion else 0.0)
    dark = Dice(request.seed, "harmony").chance(share, "mode")
    return Key(9, "minor") if dark else Key(0, "major")


def _within(value: float, low: float) -> float:
    return min(max(value, low), 1.0)


def _events(notes: tuple[Note, ...]) -> list[Event]:
    return [Event(note.start, max(note.duration, SHORTEST), note.pitch, note.velocity, note.shift_s) for note in notes]
