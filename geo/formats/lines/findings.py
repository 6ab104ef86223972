"""What looks wrong with the drawing, with its place and distance; nothing of it is joined.

::

    near_miss    ──L1──  ──L2──        two ends with a gap           undershoot   ──L3──  │     an end short of a line
                                                                                          L4
    t_join       ──L5──│               an end on a line that has     overshoot    ──L6────┼─    an end a little beyond one
                       L7              no node there                                      L4
    chain        ·  ·  ·  ·            ends in a row, each within the tolerance of the next
    double       ══L8══                a line drawn over another one between the same two nodes
    off_line     ──L9──    ∘           a point too far from any node or line

Where two lines cross and neither ends, they are counted: that is how overhead lines cross. Of several that are equally near, the
first in the alphabet is named, in whatever order they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geo.files.columns import Floats, Mask
from geo.formats.lines.cut import Pieces
from geo.formats.lines.parts import MICROMETRE, Geometries, Ints, distances, dots
from geo.formats.lines.snap import components, find_ends, find_touches, is_inside

REACH = 10.0
"""Ends farther apart than this many times the tolerance are meant to be apart."""

CHAIN = 3.0
"""A joint wider than this many times the tolerance is a chain."""

COLUMNS = ["kind", "table", "feature", "other", "distance_m", "x", "y"]


@dataclass(frozen=True)
class Places:
    """What is known of each joint: whether anything but lines stands there, and which part of the network it is in.

    ``adrift`` are joints in a part without a source or, where there is no source at all, in any but the largest part.
    """

    taken: Mask
    part: Ints
    adrift: Mask


def find_parts(pieces: Pieces, links: Ints, taken: Mask, sources: Ints) -> Places:
    """Return what is known of joints; ``links`` (n, 2) are joined by devices, ``sources`` have a source."""
    part = components(len(taken), np.concatenate([pieces.joint, links]))
    of_piece = part[pieces.joint[:, 0]]
    largest_first = np.lexsort((pd.factorize(pieces.ids, sort=True)[0], -np.bincount(of_piece)[of_piece]))
    fed = part[sources] if len(sources) else of_piece[largest_first[0]]
    return Places(taken, part, ~np.isin(part, fed))


def find_t_joins(pieces: Pieces, tolerance_m: float) -> pd.DataFrame:
    """Return the ends that touch the inside of a piece, once for each joint and piece."""
    ends = find_ends(pieces.ends_m)
    first, joint = np.zeros((2, len(ends.places)), dtype=np.int64)
    joint[ends.of_end] = pieces.joint.ravel()
    ids = pieces.ids
    order = np.argsort(-np.repeat(pd.factorize(ids, sort=True)[0], 2), kind="stable")
    first[ends.of_end[order]] = order // 2  # the last one written is the first in the alphabet
    touches = find_touches(pieces.tree, ends, joint, tolerance_m)
    touches = touches.take(is_inside(touches.at_m, pieces.length_m[touches.line], tolerance_m))
    rows = _table(ids[first[touches.place]], ids[touches.line], touches.off_m, ends.places[touches.place], kind="t_join")
    rows = rows.assign(joint=joint[touches.place]).sort_values(["distance_m", "feature", "x", "y"])
    return rows.drop_duplicates(["joint", "other"])


def find_chains(pieces: Pieces, tolerance_m: float) -> pd.DataFrame:
    """Return the joints that are wider than `CHAIN` times the tolerance."""
    joint, xy = pieces.joint.ravel(), pieces.ends_m.reshape(-1, 2)
    order = np.lexsort((np.repeat(pd.factorize(pieces.ids, sort=True)[0], 2), joint))
    start = np.flatnonzero(np.append(True, np.diff(joint[order]) > 0))
    span = np.maximum.reduceat(xy[order], start) - np.minimum.reduceat(xy[order], start)
    wide = np.flatnonzero(np.hypot(*span.T) > CHAIN * tolerance_m)
    stop = np.append(start[1:], len(order))
    groups = [order[start[number] : stop[number]] for number in wide]
    found = [_widest(xy[group], group) for group in groups]
    chains = [(a, b, width) for a, b, width in found if width > CHAIN * tolerance_m]
    ends = np.array([pair[:2] for pair in chains], dtype=np.int64).reshape(-1, 2)
    width_m = np.array([width for _, _, width in chains], dtype=np.float64)
    ids = np.sort(pieces.ids[ends // 2], axis=1)
    return _table(ids[:, 0], ids[:, 1], width_m, xy[ends].mean(axis=1), kind="chain")


def _widest(xy: Floats, names: Ints) -> tuple[int, int, float]:
    """Return the two of ``names`` that are farthest from each other, of several the first, and how far."""
    corners = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(xy)))
    first = np.unique([np.hypot(*(xy - corner).T).argmin() for corner in corners])
    off = np.hypot(*(xy[first][:, None, :] - xy[first][None, :, :]).transpose(2, 0, 1))
    one, two = first[list(np.unravel_index(off.round(MICROMETRE).argmax(), off.shape))]
    return int(names[one]), int(names[two]), float(off.max())


def find_doubles(pieces: Pieces, tolerance_m: float) -> pd.DataFrame:
    """Return the pieces that are nowhere farther than the tolerance from another one between the same joints."""
    rank = pd.factorize(pieces.ids, sort=True)[0]
    ends = np.sort(pieces.joint, axis=1)
    order = np.lexsort((rank, ends[:, 1], ends[:, 0]))
    new = np.append(True, (np.diff(ends[order], axis=0) != 0).any(axis=1))
    first, again = order[new][np.cumsum(new) - 1][~new], order[~new]
    off_m = shapely.hausdorff_distance(pieces.shapes_m[first], pieces.shapes_m[again])
    same = off_m <= tolerance_m
    first, again = first[same], again[same]
    return _table(pieces.ids[again], pieces.ids[first], off_m[same], pieces.ends_m[again].mean(axis=1), kind="double")


@dataclass(frozen=True)
class _Pairs:
    """Ends (2 × piece, and 1 more for its last end) and the pieces near them, with their distance."""

    end: Ints
    piece: Ints
    off_m: Floats

    def take(self, rows: Any) -> _Pairs:
        return _Pairs(self.end[rows], self.piece[rows], self.off_m[rows])


def find_gaps(pieces: Pieces, places: Places, told: Ints, tolerance_m: float) -> pd.DataFrame:
    """Return near misses, undershoots and overshoots: for each end that hangs loose or is adrift, the nearest.

    An end hangs loose where no other end and no point is. ``told`` are joints of which something is said already.
    """
    joint = pieces.joint.ravel()
    loose = (np.bincount(joint, minlength=len(places.taken)) == 1) & ~places.taken
    asked = loose | places.adrift
    asked[told] = False
    pairs = _near_pieces(pieces, np.flatnonzero(asked[joint]), REACH * tolerance_m)
    pairs = pairs.take(_apart(pairs, pieces, places, loose, reach_m=REACH * tolerance_m))
    rows = pd.concat([_overshoots(pairs, pieces, loose, tolerance_m), _misses(pairs, pieces, tolerance_m)], ignore_index=True)
    rows = rows.sort_values(["rank", "distance_m", "feature", "other", "x", "y"]).drop_duplicates("joint")
    both = np.sort(rows[["joint", "target"]].to_numpy(dtype=np.int64), axis=1)
    return rows[~pd.DataFrame(both).duplicated().to_numpy() | (rows["kind"] != "near_miss").to_numpy()]


def _near_pieces(pieces: Pieces, end: Ints, reach_m: float) -> _Pairs:
    points = dots(pieces.ends_m.reshape(-1, 2)[end])
    which, piece = pieces.tree.query(points, predicate="dwithin", distance=reach_m)
    return _Pairs(end[which], piece.astype(np.int64), distances(points[which], pieces.shapes_m[piece]))


def _apart(pairs: _Pairs, pieces: Pieces, places: Places, loose: Mask, *, reach_m: float) -> Mask:
    """Tell which pairs are not joined already, or only by the short piece that ends there."""
    own, mine, theirs = pairs.end // 2, pieces.joint.ravel()[pairs.end], pieces.joint[pairs.piece]
    other_end = pieces.joint[own, 1 - pairs.end % 2]
    stub = pieces.length_m[own] <= 2.0 * reach_m
    joined = (theirs == mine[:, None]).any(axis=1)
    joined |= stub & (theirs == other_end[:, None]).any(axis=1)
    found: Mask = ~joined & (loose[mine] | (places.part[theirs[:, 0]] != places.part[mine]))
    return found


def _overshoots(pairs: _Pairs, pieces: Pieces, loose: Mask, tolerance_m: float) -> pd.DataFrame:
    joint, shapes = pieces.joint.ravel(), pieces.shapes_m
    pairs = pairs.take(loose[joint[pairs.end]] & (pairs.off_m > tolerance_m))
    pairs = pairs.take(shapely.crosses(shapes[pairs.end // 2], shapes[pairs.piece]))
    beyond_m = _beyond(pairs, shapes)
    # At a sharp angle the end is farther beyond the crossing than it is from the line.
    near = beyond_m <= 2.0 * REACH * tolerance_m
    return _of_pairs("overshoot", pairs.take(near), pieces, distance_m=beyond_m[near], target=np.full(int(near.sum()), -1))


def _beyond(pairs: _Pairs, shapes: Geometries) -> Floats:
    """Return how far along its line each end is beyond where that crosses the piece."""
    own = shapes[pairs.end // 2]
    places, pair = shapely.get_coordinates(shapely.intersection(own, shapes[pairs.piece]), return_index=True)
    along = shapely.line_locate_point(own[pair], dots(places))
    from_end = np.where(pairs.end[pair] % 2 == 0, along, shapely.length(own)[pair] - along)
    beyond = np.full(len(own), np.inf)
    np.minimum.at(beyond, pair, from_end)
    return beyond


def _misses(pairs: _Pairs, pieces: Pieces, tolerance_m: float) -> pd.DataFrame:
    """Return ends short of an end or of the inside of a line: of an end, where that is about as near."""
    ends = pieces.ends_m
    off = np.hypot(*(ends[pairs.piece] - ends.reshape(-1, 2)[pairs.end][:, None, :]).transpose(2, 0, 1))
    # Where both ends of a line are equally near, which is its first must say nothing: the one in the west, or south, is taken.
    nearer = np.lexsort((*ends[pairs.piece].round(MICROMETRE).transpose(2, 0, 1)[::-1], off.round(MICROMETRE)))[:, 0]
    at_end = off.min(axis=1) <= np.minimum(pairs.off_m + tolerance_m, REACH * tolerance_m)
    distance_m = np.where(at_end, off.min(axis=1), pairs.off_m)
    near = at_end | (pairs.off_m > tolerance_m)
    kind = np.where(at_end, "near_miss", "undershoot")[near]
    target = np.where(at_end, pieces.joint[pairs.piece, nearer], -1)[near]
    return _of_pairs(kind, pairs.take(near), pieces, distance_m=distance_m[near], target=target)


def _of_pairs(kind: Any, pairs: _Pairs, pieces: Pieces, *, distance_m: Floats, target: Ints) -> pd.DataFrame:
    ids = pieces.ids
    xy = pieces.ends_m.reshape(-1, 2)[pairs.end]
    rows = _table(ids[pairs.end // 2], ids[pairs.piece], distance_m, xy, kind=kind)
    # One line may be short of another, and beyond a third: what it crosses says most.
    rank = (rows["kind"] != "overshoot").astype(int)
    return rows.assign(joint=pieces.joint.ravel()[pairs.end], target=target, rank=rank, end=pairs.end, piece=pairs.piece)


def count_crossings(pieces: Pieces, gaps: pd.DataFrame, tolerance_m: float) -> int:
    """Return how many pairs of pieces cross where neither ends; ``gaps`` are what `find_gaps` found."""
    overshoots = gaps[gaps["kind"] == "overshoot"]
    shapes = pieces.shapes_m
    pairs = pieces.tree.query(shapes, predicate="crosses").T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    pairs = pairs[~(pieces.joint[pairs[:, 0], :, None] == pieces.joint[pairs[:, 1], None, :]).any(axis=(1, 2))]
    said = np.sort(overshoots[["end", "piece"]].to_numpy(dtype=np.int64) // [2, 1], axis=1)
    known = {tuple(pair) for pair in said.tolist()}
    ends = np.stack([shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)], axis=1)
    one, two = pairs.T
    off_m = np.concatenate([distances(ends[one], shapes[two][:, None]), distances(ends[two], shapes[one][:, None])], axis=1)
    free = (off_m > tolerance_m).all(axis=1)
    return sum(tuple(pair) not in known for pair in pairs[free].tolist())


def _table(feature: Any, other: Any, distance_m: Floats, xy: Floats, *, kind: Any, table: str = "lines") -> pd.DataFrame:
    # Rounding must not decide what is nearest.
    off_m = np.round(distance_m, MICROMETRE)
    columns = {"kind": kind, "table": table, "feature": feature, "other": other, "distance_m": off_m}
    return pd.DataFrame(columns | {"x": xy[:, 0], "y": xy[:, 1]}, index=range(len(xy)))


def off_line(table: str, feature: Any, other: Any, off: tuple[Floats, Floats]) -> pd.DataFrame:
    """Return the finding that points are too far from everything: how far, and where they are."""
    return _table(feature, other, *off, kind="off_line", table=table)
