"""Captions of a song in many wordings, made from its labels and from nothing else.

A caption says some of the facts that the labels hold, drawn at random, in words of harmonicflow.text.lines: two words
("slow blues"), a list ("brushes, upright bass, mid tempo"), a phrase or a whole sentence. Genre is what was played
(`genre_arranged` where the arranger played) and now and then what the source calls itself.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.vocabulary import MOODS as PLACES
from harmonicflow.text.lines import DENSITIES, ERAS, GENRES, MOODS, TEMPOS, TONES
from harmonicflow.text.table import DIMENSIONS, TextTable

# The tone of each General MIDI program (bank 8 holds variations), as training.corpus.sounds names them.
_TONE_ROWS: Final[dict[str, tuple[str, ...]]] = {
    "bass": (
        "upright bass", "fingered bass", "picked bass", "fretless bass", "slap bass", "slap bass", "synth bass",
        "synth bass",
    ),
    "guitar": (
        "nylon guitar", "acoustic guitar", "jazz guitar", "clean guitar", "muted guitar", "overdriven guitar",
        "distorted guitar",
    ),
    "piano": (
        "grand piano", "bright piano", "electric grand piano", "honky-tonk piano", "electric piano", "electric piano",
    ),
}  # fmt: skip
_FIRST_PROGRAMS: Final = {"bass": 32, "guitar": 24, "piano": 0}
_VARIATIONS: Final = {
    25: "twelve string guitar", 26: "hawaiian guitar", 28: "funk guitar", 0: "mellow piano", 4: "electric piano",
    5: "electric piano", 38: "synth bass", 39: "synth bass",
}  # fmt: skip
_KITS: Final = (
    (range(0, 8), "standard drums"), (range(8, 16), "room drums"), (range(16, 20), "power drums"),
    (range(24, 25), "electronic drums"), (range(25, 26), "808 drums"), (range(32, 37), "jazz drums"),
    (range(40, 43), "brushes"),
)  # fmt: skip

# Beats a minute; what lies between two rows has no word of its own.
_TEMPOS: Final = (("slow", 0.0, 82.0), ("medium tempo", 88.0, 120.0), ("fast", 130.0, math.inf))
# Notes a second, of a song by its number of stems and of one stem: the corpus's lowest and highest fifth.
_SONG_NOTES: Final = {1: (3.7, 8.4), 2: (9.0, 14.1), 3: (10.5, 25.9), 4: (17.5, 29.9)}
_STEM_NOTES: Final = {"bass": (1.4, 3.5), "drums": (5.0, 9.0), "guitar": (4.5, 12.2), "piano": (3.6, 7.7)}
_SHORT: Final = {"sparse": ("sparse", "simple", "minimal"), "busy": ("busy", "dense", "intricate")}  # before a stem
_FARTHEST_MOOD: Final = 0.35  # on the plane of valence and arousal
_MOODS_BESIDE: Final = 0.15  # how much farther than the nearest mood another one still fits

# Composers whose pieces the sources name, as Mutopia writes them.
_COMPOSERS: Final = {
    "baroque": ("BachJS", "HandelGF", "ScarlattiD", "VivaldiA", "PurcellH", "TelemannGP", "CouperinF", "WeissSL"),
    "classical": ("MozartWA", "HaydnFJ", "BeethovenLv", "ClementiM", "GiulianiM", "SorF", "CarulliF", "CarcassiM",
                  "MatiegkaWT"),
    "romantic era": (
        "ChopinFF", "LisztF", "SchumannR", "SchubertF", "BrahmsJ", "MendelssohnF", "BurgmullerJFF", "VerdiG",
        "TarregaF", "GriegE",
    ),
}  # fmt: skip
_METERS: Final = {
    "4/4": ("4/4", "four four"), "3/4": ("3/4", "waltz time", "three four"), "6/8": ("6/8", "six eight"),
    "12/8": ("12/8", "twelve eight"), "5/4": ("5/4", "five four"), "7/8": ("7/8", "seven eight"), "2/4": ("2/4",),
}  # fmt: skip
_PACES: Final = ("at {} bpm", "{} bpm", "at {} beats per minute")
_GROOVE: Final = re.compile(r"/\d+_([a-z\d-]+)_\d+_beat_")  # of Magenta's Groove: number, style, tempo, kind
_GROOVE_WORDS: Final = {"hiphop": "hip hop", "neworleans": "new orleans", "afrocuban": "afro cuban"}
_ENSEMBLES: Final = {2: ("duo",), 3: ("trio",), 4: ("full band", "band", "quartet")}
_DESCRIBING: Final = ("funky", "jazzy", "bluesy", "soulful", "electronic", "latin", "classical", "baroque", "modern")
_OPENERS: Final = (
    "give me", "i want", "play", "make", "we need", "please play", "something like", "can you make", "how about",
)  # fmt: skip


class Fact(NamedTuple):
    """One thing the labels say, and the ways to say it."""

    role: str  # "adjective", "noun", "with" or "tail"
    chance: float  # of being said, beside the others
    phrases: tuple[str, ...]


def caption(labels: Mapping[str, Any], rng: np.random.Generator) -> str:
    """A caption of a song. `labels`: the object in its labels.json, whose fields may be missing or null."""
    return _say(facts_of(labels), rng)


def song_captions(labels: Mapping[str, Any], table: TextTable, count: int, seed: int) -> NDArray[np.float32]:
    """Embeddings [count, 256] of as many captions of a song; the same for the same labels, table and seed."""
    song = zlib.crc32(f"{labels.get('group')} {labels.get('source')}".encode())
    rng = np.random.default_rng((seed, song))
    facts = facts_of(labels)
    out = np.zeros((count, DIMENSIONS), np.float32)
    for row in out:
        row[:] = table.embed(_say(facts, rng))
    return out


def facts_of(labels: Mapping[str, Any]) -> list[Fact]:
    """All that can be said of a song."""
    notes = {stem: part for stem, part in (labels.get("notes") or {}).items() if part}
    return [
        *_genre_facts(labels),
        *_mood_facts(labels.get("emotion")),
        *_tempo_facts(labels.get("tempo_bpm"), labels.get("meter") or "4/4"),
        *_tone_facts(labels, notes),
        *_density_facts(notes, labels.get("seconds")),
        *_era_facts(labels),
        *_tail_facts(labels),
    ]


def _genre_facts(labels: Mapping[str, Any]) -> list[Fact]:
    named, arranged = labels.get("genre"), labels.get("genre_arranged")
    played = arranged or named
    says = [*(GENRES[played].says if played in GENRES else ())] * 2
    if named in GENRES and named != played:
        says += GENRES[named].says
    return [Fact("noun", 1.6, tuple(says))] if says else []


def _mood_facts(emotion: Sequence[float] | None) -> list[Fact]:
    if not emotion:
        return []
    far = {name: math.dist(PLACES[name][:2], emotion) for name in MOODS}
    limit = min(_FARTHEST_MOOD, min(far.values()) + _MOODS_BESIDE)
    says = tuple(word for name in MOODS if far[name] <= limit for word in MOODS[name].says)
    return [Fact("adjective", 1.0, says)] if says else []


def _tempo_facts(bpm: float | None, meter: str) -> list[Fact]:
    if not bpm:
        return []
    facts = [Fact("tail", 0.35, tuple(form.format(round(bpm)) for form in _PACES))]
    for name, low, high in _TEMPOS:
        if low <= bpm <= high and not meter.endswith("8"):  # in 6/8 quarter notes are not what is counted
            facts.append(Fact("adjective", 1.2, (name, *TEMPOS[name].says)))
    return facts


def _tone_facts(labels: Mapping[str, Any], notes: Mapping[str, Any]) -> list[Fact]:
    facts = []
    programs, banks = labels.get("programs") or {}, labels.get("banks") or {}
    for stem in notes:
        tone = tone_of(stem, programs.get(stem), banks.get(stem, 0))
        alone = ("only {}", "solo {}", "{} alone") if len(notes) == 1 else ("{}",)
        says = (*TONES[tone].says, stem) if tone else (stem,)
        chance = 0.6 if len(notes) > 1 else 1.2
        facts.append(Fact("with", chance, tuple(form.format(say) for say in says for form in alone)))
    style = _GROOVE.search(labels.get("drums_from") or "")
    if style and "drums" in notes:
        words = re.sub(r"\d+", "", style[1]).split("-")
        beat = " ".join(_GROOVE_WORDS.get(word, word) for word in words)
        facts.append(Fact("with", 0.7, (f"{beat} drums", f"{beat} drumming", f"drums playing {beat}")))
    if len(notes) in _ENSEMBLES:
        facts.append(Fact("with", 0.2, _ENSEMBLES[len(notes)]))
    return facts


def tone_of(stem: str, program: int | None, bank: int) -> str | None:
    """The tone tag of a stem's program; None for a program that has none."""
    if program is None:
        return None
    if stem == "drums":
        return next((name for kits, name in _KITS if program in kits), None)
    first = _FIRST_PROGRAMS.get(stem)
    if first is None or not 0 <= program - first < len(_TONE_ROWS[stem]):
        return None
    return _VARIATIONS.get(program) if bank == 8 else _TONE_ROWS[stem][program - first]


def _density_facts(notes: Mapping[str, Any], seconds: float | None) -> list[Fact]:
    if not seconds or not notes:
        return []
    facts = []
    song = _density(sum(map(len, notes.values())) / seconds, _SONG_NOTES.get(len(notes)))
    if song:
        facts.append(Fact("adjective", 0.7, (song, *DENSITIES[song].says)))
    for stem, part in notes.items():
        own = _density(len(part) / seconds, _STEM_NOTES.get(stem)) if len(notes) > 1 else None
        if own:
            facts.append(Fact("with", 0.25, tuple(f"{word} {stem}" for word in _SHORT[own])))
    return facts


def _density(rate: float, limits: tuple[float, float] | None) -> str | None:
    if limits is None or limits[0] <= rate <= limits[1]:
        return None
    return "sparse" if rate < limits[0] else "busy"


def _era_facts(labels: Mapping[str, Any]) -> list[Fact]:
    composer = (labels.get("source") or "").rsplit("/", 1)[-1].split("__")[0]
    era = next((era for era, names in _COMPOSERS.items() if composer in names), None)
    return [Fact("noun", 1.0, ERAS[era].says)] if era else []


def _tail_facts(labels: Mapping[str, Any]) -> list[Fact]:
    facts = []
    if key := labels.get("key"):
        tonic, mode = key.split(" ")
        spoken = tonic[0] + {"#": " sharp", "b": " flat", "": ""}[tonic[1:]]
        facts.append(Fact("tail", 0.35, (f"in {key}", f"in {spoken} {mode}", f"in a {mode} key", key)))
    if meter := labels.get("meter"):
        facts.append(Fact("tail", 0.25, tuple(f"in {word}" for word in _METERS.get(meter, (meter,)))))
    return facts


def _say(facts: Sequence[Fact], rng: np.random.Generator) -> str:
    """Some of the facts, in words; "music" where there are none."""
    share = rng.uniform(0.2, 0.9)
    told = [fact for fact in facts if rng.random() < share * fact.chance]
    if not told and facts:
        told = [facts[int(rng.integers(len(facts)))]]
    order = rng.permutation(len(told))
    said = [(told[at].role, _pick(told[at].phrases, rng)) for at in order]
    form = rng.random()
    if form < 0.25:
        main = [pair for pair in said if pair[0] in ("adjective", "noun")][:2]
        text = _phrase(main or said[:1], rng)
    elif form < 0.6:
        text = (", " if rng.random() < 0.7 else " ").join(phrase for _, phrase in said) or "music"
    elif form < 0.85:
        text = _phrase(said, rng)
    else:
        text = f"{_pick(_OPENERS, rng)} {_phrase(said, rng)}"
    case = rng.random()
    if case < 0.7:
        return text.lower()
    return text.upper() if case < 0.75 else text.title() if case < 0.8 else text[0].upper() + text[1:]


def _phrase(said: Sequence[tuple[str, str]], rng: np.random.Generator) -> str:
    """"warm slow blues with brushes and upright bass in A minor"; adverbial adjectives go behind."""
    nouns = [phrase for role, phrase in said if role == "noun"]
    words = [phrase for role, phrase in said if role == "adjective"]
    behind = [word for word in words if word.startswith(("at ", "from "))]
    behind += [f"with {word}" for word in words if word.endswith(("notes", "space"))]
    before = [word for word in words if word not in behind and not word.endswith(("notes", "space"))]
    noun = " ".join(nouns)
    if not noun or noun.endswith(_DESCRIBING):
        noun = f"{noun} {_pick(('music', 'track', 'piece', 'groove', 'tune'), rng)}".strip()
    tones = [phrase for role, phrase in said if role == "with"]
    tail = [phrase for role, phrase in said if role == "tail"]
    played = ", ".join(tones[:-1]) + (" and " if len(tones) > 1 else "") + "".join(tones[-1:])
    return " ".join([*before, noun, *([f"with {played}"] if tones else []), *behind, *tail])


def _pick(phrases: Sequence[str], rng: np.random.Generator) -> str:
    return phrases[int(rng.integers(len(phrases)))]
