"""Findings about line work as a layer for a GIS, and as Problems in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.crs import project
from geo.formats.lines.findings import COLUMNS
from geo.schema import CRS, TEXT, Problem

KINDS = {
    "near_miss": ("ends {span} short of another end", "Bring the ends together where they are joined."),
    "undershoot": ("ends {span} short of another line", "Draw it up to the line where they are joined."),
    "overshoot": ("ends {span} beyond another line that it crosses", "Draw it up to the line where they are joined."),
    "t_join": ("ends on another line that has no node there", "They were left apart; allow T-joins where they are joined."),
    "chain": (
        "ends in a chain of ends, each within the tolerance of the next, that became one node {span} wide",
        "Lower the tolerance if they are not one node.",
    ),
    "double": (
        "is drawn over another line between the same nodes",
        "Remove it, unless there are two: when one of them opens, the other still feeds what is behind.",
    ),
}
"""What is said of lines with each kind of finding: the rule, and what to do."""


def as_layer(tables: Sequence[pd.DataFrame], metric: Any) -> gpd.GeoDataFrame:
    """Return all findings as points in WGS 84, nearest first within each kind, then by their ids."""
    rows = pd.concat([table[COLUMNS] for table in tables if len(table)] or [pd.DataFrame(columns=COLUMNS)], ignore_index=True)
    rows = rows.sort_values(["kind", "table", "distance_m", "feature", "other", "x", "y"], ignore_index=True)
    x, y = (rows[axis].to_numpy(dtype=np.float64) for axis in ("x", "y"))
    points = shapely.points(*project(x, y, source=metric, target=CRS))
    cells: dict[str, Any] = {name: rows[name].astype(TEXT) for name in ("kind", "table", "feature", "other")}
    cells["distance_m"] = rows["distance_m"].astype(np.float64)
    return gpd.GeoDataFrame(cells, geometry=gpd.GeoSeries(points, crs=CRS, index=rows.index), crs=CRS)


def problems_of(findings: gpd.GeoDataFrame, crossings: int) -> list[Problem]:
    """Return what the findings about lines say: one warning for each kind, its lines nearest first."""
    problems = []
    for kind, (rule, fix) in KINDS.items():
        rows = findings[findings["kind"] == kind]
        if len(rows):
            said = rule.format(span=span_of(rows["distance_m"]))
            problems.append(Problem("lines", "geometry", said, tuple(rows["feature"]), f"{fix} {listing(rows)}", "warning"))
    if crossings:
        times = "once" if crossings == 1 else f"{crossings:,} times"
        rule = f"cross {times} where neither line ends: they were left apart, as overhead lines are"
        problems.append(Problem("lines", "geometry", rule, (), "Split the lines where they are joined.", "warning"))
    return problems


def span_of(distance_m: Any) -> str:
    """Return distances as words.

    >>> span_of([0.5]), span_of([0.62, 4.1])
    ('0.50 m', '0.62 to 4.10 m')
    """
    low, high = f"{min(distance_m):.2f}", f"{max(distance_m):.2f}"
    return f"{low} m" if low == high else f"{low} to {high} m"


def listing(rows: pd.DataFrame) -> str:
    """Return the first five findings as words: "L7 0.62 m from L9, …."."""
    words = [
        f"{feature} {distance_m:.2f} m from {other}"
        for feature, other, distance_m in rows[["feature", "other", "distance_m"]].head(5).itertuples(index=False)
    ]
    return ", ".join(words) + (", …." if len(rows) > 5 else ".")
