"""Points beside the lines: where switches, transformers, customers and sources stand, and what of the line work is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.crs import project, to_wgs84
from geo.files.columns import Floats, Mask, as_numbers
from geo.files.points import points_of_geometries
from geo.formats.lines.parts import MICROMETRE, Fault, Geometries, Ints, distances, dots, id_faults, set_aside, with_text_ids
from geo.formats.lines.snap import Ends, Joints, Touches
from geo.schema import DEVICE_TABLES, TABLES, Problem


@dataclass(frozen=True)
class Points:
    """Rows of one table that stand somewhere, and where, in metres (n, 2); ``aside`` do not, with ``why``."""

    table: str
    rows: pd.DataFrame
    xy: Floats
    aside: pd.DataFrame
    problems: tuple[Problem, ...]


def sort_points(table: str, frame: pd.DataFrame, crs: str, metric: Any) -> Points:
    """Return the rows of ``frame`` that are points somewhere in the world."""
    frame = with_text_ids(frame) if "id" in frame or table in DEVICE_TABLES else frame.reset_index(drop=True)
    x, y, other = _coordinates(table, frame)
    lon, lat = to_wgs84(x, y, crs)
    nowhere = np.isnan(x) | np.isnan(y)
    outside = ~nowhere & ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))
    column = "geometry" if TABLES[table].geometry else "x"
    faults = [
        *(id_faults(frame) if table in DEVICE_TABLES else []),
        Fault(other, column, "is no point", "Draw a point where it stands."),
        Fault(nowhere, column, "is empty", "Say where it stands; its node is found by that."),
        Fault(outside, column, "lies outside of the world", f"Look at the CRS: it was taken as {crs}."),
    ]
    kept, aside, problems = set_aside(table, frame, faults)
    xy = np.column_stack(project(x[kept], y[kept], source=crs, target=metric))
    return Points(table, frame[kept].reset_index(drop=True), xy, aside, tuple(problems))


def _coordinates(table: str, frame: pd.DataFrame) -> tuple[Floats, Floats, Mask]:
    """Return x and y (NaN where absent), and where a row has something that is no point."""
    none = np.zeros(len(frame), dtype=np.bool_)
    if TABLES[table].geometry and "geometry" in frame:
        geometries = np.asarray(frame["geometry"].array, dtype=object)
        return points_of_geometries(geometries, none)
    if not {"x", "y"} <= set(frame.columns):
        return np.full(len(frame), np.nan), np.full(len(frame), np.nan), none
    return as_numbers(frame["x"])[0], as_numbers(frame["y"])[0], none


@dataclass(frozen=True)
class Stand:
    """What is within the tolerance of each device.

    Parameters
    ----------
    device, place
        Pairs of a device and a place of ends.
    passing
        How many lines pass each device at which no line ends; 0 where one does.
    wisher, wishes
        Devices that want the line that passes them cut, and where.
    """

    device: Ints
    place: Ints
    passing: Ints
    wisher: Ints
    wishes: Touches


def find_stand(xy: Floats, cuts: Mask, ends: Ends, tree: shapely.STRtree, *, tolerance_m: float) -> Stand:
    """Return what devices at ``xy`` stand on; those of ``cuts`` are switches, which want a line that passes them cut."""
    near = cKDTree(xy).sparse_distance_matrix(cKDTree(ends.places), tolerance_m, output_type="ndarray")
    free = np.setdiff1d(np.arange(len(xy)), near["i"])
    points, shapes = dots(xy), np.asarray(tree.geometries, dtype=object)
    which, line = tree.query(points[free], predicate="dwithin", distance=tolerance_m)
    passing = np.bincount(free[which], minlength=len(xy))
    wish = (passing[free[which]] == 1) & cuts[free[which]]
    wisher, wished = free[which][wish], line[wish].astype(np.int64)
    at_m = np.asarray(shapely.line_locate_point(shapes[wished], points[wisher]), dtype=np.float64)
    wishes = Touches(np.full(len(wisher), -1, dtype=np.int64), wished, at_m, distances(shapes[wished], points[wisher]))
    return Stand(near["i"].astype(np.int64), near["j"].astype(np.int64), passing, wisher, wishes)


def joints_of_devices(stand: Stand, joints: Joints, wishes_before: int) -> tuple[Ints, Ints]:
    """Return the pairs of a device and a joint that it stands at, each once.

    ``wishes_before`` is how many wishes of others came before those of devices.
    """
    wished = joints.of_wish[wishes_before:]
    pairs = np.column_stack([np.append(stand.device, stand.wisher), np.append(joints.of_place[stand.place], wished)])
    device, joint = np.unique(pairs, axis=0).T if len(pairs) else (pairs[:, 0], pairs[:, 1])
    return device.astype(np.int64), joint.astype(np.int64)


@dataclass(frozen=True)
class Nearest:
    """For each point the joint nearest to it, and how far away it is."""

    joint: Ints
    off_m: Floats

    def within(self, tolerance_m: float) -> NDArray[np.bool_]:
        """Tell which points have a joint within the tolerance."""
        return np.asarray(self.off_m <= tolerance_m, dtype=np.bool_)


def find_nearest(xy: Floats, ends: Ends, joints: Joints, shapes: Geometries, *, ids: NDArray[np.object_]) -> Nearest:
    """Return the joint nearest to each of ``xy``, by the ends and cuts that it is made of; ``ids`` are those of the lines.

    Of several as near, it is the one with the line first in the alphabet; of those of one line, the one in the west, or south.
    """
    cuts = shapely.get_coordinates(shapely.line_interpolate_point(shapes[joints.cut_line], joints.cut_at_m))
    tree, joint_of = cKDTree(np.concatenate([ends.places, cuts])), np.append(joints.of_place, joints.cut_joint)
    off_m, found = tree.query(xy, k=2)
    joint, same_m = joint_of[found[:, 0]], 10.0**-MICROMETRE
    even = np.flatnonzero(off_m[:, 1] <= off_m[:, 0] + same_m)
    if len(even):
        order = _alphabet(ends, joints, cuts, ids)
        near = tree.query_ball_point(xy[even], off_m[even, 0] + same_m)
        joint[even] = [min(joint_of[found], key=order.__getitem__) for found in near]
    return Nearest(joint, np.asarray(off_m[:, 0], dtype=np.float64))


def _alphabet(ends: Ends, joints: Joints, cuts_xy: Floats, ids: NDArray[np.object_]) -> Ints:
    """Return for each joint its place in an order that the order and direction of lines say nothing of."""
    rank = pd.factorize(ids, sort=True)[0]
    line = np.append(np.repeat(rank, 2), rank[joints.cut_line])
    x, y = np.concatenate([ends.places[ends.of_end], cuts_xy]).round(MICROMETRE).T
    order = np.lexsort((y, x, line))[::-1]
    place = np.zeros(joints.count(), dtype=np.int64)
    place[np.append(joints.of_end, joints.cut_joint)[order]] = np.arange(len(order))[::-1]  # the last one written is the first
    return place


def nearest_lines(xy: Floats, tree: shapely.STRtree, ids: NDArray[np.object_]) -> tuple[NDArray[np.object_], Floats]:
    """Return for each of ``xy`` the id of the nearest line, of several the first in the alphabet, and how far away it is."""
    (point, line), off_m = tree.query_nearest(dots(xy), return_distance=True)
    order = np.lexsort((ids[line].astype(str), point))
    first = order[np.append(True, np.diff(point[order]) > 0)[: len(order)]]
    return ids[line[first]], np.asarray(off_m, dtype=np.float64)[first]
