"""Curves for TensorBoard, where it is installed: FOLDER/tensorboard."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Scalars:
    """Writes named numbers by step; silently does nothing without TensorBoard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tensorboard"
        self.writer: Any = None
        self.there = importlib.util.find_spec("tensorboard") is not None

    def add(self, group: str, numbers: Mapping[str, float], step: int) -> None:
        if not self.there:
            return
        if self.writer is None:  # seconds to import: not before there is something to write
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.folder))
        for name, value in numbers.items():
            self.writer.add_scalar(f"{group}/{name}", value, step)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None
