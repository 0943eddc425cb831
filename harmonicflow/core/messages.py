"""The messages: one table for the code, for docs/protocol.md and for the tests.

A message is a msgspec struct, on the wire JSON with its name under "kind"; sound follows as raw
float32 buffers (see wire.py). Structs are frozen, ranges are part of the types, and fields nobody
knows are ignored, so that a newer peer may send more. Positions are whole frames; beats and
tempo-map anchors are fractions written "num/den", because a float would drift.

Shapes of buffers: S stems, then channels and frames at the rate of the session.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from .constants import MAX_CHANNELS, MAX_LIKE_SECONDS, MAX_RATE, MAX_SCORE_NOTES, MAX_SECONDS, MIN_RATE

PROTOCOL: Final = 1

# Ids are the client's or the daemon's choice but must be safe as file names everywhere: Windows has devices of these
# names in every folder, whatever follows a dot, and takes a dot from the end of a name.
DEVICES: Final = r"(?i:con|prn|aux|nul|(?:com|lpt)[0-9])(?:\.|\Z)"
NAME: Final = rf"(?!{DEVICES})[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}(?<!\.)"
Id: TypeAlias = Annotated[str, Meta(pattern=rf"^{NAME}\Z")]
IdOrNone: TypeAlias = Annotated[str, Meta(pattern=rf"^(?:{NAME})?\Z")]
Text: TypeAlias = Annotated[str, Meta(max_length=2000)]
Name: TypeAlias = Annotated[str, Meta(max_length=200)]
Rational: TypeAlias = Annotated[str, Meta(max_length=1204)]
Rate: TypeAlias = Annotated[int, Meta(ge=MIN_RATE, le=MAX_RATE)]
Frame: TypeAlias = Annotated[int, Meta(ge=-(2**52), le=2**52)]
Frames: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_RATE * MAX_SECONDS)]
Stems: TypeAlias = Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=16)]
Seed: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Steps: TypeAlias = Annotated[int, Meta(ge=0, le=64)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=16)]
Unit: TypeAlias = Annotated[float, Meta(ge=-1, le=1)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
StemOrAll: TypeAlias = Annotated[str, Meta(max_length=32)]
PerStem: TypeAlias = Annotated[dict[StemOrAll, Share], Meta(max_length=17)]
# Beats of scores: short enough that reading them costs nothing, whoever wrote them.
Beat: TypeAlias = Annotated[str, Meta(pattern=r"^-?[0-9]{1,12}(/[1-9][0-9]{0,11})?\Z", max_length=26)]
NoteRow: TypeAlias = tuple[  # instrument, start, duration, pitch, velocity, seconds later than the grid
    Annotated[str, Meta(min_length=1, max_length=32)],
    Beat,
    Beat,
    Annotated[int, Meta(ge=0, le=127)],
    Annotated[int, Meta(ge=1, le=127)],
    Unit,
]
SpanRow: TypeAlias = tuple[Beat, Beat, Name]  # start, duration, chord or section
Natural: TypeAlias = Annotated[int, Meta(ge=0)]


class Message(Struct, frozen=True, tag_field="kind", tag=str.lower, kw_only=True):
    """The base of everything that crosses a door; the tag is the class name in small letters."""


class Part(Struct, frozen=True, kw_only=True):
    """The base of what messages are made of; it has no tag."""


class JobState(StrEnum):
    """The states of a job; the last three are final."""

    QUEUED = "queued"
    LOADING = "loading"
    RUNNING = "running"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATES: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class Delivery(StrEnum):
    """How stems are delivered: through their channel strip in stereo, or dry in mono."""

    MIXED = "mixed"
    DRY = "dry"


# --- parts -----------------------------------------------------------------------------------


class SelectionSpec(Part, frozen=True, kw_only=True):
    """A range of the session; see `core.tempo.Selection`, which checks it."""

    rate: Rate  # Hz
    start_frame: Frame
    end_frame: Frame  # not included
    tempo: Annotated[tuple[tuple[Rational, Rational], ...], Meta(min_length=2, max_length=4096)]  # (beat, frame)
    meters: Annotated[tuple[tuple[int, Name], ...], Meta(min_length=1, max_length=4096)] = ((1, "4/4"),)  # (bar, meter)
    start_beat: Rational = "0"  # where the selection's first frame lies on the meter map


class ClipSpec(Part, frozen=True, kw_only=True):
    """The sound the request is about. Buffer 0 is float32, planar [channels, frames]."""

    rate: Rate  # Hz
    channels: Annotated[int, Meta(ge=1, le=MAX_CHANNELS)]
    frames: Frames
    start_frame: Frame = 0  # the clip's first frame, in the frame count of the selection
    name: Name = ""  # for people only, never a path that is opened

    @property
    def nbytes(self) -> int:
        """The size of the clip's buffer."""
        return 4 * self.channels * self.frames


class LikeSpec(Part, frozen=True, kw_only=True):
    """A sound that a stem is to be like, in timbre alone. Its buffer is float32, planar [channels, frames]."""

    stem: Annotated[str, Meta(max_length=32)] = ""  # "" = every stem that is made and has no reference of its own
    rate: Rate  # Hz
    channels: Annotated[int, Meta(ge=1, le=MAX_CHANNELS)]
    frames: Annotated[int, Meta(ge=1, le=MAX_RATE * MAX_LIKE_SECONDS)]  # at most 60 seconds
    name: Name = ""  # for people only, never a path that is opened

    @property
    def nbytes(self) -> int:
        """The size of its buffer."""
        return 4 * self.channels * self.frames


Likes: TypeAlias = Annotated[tuple[LikeSpec, ...], Meta(max_length=16)]


class ScoreSpec(Part, frozen=True, kw_only=True):
    """Notes, chords and sections in beats from the selection's first frame, as `score.Score.to_wire` lists them."""

    notes: Annotated[tuple[NoteRow, ...], Meta(max_length=MAX_SCORE_NOTES)] = ()  # drums: General MIDI pitches
    chords: Annotated[tuple[SpanRow, ...], Meta(max_length=MAX_SCORE_NOTES)] = ()
    sections: Annotated[tuple[SpanRow, ...], Meta(max_length=4096)] = ()
    name: Name = ""  # for people only, never a path that is opened


class Steering(Part, frozen=True, kw_only=True):
    """How the notes are to be; what is left out is the composer's choice. "" among stems means all others."""

    density: PerStem = {}  # by stem; 0: few notes, 1: many
    complexity: PerStem = {}  # by stem; 0: on the beats, 1: off them
    swing: Share | None = None  # 0: straight, 1: triplets
    quantize: Share | None = None  # of the timing: 0: as played, 1: on the grid
    energy: Annotated[tuple[Share, ...], Meta(max_length=64)] = ()  # a curve from the first bar to the last
    loudness: Share | None = None  # 0: played softly, 1: hard
    register: Share | None = None  # 0: low, 1: high
    temperature: Share | None = None  # of the learned composer; 0: likely notes, 0.5: as its bundle says, 1: daring
    follow: StemOrAll = ""  # whose strokes the bass follows; "drums" = the kick
    answer: StemOrAll = ""  # the part that the others leave room for and answer
    composer: Literal["auto", "model", "arranger"] = "auto"


class ErrorWire(Part, frozen=True, kw_only=True):
    """An error of core/errors.py."""

    code: str
    message: str
    todo: str = ""


class FileRow(Part, frozen=True, kw_only=True):
    """One WAV file of a take: stem is a stem's name, "mix" or "binaural"."""

    stem: str
    file: str  # name inside the take's folder
    sha256: str
    frames: int
    channels: int
    rate: int  # Hz
    peak_dbfs: float | None  # None for silence
    lufs: float | None  # integrated loudness; None for silence


class TakeSummary(Part, frozen=True, kw_only=True):
    """A take as lists show it; take.json in its folder has everything."""

    take: Id
    folder: str
    parent: IdOrNone = ""  # the take that this one was regenerated or extended from
    made: Name = ""  # generate, regenerate or extend; "" where nobody has written it down
    option: Natural = 0  # of the request's `count`, from 1; 0 where nobody has written it down
    created: str = ""  # ISO 8601, UTC
    title: Name = ""
    seed: Seed = 0
    genre: str = ""
    bars: int = 0
    seconds: float = 0.0
    rate: int = 0  # Hz
    frames: int = 0
    files: tuple[FileRow, ...] = ()
    parts: dict[str, str] = {}  # by instrument its own MIDI file, a name inside the folder; only those that play
    warnings: tuple[str, ...] = ()
    starred: bool = False  # it is never pruned


class BundleRow(Part, frozen=True, kw_only=True):
    """One bundle that the daemon can serve."""

    name: str
    version: str
    folder: str
    bytes: int
    stems: tuple[str, ...]
    license: str = ""
    latent_space: str = ""
    serving: bool = False
    card: str = ""


class JobRow(Part, frozen=True, kw_only=True):
    """One job as status shows it."""

    job: Id
    request_id: str
    state: JobState
    position: int = 0  # in the queue; 0 = not waiting
    step: int = 0
    steps: int = 0
    stage: str = ""
    message: str = ""
    seconds_left: float | None = None
    error: ErrorWire | None = None
    takes: tuple[str, ...] = ()
    title: str = ""
    wait_s: float | None = None  # until it begins, as past jobs let one expect; None: it does not wait, or none knows


# --- the work door, to the daemon ------------------------------------------------------------


class Generate(Message, frozen=True, kw_only=True):
    """Make `count` takes for a selection. The reply is Accepted, then Blocks, then Done, Failed or Cancelled."""

    id: Id  # the client's choice; the same id again gets the stored reply
    selection: SelectionSpec
    clip: ClipSpec | None = None  # None: no buffer
    stems: Stems = ()  # () = every stem of the bundle
    prompt: Text = ""  # heard by the network too, where the bundle has a text table
    genre: Name | None = None  # None: from the prompt, else the default
    mood: Name | None = None
    emotion: tuple[Unit, Unit] | None = None  # valence, arousal
    chords: Text | None = None  # "Am7 | D7/F# | Gmaj7"; None: from the clip
    key: Name | None = None  # "A minor"
    seed: Seed = 0
    steps: Steps = 0  # of the sampler; 1 = a preview; 0: as many as the bundle says it needs
    count: Count = 1
    delivery: Delivery = Delivery.MIXED
    like: Likes = ()  # up to 16 LikeSpec: what stems are to sound like, each once; their buffers follow the clip's
    steering: Steering | None = None
    score: ScoreSpec | None = None  # finished parts, played as they are; chords and sections where none are named
    groove: ScoreSpec | None = None  # what to play like, in timing and accents
    like_score: ScoreSpec | None = None  # what to play like, in motifs and groove
    model: Name | None = None  # a bundle's name; None: the one being served
    title: Name = ""


class Regenerate(Message, frozen=True, kw_only=True):
    """Make a new take from `take` in which only `stems` change, only in the bars named, or touched by `frames`."""

    id: Id
    take: Id  # "last" = the newest one
    stems: Annotated[Stems, Meta(min_length=1)]
    from_bar: Annotated[int, Meta(ge=1)] | None = None
    to_bar: Annotated[int, Meta(ge=1)] | None = None  # included
    frames: tuple[Frame, Frame] | None = None  # instead of bars: start and end (not included), from the take's start
    seed: Seed = 0
    steps: Steps = 0  # of the sampler; 1 = a preview; 0: as many as the bundle says it needs
    count: Count = 1
    prompt: Text = ""  # "": the parent's
    genre: Name | None = None  # None: the parent's
    mood: Name | None = None
    emotion: tuple[Unit, Unit] | None = None
    chords: Text | None = None  # None: the parent's
    key: Name | None = None
    like: Likes = ()  # up to 16 LikeSpec, in the place of the parent's stem by stem; one buffer each
    steering: Steering | None = None  # None: the parent's
    score: ScoreSpec | None = None  # finished parts of `stems` for these bars, in beats of the whole take
    groove: ScoreSpec | None = None
    like_score: ScoreSpec | None = None
    model: Name | None = None
    title: Name = ""

    def __post_init__(self) -> None:
        bars = (self.from_bar is not None, self.to_bar is not None)
        if bars != (self.frames is None, self.frames is None):
            raise ValueError("name the place either by from_bar and to_bar, or by frames")


class Extend(Message, frozen=True, kw_only=True):
    """Make `count` new takes that begin as `take` is and go on from its end. Name one of bars, beats and seconds."""

    id: Id
    take: Id  # "last" = the newest one
    bars: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None  # a bar cut at the end is filled up first, uncounted
    beats: Beat | None = None
    seconds: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] | None = None
    stems: Stems = ()  # who plays on, of the parent's stems; the others rest; () = all
    seed: Seed = 0
    steps: Steps = 0  # of the sampler; 1 = a preview; 0: as many as the bundle says it needs
    count: Count = 1
    prompt: Text = ""  # "": the parent's
    genre: Name | None = None  # None: the parent's
    mood: Name | None = None
    emotion: tuple[Unit, Unit] | None = None
    chords: Text | None = None  # of the new bars; None: the parent's go round
    key: Name | None = None
    like: Likes = ()  # up to 16 LikeSpec, in the place of the parent's stem by stem; one buffer each
    steering: Steering | None = None  # None: the parent's
    score: ScoreSpec | None = None  # finished parts of `stems` for the new bars, in beats of the whole take
    groove: ScoreSpec | None = None
    like_score: ScoreSpec | None = None
    model: Name | None = None
    title: Name = ""


# --- the work door, from the daemon ----------------------------------------------------------


class Accepted(Message, frozen=True, kw_only=True):
    """The request is in the journal and survives a crash."""

    id: Id
    job: Id
    position: int = 0  # jobs before it
    wait_s: float | None = None  # until it begins, as past jobs let one expect; None: nobody knows yet


class Block(Message, frozen=True, kw_only=True):
    """Finished sound. Buffers, float32: stems [S, channels, frames], then the mix [2, frames]."""

    id: Id
    job: Id
    index: int
    start_frame: int  # from the selection's first frame
    frames: int
    channels: int  # of each stem
    stems: tuple[str, ...]
    take_index: int = 0  # of `count`


class Done(Message, frozen=True, kw_only=True):
    """Every take is written."""

    id: Id
    job: Id
    takes: tuple[TakeSummary, ...]


class Failed(Message, frozen=True, kw_only=True):
    """The request could not be done; `job` is empty when it was never accepted."""

    id: str
    job: str = ""
    error: ErrorWire
    wait_s: float | None = None  # `busy`: until there is room again; None: nobody knows


class Cancelled(Message, frozen=True, kw_only=True):
    """The job was cancelled; nothing follows."""

    id: Id
    job: Id


# --- the control door ------------------------------------------------------------------------


class Hello(Message, frozen=True, kw_only=True):
    """The first message of a client."""

    id: Id
    protocol: int = PROTOCOL
    client: Name = ""


class Welcome(Message, frozen=True, kw_only=True):
    """The reply to Hello."""

    id: Id
    protocol: int
    version: str
    pid: int


class Status(Message, frozen=True, kw_only=True):
    """Ask how the daemon is; also the heartbeat."""

    id: Id


class StatusReply(Message, frozen=True, kw_only=True):
    """How the daemon is."""

    id: Id
    protocol: int
    version: str
    pid: int
    uptime_s: float
    worker: str  # "starting", "ready", "busy", "asleep" (the next job wakes it) or "down"
    worker_pid: int = 0
    bundle: str = ""
    bundle_folder: str = ""
    device: str = ""  # "cpu" or "cuda"; "" while no engine is loaded
    home: str = ""
    queued: int = 0
    jobs: tuple[JobRow, ...] = ()  # running and waiting ones, then the last finished ones
    daemon_rss_bytes: int = 0
    worker_rss_bytes: int = 0
    worker_peak_bytes: int = 0
    seq: Natural = 0  # of the last event
    network: str = ""  # where it listens for other computers, or why it does not; "" = it is not to
    osc: str = ""  # where it listens for OSC, and for whom


class Cancel(Message, frozen=True, kw_only=True):
    """End a job: `job` is a job's id or the request's id; "" = the running one."""

    id: Id
    job: IdOrNone = ""


class CancelReply(Message, frozen=True, kw_only=True):
    """The job that is being cancelled."""

    id: Id
    job: Id
    state: JobState


class ListTakes(Message, frozen=True, kw_only=True):
    """The newest takes first."""

    id: Id
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    offset: Natural = 0


class TakeList(Message, frozen=True, kw_only=True):
    """The reply to ListTakes."""

    id: Id
    takes: tuple[TakeSummary, ...]
    total: int = 0


class ShowTake(Message, frozen=True, kw_only=True):
    """One take with its take.json."""

    id: Id
    take: Id
    midi: bool = False  # also its MIDI files, for clients that do not share the disk


class TakeReply(Message, frozen=True, kw_only=True):
    """The reply to ShowTake; `details` is take.json."""

    id: Id
    take: TakeSummary
    details: dict[str, Any] = {}
    midi: dict[str, bytes] = {}  # by file name, in Base64


class GetTake(Message, frozen=True, kw_only=True):
    """The sound of a take's files, for clients that do not share the disk."""

    id: Id
    take: Id
    stems: Annotated[tuple[str, ...], Meta(max_length=18)] = ()  # () = all, also "mix" and "binaural"


class TakeSound(Message, frozen=True, kw_only=True):
    """The reply to GetTake: one buffer for each row, float32 planar [channels, frames]."""

    id: Id
    take: Id
    files: tuple[FileRow, ...]


class StarTake(Message, frozen=True, kw_only=True):
    """Keep a take for good: prune leaves it alone. With `starred` false, no longer. The reply is its new row."""

    id: Id
    take: Id
    starred: bool = True


class PruneTakes(Message, frozen=True, kw_only=True):
    """Remove the takes that are older than `older_than_days`, then the oldest while all are larger than `larger_than`.

    Never a starred one, nor one that an unfinished job is made from. Files that other takes share stay with them.
    Only programs of this computer may ask.
    """

    id: Id
    older_than_days: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    larger_than: Annotated[int, Meta(ge=0, le=2**62)] | None = None  # bytes of all takes
    dry_run: bool = False  # only say which

    def __post_init__(self) -> None:
        if self.older_than_days is None and self.larger_than is None:
            raise ValueError("give older_than_days, larger_than or both")


class PruneReply(Message, frozen=True, kw_only=True):
    """The reply to PruneTakes, after about a second: where `left` is not 0, ask again for the rest."""

    id: Id
    takes: tuple[TakeSummary, ...]  # removed, or with `dry_run` to be removed: the oldest first, at most 1000
    freed_bytes: Natural = 0  # with `dry_run`, what all of them would free
    kept_bytes: Natural = 0  # of all takes that stay
    left: Natural = 0  # more are to be removed
    starred: Natural = 0  # takes that stay only because they are starred


class ListModels(Message, frozen=True, kw_only=True):
    """Ask for the bundles."""

    id: Id


class ModelList(Message, frozen=True, kw_only=True):
    """The reply to ListModels."""

    id: Id
    models: tuple[BundleRow, ...]


class UseModel(Message, frozen=True, kw_only=True):
    """Serve another bundle from now on, once it is proven. Ask again with the same id until it is serving."""

    id: Id
    model: Name  # a bundle's name


class ModelInUse(Message, frozen=True, kw_only=True):
    """The reply to UseModel; a bundle that cannot be used is said by Failed, and the old one goes on serving."""

    id: Id
    model: str
    folder: str
    state: Literal["proving", "waiting", "serving"]  # waiting: for the running job of the old one


class Snapshot(Message, frozen=True, kw_only=True):
    """The state of every unfinished job and the number of the last event, for who subscribed late."""

    id: Id


class SnapshotReply(Message, frozen=True, kw_only=True):
    """The reply to Snapshot; events with a `seq` above this one are news."""

    id: Id
    seq: Natural
    jobs: tuple[JobRow, ...]


class Metrics(Message, frozen=True, kw_only=True):
    """Ask for the daemon's numbers, for a monitoring program."""

    id: Id


class MetricsReply(Message, frozen=True, kw_only=True):
    """The reply to Metrics; `text` is in the text format of Prometheus 0.0.4."""

    id: Id
    text: str


class Shutdown(Message, frozen=True, kw_only=True):
    """End the daemon; with `now`, without waiting for the running job (it is queued again at the next start)."""

    id: Id
    now: bool = True


class Ok(Message, frozen=True, kw_only=True):
    """The reply to what needs no other."""

    id: Id


# --- events ----------------------------------------------------------------------------------


class JobEvent(Message, frozen=True, kw_only=True):
    """A job moved on. `seq` rises by one with each event of the daemon."""

    seq: Natural
    job: Id
    request_id: str
    state: JobState
    position: int = 0
    step: int = 0
    steps: int = 0
    stage: str = ""  # analyse, compose, perform, mix, place, write
    message: str = ""
    seconds_left: float | None = None
    error: ErrorWire | None = None
    takes: tuple[str, ...] = ()
    wait_s: float | None = None  # until it begins, as past jobs let one expect; None: it does not wait, or none knows


class DaemonEvent(Message, frozen=True, kw_only=True):
    """The daemon or its worker changed: "ready", "worker started", "worker died", "asleep", "stopping", "takes
    removed"; of another bundle "model on trial", "model refused", "model".
    """

    seq: Natural
    what: str
    message: str = ""


class Row(NamedTuple):
    """One message of the protocol: where it is heard, and what may come back."""

    message: type[Message]
    door: str  # work, control or events
    sender: str  # bridge or daemon
    replies: tuple[type[Message], ...] = ()
    buffers: str = ""


MESSAGES: Final[tuple[Row, ...]] = (
    Row(Generate, "work", "bridge", (Accepted, Block, Done, Failed, Cancelled), "the clip, if any, then `like`"),
    Row(Regenerate, "work", "bridge", (Accepted, Block, Done, Failed, Cancelled), "`like`"),
    Row(Extend, "work", "bridge", (Accepted, Block, Done, Failed, Cancelled), "`like`"),
    Row(Accepted, "work", "daemon"),
    Row(Block, "work", "daemon", (), "stems [S, channels, frames], mix [2, frames]"),
    Row(Done, "work", "daemon"),
    Row(Failed, "work and control", "daemon"),
    Row(Cancelled, "work", "daemon"),
    Row(Hello, "control", "bridge", (Welcome, Failed)),
    Row(Welcome, "control", "daemon"),
    Row(Status, "control", "bridge", (StatusReply,)),
    Row(StatusReply, "control", "daemon"),
    Row(Cancel, "control", "bridge", (CancelReply, Failed)),
    Row(CancelReply, "control", "daemon"),
    Row(ListTakes, "control", "bridge", (TakeList,)),
    Row(TakeList, "control", "daemon"),
    Row(ShowTake, "control", "bridge", (TakeReply, Failed)),
    Row(TakeReply, "control", "daemon"),
    Row(GetTake, "control", "bridge", (TakeSound, Failed)),
    Row(TakeSound, "control", "daemon", (), "one for each file, [channels, frames]"),
    Row(StarTake, "control", "bridge", (TakeReply, Failed)),
    Row(PruneTakes, "control", "bridge", (PruneReply, Failed)),
    Row(PruneReply, "control", "daemon"),
    Row(ListModels, "control", "bridge", (ModelList,)),
    Row(ModelList, "control", "daemon"),
    Row(UseModel, "control", "bridge", (ModelInUse, Failed)),
    Row(ModelInUse, "control", "daemon"),
    Row(Snapshot, "control", "bridge", (SnapshotReply,)),
    Row(SnapshotReply, "control", "daemon"),
    Row(Metrics, "control", "bridge", (MetricsReply,)),
    Row(MetricsReply, "control", "daemon"),
    Row(Shutdown, "control", "bridge", (Ok,)),
    Row(Ok, "control", "daemon"),
    Row(JobEvent, "events", "daemon"),
    Row(DaemonEvent, "events", "daemon"),
)

# Decoding names the types it expects, so that a message at the wrong door is malformed.
WorkRequest: TypeAlias = Generate | Regenerate | Extend
WorkReply: TypeAlias = Accepted | Block | Done | Failed | Cancelled
ControlRequest: TypeAlias = (
    Hello | Status | Cancel | ListTakes | ShowTake | GetTake | StarTake | PruneTakes | ListModels | UseModel | Snapshot
    | Metrics | Shutdown
)
ControlReply: TypeAlias = (
    Welcome | StatusReply | CancelReply | TakeList | TakeReply | TakeSound | PruneReply | ModelList | ModelInUse
    | SnapshotReply
    | MetricsReply | Ok | Failed
)
Event: TypeAlias = JobEvent | DaemonEvent


def encode(message: Message) -> bytes:
    """The message as JSON."""
    return msgspec.json.encode(message)
