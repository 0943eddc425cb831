"""README.txt of an exported folder: what a person types into the DAW, and where the files go."""

from fractions import Fraction
from textwrap import wrap
from typing import Final

from .found import Take
from .timeline import Timeline, steady_bpm
from .wanted import Wanted, title_of

WIDTH: Final = 78
MOST_CHANGES: Final = 64  # of tempo that people are shown


def readme(take: Take, wanted: Wanted) -> str:
    """The text, in lines of about `WIDTH` characters."""
    timeline = Timeline.of(take.selection)
    parts = [_head(take, timeline), wrap(_what_to_do(take, timeline, wanted), WIDTH)]
    parts += [_changes(take, timeline), _sections(take, timeline), _files(take, wanted)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(take: Take, timeline: Timeline) -> list[str]:
    summary, selection = take.summary, take.selection
    end = timeline.start + selection.beats
    rows = [
        ("Take", take.name),
        ("Tempo", _tempo(timeline, end)),
        ("Meter", f"{selection.bars()[0].meter}{_meters(timeline, end)}"),
        ("Key", take.key),
        ("Start", _place(timeline, timeline.start)),
        ("Length", f"{summary.bars} bars, {_number(selection.beats)} quarter notes, {_number(selection.seconds)} s"),
        ("Sound", f"{selection.rate} Hz, {selection.frames} samples in every file"),
    ]
    return [summary.title or "A take by HarmonicFlow", "", *(f"{name:9}{said}" for name, said in rows if said)]


def _changes(take: Take, timeline: Timeline) -> list[str]:
    changes = timeline.tempos_to(timeline.start + take.selection.beats)
    inside = [(beat, bpm) for beat, bpm in changes if beat > timeline.start]
    if not inside:
        return []
    lines = [f"  {_place(timeline, beat)}: {_number(bpm)} BPM" for beat, bpm in inside[:MOST_CHANGES]]
    if len(inside) > MOST_CHANGES:
        lines.append(f"  and {len(inside) - MOST_CHANGES} more: all of them are in the MIDI files")
    return ["Tempo changes", *lines]


def _sections(take: Take, timeline: Timeline) -> list[str]:
    inside = [each for each in take.score.sections if 0 <= each.start < take.selection.beats]
    lines = [f"  {_place(timeline, timeline.start + each.start)}: {each.name}" for each in inside]
    return ["Sections", *lines] if lines else []


def _files(take: Take, wanted: Wanted) -> list[str]:
    rows = [(row.file, title_of(row.stem)) for row in wanted.sounds_of(take)]
    parts = [(name, take.summary.parts[name]) for name in wanted.stems_of(take) if name in take.summary.parts]
    rows += [(file, f"{title_of(name)}, its notes") for name, file in parts]
    if not wanted.stems:
        rows.append(("score.mid", "all notes, chords, sections, tempo and meter"))
    return ["Files", *(f"  {file:14}{said}" for file, said in rows)]


def _what_to_do(take: Take, timeline: Timeline, wanted: Wanted) -> str:
    steady = steady_bpm(take.selection)
    tempo = f"Set the project to {_number(steady)} BPM" if steady else "Import a MIDI file with its tempo map"
    place = _place(timeline, timeline.start)
    text = f"{tempo} and {take.selection.bars()[0].meter}, then put every file at {place}: they all begin there."
    if wanted.sounds_of(take):
        text += " Switch stretching (warp, elastic audio, tempo sync) off for the sound files: they fit as they are."
    renders = [title_of(name) for name in wanted.renders_of(take)] if not wanted.midi_only else []
    if renders:
        text += f" {' and '.join(renders)} are the stems together: mute them while the stems play."
    if take.selection.bars()[0].grid_start < 0:
        text += " The first bar is not whole."
    return text


def _tempo(timeline: Timeline, end: Fraction) -> str:
    inside = [bpm for beat, bpm in timeline.tempos_to(end) if beat > timeline.start]
    at_start = [bpm for beat, bpm in timeline.tempos if beat <= timeline.start][-1]
    return f"{_number(at_start)} BPM" + (f", {len(inside)} changes, see below" if inside else "")


def _meters(timeline: Timeline, end: Fraction) -> str:
    changes = [(beat, meter) for beat, meter in timeline.meters_to(end) if beat > timeline.start]
    return "".join(f", {meter} from bar {timeline.place(beat)[0]}" for beat, meter in changes)


def _place(timeline: Timeline, beat: Fraction) -> str:
    bar, place = timeline.place(beat)
    return f"bar {bar}, beat {_number(place)}"


def _number(value: Fraction) -> str:
    """Six decimals: in seconds that is a twentieth of a sample."""
    return f"{float(value):.6f}".rstrip("0").rstrip(".")
