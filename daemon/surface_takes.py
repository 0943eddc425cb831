"""Which take is chosen, counted from the newest. The choice goes with what the surface asked for."""

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import TakeSummary
from harmonicflow.core.osc import Value

from .journal import Journal, TakeRecord
from .takes import Takes


class Choice:
    """The chosen take: the newest one, until another is chosen; then that one, until the surface makes a new one."""

    def __init__(self, journal: Journal, takes: Takes) -> None:
        self._journal = journal
        self._takes = takes
        self._chosen = ""  # "" = the newest, whichever that is

    def newest(self) -> None:
        """Choose the newest take, and those that come."""
        self._chosen = ""

    def choose(self, index: int) -> None:
        """Choose a take, 0 = the newest; raises `unknown_take`."""
        found = self._journal.takes(1, index)
        if not found:
            raise HarmonicFlowError("unknown_take", take=f"number {index}")
        self._chosen = found[0].id if index else ""

    def step(self, by: int) -> None:
        """Choose the take that lies `by` further from the newest; at the ends it stays."""
        _, index, count = self.shown()
        if 0 <= index + by < count:
            self.choose(index + by)

    def row(self) -> TakeRecord | None:
        """The chosen take, None where there is no take at all; one that was removed is the newest's again."""
        row = self._journal.take(self._chosen) if self._chosen else None
        if row is None:
            self._chosen = ""
            row = self._journal.take("last")
        return row

    def take(self) -> TakeSummary:
        """The chosen take; raises `unknown_take` where there is none."""
        row = self.row()
        if row is None:
            raise HarmonicFlowError("unknown_take", take="that is the newest")
        return summary(row)

    def shown(self) -> tuple[str, int, int]:
        """What /harmonicflow/chosen carries: the take's id ("" for none), its index, and how many takes there are."""
        row = self.row()
        return ("", 0, 0) if row is None else (row.id, self._journal.newer(row.id), self._journal.count_takes())

    def starred(self) -> bool:
        """Whether the chosen take has a star."""
        row = self.row()
        return row is not None and row.id in self._takes.starred

    def listed(self, count: int) -> list[tuple[Value, ...]]:
        """What /harmonicflow/take carries for each of the newest takes."""
        rows = map(summary, self._journal.takes(count))
        return [
            (index, row.take, row.bars, row.seconds, row.genre, int(row.take in self._takes.starred))
            for index, row in enumerate(rows)
        ]


def summary(row: TakeRecord) -> TakeSummary:
    """A take as it was written down when it was made."""
    return msgspec.json.decode(row.summary, type=TakeSummary)
