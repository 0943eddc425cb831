"""What MIDI files give a request: finished parts, chords, groove, motifs; and time, where nobody says another.

Beat 0 of a file is the first beat of the selection. Finished parts end with the selection; chords go around until it
is full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harmonicflow.core.constants import MAX_SCORE_NOTES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.messages import ScoreSpec
from harmonicflow.core.tempo import MeterMap, Selection, TempoMap

from .output import say

if TYPE_CHECKING:
    from harmonicflow.score.chords import ChordSpan
    from harmonicflow.score.midi import MidiFile
    from harmonicflow.score.score import Note, Score

SUFFIXES: Final = (".mid", ".midi", ".smf", ".rmi", ".kar")
_HEADS: Final = (b"MThd", b"RMID")  # at the beginning, or eight bytes on


@dataclass(frozen=True)
class Clock:
    """The time of a MIDI file, for a request that names none."""

    tempo: TempoMap
    meters: MeterMap
    beats: Fraction  # up to the end of the last note, chord or section
    says_tempo: bool

    @property
    def bars(self) -> int:
        """Whole bars that hold everything."""
        last = self.meters.bar_at(self.beats)
        return max(last - (self.meters.bar_start(last) == self.beats), 1)


@dataclass(frozen=True)
class Given:
    """What the options about MIDI files came to, before it is known how long the selection is."""

    score: "Score | None" = None  # finished parts, and the chords and sections of their files
    clock: Clock | None = None
    chords: "Score | None" = None  # of --chords-from, where that is MIDI
    chords_beats: Fraction = Fraction(0)  # after so many beats they begin again
    chords_sound: str = ""  # --chords-from, where that is a sound file
    groove: "Score | None" = None
    like: "Score | None" = None
    names: tuple[str, str, str] = ("", "", "")  # of the files: parts, groove, like


def is_midi(path: str) -> bool:
    """Whether a file is meant as MIDI: by its ending, else by how it begins."""
    if Path(path).suffix.lower() in SUFFIXES:
        return True
    try:
        with Path(path).expanduser().open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == _HEADS[0] or head[8:12] == _HEADS[1]


def take_given(choices: dict[str, Any]) -> Given:
    """Take what names MIDI files out of the options, and read it all.

    Raises `missing_file`, `bad_midi`, `empty_midi`, `many_notes`, `unknown_track`, `bad_option`.
    """
    files, parts = choices.pop("midi", ()), choices.pop("midi_parts", ())
    tracks = dict(choices.pop("tracks", ()))
    chords_from, groove_from = choices.pop("chords_from", None), choices.pop("groove_from", None)
    like_score = choices.pop("like_score", None)
    if chords_from and choices.get("chords"):
        raise HarmonicFlowError("bad_option", option="--chords-from", value=chords_from, reason="there is --chords too")
    likes = choices.get("like", ())
    for stem, path in likes:
        if is_midi(path):
            if like_score is not None:
                raise HarmonicFlowError(
                    "bad_option", option="--like", value=path, reason="there is one score to be like already"
                )
            like_score = (stem, path)
    if likes:
        choices["like"] = tuple((stem, path) for stem, path in likes if not is_midi(path))
    score, clock, name = _finished(files, parts, tracks)
    given = Given(score=score, clock=clock, names=(name, _name(groove_from), _name(like_score)))
    if chords_from and is_midi(chords_from):
        found = _read(chords_from, {})
        given = replace(given, chords=_harmony_of(found, chords_from), chords_beats=_whole_bars(found))
        given = replace(given, clock=given.clock or _clock(found))
    elif chords_from:
        given = replace(given, chords_sound=chords_from)
    if groove_from:
        given = replace(given, groove=_heard(groove_from, "--groove-from"))
    if like_score:
        stem, path = like_score if isinstance(like_score, tuple) else ("", like_score)
        motifs = _heard(path, "--like")
        given = replace(given, like=motifs.with_notes(motifs.part(stem)) if stem else motifs)
    return given


def specs(given: Given, selection: Selection, chords_text: str | None = None) -> dict[str, ScoreSpec]:
    """The fields of a request that carry scores: `score`, `groove`, `like_score`, those that are given."""
    from harmonicflow.score.score import Score
    from harmonicflow.score.spec import spec_of

    found: dict[str, ScoreSpec] = {}
    score = given.score
    heard = _chords(given, selection)
    if heard is not None:
        score = replace(score or Score(), chords=heard)
    if score is not None:
        score = _inside(score, selection.beats)
        if chords_text and chords_text.strip():
            score = replace(score, chords=())  # named ones hold
        found["score"] = spec_of(score, given.names[0])
    for field, music, name in (("groove", given.groove, given.names[1]), ("like_score", given.like, given.names[2])):
        if music is not None:
            found[field] = spec_of(music, name)
    return found


# ---------------------------------------------------------------------------------------------------------- the files


def _name(path: str | tuple[str, str] | None) -> str:
    return Path(path[1] if isinstance(path, tuple) else path).name if path else ""


def _read(path: str, tracks: Mapping[str, str], **limits: int) -> "MidiFile":
    from harmonicflow.score.midi import read_midi

    found = read_midi(Path(path).expanduser(), tracks, **limits)
    for warning in found.warnings:
        say(f"note: {path}: {warning}")
    return found


def _clock(found: "MidiFile") -> Clock:
    return Clock(found.tempo, found.meters, found.music_end, found.says_tempo)


def _finished(
    files: Sequence[str], parts: Sequence[tuple[str, str]], tracks: dict[str, str]
) -> "tuple[Score | None, Clock | None, str]":
    """The finished parts of all files together, and the clock of the first of them."""
    from harmonicflow.score.listen import chords_of
    from harmonicflow.score.score import Score

    notes: list[Note] = []
    everything: list[Note] = []  # also what no stem plays, for the chords
    first: MidiFile | None = None
    for path in files:
        found = _read(path, tracks, most=MAX_SCORE_NOTES)
        _say_tracks(path, found)
        played = [note for note in found.score.notes if note.instrument in INSTRUMENTS]
        if not played:
            raise HarmonicFlowError("empty_midi", path=path, what="notes that a stem could play")
        notes += played
        everything += found.score.notes
        first = first or found
    for stem, path in parts:
        found = _read(path, {}, most=MAX_SCORE_NOTES)
        if not found.score.notes:
            raise HarmonicFlowError("empty_midi", path=path, what="notes")
        notes = [note for note in notes if note.instrument != stem]
        notes += [replace(note, instrument=stem) for note in found.score.notes]
        everything += [replace(note, instrument=stem) for note in found.score.notes]
        first = first or found
    if first is None:
        if tracks:
            raise HarmonicFlowError(
                "bad_option",
                option="--track",
                value=next(iter(tracks)),
                reason="it belongs to --midi, and there is none",
            )
        return None, None, ""
    paths = (*files, *(path for _, path in parts))
    if len(everything) > MAX_SCORE_NOTES:  # of all files together; before chords are looked for, which takes seconds
        raise HarmonicFlowError("many_notes", path=paths[0], maximum=MAX_SCORE_NOTES)
    clock = replace(_clock(first), beats=max(note.end for note in notes))
    chords = first.score.chords or chords_of(Score(tuple(everything)), first.meters)
    return Score(tuple(notes), chords, first.score.sections), clock, Path(paths[0]).name


def _say_tracks(path: str, found: "MidiFile") -> None:
    """Who plays what, in one line; and how to have it otherwise where somebody is left out."""
    told: list[str] = []
    for row in found.tracks:
        does = f"plays {row.part}" if row.part in INSTRUMENTS else "is left out"
        told.append(f"{row.title or f'track {row.number}'!r} {does}")
    say(f"{Path(path).name}: {', '.join(dict.fromkeys(told))}")
    out = next((row for row in found.tracks if row.part not in INSTRUMENTS), None)
    if out is not None:
        say(f'note: to have it played: --track "{out.title or f"#{out.number}"}=guitar"')


def _heard(path: str, option: str) -> "Score":
    """The notes of a file that is to be imitated."""
    if not is_midi(path) and Path(path).expanduser().is_file():
        raise HarmonicFlowError("bad_option", option=option, value=path, reason="it is a MIDI file that is asked for")
    found = _read(path, {})
    if not found.score.notes:
        raise HarmonicFlowError("empty_midi", path=path, what="notes")
    return found.score


# --------------------------------------------------------------------------------------------------------- the chords


def _whole_bars(found: "MidiFile") -> Fraction:
    return found.meters.bar_start(_clock(found).bars + 1)


def _harmony_of(found: "MidiFile", path: str) -> "Score":
    """The chords that a file names, else those that its notes make."""
    from harmonicflow.score.listen import chords_of
    from harmonicflow.score.score import Score

    chords = found.score.chords or chords_of(found.score, found.meters)
    if not chords:
        raise HarmonicFlowError("empty_midi", path=path, what="chords and no notes that make some")
    return Score((), chords)


def _chords(given: Given, selection: Selection) -> "tuple[ChordSpan, ...] | None":
    """What --chords-from gives for a selection: its chords around and around."""
    if given.chords is not None:
        return around(given.chords.chords, given.chords_beats, selection.beats)
    if given.chords_sound:
        from .hearing import chords_in

        heard, beats = chords_in(given.chords_sound, selection)
        return around(heard, beats, selection.beats)
    return None


def around(chords: "Sequence[ChordSpan]", beats: Fraction, end: Fraction) -> "tuple[ChordSpan, ...]":
    """Chords that last `beats`, again and again up to `end`."""
    from harmonicflow.score.chords import clip_spans

    once = clip_spans(tuple(chords), Fraction(0), beats)
    times = ceil(end / beats) if beats > 0 else 1
    spans = tuple(replace(span, start=span.start + beats * turn) for turn in range(times) for span in once)
    return clip_spans(spans, Fraction(0), end)


def _inside(score: "Score", end: Fraction) -> "Score":
    """What of a score begins inside the selection, ending with it."""
    inside = score.within(Fraction(0), end)
    return replace(
        inside,
        notes=tuple(replace(note, duration=min(note.end, end) - note.start) for note in inside.notes),
        chords=tuple(replace(span, duration=min(span.end, end) - span.start) for span in inside.chords),
        sections=tuple(replace(part, duration=min(part.end, end) - part.start) for part in inside.sections),
    )


def moved(spec: ScoreSpec, beats: Fraction) -> ScoreSpec:
    """A finished part that begins later: beat 0 becomes `beats`."""
    from harmonicflow.score.score import Score
    from harmonicflow.score.spec import score_of, spec_of

    score = score_of(spec)
    later = Score(
        tuple(replace(note, start=note.start + beats) for note in score.notes),
        tuple(replace(span, start=span.start + beats) for span in score.chords),
        tuple(replace(part, start=part.start + beats) for part in score.sections),
    )
    return spec_of(later, spec.name)
