"""From a finished take to clips on tracks, in one undo step.

Every take lies in a take lane of its track (in the Session's slots where Live has no lanes for scripts: before 12.2),
and the newest one, or the first option, in the track's main lane besides, as after a recording. So what is replaced in
the main lane is never lost. Clips that are not ours are never replaced: then there is a further track, "HF Bass 2".
"""

import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from .takes import Part
from .words import COLOURS, EXTRAS, TAKE, Trouble, track_name

NEAR = 1e-4  # beats
ROOM = 4  # lengths of a clip that a lane must have free: Live may warp a new clip to another length at first
MOST_BEATS = 1_576_800.0  # Live's own limit


class Laid(NamedTuple):
    """An audio clip that was made, to be looked at again: Live turns Warp off a little later."""

    clip: Any
    beats: float
    seconds: float


class Bench:
    """One result on its way into the Set: what was made, so that it can be taken back."""

    def __init__(self, song: Any, origin: float, scene: int, tempo: float) -> None:
        self.song, self.origin, self.scene = song, origin, scene
        self.song_tempo, self.tempo = float(song.tempo), tempo  # now, and when the take was asked for
        self.laid: list[Laid] = []
        self._clips: list[tuple[Any, Any]] = []  # (owner, clip)
        self._tracks: list[Any] = []
        self._chosen: dict[str, Any] = {}
        self._parts: list[Part] = []
        self._rows: dict[int, int] = {}  # the scene of each take
        self._excess = 0.0  # beats by which Live makes a clip too long before its Warp is off
        self.left_out: list[str] = []  # stems that lie in their lane alone

    def put(self, parts: list[Part]) -> int:
        """Lay all parts down; how many. In one undo step, and taken back where one fails. Raises what Live raises."""
        if not 0 <= self.origin <= MOST_BEATS:
            raise Trouble("the place of the take is outside of the Arrangement")
        self._parts = parts
        selected = self.song.view.selected_track
        self.song.begin_undo_step()
        try:
            for part in parts:
                self._keep(part)
            if self.scene < 0:
                for part in parts:  # what replaces something comes last
                    if part.number == 0:
                        self._main(part)
            if self._tracks and self.song.view.selected_track != selected:
                self.song.view.selected_track = selected  # Live goes to a new track
        except BaseException:
            self._take_back()
            raise
        finally:
            _end(self.song)
        return len(parts)

    def _keep(self, part: Part) -> None:
        """The whole take in a take lane, or in a slot."""
        track = self._track(part)
        if self.scene >= 0 or not hasattr(track, "create_take_lane"):
            self._slot(track, part)
            return
        length = self._beats(part)
        room = self.origin + ROOM * length
        lane = next((lane for lane in track.take_lanes if _free(lane, self.origin, room)), None)
        if lane is None:
            lane = track.create_take_lane()
            lane.name = f"HF {len(track.take_lanes)}"
        self._lay(lane, part, part.path, self.origin, length, 0)

    def _slot(self, track: Any, part: Part) -> None:
        row = self._row(part.number)  # it may make a scene: before the slots are asked for
        slot = track.clip_slots[row]
        if part.midi:
            slot.create_clip(self._beats(part))
            self._clips.append((slot, None))
            _write_notes(slot.clip, part, 0.0, self._beats(part))
        else:
            slot.create_audio_clip(part.path)
            self._clips.append((slot, None))
            self._straighten(slot.clip, part, part.frames)
        self._dress(slot.clip, part)

    def _row(self, number: int) -> int:
        """The scene of a take: the first one in which all its slots are free."""
        if number not in self._rows:
            rows = [self._track(part).clip_slots for part in self._parts if part.number == number]
            index = max(self.scene, 0)
            while index < len(rows[0]) and any(slots[index].has_clip for slots in rows):
                index += 1
            if index == len(rows[0]):
                self.song.create_scene(-1)
            self._rows[number] = index
        return self._rows[number]

    def _main(self, part: Part) -> None:
        """The take, or its changed stretch where something else lies around it, in the main lane."""
        track, length = self._track(part), self._beats(part)
        end = self.origin + length
        if not part.midi and self._excess > NEAR and _over(track, end, end + self._excess):
            self.left_out.append(part.stem)  # it would cut what follows
            return
        if part.last - part.first == part.frames or self._alone(track, length):
            self._lay(track, part, part.path, self.origin, length, 0)
            return
        rate, tempo = part.rate, self.tempo if part.midi else self.song_tempo
        start, end = (frame / rate * tempo / 60 for frame in (part.first, part.last))
        self._lay(track, part, part.piece or part.path, self.origin + start, end - start, start)

    def _alone(self, track: Any, length: float) -> bool:
        """Whether nothing but one whole take lies in the main lane where this one goes."""
        there = _over(track, self.origin, self.origin + length)
        return not there or (
            len(there) == 1
            and abs(there[0].start_time - self.origin) < NEAR
            and abs(there[0].end_time - self.origin - length) < NEAR
        )

    def _lay(self, owner: Any, part: Part, path: str, at: float, length: float, into: float) -> None:
        """One clip into a lane or a track."""
        if part.midi:
            clip = self._midi_clip(owner, at, length)
            self._clips.append((owner, clip))
            _write_notes(clip, part, into, length)
        else:
            owner.create_audio_clip(path, at)
            clip = _made(owner, at, path)
            self._clips.append((owner, clip))
            whole = path == part.path
            self._straighten(clip, part, part.frames if whole else part.last - part.first)
        self._dress(clip, part)

    def _midi_clip(self, owner: Any, at: float, length: float) -> Any:
        if hasattr(owner, "create_midi_clip"):
            owner.create_midi_clip(at, length)
            return _made(owner, at, "")
        slot = next((slot for slot in owner.clip_slots if not slot.has_clip), None)  # the way before 12.2
        if slot is None:
            self.song.create_scene(-1)
            slot = list(owner.clip_slots)[-1]
        slot.create_clip(length)
        try:
            return owner.duplicate_clip_to_arrangement(slot.clip, at)
        finally:
            slot.delete_clip()

    def _straighten(self, clip: Any, part: Part, frames: int) -> None:
        """Played as it is: no warp, no loop."""
        if clip.warping:
            length = float(clip.loop_end) - float(clip.loop_start)
            self._excess = max(self._excess, length - frames / part.rate * self.song_tempo / 60)
        if clip.looping:
            clip.looping = False
        clip.warping = False
        seconds = frames / part.rate
        if self.scene < 0 and clip.is_arrangement_clip:
            self.laid.append(Laid(clip, seconds * self.song_tempo / 60, seconds))

    def _dress(self, clip: Any, part: Part) -> None:
        clip.name = f"{part.stem} {part.take}"
        clip.color = COLOURS.get(part.stem, 0x888888)

    def _beats(self, part: Part) -> float:
        return part.frames / part.rate * (self.tempo if part.midi else self.song_tempo) / 60

    def _track(self, part: Part) -> Any:
        """The track of a part: the first of its name that can take it, made if there is none."""
        name = track_name(part.stem, part.midi)
        if name in self._chosen:
            return self._chosen[name]
        length, number = self._beats(part), 1
        named = {str(track.name): track for track in self.song.tracks}
        while (full := name if number == 1 else f"{name} {number}") in named:
            if self._fits(named[full], part.midi, length):
                self._chosen[name] = named[full]
                return named[full]
            number += 1
        make = self.song.create_midi_track if part.midi else self.song.create_audio_track
        make(-1)
        track = list(self.song.tracks)[-1]
        self._tracks.append(track)
        self._chosen[name] = track
        track.name = full
        track.color = COLOURS.get(part.stem, 0x888888)
        if part.stem in EXTRAS:
            track.mute = True
        return track

    def _fits(self, track: Any, midi: bool, length: float) -> bool:
        kind = track.has_midi_input if midi else track.has_audio_input
        if not kind or track.is_foldable or track.is_frozen:
            return False
        there = [] if self.scene >= 0 else _over(track, self.origin, self.origin + length)
        return all(TAKE.match(str(clip.name)) for clip in there)

    def _take_back(self) -> None:
        """Remove what was made, as far as Live lets us: the last first."""
        for owner, clip in reversed(self._clips):
            try:
                if clip is None:
                    owner.delete_clip()
                else:
                    (owner if hasattr(owner, "delete_clip") else owner.canonical_parent).delete_clip(clip)
            except (RuntimeError, AttributeError, TypeError, ValueError):
                continue
        for track in reversed(self._tracks):
            try:
                self.song.delete_track(list(self.song.tracks).index(track))
            except (RuntimeError, AttributeError, TypeError, ValueError):
                continue


def settle(song: Any, laid: list[Laid]) -> Iterator[int]:
    """Look whether every clip has its length, and repair it; gives the number that still have not."""
    wrong = [one for one in laid if _off(one)]
    if wrong:
        song.begin_undo_step()
        try:
            for one in wrong:
                one.clip.loop_start, one.clip.loop_end = 0.0, one.seconds
        finally:
            _end(song)
        yield 0
    yield sum(_off(one) for one in wrong)


def _off(one: Laid) -> bool:
    try:
        return abs(float(one.clip.end_time) - float(one.clip.start_time) - one.beats) > NEAR
    except (RuntimeError, TypeError):  # the musician has removed it: Boost.Python's ArgumentError is a TypeError
        return False


def _end(song: Any) -> None:
    """End the undo step, whatever it takes: an open one would swallow what the musician does next."""
    try:
        song.end_undo_step()
    except RuntimeError:
        song.end_undo_step()


def _over(owner: Any, start: float, end: float) -> list[Any]:
    """The clips of a lane between two beats."""
    clips = owner.arrangement_clips
    return [clip for clip in clips if clip.start_time < end - NEAR and clip.end_time > start + NEAR]


def _free(lane: Any, start: float, end: float) -> bool:
    return str(lane.name).startswith("HF ") and not _over(lane, start, end)


def _made(owner: Any, at: float, path: str) -> Any:
    """The clip that was just made: Live before 12.2 does not return it."""
    for clip in reversed(list(owner.arrangement_clips)):
        if abs(clip.start_time - at) < NEAR and bool(clip.is_audio_clip) == bool(path):
            if not path or str(clip.file_path) == path:
                return clip
    raise Trouble("Live did not make the clip")


def _write_notes(clip: Any, part: Part, into: float, length: float) -> None:
    """The notes that begin in a stretch of the take's beats."""
    specification = importlib.import_module("Live").Clip.MidiNoteSpecification
    found = []
    for note in part.notes:
        if into <= note.start < into + length:
            duration = min(note.duration, into + length - note.start)
            found.append(
                specification(
                    pitch=note.pitch, start_time=note.start - into, duration=duration, velocity=float(note.velocity)
                )
            )
    if found:
        clip.add_new_notes(tuple(found))
