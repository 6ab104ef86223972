"""Affected customers in words: places that are named whole, and house numbers where only a part is affected.

The promise, which `notices.readback.read_scope` checks by reading the text with no knowledge but the tables: every affected
customer is covered by the words, and a place or a number is named whole only if everyone there is affected. What cannot be
told apart in words (two customers at one number, a customer with no number) is covered by wider words, "（部分用户）", and
counted::

    affected ──▶ places from the top down ──▶ entries ──▶ text
                 everyone in it?  → 柳树社区全部
                 some, by number? → 中山路 2–18 号（双号）、21 号
                 no number?       → 中山路部分用户            over_named > 0
                 no address?      → 柳树3号公变台区

A text that is too long, or that would name a handful of people in public, is made wider by `notices.widen`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.schema import GridTables
from notices.addresses import AddressBook, Flags, Rows
from notices.entries import Entry, Head, How, Order, write_entries
from notices.grammar import Effect, ScopeError
from notices.names import LOCAL_KINDS, NONE, WORLD, Hits, Named, Names
from notices.readback import read_effects, read_scope
from notices.spots import write_spots
from notices.widen import Terms, widen

__all__ = ["PUBLIC_GROUP", "AddressBook", "Affected", "Entry", "Scope", "ScopeError", "read_scope", "write_scope"]

PUBLIC_GROUP = 5
"""Customers; fewer than these are not named by themselves where everyone can read it (``smallest`` of `write_scope`)."""


@dataclass(frozen=True, eq=False)
class Affected:
    """Customers by what they feel, as rows of ``tables.customers`` in any order.

    Those who are ``partial`` (some phases lost) or ``moved`` (a short break) have words of their own; one that is in several is
    off before partial, and partial before moved. Where `Impact.affected` holds the partial ones too, pass `Impact.out`.
    """

    off: NDArray[Any] = field(default_factory=lambda: NONE)
    partial: NDArray[Any] = field(default_factory=lambda: NONE)
    moved: NDArray[Any] = field(default_factory=lambda: NONE)


@dataclass(frozen=True)
class Scope:
    """Who is affected, in words.

    Attributes
    ----------
    text
        One line for each place that has parts. "" where nobody is affected.
    entries
        What the text says, item by item, in its order.
    customers
        Number of affected customers.
    over_named
        Customers whom the words cover too, though they do not feel what the words say; once for each effect.
    widened
        How many of these are there only because the text had to be short, or must not name a handful of people.
    """

    text: str
    entries: tuple[Entry, ...]
    customers: int
    over_named: int
    widened: int = 0

    @property
    def precision(self) -> float:
        """Share of the customers covered by the words who are affected; 1.0 where nobody is."""
        named = self.customers + self.over_named
        return self.customers / named if named else 1.0


def write_scope(
    tables: GridTables | AddressBook,
    affected: NDArray[Any] | Affected,
    *,
    language: str,
    limit: int | None = None,
    measure: Callable[[str], int] = len,
    order: Order = "place",
    smallest: int = 1,
) -> Scope:
    """Say in words which customers are affected.

    Parameters
    ----------
    tables
        The network, or its `AddressBook` where many texts are written (and where transformers are to be named).
    affected
        Rows of ``tables.customers``, any order; `Affected` where some keep a part of their supply, or are moved.
    language
        ``zh`` or ``en``.
    limit
        The longest that the text may be, by ``measure``. A longer one is widened to the text that names fewest customers
        wrongly within the limit; someone whom two of its items name counts twice in that choice.
    measure
        Length of a text. Two texts one after the other must be as long as both together.
    order
        ``place``: as in the table of places. ``largest``: most affected customers first.
    smallest
        Nothing that fewer customers share is named: a house, a run of numbers, a street. `PUBLIC_GROUP` where everyone can read
        the text; 1 for a letter or a call, which keep exact words.

    Raises
    ------
    ScopeError
        If a row is no customer, or the language is unknown. If not even the widest text fits, with the least length there is;
        if the whole network has fewer customers than ``smallest``.
    """
    names = Names.of(tables, language)
    hits = {effect: Hits.of(names, rows) for effect, rows in _by_effect(affected, names.book.size).items() if len(rows)}
    writers = [_Writer(names, each, each.flags.copy(), effect) for effect, each in hits.items()]
    entries, text = write_entries(names, [entry for writer in writers for entry in writer.write()], order)
    customers = sum(int(each.flags.sum()) for each in hits.values())
    over_named = sum(int(writer.covered.sum()) for writer in writers) - customers
    if smallest <= 1 and (limit is None or measure(text) <= limit):
        return Scope(text, entries, customers, over_named)
    entries, text = write_entries(names, widen(hits, Terms(limit, measure, smallest)), order)
    if limit is not None and measure(text) > limit:
        message = (
            "the measure of length is not a sum over characters. Pass one for which measure(a + b) is measure(a) + measure(b)."
        )
        raise ScopeError(message)
    wider = sum(map(len, read_effects(names, text).values())) - customers
    return Scope(text, entries, customers, wider, max(wider - over_named, 0))


def _by_effect(affected: NDArray[Any] | Affected, size: int) -> dict[Effect, Rows]:
    """Customers of each effect, ascending; each customer once."""
    given = affected if isinstance(affected, Affected) else Affected(affected)
    off, partial, moved = (np.unique(_checked(rows, size)) for rows in (given.off, given.partial, given.moved))
    partial = np.setdiff1d(partial, off)
    return {"off": off, "partial": partial, "moved": np.setdiff1d(moved, np.concatenate([off, partial]))}


def _checked(affected: NDArray[Any], size: int) -> Rows:
    rows = np.asarray(affected)
    if rows.size and (rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= size):
        given = f"{rows.dtype} from {rows.min()} to {rows.max()}"
        raise ScopeError(f"affected customers must be rows of a table of {size} customers; given: {given}. Pass Impact.affected.")
    return rows.astype(np.int32).ravel()


@dataclass(frozen=True, eq=False)
class _Writer:
    """The exact text of one effect in the making; ``covered``: whom the words so far cover, and everyone affected."""

    names: Names
    hits: Hits
    covered: Flags
    effect: Effect

    def write(self) -> Iterator[Entry]:
        """Entries of the whole text; the place that goes without saying is left out of the heads."""
        yield from self._outside_places()
        yield from self._inside(WORLD, ())

    def _inside(self, named: Named, head: Head) -> Iterator[Entry]:
        """Items of the places in ``named``, then the lines of those among them that have places of their own."""
        parts = []
        for child in self.names.children(named).values():
            hits, total = self.hits.count(child)
            if hits:
                yield from [self._entry(child, head, "whole", hits)] if hits == total else self._own_part(child, head)
            if 0 < hits < total:
                parts.append(child)
        for child in parts:
            yield from self._inside(child, head if child is self.names.home else (*head, child.label))

    def _own_part(self, named: Named, head: Head) -> Iterator[Entry]:
        """The item for affected customers who are in ``named`` but in none of its children, if there are any."""
        affected = self.hits.among(self.names.own(named))
        if not len(affected):
            return
        spots = self.names.spots(named)
        written = write_spots(spots, set(affected.tolist()), self.names.grammar)
        self.covered[list(written.covered)] = True
        loose = np.array(spots.ending.get("", []), dtype=np.int32)
        by_transformer = self._by_transformer(named, self.hits.among(loose))
        others = bool(by_transformer.pop("", 0))
        if others:  # nobody there can know that they are not meant
            self.covered[self.names.members(named)] = True
        texts = (*written.texts, *by_transformer)
        yield self._entry(named, head, "spots" if texts else "part", len(affected), spots=texts, others=others)

    def _outside_places(self) -> Iterator[Entry]:
        """Items for affected customers who are in no place and name no street."""
        own = self.names.own(WORLD)
        for label, customers in self._by_transformer(WORLD, self.hits.among(own)).items():
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

    def _entry(self, named: Named, head: Head, how: How, customers: int, *, spots: Head = (), others: bool = False) -> Entry:
        entry = Entry.naming(self.names, named, how, customers, head=head, effect=self.effect)
        return replace(entry, spots=spots, others=others)
