"""Standard MIDI files of any program as scores: types 0 and 1, bounded in size, notes and time.

What happens to what: notes keep their ticks exactly; the sustain pedal lengthens them; a note without a note-off lasts
until the pitch is struck again, or a bar; a note without length lasts a tick. `midi_tracks` says which part a track is,
`midi_harmony` where chords and sections come from. Film frames (SMPTE) become beats at 120 a minute. Whatever is wrong
with a file becomes `bad_midi`.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Final

import mido

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Meter, MeterMap, TempoMap

from .chords import ChordSpan
from .keys import Key, parse_key
from .midi_bytes import Refused, parse, read_bytes, text
from .midi_exact import ExactPart, read_conductor, read_part, seal
from .midi_harmony import Marks, exact_spans, exact_tempo, spans_of_marks
from .midi_strokes import Lane, Performance
from .midi_tracks import Track, assign, check_chosen
from .midi_write import conductor_events, meter_of
from .score import Note, Score, Section

MAX_NOTES: Final = 100_000
MAX_BEATS: Final = 200_000
MAX_CHANGES: Final = 4_000  # of tempo, and of meter: what a request carries
UNENDED_BEATS: Final = 4  # of a note that nothing ends
FILM_BPM: Final = 120
DEFAULT_TEMPO: Final = 500_000  # microseconds a beat, where a file says nothing


@dataclass(frozen=True)
class MidiFile:
    """What a MIDI file holds. Beats and frames count from its first tick; the tempo map is at 44.1 kHz."""

    score: Score
    tempo: TempoMap
    meters: MeterMap
    beats: Fraction = Fraction(0)  # up to the last event
    programs: dict[str, int] = field(default_factory=dict)  # General MIDI program of each part's first note
    key: Key | None = None  # the first key signature, but for C major, which programs write unasked
    tracks: tuple[Track, ...] = ()
    warnings: tuple[str, ...] = ()
    says_tempo: bool = False  # whether the file itself names a tempo

    @property
    def music_end(self) -> Fraction:
        """The beat at which the last note, chord or section ends."""
        score = self.score
        ends = [note.end for note in score.notes] + [span.end for span in score.chords]
        return max(ends + [section.end for section in score.sections], default=Fraction(0))


def read_midi(
    source: str | os.PathLike[str] | bytes, chosen: Mapping[str, str] | None = None, most: int = MAX_NOTES
) -> MidiFile:
    """The score, tempo and meters of a MIDI file or of its bytes. `chosen`: parts by track, as in `midi_tracks.assign`.

    Raises `missing_file`, `bad_midi`, `many_notes` above `most`; `unknown_stem` and `unknown_track` for what is chosen.
    """
    name = "the MIDI data" if isinstance(source, bytes) else os.fspath(source)
    try:
        file = parse(read_bytes(source, name))
        if sum(map(_is_stroke, chain.from_iterable(file.tracks))) > most:  # before they are paired, which takes seconds
            raise HarmonicFlowError("many_notes", path=name, maximum=most)
        found = _read(file, chosen or {})
    except Refused as refused:
        raise HarmonicFlowError("bad_midi", path=name, reason=str(refused)) from None
    except HarmonicFlowError as error:  # a tempo or a meter outside what this program takes
        if error.code in ("missing_file", "many_notes"):
            raise
        raise HarmonicFlowError("bad_midi", path=name, reason=error.message) from None
    check_chosen(chosen or {}, found.tracks, name)
    return found


def _is_stroke(message: mido.Message | mido.MetaMessage) -> bool:
    return bool(message.type == "note_on" and message.velocity > 0)


def _read(file: mido.MidiFile, chosen: Mapping[str, str]) -> MidiFile:
    if file.type == 2:
        raise Refused("its tracks are not one piece (type 2)")
    if file.ticks_per_beat == 0:
        raise Refused("it counts in nothing, neither beats nor film frames")
    if not file.tracks:
        raise Refused("it has no tracks")
    reading = _Reading(file.ticks_per_beat, chosen)
    for number, track in enumerate(file.tracks, 1):
        reading.track(number, track)
    return reading.result()


class _Reading:
    """Collects what the tracks say; ticks throughout, turned into beats at the end."""

    def __init__(self, division: int, chosen: Mapping[str, str]) -> None:
        self.film = division < 0
        self.ticks = _film_ticks(division) if self.film else Fraction(division)  # a beat
        self.chosen = chosen
        self.tempos: dict[int, int] = {}
        self.signatures: dict[int, Meter] = {}
        self.key: Key | None = None
        self.marks = Marks()
        self.lanes: list[Lane] = []
        self.exact: dict[int, list[ExactPart]] = defaultdict(list)  # by track
        self.conductor: tuple[str, int] | None = None  # its text, and the seal of the events of its track
        self.channel_programs: dict[int, int] = {}
        self.end = 0

    def track(self, number: int, track: mido.MidiTrack) -> None:
        now, title, performance, own = 0, "", Performance(), []
        meta: list[tuple[int, mido.MetaMessage]] = []
        for message in track:
            now += message.time
            if now > MAX_BEATS * self.ticks:
                raise Refused(f"it is longer than {MAX_BEATS} beats")
            if not message.is_meta:
                performance.hear(message, now)
            elif message.type in ("track_name", "instrument_name"):
                title = title or text(message.name)
            elif message.type == "sequencer_specific":
                own.append(bytes(message.data).decode("utf-8", "replace"))
            else:
                self._meta(message, now)
                meta.append((now, message))
        self.end = max(self.end, now)
        for words in own:
            self.exact[number] += filter(None, (read_part(words, int(self.ticks)),))
            if number == 1 and title == "HarmonicFlow":
                self.conductor = (words, seal(conductor_events(meta)))
        self.marks.ours |= number == 1 and title == "HarmonicFlow"
        self.channel_programs |= {channel: first for channel, first in performance.programs.items()}
        self.lanes += performance.lanes(number, title, now, int(UNENDED_BEATS * self.ticks))

    def _meta(self, message: mido.MetaMessage, now: int) -> None:
        if message.type == "set_tempo":
            self.tempos[now] = message.tempo
        elif message.type == "time_signature":
            self.signatures[now] = Meter(message.numerator, message.denominator)
        elif message.type == "key_signature" and self.key is None and message.key != "C":
            self.key = parse_key(message.key)
        elif message.type in ("text", "marker", "cue_marker", "lyrics"):
            self.marks.add(message.type, now, text(message.text))
        if max(len(self.tempos), len(self.signatures)) > MAX_CHANGES:
            raise Refused(f"its tempo or meter changes more than {MAX_CHANGES} times")

    def beat(self, tick: int) -> Fraction:
        return Fraction(tick) / self.ticks

    def result(self) -> MidiFile:
        notes: list[Note] = []
        tracks: list[Track] = []
        programs: dict[str, tuple[int, int]] = {}
        busy = Counter(lane.channel for lane in self.lanes)
        for lane in self.lanes:
            if lane.program is None and busy[lane.channel] == 1:  # named on another track, for this one alone
                lane.program = self.channel_programs.get(lane.channel)
            row = self._row(lane)
            tracks.append(row)
            first = min(on for strokes in lane.strokes.values() for on, _, _ in strokes)
            programs[row.part] = min(programs.get(row.part, (first, lane.program or 0)), (first, lane.program or 0))
            notes += self._notes(lane, row)
        chords, sections = self._harmony()
        return MidiFile(
            Score(tuple(notes), chords, sections),
            self._tempo(),
            _meter_map([(self.beat(tick), meter) for tick, meter in sorted(self.signatures.items())]),
            self.beat(self.end),
            {part: program for part, (_, program) in programs.items()},
            self.key,
            tuple(tracks),
            (f"it counts in film frames and was read at {FILM_BPM} beats a minute",) if self.film else (),
            bool(self.tempos) and not self.film,
        )

    def _row(self, lane: Lane) -> Track:
        pitches = [pitch for pitch, strokes in lane.strokes.items() for _ in strokes]
        part, why = assign(lane.title, lane.channel, lane.program, pitches, lane.number, self.chosen)
        exact = self._exact_of(lane)
        if why != "chosen" and exact is not None and lane.title == text(exact.instrument):
            part, why = exact.instrument, "HarmonicFlow"
        return Track(
            lane.number, lane.title, lane.channel + 1, lane.program, len(pitches), min(pitches), max(pitches), part, why
        )

    def _exact_of(self, lane: Lane) -> ExactPart | None:
        found = self.exact.get(lane.number, [])
        return found[0] if len(found) == 1 else None

    def _notes(self, lane: Lane, row: Track) -> list[Note]:
        exact, notes = self._exact_of(lane), []
        for pitch, strokes in lane.strokes.items():
            own = exact.notes(pitch, strokes) if exact is not None and exact.instrument == row.part else None
            notes += own or [
                Note(row.part, self.beat(on), self.beat(off - on), pitch, velocity) for on, off, velocity in strokes
            ]
        return notes

    def _harmony(self) -> tuple[tuple[ChordSpan, ...], tuple[Section, ...]]:
        chords, sections = spans_of_marks(self.marks, self.end, self.beat)
        return exact_spans(self._content(), chords, sections)

    def _content(self) -> dict[str, object]:
        return (read_conductor(*self.conductor) if self.conductor else None) or {}

    def _tempo(self) -> TempoMap:
        tempos = {0: DEFAULT_TEMPO, **self.tempos}
        if self.film:
            tempos = {0: DEFAULT_TEMPO * 120 // FILM_BPM}
        changes = [(self.beat(tick), Fraction(60_000_000, max(tempos[tick], 1))) for tick in sorted(tempos)]
        return TempoMap.from_changes(exact_tempo(self._content()) or changes, SAMPLE_RATE)


def _film_ticks(division: int) -> Fraction:
    """Ticks a beat at `FILM_BPM` of a header that names frames a second (-24, -25, -29 or -30) and ticks a frame."""
    frames, ticks = -(division >> 8), division & 0xFF
    rate = {24: Fraction(24), 25: Fraction(25), 29: Fraction(30_000, 1001), 30: Fraction(30)}.get(frames)
    if rate is None or ticks == 0:
        raise Refused("it counts in film frames that there are not")
    return rate * ticks * 60 / FILM_BPM


def _meter_map(changes: list[tuple[Fraction, Meter]]) -> MeterMap:
    """Meters by bar from meters by beat. A change inside a bar cuts that bar short where a meter fits what is left."""
    if not changes or changes[0][0] > 0:
        changes = [(Fraction(0), Meter(4, 4)), *changes]
    bar, table = 1, {1: changes[0][1]}
    for (start, meter), (end, following) in zip(changes, changes[1:], strict=False):
        whole, rest = divmod(end - start, meter.beats)
        bar += int(whole)
        short = meter_of(rest) if rest else None
        if short is not None:
            table[bar] = short
            bar += 1
        table[bar] = following
    return MeterMap(sorted(table.items()))
