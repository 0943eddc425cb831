"""What of a take is exported, and its sound as WAV files of their own, piece by piece."""

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import harmonicflow
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.messages import FileRow

from ..output import say
from .found import Take
from .timeline import steady_bpm

if TYPE_CHECKING:
    from harmonicflow.audio.wav import Stamp

MIX, BINAURAL = "mix", "binaural"
RENDERS: Final = {MIX: ("Mix", "#8c8c8c"), BINAURAL: ("Binaural", "#7a6fa8")}  # title and colour
OTHER_COLOUR: Final = "#9a9a9a"
FLOAT_BITS: Final = 32
NEAR: Final = 0.001  # seconds by which a loop may miss its last beat: the rounding of one frame


@dataclass(frozen=True)
class Wanted:
    """The choices of a person."""

    stems: tuple[str, ...] = ()  # none: all
    mix: bool | None = None  # None: where all stems are wanted
    binaural: bool | None = None
    midi_only: bool = False
    bits: int = FLOAT_BITS
    tempo: bool = True  # whether WAV files in folders say their tempo
    warp: bool = False  # whether sound in a project follows later changes of its tempo

    def stems_of(self, take: Take) -> list[str]:
        """The instruments, in the take's order; raises `unknown_stem`."""
        known = [row.stem for row in take.summary.files if row.stem not in RENDERS]
        known += [name for name in take.summary.parts if name not in known]
        for name in self.stems:
            if name not in known:
                raise HarmonicFlowError("unknown_stem", stem=name, known=", ".join(known))
        return [name for name in known if not self.stems or name in self.stems]

    def renders_of(self, take: Take) -> list[str]:
        """Which of the mix and the binaural render."""
        chosen = {MIX: self.mix, BINAURAL: self.binaural}
        there = {row.stem for row in take.summary.files}
        return [name for name, wish in chosen.items() if name in there and (not self.stems if wish is None else wish)]

    def sounds_of(self, take: Take) -> list[FileRow]:
        """The sound files, renders last."""
        names = [] if self.midi_only else [*self.stems_of(take), *self.renders_of(take)]
        rows = {row.stem: row for row in take.summary.files}
        return [rows[name] for name in names if name in rows]


def title_of(name: str) -> str:
    """A stem's name on a track."""
    if name in RENDERS:
        return RENDERS[name][0]
    return INSTRUMENTS[name].title if name in INSTRUMENTS else name.capitalize()


def colour_of(name: str) -> str:
    """A stem's colour, "#rrggbb"."""
    if name in RENDERS:
        return RENDERS[name][1]
    return INSTRUMENTS[name].colour if name in INSTRUMENTS else OTHER_COLOUR


def wav_size(row: FileRow, bits: int) -> int:
    """About how many bytes a file will have."""
    return row.frames * row.channels * bits // 8 + 4096


def write_sound(file: IO[bytes], take: Take, row: FileRow, bits: int, tempo: bool) -> None:
    """One WAV file of a take, with a head of its own, into an open file; no more than a piece is in memory.

    `tempo`: with tempo and beats (acid), if the tempo never changes and the beats are whole. Raises `bad_take` for a
    file that is not as take.json says, and what reading sound raises.
    """
    from harmonicflow.audio import files, wav

    source = take.folder / row.file
    about = files.info(source, files.LONGEST_S)
    if (about.frames, about.channels, about.rate) != (row.frames, row.channels, row.rate):
        reason = f"{row.file} has {about.frames} frames of {about.channels} channels at {about.rate} Hz"
        raise HarmonicFlowError("bad_take", take=take.folder, reason=reason)
    with wav.stream_into(file, row.channels, row.frames, row.rate, _stamp(take, row, bits, tempo), bits) as out:
        for piece in files.stream(source):
            out.write(piece)
    if out.clipped:
        say(f"note: {row.file} is louder than 24 bits can say: {out.clipped} samples were clipped; 32 bits keep them")


def _stamp(take: Take, row: FileRow, bits: int, tempo: bool) -> "Stamp":
    from harmonicflow.audio.wav import Stamp

    summary, selection = take.summary, take.selection
    stamp = Stamp(
        start_frame=max(selection.start_frame, 0),
        description=": ".join(text for text in (summary.title, title_of(row.stem)) if text),
        reference=take.name[-32:],
        made=summary.created,
        software=f"HarmonicFlow {harmonicflow.__version__}" + (" float" if bits == FLOAT_BITS else ""),
    )
    bpm = steady_bpm(selection) if tempo else None
    meter = selection.bars()[0].meter
    if bpm is None or abs(float(round(selection.beats) * 60 / bpm) - float(selection.seconds)) > NEAR:
        return stamp
    return stamp._replace(tempo_bpm=float(bpm), meter=(meter.numerator, meter.denominator))
