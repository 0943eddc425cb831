"""From what a person typed to what the daemon is sent: the selection, the clip and the request."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from secrets import randbits
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from harmonicflow.core.constants import MAX_LIKE_SECONDS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, LikeSpec
from harmonicflow.core.meters import Meter, MeterMap
from harmonicflow.core.tempo import Selection, TempoMap, frame_of, nearest

from .scores import Clock

if TYPE_CHECKING:
    from harmonicflow.audio.files import AudioInfo

DEFAULT_BPM: Final = 120
DEFAULT_RATE: Final = 44_100  # Hz, of a request without a clip
CONTEXT_S: Final = 4  # seconds of the clip on each side of the selection that the networks hear too
SILENT: Final = 10 ** (-60 / 20)  # a reference begins where it is louder: -60 dBFS
SEARCHED: Final = 20_000_000  # values in which it must begin: an hour of packed silence would take minutes
_NAME_LETTERS: Final = 200  # messages.Name


@dataclass(frozen=True)
class Span:
    """What the options say about place and length: at most one of `end`, `seconds` and `bars`."""

    start: Fraction | None = None  # seconds in the clip
    end: Fraction | None = None  # seconds in the clip
    seconds: Fraction | None = None
    bars: int | None = None
    tempo: Fraction | None = None  # quarter notes a minute
    meter: str | None = None  # None: the clock's, else 4/4
    start_beat: Fraction = Fraction(0)  # quarter notes between the last bar line and the start
    clock: Clock | None = None  # of a MIDI file: its tempo, meters and length hold where no others are given

    @property
    def borrows_tempo(self) -> bool:
        """Whether the tempo is that of the MIDI file."""
        return self.tempo is None and self.clock is not None and self.clock.says_tempo


def request_id() -> str:
    """A new name for a request; the daemon answers the same name twice with the same reply."""
    return uuid4().hex


def new_seed() -> int:
    """A seed short enough to be typed again."""
    return randbits(31)


def selection_of(span: Span, rate: int, clip_frames: int | None = None) -> Selection:
    """The exact range a request is about, at `rate` Hz; with `clip_frames` it must lie inside the clip.

    Raises `bad_selection`, `bad_tempo`, `bad_meter`, `bad_rate`, `too_short`, `too_long`.
    """
    begin = span.start or Fraction(0)
    start = frame_of(begin, rate)
    tempo, meters = _time(span, rate, start)
    bars = span.bars
    if span.clock is not None and span.end is None and span.seconds is None and clip_frames is None:
        bars = bars or span.clock.bars
    if bars is not None:
        last_line = meters.bar_start(meters.bar_at(span.start_beat) + bars)
        end = nearest(tempo.frame_at(last_line))
    elif span.seconds is not None:
        end = frame_of(begin + span.seconds, rate)
    elif span.end is not None:
        end = frame_of(span.end, rate)
    else:
        end = clip_frames or start
    if clip_frames is not None:
        _check_inside(start, end, rate, clip_frames)
    return Selection(rate, start, end, tempo, meters, span.start_beat)


def _time(span: Span, rate: int, start: int) -> tuple[TempoMap, MeterMap]:
    """Tempo and meters at `rate` Hz, with the beat `start_beat` at frame `start`.

    The start is a bar line unless `start_beat` says how far behind it lies: beat counting starts there.
    """
    clock = span.clock
    meters = clock.meters if span.meter is None and clock else MeterMap.constant(Meter.parse(span.meter or "4/4"))
    if clock is None or not span.borrows_tempo:
        return TempoMap.constant(span.tempo or DEFAULT_BPM, rate, span.start_beat, start), meters
    anchors = [(beat + span.start_beat, start + frame * rate / clock.tempo.rate) for beat, frame in clock.tempo.anchors]
    return TempoMap(anchors, rate), meters


def _check_inside(start: int, end: int, rate: int, clip_frames: int) -> None:
    """Raises `bad_selection` where the range leaves the clip."""
    if start >= 0 and (end <= clip_frames or end <= start):
        return
    length = f"{clip_frames / rate:.6g}"
    raise HarmonicFlowError(
        "bad_selection",
        start=f"{start / rate:.6g} s",
        end=f"{end / rate:.6g} s",
        reason=f"the clip lasts from 0 to {length} s",
        hint=f"Choose --start and --end between 0 and {length}",
    )


def look_at(path: str) -> "AudioInfo":
    """Rate, channels and frames of a clip, checked; raises `missing_file`, `not_audio`, `empty_audio` and so on."""
    from harmonicflow.audio import files

    return files.info(Path(path).expanduser())


def read_clip(path: str, clip_frames: int, selection: Selection) -> tuple[ClipSpec, Any]:
    """The selected part of a clip with `CONTEXT_S` around it: its description and float32 [channels, frames].

    The length an MP3 claims is an estimate, so its last frames may be missing: the sound is then shorter.
    """
    from harmonicflow.audio import files

    around = CONTEXT_S * selection.rate
    start = max(0, selection.start_frame - around)
    end = min(clip_frames, selection.end_frame + around)
    audio, rate = files.read(Path(path).expanduser(), start, end - start)
    channels, frames = audio.shape
    name = Path(path).name[:_NAME_LETTERS]
    return ClipSpec(rate=rate, channels=channels, frames=frames, name=name, start_frame=start), audio


def read_like(likes: Sequence[tuple[str, str]]) -> tuple[tuple[LikeSpec, ...], list[Any]]:
    """The sounds that stems are to be like, by stem and path: what is said of each, and float32 [1, frames].

    Each is heard from where it first sounds, at most `MAX_LIKE_SECONDS`. Raises what reading a clip raises, and
    `silent_reference`.
    """
    specs, sounds = [], []
    for stem, path in likes:
        sound, rate = _first_sound(path, stem)
        name = Path(path).name[:_NAME_LETTERS]
        specs.append(LikeSpec(stem=stem, rate=rate, channels=1, frames=sound.shape[1], name=name))
        sounds.append(sound)
    return tuple(specs), sounds


def _first_sound(path: str, stem: str) -> tuple[Any, int]:
    """Mono float32 [1, frames] of a file from the piece on in which it first sounds, and its rate."""
    import numpy as np

    from harmonicflow.audio import files

    file = Path(path).expanduser()
    rate, channels, frames, _ = files.info(file)
    missing = MAX_LIKE_SECONDS * rate
    most = min(frames, SEARCHED // channels)
    pieces: list[Any] = []
    for piece in files.stream(file, 0, most):
        mono = piece.mean(axis=0, keepdims=True)[:, :missing]
        if pieces or np.abs(mono).max() > SILENT:
            pieces.append(mono)
            missing -= mono.shape[1]
        if missing == 0:
            break
    if not pieces:
        raise HarmonicFlowError("silent_reference", path=path, stem=stem or "an instrument")
    return np.ascontiguousarray(np.concatenate(pieces, axis=1), np.float32), rate


def check_harmony(chords: str | None, key: str | None, selection: Selection) -> None:
    """Raises `bad_chord`, `bad_key` for what cannot be read, before any daemon is asked."""
    if chords and chords.strip():
        from harmonicflow.score.chords import chords_over

        chords_over(chords, selection)
    if key and key.strip():
        from harmonicflow.score.keys import parse_key

        parse_key(key)


def out_folders(path: str | None, count: int = 1) -> Sequence[Path]:
    """One folder per take inside --out, made and tried now so that no work is lost later; raises `disk`."""
    if path is None:
        return ()
    folder = Path(path).expanduser().absolute()
    folders = [folder] if count == 1 else [folder / f"{number:02d}" for number in range(1, count + 1)]
    for each in folders:
        try:
            each.mkdir(parents=True, exist_ok=True)
            probe = each / f".harmonicflow-{uuid4().hex}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise HarmonicFlowError("disk", path=each, reason=error.strerror or error) from None
    return folders
