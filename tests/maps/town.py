"""A small town on the map, made to measure: two feeders, a tie between them, places, and customers with names of all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from geo.schema import TABLES, GridTables, conform
from topology.network import Network, build_network

LON, LAT, STEP = 113.0, 23.0, 0.006
"""Where the town is, and how far apart its transformers are, in degrees."""


Columns = dict[str, Any]


def make_town(sizes: Sequence[int], *, geometry: bool = True, places: bool = True, extra: Columns | None = None) -> Network:
    """Return a town with so many customers behind each transformer.

    ::

        s ──BRK-1── a0 ──LN-0── a1 ──LN-1── a2 ── …     a<i> ══TR-<i>══ v<i> : customers CUST-<i>-<j>
        └───BRK-2── a3 ──LN-3── a4 …                    TIE-1 (normally open) joins the far ends of the feeders

    Transformers 0 and 1 are in community K0, 2 and 3 in K1, and so on. ``extra`` puts other columns into the table of customers.
    """
    half = (len(sizes) + 1) // 2
    feeders = ["F1" if i < half else "F2" for i in range(len(sizes))]
    xs = [LON + STEP * (i if i < half else i - half) for i in range(len(sizes))]
    ys = [LAT if i < half else LAT + STEP for i in range(len(sizes))]
    blocks = [shapely.box(x - STEP / 2, y - STEP / 2, x + STEP / 2, y + STEP / 2) for x, y in zip(xs, ys, strict=True)]
    rows: dict[str, Columns] = {
        "sources": {"id": ["S"], "node": ["s"]},
        "lines": _lines(sizes, half, feeders, xs, ys),
        "switches": _switches(len(sizes), half),
        "transformers": _transformers(len(sizes), feeders),
        "customers": _customers(sizes, xs, ys),
        "service_areas": {"transformer_id": [f"TR-{i}" for i in range(len(sizes))], "geometry": blocks},
        "places": _places(sizes, half) if places else {"id": []},
        "nodes": {"id": ["s", *(f"a{i}" for i in range(len(sizes)))], "x": [LON - STEP, *xs], "y": [LAT, *ys]},
    }
    if not geometry:
        rows["service_areas"] = {"transformer_id": [], "geometry": []}
        rows["nodes"] = {"id": [], "x": [], "y": []}
        for table in rows.values():
            for column in ("geometry", "x", "y"):
                if column in table:
                    table[column] = [None] * len(table[column])
    for column, values in (extra or {}).items():
        rows["customers"][column] = values
    if not places:
        rows["customers"].pop("place_id")
    return build_network(GridTables(**{name: conform(name, rows[name]) for name in TABLES}))  # type: ignore[arg-type]


def _lines(sizes: Sequence[int], half: int, feeders: list[str], xs: list[float], ys: list[float]) -> dict[str, Any]:
    spans = [i for i in range(len(sizes) - 1) if i + 1 != half]
    return {
        "id": [f"LN-{i}" for i in spans],
        "from_node": [f"a{i}" for i in spans],
        "to_node": [f"a{i + 1}" for i in spans],
        "feeder": [feeders[i] for i in spans],
        "geometry": [shapely.LineString([(xs[i], ys[i]), (xs[i + 1], ys[i + 1])]) for i in spans],
    }


def _switches(count: int, half: int) -> dict[str, Any]:
    starts = [0, half] if half < count else [0]
    return {
        "id": [*(f"BRK-{n + 1}" for n in range(len(starts))), *(["TIE-1"] if half < count else [])],
        "kind": [*("breaker" for _ in starts), *(["load_break"] if half < count else [])],
        "from_node": [*("s" for _ in starts), *([f"a{half - 1}"] if half < count else [])],
        "to_node": [*(f"a{start}" for start in starts), *([f"a{count - 1}"] if half < count else [])],
        "normal_state": [*("closed" for _ in starts), *(["open"] if half < count else [])],
        "feeder": [*(f"F{n + 1}" for n in range(len(starts))), *([None] if half < count else [])],
        "geometry": [None] * (len(starts) + (1 if half < count else 0)),
    }


def _transformers(count: int, feeders: list[str]) -> dict[str, Any]:
    return {
        "id": [f"TR-{i}" for i in range(count)],
        "from_node": [f"a{i}" for i in range(count)],
        "to_node": [f"v{i}" for i in range(count)],
        "ownership": ["public"] * count,
        "feeder": feeders,
        "geometry": [None] * count,
    }


def _customers(sizes: Sequence[int], xs: list[float], ys: list[float]) -> dict[str, Any]:
    who = [(i, j) for i, size in enumerate(sizes) for j in range(size)]
    angle = np.array([2.4 * j for _, j in who])
    radius = np.array([STEP * 0.45 * ((j + 1) / sizes[i]) ** 0.5 for i, j in who])
    return {
        "id": [f"CUST-{i}-{j}" for i, j in who],
        "node": [f"v{i}" for i, _ in who],
        "category": ["residential"] * len(who),
        "priority": ["life_support" if j == 2 and i == 0 else "important" if j == 1 and i == 1 else "none" for i, j in who],
        "load_kw": [1.5] * len(who),
        "place_id": [f"K{i // 2}-street" for i, _ in who],
        "street": [f"街{i}" for i, _ in who],
        "house_number": [str(j + 1) for _, j in who],
        "phone": [f"0755-{i:03d}{j:05d}" for i, j in who],
        "name": [f"House {i}/{j}" for i, j in who],
        "x": [xs[i] + radius[n] * np.cos(angle[n]) for n, (i, _) in enumerate(who)],
        "y": [ys[i] + radius[n] * np.sin(angle[n]) for n, (i, _) in enumerate(who)],
    }


def _places(sizes: Sequence[int], half: int) -> dict[str, Any]:
    """County, one town, a community for every two transformers, and a street in each."""
    wide = LON + STEP * half
    made: list[tuple[str, str | None, str, str, str, Any]] = [
        ("county", None, "county", "云溪县", "Yunxi County", shapely.box(LON - 0.1, LAT - 0.1, wide + 0.1, LAT + 0.1)),
        ("town", "county", "town", "青石镇", "Qingshi", shapely.box(LON - STEP, LAT - STEP, wide, LAT + 2 * STEP)),
    ]
    for n in range((len(sizes) + 1) // 2):
        west = LON - STEP / 2 + n * STEP
        block = shapely.box(west, LAT - STEP / 2, west + STEP, LAT + 1.5 * STEP)
        street = shapely.LineString([(west + STEP / 3, LAT - STEP / 2), (west + STEP / 3, LAT + 1.5 * STEP)])
        made.append((f"K{n}", "town", "community", f"第{n}社区", f"Community {n}", block))
        made.append((f"K{n}-street", f"K{n}", "street", f"街{n}", f"Street {n}", street))
    columns = ("id", "parent_id", "kind", "name", "name_en", "geometry")
    return {column: [row[place] for row in made] for place, column in enumerate(columns)}
