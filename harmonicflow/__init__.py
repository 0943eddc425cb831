"""HarmonicFlow: aligned bass, drums, guitar and piano stems for a selection of your song."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["HarmonicFlow", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the engine at first use, so that `import harmonicflow` stays light."""
    if name == "HarmonicFlow":
        return getattr(import_module("harmonicflow.engine.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
