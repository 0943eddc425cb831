"""Short songs for what corpora lack: rare meters, and sevenths, ninths and slash chords as often as triads.

Chords are drawn inside a key most of the time, the arranger plays them, and some guitars and pianos only strum or roll
them, as people's clips do. Rendered like any corpus, into its train split.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.tempo import Meter, Selection
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import Chord, ChordSpan
from harmonicflow.score.keys import MODES, Key
from harmonicflow.score.qualities import INTERVALS

from ..corpus.render import write_track
from ..corpus.song import Part, Song, as_part, tidy
from ..corpus.sounds import SOUND_FONTS, draw_sound

Report = Callable[[str], None]

METERS: Final = {"4/4": 0.3, "3/4": 0.22, "2/4": 0.06, "5/4": 0.14, "6/8": 0.1, "7/8": 0.12, "7/4": 0.06}
GENRES: Final = ("rock", "pop", "funk", "jazz")
QUALITIES: Final = {
    "": 5, "m": 5, "7": 4, "maj7": 4, "m7": 4, "m9": 3, "maj9": 2, "9": 2, "7sus4": 1.5, "sus4": 2, "sus2": 2,
    "add9": 2, "m(add9)": 1, "6": 1.5, "m6": 1.5, "m7b5": 2, "dim": 1.5, "dim7": 1.5, "aug": 1.5, "5": 1, "13": 1,
    "m11": 1, "7b9": 1, "7#9": 1, "6/9": 1, "maj7#11": 0.7, "m(maj7)": 0.7, "aug7": 0.7,
}  # fmt: skip
TEMPI: Final = (56.0, 190.0)  # quarter notes a minute
SECONDS: Final = 42.0
TAIL_S: Final = 1.5
INSIDE: Final = 0.8  # of the chords lie in the key
SLASH: Final = 0.12
STRUMMED: Final = {"guitar": 0.5, "piano": 0.4}  # parts that only strum or roll the chords
RANGES: Final = {"guitar": (40, 76), "piano": (36, 84)}


def make_etudes(out: Path, count: int, seed: int, report: Report, sound_fonts: tuple[Path, ...] = SOUND_FONTS) -> None:
    """Render `count` songs into `out`/train; what is there is kept.

    Raises: HarmonicFlowError `missing_file` and `missing_package` (no SoundFont, no FluidSynth).
    """
    for number in range(count):
        folder = out / "train" / f"Track{90000 + number}"
        if not folder.exists():
            random = np.random.default_rng((seed, number))
            song = etude(random)
            write_track(folder, song, draw_sound(sound_fonts, 0.8, random), number)
            report(f"{folder.name}: {song.meter} {song.key} {song.genre}")


def etude(random: np.random.Generator) -> Song:
    """One song, not rendered yet."""
    meter = Meter.parse(str(random.choice(list(METERS), p=np.array(list(METERS.values())) / sum(METERS.values()))))
    bpm = round(float(np.exp(random.uniform(*np.log(TEMPI)))), 2)
    bars = max(4, round(SECONDS * bpm / 60 / float(meter.beats)))
    selection = Selection.from_bars(bars, str(bpm), meter, SAMPLE_RATE)
    key = Key(int(random.integers(12)), str(random.choice(MODES)))
    spans = _progression(key, meter, bars, random)
    genre = str(random.choice(GENRES))
    score = Arranger().compose(ComposeRequest(
        selection=selection, chords=spans, key=key, genre=genre, density=float(random.uniform(0.2, 0.9)),
        complexity=float(random.uniform(0.1, 0.9)), seed=int(random.integers(2**31)),
    ))  # fmt: skip
    beat_s = 60 / bpm
    parts: dict[str, Part] = {}
    for name in ("bass", "drums", "guitar", "piano"):
        if random.random() < STRUMMED.get(name, 0):
            parts[name] = tidy(_strummed(spans, beat_s, RANGES[name], random))
        else:
            rows = (
                (float(note.start) * beat_s + note.shift_s, float(note.end) * beat_s, note.pitch, note.velocity)
                for note in score.part(name)
            )
            parts[name] = tidy(as_part((max(a, 0.0), b, float(c), float(d)) for a, b, c, d in rows), name == "drums")
    return Song(
        group="etudes", corpus="etudes", source="made", split="train",
        seconds=float(selection.seconds) + TAIL_S, parts={name: part for name, part in parts.items() if len(part)},
        beats_s=np.arange(int(bars * meter.beats) + 1, dtype=np.float64) * np.float64(beat_s),
        downbeats=tuple(float(number * meter.beats) for number in range(bars)), meter=str(meter),
        chords=tuple((float(s.start) * beat_s, float(s.end) * beat_s, s.chord.name) for s in spans),
        key=key.name, genre=genre, genre_arranged=genre, made=("bass", "drums", "guitar", "piano"),
    )  # fmt: skip


def _progression(key: Key, meter: Meter, bars: int, random: np.random.Generator) -> tuple[ChordSpan, ...]:
    """A phrase of 4 or 8 bars over and over, sometimes with two chords in a bar."""
    phrase = [
        [_chord(key, random) for _ in range(2 if random.random() < 0.25 and meter.beats >= 3 else 1)]
        for _ in range(int(random.choice((4, 8))))
    ]
    phrase[0][0] = Chord(key.tonic, "m" if key.mode == "minor" else "") if random.random() < 0.6 else phrase[0][0]
    spans: list[ChordSpan] = []
    for bar in range(bars):
        chords = phrase[bar % len(phrase)]
        edges = [Fraction(0), Fraction(int(meter.beats + 1) // 2), meter.beats] if len(chords) == 2 else [
            Fraction(0), meter.beats]  # fmt: skip
        for chord, start, end in zip(chords, edges, edges[1:], strict=False):
            spans.append(ChordSpan(bar * meter.beats + start, end - start, chord))
    return tuple(spans)


def _chord(key: Key, random: np.random.Generator) -> Chord:
    """Any chord, or by `INSIDE` one whose tones lie in the key."""
    inside = random.random() < INSIDE
    weights = np.array(list(QUALITIES.values()))
    for _ in range(200):
        root = int(random.choice(key.scale)) if inside else int(random.integers(12))
        quality = str(random.choice(list(QUALITIES), p=weights / weights.sum()))
        chord = Chord(root, quality)
        if not inside or chord.pitch_classes <= set(key.scale):
            break
    if random.random() < SLASH:
        return Chord(root, quality, (root + int(random.choice(INTERVALS[quality]))) % 12)
    return chord


def _strummed(spans: tuple[ChordSpan, ...], beat_s: float, reach: tuple[int, int], random: np.random.Generator) -> Part:
    """Each chord struck, strummed or rolled once or every beat, in a voicing of its own."""
    notes = []
    spread_s = float(random.choice((0.0, 0.012, 0.03, 0.1, 0.25)))
    every = float(random.choice((1.0, 2.0, 99.0)))  # beats from stroke to stroke
    low, high = reach
    for span in spans:
        pitches = _voicing(span.chord, low + int(random.integers(0, 10)), high, random)
        for stroke in np.arange(0.0, float(span.duration), every):
            length = min(every, float(span.duration) - stroke) * beat_s
            order = pitches if random.random() < 0.7 else pitches[::-1]
            for place, pitch in enumerate(order):
                start = (float(span.start) + stroke) * beat_s + min(spread_s * place, 0.6 * length * place / len(order))
                end = (float(span.start) + stroke) * beat_s + length * random.uniform(0.8, 1.0)
                notes.append((start, max(end, start + 0.05), float(pitch), float(random.integers(50, 110))))
    return as_part(notes)


def _voicing(chord: Chord, low: int, high: int, random: np.random.Generator) -> list[int]:
    """The bass low, each other tone at least once above it."""
    bass = low + (chord.bass_class - low) % 12
    pitches = {bass}
    for tone in chord.pitch_classes - {chord.bass_class}:
        first = bass + 3 + (tone - bass - 3) % 12
        pitches.add(first + 12 * int(random.integers(0, max(1, (high - first) // 12 + 1))))
    if random.random() < 0.5:
        root = bass + 12 + (chord.root - bass) % 12
        pitches.add(root if root <= high else root - 12)
    return sorted(pitches)
