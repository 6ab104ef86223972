"""What a scope text says, item by item, and the items as lines of text.

::

    Entry 柳树社区 whole ┐ head 青河镇
    Entry 杨树社区 whole ├───────────▶  青河镇：柳树社区、杨树社区全部，中山路 2–18 号（双号）
    Entry 中山路  spots ┘
    Entry 人民路  spots   head 河西镇 ▶  河西镇：人民路 1 号
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from notices.grammar import EFFECTS, Effect, Grammar
from notices.names import WORLD, Named, Names
from notices.readback import find_paths

How = Literal["whole", "part", "spots", "unaddressed"]
Order = Literal["place", "largest"]
Head = tuple[str, ...]
Item = list["Entry"]
"""Entries that are printed as one: all of A, B and C."""


@dataclass(frozen=True)
class Entry:
    """One thing that a scope text names.

    Attributes
    ----------
    head
        Names of the places it is in, outermost first, as printed.
    name
        The name itself; "" for a transformer or for customers that are in no place.
    how
        ``whole``: everyone there. ``part``: someone there, no more is said. ``spots``: the numbers in ``spots``.
        ``unaddressed``: customers without an address.
    spots
        Runs, numbers, buildings and transformers, as printed.
    others
        True where the words say that others there are affected too.
    places
        Ids of the places that ``name`` names; none for a street that only customers mention, and for the whole supply area.
    customers
        Affected customers that this entry is there for.
    effect
        What they feel: ``off``, ``partial`` (some phases lost) or ``moved`` (a short break).
    """

    head: Head
    name: str
    how: How
    spots: tuple[str, ...]
    others: bool
    places: tuple[str, ...]
    customers: int
    effect: Effect = "off"

    @classmethod
    def naming(cls, names: Names, named: Named, how: How, customers: int, *, head: Head = (), effect: Effect = "off") -> Entry:
        """Return an entry for ``named`` with no spots."""
        places = () if named.places == WORLD.places else tuple(str(names.book.tree.ids[place]) for place in named.places)
        return cls(head, named.label, how, (), others=False, places=places, customers=customers, effect=effect)


def write_entries(names: Names, entries: Iterable[Entry], order: Order) -> tuple[tuple[Entry, ...], str]:
    """Return the entries in the order of the text, and the text.

    Both orders keep effects apart and lines together. ``place``: as the table of places has them. ``largest``: the line, and in
    a line the item, with most affected customers first. Names that share a word stand where the first of them would.
    """
    lines = [list(_items(line, order)) for line in _grouped(entries, order)]
    text = "\n".join(_line(names, items) for items in lines)
    return tuple(entry for items in lines for item in items for entry in item), text


def line_start(names: Names, head: Head, effect: Effect) -> str:
    """Return what a line begins with: its effect and the path of its head, in quotes where it could be read in two ways."""
    grammar = names.grammar
    path = grammar.path.join(head)
    if head and len(find_paths(names, path)) != 1:
        path = grammar.path.join(grammar.in_quotes(label) for label in head)
    return f"{grammar.effects[effect]}{path}{grammar.head if head else ''}"


def item_text(item: Item, grammar: Grammar) -> str:
    """Return an item in words."""
    entry = item[0]
    if entry.how == "unaddressed":
        return grammar.unaddressed
    if entry.how in ("whole", "part"):
        before, after = grammar.whole if entry.how == "whole" else grammar.part
        return f"{before}{_listed([each.name for each in item], grammar)}{after}"
    spots = grammar.spot.join(entry.spots) + (grammar.rest if entry.others else "")
    return f"{entry.name} {spots}" if entry.name else spots


def _listed(labels: list[str], grammar: Grammar) -> str:
    between, last = grammar.group
    return last.join([between.join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)


def _line(names: Names, items: list[Item]) -> str:
    first = items[0][0]
    words = names.grammar.item.join(item_text(item, names.grammar) for item in items)
    return f"{line_start(names, first.head, first.effect)}{words}"


def _grouped(entries: Iterable[Entry], order: Order) -> list[Item]:
    """Entries line by line; the lines in order."""
    lines: dict[tuple[int, Head], Item] = {}
    for entry in entries:
        lines.setdefault((EFFECTS.index(entry.effect), entry.head), []).append(entry)
    size = {key: _customers(line) if order == "largest" else 0 for key, line in lines.items()}
    return [lines[key] for key in sorted(lines, key=lambda key: (key[0], -size[key]))]


def _items(line: Item, order: Order) -> Iterator[Item]:
    """Items of a line, in order, those that share a word brought together."""
    first = {entry.how: at for at, entry in reversed(list(enumerate(line)))}
    places = [first[entry.how] if entry.how in ("whole", "part") else at for at, entry in enumerate(line)]
    pairs = sorted(zip(places, line, strict=True), key=lambda pair: pair[0])
    items = [[entry for _, entry in group] for _, group in groupby(pairs, key=lambda pair: pair[0])]
    if order == "largest":
        items = sorted((sorted(item, key=lambda entry: -entry.customers) for item in items), key=lambda item: -_customers(item))
    yield from items


def _customers(entries: Item) -> int:
    return sum(entry.customers for entry in entries)
