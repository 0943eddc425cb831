"""A take that is heard while it is still being made: its blocks come from the daemon one by one.

Blocks put end to end are the take's files, sample for sample, so that nothing is heard that will not be in them.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from harmonicflow.audio import files
from harmonicflow.audio.files import AudioInfo
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FINAL_STATES, Block, JobEvent, JobState, TakeSummary
from harmonicflow.core.progress import Progress

from ..client import Client
from ..making import Prepared
from ..output import say
from .in_step import Audio

MIX: Final = "mix"
LOOK_S: Final = 0.05
BLOCK_S: Final = 8.0  # what usually comes at once
MARGIN: Final = 1.25  # of the time that a block takes


def enough(arrived_s: float, whole_s: float, left_s: float | None) -> bool:
    """Whether playing may begin: what is there lasts until the next block, at the speed at which the rest comes.

    `left_s`: how long the rest will take to make, None where it is not known. Slower than real time, so much must be
    there that the rest catches up by the end.
    """
    if arrived_s >= whole_s:
        return True
    if not arrived_s or left_s is None:
        return False
    times = MARGIN * left_s / (whole_s - arrived_s)  # seconds of work for a second of sound
    return arrived_s >= BLOCK_S * times + max(0.0, times - 1) * (whole_s - arrived_s)


class Arriving:
    """The sound of one stem, or of the mix, as a source of pieces; the work goes on in a thread of its own.

    `take` is there once it is written.
    """

    def __init__(self, client: Client, prepared: Prepared, part: str) -> None:
        self.info = AudioInfo(prepared.selection.rate, 2, prepared.selection.frames, "")
        self.take: TakeSummary | None = None
        self._client, self._prepared, self._part = client, prepared, part
        self._news = threading.Condition()
        self._blocks: deque[Audio] = deque()  # [C, T], not yet played
        self._arrived = 0  # frames
        self._event: JobEvent | None = None
        self._streamed = self._stopped = False
        self._wrong: Exception | None = None
        self._worker = threading.Thread(target=self._work, name="making", daemon=True)

    def wait(self) -> None:
        """Begin the work and wait until there is enough to hear. Raises what the daemon answers; Ctrl-C cancels."""
        self._worker.start()
        rate = self.info.rate
        try:
            with Progress() as progress, self._news:
                while self.take is None:
                    self._news.wait(LOOK_S)
                    if self._wrong is not None:
                        raise self._wrong
                    left_s = None if self._event is None else self._event.seconds_left
                    if enough(self._arrived / rate, self.info.frames / rate, left_s):
                        return
                    _show(progress, self._event)
        except KeyboardInterrupt:
            say("cancelling ...")
            self.stop()
            raise HarmonicFlowError("cancelled") from None

    def stop(self, heard_all: bool = False) -> None:
        """Cancel what is not done; what has been heard to its end is written. Raises what went wrong."""
        self._stopped = not heard_all
        self._worker.join()
        if heard_all and self._wrong is not None:
            raise self._wrong

    def stream(self, piece_frames: int) -> Iterator[Audio]:
        """The sound in pieces [C, any number], waited for; after the first time from the file."""
        if self._streamed:
            self._worker.join()
            if self.take is not None:
                yield from files.stream(f"{self.take.folder}/{self._part}.wav", piece_frames=piece_frames)
            return
        self._streamed = True
        done = 0
        while done < self.info.frames:
            with self._news:
                while not self._blocks:
                    if self._wrong is not None:
                        raise self._wrong
                    self._news.wait()
                block = self._blocks.popleft()
            yield block
            done += block.shape[1]

    def _work(self) -> None:
        request, buffers, _ = self._prepared
        try:
            try:
                done = self._client.perform(
                    request, buffers, on_event=self._hear, on_block=self._keep, on_look=self._look
                )
            except _Stopped:
                self._client.cancel_quietly(request.id)
                raise HarmonicFlowError("cancelled") from None
            self.take = done.takes[0]
        except Exception as error:  # told where the sound is waited for
            self._wrong = error
        with self._news:
            self._news.notify_all()

    def _look(self) -> None:
        if self._stopped:
            raise _Stopped

    def _hear(self, event: JobEvent) -> None:
        with self._news:
            self._event = event
            self._news.notify_all()

    def _keep(self, block: Block, buffers: Sequence[memoryview]) -> None:
        stems, mix = (np.frombuffer(buffer, "<f4") for buffer in buffers)
        sound = mix.reshape(-1, block.frames)
        if self._part != MIX:
            sound = stems.reshape(len(block.stems), block.channels, block.frames)[block.stems.index(self._part)]
        with self._news:
            self._blocks.append(sound)
            self._arrived += block.frames
            self._news.notify_all()


class _Stopped(Exception):
    """Nobody wants the rest."""


def _show(progress: Progress, event: JobEvent | None) -> None:
    if event is None:
        progress.tick()
    elif event.state is JobState.RUNNING and event.stage:
        progress.update(event.stage, event.step, event.steps * (event.stage == "perform"), event.seconds_left)
    elif event.state not in FINAL_STATES:
        progress.update(event.state.value, seconds_left=event.seconds_left)
