"""Timbre references: a clip that a stem is to sound like becomes the mean and the spread of its latents.

Only frames in which it sounds count, so that rests in the clip do not pull the reference towards silence, and it is
brought to the level at which stems are trained: 12 dB more move a reference further than another instrument does.

Legend: S stems, L latent frames, C channels, T samples at 44.1 kHz.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import HOP, LATENT_RATE, MAX_LIKE_SECONDS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import LikeSpec

from .analyse import Clip, check_clip
from .codec import encode
from .perform import timbre_of
from .request import check_stems
from .runtime import Runtime

Like = Mapping[str, tuple[np.ndarray, int]]
"""By stem ("" for every other one that is made): float32 [channels, N] or [N], and Hz."""

QUIET_DBFS: Final = -70.0  # below that a frame is silent, however quiet the rest
QUIET_DB: Final = 40.0  # so far below its loudest frame a clip is silent: hum and the ends of tails
LEVEL_DBFS: Final = -29.0  # mean power of what sounds, as in the stems that networks are trained on (median)
LEAST_FRAMES: Final = 6  # that sound: a spread needs some


def timbre(
    runtime: Runtime, like: Like | None, made: Sequence[str], named: Sequence[LikeSpec] = (),
    parent: np.ndarray | None = None,
) -> np.ndarray | None:  # fmt: skip
    """The timbre reference [S, 65] of the bundle's stems, None where no stem has one.

    `made`: the stems that the entry "" is for. `named`: what the request says of the clips. `parent`: the reference of
    the take before, which holds for stems that `like` has nothing for. Raises `unknown_stem`, `silent_reference`,
    `too_short`, `too_long`, `bad_samples`, `empty_audio`, `bad_rate`, `too_many_channels`.
    """
    stems = runtime.bundle.stems
    if not like:
        return parent
    check_stems([stem for stem in like if stem], stems)
    out = timbre_of(None, len(stems)) if parent is None else parent.copy()
    names = {spec.stem: spec.name for spec in named}
    for stem, (sound, rate) in like.items():
        clip = check_clip(Clip(sound, rate, name=names.get(stem) or f"the reference for {stem or 'all stems'}"))
        row = timbre_of([_sounding_latents(runtime, clip, stem or "an instrument")], 1)[0]
        for each in (stem,) if stem else [name for name in made if name not in like]:
            out[stems.index(each)] = row
    return out


def _sounding_latents(runtime: Runtime, clip: Clip, stem: str) -> np.ndarray:
    """Latents [n, C] of the frames in which a clip sounds."""
    seconds = clip.sound.shape[1] / clip.rate
    if seconds > MAX_LIKE_SECONDS:
        raise HarmonicFlowError("too_long", what=clip.name, seconds=f"{seconds:.1f}", maximum=MAX_LIKE_SECONDS)
    mono_T = resample(clip.sound.mean(axis=0, dtype=np.float64), clip.rate, SAMPLE_RATE).astype(np.float32)
    heard_L = sounding(mono_T)
    if not heard_L.any():
        raise HarmonicFlowError("silent_reference", path=clip.name, stem=stem)
    if (frames := int(heard_L.sum())) < LEAST_FRAMES:
        told = {"seconds": f"{frames / LATENT_RATE:.2f}", "minimum": f"{LEAST_FRAMES / LATENT_RATE:.2f}"}
        raise HarmonicFlowError("too_short", what=f"the sound in {clip.name}", **told)
    latents_nC: np.ndarray = encode(runtime, levelled(mono_T, heard_L)[None])[0][heard_L]
    return latents_nC


def levelled(mono_T: np.ndarray, heard_L: np.ndarray) -> np.ndarray:
    """The sound at the level of training: the mean power of the frames that sound is `LEVEL_DBFS`."""
    power = float(frame_power(mono_T)[heard_L].mean())
    louder: np.ndarray = mono_T * np.float32(np.sqrt(10 ** (LEVEL_DBFS / 10) / power))
    return louder


def sounding(mono_T: np.ndarray) -> np.ndarray:
    """Which latent frames sound, bool [L]; the last one is filled up with silence."""
    level_L = 10 * np.log10(frame_power(mono_T) + 1e-20)
    heard: np.ndarray = level_L > max(QUIET_DBFS, float(level_L.max(initial=-np.inf)) - QUIET_DB)
    return heard


def frame_power(mono_T: np.ndarray) -> np.ndarray:
    """Mean square of each latent frame [L]."""
    padded = np.pad(mono_T.astype(np.float64), (0, -len(mono_T) % HOP))
    power: np.ndarray = np.mean(padded.reshape(-1, HOP) ** 2, axis=1)
    return power
