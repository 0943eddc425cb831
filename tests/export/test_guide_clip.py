"""A clip of any instrument gives the performer what training gave it: row 0 and the curves, through the real encoder.

The same sound goes both ways: encoded whole into a shard and cut there, and cut by the engine from the user's clip.
"""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from harmonicflow.analysis.guide import GUIDE_COLUMNS
from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.tempo import Selection, TempoMap
from harmonicflow.engine.analyse import Clip, analyse
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.score.score import Score
from training.encode import encode_corpus
from training.shards import ExampleData, Song, load_songs

from .conftest import Made

START, FRAMES = 23, 30  # latent frames: where the selection lies in the sound


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """A struck, bent thing that is none of the four instruments, with hiss; 4 s."""
    at = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    strike = np.exp(-5 * (at % 0.37))
    tone = np.sin(2 * np.pi * (523 * at + 3 * np.sin(2 * np.pi * 5 * at))) + 0.5 * np.sin(2 * np.pi * 1871 * at)
    hiss = np.random.default_rng(0).normal(0, 0.02, len(at))
    return (0.2 * strike * tone + hiss).astype(np.float32)


@pytest.fixture(scope="module")
def song(made: Made, sound: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Song:
    """The sound as the part of a song that is none of the four, encoded as a corpus is."""
    folder = tmp_path_factory.mktemp("corpus")
    track = folder / "train" / "Track00001"
    track.mkdir(parents=True)
    for name, audio in (("other", sound), ("bass", np.zeros_like(sound))):
        soundfile.write(track / f"{name}.wav", audio, SAMPLE_RATE, subtype="FLOAT")
    encode_corpus(folder, made.codec_file, folder / "encoded", lambda line: None)
    (found,) = load_songs(folder / "encoded", "train")
    return found


def in_training(song: Song) -> tuple[np.ndarray, np.ndarray]:
    """Row 0 and curves of the excerpt, as an example with the other instrument as its clip has them."""
    data = ExampleData([song], FRAMES, 1, seed=0)
    only = replace(song, parts=dict.fromkeys((*song.parts, "guitar"), song.parts["other"]))  # whatever is drawn
    for _ in range(200):
        row0, curves = data._clip(only, START)
        if row0 is not None and curves is not None:
            return row0, curves
    raise AssertionError("no example with a clip and its curves")


def in_the_engine(flow: HarmonicFlow, clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Row 0 and the guide's curves of a selection of whole latent frames of the same sound."""
    start, end = START * HOP, (START + FRAMES) * HOP
    selection = Selection(SAMPLE_RATE, start, end, TempoMap.constant(120, SAMPLE_RATE, 0, start))
    analysis = analyse(flow.runtime, flow.words, selection, clip, chords="C", key="C major")
    assert analysis.row0 is not None
    guide = flow.conditions(selection, Score(()), analysis.plan, analysis.key).guide
    assert (guide[:, GUIDE_COLUMNS["presence"]][:, 3] == 1).all()
    return analysis.row0, guide[:, GUIDE_COLUMNS["onset"].start : GUIDE_COLUMNS["loudness"].stop]


@pytest.mark.parametrize("before", [0, 7 * HOP + 123], ids=["whole", "cut"])
def test_a_users_clip_tells_what_a_song_in_training_tells(
    made: Made, song: Song, sound: np.ndarray, before: int
) -> None:
    """`before`: samples missing from the clip's beginning, which the command line does not send."""
    flow = HarmonicFlow(made.bundle, threads=1)
    trained, told = in_training(song), in_the_engine(flow, Clip(sound[None, before:], SAMPLE_RATE, before))
    for wanted, found, near in zip(trained, told, (0.03, 0.005), strict=True):
        assert wanted.shape == found.shape and np.abs(wanted).max() > 0.3
        np.testing.assert_allclose(found, wanted, atol=near * np.abs(wanted).max())  # float16 in the shard


def test_a_clip_that_is_cut_has_no_onset_at_the_cut(made: Made, sound: np.ndarray) -> None:
    flow = HarmonicFlow(made.bundle, threads=1)
    steady = np.tile(np.sin(2 * np.pi * 64 * np.arange(HOP) / HOP).astype(np.float32), 90)
    _, whole = in_the_engine(flow, Clip(steady[None], SAMPLE_RATE))
    assert whole[:, :3].max() < 0.02
    _, begun = in_the_engine(flow, Clip(steady[None, START * HOP :], SAMPLE_RATE, START * HOP))
    assert begun[0, :3].max() > 0.15  # here the sound does begin
