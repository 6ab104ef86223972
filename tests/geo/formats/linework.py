"""Line work written as text, and what came of it as text, for tests.

One thing a line, places in metres east and north of a point in China::

    L1 0,0 100,0 kv=10      a line (two places or more, `/` between the parts of a MultiLineString)
    Q1 100,0 open           a switch (closed where nothing is said)
    T1 100,0                a transformer
    S1 0,0                  a source
    C1 200,0                a customer
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo.crs import project, project_geometries
from geo.formats.lines import Snapped, snap_lines
from geo.raw import RawTables
from geo.schema import DEVICE_TABLES

METRES = "+proj=aeqd +lat_0=30 +lon_0=120 +datum=WGS84 +units=m +type=crs"
"""Metres around a place: what is written in the text is what is measured on the ground."""

TABLE = {"L": "lines", "Q": "switches", "T": "transformers", "S": "sources", "C": "customers"}


def drawn(text: str, *, crs: str = METRES) -> RawTables:
    """Return the tables of a drawing with coordinates in ``crs``, as they would be read."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for line in filter(None, (line.partition(" # ")[0].strip() for line in text.splitlines())):
        row = _row(line)
        rows.setdefault(TABLE[row["id"][0]], []).append(row)
    frames = {table: _frame(table, found, crs) for table, found in rows.items()}
    return RawTables(frames, origin="text", crs=dict.fromkeys(frames, crs))


def _row(line: str) -> dict[str, Any]:
    name, *words = line.split()
    row: dict[str, Any] = {"id": name}
    places = [word for word in words if "," in word or word == "/"]
    row["places"] = [[_place(word) for word in part.split()] for part in " ".join(places).split("/")]
    row["normal_state"] = "open" if "open" in words else "closed"
    row["voltage_kv"] = next((float(word[3:]) for word in words if word.startswith("kv=")), None)
    return row


def _place(word: str) -> tuple[float, float]:
    x, y = word.split(",")
    return float(x), float(y)


def _frame(table: str, rows: list[dict[str, Any]], crs: str) -> pd.DataFrame:
    ids = [row["id"] for row in rows]
    if table in ("sources", "customers"):
        x, y = zip(*(row["places"][0][0] for row in rows), strict=True)
        x, y = project(x, y, source=METRES, target=crs)
        return pd.DataFrame({"id": ids, "x": x, "y": y} | ({"category": "residential"} if table == "customers" else {}))
    more: Mapping[str, Any] = {
        "lines": {"voltage_kv": [row["voltage_kv"] for row in rows]},
        "switches": {"kind": "load_break", "normal_state": [row["normal_state"] for row in rows]},
        "transformers": {"ownership": "public"},
    }[table]
    shapes = [_line(row["places"]) if table == "lines" else shapely.Point(row["places"][0][0]) for row in rows]
    return gpd.GeoDataFrame({"id": ids, **more}, geometry=gpd.GeoSeries(shapes, crs=METRES).to_crs(crs), crs=crs)


def _line(parts: list[list[tuple[float, float]]]) -> Any:
    return shapely.LineString(parts[0]) if len(parts) == 1 else shapely.MultiLineString(parts)


def snapped(text: str, **options: Any) -> Snapped:
    """Return what comes of a drawing."""
    return snap_lines(drawn(text), **options)


def said(found: Snapped) -> str:
    """Return what is joined to what, one thing a line: "L1:from -L1- L1:to", "L1:from *S1", "L1:to C1"."""
    frames = found.raw.frames
    devices = [
        f"{row.from_node} -{row.id}- {row.to_node}"
        for table in DEVICE_TABLES
        if table in frames
        for row in frames[table].itertuples()
    ]
    standing = [
        f"{row.node} {mark}{row.id}"
        for table, mark in (("sources", "*"), ("customers", ""))
        if table in frames
        for row in frames[table].itertuples()
    ]
    return "\n".join([*devices, *standing])


def findings(found: Snapped) -> list[tuple[str, str, str, float]]:
    """Return kind, feature, other and distance, to the centimetre, of every finding."""
    rows = found.findings[["kind", "feature", "other", "distance_m"]].itertuples(index=False)
    return [(kind, feature, other, round(distance_m, 2)) for kind, feature, other, distance_m in rows]


def write_layers(raw: RawTables, target: Path, *, crs: str) -> Path:
    """Write every table as a layer of points or lines in ``crs``, to a GeoPackage, or to a folder of Shapefiles or GeoJSON."""
    for table, frame in raw.frames.items():
        points = gpd.points_from_xy(frame["x"], frame["y"]) if "x" in frame else frame.geometry
        shapes = project_geometries(points.to_numpy(dtype=object), source=raw.crs[table], target=crs)
        # Names of columns as a Shapefile cuts them; elsewhere they are read all the same.
        cells = frame.drop(columns=["x", "y", "geometry"], errors="ignore").rename(columns=lambda name: name[:10])
        moved = gpd.GeoDataFrame(cells, geometry=shapes, crs=crs)
        if target.suffix == ".gpkg":
            moved.to_file(target, layer=table, engine="pyogrio")
        else:
            target.mkdir(exist_ok=True)
            moved.to_file(target / f"{table}.{target.name}", engine="pyogrio")
    return target
