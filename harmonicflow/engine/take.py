"""A take as a folder, both ways: sound, MIDI, latents, peak overviews, and take.json with all that made it.

    bass.wav drums.wav guitar.wav piano.wav   the delivered stems      mix.wav binaural.wav
    score.mid   every note               bass.mid drums.mid guitar.mid piano.mid   one instrument each
    latents.safetensors   peaks/*.dat   take.json

The same result gives the same bytes, but for the date and the names of takes in take.json. Files are written plainly
into a folder nobody looks at yet; who keeps takes syncs and renames it (`core.paths.publish_folder`).

Legend: S stems, N frames, R rows, L latent frames.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from harmonicflow.audio import files
from harmonicflow.audio.peaks import peaks_bytes
from harmonicflow.audio.wav import Stamp, wav_bytes
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FileRow, SelectionSpec, TakeSummary
from harmonicflow.core.paths import disk_errors, link_or_copy
from harmonicflow.core.tempo import Selection
from harmonicflow.mix.strips import ChannelStrip
from harmonicflow.score.midi import write_midi
from harmonicflow.score.score import Score

from .canvas import Canvas
from .parts import part_file, part_midi
from .result import Plan, Result
from .tensors import read_tensors, tensor_bytes

FORMAT: Final = 1
PIECE_FRAMES: Final = 1 << 22  # of a WAV file read at once


class TakeFile(msgspec.Struct, frozen=True):
    """take.json."""

    format: int
    summary: TakeSummary  # without its folder: takes may be moved
    selection: SelectionSpec
    request: dict[str, Any]
    delivery: str
    steps: int
    plan: dict[str, Any]  # genre, key, emotion, understood, text
    strips: dict[str, ChannelStrip]
    score: dict[str, Any]  # exact, which MIDI is not
    clip: bool  # whether row 0 of the latents is known
    bundle: dict[str, str]
    sha256: dict[str, str]  # of every other file
    clip_frames: int | None = None  # so many latent frames of row 0 are known, from the first; None: all or none
    composer: str = ""  # who wrote the notes, as in `Result`


def write_take(result: Result, folder: str | Path, *, take: str = "", created: str | None = None) -> TakeSummary:
    """Write a result into `folder`, which is made if missing, and return what lists show. Raises `disk`.

    Files of the parent that the result shares are hard-linked or copied. `take`: its id, by default the folder's name.
    """
    folder = Path(folder)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "peaks").mkdir(exist_ok=True)
    hashes: dict[str, str] = {}
    sounds = {**result.stems, "mix": result.mix, "binaural": result.binaural}
    stamp = Stamp(start_frame=max(result.selection.start_frame, 0))  # no tempo: hosts would stretch what fits already
    for name, audio in sounds.items():
        wav, overview = f"{name}.wav", f"peaks/{name}.dat"
        if name in result.shared:
            hashes[wav] = _link(result.shared[name] / wav, folder / wav)
            hashes[overview] = _link(result.shared[name] / overview, folder / overview)
        else:
            hashes[wav] = _write(folder / wav, wav_bytes(audio, result.selection.rate, stamp))
            hashes[overview] = _write(folder / overview, peaks_bytes(audio, result.selection.rate))
    hashes["score.mid"] = _write(folder / "score.mid", write_midi(result.score, result.selection))
    parts = {}
    for name in result.names:
        if data := part_midi(result.score, name, result.selection):
            parts[name] = part_file(name)
            hashes[parts[name]] = _write(folder / parts[name], data)
    hashes["latents.safetensors"] = _write(folder / "latents.safetensors", tensor_bytes(_tensors(result)))
    summary = TakeSummary(
        take=take or folder.name, folder=str(folder), parent=result.parent,
        made=result.request.get("kind", ""), option=result.option,
        created=created or datetime.now(UTC).isoformat(timespec="seconds"), title=result.title, seed=result.seed,
        genre=result.plan.genre, bars=len(result.selection.bars()), seconds=float(result.selection.seconds),
        rate=result.selection.rate, frames=result.selection.frames, warnings=result.warnings,
        files=tuple(_row(result, name, len(audio), hashes) for name, audio in sounds.items()), parts=parts,
    )  # fmt: skip
    plan = {name: getattr(result.plan, name) for name in ("genre", "key", "emotion", "understood", "text")}
    record = TakeFile(
        format=FORMAT, summary=msgspec.structs.replace(summary, folder=""), selection=result.selection.to_wire(),
        request=result.request, delivery=result.delivery, steps=result.steps, plan=plan, strips=result.strips,
        score=result.score.to_wire(), clip=bool(result.canvas.known[0].any()),
        clip_frames=int(result.canvas.known[0].sum()), bundle=result.bundle, sha256=hashes, composer=result.composer,
    )  # fmt: skip
    _write(folder / "take.json", msgspec.json.format(msgspec.json.encode(record), indent=1))
    return summary


def read_take(folder: str | Path) -> Result:
    """The result that `write_take` wrote; every file is checked against its hash. Raises `unknown_take`, `bad_take`."""
    folder = Path(folder)
    if not (folder / "take.json").is_file():
        raise HarmonicFlowError("unknown_take", take=folder.name)
    try:
        record = msgspec.json.decode(_bytes(folder, "take.json"), type=TakeFile)
        if record.format != FORMAT:
            raise ValueError(f"its format is {record.format}, this release reads {FORMAT}")
        return _result(record, folder)
    except (ValueError, KeyError, TypeError, ZeroDivisionError, msgspec.MsgspecError) as error:
        raise HarmonicFlowError("bad_take", take=folder, reason=str(error)) from None
    except OSError as error:
        raise HarmonicFlowError("bad_take", take=folder, reason=error.strerror or str(error)) from None


def _result(record: TakeFile, folder: Path) -> Result:
    selection = Selection.from_wire(record.selection)
    for name, expected in record.sha256.items():
        if sha256(_bytes(folder, name)).hexdigest() != expected:
            raise ValueError(f"{name} was changed after it was written")
    tensors = read_tensors(_bytes(folder, "latents.safetensors"))
    known = np.ones(tensors["latents"].shape[:2], bool)
    known[0] = record.clip
    if record.clip_frames is not None:
        known[0, record.clip_frames :] = False
    rows = {row.stem: row for row in record.summary.files}
    names = tuple(name for name in rows if name not in ("mix", "binaural"))
    sounds = {name: _sound(folder / f"{name}.wav", row.channels, selection.frames) for name, row in rows.items()}
    emotion = record.plan["emotion"]
    return Result(
        selection=selection, names=names, stems={name: sounds[name] for name in names}, dry=tensors["dry"],
        mix=sounds["mix"], binaural=sounds["binaural"], score=Score.from_wire(record.score),
        canvas=Canvas(tensors["latents"], known), strips=record.strips,
        plan=Plan(
            record.plan["genre"], record.plan["key"], tuple(emotion) if emotion else None, record.plan["understood"],
            tensors.get("curves"), record.plan.get("text", ""), tensors.get("timbre"),
        ),
        seed=record.summary.seed, steps=record.steps, delivery=record.delivery, request=record.request,
        bundle=record.bundle,
        report={name: {"peak_dbfs": row.peak_dbfs, "lufs": row.lufs} for name, row in rows.items()},
        warnings=record.summary.warnings, parent=record.summary.parent, title=record.summary.title, folder=folder,
        take=record.summary.take, option=record.summary.option, composer=record.composer,
    )  # fmt: skip


def _tensors(result: Result) -> Mapping[str, np.ndarray]:
    arrays = {"latents": result.latents, "dry": result.dry}
    told = {"curves": result.plan.curves, "timbre": result.plan.timbre}
    return arrays | {name: array for name, array in told.items() if array is not None}


def _row(result: Result, name: str, channels: int, hashes: Mapping[str, str]) -> FileRow:
    return FileRow(
        stem=name, file=f"{name}.wav", sha256=hashes[f"{name}.wav"], frames=result.selection.frames,
        channels=channels, rate=result.selection.rate, **result.report[name],
    )  # fmt: skip


def _write(path: Path, data: bytes) -> str:
    with disk_errors(path):
        path.write_bytes(data)
    return sha256(data).hexdigest()


def _link(source: Path, target: Path) -> str:
    link_or_copy(source, target)
    with disk_errors(target):
        return sha256(target.read_bytes()).hexdigest()


def _bytes(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()


def _sound(path: Path, channels: int, frames: int) -> np.ndarray:
    about = files.info(path)
    if (about.channels, about.frames) != (channels, frames):
        raise ValueError(f"{path.name} has {about.channels} x {about.frames} samples, not {channels} x {frames}")
    out = np.empty((channels, frames), np.float32)
    for start in range(0, frames, PIECE_FRAMES):
        end = min(start + PIECE_FRAMES, frames)
        out[:, start:end], _ = files.read(path, start, end - start)
    return out
