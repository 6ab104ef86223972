"""Ends of lines → joints: what is within the tolerance is one place, and so on from one to the next.

::

    L1 ────────•        • L3 ────       • joint of L1, L2     • joint of L3, L4
               •L2 ─────•L4 ──

    L5 ──────┬────────                  the end of L6 touches the inside of L5: a joint too, where T-joins are allowed;
             │ L6                       L5 is cut there
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo.files.columns import Floats
from geo.formats.lines.parts import Ints, distances, dots
from geo.raw import SourceError

MAX_PAIRS = 50_000_000
"""More pairs of ends within the tolerance than this are no network: the tolerance is larger than the lines are long."""


@dataclass(frozen=True)
class Ends:
    """Where lines end, in metres: ``places`` (u, 2), each once, and for both ends of each line the place (2n)."""

    places: Floats
    of_end: Ints


@dataclass(frozen=True)
class Touches:
    """Places of ends that lie on the inside of a line which does not end there: place, line, how far along it, how far off."""

    place: Ints
    line: Ints
    at_m: Floats
    off_m: Floats

    def take(self, rows: Any) -> Touches:
        """Return the touches of ``rows``."""
        return Touches(self.place[rows], self.line[rows], self.at_m[rows], self.off_m[rows])

    def and_then(self, others: Touches) -> Touches:
        """Return these touches followed by others."""
        return Touches(
            place=np.append(self.place, others.place),
            line=np.append(self.line, others.line),
            at_m=np.append(self.at_m, others.at_m),
            off_m=np.append(self.off_m, others.off_m),
        )


@dataclass(frozen=True)
class Joints:
    """Which ends and cuts are one place.

    Parameters
    ----------
    of_place, of_end
        Joint of each place, and of both ends of each line.
    cut_line, cut_at_m, cut_joint
        Where lines are cut, sorted by line and along it.
    of_wish
        Joint of each cut that was wished for.
    """

    of_place: Ints
    of_end: Ints
    cut_line: Ints
    cut_at_m: Floats
    cut_joint: Ints
    of_wish: Ints

    def count(self) -> int:
        """Return how many joints there are."""
        return 1 + int(max(self.of_place.max(initial=-1), self.cut_joint.max(initial=-1)))


def find_ends(ends_m: Floats) -> Ends:
    """Return the places of ends of shape (n, 2, 2)."""
    flat = ends_m.reshape(-1, 2)
    # As complex numbers each place is one number to sort by.
    numbers, of_end = np.unique(flat[:, 0] + 1j * flat[:, 1], return_inverse=True)
    return Ends(np.column_stack([numbers.real, numbers.imag]), of_end.astype(np.int64))


def near_pairs(places: Floats, tolerance_m: float) -> Ints:
    """Return the pairs of places within the tolerance, shape (k, 2); raises SourceError where they are too many to be meant."""
    tree = cKDTree(places)
    count = (int(tree.count_neighbors(tree, tolerance_m)) - len(places)) // 2
    if count > MAX_PAIRS:
        given = f"Within {tolerance_m:g} m of an end there are {2 * count / len(places):,.0f} others on average."
        raise SourceError("The tolerance is too large for this line work.", given, "Give a smaller one.")
    pairs: Ints = tree.query_pairs(tolerance_m, output_type="ndarray").astype(np.int64)
    return pairs


def components(count: int, pairs: Ints) -> Ints:
    """Return the number of the component that each of ``count`` things is in, joined by ``pairs`` (k, 2).

    >>> components(4, np.array([[0, 2], [2, 3]]))
    array([0, 1, 0, 0])
    """
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    labels: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def find_touches(tree: shapely.STRtree, ends: Ends, joint_of_place: Ints, tolerance_m: float) -> Touches:
    """Return where places of ends are within the tolerance of a line that has no end in their joint."""
    points, shapes = dots(ends.places), np.asarray(tree.geometries, dtype=object)
    place, line = tree.query(points, predicate="dwithin", distance=tolerance_m)
    at_both = joint_of_place[ends.of_end].reshape(-1, 2)[line]
    place, line = (found[(at_both != joint_of_place[place][:, None]).all(axis=1)] for found in (place, line))
    at_m = np.asarray(shapely.line_locate_point(shapes[line], points[place]), dtype=np.float64)
    return Touches(place.astype(np.int64), line.astype(np.int64), at_m, distances(shapes[line], points[place]))


def is_inside(at_m: Floats, length_m: Floats, tolerance_m: float) -> NDArray[np.bool_]:
    """Tell which places along a line are farther than the tolerance from both its ends."""
    return np.asarray((at_m > tolerance_m) & (at_m < length_m - tolerance_m), dtype=np.bool_)


def join(ends: Ends, pairs: Ints, length_m: Floats, wishes: Touches, *, tolerance_m: float) -> Joints:
    """Return the joints, with lines cut where it is wished.

    Wishes nearer to each other along the line than the tolerance are one cut; nearer to an end of the line, they are that end.

    Parameters
    ----------
    pairs
        Places that are within the tolerance of each other, shape (k, 2).
    wishes
        Where lines are to be cut, and for which place; −1 where the cut is for no end.
    """
    places, wished = len(ends.places), np.arange(len(wishes.line)) + len(ends.places)
    ending = wishes.place >= 0
    line, at_m, thing = _along_lines(ends, length_m, wishes)
    apart = np.append(True, (np.diff(line) > 0) | (np.diff(at_m) > tolerance_m))[: len(line)]
    together = np.flatnonzero(~apart)
    edges = [
        pairs,
        np.column_stack([wishes.place[ending], wished[ending]]),
        np.column_stack([thing[together - 1], thing[together]]),
    ]
    label = components(places + len(wished), np.concatenate(edges))
    spot = np.cumsum(apart) - 1
    cuts = np.bincount(spot, weights=thing < places, minlength=0) == 0
    first = np.flatnonzero(apart)
    middle = np.bincount(spot, weights=at_m) / np.maximum(np.bincount(spot), 1)
    of_place = label[:places]
    return Joints(of_place, of_place[ends.of_end], line[first][cuts], middle[cuts], label[thing[first]][cuts], label[places:])


def _along_lines(ends: Ends, length_m: Floats, wishes: Touches) -> tuple[Ints, Floats, Ints]:
    """Return the ends and the wishes along every line with a wish: line, distance, and place or (after them) wish; sorted."""
    touched = np.unique(wishes.line)
    line = np.concatenate([touched, touched, wishes.line])
    at_m = np.concatenate([np.zeros(len(touched)), length_m[touched], wishes.at_m])
    wish = len(ends.places) + np.arange(len(wishes.line))
    thing = np.concatenate([ends.of_end[2 * touched], ends.of_end[2 * touched + 1], wish])
    order = np.lexsort((at_m, line))
    return line[order], at_m[order], thing[order]
