"""The first stage: what the request's words mean and what the user's clip sounds like.

Legend: L latent frames, T samples at 44.1 kHz, N clip frames at the clip's own rate.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from math import floor, gcd
from typing import Final

import numpy as np

from harmonicflow.analysis.curves import clip_curves
from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import HOP, MAX_CHANNELS, MAX_RATE, MIN_RATE, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chords import ChordSpan, chords_over
from harmonicflow.score.keys import Key, parse_key

from .blocks import latent_length
from .codec import encode
from .hear import analyst_of
from .hear_clip import hear_clip
from .result import Plan
from .runtime import Runtime
from .text import Words

MOST_CHORDS: Final = 12  # that are named in a reply


@dataclass(frozen=True)
class Clip:
    """The user's sound: float32 [channels, N] at `rate` Hz. Frame 0 lies at `start_frame` of the session."""

    sound: np.ndarray
    rate: int
    start_frame: int = 0
    name: str = "the clip"


@dataclass(frozen=True)
class Analysis:
    """The plan, the harmony asked for or heard, and row 0 of the canvas."""

    plan: Plan
    chords: tuple[ChordSpan, ...] | None  # None: nothing asked for and nothing heard
    key: Key | None
    row0: np.ndarray | None  # float32 [L, 32], None without a clip inside the selection
    warnings: tuple[str, ...] = ()


def check_clip(clip: Clip) -> Clip:
    """The clip as float32 [channels, N]; raises `bad_samples`, `empty_audio`, `bad_rate`, `too_many_channels`."""
    sound = np.atleast_2d(np.asarray(clip.sound, np.float32))
    if sound.ndim != 2 or not sound.size:
        raise HarmonicFlowError("empty_audio", path=clip.name)
    if len(sound) > MAX_CHANNELS:
        raise HarmonicFlowError("too_many_channels", path=clip.name, channels=len(sound), maximum=MAX_CHANNELS)
    if not MIN_RATE <= clip.rate <= MAX_RATE:
        raise HarmonicFlowError("bad_rate", what=clip.name, rate=clip.rate, minimum=MIN_RATE, maximum=MAX_RATE)
    finite = np.isfinite(sound).all(axis=0)
    if not finite.all():
        raise HarmonicFlowError("bad_samples", path=clip.name, frame=int(np.argmin(finite)))
    return Clip(sound, clip.rate, clip.start_frame, clip.name)


def place_clip(clip: Clip, selection: Selection, before: int, frames: int) -> np.ndarray:
    """Mono at 44.1 kHz, [frames * 2048] samples, whose sample `before` * 2048 is the selection's first frame.

    Silence stands where the clip has nothing. Where rates or places make the clip fall between two samples it is
    moved to the nearer one, 11 microseconds at most.
    """
    first = Fraction((selection.start_frame - clip.start_frame) * clip.rate, selection.rate)  # clip frame of our 0
    grid = clip.rate // gcd(clip.rate, SAMPLE_RATE)  # so many clip frames are a whole number of our samples
    lead = -(-before * HOP * clip.rate // (SAMPLE_RATE * grid)) * grid
    low = floor(first) - lead
    high = floor(first) + -(-(frames - before) * HOP * clip.rate // SAMPLE_RATE) + clip.rate // 10
    inside = clip.sound[:, max(low, 0) : max(min(high, clip.sound.shape[1]), 0)].mean(axis=0, dtype=np.float64)
    if not inside.size:
        return np.zeros(frames * HOP, np.float32)
    mono = resample(np.concatenate((np.zeros(max(-low, 0)), inside)), clip.rate, SAMPLE_RATE)
    offset = round((first - low) * SAMPLE_RATE / clip.rate) - before * HOP  # of our buffer inside `mono`
    out = np.zeros(frames * HOP, np.float32)
    mono = mono[max(offset, 0) :][: len(out) + min(offset, 0)]
    out[max(-offset, 0) :][: len(mono)] = mono
    return out


def analyse(
    runtime: Runtime,
    words: Words,
    selection: Selection,
    clip: Clip | None,
    *,
    prompt: str = "",
    genre: str | None = None,
    mood: str | None = None,
    emotion: tuple[float, float] | None = None,
    chords: str | None = None,
    key: str | None = None,
) -> Analysis:
    """Understand a request. Raises `unknown_genre`, `unknown_mood`, `bad_chord`, `bad_key`, `bad_samples` ..."""
    meant = words.meant(prompt, genre, mood, emotion)
    spans = chords_over(chords, selection) if chords and chords.strip() else None
    tonality = parse_key(key) if key and key.strip() else None
    plan = Plan(meant.genre, tonality.name if tonality else None, meant.emotion, meant.sentence, text=prompt.strip())
    if clip is None:
        return Analysis(plan, spans, tonality, None)
    clip = check_clip(clip)
    length, context = latent_length(selection), runtime.bundle.card.codec.encoder_reach
    sound = place_clip(clip, selection, context, length + 2 * context)
    inside = sound[context * HOP : (context + length) * HOP]
    if not inside.any():
        return Analysis(plan, spans, tonality, None, (f"{clip.name} is silent in the selection and was not used",))
    warnings: tuple[str, ...] = ()
    row0 = encode(runtime, sound[None])[0, context : context + length]
    if spans is None or tonality is None:
        end = selection.frames * SAMPLE_RATE // selection.rate
        heard = hear_clip(inside[:end], selection, analyst_of(runtime), clip.name)
        if spans is None and heard.chords:
            spans = heard.chords
            plan = replace(plan, understood="; ".join(filter(None, (plan.understood, _chart(spans)))))
        tonality = tonality or heard.key
        warnings = (heard.remark,) if heard.remark else ()
    # As in training, the curves of the first frames know what sounded before them: no onset at a cut.
    curves = clip_curves(sound, length + 2 * context)[context : context + length]
    plan = replace(plan, key=tonality.name if tonality else None, curves=curves)
    return Analysis(plan, spans, tonality, row0, warnings)


def _chart(spans: tuple[ChordSpan, ...]) -> str:
    """What to say of the chords that were heard: their names, one after the other."""
    names = [name for name, _ in groupby(span.chord.name for span in spans)]
    return f"chords heard: {' '.join(names[:MOST_CHORDS])}{' ...' if len(names) > MOST_CHORDS else ''}"
