"""What a corpus was made of, and who is to be credited for it: read from the labels of its training songs."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from harmonicflow.core.errors import HarmonicFlowError


class Source(NamedTuple):
    """A corpus of notes or a SoundFont: who is to be named, where it is, and under which licence."""

    title: str
    credit: str
    license: str


SOURCES: Final[dict[str, Source]] = {
    "freedoom": Source("Freedoom", "its contributors, github.com/freedoom/freedoom", "BSD-3-Clause"),
    "tannerhelland": Source("music by Tanner Helland", "github.com/tannerhelland/free-music", "CC-BY-4.0"),
    "blasphemer": Source("Blasphemer", "its contributors, github.com/Catoptromancy/blasphemer", "BSD-3-Clause"),
    "easyrpg_rtp": Source(
        "EasyRPG RTP", "Juan Manuel Nigretti (goodgameaudio) and Someoneman, github.com/EasyRPG/RTP",
        "CC-BY-4.0, one piece CC0-1.0",
    ),
    "groove": Source("Groove MIDI Dataset", "Google Magenta; Gillick et al., ICML 2019", "CC-BY-4.0"),
    "stickflow": Source("StickFlow drum patterns", "StickFlow, github.com/jkobti/stickflow-drum-patterns", "CC-BY-4.0"),
    "pop909": Source("POP909 (arrangements)", "Music X Lab; Wang et al., ISMIR 2020", "MIT"),
    "mutopia": Source(
        "Mutopia Project", "its typesetters, named with each piece at www.MutopiaProject.org",
        "public domain or CC-BY, by piece",
    ),
    "billboard": Source(
        "McGill Billboard annotations (chords)", "Burgoyne, Wild and Fujinaga, ISMIR 2011", "CC0-1.0"
    ),
    "openewld": Source("OpenEWLD (lead sheets)", "github.com/00sapo/OpenEWLD", "songs in the public domain"),
    "free_midi_chords": Source("Free MIDI Chords", "Ludovic Drolez, github.com/ldrolez/free-midi-chords", "MIT"),
}  # fmt: skip
SOUND_FONTS: Final[dict[str, Source]] = {  # by file name
    "FluidR3_GM": Source("FluidR3 GM", "Frank Wen", "MIT"),
    "MuseScore_General": Source(
        "MuseScore General", "S. Christian Collins, Michael Cowgill and Frank Wen", "MIT, parts CC0-1.0"
    ),
}
NAMED_BY_PIECE: Final = ("mutopia",)  # where credit belongs to a piece's own maker
OWN: Final = "own"  # songs whose labels name no corpus: the stems of whoever trained


def corpus_data(folder: Path) -> dict[str, Any]:
    """What the training songs under `folder` are made of: corpus -> hours, and pieces where each has its own credit.

    A song whose drums come from a second corpus counts for both. Raises `no_corpus`.
    """
    hours: dict[str, float] = defaultdict(float)
    pieces: dict[str, set[str]] = defaultdict(set)
    for labels in _songs(folder):
        corpus = str(labels.get("corpus", OWN))
        drums = str(labels.get("drums_from") or "").split("/")[0]
        for name in {corpus, drums} - {""}:
            hours[name] += _hours(labels)
        if corpus in NAMED_BY_PIECE:
            pieces[corpus].add(Path(str(labels.get("source", ""))).stem)
    return {
        name: {"hours": round(hours[name], 3)} | ({"pieces": sorted(pieces[name])} if name in pieces else {})
        for name in sorted(hours, key=lambda name: (-hours[name], name))
    }


def merged(tables: Sequence[Mapping[str, Any]], longest: bool = False) -> dict[str, Any]:
    """Several `corpus_data` as one: hours added up (or, with `longest`, the longer ones), all pieces named."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        rows = [table[name] for table in tables if name in table]
        pieces = sorted({piece for row in rows for piece in row.get("pieces", ())})
        hours = (max if longest else sum)(row["hours"] for row in rows)
        found[name] = {"hours": round(hours, 3)} | ({"pieces": pieces} if pieces else {})
    return found


def corpus_sounds(folder: Path) -> dict[str, Any]:
    """How the training songs under `folder` sound: songs, hours, and of each SoundFont the hours and how many vary.

    A varied song has programs and kits drawn at random; the others have the default ones. Raises `no_corpus`.
    """
    songs = _songs(folder)
    fonts: dict[str, dict[str, float]] = {}
    for labels in songs:
        if font := labels.get("sound_font"):
            row = fonts.setdefault(Path(str(font)).stem, {"hours": 0.0, "varied_hours": 0.0})
            row["hours"] += _hours(labels)
            row["varied_hours"] += _hours(labels) if labels.get("varied") else 0.0
    hours = sum(map(_hours, songs))
    rounded = {font: {key: round(value, 3) for key, value in row.items()} for font, row in sorted(fonts.items())}
    return {"songs": len(songs), "hours": round(hours, 3), "sound_fonts": rounded}


def _songs(folder: Path) -> list[Mapping[str, Any]]:
    songs = [_labels(track / "labels.json") for track in sorted(folder.glob("train/Track*"))]
    if not songs:
        raise HarmonicFlowError("no_corpus", path=folder)
    return songs


def _hours(labels: Mapping[str, Any]) -> float:
    return float(labels.get("seconds", 0.0)) / 3600


def _labels(path: Path) -> Mapping[str, Any]:
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return labels if isinstance(labels, dict) else {}
