"""Another bundle in the place of the one being served, without a moment in which none is served.

A second worker loads the new bundle and plays a bar with it. The old one goes on serving meanwhile, and gives its
place up between two jobs once the new one is proven. A bundle that is refused, dies, hangs, or needs too much memory
changes nothing. The last wish counts: a new one ends the trial of the one before.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import BundleRow, ErrorWire, ModelInUse, UseModel

from . import memory
from .link import Loaded, Refused
from .models import Models, mark
from .supervise import End, Supervisor

log = logging.getLogger("harmonicflow.daemon")

KEPT: Final = 16  # requests whose failure is said again
PARTS_IN_MEMORY: Final = 4  # an engine holds about so many times what its bundle's files hold, and
ENGINE_BYTES: Final = 150_000_000  # its libraries


class Swap:
    """One trial at a time. `served()` is what is served now; `proven()` is called when a bundle has passed."""

    def __init__(
        self, supervisor: Supervisor, models: Models, served: Callable[[], Loaded | None],
        proven: Callable[[], object], tell: Callable[[str, str], object],
    ) -> None:  # fmt: skip
        self.keeper = supervisor.twin(self._ended, "worker on trial")
        self._models = models
        self._served = served
        self._proven = proven
        self._tell = tell
        self._row: BundleRow | None = None  # of the bundle on trial
        self._request = ""  # who asked for it
        self._failures: dict[str, HarmonicFlowError] = {}  # of the requests of late, oldest first
        self.loaded: Loaded | None = None  # the proven one, as it waits for its place

    def use(self, request: UseModel) -> ModelInUse:
        """Begin a trial, or say how far it is. Raises `unknown_model`, `no_memory`, or what the trial brought."""
        if request.id in self._failures:
            raise self._failures[request.id]
        wanted = self._models.find(request.model)
        if self._row is None or self._row.folder != wanted.folder:
            if self._row:
                self._keep(HarmonicFlowError("model_replaced", model=self._row.name))
                self.close()
            if self._is_served(Path(wanted.folder)):
                return _reply(request, wanted, "serving")
            _check_memory(wanted)
            self._begin(wanted)
            self._request = request.id
        return _reply(request, wanted, "waiting" if self.loaded else "proving")

    def report(self, report: object) -> None:
        """What the second worker says."""
        if isinstance(report, Loaded):
            self.keeper.loaded()
            self.loaded = report
            log.info("bundle %s is proven after %.2f s", report.bundle, report.seconds)
            self._proven()
        elif isinstance(report, Refused):
            self.keeper.close(wait=False)
            self._failed(_error(report.error))

    def take(self) -> tuple[BundleRow, Loaded] | None:
        """The proven bundle, whose worker the caller takes over; None where there is none."""
        if self._row is None or self.loaded is None:
            return None
        found = self._row, self.loaded
        self._row = self.loaded = None
        return found

    def close(self) -> None:
        """End the trial."""
        self.keeper.close(wait=False)
        self._row = self.loaded = None

    def _is_served(self, folder: Path) -> bool:
        """Whether it is served, as it is now: it may have been exported anew."""
        loaded = self._served()
        return folder == self._models.folder() and (loaded is None or loaded.mark == mark(folder))

    def _begin(self, row: BundleRow) -> None:
        try:
            self.keeper.start(Path(row.folder), prove=True)
        except OSError as error:
            raise HarmonicFlowError("worker_died", reason=f"it could not be started: {error.strerror}") from error
        self._row = row
        self._tell("model on trial", row.name)

    def _ended(self, end: End) -> None:
        folder = self._row.folder if self._row else ""
        self._failed(end.error or HarmonicFlowError("bad_bundle", path=folder, reason=f"its engine died: {end.reason}"))

    def _failed(self, error: HarmonicFlowError) -> None:
        log.error("the bundle is not used: %s", error.message)
        self._keep(error)
        self._row = self.loaded = None
        self._tell("model refused", error.message)

    def _keep(self, error: HarmonicFlowError) -> None:
        self._failures[self._request] = error
        if len(self._failures) > KEPT:
            del self._failures[next(iter(self._failures))]


def _reply(request: UseModel, row: BundleRow, state: Literal["proving", "waiting", "serving"]) -> ModelInUse:
    return ModelInUse(id=request.id, model=row.name, folder=row.folder, state=state)


def _check_memory(row: BundleRow) -> None:
    """Two bundles are held at once for a while; a computer that has no room for it is not brought to its knees."""
    free, needed = memory.available_bytes(), ENGINE_BYTES + PARTS_IN_MEMORY * row.bytes
    if free and free < needed:
        reason = f"{free / 1e6:.0f} MB are free, and a second bundle beside the first needs about {needed / 1e6:.0f} MB"
        raise HarmonicFlowError("no_memory", reason=reason)


def _error(wire: ErrorWire) -> HarmonicFlowError:
    return HarmonicFlowError.from_wire({"code": wire.code, "message": wire.message, "todo": wire.todo})
