"""Generate on the stand-in bundle: exact lengths, exact repeats, streams equal to results, notes heard where asked."""

import time
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, Generate
from harmonicflow.core.tempo import Selection
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.result import BlockAudio, Progress, Result
from harmonicflow.score.arrange import ComposeRequest
from harmonicflow.score.score import Note, Score

PROGRESSION = "Am7 | D7/F# | Gmaj7 | Cmaj7"


def arrays(result: Result) -> Iterator[np.ndarray]:
    yield from result.stems.values()
    yield from (result.dry, result.mix, result.binaural, result.latents)


@pytest.mark.parametrize(
    ("rate", "meter", "tempo", "bars"),
    [
        (44100, "4/4", "97.3", 3), (48000, "7/8", "97.3", 2), (96000, "3/4", "96", 2), (44100, "6/8", "33.3", 1),
        (48000, "12/8", "271.8", 5), (44100, "4/4", "33.3", 1), (96000, "7/8", "271.8", 3), (22050, "4/4", "120", 2),
    ],
)  # fmt: skip
def test_every_file_has_exactly_the_selection_s_frames(
    flow: HarmonicFlow, rate: int, meter: str, tempo: str, bars: int
) -> None:
    beats = {"4/4": 4, "3/4": 3, "6/8": 3, "12/8": 6, "7/8": Fraction(7, 2)}[meter]
    exact = bars * beats * 60 * rate / Fraction(tempo)
    (result,) = flow.generate(bars=bars, tempo=tempo, meter=meter, rate=rate, steps=1)
    frames = int(exact + Fraction(1, 2))
    assert result.selection.frames == frames
    assert all(stem.shape == (2, frames) for stem in result.stems.values()) and len(result.stems) == 4
    assert result.mix.shape == result.binaural.shape == (2, frames) and result.dry.shape == (4, frames)
    assert all(np.isfinite(array).all() for array in arrays(result))
    assert all(np.abs(stem[:, -frames // 8 :]).max() > 1e-4 for stem in (result.mix, result.binaural))  # to the end


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_clip_s_range_in_seconds(flow: HarmonicFlow, rate: int, channels: int) -> None:
    clip = (0.1 * np.random.default_rng(0).standard_normal((channels, 5 * rate))).astype(np.float32)
    (result,) = flow.generate(
        clip=clip, clip_rate=rate, start="2.0", end="4.503", tempo=96, stems=["drums", "bass"], genre="funk", steps=1
    )
    assert list(result.stems) == ["bass", "drums"] and result.dry.shape[0] == 2
    assert result.mix.shape[1] == round(4.503 * rate) - 2 * rate
    assert result.canvas.known.all() and result.plan.curves is not None and result.plan.genre == "funk"


def test_the_same_seed_is_the_same_bytes_also_after_a_restart(flow: HarmonicFlow, tiny: Path) -> None:
    def made(engine: HarmonicFlow, seed: int) -> list[bytes]:
        (result,) = engine.generate(bars=6, tempo=147.3, chords=PROGRESSION, seed=seed, rate=48000, steps=2)
        return [array.tobytes() for array in arrays(result)] + [repr(result.score).encode()]

    first = made(flow, 7)
    assert made(flow, 7) == first and made(HarmonicFlow(tiny, threads=1), 7) == first
    assert all(a != b for a, b in zip(made(flow, 8), first, strict=True))


def test_takes_of_one_request_are_those_of_the_next_seeds(flow: HarmonicFlow) -> None:
    takes = flow.generate(bars=1, seed=2**63 - 2, count=3, steps=1)
    assert [take.seed for take in takes] == [2**63 - 2, 2**63 - 1, 0]
    (alone,) = flow.generate(bars=1, seed=0, steps=1)
    assert alone.mix.tobytes() == takes[2].mix.tobytes() != takes[1].mix.tobytes()


@pytest.mark.parametrize(("rate", "delivery"), [(44100, "mixed"), (48000, "mixed"), (48000, "dry")])
def test_blocks_put_end_to_end_are_the_result_sample_for_sample(flow: HarmonicFlow, rate: int, delivery: str) -> None:
    blocks: list[BlockAudio] = []
    (result,) = flow.generate(bars=10, tempo=143, rate=rate, delivery=delivery, on_block=blocks.append, steps=2)
    lines = [bar.end_frame for bar in result.selection.bars()]
    assert [block.index for block in blocks] == [0, 1, 2] and blocks[0].frames == lines[1]
    at = 0
    for block in blocks:
        assert block.start_frame == at and block.names == result.names
        at += block.frames
        assert at in lines
    stems = np.concatenate([block.stems for block in blocks], axis=2)
    assert stems.tobytes() == np.stack(list(result.stems.values())).tobytes()
    assert np.concatenate([block.mix for block in blocks], axis=1).tobytes() == result.mix.tobytes()


def test_the_mix_is_the_sum_of_the_delivered_stems_below_the_limiter(flow: HarmonicFlow) -> None:
    (result,) = flow.generate(bars=2, stems=["bass"], steps=2)
    assert np.abs(result.mix).max() < 0.8  # nothing for the limiter to do
    assert np.abs(result.mix - result.stems["bass"]).max() < 1e-6
    (all_four,) = flow.generate(bars=2, steps=2)
    assert np.abs(all_four.mix).max() <= 10 ** (-1 / 20)


class Planted:
    """A composer with one answer."""

    def __init__(self, *notes: Note) -> None:
        self.notes = notes

    def compose(self, request: ComposeRequest) -> Score:
        return Score(self.notes, request.chords or ())


@pytest.mark.parametrize("rate", [44100, 48000])
def test_a_note_is_heard_where_and_as_high_as_the_score_says(tiny: Path, rate: int) -> None:
    note = Note("guitar", Fraction(13, 2), Fraction(2), 69, 110)  # A4 from beat 6.5 to 8.5
    flow = HarmonicFlow(tiny, threads=1, composer=Planted(note))
    (result,) = flow.generate(bars=4, tempo=100, rate=rate)
    sound = result.dry[result.names.index("guitar")]
    onset_s = np.flatnonzero(np.abs(sound) > 0.5 * np.abs(sound).max())[0] / rate
    assert onset_s == pytest.approx(6.5 * 0.6, abs=0.05)  # one latent frame is 46 ms
    part = sound[round(4.0 * rate) : round(5.0 * rate)]
    peak_hz = np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * rate / len(part)
    assert peak_hz == pytest.approx(440, rel=0.03)  # the stand-in's channels lie 21.5 Hz apart
    for name in ("bass", "drums", "piano"):
        assert np.abs(result.dry[result.names.index(name)]).max() < 1e-3 * np.abs(sound).max()


def test_the_clip_is_placed_to_the_sample(flow: HarmonicFlow) -> None:
    """A click in the clip shows in the guide's loudness at its own time, whatever the clip's rate and start."""
    for rate, clip_rate, clip_start_s in ((44100, 44100, -1.5), (48000, 44100, 0.25), (44100, 96000, 0.0)):
        clip = np.zeros((2, 6 * clip_rate), np.float32)
        at_s = 3.0 - clip_start_s  # session second 3.0 inside the clip
        clip[:, round(at_s * clip_rate)] = 0.9
        selection = Selection.from_seconds(1, 5, rate, 120)
        request = Generate(
            id="x", selection=selection.to_wire(), steps=1,
            clip=ClipSpec(rate=clip_rate, channels=2, frames=clip.shape[1], start_frame=round(clip_start_s * rate)),
        )  # fmt: skip
        (result,) = flow.generate(request, clip)
        assert result.plan.curves is not None
        loudness = result.plan.curves[:, 15]
        assert np.argmax(loudness) == int(2.0 * 44100 / 2048)


def test_the_clip_changes_the_sound_and_gives_harmony(flow: HarmonicFlow) -> None:
    rate = 44100
    t = np.arange(8 * rate) / rate
    chord = sum(np.sin(2 * np.pi * 220 * 2 ** (step / 12) * t) for step in (0, 3, 7))  # A minor
    clip = (0.1 * chord).astype(np.float32)[None]
    options = {"bars": 4, "seed": 3, "steps": 2}
    (with_clip,) = flow.generate(clip=clip, clip_rate=rate, **options)
    (without,) = flow.generate(**options)
    assert {span.chord.name for span in with_clip.score.chords} == {"Am"}
    assert with_clip.latents[0].any() and not without.latents[0].any()
    assert with_clip.warnings == without.warnings and without.plan.curves is None


def test_a_clip_with_nothing_in_the_selection_is_said(flow: HarmonicFlow) -> None:
    clip = np.zeros((1, 88200), np.float32)
    (result,) = flow.generate(clip=clip, clip_rate=44100, bars=1, steps=1)
    assert "silent" in result.warnings[0] and not result.canvas.known[0].any()


def test_words_choose_the_style_and_names_outweigh_them(flow: HarmonicFlow) -> None:
    (result,) = flow.generate(bars=1, steps=1, prompt="a dark funk groove", key="C# minor")
    assert result.plan.genre == "funk" and result.plan.emotion is not None and result.plan.key == "C# minor"
    (result,) = flow.generate(bars=1, steps=1, prompt="a dark funk groove", genre="reggae")
    assert result.plan.genre == "reggae" and not any("reggae" in line for line in result.warnings)


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("unknown_stem", {"stems": ["bass", "kazoo"]}), ("unknown_genre", {"genre": "polka"}),
        ("unknown_mood", {"mood": "sideways"}), ("bad_chord", {"chords": "Am | H#9"}), ("bad_key", {"key": "H"}),
        ("bad_seed", {"seed": -1}), ("bad_seed", {"seed": 2**63}), ("bad_steps", {"steps": 65}),
        ("bad_count", {"count": 17}), ("bad_tempo", {"tempo": 0}), ("bad_meter", {"meter": "4/5"}),
        ("bad_selection", {"bars": None, "start": 5, "end": 2}), ("bad_rate", {"rate": 7}),
        ("bad_samples", {"clip": np.full((1, 44100), np.nan, np.float32)}),
        ("empty_audio", {"clip": np.zeros((1, 0), np.float32)}),
        ("too_short", {"clip": np.zeros((1, 1), np.float32), "bars": None}),
        ("too_many_channels", {"clip": np.zeros((9, 44100), np.float32)}),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_by_name(flow: HarmonicFlow, code: str, options: dict[str, object]) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        flow.generate(**{"bars": 1, **options})
    assert caught.value.code == code


def test_progress_counts_every_step_and_ends_with_none_left(flow: HarmonicFlow) -> None:
    seen: list[Progress] = []
    flow.generate(bars=6, tempo=220, steps=3, count=2, progress=seen.append)
    steps = [p for p in seen if p.stage == "perform"]
    assert [p.step for p in steps] == list(range(1, steps[0].steps + 1)) and steps[0].steps % 6 == 0
    assert steps[-1].seconds_left == 0 and all(p.seconds_left is not None for p in steps)
    assert [p.take_index for p in steps] == sorted(p.take_index for p in steps) and steps[-1].take_index == 1
    stages = list(dict.fromkeys(p.stage for p in seen))
    assert stages == ["analyse", "compose", "perform", "mix"]


def test_the_sound_outside_the_networks_is_cheap(flow: HarmonicFlow) -> None:
    flow.generate(bars=1, steps=1)  # tables are made once
    began = time.process_time()
    flow.generate(bars=6, tempo=120)  # 12 s
    assert time.process_time() - began < 4


def test_memory_is_the_result_and_little_more(flow: HarmonicFlow) -> None:
    flow.generate(bars=1, steps=1)
    tracemalloc.start()
    (result,) = flow.generate(bars=6, tempo=120, steps=1)  # 12 s, two blocks
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sound = sum(array.nbytes for array in arrays(result))
    assert kept < sound + 10e6 and peak < sound + 50e6
