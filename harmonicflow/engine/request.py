"""Requests in their friendly form (`bars=8, tempo=97.3`), as the messages the daemon knows; and their checks."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec
import numpy as np

from harmonicflow.core.constants import MAX_CHANNELS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, Extend, Generate, LikeSpec, Regenerate
from harmonicflow.core.tempo import Exact, Meter, MeterMap, Selection, TempoMap

DEFAULT_TEMPO: Final = 120
DEFAULT_BARS: Final = 8
MAX_SEED: Final = 2**63 - 1


def generate_request(
    *,
    selection: Selection | None = None,
    bars: int | None = None,
    start: Exact | None = None,
    end: Exact | None = None,
    tempo: Exact | TempoMap = DEFAULT_TEMPO,
    meter: Meter | str | MeterMap = "4/4",
    rate: int | None = None,
    clip: np.ndarray | None = None,
    clip_rate: int | None = None,
    like: Mapping[str, tuple[np.ndarray, int]] | None = None,
    id: str = "local",
    **fields: Any,
) -> Generate:
    """A Generate message. Its range is `selection`, or `bars`, or `start` to `end` in seconds (by default the clip).

    `clip` float32 [channels, N] or [N] at `clip_rate` Hz starts at second 0. `rate`: of the files, by default the
    clip's. `like`: by stem, sound and Hz (`timbre.Like`). Other fields are those of `messages.Generate`.
    """
    spec = None
    if clip is not None:
        sound = _planar(clip, "the clip")
        spec = ClipSpec(rate=clip_rate or SAMPLE_RATE, channels=len(sound), frames=sound.shape[1])
        if end is None and bars is None:
            end = Fraction(spec.frames, spec.rate)
    session_rate = rate or (spec.rate if spec else SAMPLE_RATE)
    if selection is None:
        if bars is not None or end is None:
            selection = Selection.from_bars(bars or DEFAULT_BARS, tempo, meter, session_rate)
        else:
            selection = Selection.from_seconds(start or 0, end, session_rate, tempo, meter)
    fields["stems"] = tuple(fields.get("stems", ()))
    return Generate(id=id, selection=selection.to_wire(), clip=spec, like=_like_specs(like), **fields)


def regenerate_request(
    *, stems: Sequence[str] | str, from_bar: int | None = None, to_bar: int | None = None,
    frames: tuple[int, int] | None = None, id: str = "local", take: str = "parent",
    like: Mapping[str, tuple[np.ndarray, int]] | None = None, **fields: Any,
) -> Regenerate:  # fmt: skip
    """A Regenerate message; `to_bar` is `from_bar` unless given. `like`: by stem, sound and Hz (`timbre.Like`).

    Raises `bad_request` unless the place is named either by bars or by `frames`.
    """
    names = (stems,) if isinstance(stems, str) else tuple(stems)
    last = from_bar if to_bar is None else to_bar
    specs = _like_specs(like)
    try:
        return Regenerate(
            id=id, take=take, stems=names, from_bar=from_bar, to_bar=last, frames=frames, like=specs, **fields
        )
    except ValueError as error:
        raise HarmonicFlowError("bad_request", reason=error) from None


def in_bars(request: Regenerate, selection: Selection) -> Regenerate:
    """The request with bars instead of frames; raises `bad_selection`."""
    if request.frames is None:
        return request
    first, last = selection.bars_touched(*request.frames)
    return msgspec.structs.replace(request, from_bar=first, to_bar=last, frames=None)


def extend_request(
    *, id: str = "local", take: str = "parent", stems: Sequence[str] | str = (),
    beats: Exact | None = None, like: Mapping[str, tuple[np.ndarray, int]] | None = None, **fields: Any,
) -> Extend:  # fmt: skip
    """An Extend message; one of `bars`, `beats` and `seconds` is given. `like`: by stem, sound and Hz."""
    names = (stems,) if isinstance(stems, str) else tuple(stems)
    written = None if beats is None else str(beats)
    return Extend(id=id, take=take, stems=names, beats=written, like=_like_specs(like), **fields)


def _like_specs(like: Mapping[str, tuple[np.ndarray, int]] | None) -> tuple[LikeSpec, ...]:
    sounds = {stem: (_planar(sound, f"the reference for {stem or 'all stems'}"), rate)
              for stem, (sound, rate) in (like or {}).items()}  # fmt: skip
    return tuple(
        LikeSpec(stem=stem, rate=rate, channels=len(sound), frames=sound.shape[1])
        for stem, (sound, rate) in sounds.items()
    )


def _planar(sound: np.ndarray, name: str) -> np.ndarray:
    """Sound as [channels, N]; raises `empty_audio`, `too_many_channels`."""
    planar = np.atleast_2d(sound)
    if not planar.size:
        raise HarmonicFlowError("empty_audio", path=name)
    if len(planar) > MAX_CHANNELS:
        raise HarmonicFlowError("too_many_channels", path=name, channels=len(planar), maximum=MAX_CHANNELS)
    return planar


def check_numbers(seed: int, steps: int, count: int) -> None:
    """Raise `bad_seed`, `bad_steps` or `bad_count`; structs made in Python are not checked by their decoder."""
    for code, name, value, low, high in (
        ("bad_seed", "seed", seed, 0, MAX_SEED),
        ("bad_steps", "steps", steps, 0, 64),
        ("bad_count", "count", count, 1, 16),
    ):
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise HarmonicFlowError(code, **{name: value})


def check_stems(asked: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The stems asked for in the order of `known`, all of them for none; raises `unknown_stem`."""
    for name in asked:
        if name not in known:
            raise HarmonicFlowError("unknown_stem", stem=name, known=", ".join(known))
    return tuple(name for name in known if name in asked or not asked)
