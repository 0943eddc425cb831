"""Files of latents against the reference package, and against broken files."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.latents import IN_MEMORY, LatentsReader, LatentsWriter, Origin

ORIGIN = Origin("0123456789abcdef", 48_000, 100_000, 7)
LATENTS = np.random.default_rng(1).standard_normal((2, 45, 32)).astype(np.float32)


def written(path: Path, latents: np.ndarray = LATENTS, origin: Origin = ORIGIN) -> Path:
    with LatentsWriter(path, len(latents)) as writer:
        for piece in np.split(latents, [1, 2, 30], axis=1):
            writer.write(piece)
        writer.finish(origin)
    return path


def test_the_reference_package_reads_them(tmp_path: Path) -> None:
    path = written(tmp_path / "x.safetensors")
    assert np.array_equal(safetensors.numpy.load_file(path)["latents"], LATENTS)
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata() == {
            "latent_space": "0123456789abcdef", "rate": "44100", "hop": "2048", "channels": "2",
            "original_rate": "48000", "frames": "100000", "start_frame": "7",
        }  # fmt: skip


def test_what_is_written_is_read_in_any_pieces(tmp_path: Path) -> None:
    long = np.random.default_rng(2).standard_normal((2, IN_MEMORY // 128 + 100, 32)).astype(np.float32)
    with LatentsReader(written(tmp_path / "x.safetensors", long)) as file:
        assert (file.rows, file.length, file.origin) == (2, long.shape[1], ORIGIN)
        assert np.array_equal(file.read(0, file.length), long)
        assert np.array_equal(file.read(11, 12), long[:, 11:12])
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"], "nothing is left lying about"


def test_a_writer_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), LatentsWriter(tmp_path / "x.safetensors", 2) as writer:
        writer.write(LATENTS)
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def changed(**words: str | None) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with safetensors.safe_open(path, "np") as file:
            metadata = {key: value for key, value in (file.metadata() | words).items() if value is not None}
            arrays = {key: file.get_tensor(key) for key in file.keys()}
        safetensors.numpy.save_file(arrays, path, metadata)

    return change


def holding(**arrays: np.ndarray) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with safetensors.safe_open(path, "np") as file:
            metadata = file.metadata()
        safetensors.numpy.save_file(arrays, path, metadata)

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: path.write_bytes(b"RIFF"), "shorter than its header"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "float32 array"),
        (changed(hop="1024"), "its hop is 1024, this release needs 2048"),
        (changed(latent_space=None), "latent_space"),
        (changed(frames="many"), "many"),
        (changed(frames="0"), "out of range"),
        (changed(frames="101000"), "more sound than it holds"),
        (changed(frames="9" * 5000), "cannot|limit"),
        (changed(original_rate="1"), "out of range"),
        (holding(latents=LATENTS[:, :, :31].copy()), "one array"),
        (holding(latents=LATENTS, dry=LATENTS), "one array"),
        (holding(latents=np.zeros((9, 45, 32), np.float32)), "9 rows"),
        (holding(latents=LATENTS.astype(np.float16)), "float32"),
    ],
)
def test_broken_files_are_refused_in_words(tmp_path: Path, change: Callable[[Path], None], told: str) -> None:
    path = written(tmp_path / "x.safetensors")
    change(path)
    with pytest.raises(HarmonicFlowError, match=told) as caught:
        LatentsReader(path)
    assert caught.value.code == "bad_latents" and "x.safetensors" in str(caught.value)


def test_what_is_not_a_number_is_refused_where_it_is_read(tmp_path: Path) -> None:
    latents = LATENTS.copy()
    latents[1, 30, 3] = np.nan
    with LatentsReader(written(tmp_path / "x.safetensors", latents)) as file:
        assert np.array_equal(file.read(0, 30), latents[:, :30])
        with pytest.raises(HarmonicFlowError, match="not numbers"):
            file.read(20, 40)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none", "missing_file"), (tmp_path, "unreadable")):
        with pytest.raises(HarmonicFlowError) as caught:
            LatentsReader(path)
        assert caught.value.code == code


def test_metadata_must_be_words(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"frames": 7}}).encode()
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(HarmonicFlowError, match="no table of words"):
        LatentsReader(tmp_path / "x")
