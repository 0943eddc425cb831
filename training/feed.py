"""Batches made ahead of the step that needs them, in a thread of their own."""

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TypeVar

import torch

from .device import moved, pinned

T = TypeVar("T")

AHEAD = 4  # batches that wait


def ahead(batches: Iterator[T], device: torch.device, depth: int = AHEAD) -> Generator[T, None, None]:
    """The same batches in the same order, on `device`.  Close it to end its thread.

    An error of the loader is raised where its batch would have come.
    """
    waiting: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
    closed = threading.Event()

    def load() -> None:
        try:
            for batch in batches:
                waiting.put((pinned(batch) if device.type == "cuda" else batch, None))
                if closed.is_set():
                    return
            waiting.put((None, None))
        except BaseException as error:  # noqa: BLE001  it is raised again by the reader
            waiting.put((None, error))

    thread = threading.Thread(target=load, name="loader", daemon=True)
    thread.start()
    try:
        while True:
            batch, error = waiting.get()
            if error is not None:
                raise error
            if batch is None:
                return
            yield moved(batch, device)
    finally:
        closed.set()
        while thread.is_alive():  # it may wait for a place
            with suppress(queue.Empty):
                waiting.get(timeout=0.05)
        thread.join()
