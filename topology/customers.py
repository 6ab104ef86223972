"""The customers of a network, grouped by node once and for good: whoever is asked for at a node is one slice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.schema import PHASE_LETTERS, PRIORITIES
from topology.flood import Rows
from topology.transfer import Masks, mask_of

_ANY = mask_of(PHASE_LETTERS)

IMPORTANT, LIFE_SUPPORT = PRIORITIES.index("important"), PRIORITIES.index("life_support")


class Cost(NamedTuple):
    """What losing some customers costs."""

    customers: int
    load_kw: float
    important: int
    life_support: int


class Customers(NamedTuple):
    """The customers grouped by node, for good; c customers, n nodes."""

    first: Rows
    """``rows[first[v]:first[v + 1]]`` are at node v, shape (n + 1,)."""
    rows: Rows
    wants: Masks
    """Phases that each can use, by row of the customers table, shape (c,)."""
    load_kw: NDArray[np.float64]
    priority: NDArray[np.uint8]
    """Position in `geo.schema.PRIORITIES`, shape (c,)."""
    named: Masks
    """Phases that the customers of a node name; with all of them live everyone there is supplied, shape (n,)."""
    node_load_kw: NDArray[np.float64]
    node_important: Rows
    node_life_support: Rows
    """Sums over the customers of each node, shape (n,)."""

    @classmethod
    def group(cls, table: pd.DataFrame, node: Rows, wants: Masks, *, nodes: int) -> Customers:
        """Group the rows of a customers ``table``, each at its ``node`` (of ``nodes``), with the phases that it ``wants``."""
        load_kw = table["load_kw"].to_numpy(dtype=np.float64)
        priority = pd.Index(PRIORITIES).get_indexer(pd.Index(table["priority"])).astype(np.uint8)
        named = np.zeros(nodes, dtype=np.uint8)
        np.bitwise_or.at(named, node, np.where(wants == _ANY, np.uint8(0), wants))
        counts = np.bincount(node, minlength=nodes)
        return cls(
            first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
            rows=np.argsort(node, kind="stable").astype(np.int32),
            wants=wants,
            load_kw=load_kw,
            priority=priority,
            named=named,
            node_load_kw=np.bincount(node, load_kw, minlength=nodes).astype(np.float64),
            node_important=np.bincount(node, priority == IMPORTANT, minlength=nodes).astype(np.int32),
            node_life_support=np.bincount(node, priority == LIFE_SUPPORT, minlength=nodes).astype(np.int32),
        )

    def cost(self, rows: Rows) -> Cost:
        """Return what losing the customers ``rows`` costs."""
        important, life_support = (int((self.priority[rows] == grade).sum()) for grade in (IMPORTANT, LIFE_SUPPORT))
        return Cost(len(rows), float(self.load_kw[rows].sum()), important, life_support)

    def lost(self, nodes: Rows, before: Masks, after: Masks) -> tuple[Rows, Rows]:
        """Return the customers at ``nodes`` that are out, and those that lost some phases, ascending."""
        changed = nodes[(before[nodes] & ~after[nodes]) != 0]
        counts = self.first[changed + 1] - self.first[changed]
        node = np.repeat(changed, counts)
        starts = np.repeat(self.first[changed] - np.cumsum(counts) + counts, counts)
        rows = self.rows[starts + np.arange(len(node))]
        had = before[node] & self.wants[rows]
        has = after[node] & had
        return np.sort(rows[(has == 0) & (had != 0)]), np.sort(rows[(has != 0) & (has != had)])
