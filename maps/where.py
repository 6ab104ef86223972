"""Where customers and devices are: their own coordinates, else those of their nodes, else nowhere."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from topology.network import Network

XY = NDArray[np.float64]
"""Longitude and latitude in degrees, NaN where not known; shape (n, 2)."""


@lru_cache(maxsize=4)  # asked for each outage; a network never changes
def customer_xy(network: Network) -> XY:
    """Return where each customer is, or its node; shape (c, 2)."""
    own = network.tables.customers[["x", "y"]].to_numpy(dtype=float)
    return np.where(np.isnan(own).any(axis=1)[:, None], node_xy(network)[network.customer_node], own)


@lru_cache(maxsize=4)
def node_xy(network: Network) -> XY:
    """Return where each node is, by the table of nodes; shape (n, 2)."""
    nodes = network.tables.nodes.set_index("id")[["x", "y"]]
    return nodes.reindex(pd.Index(network.node_ids, dtype=object)).to_numpy(dtype=float)


def device_geometry(network: Network, device: int, nodes: XY) -> BaseGeometry | None:
    """Return the geometry of a device; else what joins its two ends, or the one end that is known. ``nodes`` is `node_xy`."""
    table, row = network.table_of(device)
    own: Any = getattr(network.tables, table).geometry.iloc[row]
    if own is not None and not own.is_empty:
        return cast(BaseGeometry, own)
    ends = nodes[[network.wiring.from_node[device], network.wiring.to_node[device]]]
    known = ends[~np.isnan(ends).any(axis=1)]
    if len(known) == 0:
        return None
    return shapely.LineString(known) if len(np.unique(known, axis=0)) == 2 else shapely.Point(known[0])
