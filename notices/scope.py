"""Affected customers in words: places that are named whole, and house numbers where only a part is affected.

The promise, which `notices.readback.read_scope` checks by reading the text with no knowledge but the tables: every affected
customer is covered by the words, and a place or a number is named whole only if everyone there is affected. What cannot be
told apart in words (two customers at one number, a customer with no number) is covered by wider words, "（部分用户）", and
counted::

    affected ──▶ places from the top down ──▶ entries ──▶ text
                 everyone in it?  → 柳树社区全部
                 some, by number? → 中山路 2–18 号（双号）、21 号
                 no number?       → 中山路（部分用户）            over_named > 0
                 no address?      → 柳树3号公变台区
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo.schema import GridTables
from notices.addresses import AddressBook, Flags, Rows
from notices.grammar import Grammar, ScopeError
from notices.names import LOCAL_KINDS, WORLD, Named, Names
from notices.readback import find_paths, read_scope
from notices.spots import write_spots

__all__ = ["AddressBook", "Entry", "Scope", "ScopeError", "read_scope", "write_scope"]

How = Literal["whole", "part", "spots", "unaddressed"]


@dataclass(frozen=True)
class Entry:
    """One item of a scope text.

    Attributes
    ----------
    head
        Names of the places it is in, outermost first, as printed.
    name
        The name itself; "" for a transformer or for customers that are in no place.
    how
        ``whole``: everyone there. ``part``: someone there, no more is known. ``spots``: the numbers in ``spots``.
        ``unaddressed``: customers without an address.
    spots
        Runs, numbers, buildings and transformers, as printed.
    others
        True where the words say that others there are affected too.
    places
        Ids of the places that ``name`` names; none for a street that only customers mention.
    customers
        Affected customers that this entry is there for.
    """

    head: tuple[str, ...]
    name: str
    how: How
    spots: tuple[str, ...]
    others: bool
    places: tuple[str, ...]
    customers: int


@dataclass(frozen=True)
class Scope:
    """Who is affected, in words.

    Attributes
    ----------
    text
        One line for each place that has parts. "" where nobody is affected.
    entries
        What the text says, item by item.
    customers
        Number of affected customers.
    over_named
        Customers whom the words cover too, though they are not affected.
    """

    text: str
    entries: tuple[Entry, ...]
    customers: int
    over_named: int

    @property
    def precision(self) -> float:
        """Share of the customers covered by the words who are affected; 1.0 where nobody is."""
        named = self.customers + self.over_named
        return self.customers / named if named else 1.0


def write_scope(tables: GridTables | AddressBook, affected: NDArray[Any], *, language: str) -> Scope:
    """Say in words which customers are affected.

    Parameters
    ----------
    tables
        The network, or its `AddressBook` where many texts are written (and where transformers are to be named).
    affected
        Rows of ``tables.customers``, any order.
    language
        ``zh`` or ``en``.

    Raises
    ------
    ScopeError
        If a row is no customer, or the language is unknown.
    """
    names = Names.of(tables, language)
    writer = _Writer.on(names, _checked(affected, names.book.size))
    entries = tuple(writer.write())
    groups = groupby(entries, key=lambda entry: entry.head)
    text = "\n".join(_line(_head_text(names, head), list(items), names.grammar) for head, items in groups)
    customers = int(writer.hit.sum())
    return Scope(text, entries, customers, int(writer.covered.sum()) - customers)


def _checked(affected: NDArray[Any], size: int) -> Rows:
    rows = np.asarray(affected)
    if rows.size and (rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= size):
        given = f"{rows.dtype} from {rows.min()} to {rows.max()}"
        raise ScopeError(f"affected customers must be rows of a table of {size} customers; given: {given}. Pass Impact.affected.")
    return rows.astype(np.int32).ravel()


@dataclass(frozen=True, eq=False)
class _Writer:
    """One text in the making.

    ``hit``: who is affected. ``before``: affected customers in front of each position of ``AddressBook.by_place``.
    ``covered``: whom the words written so far cover, and everyone affected.
    """

    names: Names
    hit: Flags
    before: NDArray[np.int64]
    covered: Flags

    @classmethod
    def on(cls, names: Names, affected: Rows) -> _Writer:
        hit = np.zeros(names.book.size, dtype=np.bool_)
        hit[affected] = True
        before = np.concatenate([[0], np.cumsum(hit[names.book.by_place])])
        return cls(names, hit, before, hit.copy())

    def write(self) -> Iterator[Entry]:
        """Entries of the whole text; the place that goes without saying is left out of the heads."""
        yield from self._outside_places()
        yield from self._inside(WORLD, ())

    def _inside(self, named: Named, head: tuple[str, ...]) -> Iterator[Entry]:
        """Items of the places in ``named``, then the lines of those among them that have places of their own."""
        parts = []
        for child in self.names.children(named).values():
            hits, total = self._count(child)
            if hits:
                yield from [self._entry(child, head, "whole", hits)] if hits == total else self._own_part(child, head)
            if 0 < hits < total:
                parts.append(child)
        for child in parts:
            yield from self._inside(child, head if child is self.names.home else (*head, child.label))

    def _count(self, named: Named) -> tuple[int, int]:
        """Affected customers, and all customers, in ``named`` or below it."""
        book, places = self.names.book, np.array(named.places, dtype=np.intp)
        low, high = book.start[book.tree.first[places]], book.start[book.tree.last[places]]
        hits = (self.before[high] - self.before[low]).sum() + self.hit[named.mentions].sum()
        return int(hits), int((high - low).sum()) + len(named.mentions)

    def _own_part(self, named: Named, head: tuple[str, ...]) -> Iterator[Entry]:
        """The item for affected customers who are in ``named`` but in none of its children, if there are any."""
        own = self.names.own(named)
        affected = own[self.hit[own]]
        if not len(affected):
            return
        spots = self.names.spots(named)
        written = write_spots(spots, set(affected.tolist()), self.names.grammar)
        self.covered[list(written.covered)] = True
        loose = np.array(spots.ending.get("", []), dtype=np.int32)
        by_transformer = self._by_transformer(named, loose[self.hit[loose]])
        others = bool(by_transformer.pop("", 0))
        if others:  # nobody there can know that they are not meant
            self.covered[self.names.members(named)] = True
        texts = (*written.texts, *by_transformer)
        yield self._entry(named, head, "spots" if texts else "part", len(affected), spots=texts, others=others)

    def _outside_places(self) -> Iterator[Entry]:
        """Items for affected customers who are in no place and name no street."""
        own = self.names.own(WORLD)
        for label, customers in self._by_transformer(WORLD, own[self.hit[own]]).items():
            if label:
                yield self._entry(WORLD, (), "spots", customers, spots=(label,))
            else:
                self.covered[own] = True
                yield self._entry(WORLD, (), "unaddressed", customers)

    def _by_transformer(self, named: Named, loose: Rows) -> dict[str, int]:
        """Affected customers without a number by transformer; "" for those whose street is known, or nothing at all."""
        if named.kind in LOCAL_KINDS:
            return {"": len(loose)}
        found = self.names.count_by_transformer(loose)
        self.covered[self.names.fed(named, [label for label in found if label])] = True
        return found

    def _entry(
        self,
        named: Named,
        head: tuple[str, ...],
        how: How,
        customers: int,
        *,
        spots: tuple[str, ...] = (),
        others: bool = False,
    ) -> Entry:
        places = () if named is WORLD else tuple(str(self.names.book.tree.ids[place]) for place in named.places)
        return Entry(head, named.label, how, spots, others, places, customers)


def _head_text(names: Names, head: tuple[str, ...]) -> str:
    """The path of a head; in quotes name by name where it could be read in two ways."""
    grammar = names.grammar
    text = grammar.path.join(head)
    if not head or len(find_paths(names, text)) == 1:
        return text
    return grammar.path.join(grammar.in_quotes(label) for label in head)


def _line(head: str, entries: list[Entry], grammar: Grammar) -> str:
    items = grammar.item.join(_item(entry, grammar) for entry in entries)
    return f"{head}{grammar.head}{items}" if head else items


def _item(entry: Entry, grammar: Grammar) -> str:
    """One entry in words."""
    if entry.how == "unaddressed":
        return grammar.unaddressed
    if entry.how in ("whole", "part"):
        before, after = grammar.whole if entry.how == "whole" else grammar.part
        return f"{before}{entry.name}{after}"
    spots = grammar.spot.join(entry.spots) + (grammar.rest if entry.others else "")
    return f"{entry.name} {spots}" if entry.name else spots
