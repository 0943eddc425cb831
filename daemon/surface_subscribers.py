"""Who hears of every change of the surface, and how often at most.

A subscription is a lease: it ends `LEASE_S` after the last message that came from where it was asked for. What
changes more often than `PACE_S` is sent once in that time, as it stands then; the first change is always sent at once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from harmonicflow.core import osc
from harmonicflow.core.errors import HarmonicFlowError

from .timers import Timers

Address: TypeAlias = tuple[str, int]  # IP address and port
Say: TypeAlias = Callable[..., None]  # (where, a message's name after the prefix, *values)

PACE_S: Final = 0.01  # between two messages of one name
FIRST_OWN_PORT: Final = 1024  # a port below this is no port: buttons send 0 and 1
FULL_S: Final = 1.0  # at least between two times that all is told to one subscriber


@dataclass
class Lease:
    """One subscription."""

    source: Address  # where its /subscribe came from
    ends: float  # by the clock
    told: float = float("-inf")  # when all was told


class Subscribers:
    """Subscriptions by where they are answered. `say(where, name, *values)` sends one message.

    `values(name)` is what a message carries at that moment.
    """

    def __init__(
        self, say: Say, values: Callable[[str], tuple[osc.Value, ...]], timers: Timers,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._say = say
        self._values = values
        self._timers = timers
        self._clock = clock
        self._leases: dict[Address, Lease] = {}
        self._sent: dict[str, float] = {}  # by message, when it was sent last
        self._waiting: dict[str, Address | None] = {}  # by message, who moved it, where that is one

    def __len__(self) -> int:
        return len(self._leases)

    def __iter__(self) -> Iterator[Address]:
        return iter(list(self._leases))

    def add(self, source: Address, port: int) -> tuple[Address, bool]:
        """Begin or renew a subscription; where it is answered, and whether all is to be told. Raises `bad_request`."""
        self.expire()
        where, now = _answered(source, port), self._clock()
        lease = self._leases.get(where)
        if lease is None:
            if len(self._leases) >= osc.MOST_SUBSCRIBERS:
                reason = f"{osc.MOST_SUBSCRIBERS} subscribers listen already, which is all that may"
                raise HarmonicFlowError("bad_request", reason=reason)
            lease = self._leases[where] = Lease(source, 0.0)
        lease.source, lease.ends = source, now + osc.LEASE_S
        all_of_it = now - lease.told >= FULL_S
        lease.told = now if all_of_it else lease.told
        return where, all_of_it

    def heard(self, source: Address) -> None:
        """A sender is there: what it has subscribed goes on."""
        ends = self._clock() + osc.LEASE_S
        for lease in self._leases.values():
            if lease.source == source:
                lease.ends = max(lease.ends, ends)

    def remove(self, source: Address, port: int) -> None:
        """End a subscription, if there is one."""
        self._leases.pop(_answered(source, port), None)

    def expire(self) -> None:
        """Let go of those whose lease has ended."""
        now = self._clock()
        self._leases = {where: lease for where, lease in self._leases.items() if lease.ends > now}

    def of(self, source: Address) -> list[Address]:
        """Where a sender is answered that has subscribed from this port, other than at the port itself."""
        return [where for where, lease in self._leases.items() if lease.source == source != where]

    def tell(self, name: str, *values: osc.Value, but: frozenset[Address] = frozenset()) -> None:
        """Send one message to all of them now, but to those who get it otherwise."""
        for where in self:
            if where not in but:
                self._say(where, name, *values)

    def also(self, senders: frozenset[Address]) -> frozenset[Address]:
        """Where these senders are answered, and where else they have subscribed."""
        return senders | {where for where, lease in self._leases.items() if lease.source in senders}

    def changed(self, name: str, by: Address | None = None) -> None:
        """Send what `name` stands at, now or when its turn comes; not to the subscriber `by` whose widget shows it."""
        if not self._leases:
            return
        now = self._clock()
        if name in self._waiting:
            self._waiting[name] = by if self._waiting[name] == by else None
        elif now - self._sent.get(name, float("-inf")) >= PACE_S:
            self._send(name, by, now)
        else:
            self._waiting[name] = by
            if "osc pace" not in self._timers:
                self._timers.set("osc pace", PACE_S, self._flush)

    def _flush(self) -> None:
        waiting, self._waiting, now = self._waiting, {}, self._clock()
        for name, by in waiting.items():
            self._send(name, by, now)

    def _send(self, name: str, by: Address | None, now: float) -> None:
        self._sent[name] = now
        self.tell(name, *self._values(name), but=self.also(frozenset((by,) if by else ())))


def _answered(source: Address, port: int) -> Address:
    return source if port < FIRST_OWN_PORT else (source[0], port)
