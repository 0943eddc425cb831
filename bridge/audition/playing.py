"""`play`: what is named is found, brought to one rate and one loudness, and heard."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harmonicflow.core.errors import EXIT_OK, HarmonicFlowError

from ..output import result, result_json, say, table
from ..scores import is_midi
from .score_out import until_stopped
from .sounds import Sound, performance, sounds

if TYPE_CHECKING:
    from .audition import Audition
    from .in_step import Source

BINAURAL: Final = "binaural"  # the one file that does not come in blocks
USES: Final = {"in": "--clock", "out": "--midi-out"}  # of a MIDI port by its direction
EVERY_S: Final = 4.0  # where nobody can choose


class Heard(NamedTuple):
    """How it is to be heard."""

    device: str | None = None
    volume_db: float = 0.0
    rate: int | None = None
    loop: bool = False
    options: bool = False  # all takes of the same request
    match: bool = True  # several: as loud as the softest
    every_s: float | None = None  # several: change by itself; 0: never
    head: tuple[float, float, float] | None = None  # a take's stems round a head that looks there: yaw, pitch, roll


def show_devices(as_json: bool) -> None:
    """Write the output devices to stdout."""
    from .sounding import devices

    rows = devices()
    if as_json:
        for row in rows:
            result_json(row)
        return
    cells = []
    for row in rows:
        mark = " (default)" if row["default"] else ""
        cells.append((str(row["device"]), f"{row['name']}{mark}", str(row["channels"]), str(row["rate"])))
    result(table(("device", "name", "channels", "Hz"), cells))


def show_ports(as_json: bool) -> None:
    """Write the MIDI ports to stdout."""
    from ..clock.ports import ports

    rows = [port for direction in ("in", "out") for port in ports(direction)]
    if as_json:
        for port in rows:
            result_json({"name": port.name, "for": USES[port.direction], "system": port.system})
    elif rows:
        result(table(("for", "system", "name"), [(USES[port.direction], port.system, port.name) for port in rows]))
    else:
        say("there are no MIDI ports; a host that is started may have some, and --clock virtual makes one")


def play(names: Sequence[str], part: str, heard: Heard, as_json: bool, choices: dict[str, Any]) -> int:
    """Play takes, sound files or scores, one or several to choose from; returns the exit code, 130 after Ctrl-C.

    `part`: the file of a take, without its ending. With several, the name of the last one heard goes to stdout.
    """
    from .sounding import library

    library()  # before the work of performing a score
    if len(names) == 1 and not heard.options and part != BINAURAL and _is_score(names[0]):
        return _play_score(names[0], part, heard, as_json, choices)
    found = [sound for name in names for sound in sounds(name, part, choices, heard.options)]
    audition = _audition(found, heard)
    code = until_stopped(audition.run)
    _tell(audition, as_json)
    return code


def _tell(audition: "Audition", as_json: bool) -> None:
    report = audition.report()
    if as_json:
        result_json(report)
    elif len(audition.voices) > 1:
        say("the last one heard:")
        result(report["playing"])


def _audition(found: Sequence[Sound], heard: Heard) -> "Audition":
    """The voices, equally loud, on the device. Raises `no_sound` and what reading raises."""
    from .audition import LETTERS, MOST, Audition, Voice, clock
    from .in_step import File, InStep, Source
    from .levels import matching_db
    from .playback import Playback
    from .sounding import output

    if len(found) > MOST:
        reason = f"{len(found)} sounds are too many to compare; {MOST} at most"
        raise HarmonicFlowError("bad_option", option="--against", value=found[MOST].name, reason=reason)
    files = [File(sound.path) for sound in found]
    sources: list[Source] = list(files)
    if heard.head is not None:
        sources = [_turned(file.path.parent, heard.head) for file in files]
    where = output(heard.device, heard.rate, sources[0].info.rate)
    match = heard.match and len(found) > 1
    offsets = matching_db(files, where.channels) if match else (0.0,) * len(found)
    gains = [10 ** ((heard.volume_db + offset) / 20) for offset in offsets]
    in_step = InStep(sources, where.rate, where.channels, gains)
    voices = [Voice(sound.name, str(sound.path), offset) for sound, offset in zip(found, offsets, strict=True)]
    lasts = f"{clock(in_step.frames / where.rate)}{', around and around' if heard.loop else ''}"
    if len(voices) == 1:
        say(f"playing {voices[0].path}, {lasts}")
        return Audition(Playback(in_step, where, heard.loop), voices)
    say(f"playing {len(voices)} in step, {lasts}")
    for letter, voice in zip(LETTERS.upper(), voices, strict=False):
        say(f"  {letter}  {voice.offset_db:+5.1f} dB  {voice.path}")
    if len({Fraction(source.info.frames, source.info.rate) for source in sources}) > 1:
        say("note: they are not equally long; the shorter ones rest until the longest is over")
    every_s = _by_itself() if heard.every_s is None else heard.every_s
    return Audition(Playback(in_step, where, heard.loop, round(every_s * where.rate)), voices)


def _turned(folder: Path, head: tuple[float, float, float]) -> "Source":
    """A take's stems round a head that looks elsewhere. Raises `unknown_take`, `bad_take`."""
    from .headphones import Headphones

    headphones = Headphones.of_take(folder)
    headphones.turn(*head)
    return headphones


def _is_score(name: str) -> bool:
    file = Path(name).expanduser()
    return is_midi(name) and not file.is_dir() and (file.is_file() or bool(file.suffix))


def _play_score(path: str, part: str, heard: Heard, as_json: bool, choices: dict[str, Any]) -> int:
    """Perform a score and play it from the first block on, while the rest is being made."""
    from ..making import Span, prepared
    from ..spawn import connect_or_start
    from .arriving import Arriving
    from .audition import Audition, Voice, clock
    from .in_step import InStep
    from .playback import Playback
    from .sounding import output

    wishes = performance(path, choices)
    if part not in ("mix", *wishes["stems"]):
        raise HarmonicFlowError("unknown_stem", stem=part, known=", ".join(wishes["stems"]))
    asked = prepared(None, Span(), None, wishes)
    where = output(heard.device, heard.rate, asked.selection.rate)
    with connect_or_start() as client:
        arriving = Arriving(client, asked, part)
        arriving.wait()
        in_step = InStep([arriving], where.rate, where.channels, [10 ** (heard.volume_db / 20)])
        audition = Audition(Playback(in_step, where, heard.loop), [Voice(path, path)])
        around = ", around and around" if heard.loop else ""
        say(f"playing {path} as it is performed, {clock(in_step.frames / where.rate)}{around}")
        code = None
        try:
            code = until_stopped(audition.run)
        finally:
            arriving.stop(heard_all=code == EXIT_OK and audition.ended == "end")
        if arriving.take is None:
            say("note: it was stopped before the take was finished")
        else:
            folder = Path(arriving.take.folder)
            audition.voices = [Voice(arriving.take.take, str(folder / f"{part}.wav"))]
            for warning in arriving.take.warnings:
                say(f"note: {warning}")
            say(f"take: {arriving.take.take}")
    _tell(audition, as_json)
    return code


def _by_itself() -> float:
    """Seconds after which the next one is heard where nobody can choose; 0 on a terminal."""
    from .keys import Keys

    if Keys().there:
        return 0.0
    say(f"note: there is no terminal to choose from, so each is heard for {EVERY_S:g} s in turn; --every changes that")
    return EVERY_S
