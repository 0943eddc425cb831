"""What was heard, as lines that a musician reads: a summary, a chart of chords in bars, sections with their times."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Final

from .heard import ANALYST, MIDI, SIGNAL, Heard, HeardKey

BARS_A_LINE: Final = 4
UNSURE: Final = 0.3  # confidence below which a value is said to be a guess
HEARERS: Final = {ANALYST: "the bundle's analyst", SIGNAL: "signal analysis, without a network", MIDI: "the MIDI file"}
LONGEST_NAME: Final = 12
LEAST_CENTS: Final = 3.0
MOST_MOTIFS: Final = 6


def describe(heard: Heard, name: str) -> list[str]:
    """The lines."""
    lines = [f"{name}, {clock(heard.seconds)}"]
    lines += [f"{title:<9} {text}" for title, text in summary(heard)]
    lines += ["", *chart(heard)] if heard.chords else ["", "No chords were heard."]
    if heard.sections:
        lines += ["", "Sections"]
        lines += [
            f"  {part.name:<10} bars {part.first_bar}-{part.last_bar}, {clock(part.start_s)} to {clock(part.end_s)}"
            for part in heard.sections
        ]
    if heard.motifs:
        lines += ["", "Passages that return"]
        for motif in heard.motifs[:MOST_MOTIFS]:
            here, there = (f"{first + 1}-{first + motif.bars}" for first in (motif.first, motif.again))
            lines.append(f"  bars {here} again in {there} ({motif.likeness:.0%})")
    return lines + [f"Note: {warning}" for warning in heard.warnings]


def summary(heard: Heard) -> list[tuple[str, str]]:
    """Titles and values of what holds for the whole."""
    rows = []
    if heard.tempo is None:
        rows.append(("tempo", "no pulse was heard"))
    else:
        wavers = "" if heard.tempo.steady else ", not steady"
        rows.append(("tempo", f"{heard.tempo.bpm:.1f} BPM{wavers}{_guess(heard.tempo.confidence)}"))
    if heard.meter is not None:
        rows.append(("meter", heard.meter))
    if heard.key is not None:
        rows.append(("key", f"{heard.key.key.name}{_guess(heard.key.confidence)}"))
    if len(heard.keys) > 1:
        rows.append(("keys", ", ".join(map(_key, heard.keys))))
    if heard.tuning_cents is not None and abs(heard.tuning_cents) >= LEAST_CENTS:
        rows.append(("tuning", f"{heard.tuning_cents:+.0f} cents against A 440 Hz"))
    if heard.loudness is not None:
        rows.append(("loudness", f"{heard.loudness.integrated_lufs:.1f} LUFS, peak {heard.loudness.peak_db:.1f} dB"))
    if heard.onsets is not None and heard.seconds > 0:
        rows.append(("onsets", f"{heard.onsets.count / heard.seconds:.1f} a second"))
    rows.append(("heard by", HEARERS[heard.source]))
    return rows


def _guess(confidence: float) -> str:
    return " (a guess)" if confidence < UNSURE else ""


def _key(key: HeardKey) -> str:
    return f"{key.key.name} from {clock(key.start_s)}"


def clock(seconds: float) -> str:
    """Minutes and seconds: "1:05"; with tenths below a minute: "0:09.9"."""
    tenths = round(10 * seconds)
    if tenths < 600:
        return f"0:{tenths // 10:02d}.{tenths % 10}"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def chart(heard: Heard) -> list[str]:
    """Bars of chords, four a line, a new line for each section; "." holds the chord before, N.C. is no chord.

    A bar with several chords has one name a beat. Without bars, or where they are a guess, there is one line a chord.
    """
    if not heard.downbeats or heard.tempo is None or heard.tempo.confidence < UNSURE:
        return ["Chords"] + [f"  {clock(one.start_s):>7}  {one.chord.name}" for one in heard.chords]
    starts = {part.first_bar: part.name[:LONGEST_NAME] for part in heard.sections}
    margin = max(map(len, starts.values()), default=0)
    cells = _bars(heard)
    width = max(len(cell) for _, cell in cells)
    row: list[str] = []
    lines, label, first = ["Chords"], "", cells[0][0]

    def flush() -> None:
        if row:
            lines.append(f"  {label:<{margin}} {first:>4} | {' | '.join(cell.ljust(min(width, 20)) for cell in row)} |")

    for number, cell in cells:
        if number in starts or len(row) == BARS_A_LINE:
            flush()
            row, first, label = [], number, starts.get(number, "")
        row.append(cell)
    flush()
    return lines


def _bars(heard: Heard) -> list[tuple[int, str]]:
    """(number, what stands in it) of each bar."""
    ends = [*heard.downbeats, len(heard.beats_s)]
    spans = list(enumerate(pairwise(ends), 1))
    if heard.downbeats[0] > 0:
        spans.insert(0, (0, (0, heard.downbeats[0])))
    found, before = [], ""
    for number, (first, last) in spans:
        names = [_name_at(heard, beat + 0.5) for beat in range(first, last)]
        if all(name == names[0] for name in names):
            found.append((number, "." if names[0] == before else names[0]))
        else:
            held = [name if name != past else "." for past, name in pairwise([before, *names])]
            found.append((number, " ".join(held)))
        before = names[-1]
    return found


def _name_at(heard: Heard, beat: float) -> str:
    place = bisect_right([one.start_beat for one in heard.chords], beat) - 1
    inside = place >= 0 and beat < heard.chords[place].end_beat
    return heard.chords[place].chord.name if inside else "N.C."
