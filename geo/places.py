"""The tree of places (county, town, community, street or estate, building), and which customers are in each.

Places are numbered in preorder, so that "in this place or below it" is one contiguous range::

    row  id   parent                       first  last
     0   P-1  –        county                0      5    ← the whole tree
     1   P-2  P-1      ├─ community          1      3
     2   P-4  P-2      │  └─ street          2      3
     3   P-3  P-1      └─ community          3      5
     4   P-5  P-3         └─ street          4      5

The place with row q is in the place with row p exactly when ``first[p] <= first[q] < last[p]``. A row is the position of a
place in the table of places; the rows of the tree, of the table and of every answer are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Texts = NDArray[np.object_]
Language = Literal["zh", "en"]


@dataclass(frozen=True, eq=False)
class PlaceTree:
    """Places by row, with their preorder intervals. Built by `PlaceTree.of`; treat as immutable.

    Attributes
    ----------
    ids, kind, name, name_en
        Object arrays of str, one entry a place. ``name_en`` is the name where a place has no English one.
    parent
        Row of the parent, -1 for a place at the top.
    depth
        0 at the top of the tree.
    first, last
        Half-open preorder interval of the place and everything below it.
    order
        Rows in preorder: ``order[first[row]] == row``. Siblings keep the order of the table.
    """

    ids: Texts
    kind: Texts
    name: Texts
    name_en: Texts
    parent: Rows
    depth: Rows
    first: Rows
    last: Rows
    order: Rows
    index: pd.Index[Any]

    @classmethod
    def of(cls, places: pd.DataFrame) -> PlaceTree:
        """Build the tree of ``places`` (columns id, parent_id, kind, name, name_en; any row order; may be empty).

        Raises
        ------
        ValueError
            If a parent is not in the table, an id is there twice, or places are their own ancestors.
        """
        ids = _texts(places["id"])
        index = pd.Index(ids)
        _refuse(ids[index.duplicated()], "are there more than once", "Give each place an id of its own.")
        parent = _parent_rows(places["parent_id"], index, ids)
        depth = _depths(parent, ids)
        first, last = _preorder(parent, depth)
        order = np.empty(len(ids), dtype=np.int32)
        order[first] = np.arange(len(ids), dtype=np.int32)
        name = places["name"]
        return cls(
            ids=ids,
            kind=_texts(places["kind"]),
            name=_texts(name),
            name_en=_texts(places["name_en"].where(places["name_en"].notna(), name)),
            parent=parent,
            depth=depth,
            first=first,
            last=last,
            order=order,
            index=index,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def roots(self) -> Rows:
        """Rows of the places at the top, in the order of the table."""
        return np.flatnonzero(self.parent < 0).astype(np.int32)

    def row(self, place_id: str) -> int:
        """Return the row of a place; raises KeyError with the id that was given."""
        if place_id not in self.index:
            raise KeyError(f"no place has the id {place_id!r} ({len(self)} places are known). Take an id of the table places.")
        return int(self.index.get_indexer(pd.Index([place_id]))[0])

    def children(self, row: int) -> Rows:
        """Rows of the places directly in ``row``, in the order of the table."""
        inside: Rows = self.order[self.first[row] + 1 : self.last[row]]
        direct: Rows = inside[self.parent[inside] == row]
        return direct

    def ancestors(self, row: int) -> Rows:
        """Rows from the place up to the top: ``row`` itself first, its root last."""
        path = [row]
        while self.parent[path[-1]] >= 0:
            path.append(int(self.parent[path[-1]]))
        return np.array(path, dtype=np.int32)

    def path(self, row: int, language: Language = "zh") -> tuple[str, ...]:
        """Names from the top down to ``row``, in Chinese (the first language) or English."""
        names = self.name if language == "zh" else self.name_en
        return tuple(names[up] for up in self.ancestors(row)[::-1])


def rows_of_places(tree: PlaceTree, place_ids: pd.Series[str]) -> Rows:
    """Row of each place id, -1 where it is absent or unknown; ``customers["place_id"]`` is the usual argument."""
    if not len(tree):
        return np.full(len(place_ids), -1, dtype=np.int32)
    codes, known = pd.factorize(place_ids)
    rows = np.append(tree.index.get_indexer(pd.Index(_texts(known))), -1).astype(np.int32)
    return rows[codes]


def count_members(tree: PlaceTree, place_rows: Rows) -> NDArray[np.int64]:
    """Count for each place how many entries of ``place_rows`` are in it or below it; -1 counts nowhere.

    Parameters
    ----------
    place_rows
        Row of the smallest place of each customer, as `rows_of_places` gives it; any subset of the customers may be given.
    """
    placed = place_rows[place_rows >= 0]
    before = np.zeros(len(tree) + 1, dtype=np.int64)
    np.cumsum(np.bincount(tree.first[placed], minlength=len(tree)), out=before[1:])
    return before[tree.last] - before[tree.first]


def are_inside(tree: PlaceTree, row: int, place_rows: Rows) -> NDArray[np.bool_]:
    """Say for each entry of ``place_rows`` whether it is the place ``row`` or below it (-1 never is)."""
    if not len(tree):
        return np.zeros(len(place_rows), dtype=np.bool_)
    position = np.where(place_rows >= 0, tree.first[place_rows], -1)
    inside: NDArray[np.bool_] = (position >= tree.first[row]) & (position < tree.last[row])
    return inside


def _texts(values: Any) -> Texts:
    return np.asarray(values, dtype=object)


def _refuse(ids: Texts, what: str, fix: str) -> None:
    if len(ids):
        shown = ", ".join(sorted(set(map(str, ids)))[:5])
        raise ValueError(f"places {shown} {what} ({len(ids)} rows of places). {fix}")


def _parent_rows(parent_ids: pd.Series[str], index: pd.Index[Any], ids: Texts) -> Rows:
    rows = index.get_indexer(pd.Index(_texts(parent_ids))).astype(np.int32)
    rows[parent_ids.isna().to_numpy()] = -1
    unknown = (rows < 0) & parent_ids.notna().to_numpy()
    _refuse(ids[unknown], "name a parent that is not in the table", "Add the parent, or leave parent_id empty.")
    return rows


def _depths(parent: Rows, ids: Texts) -> Rows:
    """Steps from each place to the top, by doubling: after k rounds everyone has walked up to 2**k steps."""
    depth = (parent >= 0).astype(np.int32)
    up = parent.copy()
    for _ in range(len(parent).bit_length()):
        walking = up >= 0
        depth[walking] += depth[up[walking]]
        up[walking] = up[up[walking]]
    _refuse(ids[up >= 0], "never reach a place without a parent", "Correct parent_id where it leads back to a place below.")
    return depth


def _preorder(parent: Rows, depth: Rows) -> tuple[Rows, Rows]:
    """Half-open preorder interval of every place: sizes from the bottom up, then positions from the top down."""
    size = np.ones(len(parent), dtype=np.int32)
    first = np.zeros(len(parent), dtype=np.int32)
    levels = [np.flatnonzero(depth == level) for level in range(depth.max(initial=-1) + 1)]
    for level in levels[:0:-1]:
        np.add.at(size, parent[level], size[level])
    for level in levels:
        siblings = level[np.argsort(parent[level], kind="stable")]
        before = np.cumsum(size[siblings]) - size[siblings]
        starts = np.flatnonzero(np.diff(parent[siblings], prepend=-2))
        offset = before - np.repeat(before[starts], np.diff(np.append(starts, len(siblings))))
        above = parent[siblings]
        first[siblings] = offset + np.where(above >= 0, first[above] + 1, 0)
    return first, (first + size).astype(np.int32)
