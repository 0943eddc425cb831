"""Batches made ahead of the step that needs them, in threads of their own.

Reading, filtering and adding up windows is numpy's work, done without the interpreter's lock, so threads are enough.
"""

import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import torch

from .device import moved, pinned

T = TypeVar("T")

AHEAD = 3  # batches of each loader that wait


class Loader(Generic[T]):
    """A thread that stays a few batches ahead of its reader."""

    def __init__(self, batches: Iterator[T], pin: bool) -> None:
        self.waiting: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(AHEAD)
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self._load, args=(batches, pin), name="loader", daemon=True)
        self.thread.start()

    def _load(self, batches: Iterator[T], pin: bool) -> None:
        try:
            for batch in batches:
                self.waiting.put((pinned(batch) if pin else batch, None))
                if self.closed.is_set():
                    return
            self.waiting.put((None, None))
        except BaseException as error:  # noqa: BLE001  it is raised again by the reader
            self.waiting.put((None, error))

    def close(self) -> None:
        self.closed.set()
        while self.thread.is_alive():  # it may wait for a place
            with suppress(queue.Empty):
                self.waiting.get(timeout=0.05)


def ahead(sources: Sequence[Iterator[T]], device: torch.device) -> Generator[T, None, None]:
    """One batch of each source in turn, on `device`, until one of them ends: the same order whatever is quick.

    Close it to end its threads.  An error of a source is raised where its batch would have come.
    """
    loaders = [Loader(source, device.type == "cuda") for source in sources]
    try:
        while True:
            for loader in loaders:
                batch, error = loader.waiting.get()
                if error is not None:
                    raise error
                if batch is None:
                    return
                yield moved(batch, device)
    finally:
        for loader in loaders:
            loader.close()
