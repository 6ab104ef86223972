"""Lines cut at places along them, all at once.

::

    L7 ──────────×────────×──────      cut at two places
       ── L7#1 ──┴─ L7#2 ─┴─ L7#3
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.crs import project
from geo.files.columns import Floats
from geo.formats.lines.parts import Geometries, Ints, Lines, as_pieces
from geo.formats.lines.snap import Joints

SAME = 1e-9
"""Vertices of a cut line that are nearer than this are one: a nanometre, or a tenth of a millimetre in degrees."""


@dataclass(frozen=True)
class Pieces:
    """The lines after they were cut, in the order of the lines and along each.

    Parameters
    ----------
    rows
        The cells of each piece; a line that was not cut is one piece with the id it had.
    shapes
        In the CRS of the lines.
    tree
        The shapes in metres, ready to be searched.
    ends_m, length_m
        Places of both ends in metres, shape (n, 2, 2), and lengths.
    line, number
        Row of the line, and the number of the piece along it, from 1.
    strand
        Shape (n, 2): what ends at the start and at the end of the piece. An end of a line is a strand of its own (2 × row, and
        2 × row + 1 for its last end); on both sides of a cut it is the same one, since the line passes there.
    joint
        Shape (n, 2): the joint at both ends.
    """

    rows: pd.DataFrame
    shapes: Geometries
    tree: shapely.STRtree
    ends_m: Floats
    length_m: Floats
    line: Ints
    number: Ints
    strand: Ints
    joint: Ints

    @property
    def shapes_m(self) -> Geometries:
        """The shapes in metres."""
        return np.asarray(self.tree.geometries, dtype=object)

    @property
    def ids(self) -> NDArray[np.object_]:
        """The ids of the pieces."""
        return self.rows["id"].to_numpy(dtype=object)


def ends_of(shapes: Geometries) -> Floats:
    """Return the first and the last point of each line, shape (n, 2, 2)."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    new = np.diff(owner) > 0
    return np.stack([xy[np.append(True, new)], xy[np.append(new, True)]], axis=1)


def cut_lines(lines: Lines, shapes_m: Geometries, joints: Joints, metric: object) -> Pieces:
    """Return the pieces of ``lines`` between their joints."""
    line, at_m = joints.cut_line, joints.cut_at_m
    along = _along(lines, shapes_m, joints, metric)
    count = len(lines.rows)
    row = np.repeat(np.arange(count), 1 + np.bincount(line, minlength=count))
    number = np.arange(len(row)) - np.searchsorted(row, row) + 1
    pieces_m = cut(shapes_m, line, at_m)
    rows = lines.rows.iloc[row].reset_index(drop=True)
    length_m = shapely.length(pieces_m)
    is_cut = np.bincount(line, minlength=count)[row] > 0
    if is_cut.any():
        rows = as_pieces(rows, is_cut, number, share=length_m / np.bincount(row, weights=length_m)[row])
    strand = _strands(row, count)
    return Pieces(
        rows=rows,
        shapes=cut(lines.shapes, line, along),
        tree=shapely.STRtree(pieces_m),
        ends_m=ends_of(pieces_m),
        length_m=length_m,
        line=row,
        number=number,
        strand=strand,
        joint=np.concatenate([joints.of_end, joints.cut_joint])[strand],
    )


def _strands(row: Ints, count: int) -> Ints:
    """Return what ends at the start and the end of each piece; cuts are numbered after the 2 × ``count`` ends of lines."""
    first = np.append(True, row[1:] != row[:-1])
    last = np.append(row[1:] != row[:-1], True)
    cuts = 2 * count + np.arange(int((~first).sum()))
    strand = np.empty((len(row), 2), dtype=np.int64)
    strand[first, 0], strand[~first, 0] = 2 * row[first], cuts
    strand[last, 1], strand[~last, 1] = 2 * row[last] + 1, cuts
    return strand


def _along(lines: Lines, shapes_m: Geometries, joints: Joints, metric: object) -> Floats:
    """Return how far along its line, in the unit of its own CRS, each cut is."""
    line = joints.cut_line
    places = shapely.get_coordinates(shapely.line_interpolate_point(shapes_m[line], joints.cut_at_m))
    x, y = project(places[:, 0], places[:, 1], source=metric, target=lines.crs)
    return np.asarray(shapely.line_locate_point(lines.shapes[line], shapely.points(x, y)), dtype=np.float64)


def cut(shapes: Geometries, line: Ints, at: Floats) -> Geometries:
    """Return ``shapes`` with each ``line`` cut at the distance ``at`` from its start; sorted by line and distance.

    >>> [piece.wkt for piece in cut(shapely.from_wkt(["LINESTRING (0 0, 4 0, 9 0)"]), np.array([0]), np.array([6.0]))]
    ['LINESTRING (0 0, 4 0, 6 0)', 'LINESTRING (6 0, 9 0)']
    """
    touched, first = np.unique(line, return_index=True)
    if not len(touched):
        return shapes
    counts = np.diff(np.append(first, len(line)))
    xy, piece = _vertices(shapes[touched], np.repeat(np.arange(len(touched)), counts), at)
    # Where a line is cut at one of its vertices, that is there twice.
    made = shapely.remove_repeated_points(shapely.linestrings(xy, indices=piece), tolerance=SAME)
    row = np.repeat(np.arange(len(shapes)), 1 + np.bincount(line, minlength=len(shapes)))
    pieces = shapes[row]
    pieces[np.isin(row, touched)] = made
    return pieces


def _vertices(shapes: Geometries, line: Ints, at: Floats) -> tuple[Floats, Ints]:
    """Return the vertices of all pieces in order, and the piece that each is of; every line is cut at least once."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    places = shapely.get_coordinates(shapely.line_interpolate_point(shapes[line], at))
    owners = np.concatenate([owner, line, line])
    distances = np.concatenate([_run(xy, owner), at, at])
    opens = np.repeat([0, 0, 1], [len(owner), len(line), len(line)])
    order = np.lexsort((opens, distances, owners))
    first = np.append(False, np.diff(owners[order]) > 0)
    return np.concatenate([xy, places, places])[order], np.cumsum(first | (opens[order] == 1))


def _run(xy: Floats, owner: Ints) -> Floats:
    """Return how far each vertex is from the start of its line, along it."""
    step = np.append(0.0, np.hypot(*np.diff(xy, axis=0).T))
    start = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    step[start] = 0.0
    # Taking off each line what the one before ran keeps the sum small, and its rounding with it.
    step[start[1:]] = -np.add.reduceat(step, start)[:-1]
    return np.cumsum(step)
