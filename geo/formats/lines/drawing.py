"""What was drawn, in metres, and what of it is one place: lines and points, their joints, and the lines cut there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geo.files.columns import Floats, Mask
from geo.formats.lines.cut import Pieces, cut_lines, ends_of
from geo.formats.lines.devices import Candidates
from geo.formats.lines.parts import Ints, Lines, in_metres, local_crs, sort_out
from geo.formats.lines.points import Nearest, Points, find_nearest, find_stand, joints_of_devices, sort_points
from geo.formats.lines.snap import Touches, components, find_ends, find_touches, join, near_pairs
from geo.raw import RawTables
from geo.schema import CRS, TEXT

DEVICES = ("switches", "transformers")
STANDING = ("sources", "customers")


@dataclass(frozen=True)
class Drawing:
    """Lines (``tree``: their shapes in metres), and by table the points beside them; ``metric`` is the CRS in metres."""

    lines: Lines
    tree: shapely.STRtree
    metric: Any
    points: Mapping[str, Points]
    tolerance_m: float

    def devices_xy(self) -> Floats:
        """Return where all devices stand, switches first, shape (n, 2)."""
        return np.concatenate([self.points[table].xy for table in DEVICES])

    def rows_of(self, table: str) -> Ints:
        """Return the rows of a table among all devices."""
        first = 0 if table == "switches" else len(self.points["switches"].rows)
        return first + np.arange(len(self.points[table].rows))


def draw(work: RawTables, tolerance_m: float) -> Drawing:
    """Return the lines and points of tables as they were read."""
    lines = sort_out(work.frames["lines"], _crs_of(work, "lines"))
    metric = local_crs(lines.shapes, lines.crs)
    empty = pd.DataFrame({"id": pd.Series([], dtype=TEXT)})
    points = {
        table: sort_points(table, work.frames.get(table, empty), _crs_of(work, table), metric) for table in DEVICES + STANDING
    }
    return Drawing(lines, shapely.STRtree(in_metres(lines.shapes, lines.crs, metric)), metric, points, tolerance_m)


def _crs_of(work: RawTables, table: str) -> str:
    return str(work.crs.get(table) or getattr(work.frames.get(table), "crs", None) or CRS)


@dataclass(frozen=True)
class Joined:
    """The drawing cut at its joints: ``count`` of them; the devices before it is known what they join; who stands near what."""

    count: int
    pieces: Pieces
    candidates: Candidates
    nearest: Mapping[str, Nearest]

    def standing(self, table: str, tolerance_m: float) -> Ints:
        """Return the joints of the sources or customers that stand at one."""
        near = self.nearest[table]
        return near.joint[near.within(tolerance_m)]

    def taken(self, tolerance_m: float) -> Mask:
        """Tell at which joints anything stands."""
        taken = np.zeros(self.count, dtype=np.bool_)
        for joints in (self.candidates.joint, *(self.standing(table, tolerance_m) for table in STANDING)):
            taken[joints] = True
        return taken


def join_drawing(drawing: Drawing, *, t_joins: bool) -> Joined:
    """Return what of the drawing is one place."""
    tolerance_m, shapes_m = drawing.tolerance_m, np.asarray(drawing.tree.geometries, dtype=object)
    ends = find_ends(ends_of(shapes_m))
    pairs = near_pairs(ends.places, tolerance_m)
    touches = NO_TOUCHES
    if t_joins:
        touches = find_touches(drawing.tree, ends, components(len(ends.places), pairs), tolerance_m)
    xy, switches = drawing.devices_xy(), len(drawing.points["switches"].rows)
    stand = find_stand(xy, np.arange(len(xy)) < switches, ends, drawing.tree, tolerance_m=tolerance_m)
    joints = join(ends, pairs, shapely.length(shapes_m), touches.and_then(stand.wishes), tolerance_m=tolerance_m)
    device, joint = joints_of_devices(stand, joints, len(touches.line))
    ids = pd.concat([drawing.points[table].rows["id"] for table in DEVICES]).to_numpy(dtype=object)
    lines = drawing.lines.rows["id"].to_numpy(dtype=object)
    return Joined(
        count=joints.count(),
        pieces=cut_lines(drawing.lines, shapes_m, joints, drawing.metric),
        candidates=Candidates(ids, np.arange(len(xy)) >= switches, stand, device, joint),
        nearest={table: find_nearest(drawing.points[table].xy, ends, joints, shapes_m, ids=lines) for table in STANDING},
    )


NO_TOUCHES = Touches(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
