"""Names as people read them, and the customers that each one names.

Customers are found by names and not by ids: places of one kind and one name in one parent cannot be told apart in words, so
here they are one `Named`. A street that only customers mention (``customers.street``) stands beside the streets of the
table of places::

    青河镇 (town)
    ├─ 和平（社区）        two kinds of one name: the kind is added
    ├─ 和平（街路）
    ├─ 中山路            a street of the table, and customers of the town whose street is 中山路
    └─ 桥头路            only in customers.street
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.schema import GridTables
from notices.addresses import AddressBook, Flags, Rows
from notices.grammar import Grammar, clean, grammar_of
from notices.housenumbers import natural_key, spot_path
from notices.spots import Spots

NONE = np.empty(0, dtype=np.int32)

LOCAL_KINDS = ("street", "estate", "building")
"""Kinds whose customers are told apart by numbers; a street in an address adds nothing there."""


@dataclass(frozen=True, eq=False)
class Named:
    """What one name means where it stands: places (rows) of one kind, and customers who only mention the street.

    ``label`` is the name as it is printed among its siblings, with its kind or quotes where it needs them.
    """

    label: str
    kind: str
    places: tuple[int, ...]
    mentions: Rows = field(default_factory=lambda: NONE)


WORLD = Named(label="", kind="", places=(-1,))
"""The whole network: the places at the top, and the customers that are in no place."""


@dataclass(frozen=True, eq=False)
class Names:
    """An `AddressBook` in a language. Answers are kept, since writer and reader come back to the same places."""

    book: AddressBook
    grammar: Grammar
    _children: dict[tuple[int, ...], dict[str, Named]] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: GridTables | AddressBook, language: str) -> Names:
        """Read ``tables`` in ``language``; a book that is there already is taken as it is."""
        grammar = grammar_of(language)
        return cls(tables if isinstance(tables, AddressBook) else AddressBook.of(tables), grammar)

    def children(self, named: Named) -> dict[str, Named]:
        """Names directly in ``named`` by label, in the order of the table of places, then streets that are only mentioned."""
        if named.places not in self._children:
            self._children[named.places] = _label(self._grouped(named), self.grammar) if named.places else {}
        return self._children[named.places]

    @cached_property
    def home(self) -> Named:
        """The place that goes without saying: the county, if there is only one, unless a name in it is also used beside it."""
        top = self.children(WORLD)
        only = [named for named in top.values() if named.places]
        inner = self.children(only[0]) if [named.kind for named in only] == ["county"] else {}
        return only[0] if inner and not _clash(inner.keys(), top.keys()) else WORLD

    def members(self, named: Named) -> Rows:
        """Customers in ``named`` or below it."""
        if named is WORLD:
            return np.arange(self.book.size, dtype=np.int32)
        return np.concatenate([*(self.book.inside(place) for place in named.places), named.mentions])

    def own(self, named: Named) -> Rows:
        """Customers in ``named`` who are in none of its children."""
        book = self.book
        if named is WORLD:
            nowhere: Flags = book.street[book.unplaced] == ""
            return book.unplaced[nowhere]
        kept = [self._without_street(place) for place in named.places]
        housed = [book.directly_in(child) for child in self._spot_places(named)]
        return np.concatenate([*kept, *housed, named.mentions])

    def spots(self, named: Named) -> Spots:
        """House numbers and buildings of the customers that ``named`` has of its own."""
        rows = self.own(named)
        return Spots.of(zip(rows.tolist(), self._paths(named, rows), strict=True), self.grammar)

    def _paths(self, named: Named, rows: Rows) -> Iterator[tuple[str, ...]]:
        """Spots of customers from the street inwards; a number without a street says nothing, so the whole network has none."""
        if named is WORLD:
            yield from (() for _ in rows)
            return
        house = {row: self._name(child) for child in self._spot_places(named) for row in self.book.directly_in(child).tolist()}
        first = named.kind in ("estate", "building")
        addresses = zip(rows.tolist(), self.book.house_number[rows], self.book.building[rows], strict=True)
        for row, number, building in addresses:
            buildings = (house[row], building) if row in house else (building,)
            yield spot_path(number, buildings, self.grammar.language, building_first=first)

    @cached_property
    def transformers(self) -> dict[str, list[int]]:
        """Transformers as they are printed (柳树3号公变台区), with their positions in ``book.transformer_names``."""
        found: dict[str, list[int]] = defaultdict(list)
        for position, name in enumerate(self.book.transformer_names):
            found[self._transformer_label(name)].append(position)
        return found

    def fed(self, named: Named, transformers: Iterable[str]) -> Rows:
        """Customers in ``named`` or below it whom one of the transformers, given by their labels, feeds."""
        positions = [position for label in transformers for position in self.transformers[label]]
        rows = np.concatenate([NONE, *(self.book.fed[position] for position in positions)])
        return rows if named is WORLD else np.intersect1d(rows, self.members(named), assume_unique=True)

    def count_by_transformer(self, rows: Rows) -> dict[str, int]:
        """Number of customers by the label of their transformer, in order; last, under "", of those with none known."""
        positions, counts = np.unique(self.book.transformer[rows], return_counts=True)
        found: dict[str, int] = defaultdict(int)
        for position, count in zip(positions.tolist(), counts.tolist(), strict=True):
            found["" if position < 0 else self._transformer_label(self.book.transformer_names[position])] += count
        return {label: found[label] for label in sorted(found, key=lambda label: (label == "", natural_key(label)))}

    def _transformer_label(self, name: str) -> str:
        before, after = self.grammar.transformer
        bare = name.removesuffix(after).strip()
        return f"{before}{self.grammar.quote(bare) if ' ' in bare else self.grammar.quoted_if_needed(bare)}{after}"

    def _name(self, place: int) -> str:
        tree = self.book.tree
        names = tree.name if self.grammar.language == "zh" else tree.name_en
        return clean(names[place]) or clean(tree.ids[place])

    def _spot_places(self, named: Named) -> Iterator[int]:
        return (child for place in named.places for child in self.book.children(place).tolist() if self.book.is_spot(child))

    def _without_street(self, place: int) -> Rows:
        rows = self.book.directly_in(place)
        if self.book.tree.kind[place] in LOCAL_KINDS:
            return rows
        return rows[~self._mentions_street(place, rows)]

    def _mentions_street(self, place: int, rows: Rows) -> Flags:
        """Say which customers of a place name a street: any text but the place's own name."""
        street = self.book.street[rows]
        mentions = np.asarray(street != "", dtype=np.bool_)
        if place >= 0:
            for name in (self.book.tree.name[place], self.book.tree.name_en[place]):
                mentions &= street != clean(name)
        return mentions

    def _streets(self, named: Named) -> dict[str, Rows]:
        """Customers of places that are no streets by the street they name, in the order of the names."""
        found: dict[str, list[Rows]] = defaultdict(list)
        for place in named.places:
            if place >= 0 and self.book.tree.kind[place] in LOCAL_KINDS:
                continue
            rows = self.book.unplaced if place < 0 else self.book.directly_in(place)
            rows = rows[self._mentions_street(place, rows)]
            codes, streets = pd.factorize(self.book.street[rows], sort=True)
            for street, group in zip(streets, _grouped_rows(rows, codes, len(streets)), strict=True):
                found[street].append(group)
        return {street: np.concatenate(groups) for street, groups in found.items()}

    def _grouped(self, named: Named) -> dict[tuple[str, str], Named]:
        """Children by (name, kind), not labelled yet."""
        places: dict[tuple[str, str], list[int]] = defaultdict(list)
        known: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for child in (child for place in named.places for child in self.book.children(place).tolist()):
            if not self.book.is_spot(child):
                key = (self._name(child), self.book.tree.kind[child])
                places[key].append(child)
                for name in (self.book.tree.name[child], self.book.tree.name_en[child]):
                    known[clean(name)].append(key)
        mentions: dict[tuple[str, str], list[Rows]] = defaultdict(list)
        for street, rows in self._streets(named).items():
            mentions[min(known[street], key=_street_first, default=(street, "street"))].append(rows)
        keys = dict.fromkeys([*places, *mentions])
        return {key: Named("", key[1], tuple(places[key]), np.concatenate([NONE, *mentions[key]])) for key in keys}


@dataclass(frozen=True, eq=False)
class Hits:
    """Who is affected, counted by name.

    ``flags``: by customer. ``before``: affected customers in front of each position of ``AddressBook.by_place``.
    """

    names: Names
    flags: Flags
    before: NDArray[np.int64]

    @classmethod
    def of(cls, names: Names, affected: Rows) -> Hits:
        """Mark the ``affected`` customers."""
        flags = np.zeros(names.book.size, dtype=np.bool_)
        flags[affected] = True
        return cls(names, flags, np.concatenate([[0], np.cumsum(flags[names.book.by_place])]))

    def count(self, named: Named) -> tuple[int, int]:
        """Return the affected customers, and all customers, in ``named`` or below it."""
        if named.places == WORLD.places:
            return int(self.flags.sum()), self.names.book.size
        book, places = self.names.book, np.array(named.places, dtype=np.intp)
        low, high = book.start[book.tree.first[places]], book.start[book.tree.last[places]]
        hits = (self.before[high] - self.before[low]).sum() + self.flags[named.mentions].sum()
        return int(hits), int((high - low).sum()) + len(named.mentions)

    def among(self, rows: Rows) -> Rows:
        """Return those of ``rows`` who are affected."""
        return rows[self.flags[rows]]


def _street_first(key: tuple[str, str]) -> tuple[int, str]:
    """A street that customers mention is sooner a street of that name than an estate or a village of that name."""
    kinds = (*LOCAL_KINDS, "community", "town", "county")
    return kinds.index(key[1]), key[0]


def _grouped_rows(rows: Rows, codes: NDArray[np.intp], groups: int) -> list[Rows]:
    order = np.argsort(codes, kind="stable")
    return np.split(rows[order], np.searchsorted(codes[order], np.arange(1, groups))) if groups else []


def _starts(name: str) -> list[str]:
    """Every part of ``name`` from its beginning up to a space."""
    return [name[:end] for end, char in enumerate(name) if char == " "]


def _clash(inner: Collection[str], outer: Collection[str]) -> bool:
    """Say whether a label of one set is in the other, or begins with a label of the other."""
    one_way = any(start in outer for label in inner for start in (label, *_starts(label)))
    return one_way or any(start in inner for label in outer for start in _starts(label))


def _label(groups: dict[tuple[str, str], Named], grammar: Grammar) -> dict[str, Named]:
    """Print names so that no two are alike and none is another one followed by something that could be a number."""
    kinds: dict[str, int] = defaultdict(int)
    for name, _ in groups:
        kinds[name] += 1
    labelled = {}
    for (name, kind), named in groups.items():
        label = grammar.quote(name) if any(start in kinds for start in _starts(name)) else grammar.quoted_if_needed(name)
        if kinds[name] > 1:
            label = grammar.with_kind(label, kind)
        labelled[label] = Named(label, kind, named.places, named.mentions)
    return labelled
