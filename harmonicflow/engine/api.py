"""HarmonicFlow, the Python API: from a selection to takes, in five stages.

    flow = HarmonicFlow()
    take = flow.generate(bars=8, tempo=97.3, chords="Am | F | C | G", seed=7)[0]
    again = flow.regenerate(take, stems="bass", from_bar=3, to_bar=4, seed=8)[0]

Analyse and compose need no network, perform is the flow model, mix and place are ordinary signal processing that
keeps up with the blocks: the sound of a block is final as soon as it is given.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from harmonicflow import __version__
from harmonicflow.analysis.guide import beat_pool, guide_features
from harmonicflow.core.constants import GENRE_PLACES, GENRES
from harmonicflow.core.messages import Extend, Generate, Regenerate
from harmonicflow.core.tempo import Selection
from harmonicflow.score.arrange import Composer
from harmonicflow.score.chords import ChordSpan
from harmonicflow.score.genres import nearest_heard
from harmonicflow.score.keys import Key
from harmonicflow.score.rolls import note_arrays
from harmonicflow.score.score import Score
from harmonicflow.score.steering import Steering

from . import codec
from .analyse import Analysis, Clip, analyse
from .blocks import latent_length, schedule
from .bundle import EMOTION_WIDTH, Bundle
from .canvas import Canvas
from .clock import Clock
from .compose import begin
from .composer import LearnedComposer
from .composition import Composition
from .deliver import Delivery, default_strips, report
from .given import given_score, heard_until, steering_of, with_given
from .perform import Conditions, perform_block, timbre_of
from .request import MAX_SEED, check_numbers, check_stems, extend_request, generate_request, regenerate_request
from .result import BlockAudio, Composed, Plan, Progress, Result
from .runtime import Runtime
from .sampler import flow_times
from .text import Words
from .timbre import Like, timbre

OnProgress = Callable[[Progress], None]
OnBlock = Callable[[BlockAudio], None]
LARGEST_SEED: Final = MAX_SEED


class HarmonicFlow:
    """The engine on one bundle. One call at a time; `cancel` may come from any thread.

    Raises `no_bundle`, `bad_bundle`, `latent_mismatch`. `threads`: for the networks, by default the machine's cores.
    """

    def __init__(
        self, bundle: Bundle | str | Path | None = None, threads: int | None = None, composer: Composer | None = None
    ) -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        self.runtime = Runtime(self.bundle, threads)
        self.words = Words(self.bundle)
        self.composer = composer or LearnedComposer(self.runtime)

    @property
    def stems(self) -> tuple[str, ...]:
        """The instruments this engine plays."""
        return self.bundle.stems

    def preload(self) -> None:
        """Load every network now; otherwise each is loaded at its first use."""
        for name in self.bundle.networks:
            self.runtime.load(name)

    def cancel(self) -> None:
        """End the running call, which raises `cancelled`. A call that begins later is not touched."""
        self.runtime.stop()

    def encode(self, audio: np.ndarray) -> np.ndarray:
        """Latents float32 [B, L, 32] of mono audio [B, T] (or [L, 32] of [T]) at 44.1 kHz."""
        latents = codec.encode(self.runtime, np.atleast_2d(audio))
        return latents if np.ndim(audio) == 2 else latents[0]

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Mono audio float32 [B, L * 2048] at 44.1 kHz of latents [B, L, 32] (or [L * 2048] of [L, 32])."""
        audio = codec.decode(self.runtime, latents if np.ndim(latents) == 3 else latents[None])
        return audio if np.ndim(latents) == 3 else audio[0]

    def generate(
        self,
        request: Generate | None = None,
        clip: np.ndarray | None = None,
        *,
        like: Like | None = None,
        known: Score | None = None,
        steering: Steering | None = None,
        progress: OnProgress | None = None,
        on_block: OnBlock | None = None,
        **options: Any,
    ) -> list[Result]:
        """Make `count` takes: one Result each, the n-th from the seed plus n.

        Give a message, or its fields by name; `request.generate_request` has the friendly ones (bars, start, end,
        tempo, meter, rate, clip_rate). `clip`: float32 [channels, N]. `like={"bass": (audio, rate)}`: what stems are to
        sound like, with "" for all that have nothing of their own. `known`: finished parts, played as they are, with
        chords and sections where the request names none; `steering`: how the others are to be. `progress` and
        `on_block` are called from this thread and may raise.
        """
        self.runtime.resume()
        request = with_given(request or generate_request(clip=clip, like=like, **options), known, steering)
        check_numbers(request.seed, request.steps, request.count)
        request = msgspec.structs.replace(request, steps=request.steps or self.bundle.card.performer.steps)
        names = check_stems(request.stems, self.stems)
        selection = Selection.from_wire(request.selection)
        clock = Clock(progress, self.runtime)
        analysis = self._analysed(request, clip, selection, clock)
        plan = replace(analysis.plan, timbre=timbre(self.runtime, like, names, request.like))
        analysis = replace(analysis, plan=plan, warnings=analysis.warnings + self.unheard(like))
        blocks = schedule(selection, self.bundle.card.codec.context)
        clock.expect([block.end - block.start for block in blocks] * request.count, request.steps)
        return [
            self._take(request, index, selection, names, analysis, clock, on_block) for index in range(request.count)
        ]

    def compose(
        self,
        request: Generate | None = None,
        clip: np.ndarray | None = None,
        *,
        known: Score | None = None,
        steering: Steering | None = None,
        progress: OnProgress | None = None,
        **options: Any,
    ) -> list[Composed]:
        """The scores that `generate` would perform with the same arguments, without performing them."""
        self.runtime.resume()
        request = with_given(request or generate_request(clip=clip, **options), known, steering)
        check_numbers(request.seed, request.steps, request.count)
        names = check_stems(request.stems, self.stems)
        selection = Selection.from_wire(request.selection)
        clock = Clock(progress, self.runtime)
        analysis = self._analysed(request, clip, selection, clock)
        found = []
        for index in range(request.count):
            clock.take_index = index
            clock.say("compose")
            seed = _seed(request, index)
            composition = self._begin(request, seed, selection, names, analysis)
            score = composition.whole()
            warnings = analysis.warnings + composition.warnings
            found.append(Composed(score, selection, analysis.plan, seed, _writer(composition), warnings))
        return found

    def _analysed(self, request: Generate, clip: np.ndarray | None, selection: Selection, clock: Clock) -> Analysis:
        clock.say("analyse")
        return analyse(
            self.runtime, self.words, selection, _clip(request, clip), prompt=request.prompt, genre=request.genre,
            mood=request.mood, emotion=request.emotion, chords=request.chords, key=request.key,
        )  # fmt: skip

    def _begin(
        self, request: Generate, seed: int, selection: Selection, names: tuple[str, ...], analysis: Analysis
    ) -> Composition:
        return begin(
            selection, names, genre=analysis.plan.genre, chords=analysis.chords, key=analysis.key,
            emotion=analysis.plan.emotion, seed=seed, known=given_score(request, selection), composer=self.composer,
            steering=steering_of(request),
        )  # fmt: skip

    def _take(
        self,
        request: Generate,
        index: int,
        selection: Selection,
        names: tuple[str, ...],
        analysis: Analysis,
        clock: Clock,
        on_block: OnBlock | None,
    ) -> Result:
        """One take of a request: block after block is composed, performed, mixed and placed."""
        seed = _seed(request, index)
        clock.take_index = index
        clock.say("compose")
        composition = self._begin(request, seed, selection, names, analysis)
        canvas = Canvas.blank(len(self.stems), latent_length(selection))
        if analysis.row0 is not None:
            canvas.learn(0, 0, analysis.row0)
        blocks = schedule(selection, self.bundle.card.codec.context)
        score = composition.until(heard_until(selection, blocks[0]))
        conditions = self.conditions(selection, score, analysis.plan, analysis.key)
        strips = default_strips(names)
        decoder = codec.DecodeStream(self.runtime, [1 + self.stems.index(name) for name in names])
        delivery = Delivery(selection, names, strips, str(request.delivery))
        times = flow_times(request.steps, self.bundle.card.performer.schedule)
        for block in blocks:
            score = composition.until(heard_until(selection, block))
            conditions = replace(conditions, notes=note_arrays(score, selection, self.stems))
            perform_block(self.runtime, canvas, conditions, block, seed, times, clock.step)
            audio = decoder.process(canvas.latents, block.end)
            piece = delivery.process(audio, block.index, block.end_frame, last=block.end_frame == selection.frames)
            if on_block is not None:
                on_block(replace(piece, take_index=index))
        clock.say("mix")
        sound = delivery.sound()
        return Result(
            selection=selection, names=names, stems=sound.stems, dry=sound.dry, mix=sound.mix,
            binaural=sound.binaural, score=composition.whole(), canvas=canvas, strips=strips, plan=analysis.plan,
            seed=seed, steps=request.steps, delivery=str(request.delivery), request=_plain(request),
            bundle=self.identity(), report=report(sound, selection.rate),
            warnings=analysis.warnings + composition.warnings, title=request.title, option=index + 1,
            composer=_writer(composition),
        )  # fmt: skip

    def regenerate(
        self,
        parent: Result | str | Path,
        request: Regenerate | None = None,
        *,
        like: Like | None = None,
        known: Score | None = None,
        steering: Steering | None = None,
        progress: OnProgress | None = None,
        on_block: OnBlock | None = None,
        **options: Any,
    ) -> list[Result]:
        """New takes from `parent`, a Result or a take's folder: only `stems` change, only from `from_bar` to `to_bar`,
        or in the bars that `frames` (start, end) touch.

        Give a message or its fields. The other stems come back as they were, byte for byte, and so do the changed
        ones outside the bars. Prompt, timbre and `steering` are the parent's where none is given; `known`: finished
        parts of `stems` for these bars. Raises `bad_bars`, `unknown_stem`, `bad_take`, `latent_mismatch`.
        """
        from .regenerate import regenerate
        from .take import read_take

        self.runtime.resume()
        old = parent if isinstance(parent, Result) else read_take(parent)
        request = with_given(request or regenerate_request(like=like, **options), known, steering)
        check_numbers(request.seed, request.steps, request.count)
        request = msgspec.structs.replace(request, steps=request.steps or self.bundle.card.performer.steps)
        clock = Clock(progress, self.runtime)
        return regenerate(self, old, request, like, clock, on_block)

    def extend(
        self,
        parent: Result | str | Path,
        request: Extend | None = None,
        *,
        like: Like | None = None,
        known: Score | None = None,
        steering: Steering | None = None,
        progress: OnProgress | None = None,
        on_block: OnBlock | None = None,
        **options: Any,
    ) -> list[Result]:
        """New takes that begin as `parent` is, sample for sample, and go on for so many `bars`, `beats` or `seconds`.

        `parent`: a Result or a take's folder. Give a message or its fields. `stems` play on, the others rest. Tempo and
        meter go on as the parent's maps say, its chords go round unless others are given; `known`: finished parts for
        the new bars, in beats of the whole. Raises `bad_selection`, `too_long`, `unknown_stem`, `bad_take`,
        `latent_mismatch`.
        """
        from .extend import extend
        from .take import read_take

        self.runtime.resume()
        old = parent if isinstance(parent, Result) else read_take(parent)
        request = with_given(request or extend_request(like=like, **options), known, steering)
        check_numbers(request.seed, request.steps, request.count)
        request = msgspec.structs.replace(request, steps=request.steps or self.bundle.card.performer.steps)
        clock = Clock(progress, self.runtime)
        return extend(self, old, request, like, clock, on_block)

    def unheard(self, like: Like | None) -> tuple[str, ...]:
        """A note where a timbre is asked for that the bundle was not trained to follow."""
        if not like or "timbre" in self.bundle.conditions:
            return ()
        return (f"the bundle {self.bundle.card.name} was not trained to sound like a clip: do not expect it to",)

    def conditions(self, selection: Selection, score: Score, plan: Plan, key: Key | None) -> Conditions:
        """What the performer is told of a selection."""
        length = latent_length(selection)
        genre = np.zeros(GENRE_PLACES, np.float32)
        told = plan.genre if plan.genre in self.bundle.card.performer.genres else nearest_heard(plan.genre)
        genre[GENRES.index(told)] = 1
        emotion = np.zeros(EMOTION_WIDTH, np.float32)
        if plan.emotion is not None:
            emotion[:] = (*plan.emotion, 1)
        chords: tuple[ChordSpan, ...] | None = score.chords or None
        return Conditions(
            guide=guide_features(selection, chords, key, plan.curves, length),
            beats=beat_pool(selection, length),
            notes=note_arrays(score, selection, self.stems),
            text=self.words.embed(plan.text),
            genre=genre,
            emotion=emotion,
            timbre=timbre_of(None, len(self.stems)) if plan.timbre is None else plan.timbre,
        )

    def identity(self) -> dict[str, str]:
        """What made a take: bundle and release."""
        card = self.bundle.card
        return {
            "name": card.name, "version": card.version, "hash": self.bundle.hash,
            "latent_space": card.latent_space, "harmonicflow": __version__,
        }  # fmt: skip


def _clip(request: Generate, sound: np.ndarray | None) -> Clip | None:
    spec = request.clip
    if sound is None or spec is None:
        return None
    return Clip(sound, spec.rate, spec.start_frame, spec.name or "the clip")


def _seed(request: Generate, index: int) -> int:
    return (request.seed + index) % (LARGEST_SEED + 1)


def _writer(composition: Composition) -> str:
    """Who composed: "model", or "arranger: the bundle has no composer"."""
    return f"{composition.by}: {composition.why}" if composition.why else composition.by


def _plain(request: Generate | Regenerate) -> dict[str, Any]:
    """A request as plain values, for take.json."""
    plain: dict[str, Any] = msgspec.to_builtins(request)
    return plain
