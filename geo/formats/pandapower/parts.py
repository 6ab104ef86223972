"""The parts of a pandapower net that supply, pass and draw power, as rows for our tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from geo.formats.winding import connection_of

Ends = dict[tuple[str, int, int], str]
"""Node at which an element ends, by its table, its number and its bus, where that is not the bus itself."""

BUSES = {
    "line": ("from_bus", "to_bus"),
    "impedance": ("from_bus", "to_bus"),
    "dcline": ("from_bus", "to_bus"),
    "tcsc": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "trafo3w": ("hv_bus", "mv_bus", "lv_bus"),
}
"""The tables of elements that pass power, and their columns of buses."""


def at_live_buses(net: Any, table: str, *buses: str) -> pd.DataFrame:
    """Return the rows of a table whose ``buses`` are all in service, with an ``id``, and their index as ``number``."""
    rows: pd.DataFrame = net[table]
    live = net.bus.index[net.bus["in_service"].astype(bool)]
    rows = rows[rows[list(buses)].isin(live).all(axis=1)]
    numbers = rows.index.to_series()
    return rows.assign(id=f"{table}_" + numbers.astype(str), number=numbers, name=rows["name"].map(str, na_action="ignore"))


def in_service(net: Any, table: str, *buses: str) -> pd.DataFrame:
    """Return the rows of a table that are in service, and whose buses are."""
    rows = at_live_buses(net, table, *buses)
    return rows[rows["in_service"].astype(bool)]


def nodes_at(rows: pd.DataFrame, table: str, bus: str, ends: Ends) -> list[str]:
    """Return the node at which each element ends on the side of the column ``bus``."""
    return [ends.get((table, n, b), f"bus_{b}") for n, b in zip(rows["number"], rows[bus], strict=True)]


def sources(net: Any) -> pd.DataFrame:
    """Return external grids and slack generators."""
    generators = in_service(net, "gen", "bus")
    slack = generators[generators["slack"].astype(bool)]
    return _stack(
        rows[["id", "name"]].assign(node="bus_" + rows["bus"].astype(str)) for rows in (in_service(net, "ext_grid", "bus"), slack)
    )


def lines(net: Any, ends: Ends) -> pd.DataFrame:
    """Return lines, in service or not, and whatever else passes power between two buses."""
    drawn = at_live_buses(net, "line", *BUSES["line"])
    passing = [_branches(net, name, in_service(net, name, *BUSES[name]), ends) for name in ("impedance", "dcline", "tcsc")]
    return _stack([_branches(net, "line", drawn, ends).assign(length_m=drawn["length_km"] * 1000), *passing])


def _branches(net: Any, table: str, rows: pd.DataFrame, ends: Ends) -> pd.DataFrame:
    start, end = (nodes_at(rows, table, bus, ends) for bus in ("from_bus", "to_bus"))
    voltage = rows["from_bus"].map(net.bus["vn_kv"])
    return rows[["id", "name"]].assign(from_node=start, to_node=end, voltage_kv=voltage)


def transformers(net: Any, ends: Ends) -> pd.DataFrame:
    """Return two-winding transformers, in service or not, and three-winding ones as two that share the primary node."""
    two = at_live_buses(net, "trafo", *BUSES["trafo"])
    three = in_service(net, "trafo3w", *BUSES["trafo3w"])
    units = [_unit(net, "trafo", two, ends).assign(kva=two["sn_mva"] * two["parallel"] * 1000)]
    for winding, side in ((1, "mv"), (2, "lv")):
        unit = _unit(net, "trafo3w", three, ends, side=side, winding=winding)
        units.append(unit.assign(id=unit["id"] + f"_{side}", bank=unit["id"], kva=three[f"sn_{side}_mva"] * 1000))
    return _stack(units)


def _unit(net: Any, table: str, rows: pd.DataFrame, ends: Ends, *, side: str = "lv", winding: int = 1) -> pd.DataFrame:
    """Return transformers from the high-voltage bus to the bus of the winding on ``side``."""
    start, end = (nodes_at(rows, table, bus, ends) for bus in ("hv_bus", f"{side}_bus"))
    connection = pd.Series(_vector_groups(net, table, rows), rows.index, dtype=object).map(
        lambda group: connection_of(group, winding=winding)
    )
    return rows[["id", "name"]].assign(from_node=start, to_node=end, connection=connection)


def _vector_groups(net: Any, table: str, rows: pd.DataFrame) -> list[object]:
    """Return the vector group that each transformer gives, or else its type, or else the name of that type."""
    types = net.std_types[table]
    own = rows["vector_group"] if "vector_group" in rows.columns else [None] * len(rows)
    pairs = zip(own, rows["std_type"], strict=True)
    return [group if isinstance(group, str) else types.get(kind, {}).get("vector_group", kind) for group, kind in pairs]


def customers(net: Any) -> pd.DataFrame:
    """Return loads and asymmetric loads; the latter with the phases that they draw from."""
    loads, uneven = in_service(net, "load", "bus"), in_service(net, "asymmetric_load", "bus")
    drawn = uneven[["p_a_mw", "p_b_mw", "p_c_mw"]]
    phases = pd.Series("", uneven.index, dtype=object)
    for letter in "abc":
        phases += (drawn[f"p_{letter}_mw"] != 0).map({True: letter.upper(), False: ""})
    return _stack(
        [
            _customers(loads).assign(load_kw=loads["p_mw"] * loads["scaling"] * 1000),
            _customers(uneven).assign(
                load_kw=drawn.sum(axis=1) * uneven["scaling"] * 1000, phases=phases.where(phases != "", np.nan)
            ),
        ]
    )


def _customers(rows: pd.DataFrame) -> pd.DataFrame:
    """Return customers whose category is the type of the load, where that says more than how it is connected."""
    category = [kind if isinstance(kind, str) and kind not in ("", "wye", "delta") else "other" for kind in rows["type"]]
    return rows[["id", "name"]].assign(node="bus_" + rows["bus"].astype(str), category=category)


def _stack(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all frames in order, numbered anew; empty frames say nothing about the columns."""
    given = list(frames)
    return pd.concat([frame for frame in given if len(frame)] or given[:1], ignore_index=True)
