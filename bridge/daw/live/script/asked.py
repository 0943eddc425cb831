"""What the musician has chosen: the loop brace of the Arrangement, or a clip of the Session; and the tracks.

Live tells a script the tempo and the meter of this moment only. So a range is one tempo and one meter; where the tempo
is automated the musician is told.
"""

from fractions import Fraction
from typing import Any, NamedTuple

from .words import Trouble, is_ours


class Range(NamedTuple):
    """Where stems are wanted. Beats are quarter notes, as everywhere in Live."""

    start: float  # beats from the Set's start; 0 in the Session
    length: float  # beats
    tempo: float  # BPM
    meter: str  # "4/4"
    into_bar: float  # beats from the bar line before the start
    scene: int  # of the Session, from 0; -1: the Arrangement
    warnings: list[str]

    @property
    def end(self) -> float:
        """Beats from the Set's start."""
        return self.start + self.length

    @property
    def beat_s(self) -> Fraction:
        """Seconds of a beat."""
        return 60 / Fraction(self.tempo)

    def frame(self, beats: float, rate: int) -> int:
        """The frame, from the range's start, that is nearest to a place so many beats after it."""
        return round(Fraction(beats) * self.beat_s * rate)

    def words(self) -> str:
        """For people: "16 beats at 93.7 BPM, from beat 33 on"."""
        tempo = f"{self.length:g} beats at {round(self.tempo, 2):g} BPM"
        return f"scene {self.scene + 1}: {tempo}" if self.scene >= 0 else f"{tempo}, from beat {self.start + 1:g} on"


def chosen(song: Any, app: Any) -> Range:
    """The range; raises Trouble where there is none."""
    numerator, denominator = int(song.signature_numerator), int(song.signature_denominator)
    tempo, warnings = float(song.tempo), []
    if tempo_moves(song):
        warnings.append(f"the tempo is automated, and Live tells only that of this moment: {round(tempo, 2):g} BPM")
    bar = numerator * 4 / denominator
    if app.view.focused_document_view == "Session":
        scene, length = _session(song, tempo)
        return Range(0.0, length, tempo, f"{numerator}/{denominator}", 0.0, scene, warnings)
    start, length = float(song.loop_start), float(song.loop_length)
    if length <= 0:
        raise Trouble("set the loop brace over the bars first")
    return Range(start, length, tempo, f"{numerator}/{denominator}", start % bar, -1, warnings)


def selection(wanted: Range, rate: int) -> dict[str, Any]:
    """The protocol's SelectionSpec. Its frame 0 is the range's start, exactly where Live will put the clips."""
    length = Fraction(wanted.length)
    return {
        "rate": rate,
        "start_frame": 0,
        "end_frame": wanted.frame(wanted.length, rate),
        "tempo": [["0", "0"], [str(length), str(length * wanted.beat_s * rate)]],
        "meters": [[1, wanted.meter]],
        "start_beat": str(Fraction(wanted.into_bar)),
    }


def tracks(song: Any) -> list[Any]:
    """The selected tracks, without our own, returns, the main track and groups."""
    usable = [track for track in song.tracks if not is_ours(track) and not track.is_foldable]
    found = [track for track in usable if track.is_part_of_selection]
    return found or [track for track in usable if track == song.view.selected_track]


def clip_beats(clip: Any, tempo: float) -> float:
    """The length of a clip of the Session, in beats."""
    length = float(clip.loop_end) - float(clip.loop_start)
    return length * tempo / 60 if clip.is_audio_clip and not clip.warping else length


def tempo_moves(song: Any) -> bool:
    """Whether the tempo has automation, as far as Live says it."""
    try:
        return bool(song.master_track.mixer_device.song_tempo.automation_state)
    except (AttributeError, RuntimeError):
        return False


def _session(song: Any, tempo: float) -> tuple[int, float]:
    """The selected scene, and the length of its selected clip, or of its longest."""
    scene = list(song.scenes).index(song.view.selected_scene)
    slot = song.view.highlighted_clip_slot
    if slot is not None and slot.has_clip:
        return scene, clip_beats(slot.clip, tempo)
    slots = [track.clip_slots[scene] for track in song.tracks if not is_ours(track) and not track.is_foldable]
    found = [clip_beats(slot.clip, tempo) for slot in slots if slot.has_clip]
    if not found:
        raise Trouble("choose a clip in the Session, or go to the Arrangement and set the loop brace")
    return scene, max(found)
