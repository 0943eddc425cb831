"""The analyst's scoreboard: what is heard in mixes and in single stems, beside signal analysis and librosa."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from harmonicflow.analysis.listening import spectrum
from harmonicflow.audio import files
from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import SAMPLE_RATE

from .harte import NO_CHORD, key_name
from .hearers import LIBROSA, NETWORK, SIGNAL, Ask, Hearer, asked, librosas, network, without
from .measures import judged
from .questions import ScoreOptions, questions

Report = Callable[[str], None]


def measure(source: Path, corpus: Path, options: ScoreOptions, clips: Path | None, report: Report) -> dict[str, Any]:
    """The scoreboard of the analyst in `source` (a bundle or a checkpoint) on a corpus, and what it hears in `clips`.

    Raises: HarmonicFlowError of `asked`, `no_corpus`, `bad_corpus`, `missing_package`.
    """
    ask, about = asked(source, options.threads)
    hearers: dict[str, Hearer] = {NETWORK: network(ask), SIGNAL: without, LIBROSA: librosas}
    values: dict[str, dict[str, dict[str, list[float]]]] = {}
    songs = set()
    for question in questions(corpus, options):
        songs.add(question.song)
        for name, hear in hearers.items():
            for metric, value in judged(question, hear(question.sound)).items():
                columns = values.setdefault(metric, {}).setdefault(question.column, defaultdict(list))
                columns[name].append(value)
        report(f"{question.song} {question.column}")
    rows = {
        metric: {
            column: {name: {"mean": float(np.mean(each)), "count": len(each)} for name, each in named.items()}
            for column, named in columns.items()
        }
        for metric, columns in values.items()
    }
    return {
        "about": about, "options": asdict(options), "songs": len(songs), "hearers": list(hearers), "rows": rows,
        "clips": {path.name: told(path, hearers) for path in _sounds(clips)}, "speed": speed(ask),
    }  # fmt: skip


def _sounds(folder: Path | None) -> list[Path]:
    suffixes = (".wav", ".flac", ".mp3")
    return [] if folder is None else sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)


def told(path: Path, hearers: Mapping[str, Hearer]) -> dict[str, dict[str, Any]]:
    """What each hearer says of a recording without labels."""
    sound, rate = files.read(path)
    mono = resample(sound.mean(axis=0), rate, SAMPLE_RATE)
    out = {}
    for name, hear in hearers.items():
        heard = hear(mono)
        chords = [f"{start:.2f} {chord.name if chord else NO_CHORD}" for start, _, chord in heard.chords]
        out[name] = {
            "bpm": round(heard.bpm, 2), "meter": heard.meter, "beats": len(heard.beats_s),
            "key": None if heard.key is None else key_name(heard.key), "chords": chords[:16],
        }  # fmt: skip
    return out


def speed(ask: Ask, seconds: float = 180.0) -> dict[str, float]:
    """Seconds that features, network and the whole take for a recording of `seconds`."""
    sound = np.random.default_rng(0).normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(np.float32)
    ask(spectrum(sound[:SAMPLE_RATE]))
    began = time.perf_counter()
    rows = spectrum(sound)
    featured = time.perf_counter()
    ask(rows)
    asked_for = time.perf_counter()
    network(ask)(sound)
    return {
        "seconds": seconds, "features_s": featured - began, "network_s": asked_for - featured,
        "whole_s": time.perf_counter() - asked_for,
    }  # fmt: skip
