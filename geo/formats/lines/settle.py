"""Joints → nodes: what devices join, which side of them is nearer to a source, who stands where, and what stands nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo.files.columns import Floats, Mask, as_choice, as_numbers, as_text
from geo.formats.lines.devices import FAULTS, Placed, place_devices
from geo.formats.lines.drawing import DEVICES, STANDING, Drawing, Joined
from geo.formats.lines.findings import off_line
from geo.formats.lines.nodes import (
    Nodes,
    count_steps,
    halves_of_sources,
    highest_voltage,
    make_nodes,
    nodes_of_customers,
    turn,
    turn_by_voltage,
)
from geo.formats.lines.parts import Fault, Ints, names_of
from geo.formats.lines.points import nearest_lines
from geo.formats.lines.tables import Far, too_far

Faults = dict[str, list[Fault]]


@dataclass(frozen=True)
class Settled:
    """What is at which node.

    Parameters
    ----------
    lines_at, devices_at
        Nodes of pieces and of devices (−1: none), shape (n, 2).
    standing_at
        By table, the nodes of sources and of customers (−1: none).
    unsure
        Transformers of which nothing tells the primary side, among devices.
    links
        Joints that devices join, shape (n, 2).
    faults, far
        By table, what cannot be placed; and where what is too far from everything is, as findings.
    """

    nodes: Nodes
    lines_at: Ints
    devices_at: Ints
    standing_at: Mapping[str, Ints]
    unsure: Mask
    links: Ints
    faults: Mapping[str, list[Fault]]
    far: list[pd.DataFrame]


def settle_nodes(drawing: Drawing, joined: Joined) -> Settled:
    """Return the nodes of everything that was drawn."""
    voltage_kv = _voltages(joined.pieces.rows)
    near = {table: joined.nearest[table].within(drawing.tolerance_m) for table in STANDING}
    counts = [np.bincount(joined.nearest[table].joint[near[table]], minlength=joined.count) for table in STANDING]
    placed = place_devices(joined.candidates, joined.pieces, voltage_kv, (counts[0], counts[1]))
    nodes = make_nodes(joined.pieces, placed, joined.candidates.ids, drawing.devices_xy())
    lines_at = nodes.of_half[placed.of_ends]
    halves, torn = halves_of_sources(joined.nearest["sources"].joint, placed)
    sources_at = np.where(near["sources"] & ~torn, nodes.of_half[halves], -1)
    steps = _steps(drawing, placed, nodes, sources_at)
    kv = highest_voltage(lines_at.ravel(), np.repeat(voltage_kv, 2), len(nodes.ids))
    devices_at, unsure = _devices_at(placed, nodes, (steps, kv), joined.candidates.transforms)
    customers = nodes_of_customers(joined.nearest["customers"].joint, placed, nodes, devices_at)
    faults, far = _faults(drawing, joined, placed, torn & near["sources"])
    return Settled(
        nodes=nodes,
        lines_at=lines_at,
        devices_at=devices_at,
        standing_at={"sources": sources_at, "customers": np.where(near["customers"], customers, -1)},
        unsure=unsure,
        links=placed.halves[placed.halves[:, 0] >= 0] // 2,
        faults=faults,
        far=far,
    )


def _voltages(rows: pd.DataFrame) -> Floats:
    return as_numbers(rows["voltage_kv"])[0] if "voltage_kv" in rows else np.full(len(rows), np.nan)


def _steps(drawing: Drawing, placed: Placed, nodes: Nodes, sources_at: Ints) -> Floats:
    """Return how many closed devices and lines are between each node and a source."""
    there = placed.halves[:, 0] >= 0
    closed = nodes.of_half[placed.halves[there & ~_is_open(drawing)]]
    return count_steps(nodes, nodes.of_half[placed.of_ends], closed, sources_at[sources_at >= 0])


def _devices_at(placed: Placed, nodes: Nodes, known_of: tuple[Floats, Floats], transforms: Mask) -> tuple[Ints, Mask]:
    """Return the from and to node of every device, and which are transformers of which nothing tells the primary side.

    ``known_of`` nodes are the steps from a source, and the voltage.
    """
    steps, node_kv = known_of
    there = placed.halves[:, 0] >= 0
    ends = nodes.of_half[placed.halves[there]]
    turned, even = turn(ends, steps, nodes)
    by_voltage, known = turn_by_voltage(ends, node_kv)
    known &= transforms[there]
    directed = placed.is_directed()
    devices_at = np.full((len(there), 2), -1, dtype=np.int64)
    devices_at[there] = np.where(directed[there, None], ends, np.where(known[:, None], by_voltage, turned))
    unsure = np.zeros(len(there), dtype=np.bool_)
    unsure[there] = even & ~known & transforms[there]
    return devices_at, unsure & ~directed


def _is_open(drawing: Drawing) -> Mask:
    """Tell which devices are open in the normal state."""
    rows = drawing.points["switches"].rows
    state = as_choice(as_text(rows["normal_state"])[0], ("open",))[0] if "normal_state" in rows else pd.Series([None] * len(rows))
    return np.append(
        (state == "open").to_numpy(dtype=np.bool_), np.zeros(len(drawing.points["transformers"].rows), dtype=np.bool_)
    )


_FAR = ("is too far from any end of a line", "Draw the line up to it, move it to the end of its line, or raise the tolerance.")
_TORN = (
    "stands at a device between two lines, and may feed either",
    "Move it onto the line that it feeds, farther from the device than the tolerance.",
)


def _faults(drawing: Drawing, joined: Joined, placed: Placed, torn: Mask) -> tuple[Faults, list[pd.DataFrame]]:
    """Return what cannot be placed, by table, and what of it is too far from everything, as findings."""
    faults: Faults = {}
    found = []
    for table in DEVICES:
        fault = placed.fault[drawing.rows_of(table)]
        far = Far(table, fault == "far", "geometry", FAULTS["far"])
        faults[table] = [Fault(fault == key, "geometry", *says) for key, says in FAULTS.items() if key != "far"]
        found.append(_add_far(faults[table], far, drawing, None))
    for table in STANDING:
        near = joined.nearest[table]
        far = Far(table, ~near.within(drawing.tolerance_m), "node", _FAR)
        faults[table] = [Fault(torn, "node", *_TORN)] if table == "sources" else []
        found.append(_add_far(faults[table], far, drawing, near.off_m[far.rows]))
    return faults, found


def _add_far(faults: list[Fault], far: Far, drawing: Drawing, off_m: Floats | None) -> pd.DataFrame:
    """Add the fault of points that are ``off_m`` from what they need, the nearest line if absent; return them as findings."""
    points = drawing.points[far.table]
    ids = drawing.lines.rows["id"].to_numpy(dtype=object)
    other, off_line_m = nearest_lines(points.xy[far.rows], drawing.tree, ids)
    off_m = off_line_m if off_m is None else off_m
    faults.append(too_far(far, off_m, other))
    names = names_of(points.rows, np.flatnonzero(far.rows))
    return off_line(far.table, list(names), other, (off_m, points.xy[far.rows]))
