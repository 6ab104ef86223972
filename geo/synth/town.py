"""The synthetic utility before it becomes tables: plan, links, and every node numbered, named and on the ground."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyproj import CRS

from geo.crs import metric_crs
from geo.gazetteer.clusters import Floats, Ints
from geo.gazetteer.placenames import draw_names
from geo.schema import TEXT
from geo.synth.layout import Bend, Grid, lay_out
from geo.synth.links import Links, link
from geo.synth.plan import Plan, Texts, make_plan

ORIGIN = (120.6, 31.3)
"""Longitude and latitude of the first substation: somewhere plausible. No utility is meant."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """All nodes, numbered kind by kind.

    Attributes
    ----------
    numbers
        Number of each node of a kind: the kinds of `Grid`, then ``middle`` (behind a switch in a trunk) and ``corner``
        (before a tie).
    grid_xy, xy
        On the straight grid and on the ground, in metres around `ORIGIN`, shape (nodes, 2).
    ids
        Text column of their ids.
    """

    numbers: dict[str, Ints]
    grid_xy: Floats
    xy: Floats
    ids: pd.api.extensions.ExtensionArray


@dataclass(frozen=True, eq=False)
class Town:
    """Everything that is drawn by chance about the network; the tables follow from it."""

    plan: Plan
    links: Links
    nodes: Nodes
    bend: Bend
    crs: CRS
    tie_paths: Floats
    substation_names: Texts
    feeder_names: Texts


def found_town(customers: int, rng: np.random.Generator) -> Town:
    """Draw a town of exactly ``customers`` customers; raises ValueError when they are too few."""
    plan = make_plan(customers, rng)
    grid, bend = lay_out(plan, rng), Bend.drawn(rng)
    links = link(plan, grid, rng)
    tie_paths = _tie_paths(links, grid)
    substation_names, feeder_names = _names(plan, rng)
    return Town(
        plan=plan,
        links=links,
        nodes=_number_nodes(plan, links, grid, corner=tie_paths[:, -1], bend=bend),
        bend=bend,
        crs=metric_crs(*ORIGIN),
        tie_paths=tie_paths,
        substation_names=substation_names,
        feeder_names=feeder_names,
    )


def numbered_ids(prefix: str, count: int) -> pd.api.extensions.ExtensionArray:
    """Text column of ids such as N-000001: as many digits as the last one needs, and six at least.

    >>> list(numbered_ids("N", 2))
    ['N-000001', 'N-000002']
    """
    text = pa.large_string()
    numbers = pc.utf8_lpad(pa.array(np.arange(1, count + 1)).cast(text), width=max(6, len(str(count))), padding="0")
    joined = pc.binary_join_element_wise(pa.scalar(prefix, text), numbers, pa.scalar("-", text))
    return pd.array(joined, dtype=TEXT)


def _tie_paths(links: Links, grid: Grid) -> Floats:
    """Way of the line to each tie: two corners half-way, then a node twelve metres before the other trunk's end."""
    start, end = grid.trunk[links.ties[:, 0]], grid.trunk[links.ties[:, 1]]
    half_way = (start[:, 0] + end[:, 0]) / 2
    corner = end - 12.0 * np.column_stack([np.sign(end[:, 0] - start[:, 0]), np.zeros(len(end))])
    return np.stack([np.column_stack([half_way, start[:, 1]]), np.column_stack([half_way, end[:, 1]]), corner], axis=1)


def _number_nodes(plan: Plan, links: Links, grid: Grid, *, corner: Floats, bend: Bend) -> Nodes:
    at = {field.name: getattr(grid, field.name) for field in fields(grid)}
    switched = links.sections[links.is_switched]
    north = plan.feeders.direction[plan.trunks.feeder[switched]]
    at["middle"] = grid.trunk[switched - 1] + 12.0 * np.column_stack([np.zeros(len(north)), north])
    at["corner"] = corner
    ends = np.cumsum([len(xy) for xy in at.values()])
    numbers = {kind: np.arange(end - len(xy), end) for (kind, xy), end in zip(at.items(), ends, strict=True)}
    grid_xy = np.concatenate(list(at.values()))
    return Nodes(numbers, grid_xy, bend(grid_xy), numbered_ids("N", len(grid_xy)))


def _names(plan: Plan, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Names of the substations and of the feeders, such as 青河 and 青河101线."""
    substation = plan.feeders.substation
    names = draw_names("substation", np.zeros(plan.substations, dtype=np.int64), rng)[0]
    number = 101 + np.arange(len(substation)) - np.searchsorted(substation, substation)
    return names, np.array([f"{names[at]}{n}线" for at, n in zip(substation, number, strict=True)], dtype=object)
