"""HarmonicFlow inside Ableton Live: a control surface that generates stems for the loop brace.

This folder is copied as it is to `Remote Scripts/HarmonicFlow` of Live's User Library. It runs in Live's own Python
(3.11) with nothing but the standard library, on Live's one thread, a few milliseconds ten times a second. All that is
slow is done by the daemon; the two meet in the spool's folder (docs/protocol.md, "The spool door").
"""

from typing import Any


def create_instance(c_instance: Any) -> Any:
    """What Live calls to make the control surface."""
    from .surface import Surface

    return Surface(c_instance)
