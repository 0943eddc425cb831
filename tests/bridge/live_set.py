"""A stand-in for Ableton Live: its object model as published, and strict. Not Live: nothing here was run in it.

The facts (names, types, arities, what raises, which release has what) are those of Cycling '74's "LOM - The Live Object
Model" (docs.cycling74.com/apiref/lom) and of the listings that were taken from running Lives 12.0.5, 12.1.0, 12.2.0 and
12.3.6 (github.com/PhotonicVelocity/LiveAPI): arguments by position only, `Track.create_audio_clip` without a result
before 12.2, `take_lanes`, `create_take_lane` and `create_midi_clip` from 12.2 on, `warping` set a little later than
asked. That a new clip covers what lay there, and that `loop_end` moves the end of an unwarped clip only, is from
reports of people who tried (github.com/adamjmurray/producer-pal, "Arrangement Operations"); that no clip of a take lane
can be deleted, from the same (its pull request 841). What is gone raises ArgumentError ("None.None(Clip)"), as others
report it (github.com/leolabs/ableton-js, issues).

An unknown name raises AttributeError, a wrong type or number of arguments ArgumentError, a call from another thread
RuntimeError. `live.fail_at` makes the n-th access fail, `live.used` is every name that was touched.
"""

import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import soundfile

Version = tuple[int, int, int]
LANES: Version = (12, 2, 0)


class ArgumentError(TypeError):
    """Boost.Python's own, for arguments of another kind."""


class Vector:
    """What lists of Live's are: no methods of a list."""

    def __init__(self, items: list[Any]) -> None:
        self.__items = list(items)

    def __len__(self) -> int:
        return len(self.__items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__items)

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            raise IndexError("whether Live counts from the end nobody says")
        return self.__items[index]


class Live:
    """The program: its version, its thread, and a tape of what was asked."""

    def __init__(self, version: Version = (12, 3, 6), guess: float = 1.0, stale: bool = False) -> None:
        self.version, self.guess, self.stale = version, guess, stale
        self.thread = threading.get_ident()
        self.used: set[str] = set()
        self.accesses, self.fail_at = 0, 0
        self.depth, self.steps, self.loose = 0, [], []  # type: ignore[var-annotated]
        self.later: list[Callable[[], None]] = []
        self.messages: list[str] = []
        self.log: list[str] = []
        self.forwarded: list[tuple[str, int, int]] = []

    def gate(self, name: str) -> None:
        if threading.get_ident() != self.thread:
            raise RuntimeError(f"{name} from another thread")
        self.used.add(name)
        self.accesses += 1
        if self.accesses == self.fail_at:
            raise RuntimeError(f"injected at {name}")

    def changed(self, what: str) -> None:
        (self.steps[-1] if self.depth else self.loose).append(what)

    def breathe(self) -> None:
        """What Live does between two ticks."""
        todo, self.later = self.later, []
        for each in todo:
            each()


def _fits(value: Any, kind: type) -> bool:
    if kind is object:
        return True
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind if kind in (int, bool, str) else isinstance(value, kind)


class Prop:
    """A property: read through `_get_NAME` or a value, set only where that is published, with its type."""

    def __init__(self, kind: type, settable: bool = False, since: Version = (0, 0, 0)) -> None:
        self.kind, self.settable, self.since = kind, settable, since

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.full = name, f"{owner.__name__}.{name}"

    def __get__(self, lom: Any, owner: type) -> Any:
        if lom.live_.version < self.since:
            raise AttributeError(self.full)
        lom.live_.gate(self.full)
        lom.alive_()
        getter = getattr(lom, f"get_{self.name}_", None)
        return getter() if getter else lom.values_[self.name]

    def __set__(self, lom: Any, value: Any) -> None:
        lom.live_.gate(f"{self.full}=")
        lom.alive_()
        if not self.settable:
            raise AttributeError(f"can't set attribute {self.full}")
        if not _fits(value, self.kind):
            raise ArgumentError(f"{self.full} = {value!r}")
        lom.live_.changed(f"{self.full}=")
        setter = getattr(lom, f"set_{self.name}_", None)
        if setter:
            setter(value)
        else:
            lom.values_[self.name] = value


def method(*kinds: type, since: Version = (0, 0, 0), least: int | None = None, changes: bool = True) -> Any:
    """A function: its arguments by position only, checked."""

    class Method:
        def __init__(self, call: Callable[..., Any]) -> None:
            self.call = call

        def __set_name__(self, owner: type, name: str) -> None:
            self.full = f"{owner.__name__}.{name}"

        def __get__(self, lom: Any, owner: type) -> Any:
            if lom.live_.version < since:
                raise AttributeError(self.full)

            def called(*arguments: Any) -> Any:
                lom.live_.gate(f"{self.full}()")
                lom.alive_()
                right = (len(kinds) if least is None else least) <= len(arguments) <= len(kinds)
                if not right or not all(map(_fits, arguments, kinds)):
                    raise ArgumentError(f"{self.full}{arguments!r}")
                if changes:
                    lom.live_.changed(f"{self.full}()")
                return self.call(lom, *arguments)

            return called

    return Method


class Lom:
    """An object of Live's; names that end in _ are the stand-in's own. One that is gone refuses everything."""

    gone_ = False

    def __init__(self, live: Live, **values: Any) -> None:
        object.__setattr__(self, "live_", live)
        object.__setattr__(self, "values_", values)

    def die_(self) -> None:
        object.__setattr__(self, "gone_", True)

    def alive_(self) -> None:
        if self.gone_:
            raise ArgumentError(f"Python argument types in None.None({type(self).__name__}) did not match")

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(getattr(type(self), "__dict__", {}).get(name), Prop):
            raise AttributeError(f"{type(self).__name__} has no {name}")
        object.__setattr__(self, name, value)


class MidiNoteSpecification:
    def __init__(
        self, pitch: int, start_time: float, duration: float, velocity: float = 100.0, mute: bool = False,
        probability: float = 1.0, velocity_deviation: float = 0.0, release_velocity: float = 64.0,
    ) -> None:  # fmt: skip
        numbers = (start_time, duration, velocity, probability, velocity_deviation, release_velocity)
        if not (_fits(pitch, int) and all(_fits(number, float) for number in numbers) and _fits(mute, bool)):
            raise ArgumentError("MidiNoteSpecification")
        if not (0 <= pitch <= 127 and duration > 0 and 0 <= velocity <= 127):
            raise RuntimeError("a note out of range")
        self.row = (pitch, float(start_time), float(duration), float(velocity), mute)


class MidiNote(Lom):
    pitch, start_time, duration = Prop(int), Prop(float), Prop(float)
    velocity, mute = Prop(float), Prop(bool)


class WarpMarker(Lom):
    beat_time, sample_time = Prop(float), Prop(float)


class Clip(Lom):
    name, color, muted = Prop(str, True), Prop(int, True), Prop(bool, True)
    is_audio_clip, is_midi_clip, is_arrangement_clip = Prop(bool), Prop(bool), Prop(bool)
    start_time, end_time, looping = Prop(float), Prop(float), Prop(bool, True)
    loop_start, loop_end = Prop(float, True), Prop(float, True)
    start_marker, end_marker = Prop(float, True), Prop(float, True)
    file_path, gain_display_string, warp_markers = Prop(str), Prop(str), Prop(object)
    pitch_coarse, pitch_fine, warping = Prop(int, True), Prop(float, True), Prop(bool, True)

    def audio_(self) -> None:
        if not self.values_["is_audio_clip"]:
            raise RuntimeError("only audio clips have this")

    def get_file_path_(self) -> str:
        self.audio_()
        return str(self.values_["file_path"])

    get_warping_ = lambda self: (self.audio_(), self.values_["warping"])[1]  # noqa: E731
    get_gain_display_string_ = lambda self: (self.audio_(), self.values_["gain_display_string"])[1]  # noqa: E731
    get_pitch_coarse_ = lambda self: (self.audio_(), self.values_["pitch_coarse"])[1]  # noqa: E731
    get_warp_markers_ = lambda self: (self.audio_(), Vector(self.values_["warp_markers"]))[1]  # noqa: E731

    def set_looping_(self, value: bool) -> None:
        if value and self.values_["is_audio_clip"] and not self.values_["warping"]:
            raise RuntimeError("only warped audio can be looped")
        self.values_["looping"] = value

    def set_warping_(self, value: bool) -> None:
        self.audio_()

        def late() -> None:
            if self.values_["warping"] and not value:
                self.values_.update(loop_start=0.0, loop_end=self.values_["seconds"], looping=False)
                if self.values_["is_arrangement_clip"] and not self.live_.stale:
                    self.fit_()
            self.values_["warping"] = value

        self.live_.later.append(late)

    def fit_(self) -> None:
        seconds = self.values_["loop_end"] - self.values_["loop_start"]
        self.values_["end_time"] = self.values_["start_time"] + seconds * self.values_["song"].values_["tempo"] / 60

    def set_loop_end_(self, value: float) -> None:
        self.values_["loop_end"] = min(value, self.values_.get("seconds", value))
        if self.values_["is_audio_clip"] and not self.values_["warping"] and self.values_["is_arrangement_clip"]:
            self.fit_()

    @method(object)
    def add_new_notes(self, notes: Any) -> None:
        if self.values_["is_audio_clip"]:
            raise RuntimeError("only MIDI clips have notes")
        for note in notes:
            if not isinstance(note, MidiNoteSpecification):
                raise ArgumentError("add_new_notes")
            self.values_["notes"].append(note.row)

    @method(int, int, float, float, changes=False)
    def get_notes_extended(self, from_pitch: int, pitch_span: int, from_time: float, time_span: float) -> Vector:
        rows = [
            row for row in self.values_["notes"]
            if from_pitch <= row[0] < from_pitch + pitch_span and from_time <= row[1] < from_time + time_span
        ]  # fmt: skip
        names = ("pitch", "start_time", "duration", "velocity", "mute")
        return Vector([MidiNote(self.live_, **dict(zip(names, row, strict=True))) for row in rows])


def audio_clip(live: Live, song: "Song", path: str, at: float, arrangement: bool) -> Clip:
    """As Live makes one: warped to a tempo that it has guessed."""
    if not Path(path).is_absolute() or not Path(path).is_file():
        raise RuntimeError("invalid path")
    about = soundfile.info(path)
    seconds = about.frames / about.samplerate
    beats = seconds * song.values_["tempo"] / 60 * live.guess
    return Clip(
        live, name=Path(path).stem, color=0, muted=False, is_audio_clip=True, is_midi_clip=False, song=song,
        is_arrangement_clip=arrangement, start_time=at, end_time=at + beats, looping=live.guess != 1.0,
        loop_start=0.0, loop_end=beats, start_marker=0.0, end_marker=beats, file_path=path, seconds=seconds,
        gain_display_string="0.0 dB", pitch_coarse=0, pitch_fine=0.0, warping=True, warp_markers=[],
    )  # fmt: skip


def midi_clip(live: Live, song: "Song", at: float, beats: float, arrangement: bool) -> Clip:
    return Clip(
        live, name="", color=0, muted=False, is_audio_clip=False, is_midi_clip=True, song=song, notes=[],
        is_arrangement_clip=arrangement, start_time=at, end_time=at + beats, looping=not arrangement, loop_start=0.0,
        loop_end=beats, start_marker=0.0, end_marker=beats,
    )  # fmt: skip


def cover(clips: list[Clip], new: Clip) -> None:
    """A new clip takes the place of what lay there."""
    start, end = new.values_["start_time"], new.values_["end_time"]
    for old in list(clips):
        first, last = old.values_["start_time"], old.values_["end_time"]
        if first >= end or last <= start:
            continue
        clips.remove(old)
        beat = 60 / old.values_["song"].values_["tempo"]
        for left, right in ((first, min(last, start)), (max(first, end), last)):
            if right > left:
                part = Clip(old.live_, **old.values_)
                shift = (left - first) * (1 if old.values_["is_midi_clip"] or old.values_["warping"] else beat)
                part.values_.update(start_time=left, end_time=right, loop_start=old.values_["loop_start"] + shift)
                clips.append(part)
    clips.append(new)
    clips.sort(key=lambda clip: float(clip.values_["start_time"]))


class Lane(Lom):
    """What a take lane and a track have in common."""

    def get_arrangement_clips_(self) -> Vector:
        return Vector(self.values_["clips"])

    def usable_(self, midi: bool, at: float) -> "Track":
        track: Track = self.values_.get("track", self)
        if track.values_["midi"] != midi or track.values_["is_frozen"] or not 0 <= at <= 1_576_800:
            raise RuntimeError("not on this track")
        return track

    def audio_(self, path: str, at: float) -> Clip:
        clip = audio_clip(self.live_, self.usable_(False, at).values_["song"], path, float(at), True)
        cover(self.values_["clips"], clip)
        return clip

    def midi_(self, at: float, length: float) -> Clip:
        clip = midi_clip(self.live_, self.usable_(True, at).values_["song"], float(at), float(length), True)
        cover(self.values_["clips"], clip)
        return clip


class TakeLane(Lane):
    name, arrangement_clips, canonical_parent = Prop(str, True), Prop(object), Prop(object)

    def get_canonical_parent_(self) -> "Track":
        return self.values_["track"]  # type: ignore[no-any-return]

    @method(str, float)
    def create_audio_clip(self, path: str, at: float) -> Clip:
        return self.audio_(path, at)

    @method(float, float)
    def create_midi_clip(self, at: float, length: float) -> Clip:
        return self.midi_(at, length)


class Slot(Lom):
    has_clip, clip = Prop(bool), Prop(object)

    def get_has_clip_(self) -> bool:
        return self.values_["clip"] is not None

    def empty_(self, midi: bool) -> "Song":
        if self.values_["clip"] is not None or self.values_["track"].values_["midi"] != midi:
            raise RuntimeError("the slot is not empty, or of another kind")
        return self.values_["track"].values_["song"]  # type: ignore[no-any-return]

    @method(str)
    def create_audio_clip(self, path: str) -> None:
        self.values_["clip"] = audio_clip(self.live_, self.empty_(False), path, 0.0, False)

    @method(float)
    def create_clip(self, beats: float) -> None:
        self.values_["clip"] = midi_clip(self.live_, self.empty_(True), 0.0, float(beats), False)

    @method()
    def delete_clip(self) -> None:
        if self.values_["clip"] is None:
            raise RuntimeError("the slot is empty")
        self.values_["clip"] = None


class Track(Lane):
    name, color, mute = Prop(str, True), Prop(int, True), Prop(bool, True)
    has_audio_input, has_midi_input = Prop(bool), Prop(bool)
    is_foldable, is_frozen, is_part_of_selection = Prop(bool), Prop(bool), Prop(bool)
    arrangement_clips, clip_slots, take_lanes = Prop(object), Prop(object), Prop(object, since=LANES)

    def get_has_midi_input_(self) -> bool:
        return bool(self.values_["midi"])

    def get_has_audio_input_(self) -> bool:
        return not self.values_["midi"]

    def get_is_part_of_selection_(self) -> bool:
        return self in self.values_["song"].values_["selected"]

    def get_clip_slots_(self) -> Vector:
        return Vector(self.values_["slots"])

    def get_take_lanes_(self) -> Vector:
        return Vector(self.values_["lanes"])

    @method(str, float)
    def create_audio_clip(self, path: str, at: float) -> Clip | None:
        clip = self.audio_(path, at)
        return clip if self.live_.version >= LANES else None

    @method(float, float, since=LANES)
    def create_midi_clip(self, at: float, length: float) -> Clip:
        return self.midi_(at, length)

    @method(since=LANES)
    def create_take_lane(self) -> TakeLane:
        lane = TakeLane(self.live_, name=f"Take {len(self.values_['lanes']) + 1}", clips=[], track=self)
        self.values_["lanes"].append(lane)
        return lane

    @method(Clip)
    def delete_clip(self, clip: Clip) -> None:
        if clip not in self.values_["clips"]:
            raise RuntimeError("the clip is not in the main lane of this track, and of others none can be deleted")
        self.values_["clips"].remove(clip)
        clip.die_()

    @method(Clip, float)
    def duplicate_clip_to_arrangement(self, clip: Clip, at: float) -> Clip:
        self.usable_(clip.values_["is_midi_clip"], at)
        values = {**clip.values_, "notes": list(clip.values_.get("notes", [])), "is_arrangement_clip": True}
        length = clip.values_["loop_end"] - clip.values_["loop_start"]
        new = Clip(self.live_, **{**values, "start_time": float(at), "end_time": at + length, "looping": False})
        cover(self.values_["clips"], new)
        return new


class Scene(Lom):
    name = Prop(str, True)


class SongView(Lom):
    selected_track, selected_scene = Prop(object, True), Prop(object, True)
    highlighted_clip_slot = Prop(object, True)

    def get_selected_track_(self) -> Any:
        selected = self.values_["song"].values_["selected"]
        return selected[0] if selected else self.values_["song"].values_["tracks"][0]

    def set_selected_track_(self, track: Track) -> None:
        self.values_["song"].values_["selected"][:] = [track]


class Parameter(Lom):
    automation_state = Prop(int)


class Mixer(Lom):
    song_tempo = Prop(object)


class MainTrack(Lom):
    mixer_device = Prop(object)


class Song(Lom):
    tempo, loop_start, loop_length = Prop(float, True), Prop(float, True), Prop(float, True)
    signature_numerator, signature_denominator = Prop(int, True), Prop(int, True)
    name, file_path, view, master_track = Prop(str), Prop(str), Prop(object), Prop(object)
    tracks, scenes = Prop(object), Prop(object)

    def __init__(self, live: Live, **values: Any) -> None:
        tempo = Parameter(live, automation_state=values.pop("automation", 0))
        defaults: dict[str, Any] = {
            "tempo": 120.0, "loop_start": 0.0, "loop_length": 8.0, "signature_numerator": 4,
            "signature_denominator": 4, "name": "", "file_path": "", "data": {}, "all": [], "selected": [],
            "scenes": [Scene(live, name="")],
            "master_track": MainTrack(live, mixer_device=Mixer(live, song_tempo=tempo)),
        }  # fmt: skip
        super().__init__(live, **(defaults | values))
        view = SongView(live, song=self, selected_scene=self.values_["scenes"][0], highlighted_clip_slot=None)
        self.values_["view"] = view
        self.values_["tracks"] = self.values_["all"]

    def get_tracks_(self) -> Vector:
        return Vector(self.values_["all"])

    def get_scenes_(self) -> Vector:
        return Vector(self.values_["scenes"])

    def track_(self, name: str, midi: bool = False, **values: Any) -> Track:
        slots: list[Slot] = []
        base = {"is_foldable": False, "is_frozen": False, "color": 0, "mute": False, "clips": [], "lanes": []}
        track = Track(self.live_, **{**base, "name": name, "midi": midi, "slots": slots, "song": self, **values})
        slots.extend(Slot(self.live_, clip=None, track=track) for _ in self.values_["scenes"])
        self.values_["all"].append(track)
        return track

    def named_(self, name: str) -> Track:
        (track,) = (track for track in self.values_["all"] if track.values_["name"] == name)
        return track

    def make_(self, midi: bool, index: Any) -> Track:
        if index not in (-1, None):
            raise RuntimeError("this stand-in adds at the end")
        track = self.track_(f"{len(self.values_['all']) + 1}-{'MIDI' if midi else 'Audio'}", midi)
        self.values_["selected"][:] = [track]
        return track

    @method(object, least=0)
    def create_audio_track(self, index: Any = None) -> Track:
        return self.make_(False, index)

    @method(object, least=0)
    def create_midi_track(self, index: Any = None) -> Track:
        return self.make_(True, index)

    @method(int)
    def delete_track(self, index: int) -> None:
        del self.values_["all"][index]

    @method(int)
    def create_scene(self, index: int) -> Scene:
        self.values_["scenes"].append(Scene(self.live_, name=""))
        for track in self.values_["all"]:
            track.values_["slots"].append(Slot(self.live_, clip=None, track=track))
        return self.values_["scenes"][-1]  # type: ignore[no-any-return]

    @method(changes=False)
    def begin_undo_step(self) -> None:
        assert self.live_.depth == 0, "an undo step inside another"
        self.live_.depth += 1
        self.live_.steps.append([])

    @method(changes=False)
    def end_undo_step(self) -> None:
        assert self.live_.depth == 1, "no undo step is open"
        self.live_.depth -= 1

    @method(str, object, changes=False)
    def get_data(self, key: str, default: Any) -> Any:
        return self.values_["data"].get(key, default)

    @method(str, object, changes=False)
    def set_data(self, key: str, value: Any) -> None:
        self.values_["data"][key] = value


class ApplicationView(Lom):
    focused_document_view = Prop(str)


class Application(Lom):
    view = Prop(object)

    @method(changes=False)
    def get_major_version(self) -> int:
        return self.live_.version[0]

    @method(changes=False)
    def get_minor_version(self) -> int:
        return self.live_.version[1]

    @method(changes=False)
    def get_bugfix_version(self) -> int:
        return self.live_.version[2]


class MidiMap(Lom):
    @method(int, int, int, int, changes=False)
    def forward_midi_note(self, script: int, midi_map: int, channel: int, number: int) -> bool:
        self.live_.forwarded.append(("note", channel, number))
        return True

    @method(int, int, int, int, changes=False)
    def forward_midi_cc(self, script: int, midi_map: int, channel: int, number: int) -> bool:
        self.live_.forwarded.append(("cc", channel, number))
        return True


class CInstance(Lom):
    """What Live hands to a script."""

    @method(changes=False)
    def song(self) -> Song:
        return self.values_["song"]  # type: ignore[no-any-return]

    @method(str, changes=False)
    def show_message(self, text: str) -> None:
        self.live_.messages.append(text)

    @method(str, changes=False)
    def log_message(self, text: str) -> None:
        self.live_.log.append(text)

    @method(changes=False)
    def handle(self) -> int:
        return 7

    @method(changes=False)
    def instance_identifier(self) -> int:
        return 0

    @method(changes=False)
    def request_rebuild_midi_map(self) -> None:
        return None


def module_of(live: Live, view: str = "Arranger") -> types.ModuleType:
    """What `import Live` gives."""
    found = types.ModuleType("Live")
    app = Application(live, view=ApplicationView(live, focused_document_view=view))
    found.Application = types.SimpleNamespace(get_application=lambda: app)  # type: ignore[attr-defined]
    found.Clip = types.SimpleNamespace(MidiNoteSpecification=MidiNoteSpecification)  # type: ignore[attr-defined]
    found.MidiMap = MidiMap(live)  # type: ignore[attr-defined]
    return found
