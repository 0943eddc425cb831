"""A bundle: model.json, one self-contained ONNX file per network, and perhaps a table of words.

Every byte is checked before it is used.

Files are read once, hashed, and given to the runtime as bytes: a graph given by path may read other files
(external data), one given as bytes may not.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import msgspec

from harmonicflow.analysis.guide import GUIDE_V, GUIDE_WIDTH
from harmonicflow.analysis.listening import HARMONY_OUT, SPECTRUM_BANDS, TIME_OUT
from harmonicflow.core.constants import GENRE_PLACES, HEARD_GENRES, HOP, LATENT_CHANNELS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import bundles_folder
from harmonicflow.score.cell_features import CELLS_V, CONTROLS_WIDTH, HARMONY_WIDTH, STYLE_WIDTH, TIME_WIDTH
from harmonicflow.score.cells import CELL_PARTS, FIELDS, NOTES, SLOTS
from harmonicflow.score.rolls import SCORE_V, SCORE_WIDTH

FORMAT: Final = 1
TEXT_WIDTH: Final = 256
EMOTION_WIDTH: Final = 3  # valence, arousal, present
TIMBRE_WIDTH: Final = 2 * LATENT_CHANNELS + 1  # mean and spread of reference latents, present
MAX_CARD_BYTES: Final = 4 << 20
MAX_NETWORK_BYTES: Final = 2 << 30
TEXT: Final = "text"  # the row of the table of words (harmonicflow.text.table), which a bundle need not have
MAX_TEXT_BYTES: Final = 64 << 20

Shape: TypeAlias = tuple[str | int, ...]

# What a network takes and gives, by name; what `Runtime.run` returns comes first. Words are sizes: "stems", "rows" (one
# more) and "nodes" (rows, harmony, rhythm) are the bundle's own, the others change from call to call.
GRAPHS: Final[dict[str, tuple[dict[str, Shape], dict[str, Shape]]]] = {
    "encoder": ({"audio": ("batch", "samples")}, {"latents": ("batch", "length", LATENT_CHANNELS)}),
    "decoder": ({"latents": ("batch", "length", LATENT_CHANNELS)}, {"audio": ("batch", "samples")}),
    "performer": (
        {
            "x": ("batch", "rows", "length", LATENT_CHANNELS),
            "known": ("batch", "rows", "length"),
            "time": ("batch",),
            "step": ("batch",),
            "guide": ("batch", "length", GUIDE_WIDTH),
            "score": ("batch", "stems", "length", SCORE_WIDTH),
            "pool": ("batch", "beats", "length"),
            "text": ("batch", TEXT_WIDTH),
            "genre": ("batch", GENRE_PLACES),
            "emotion": ("batch", EMOTION_WIDTH),
            "timbre": ("batch", "stems", TIMBRE_WIDTH),
        },
        {"velocity": ("batch", "stems", "length", LATENT_CHANNELS), "edges": ("batch", "length", "rows", "nodes")},
    ),
}
# Networks that a bundle need not have, and that know nothing of its latent space.
PARTS: Final = len(CELL_PARTS)
OPTIONAL_GRAPHS: Final[dict[str, tuple[dict[str, Shape], dict[str, Shape]]]] = {
    "composer": (
        {
            "notes": ("batch", PARTS, "cells", NOTES, FIELDS),
            "known": ("batch", PARTS, "cells"),
            "recall": ("batch", PARTS, "cells", NOTES, FIELDS),
            "likeness": ("batch", PARTS, "cells"),
            "harmony": ("batch", "cells", HARMONY_WIDTH),
            "time": ("batch", "cells", TIME_WIDTH),
            "style": ("batch", STYLE_WIDTH),
            "controls": ("batch", PARTS, "cells", CONTROLS_WIDTH),
            "write": ("batch", "picks", 2),
            "uniform": ("batch", "picks", NOTES, FIELDS),
            "forced": ("batch", "picks", NOTES, FIELDS),
            "bias": ("batch", "picks", SLOTS + 1),
            "heat": ("batch", "picks", 2),
        },
        {"written": ("batch", "picks", NOTES, FIELDS), "logp": ("batch", "picks", NOTES)},
    ),
    "analyst": (
        {"spectrum": ("batch", "frames", SPECTRUM_BANDS)},
        {"time": ("batch", "frames", TIME_OUT), "harmony": ("batch", "chords", HARMONY_OUT)},
    ),
}
ALL_GRAPHS: Final = GRAPHS | OPTIONAL_GRAPHS


class NetworkFile(msgspec.Struct, frozen=True):
    """One network's file, or the table of words, as model.json names it."""

    file: str
    sha256: str
    bytes: int
    latent_space: str = ""  # that the network is made for; the table of words is for any
    license: str = ""  # where it is not the bundle's
    source: str = ""


class CodecCard(msgspec.Struct, frozen=True):
    """How far the codec sees, in latent frames on each side."""

    context: int  # decoder: frames that change a frame's sound
    encoder_context: int | None = None  # encoder: frames whose sound changes a frame; None: at most twice as many

    @property
    def encoder_reach(self) -> int:
        """The encoder's context."""
        return 2 * self.context if self.encoder_context is None else self.encoder_context


class PerformerCard(msgspec.Struct, frozen=True):
    """How the performer wants to be sampled."""

    steps: int = 4  # when the request names no number
    parameters: int = 0
    context_s: float = 4.0  # seconds of canvas given before and after a block
    schedule: tuple[float, ...] | None = None  # flow times from 0 to 1, stretched to any number of steps; None: even
    # The genres that it was told of in training; those of bundles from before there was a list.
    genres: tuple[str, ...] = (*HEARD_GENRES, "electronic", "metal")
    interval: bool = False  # True: few-step model, its input `step` takes the size of the step; False: always 0


class ComposerCard(msgspec.Struct, frozen=True):
    """What the composer was trained on, and how it wants to be sampled."""

    cells_v: int = 0  # version of the cells and of what is told beside them; 0: there is no composer
    parameters: int = 0
    meters: tuple[str, ...] = ()  # that it has seen
    temperature: float = 1.0
    min_p: float = 0.0  # of parts with pitch; drums live of what is seldom


class AnalystCard(msgspec.Struct, frozen=True):
    """The analyst."""

    parameters: int = 0


class ModelCard(msgspec.Struct, frozen=True):
    """model.json. Unknown fields are ignored."""

    format: int
    name: str
    version: str
    latent_space: str
    sample_rate: int
    hop: int
    channels: int
    stems: tuple[str, ...]
    guide_v: int
    score_v: int
    files: dict[str, NetworkFile]
    codec: CodecCard
    performer: PerformerCard = PerformerCard()
    composer: ComposerCard = ComposerCard()
    analyst: AnalystCard = AnalystCard()
    created: str = ""
    license: str = ""
    training: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    card: str = ""


def default_path() -> Path:
    """The bundle used when none is named: HARMONICFLOW_BUNDLE, else the one shipped with the package."""
    named = os.environ.get("HARMONICFLOW_BUNDLE")
    return Path(named) if named else Path(__file__).parent.parent / "bundles" / "default"


def chosen_path(name: str | None) -> Path:
    """The folder of the bundle a person names: one of the user's own, any folder, or None for the default."""
    if name is None:
        return default_path()
    own = bundles_folder() / name
    return own if os.sep not in name and (own / "model.json").is_file() else Path(name).expanduser().absolute()


class Bundle:
    """A checked bundle. `card` is its model.json, `hash` names its exact content (16 hexadecimal digits)."""

    def __init__(self, path: Path, card: ModelCard, card_hash: str, networks: dict[str, bytes]) -> None:
        self.path = path
        self.card = card
        self.hash = card_hash
        self._networks = networks

    @classmethod
    def load(cls, path: str | Path | None = None, any_layout: bool = False) -> Self:
        """Read and check a bundle. Raises `no_bundle`, `bad_bundle`, `latent_mismatch`.

        `any_layout`: one whose performer reads a score or guide of another release is taken too, for its codec.
        """
        folder = default_path() if path is None else Path(path)
        card_path = folder / "model.json"
        if not card_path.is_file():
            raise HarmonicFlowError("no_bundle", path=folder)
        text = _read(folder, "model.json", MAX_CARD_BYTES)
        try:
            return cls._checked(folder, text, any_layout)
        except HarmonicFlowError:
            if (now := _read(folder, "model.json", MAX_CARD_BYTES)) == text:
                raise
            return cls._checked(folder, now, any_layout)  # another bundle has just taken its place

    @classmethod
    def _checked(cls, folder: Path, text: bytes, any_layout: bool) -> Self:
        try:
            card = msgspec.json.decode(text, type=ModelCard)
        except msgspec.DecodeError as error:
            raise HarmonicFlowError("bad_bundle", path=folder, reason=f"model.json: {error}") from None
        _check_card(folder, card, any_layout)
        networks = {name: _read_network(folder, row) for name, row in card.files.items() if name in ALL_GRAPHS}
        if (row := card.files.get(TEXT)) and _size(folder, row.file) != row.bytes:  # its hash: when it is read
            raise HarmonicFlowError("bad_bundle", path=folder, reason=f"{row.file} is missing or cut short")
        return cls(folder, card, hashlib.sha256(text).hexdigest()[:16], networks)

    def has(self, name: str) -> bool:
        """Whether this bundle has a network."""
        return name in self.card.files

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks this bundle has."""
        return tuple(name for name in ALL_GRAPHS if self.has(name))

    @property
    def stems(self) -> tuple[str, ...]:
        """The instruments this bundle plays, in the order of its rows."""
        return self.card.stems

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the performer was trained to follow, as its checkpoint said: "text", "timbre" ...; () = not recorded."""
        row = self.card.training.get("performer")
        said = row.get("conditions", ()) if isinstance(row, dict) else ()
        return tuple(map(str, said)) if isinstance(said, list) else ()

    def take_text(self) -> bytes | None:
        """The checked bytes of the table of words, None without one. Raises `bad_bundle`."""
        row = self.card.files.get(TEXT)
        return None if row is None else _read_network(self.path, row, MAX_TEXT_BYTES)

    def take_network(self, name: str) -> bytes:
        """The checked bytes of a network, once without reading the file again (they need not stay in memory)."""
        kept = self._networks.pop(name, None)
        return _read_network(self.path, self.card.files[name]) if kept is None else kept

    def shapes(self, name: str) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """Inputs and outputs a network of this bundle must have, its own sizes filled in."""
        sizes = {"stems": len(self.stems), "rows": 1 + len(self.stems), "nodes": 3 + len(self.stems)}

        def filled(side: dict[str, Shape]) -> dict[str, Shape]:
            return {key: tuple(sizes.get(str(size), size) for size in shape) for key, shape in side.items()}

        inputs, outputs = ALL_GRAPHS[name]
        return filled(inputs), filled(outputs)


def _check_card(folder: Path, card: ModelCard, any_layout: bool) -> None:
    wanted = {"format": FORMAT, "sample_rate": SAMPLE_RATE, "hop": HOP, "channels": LATENT_CHANNELS}
    wanted |= {} if any_layout else {"guide_v": GUIDE_V, "score_v": SCORE_V}
    reason = ""
    for name, value in wanted.items():
        if getattr(card, name) != value:
            reason = f"its {name} is {getattr(card, name)}, this release needs {value}"
    if missing := [name for name in GRAPHS if name not in card.files]:
        reason = f"its {missing[0]} is missing from model.json"
    if not 1 <= len(card.stems) <= 64 or len(set(card.stems)) != len(card.stems):
        reason = "its list of stems is empty or names one twice"
    reach = (card.codec.context, card.codec.encoder_reach)
    if not all(0 <= frames <= 1024 for frames in reach) or not 0 <= card.performer.context_s <= 60:
        reason = "its context is out of range"
    if "composer" in card.files and card.composer.cells_v != CELLS_V and not any_layout:
        reason = f"its composer reads cells {card.composer.cells_v}, this release makes cells {CELLS_V}"
    if not 0.05 <= card.composer.temperature <= 5 or not 0 <= card.composer.min_p < 1:
        reason = "the temperature of its composer is out of range"
    if not 1 <= card.performer.steps <= 64:
        reason = "its number of steps is out of range"
    times = card.performer.schedule
    if times is not None and (len(times) < 2 or times[0] != 0 or times[-1] != 1 or sorted(set(times)) != list(times)):
        reason = "its schedule does not rise from 0 to 1"
    for name, row in card.files.items():
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", row.file):
            reason = f"the file name of its {name} is not a plain name"
    if reason:
        raise HarmonicFlowError("bad_bundle", path=folder, reason=reason)
    for name, row in card.files.items():
        if name == TEXT or name in OPTIONAL_GRAPHS:
            continue
        check_space(folder, card, name, row.latent_space)


def check_space(folder: Path, card: ModelCard, name: str, space: str) -> None:
    """Raise `latent_mismatch` if `space`, which a network says it is for, is not the bundle's."""
    if space != card.latent_space:
        reason = f"in the bundle {folder} the {name} is for {space[:16]}, all else for {card.latent_space[:16]}"
        hint = "Leave the bundle out to use the shipped one, or export it again: harmonicflow export --help"
        raise HarmonicFlowError("latent_mismatch", reason=reason, hint=hint)


def _read(folder: Path, name: str, limit: int) -> bytes:
    """A regular file of the folder itself, at most `limit` bytes; symbolic links are refused."""
    path = folder / name
    try:
        if path.is_symlink():
            raise HarmonicFlowError("bad_bundle", path=folder, reason=f"{name} is a symbolic link")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        reason = f"{name} cannot be read ({error.strerror})"
        raise HarmonicFlowError("bad_bundle", path=folder, reason=reason) from None
    if len(data) > limit:
        raise HarmonicFlowError("bad_bundle", path=folder, reason=f"{name} is longer than it should be")
    return data


def _size(folder: Path, name: str) -> int:
    """Bytes of a regular file of the folder itself, -1 where there is none."""
    path = folder / name
    return path.stat().st_size if path.is_file() and not path.is_symlink() else -1


def _read_network(folder: Path, row: NetworkFile, most: int = MAX_NETWORK_BYTES) -> bytes:
    data = _read(folder, row.file, min(max(row.bytes, 0), most))
    if len(data) != row.bytes:
        raise HarmonicFlowError("bad_bundle", path=folder, reason=f"{row.file} is cut short")
    if hashlib.sha256(data).hexdigest() != row.sha256.lower():
        raise HarmonicFlowError("bad_bundle", path=folder, reason=f"{row.file} is damaged: its SHA-256 differs")
    return data
