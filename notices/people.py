"""Customers as people: who is one and the same, in which language they read, and where each can be reached.

A row of the customers table is a service point. One person may have several, and is told once::

    id   account  phone            person
    C1   A-7      138 0000 0001    C1     ┐ one account
    C2   A-7      –                C1     ┘
    C3   –        138-0000-0001    C1       no account, and the number of somebody who has one
    C4   –        138 0000 0002    C4     ┐ no account, one number
    C5   –        13800000002      C4     ┘
    C6   –        –                C6       nothing but itself

The key is the account, else a telephone number, else an e-mail address, else the customer itself. Two accounts stay two
people even where they share a number: a text for both goes to it once (`notices.plan`), and a letter still goes to each. Nobody
is joined over a third: where A and B share a number, and B and C an address, A is not C.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.places import PlaceTree, rows_of_places
from geo.schema import PRIORITIES, TEXT, GridTables
from notices.addresses import Flags, Rows
from notices.contacts import email_of, missing, phone_of
from notices.grammar import Language, clean
from notices.housenumbers import spot_path
from outages.facts import FactProblem

IMPORTANT, LIFE_SUPPORT = (PRIORITIES.index(priority) for priority in ("important", "life_support"))
"""Values of `People.priority`."""

LONGEST_NAME = 60
"""Characters; what is longer is no name, and greets nobody."""

BLOCK = 5_000
"""Texts that are in memory as such at once; all others are numbers, or packed in a column."""

_RULES = {"phone": phone_of, "email": email_of}

Column = Any
"""A pandas array of `TEXT`: packed, absent is NaN."""


@dataclass(frozen=True, eq=False)
class Contacts:
    """The telephone numbers, or the e-mail addresses, of all customers.

    Attributes
    ----------
    given
        What the customers table says; shape (n,).
    codes
        Position in ``texts`` for each customer, -1 where there is none or it is refused; int32, shape (n,).
    texts
        Each number or address once, in the form of `notices.contacts`.
    """

    field: Literal["phone", "email"]
    given: Column
    codes: Rows
    texts: Column

    @classmethod
    def of(cls, given: Column, field: Literal["phone", "email"]) -> Contacts:
        """Read every different text once, a block at a time."""
        raw_codes, raw = pd.factorize(given)
        codes, texts = pd.factorize(_read(raw, field))
        return cls(field, given, np.append(codes, -1).astype(np.int32)[raw_codes], texts)

    def problem(self, row: int) -> FactProblem:
        """Return why a customer cannot be reached this way; for customers whose code is -1."""
        text = self.given[row]
        read = missing(self.field) if pd.isna(text) or not text.strip() else _RULES[self.field](text)
        return read if isinstance(read, FactProblem) else missing(self.field)

    def find(self, texts: Collection[str]) -> Flags:
        """Say for each of `texts` of the column whether it is among those given, in whatever form they are written."""
        forms = [form for form in map(_RULES[self.field], texts) if isinstance(form, str)]
        return np.asarray(pd.Series(self.texts).isin(forms), dtype=np.bool_)


class _Head(NamedTuple):
    """What an address says of its place: names from the top down, without buildings; and the names of buildings."""

    names: tuple[str, ...]
    buildings: tuple[str, ...]
    in_estate: bool


@dataclass(frozen=True, eq=False)
class People:
    """All customers, and which of them are one person. Built once per network by `People.of`, shared by threads.

    Attributes
    ----------
    ids
        Ids of the customers; shape (n,).
    rank
        Position of each id among all ids in order; int32, shape (n,). Whatever is ordered goes by it: never by row.
    person, lead
        The person of each customer, int32, shape (n,); and the row of the least id of each person. People are numbered in the
        order of these ids.
    priority
        Position in ``geo.schema.PRIORITIES``; int8, shape (n,).
    dedicated
        Fed by a transformer of its own (专变); bool, shape (n,).
    phone, email
        Where they can be reached.
    language
        Position in ``languages``, of which the first is for those whose own is absent or not spoken here; int8, shape (n,).
    tree, place
        The places, and the row of each customer's place there, -1 for none; int32, shape (n,).
    """

    ids: Column
    rank: Rows
    person: Rows
    lead: Rows
    priority: NDArray[np.int8]
    dedicated: Flags
    phone: Contacts
    email: Contacts
    language: NDArray[np.int8]
    languages: tuple[Language, ...]
    tree: PlaceTree
    place: Rows
    name: Column
    street: Column
    house_number: Column
    building: Column
    _heads: dict[tuple[int, Language], _Head] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        tables: GridTables,
        *,
        transformer_of_customer: NDArray[Any] | None = None,
        languages: tuple[Language, ...] = ("zh", "en"),
        tree: PlaceTree | None = None,
    ) -> People:
        """Build the people of a network.

        Parameters
        ----------
        transformer_of_customer
            Row of the transformer that feeds each customer in the normal state, -1 for none
            (``Network.transformer_of_customer``). Without it nobody counts as dedicated.
        languages
            Languages of the utility, its first language first.
        tree
            The places, where they are built already.
        """
        customers, places = tables.customers, PlaceTree.of(tables.places) if tree is None else tree
        order = np.asarray(customers["id"].array.argsort(), dtype=np.int32)
        phone, email = (Contacts.of(customers[field].array, field) for field in ("phone", "email"))
        person, lead = _persons(customers["account"], order, phone, email)
        return cls(
            ids=customers["id"].array,
            rank=_inverse(order),
            person=person,
            lead=lead,
            priority=pd.Index(PRIORITIES).get_indexer(pd.Index(customers["priority"])).astype(np.int8),
            dedicated=_dedicated(tables.transformers, transformer_of_customer, len(customers)),
            phone=phone,
            email=email,
            language=_languages(customers["language"], languages),
            languages=languages,
            tree=places,
            place=rows_of_places(places, customers["place_id"]),
            name=customers["name"].array,
            street=customers["street"].array,
            house_number=customers["house_number"].array,
            building=customers["building"].array,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def has_address(self) -> Flags:
        """Whether a letter or a card finds each customer: by a street, a number, a building, or a place below the top."""
        said = np.zeros(len(self), dtype=np.bool_)
        for column in (self.street, self.house_number, self.building):
            said |= np.asarray(pd.Series(column).fillna("") != "", dtype=np.bool_)
        below = np.append(self.tree.depth > 0, False)
        found: Flags = said | below[self.place]
        return found

    def find(self, ids: Collection[str]) -> Rows:
        """Return the rows of the customers with these ids, ascending; ids that are unknown, or no longer known, have none."""
        return np.flatnonzero(pd.Series(self.ids).isin(list(ids))).astype(np.int32)

    def names(self, rows: Rows) -> list[str]:
        """Names as they can be printed, "" where there is none."""
        cleaned = map(clean, _said(self.name, rows))
        return [name if len(name) <= LONGEST_NAME else "" for name in cleaned]

    def addresses(self, rows: Rows, language: Language) -> list[str]:
        """Postal addresses in one line each, "" where nothing is known.

        In Chinese from the county inwards (青河镇中山路12号3幢), in English from the house outwards
        (12 Zhongshan Road, Building 3, Qinghe Town).
        """
        parts = zip(_said(self.street, rows), _said(self.house_number, rows), _said(self.building, rows), strict=True)
        heads = (self._head(place, language) for place in self.place[rows].tolist())
        return [_address(head, given, language) for head, given in zip(heads, parts, strict=True)]

    def _head(self, place: int, language: Language) -> _Head:
        if (place, language) not in self._heads:
            path = self.tree.ancestors(place)[::-1] if place >= 0 else np.empty(0, dtype=np.int32)
            names = self.tree.name if language == "zh" else self.tree.name_en
            inside = self.tree.kind[path] == "building"
            outer = path[~inside]
            in_estate = bool(len(outer)) and self.tree.kind[outer[-1]] == "estate"
            self._heads[place, language] = _Head(tuple(names[outer]), tuple(names[path[inside]]), in_estate)
        return self._heads[place, language]


def _address(head: _Head, given: tuple[str, str, str], language: Language) -> str:
    street, number, building = clean(given[0]), given[1], given[2]
    names = head.names if street in ("", *head.names[-1:]) else (*head.names, street)
    buildings = tuple(filter(None, (*head.buildings, building)))
    spots = spot_path(number, buildings, language, building_first=head.in_estate and not street)
    if language == "zh":
        return "".join((*names, *spots))
    # A number stands before its street, anything else before the name with a comma: 12 Hill Street; Building 3, Hill Court.
    if spots and names and spots[0][:1].isdigit():
        return ", ".join((f"{spots[0]} {names[-1]}", *spots[1:], *names[-2::-1]))
    return ", ".join((*spots, *names[::-1]))


def first_rows(codes: NDArray[Any], rows: NDArray[Any], size: int) -> Rows:
    """Return for each of ``size`` codes the first of ``rows`` that has it, -1 for none; ``codes`` of the rows, -1 for none."""
    found = np.full(size, -1, dtype=np.int32)
    known = codes >= 0
    found[codes[known][::-1]] = rows[known][::-1]  # of several the last written stays: the first
    return found


def _read(raw: Column, field: str) -> pd.Series[str]:
    rule = _RULES[field]
    blocks = [pd.Series([], dtype=TEXT)]
    for start in range(0, len(raw), BLOCK):
        read = map(rule, raw[start : start + BLOCK])
        blocks.append(pd.Series([form if isinstance(form, str) else None for form in read], dtype=TEXT))
    return pd.concat(blocks, ignore_index=True)


def _persons(accounts: pd.Series[str], order: Rows, phone: Contacts, email: Contacts) -> tuple[Rows, Rows]:
    """Number of the person of each customer, and the row of the least id of each person."""
    stripped = accounts.str.strip()
    key = pd.factorize(stripped.mask(stripped == ""))[0].astype(np.int64)
    for contacts in (phone, email):
        # Whoever has no key yet takes that of the first who has the same contact, or else a new one for the contact.
        known = order[key[order] >= 0]
        owner = first_rows(contacts.codes[known], known, len(contacts.texts))
        keys = np.where(owner >= 0, key[owner], key.max(initial=-1) + 1 + np.arange(len(owner))) if len(key) else key
        joining = (key < 0) & (contacts.codes >= 0)
        key[joining] = keys[contacts.codes[joining]]
    alone = key < 0
    key[alone] = key.max(initial=-1) + 1 + np.arange(alone.sum())
    return _numbered(key, order)


def _numbered(key: NDArray[np.int64], order: Rows) -> tuple[Rows, Rows]:
    """Keys renumbered as they come in the order of ids."""
    codes, keys = pd.factorize(key[order])
    person = np.empty(len(key), dtype=np.int32)
    person[order] = codes
    return person, first_rows(codes, order, len(keys))


def _inverse(order: Rows) -> Rows:
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank


def _dedicated(transformers: pd.DataFrame, fed_by: NDArray[Any] | None, size: int) -> Flags:
    if fed_by is None:
        return np.zeros(size, dtype=np.bool_)
    owned = np.append(np.asarray(transformers["ownership"] == "dedicated", dtype=np.bool_), False)
    return np.asarray(owned[fed_by], dtype=np.bool_)


def _languages(tags: pd.Series[str], languages: tuple[Language, ...]) -> NDArray[np.int8]:
    codes, known = pd.factorize(tags)
    spoken: list[str] = list(languages)
    primary = [tag.strip().lower().replace("_", "-").partition("-")[0] for tag in known]
    numbers = [spoken.index(name) if name in spoken else 0 for name in primary]
    return np.array([*numbers, 0], dtype=np.int8)[codes]


def _said(column: Column, rows: Rows) -> Iterator[str]:
    """Texts of some rows, "" where there is none."""
    return iter(pd.Series(column.take(rows)).fillna("").to_numpy(dtype=object))
