"""A bundle written all or nothing: into a folder beside its place, loaded as the engine will, then given its name.

Whoever loads the bundle at that place, at any moment and after a crash at any moment, finds the old one whole or the
new one whole.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import disk_errors, remove_folder, replace_folder, write_atomic

from .bundle import Bundle


def write_bundle(
    folder: Path,
    card: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    replace: bool = True,
    system: ModuleType = os,
) -> None:
    """Write model.json (`card`) and the network files by name into `folder`, in the place of the bundle there.

    Raises `bad_bundle` or `latent_mismatch` for what the engine would refuse, `disk`; nothing has changed then.
    """
    folder = folder.resolve()  # behind a link: names are exchanged there
    fresh = folder.with_name(f".{folder.name}.new")
    remove_folder(fresh)  # what a crash left
    try:
        with disk_errors(folder):
            fresh.mkdir(parents=True)
        for name, data in files.items():
            write_atomic(fresh / name, data, mode=0o644, system=system)
        text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
        write_atomic(fresh / "model.json", text.encode(), mode=0o644, system=system)
        Bundle.load(fresh).take_text()  # checked, too
        if not replace and folder.exists():
            raise HarmonicFlowError("disk", path=folder, reason="it is there already")
        replace_folder(fresh, folder, system=system)
    finally:
        remove_folder(fresh)
