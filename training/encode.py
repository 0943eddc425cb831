"""Encode a corpus once, so that the performer trains on latents that sit in memory.

One safetensors file a song, OUT/<split>/TrackNNNNN.safetensors:
  latents float16 [P, L, C]  whitened latents of the parts named in the metadata ("mix", the stems, "other")
  silence float32 [C]        the latent of digital silence
  curves  float16 [P, L, 16] what `clip_curves` hears in each part, for when it is the clip in row 0
and in its metadata "parts", "labels" (the song's labels.json, {} for a user's own stems) and "latent_space".
"""

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from harmonicflow.analysis.curves import clip_curves
from harmonicflow.core.constants import DEFAULT_STEMS, HOP
from harmonicflow.nn.codec import Codec
from harmonicflow.nn.latent_space import latent_space

from .codec import load_codec
from .data import MIX, OTHER, Audio, Track, tracks

SPLITS = ("train", "validation", "test")
PIECE = 512  # latent frames encoded at once
MARGIN = 32  # latent frames of context on both sides of a piece: more than the encoder's reach


def encode_corpus(
    data_dir: Path, codec_path: Path, out: Path, report: Callable[[str], None], jobs: int = 1, varied: bool = True,
    device: str = "cpu",
) -> None:  # fmt: skip
    """Encode every song of every split that is there, `jobs` at a time; songs already encoded are skipped.

    Without `varied` only songs with the default sound of the corpus, which a small performer learns faster.  In single
    precision, as the daemon encodes.
    """
    work = [
        (track, out / split / f"{track.folder.name}.safetensors")
        for split in SPLITS
        if (data_dir / split).is_dir()
        for track in tracks(data_dir, split)
        if varied or not (track.labels or {}).get("varied", False)
    ]
    missing = [(track, target) for track, target in work if not target.exists()]
    report(f"{len(missing)} of {len(work)} songs to encode")
    if jobs == 1:
        return _encode_share(codec_path, missing, device, report)
    spawn = multiprocessing.get_context("spawn")  # a forked torch hangs in its threads
    with ProcessPoolExecutor(jobs, spawn) as pool:
        shares = [pool.submit(_encode_share, codec_path, missing[place::jobs], device) for place in range(jobs)]
        for share in shares:
            share.result()
    report(f"{len(missing)} songs encoded")


def _encode_share(
    codec_path: Path, work: list[tuple[Track, Path]], device: str, report: Callable[[str], None] | None = None
) -> None:
    codec = load_codec(codec_path)[0].to(device)
    silence = encode_audio(codec, np.zeros(8 * HOP, np.float32))[4]
    for number, (track, target) in enumerate(work):
        _encode_track(codec, track, silence, target)
        if report is not None and number % 20 == 0:
            report(f"{number + 1}/{len(work)}")


def encode_audio(codec: Codec, audio: Audio) -> np.ndarray:
    """Latents [L, C] of a mono waveform, in pieces that join exactly; L covers the last sample."""
    length = -(-len(audio) // HOP)
    padded = np.pad(audio, (MARGIN * HOP, MARGIN * HOP + length * HOP - len(audio)))
    device = codec.encoder.mean.device
    pieces = []
    for start in range(0, length, PIECE):
        count = min(PIECE, length - start)
        window = padded[start * HOP : (start + count + 2 * MARGIN) * HOP]
        with torch.no_grad():
            latents = codec.encoder(torch.from_numpy(window)[None].to(device))[0]
        pieces.append(latents[MARGIN : MARGIN + count].cpu().numpy())
    return np.concatenate(pieces)


def _encode_track(codec: Codec, track: Track, silence: Audio, target: Path) -> None:
    parts = {part: track.read(part, 0, track.samples) for part in (*DEFAULT_STEMS, OTHER) if part in track.parts}
    together: Audio = np.sum(list(parts.values()), axis=0, dtype=np.float32)
    sounds = {MIX: together, **parts}
    length = -(-track.samples // HOP)
    latents = np.stack([encode_audio(codec, sound) for sound in sounds.values()]).astype(np.float16)
    curves = np.stack([clip_curves(sound, length) for sound in sounds.values()]).astype(np.float16)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    about = {"parts": list(sounds), "labels": track.labels or {}, "latent_space": latent_space(codec.encoder)}
    meta = {key: json.dumps(value) for key, value in about.items()}
    save_file({"latents": latents, "curves": curves, "silence": silence}, part, meta)
    part.replace(target)
