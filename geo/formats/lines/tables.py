"""Snapped line work → raw tables: every row with the nodes that were found for it, or set aside with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.crs import project
from geo.files.columns import Floats, Mask
from geo.formats.lines.cut import Pieces
from geo.formats.lines.nodes import Nodes
from geo.formats.lines.parts import Fault, Ints, Lines, lengths_of, set_aside
from geo.formats.lines.points import Points
from geo.schema import CRS, Problem


@dataclass(frozen=True)
class Written:
    """Rows of one table with their nodes, the rows set aside with ``why``, and the problems."""

    rows: pd.DataFrame
    aside: pd.DataFrame
    problems: tuple[Problem, ...]


def line_table(lines: Lines, pieces: Pieces, at: Ints, nodes: Nodes, *, tolerance_m: float) -> Written:
    """Return the lines, ``at`` (n, 2) their nodes; those that end where they begin are set aside."""
    length_m = pieces.length_m
    ids = nodes.ids[at]
    cells = {"from_node": ids[:, 0], "to_node": ids[:, 1], "length_m": lengths_of(pieces.rows, length_m)}
    frame = gpd.GeoDataFrame(pieces.rows.assign(**cells), geometry=pieces.shapes, crs=lines.crs)
    loop = at[:, 0] == at[:, 1]
    short = loop & (length_m <= 2.0 * tolerance_m)
    faults = [
        Fault(short, "geometry", "is so short that both its ends became one node", _SHORTER, _metres(length_m[short])),
        Fault(loop & ~short, "geometry", "begins and ends at one node", "Split the ring where something is joined to it."),
    ]
    kept, aside, problems = set_aside("lines", frame, faults)
    return Written(frame[kept].reset_index(drop=True), aside, (*_said_of_cuts(lines, pieces), *problems))


_SHORTER = "What it joins is joined without it; lower the tolerance if it can be opened."


def _metres(lengths_m: Floats) -> tuple[str, ...]:
    return tuple(f"{length_m:.2f} m" for length_m in lengths_m)


def _said_of_cuts(lines: Lines, pieces: Pieces) -> list[Problem]:
    cut = np.flatnonzero(pieces.number == 2)
    if not len(cut):
        return []
    ids = tuple(lines.rows["id"].iloc[pieces.line[cut]])
    fix = "Look for them as L7#1, L7#2, …; the id that was given is in the name."
    return [Problem("lines", "id", "was cut at T-joins or switches", ids, fix, "warning")]


def device_table(points: Points, faults: list[Fault], at: Ints, nodes: Nodes) -> Written:
    """Return the devices of one table, ``at`` (n, 2) their nodes; those with a fault are set aside."""
    kept, aside, problems = set_aside(points.table, points.rows, faults)
    ids = nodes.ids[at[kept]]
    rows = points.rows[kept].assign(from_node=ids[:, 0], to_node=ids[:, 1]).reset_index(drop=True)
    return Written(rows, aside, tuple(problems))


def standing_table(points: Points, faults: list[Fault], at: Ints, nodes: Nodes) -> Written:
    """Return the sources or customers, ``at`` (n,) their nodes; those with a fault are set aside."""
    kept, aside, problems = set_aside(points.table, points.rows, faults)
    rows = points.rows[kept].assign(node=nodes.ids[at[kept]]).reset_index(drop=True)
    return Written(rows, aside, tuple(problems))


@dataclass(frozen=True)
class Far:
    """Points of a table that are too far from everything (``rows``), the column that lacks for it, and what is said."""

    table: str
    rows: Mask
    column: str
    says: tuple[str, str]


def too_far(far: Far, off_m: Floats, other: NDArray[np.object_]) -> Fault:
    """Return the fault of points that are too far from everything: ``off_m`` each, and nearest to the line ``other``."""
    rule, fix = far.says
    more = tuple(f"{metres:.2f} m, near {line}" for metres, line in zip(off_m, other, strict=True))
    if more:
        fix = f"{fix} They are off by {'; '.join(more[:5])}{'; …' if len(more) > 5 else ''}."
    return Fault(far.rows, far.column, rule, fix, more)


def node_table(nodes: Nodes, metric: object) -> pd.DataFrame:
    """Return the nodes with their places in WGS 84."""
    lon, lat = project(nodes.xy[:, 0], nodes.xy[:, 1], source=metric, target=CRS)
    return pd.DataFrame({"id": nodes.ids, "x": lon, "y": lat})
