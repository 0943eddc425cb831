"""The bundles that the daemon can serve: the one it was started with or told to use, and those in the user's folder.

Only names and sizes are read here; whether the networks are whole is checked by the worker that loads
them (engine/bundle.py).
"""

import hashlib
import logging
import os
from pathlib import Path
from typing import Final

import msgspec

import harmonicflow
from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import BundleRow
from harmonicflow.core.spool import read_plain

log = logging.getLogger("harmonicflow.daemon")

CARD: Final = "model.json"
MAX_NAME: Final = 200
MAX_CARD: Final = 4 << 20  # bytes


class _Card(msgspec.Struct):
    name: str
    version: str = ""
    license: str = ""
    latent_space: str = ""
    stems: tuple[str, ...] = ()
    card: str = ""


class Models:
    """Bundles by name. `chosen` is a folder, a bundle's name, or None for the one used last, or the default."""

    def __init__(self, chosen: str | None = None) -> None:
        self._chosen = chosen or os.environ.get(paths.BUNDLE_VARIABLE)
        self._used: Path | None = None
        if not self._chosen:
            self._used = self._recall()

    def folder(self, name: str | None = None) -> Path:
        """The folder of a bundle; None is the one being served. Raises `unknown_model`."""
        if name is None:
            return self._serving()
        return Path(self.find(name).folder)

    def find(self, name: str) -> BundleRow:
        """The bundle of this name; raises `unknown_model`."""
        for row in self.rows():
            if row.name == name:
                return row
        raise HarmonicFlowError("unknown_model", model=name)

    def use(self, folder: Path) -> None:
        """Serve another one from now on."""
        self._used = folder

    def remember(self, name: str) -> None:
        """Keep its name for the next start; raises `disk`."""
        paths.write_atomic(used_file(), name.encode())

    def _recall(self) -> Path | None:
        try:
            return self.folder(used_file().read_text("utf-8", errors="replace")[:MAX_NAME])
        except FileNotFoundError:
            return None
        except (HarmonicFlowError, OSError) as error:
            log.warning("the bundle used last is not there, so the default one is served: %s", error)
            return None

    def rows(self) -> tuple[BundleRow, ...]:
        """Every bundle found, the one being served first."""
        folders = [self._serving(), shipped()]
        if paths.bundles_folder().is_dir():
            folders += sorted(folder for folder in paths.bundles_folder().iterdir() if (folder / CARD).is_file())
        rows = {folder: row(folder, folder == folders[0]) for folder in folders}
        return tuple(found for found in rows.values() if found)

    def _serving(self) -> Path:
        chosen = self._chosen
        if self._used:
            return self._used
        if not chosen:
            return shipped()
        own = paths.bundles_folder() / chosen
        return own if os.sep not in chosen and (own / CARD).is_file() else Path(chosen).expanduser().absolute()


def used_file() -> Path:
    """The name of the bundle that was used last."""
    return paths.home() / "model"


def mark(folder: Path) -> str:
    """SHA-256 of a bundle's card, which names that of each file; "" where there is none."""
    try:
        with open(folder / CARD, "rb") as file:
            return hashlib.sha256(file.read(MAX_CARD)).hexdigest()
    except OSError:
        return ""


def shipped() -> Path:
    """The bundle inside the package."""
    return Path(harmonicflow.__file__).parent / "bundles" / "default"


def row(folder: Path, serving: bool = False) -> BundleRow | None:
    """What a bundle's card says, None where there is none that can be read."""
    try:
        text = read_plain((folder / CARD).resolve(), MAX_CARD)  # never waits, as for a pipe
        card = msgspec.json.decode(text, type=_Card)
        size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    except (OSError, HarmonicFlowError, msgspec.MsgspecError):
        return None
    return BundleRow(
        name=card.name, version=card.version, folder=str(folder), bytes=size, stems=card.stems, license=card.license,
        latent_space=card.latent_space, serving=serving, card=card.card,
    )  # fmt: skip
