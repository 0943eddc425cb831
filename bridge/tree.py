"""Takes as trees: each from its opening to what was made from it, by the parents that takes name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from harmonicflow.core.messages import ListTakes, TakeList, TakeSummary

from .client import Client
from .output import table
from .request import request_id

PAGE: Final = 1000  # takes asked for at once
INDENT: Final = "  "
HEADER: Final = ("take", "bars", "how", "option", "seed", "genre", "title")


@dataclass(frozen=True)
class Node:
    """A take, how deep it lies below its opening, and what was made from it, the oldest first."""

    take: TakeSummary
    parent: "Node | None" = None
    children: "list[Node]" = field(default_factory=list, repr=False)

    @property
    def depth(self) -> int:
        """0 for an opening."""
        return len(self.path()) - 1

    def path(self) -> "list[Node]":
        """From the opening to this take."""
        found = [self]
        while found[-1].parent is not None:
            found.append(found[-1].parent)
        return found[::-1]

    def walk(self) -> "Iterator[Node]":
        """This take and all that came of it, each before its own."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


def all_takes(client: Client) -> list[TakeSummary]:
    """Every take that the daemon keeps, the newest first."""
    found: dict[str, TakeSummary] = {}
    while True:
        page = client.ask(ListTakes(id=request_id(), limit=PAGE, offset=len(found)), TakeList)
        new = {take.take: take for take in page.takes if take.take not in found}
        found |= new
        if not new or len(found) >= page.total:
            return list(found.values())


def grow(takes: Sequence[TakeSummary]) -> dict[str, Node]:
    """A node for each take, by name, the oldest first; `takes` come with the newest first.

    A take whose parent is no longer there is an opening of its own, and so is one that names a later take.
    """
    nodes: dict[str, Node] = {}
    for take in reversed(takes):
        parent = nodes.get(take.parent)
        nodes[take.take] = node = Node(take, parent)
        if parent is not None:
            parent.children.append(node)
    return nodes


def tree_table(nodes: Sequence[Node], chosen: str = "", indented: bool = True) -> str:
    """One line a take; `chosen` is marked."""
    return table(HEADER, [_row(node, chosen, indented) for node in nodes])


def _row(node: Node, chosen: str, indented: bool) -> tuple[str, ...]:
    take = node.take
    name = (INDENT * node.depth if indented else "") + take.take + (" *" if take.take == chosen else "")
    before = node.parent.take.bars if node.parent is not None and take.made == "extend" else 0
    bars = f"{min(before + 1, take.bars)}-{take.bars}"
    how = take.made + (f" {take.parent} (gone)" if take.parent and node.parent is None else "")
    return name, bars, how, str(take.option or ""), str(take.seed), take.genre, take.title
