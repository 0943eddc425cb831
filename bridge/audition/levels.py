"""Sounds made equally loud, for a comparison by ear: the louder one of two is liked better, whatever it plays."""

from collections.abc import Sequence
from math import log10
from pathlib import Path

import numpy as np

from harmonicflow.audio import files
from harmonicflow.audio.loudness import SILENCE_LUFS, integrated_lufs

from ..results import read_details
from .in_step import File, mixed


def matching_db(sounds: Sequence[File], channels: int) -> tuple[float, ...]:
    """Decibels for each file, none above 0, with which all are as loud as the softest; silent ones are left alone."""
    loudness = [heard_lufs(sound, channels) for sound in sounds]
    softest = min((lufs for lufs in loudness if lufs is not None), default=0.0)
    return tuple(0.0 if lufs is None else softest - lufs for lufs in loudness)


def heard_lufs(sound: File, channels: int) -> float | None:
    """Integrated loudness of a file as it is heard on one or two channels; None for silence.

    A take's own files have theirs in take.json; others are measured, their first minutes where they are very long.
    One channel that is heard on two sides is 3 LU louder for it (BS.1770 adds the channels' powers).
    """
    info = sound.info
    for row in _rows(sound.path.parent):
        same = (row.get("rate"), row.get("channels"), row.get("frames")) == (info.rate, info.channels, info.frames)
        if row.get("file") == sound.path.name and same and info.channels <= channels:
            lufs = row.get("lufs")
            if isinstance(lufs, int | float):
                return lufs + 10 * log10(channels / info.channels)
    first = files.stream(sound.path, frames=min(info.frames, files.MAX_VALUES // info.channels))
    measured = integrated_lufs(np.concatenate([mixed(piece, channels) for piece in first], axis=1), info.rate)
    return measured if measured > SILENCE_LUFS else None


def _rows(folder: Path) -> list[dict[str, object]]:
    summary = read_details(folder).get("summary")
    rows = summary.get("files") if isinstance(summary, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
