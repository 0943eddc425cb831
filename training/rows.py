"""The rows of the performer's scoreboard as sound: performed with everything told or something dropped, and controls.

Legend: S stem, L latent frame, C channel, T sample at 44.1 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.curves import clip_curves
from harmonicflow.analysis.guide import beat_pool_seconds, guide_features_seconds
from harmonicflow.core.constants import GENRE_PLACES, GENRES, LATENT_RATE, SAMPLE_RATE
from harmonicflow.engine import codec
from harmonicflow.engine.blocks import Block
from harmonicflow.engine.bundle import EMOTION_WIDTH, TEXT_WIDTH
from harmonicflow.engine.canvas import Canvas
from harmonicflow.engine.noise import frame_noise
from harmonicflow.engine.perform import Conditions, perform_block, timbre_of
from harmonicflow.engine.runtime import Runtime
from harmonicflow.engine.sampler import flow_times
from harmonicflow.score.rolls import NoteArrays

from .excerpts import FEWEST_ONSETS, Excerpt

Sounds = dict[str, NDArray[np.float32]]  # stem -> [T]

BLOCK_S: Final = 8.0


@dataclass(frozen=True)
class Told:
    """What the performer is told of an excerpt. What it is not told is dropped as in training."""

    score: bool = True
    chords: bool = True
    key: bool = True
    time: bool = True  # beats and bars
    clip: bool = False  # the true mix as the user's clip: its latents in row 0, its curves in the guide


EVERYTHING: Final = Told()


@dataclass(frozen=True)
class WithoutScore(Conditions):
    """Conditions whose score is not known: every column zero, the flag that says it is known among them."""

    def window(self, stems: tuple[str, ...], low: int, high: int) -> dict[str, np.ndarray]:
        """The performer's inputs for the frames `low` up to `high`, batch of one."""
        inputs = super().window(stems, low, high)
        return inputs | {"score": np.zeros_like(inputs["score"])}


def conditions(
    excerpt: Excerpt, stems: tuple[str, ...], told: Told = EVERYTHING, curves_LK: NDArray[np.float32] | None = None
) -> Conditions:
    """What the performer is told: score and harmony, and of sound only the curves of a clip where they are given."""
    rows = [(place, *note) for place, stem in enumerate(stems) for note in excerpt.notes[stem] if told.score]
    columns = [np.array(column) for column in zip(*rows, strict=True)] if rows else [np.zeros(0)] * 5
    genre, emotion = np.zeros(GENRE_PLACES, np.float32), np.zeros(EMOTION_WIDTH, np.float32)
    if excerpt.genre in GENRES:
        genre[GENRES.index(str(excerpt.genre))] = 1
    if excerpt.emotion is not None:
        emotion[:] = (*excerpt.emotion, 1)
    beats = excerpt.beats_s if told.time else None
    return (Conditions if told.score else WithoutScore)(
        guide=guide_features_seconds(
            beats, excerpt.downbeats if told.time else None, excerpt.chords if told.chords else None,
            excerpt.key if told.key else None, curves_LK, excerpt.frames,
        ),
        beats=beat_pool_seconds(beats, excerpt.frames),
        notes=NoteArrays(*columns),
        text=np.zeros(TEXT_WIDTH, np.float32),
        genre=genre,
        emotion=emotion,
        timbre=timbre_of(None, len(stems)),
    )  # fmt: skip


def blocks(excerpt: Excerpt, context: int) -> list[Block]:
    """The engine's schedule on a song's own bars: the first two alone, then about 8 s of whole bars each."""
    beats = np.asarray(excerpt.beats_s)
    lines = np.interp(excerpt.downbeats, np.arange(len(beats)), beats) if len(beats) >= 2 else np.zeros(0)
    lines = lines[(lines > 0.25) & (lines < excerpt.seconds - 1.0)]
    edges = [float(lines[1])] if len(lines) >= 2 else []
    for line, following in zip(lines, np.append(lines, excerpt.seconds)[1:], strict=True):
        if edges and line > edges[-1] and following - edges[-1] > BLOCK_S:
            edges.append(float(line))
    ends = [min(int(np.ceil(edge * LATENT_RATE)) + context + 1, excerpt.frames) for edge in edges]
    ends = sorted({*ends, excerpt.frames})
    starts = [0, *ends[:-1]]
    return [Block(index, start, end, 0, 0) for index, (start, end) in enumerate(zip(starts, ends, strict=True))]


# ------------------------------------------------------------------------------------------------------------ performed


def performed(runtime: Runtime, excerpt: Excerpt, seed: int, steps: int, told: Told = EVERYTHING) -> Sounds:
    """The stems made from what is told of the excerpt, block after block as the engine makes them."""
    card = runtime.bundle.card
    canvas = Canvas.blank(len(card.stems), excerpt.frames)
    curves = None
    if told.clip:
        mix = excerpt.mix(card.stems)
        canvas.learn(0, 0, codec.encode(runtime, mix[None])[0])
        curves = clip_curves(mix, excerpt.frames)
    _fill(runtime, canvas, excerpt, conditions(excerpt, card.stems, told, curves), seed, steps)
    return dict(zip(card.stems, codec.decode(runtime, canvas.latents[1:]), strict=True))


def regenerated(runtime: Runtime, excerpt: Excerpt, truth_SLC: np.ndarray, seed: int, steps: int) -> Sounds:
    """Each stem that the excerpt has onsets of, made from its score while the true latents of the others are known."""
    card = runtime.bundle.card
    told = conditions(excerpt, card.stems)
    made, names = [], [stem for stem in card.stems if len(excerpt.onsets(stem)) >= FEWEST_ONSETS]
    for stem in names:
        canvas = Canvas.blank(len(card.stems), excerpt.frames)
        for row, latents_LC in enumerate(truth_SLC, 1):
            if card.stems[row - 1] != stem:
                canvas.learn(row, 0, latents_LC)
        _fill(runtime, canvas, excerpt, told, seed, steps)
        made.append(canvas.latents[1 + card.stems.index(stem)])
    return dict(zip(names, codec.decode(runtime, np.stack(made)), strict=True)) if made else {}


def _fill(runtime: Runtime, canvas: Canvas, excerpt: Excerpt, told: Conditions, seed: int, steps: int) -> None:
    card = runtime.bundle.card
    times = flow_times(steps, card.performer.schedule)
    for block in blocks(excerpt, card.codec.context):
        perform_block(runtime, canvas, told, block, seed, times)


# ------------------------------------------------------------------------------------------------------------- controls


def copied(runtime: Runtime, truth: Sounds) -> Sounds:
    """The true audio encoded and decoded."""
    latents = codec.encode(runtime, np.stack(list(truth.values())))
    return dict(zip(truth, codec.decode(runtime, latents), strict=True))


def decoded_noise(runtime: Runtime, excerpt: Excerpt, seed: int) -> Sounds:
    """What the performer starts from, decoded."""
    stems = runtime.bundle.stems
    latents = np.stack([frame_noise(seed, stem, 0, excerpt.frames) for stem in stems])
    return dict(zip(stems, codec.decode(runtime, latents), strict=True))


def late(sounds: Sounds, seconds: float) -> Sounds:
    """The stems moved later, their length kept."""
    shift = round(seconds * SAMPLE_RATE)
    return {stem: np.pad(x_T, (shift, 0))[: len(x_T)] for stem, x_T in sounds.items()}


def another(row: list[Sounds], excerpts: list[Excerpt], place: int) -> Sounds:
    """For each stem the sound of the next other song that plays it; silence where there is none."""
    out: Sounds = {}
    for stem, own in row[place].items():
        turns = [(place + step) % len(row) for step in range(1, len(row))]
        other = next((turn for turn in turns if len(excerpts[turn].onsets(stem)) >= FEWEST_ONSETS), None)
        out[stem] = np.zeros_like(own) if other is None else row[other][stem]
    return out
