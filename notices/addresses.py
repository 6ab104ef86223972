"""Where every customer is, by place and by the texts of the address: the one register that writer and reader share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.places import PlaceTree, rows_of_places
from geo.schema import GridTables
from notices.grammar import clean

Rows = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class AddressBook:
    """Addresses of all customers, in no language yet. Built once per network by `AddressBook.of`, shared by threads.

    Attributes
    ----------
    tree
        The places.
    by_place, start
        Customers in the order of their places: those of the places at preorder positions ``a`` up to ``b`` are
        ``by_place[start[a]:start[b]]``.
    unplaced
        Customers with no place, ascending.
    street, house_number, building
        Texts of the addresses by customer, "" where absent.
    transformer, transformer_names
        Which transformer feeds each customer, as a position in ``transformer_names`` (each name once), -1 where not known.
    """

    tree: PlaceTree
    by_place: Rows
    start: NDArray[np.int64]
    unplaced: Rows
    street: NDArray[np.object_]
    house_number: NDArray[np.object_]
    building: NDArray[np.object_]
    transformer: Rows
    transformer_names: NDArray[np.object_]

    @classmethod
    def of(cls, tables: GridTables, *, fed_by: NDArray[Any] | None = None) -> AddressBook:
        """Build the book of a network.

        Parameters
        ----------
        fed_by
            Row of the transformer that feeds each customer in the normal state, -1 for none
            (``Network.transformer_of_customer``). With it, customers without an address are named by their transformer.
        """
        customers, tree = tables.customers, PlaceTree.of(tables.places)
        place = rows_of_places(tree, customers["place_id"])
        position = np.where(place >= 0, tree.first[place], -1) if len(tree) else place
        order = np.argsort(position, kind="stable").astype(np.int32)
        start = np.searchsorted(position[order], np.arange(len(tree) + 1))
        transformer, transformer_names = _transformers(tables.transformers, fed_by, len(customers))
        return cls(
            tree=tree,
            by_place=order[start[0] :],
            start=start - start[0],
            unplaced=order[: start[0]],
            street=_clean_texts(customers["street"]),
            house_number=_texts(customers["house_number"]),
            building=_texts(customers["building"]),
            transformer=transformer,
            transformer_names=transformer_names,
        )

    @property
    def size(self) -> int:
        """Number of customers."""
        return len(self.street)

    @cached_property
    def fed(self) -> list[Rows]:
        """Customers of each transformer in ``transformer_names``, ascending."""
        order = np.argsort(self.transformer, kind="stable").astype(np.int32)
        starts = np.searchsorted(self.transformer[order], np.arange(len(self.transformer_names) + 1))
        return np.split(order, starts)[1:-1]

    def inside(self, place: int) -> Rows:
        """Customers in a place or below it."""
        return self.by_place[self.start[self.tree.first[place]] : self.start[self.tree.last[place]]]

    def directly_in(self, place: int) -> Rows:
        """Customers whose smallest place this is."""
        position = self.tree.first[place]
        return self.by_place[self.start[position] : self.start[position + 1]]

    def children(self, place: int) -> Rows:
        """Rows of the places directly in a place; -1 stands for the whole network."""
        return self.tree.roots if place < 0 else self.tree.children(place)

    def is_spot(self, place: int) -> bool:
        """Say whether a place is written like a house number of its parent: a building with nothing below it."""
        tree = self.tree
        alone = tree.last[place] - tree.first[place] == 1
        return bool(tree.kind[place] == "building" and tree.parent[place] >= 0 and alone)


def _texts(column: pd.Series[str]) -> NDArray[np.object_]:
    return column.fillna("").to_numpy(dtype=object)


def _clean_texts(column: pd.Series[str]) -> NDArray[np.object_]:
    codes, texts = pd.factorize(_texts(column))
    return np.array([clean(text) for text in texts], dtype=object)[codes]


def _transformers(transformers: pd.DataFrame, fed_by: NDArray[Any] | None, size: int) -> tuple[Rows, NDArray[np.object_]]:
    """Transformer of each customer by name (else id), and the names; transformers of one name are one to a reader."""
    if fed_by is None:
        return np.full(size, -1, dtype=np.int32), np.empty(0, dtype=object)
    named = _clean_texts(transformers["name"])
    codes, names = pd.factorize(np.where(named == "", _clean_texts(transformers["id"]), named))
    return np.append(codes, -1).astype(np.int32)[fed_by], np.asarray(names, dtype=object)
