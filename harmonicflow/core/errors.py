"""The table of errors: code, sentence, what to do next, exit code.

Every error a user can meet is a `HarmonicFlowError` built from a row of `ERRORS`; the command line,
the protocol and docs/protocol.md read the same row. A sentence says what and where, `todo` says
what to do next. Both are `str.format` templates over the fields given when the error is raised.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final, NamedTuple, Self

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_NO_DAEMON: Final = 3
EXIT_BUSY: Final = 4
EXIT_MODEL: Final = 5
EXIT_DEVICE: Final = 6
EXIT_CANCELLED: Final = 130


class ErrorSpec(NamedTuple):
    """One row: the sentence and the next step (templates), and the command line's exit code."""

    sentence: str
    todo: str
    exit_code: int = EXIT_USAGE


ERRORS: Final[dict[str, ErrorSpec]] = {
    # What the user gave: sound files.
    "missing_file": ErrorSpec("there is no file {path}", "Check the name and the folder"),
    "not_audio": ErrorSpec("{path} is not a sound file that can be read", "Give a WAV, FLAC, MP3, OGG or AIFF file"),
    "empty_audio": ErrorSpec("{path} holds no sound", "Give a file with at least a tenth of a second of sound"),
    "too_short": ErrorSpec("{what} is too short: {seconds} seconds", "Give at least {minimum} seconds"),
    "too_long": ErrorSpec("{what} is too long: {seconds} seconds", "Give at most {maximum} seconds"),
    "too_many_channels": ErrorSpec("{path} has {channels} channels", "Give a file of 1 to {maximum} channels"),
    "bad_rate": ErrorSpec("the sample rate of {what} is {rate} Hz", "Use a rate from {minimum} to {maximum} Hz"),
    "bad_samples": ErrorSpec(
        "{path} holds samples that are not numbers, the first at frame {frame}", "Export the clip from the DAW again"
    ),
    "wild_samples": ErrorSpec(
        "{path} holds samples of {times} times full scale, the first at frame {frame}",
        "Normalise the clip in the DAW and export it again",
    ),
    "silent_reference": ErrorSpec(
        "there is no sound in {path} that {stem} could be like", "Give a clip in which the instrument plays"
    ),
    "nothing_heard": ErrorSpec("there is nothing to hear in {path}", "Give a file in which something sounds"),
    "broken_audio": ErrorSpec("{path} is damaged or ends early, at frame {frame}", "Export or copy the clip again"),
    "unreadable": ErrorSpec("{path} cannot be read: {reason}", "Check the permissions of the file and its folder"),
    "not_a_clip": ErrorSpec("{path} is {what}, not a sound file", "Put the sound file itself into the folder"),
    "too_large": ErrorSpec("{path} has {size} MB", "Give a clip of at most {maximum} MB"),
    "bad_midi": ErrorSpec("{path} is not a MIDI file that can be read: {reason}", "Export it as a standard MIDI file"),
    "empty_midi": ErrorSpec("{path} holds no {what}", "Give a MIDI file that has some"),
    "unknown_track": ErrorSpec("there is no track {track!r} in {path}", "Its tracks are: {known}"),
    "many_notes": ErrorSpec("{path} holds more than {maximum} notes", "Export a shorter part of the song"),
    "bad_latents": ErrorSpec("{path} does not hold latents that can be read: {reason}", "Encode the sound again"),
    "no_input": ErrorSpec("there is no file of {kind} in {path}", "Give files, or a folder that holds some"),
    # What the user gave: the request.
    "bad_selection": ErrorSpec("the selection {start} to {end} is not possible: {reason}", "{hint}"),
    "bad_tempo": ErrorSpec(
        "tempo must be 20 to 400 beats per minute; got {tempo}", "Give the song's tempo in quarter notes a minute"
    ),
    "bad_meter": ErrorSpec(
        "meter {meter} is not understood", "Write it like 4/4, 7/8 or 12/8: 1 to 32 over 1, 2, 4, 8, 16 or 32"
    ),
    "bad_chord": ErrorSpec("chord {chord!r} is not understood ({where})", 'Write chords like "Am7 | D7/F# | Gmaj7"'),
    "bad_key": ErrorSpec("key {key!r} is not understood", 'Write the key like "A minor", "F# major" or "Bbm"'),
    "bad_bars": ErrorSpec("bars {first} to {last} are not in a selection of {bars} bars", "Count bars from 1"),
    "unknown_stem": ErrorSpec("there is no stem {stem!r}", "Choose from {known}"),
    "unknown_genre": ErrorSpec("there is no genre {genre!r}", "Choose from {known}"),
    "unknown_mood": ErrorSpec("there is no mood {mood!r}", "Choose from {known}"),
    "bad_seed": ErrorSpec("seed {seed} is not possible", "Give a whole number from 0 to 9223372036854775807"),
    "bad_steps": ErrorSpec("{steps} steps are not possible", "Give 1 to 64 steps, or none for the model's own"),
    "bad_count": ErrorSpec("{count} takes at once are not possible", "Give a count of 1 to 16"),
    "bad_steering": ErrorSpec("{what} cannot be {value!r}: {reason}", "Leave it out to let the composer choose"),
    "bad_option": ErrorSpec("option {option} cannot be {value!r}: {reason}", "See --help"),
    "usage": ErrorSpec("{reason}", "See: {command} --help"),
    "bad_request": ErrorSpec("the request is not understood: {reason}", "See docs/protocol.md", EXIT_FAILED),
    # What the daemon keeps.
    "unknown_take": ErrorSpec(
        "there is no take {take!r}", "List them with: harmonicflow takes, or make one with: harmonicflow generate"
    ),
    "several_takes": ErrorSpec("{name!r} begins the names of {count} takes", "Give more of the name: {some}"),
    "mixed_takes": ErrorSpec(
        "take {take} has another place, tempo or meter than take {first}", "Export it by itself, into a file of its own"
    ),
    "exists": ErrorSpec("{path} is there already", "Choose another name with --out, or replace it with --force"),
    "unknown_job": ErrorSpec("there is no job {job!r}", "List them with: harmonicflow daemon status"),
    "no_job": ErrorSpec("no job waits or runs", "Look at what was made with: harmonicflow takes"),
    "bad_take": ErrorSpec("take {take} cannot be read: {reason}", "Generate it again", EXIT_FAILED),
    # Settings.
    "bad_setting": ErrorSpec("{what} ({where})", "{hint}"),
    "bad_settings": ErrorSpec("{path} is not a file of settings: {reason}", "Write lines like: queue_limit = 32"),
    # Bundles.
    "unknown_model": ErrorSpec("there is no bundle named {model!r}", "List them with: harmonicflow models", EXIT_MODEL),
    "model_replaced": ErrorSpec(
        "bundle {model} was not put to use: another one was asked for meanwhile",
        "See which one is served with: harmonicflow models",
        EXIT_MODEL,
    ),
    "no_bundle": ErrorSpec(
        "there is no bundle in {path}", "Give a folder that holds model.json, or leave --bundle out", EXIT_MODEL
    ),
    "bad_bundle": ErrorSpec(
        "the bundle {path} cannot be used: {reason}",
        "Install HarmonicFlow again or export the bundle again",
        EXIT_MODEL,
    ),
    "no_composer": ErrorSpec(
        "the bundle {bundle} has no composer", "Leave the composer out: the arranger writes the notes", EXIT_MODEL
    ),
    "latent_mismatch": ErrorSpec("latent spaces differ: {reason}", "{hint}", EXIT_MODEL),
    # Training and evaluation.
    "no_corpus": ErrorSpec(
        "there are no songs to use in {path}", "Give a folder of songs, or one that holds train, validation and test"
    ),
    "bad_checkpoint": ErrorSpec(
        "the checkpoint {path} cannot be read: {reason}", "Give a file that `harmonicflow train` wrote", EXIT_MODEL
    ),
    "bad_corpus": ErrorSpec("no song in {path} can be used: {reason}", "Export the stems again as WAV or FLAC"),
    "no_archives": ErrorSpec("there are no folders {folders} in {path}", "Unpack the archives there"),
    "bad_labels": ErrorSpec("{path} cannot be used: {reason}", "Delete the song's folder and build the corpus again"),
    "mixed_splits": ErrorSpec(
        "{count} songs or drum takes of {path} are in more than one split",
        "Build it anew in an empty folder",
        EXIT_FAILED,
    ),
    "not_promoted": ErrorSpec(
        "the bundle {path} is not promoted: {reason}", "Keep the current one, or train on and try again", EXIT_MODEL
    ),
    "bad_export": ErrorSpec("the exported {network} {reason}", "Report it with the checkpoint", EXIT_MODEL),
    # Hosts.
    "no_host": ErrorSpec(
        "there is no {host} on this computer", "Install it, or name its folder with --config-dir", EXIT_FAILED
    ),
    "no_live": ErrorSpec(
        "Ableton Live does not answer",
        "Start it, and choose HarmonicFlow under Settings > Link, Tempo & MIDI > Control Surface",
        EXIT_FAILED,
    ),
    "live_refused": ErrorSpec("Live: {reason}", "Change that in Live, then give the command again", EXIT_FAILED),
    "host_running": ErrorSpec("{host} is running", "Save your work, end {host} and do this again", EXIT_FAILED),
    # The machine.
    "no_daemon": ErrorSpec("no daemon is running", "Start one with: harmonicflow daemon start", EXIT_NO_DAEMON),
    "daemon_lost": ErrorSpec(
        "the daemon {what}", "Look at harmonicflow daemon status, then start it again", EXIT_NO_DAEMON
    ),
    "daemon_start": ErrorSpec("the daemon did not start: {reason}", "Read its log at {log}", EXIT_NO_DAEMON),
    "no_service": ErrorSpec(
        "{system} has no service manager that is known here", "Start it with: harmonicflow daemon start", EXIT_FAILED
    ),
    "not_ready": ErrorSpec(
        "the daemon is not ready: {reason}", "Wait a little, or look at harmonicflow doctor", EXIT_FAILED
    ),
    "daemon_running": ErrorSpec(
        "a daemon is already running (process {pid})", "Use it, or end it with: harmonicflow daemon stop", EXIT_FAILED
    ),
    "watched": ErrorSpec(
        "{path} is being watched already (process {pid})", "Leave it to that one, or end it first", EXIT_FAILED
    ),
    "busy": ErrorSpec("{queued} jobs are waiting already{work}", "Try again {when}, or cancel one", EXIT_BUSY),
    "cancelled": ErrorSpec("the job was cancelled", "Send it again when you want it", EXIT_CANCELLED),
    "worker_died": ErrorSpec(
        "the engine's process died ({reason})", "The daemon has started a new one: send the job again", EXIT_FAILED
    ),
    "job_time": ErrorSpec(
        "the job ran for {seconds} seconds and was not done",
        "Ask for fewer bars or takes at once, or set job_seconds_per_second higher",
        EXIT_FAILED,
    ),
    "job_memory": ErrorSpec(
        "the job needed {used} MB of memory and may have {limit}",
        "Ask for fewer bars at once, or set worker_memory_mb higher",
        EXIT_FAILED,
    ),
    "no_memory": ErrorSpec(
        "the computer has not enough memory: {reason}",
        "Close other programs, or ask for fewer bars at once",
        EXIT_FAILED,
    ),
    "disk": ErrorSpec("{path} cannot be written: {reason}", "Free some space or choose another folder", EXIT_FAILED),
    "low_disk": ErrorSpec(
        "only {free} MB are free on the disk of {path}; below {least} MB no new job is accepted",
        "Free some space, for example with: harmonicflow takes --prune --older-than 30d",
        EXIT_FAILED,
    ),
    "device": ErrorSpec("device {device} cannot be used: {reason}", "Use the CPU, or look at doctor", EXIT_DEVICE),
    "no_sound": ErrorSpec("nothing can be played: {reason}", "{hint}", EXIT_DEVICE),
    "no_midi_port": ErrorSpec("there is no MIDI port {port!r} {what}", "{hint}", EXIT_DEVICE),
    "no_clock": ErrorSpec(
        "no MIDI clock comes from {port}", "Switch MIDI clock (sync) out on in the host, and start it", EXIT_DEVICE
    ),
    "no_surface": ErrorSpec(
        "the daemon has no OSC door on this computer", "Use a daemon that runs here", EXIT_NO_DAEMON
    ),
    "bad_sound_font": ErrorSpec("{path} is not a SoundFont FluidSynth can read", "Choose another .sf2 or .sf3 file"),
    "missing_package": ErrorSpec("package {package} is not installed", "Install it with: {install}", EXIT_FAILED),
    "engine_failed": ErrorSpec(
        "the engine failed: {reason}",
        "Send the job again; if it fails again, report it with the daemon's log",
        EXIT_FAILED,
    ),
    "unexpected": ErrorSpec(
        "something went wrong that should not: {reason}", "Report it with the file {log}", EXIT_FAILED
    ),
    # The doors.
    "protocol_version": ErrorSpec(
        "the other side speaks protocol {theirs}, this one {ours}", "Use the same release on both sides", EXIT_FAILED
    ),
    "bad_connection": ErrorSpec(
        "the connection file {path} cannot be used: {reason}",
        "Have a new one written where the daemon runs, with: harmonicflow daemon allow NAME",
        EXIT_FAILED,
    ),
    "unknown_client": ErrorSpec("no computer named {name!r} is allowed", "List them with: harmonicflow daemon allow"),
    "network_closed": ErrorSpec("the daemon listens on this computer only: {reason}", "{hint}", EXIT_FAILED),
    "denied": ErrorSpec("the message was refused: {reason}", "Read the connection file again", EXIT_FAILED),
}


def fields_of(spec: ErrorSpec) -> frozenset[str]:
    """The names of the fields that a row's templates need."""
    names = (field for text in (spec.sentence, spec.todo) for _, field, _, _ in Formatter().parse(text))
    return frozenset(name for name in names if name)


class HarmonicFlowError(Exception):
    """An error for a person: `str()` is one or two sentences, never a traceback.

    `HarmonicFlowError("bad_tempo", tempo=4000)`; a code missing from `ERRORS` or a field missing
    from its templates raises KeyError, which tests turn up.
    """

    def __init__(self, code: str, /, **fields: object) -> None:
        spec = ERRORS[code]
        self.code = code
        self.fields: dict[str, object] = fields
        self.exit_code = spec.exit_code
        self.message = spec.sentence.format(**fields)
        self.todo = spec.todo.format(**fields)
        super().__init__(f"{self.message}. {self.todo}." if self.todo else f"{self.message}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self).from_wire, (self.to_wire(),))

    def to_wire(self) -> dict[str, str]:
        """The error as plain strings: code, message, todo."""
        return {"code": self.code, "message": self.message, "todo": self.todo}

    @classmethod
    def from_wire(cls, wire: Mapping[str, str]) -> Self:
        """The error a peer sent. Its sentences are kept; an unknown code counts as `engine_failed`."""
        error = cls.__new__(cls)
        code = wire["code"]
        error.code = code
        error.message = wire["message"]
        error.todo = wire["todo"]
        error.fields = {}
        error.exit_code = ERRORS[code].exit_code if code in ERRORS else EXIT_FAILED
        Exception.__init__(error, f"{error.message}. {error.todo}." if error.todo else f"{error.message}.")
        return error
