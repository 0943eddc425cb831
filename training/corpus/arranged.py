"""Songs completed or written by the arranger: POP909 with bass and guitar (B), charts with all four parts (C)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Meter, MeterMap, Selection, TempoMap
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import ChordSpan, parse_chord
from harmonicflow.score.keys import Key, key_of_chords, parse_key
from harmonicflow.score.score import Note, Score
from harmonicflow.score.styles import STYLES

from .charts import lay, load_chart
from .human import POP_DRUMS, with_human_drums
from .manifest import Row
from .plan import TAIL_S
from .song import ONSET, Part, Song, Unusable, as_part, tidy

# Styles and how often each is asked for: those that suit a pop pianist, and all.
B_STYLES: Final = {
    "pop": 0.36, "rock": 0.17, "soul": 0.13, "funk": 0.08, "jazz": 0.06, "hiphop": 0.06, "country": 0.06,
    "latin": 0.04, "electronic": 0.04,
}  # fmt: skip
C_STYLES: Final = {
    "rock": 0.15, "pop": 0.14, "funk": 0.10, "jazz": 0.10, "latin": 0.09, "soul": 0.07, "hiphop": 0.06, "blues": 0.06,
    "reggae": 0.05, "country": 0.06, "afrobeat": 0.04, "electronic": 0.04, "metal": 0.04,
}  # fmt: skip
DRUM_STYLES: Final = {"pop": POP_DRUMS}  # drummers of other styles that suit one; any other style only its own
HUMAN_DRUMS: Final = {"B": 0.65, "C": 0.35}  # how often a drummer plays where both a drummer and the arranger could
METERS: Final = {"4/4": 0.8, "3/4": 0.05, "6/8": 0.05, "12/8": 0.05, "7/8": 0.05}  # of charts that are in 4/4
LENGTHS_S: Final = (40.0, 85.0)
GRIDS: Final = (4, 3)  # places of a beat that a human note is taken to mean


def pick(shares: dict[str, float], rng: np.random.Generator) -> str:
    """One of the names, drawn by its share."""
    weights = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=weights / weights.sum()))


def complete(song: Song, midi: Path, rows: list[Row], rng: np.random.Generator) -> Song:
    """Part B: a piano song with bass and guitar, and with a drummer's drums or the arranger's. Raises `Unusable`."""
    if len(song.beats_s) < 9 or not song.chords:
        raise Unusable("no beats or no chords")
    style = pick(B_STYLES, rng)
    if rng.random() < HUMAN_DRUMS["B"]:
        song = with_human_drums(song, midi, rows, DRUM_STYLES.get(style, (style,)), rng)
    tempo = _tempo_of(song.beats_s)
    end_s = song.seconds - TAIL_S
    selection = _selection(tempo, song.meter, end_s)
    chords = tuple(
        ChordSpan(start, end - start, parse_chord(name))
        for start, end, name in ((_grid_beat(tempo, a, 2), _grid_beat(tempo, b, 2), name) for a, b, name in song.chords)
        if end > start
    )
    key = parse_key(song.key) if song.key else None
    return _compose(song, selection, chords, key, style, rng)


def from_chart(row: Row, split: str, midi: Path, rows: list[Row], rng: np.random.Generator) -> Song:
    """Part C: bars of a chart played in a style at a tempo, all parts written, or with a drummer's drums."""
    chart = load_chart(midi, row, rng)
    style = pick(C_STYLES, rng)
    meter_name = chart.meter if chart.meter != "4/4" else pick(METERS, rng)
    meter = Meter.parse(meter_name)
    bpm = _draw_tempo(chart.tempo_bpm, style, rng)
    bar_s = float(meter.beats) * 60 / bpm
    bars = max(round(rng.uniform(*LENGTHS_S) / bar_s / 4) * 4, 4)
    first = int(rng.choice(chart.starts))
    chords = lay(chart, first, bars, meter, int(rng.integers(-5, 7)))
    tempo = TempoMap.constant(str(bpm), SAMPLE_RATE)
    selection = Selection.from_bars(bars, tempo, meter, SAMPLE_RATE)
    end_s = float(selection.seconds)
    beats = np.arange(int(bars * meter.beats) + 1) * 60 / bpm
    song = Song(
        group=row.group, corpus=row.corpus, source=row.path, split=split, seconds=end_s + TAIL_S, parts={},
        beats_s=beats, downbeats=tuple(float(number * meter.beats) for number in range(bars)), meter=meter_name,
        chords=tuple((_seconds(tempo, span.start), _seconds(tempo, span.end), span.chord.name) for span in chords),
        genre=style,
    )  # fmt: skip
    if rng.random() < HUMAN_DRUMS["C"]:
        song = with_human_drums(song, midi, rows, DRUM_STYLES.get(style, (style,)), rng)
    return _compose(song, selection, chords, key_of_chords(chords), style, rng)


def _draw_tempo(own_bpm: float | None, style: str, rng: np.random.Generator) -> float:
    """The chart's own tempo, more or less, or one that suits the style; two decimals, as people type them."""
    low, high = STYLES[style].tempo
    if own_bpm and low <= own_bpm <= high and rng.random() < 0.5:
        return round(float(np.clip(own_bpm * rng.uniform(0.95, 1.05), 60, 180)), 2)
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))), 2)


def _compose(
    song: Song, selection: Selection, chords: tuple[ChordSpan, ...], key: Key | None, style: str,
    rng: np.random.Generator,
) -> Song:  # fmt: skip
    """The song with the parts it lacks, as the arranger writes them around those it has."""
    missing = tuple(name for name in DEFAULT_STEMS if name not in song.parts)
    emotion = (float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))) if rng.random() < 0.5 else None
    request = ComposeRequest(
        selection=selection, chords=chords, key=key, genre=style, emotion=emotion,
        density=float(rng.uniform(0.2, 0.85)), complexity=float(rng.uniform(0.1, 0.85)), stems=missing,
        known=Score(tuple(_known_notes(song, selection)), chords), seed=int(rng.integers(2**62)),
    )  # fmt: skip
    try:
        score = Arranger().compose(request)
    except HarmonicFlowError as error:
        raise Unusable(error.message) from error
    end_s = float(selection.seconds)
    parts = dict(song.parts)
    for name in missing:
        part = _part_of(score, name, selection)
        parts[name] = tidy(part[part[:, ONSET] < end_s], name == "drums")
    return replace(
        song, parts={name: part for name, part in parts.items() if len(part)},
        key=key.name if key else song.key, genre=style, genre_arranged=style,
        made=tuple(name for name in missing if len(parts[name])),
        # A form that was made up is the song's only where all that has pitch follows it.
        sections=_sections(score, selection) if "piano" in missing else (),
    )  # fmt: skip


def _sections(score: Score, selection: Selection) -> tuple[tuple[float, float, str], ...]:
    """The form in seconds."""
    return tuple(
        (_seconds(selection.tempo, part.start), _seconds(selection.tempo, part.end), part.name)
        for part in score.sections
    )


def _part_of(score: Score, name: str, selection: Selection) -> Part:
    """One part of a score in seconds."""
    rate = selection.rate
    return as_part(
        (
            max(float(selection.frame_at_beat(note.start)) / rate + note.shift_s, 0.0),
            float(selection.frame_at_beat(note.end)) / rate + note.shift_s,
            float(note.pitch),
            float(note.velocity),
        )
        for note in score.part(name)
    )


def _known_notes(song: Song, selection: Selection) -> list[Note]:
    """The parts that are there as notes on the grid of beats, with what people add to it kept apart in seconds."""
    out = []
    for name, part in song.parts.items():
        for onset_s, offset_s, pitch, velocity in part:
            exact = float(selection.beat_at_frame(Fraction(onset_s).limit_denominator(10_000) * selection.rate))
            start = min((Fraction(round(exact * grid), grid) for grid in GRIDS), key=lambda beat: abs(exact - beat))
            end = selection.beat_at_frame(Fraction(offset_s).limit_denominator(10_000) * selection.rate)
            duration = max(end - start, Fraction(1, 32)).limit_denominator(96)
            shift_s = onset_s - float(selection.frame_at_beat(start)) / selection.rate
            if 0 <= start < selection.beats:
                out.append(Note(name, start, duration, int(pitch), int(velocity), shift_s))
    return out


def _tempo_of(beats_s: NDArray[np.float64]) -> TempoMap:
    """The tempo map of beats in seconds; raises `Unusable` when they are no tempo people play."""
    anchors = [(Fraction(number), Fraction(round(beat * SAMPLE_RATE))) for number, beat in enumerate(beats_s)]
    try:
        return TempoMap(anchors, SAMPLE_RATE)
    except HarmonicFlowError as error:
        raise Unusable(error.message) from error


def _selection(tempo: TempoMap, meter: str, end_s: float) -> Selection:
    return Selection(SAMPLE_RATE, 0, round(end_s * SAMPLE_RATE), tempo, MeterMap.constant(meter))


def _grid_beat(tempo: TempoMap, seconds: float, grid: int) -> Fraction:
    """The beat nearest to a time, in steps of 1/grid."""
    return Fraction(round(tempo.beat_at(round(seconds * SAMPLE_RATE)) * grid), grid)


def _seconds(tempo: TempoMap, beat: Fraction) -> float:
    return float(tempo.frame_at(beat)) / SAMPLE_RATE
