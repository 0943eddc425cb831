"""What the band is to play along with: the audio and the notes of the selected tracks in a range.

Of audio only what can be read exactly: a WAV or AIFF file that Live plays at its own speed. That is an unwarped clip,
or a warped one whose markers lie on the Set's tempo. Clip gain counts; effects, faders and fades do not.
"""

import re
from fractions import Fraction
from typing import Any, NamedTuple

from . import sound
from .asked import Range, clip_beats
from .words import Trouble, instrument_of

STRAIGHT_S = 0.001  # so far from a straight line may warp markers be
MAX_NOTES = 20000
DECIBELS = re.compile(r"([-+−]?\d+(?:[.,]\d+)?) ?dB")


class Piece(NamedTuple):
    """One stretch of sound: frames `source` and on of a file, at frame `first` of the range."""

    layout: sound.Layout
    source: int
    first: int
    frames: int
    gain: float
    name: str  # of its track


class Heard(NamedTuple):
    """All of it."""

    pieces: list[Piece]
    notes: list[list[Any]]  # NoteRow of the protocol
    names: list[str]  # of the tracks
    troubles: list[str]  # why something is not heard, a sentence each


class Span(NamedTuple):
    """A clip and where it lies on the range's beats."""

    clip: Any
    start: float
    end: float


def listen(tracks: list[Any], wanted: Range) -> Heard:
    """The pieces and notes of tracks in a range. Nothing is read but the heads of files."""
    heard = Heard([], [], [], [])
    for track in tracks:
        name, before = str(track.name), len(heard.pieces) + len(heard.notes)
        for span in _spans(track, wanted):
            try:
                if span.clip.is_audio_clip:
                    _add(heard.pieces, _piece(span, wanted, name))
                else:
                    heard.notes.extend(_notes(span, wanted, name))
            except Trouble as trouble:
                heard.troubles.append(f"{span.clip.name or name} is not heard: {trouble}")
        if len(heard.pieces) + len(heard.notes) > before:
            heard.names.append(name)
    if len(heard.notes) > MAX_NOTES:
        heard.troubles.append(f"{len(heard.notes)} notes are too many to play along with")
        heard.notes.clear()
    return heard


def _spans(track: Any, wanted: Range) -> list[Span]:
    if wanted.scene >= 0:
        slot = track.clip_slots[wanted.scene]
        if not slot.has_clip or slot.clip.muted:
            return []
        return [Span(slot.clip, 0.0, min(clip_beats(slot.clip, wanted.tempo), wanted.length))]
    spans = [Span(clip, float(clip.start_time), float(clip.end_time)) for clip in track.arrangement_clips]
    return [span for span in spans if span.start < wanted.end and span.end > wanted.start and not span.clip.muted]


def _add(pieces: list[Piece], piece: Piece | None) -> None:
    if piece is None:
        return
    if pieces and piece.layout.rate != pieces[0].layout.rate:
        raise Trouble(f"it is at {piece.layout.rate} Hz, and {pieces[0].name} at {pieces[0].layout.rate} Hz")
    pieces.append(piece)


def _piece(span: Span, wanted: Range, name: str) -> Piece | None:
    clip, gain = span.clip, _gain(span.clip)
    if gain == 0:
        return None
    if clip.pitch_coarse or clip.pitch_fine:
        raise Trouble("it is transposed")
    layout = sound.look(str(clip.file_path))
    opening = Fraction(_warped(clip, span, wanted) if clip.warping else float(clip.loop_start))  # s in the file
    first_beat, last_beat = max(span.start, wanted.start), min(span.end, wanted.end)
    first = wanted.frame(first_beat - wanted.start, layout.rate)
    last = wanted.frame(last_beat - wanted.start, layout.rate)
    into = Fraction(first_beat) - Fraction(span.start)
    source = round((opening + into * wanted.beat_s) * layout.rate)
    if source < 0:
        first, source = first - source, 0
    count = min(last - first, layout.frames - source)
    return Piece(layout, source, first, count, gain, name) if count > 0 else None


def _gain(clip: Any) -> float:
    """The clip's gain as a factor, from what Live shows of it: the slider's own law is not published."""
    shown = str(clip.gain_display_string)
    if "inf" in shown:
        return 0.0
    found = DECIBELS.search(shown)
    if not found:
        raise Trouble(f"its gain cannot be read ({shown})")
    return float(10 ** (float(found[1].replace(",", ".").replace("−", "-")) / 20))


def _warped(clip: Any, span: Span, wanted: Range) -> float:
    """Seconds in the file at which a warped clip begins; raises Trouble where it does not run straight at the tempo."""
    markers = sorted((float(marker.beat_time), float(marker.sample_time)) for marker in clip.warp_markers)
    begin = float(clip.start_marker if clip.looping else clip.loop_start)
    end = begin + span.end - span.start
    if clip.looping and end > float(clip.loop_end) + 1e-6:
        raise Trouble("it is looped: consolidate it first")
    if len(markers) < 2:
        raise Trouble("its warp markers cannot be read")
    inside = [beat for beat, _ in markers if begin < beat < end]
    opening, beat_s = _seconds(markers, begin), float(wanted.beat_s)
    for beat in [*inside, end]:
        if abs(_seconds(markers, beat) - opening - (beat - begin) * beat_s) > STRAIGHT_S:
            raise Trouble("it is warped to another tempo than its own: turn Warp off, or consolidate it")
    return opening


def _seconds(markers: list[tuple[float, float]], beat: float) -> float:
    """Seconds in the file at a beat: straight lines between markers, the outer ones go on."""
    index = next((number for number in range(1, len(markers) - 1) if beat < markers[number][0]), len(markers) - 1)
    (beat0, second0), (beat1, second1) = markers[index - 1 : index + 1]
    return second0 + (beat - beat0) * (second1 - second0) / (beat1 - beat0)


def _notes(span: Span, wanted: Range, name: str) -> list[list[Any]]:
    """Rows of the notes that begin in the range, of every turn of a looped clip."""
    clip, instrument = span.clip, instrument_of(name)
    if instrument is None:
        raise Trouble(f"the track's name ({name}) says no instrument")
    rows: list[list[Any]] = []
    for opening, begin, end in _turns(clip, span):
        for note in clip.get_notes_extended(0, 128, begin, end - begin):
            at = opening + float(note.start_time) - begin
            if note.mute or not max(span.start, wanted.start) <= at < min(span.end, wanted.end):
                continue
            length = min(float(note.duration), opening + end - begin - at, span.end - at, wanted.end - at)
            velocity = min(127, max(1, round(float(note.velocity))))
            rows.append(
                [instrument, beat_text(at - wanted.start), beat_text(length, True), int(note.pitch), velocity, 0.0]
            )
            if len(rows) > MAX_NOTES:
                return rows
    return rows


def _turns(clip: Any, span: Span) -> list[tuple[float, float, float]]:
    """(beat of the range's clock, first and last beat of the clip) of every stretch that plays."""
    if not clip.looping:
        begin = float(clip.loop_start)
        return [(span.start, begin, begin + span.end - span.start)]
    begin, loop_start, loop_end = float(clip.start_marker), float(clip.loop_start), float(clip.loop_end)
    found: list[tuple[float, float, float]] = []
    at = span.start
    while at < span.end and loop_end > begin and len(found) < 4096:
        found.append((at, begin, min(loop_end, begin + span.end - at)))
        at, begin = at + loop_end - begin, loop_start
    return found


def beat_text(beats: float, least: bool = False) -> str:
    """Beats as the protocol writes them; `least`: a length, which is never 0."""
    found = Fraction(beats).limit_denominator(1_000_000)
    return str(max(found, Fraction(1, 1920)) if least else found)
