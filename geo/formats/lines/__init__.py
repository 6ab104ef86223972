"""Bare line work → tables: lines that say nowhere what they are joined to get nodes, by where they end.

::

    lines.shp ─read─▶ lines ─snap─▶ joints ─cut─▶ pieces ─┬─ devices in series ─▶ nodes ─▶ RawTables ─▶ validate
    switches, transformers, customers, sources ───────────┘                  └──▶ findings: where the drawing looks wrong

What is joined, and what is not:

- Ends within the tolerance of each other are one node, and so on from one to the next. Nothing is moved: what was drawn stays as
  it was drawn, and the node is in the middle of its ends.
- An end on the inside of another line is joined to it where T-joins are allowed; that line is cut there, and L7 becomes L7#1 and
  L7#2 with L7 in their name. Lines that cross are not joined. A line is joined to itself at its two ends only.
- A switch or transformer is a point, and in series where exactly two things meet (`geo.formats.lines.devices` draws them): two
  ends, or an end and a source or customers. A line that passes a switch is cut there. A transformer may also stand where
  lines of two voltages meet. The side nearer to a source becomes its from node; for a transformer, that of higher voltage.
- Customers and sources are at the nearest node within the tolerance; customers at a switch are behind it.
- A line whose ends become the same node joins nothing, and is set aside.

Ids of nodes come from ids of lines (`geo.formats.lines.nodes`), and those that lines lack from what their layer stores; write the
tables once and go on with what was written, since other lines in the drawing may give other ids. Switches and
transformers must have ids, since people call them by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.crs import CrsError, parse_crs
from geo.files.columns import as_text
from geo.formats.lines.drawing import DEVICES, STANDING, Drawing, Joined, draw, join_drawing
from geo.formats.lines.findings import count_crossings, find_chains, find_doubles, find_gaps, find_parts, find_t_joins
from geo.formats.lines.read import read_work
from geo.formats.lines.report import as_layer, problems_of
from geo.formats.lines.settle import Settled, settle_nodes
from geo.formats.lines.tables import Written, device_table, line_table, node_table, standing_table
from geo.raw import RawTables, SourceError
from geo.schema import CRS, Problem

TOLERANCE_M = 0.5
"""Ends of lines that were drawn to meet are seldom farther apart."""


@dataclass(frozen=True)
class Snapped:
    """What came of line work.

    Parameters
    ----------
    raw
        Tables for `geo.validate.validate`, with everything that is to be said in ``raw.problems``, and the rows that have no
        place in the network in ``raw.damaged``.
    findings
        Where the drawing looks wrong, as points in WGS 84: ``kind`` (of `geo.formats.lines.findings`), ``table`` and ``feature``
        (whose end or point it is), ``other`` (the line beside it) and ``distance_m``.
    """

    raw: RawTables
    findings: gpd.GeoDataFrame

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What there is to say."""
        return self.raw.problems


def read_lines(path: str | Path, *, tolerance_m: float = TOLERANCE_M, t_joins: bool = False, crs: str | None = None) -> Snapped:
    """Read a Shapefile, GeoPackage or GeoJSON of lines, or a folder or .zip of layers, and join what was drawn to be joined.

    Parameters
    ----------
    tolerance_m
        Ends nearer to each other than this, on the ground, are one node.
    t_joins
        Join ends to lines that pass within the tolerance; else they are only reported.
    crs
        CRS of coordinates that do not say theirs; WGS 84 where absent.

    Raises
    ------
    SourceError
        There are no lines at ``path``, or the tolerance is no length that can be meant.
    """
    try:
        default = parse_crs(CRS if crs is None else crs).to_string()
    except CrsError as error:
        raise SourceError(str(error)) from error
    return snap_lines(read_work(Path(path), crs=default), tolerance_m=tolerance_m, t_joins=t_joins)


def snap_lines(work: RawTables, *, tolerance_m: float = TOLERANCE_M, t_joins: bool = False) -> Snapped:
    """Return the tables of ``work`` with nodes for its lines and for all that stands on them; see `read_lines`."""
    if not (np.isfinite(tolerance_m) and tolerance_m > 0):
        raise SourceError("The tolerance must be a length above 0 m.", f"{tolerance_m!r} was given.", "Give metres, such as 0.5.")
    drawing = draw(work, tolerance_m)
    joined = join_drawing(drawing, t_joins=t_joins)
    settled = settle_nodes(drawing, joined)
    gaps = _gaps(drawing, joined, settled, t_joins=t_joins)
    findings = as_layer([*gaps, *settled.far], drawing.metric)
    written = _written(work, drawing, joined, settled)
    said = problems_of(findings, count_crossings(joined.pieces, gaps[0], tolerance_m))
    return Snapped(_tables(work, drawing, settled, said, written=written), findings)


def _gaps(drawing: Drawing, joined: Joined, settled: Settled, *, t_joins: bool) -> list[pd.DataFrame]:
    """Return near misses and the like first, then chains and doubles, then T-joins that were not made."""
    pieces, tolerance_m = joined.pieces, drawing.tolerance_m
    places = find_parts(pieces, settled.links, joined.taken(tolerance_m), joined.standing("sources", tolerance_m))
    odd = [find_chains(pieces, tolerance_m), find_doubles(pieces, tolerance_m)]
    if t_joins:
        return [find_gaps(pieces, places, np.empty(0, dtype=np.int64), tolerance_m), *odd]
    apart = find_t_joins(pieces, tolerance_m)
    return [find_gaps(pieces, places, apart["joint"].to_numpy(dtype=np.int64), tolerance_m), *odd, apart]


def _written(work: RawTables, drawing: Drawing, joined: Joined, settled: Settled) -> dict[str, Written]:
    """Return the tables of the drawing, those that were there."""
    nodes = settled.nodes
    written = {"lines": line_table(drawing.lines, joined.pieces, settled.lines_at, nodes, tolerance_m=drawing.tolerance_m)}
    for table in DEVICES:
        rows = drawing.rows_of(table)
        written[table] = device_table(drawing.points[table], settled.faults[table], settled.devices_at[rows], nodes)
    for table in STANDING:
        written[table] = standing_table(drawing.points[table], settled.faults[table], settled.standing_at[table], nodes)
    return {table: rows for table, rows in written.items() if table in work.frames}


def _tables(
    work: RawTables, drawing: Drawing, settled: Settled, said: list[Problem], *, written: dict[str, Written]
) -> RawTables:
    """Return the tables of the drawing together with the ones that it leaves as they are."""
    aside = {table: _all_aside(work, drawing, table, rows) for table, rows in written.items()}
    frames = {
        **work.frames,
        **{table: rows.rows for table, rows in written.items()},
        "nodes": node_table(settled.nodes, drawing.metric),
    }
    return RawTables(
        frames=frames,
        problems=(*work.problems, *_replaced(work), *_said(drawing, written, settled), *said),
        origin=work.origin,
        crs={**work.crs, "lines": drawing.lines.crs, "nodes": CRS},
        damaged={**work.damaged, **{table: rows for table, rows in aside.items() if len(rows)}},
    )


def _all_aside(work: RawTables, drawing: Drawing, table: str, written: Written) -> pd.DataFrame:
    earlier = drawing.lines.aside if table == "lines" else drawing.points[table].aside
    parts = [part for part in (work.damaged.get(table), earlier, written.aside) if part is not None and len(part)]
    return pd.concat(parts, ignore_index=True) if parts else earlier


def _said(drawing: Drawing, written: dict[str, Written], settled: Settled) -> list[Problem]:
    said = list(drawing.lines.problems)
    for table, rows in written.items():
        said += drawing.points[table].problems if table in drawing.points else ()
        said += rows.problems
    if settled.unsure.any():
        units = drawing.points["transformers"].rows["id"]
        ids = tuple(units[settled.unsure[drawing.rows_of("transformers")]])
        fix = "Give the lines at both sides their voltage_kv; until then either side was taken."
        said.append(
            Problem("transformers", "from_node", "is a side of which nothing tells that it is the primary", ids, fix, "warning")
        )
    return said


_NODE_COLUMNS = {
    "lines": ("from_node", "to_node"),
    "switches": ("from_node", "to_node"),
    "transformers": ("from_node", "to_node"),
    "sources": ("node",),
    "customers": ("node",),
    "nodes": ("id",),
}


def _replaced(work: RawTables) -> list[Problem]:
    """Return the warning about nodes that are said already: who has them needs no snapping."""
    rule = "is said already, and was replaced by what the drawing says"
    fix = "Read the network as it is, without snapping, if its nodes are right."
    return [
        Problem(table, column, rule, (), fix, "warning")
        for table, columns in _NODE_COLUMNS.items()
        for column in columns
        if table in work.frames and column in work.frames[table] and as_text(work.frames[table][column])[0].notna().any()
    ]
