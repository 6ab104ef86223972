"""Rows of a foreign model → our tables, with what the model leaves unsaid filled in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.formats.normal_state import Frames, feeder_of_devices, ownership
from geo.schema import DEVICE_TABLES, TABLES, GridTables, conform


def assemble(frames: Frames, *, feeder: pd.Series[Any], places: pd.DataFrame) -> GridTables:
    """Return the tables made of ``frames``, which hold at least sources, lines, switches, transformers and customers.

    Parameters
    ----------
    frames
        Rows with ids, nodes and whatever else is known. A ``geometry`` that is there is kept.
    feeder
        Feeder by node id, as `geo.formats.normal_state.feeder_of_nodes` returns it.
    places
        Where nodes are, as `draw` takes it.
    """
    filled = {name: frames.get(name, pd.DataFrame({TABLES[name].columns[0].name: []})) for name in TABLES}
    filled["transformers"] = filled["transformers"].assign(ownership=ownership(frames))
    for name in DEVICE_TABLES:
        filled[name] = filled[name].assign(feeder=feeder_of_devices(filled[name], feeder))
    return draw(filled, places)


def draw(frames: Frames, places: pd.DataFrame) -> GridTables:
    """Return the tables with everything at the place of its node.

    Lines are drawn straight between their nodes, and not at all where a node has no place or both have the same one;
    switches and transformers stand at their from node. A ``geometry`` that is there is kept.

    Parameters
    ----------
    frames
        All tables of the schema.
    places
        Longitude ``x`` and latitude ``y`` in degrees by node id; may be empty.
    """
    drawn = dict(frames) | {"nodes": places[["x", "y"]].rename_axis("id").reset_index()}
    for name in DEVICE_TABLES:
        drawn[name] = frames[name].assign(geometry=_geometry(name, frames[name], places))
    for name in ("sources", "customers"):
        node = frames[name]["node"]
        drawn[name] = frames[name].assign(x=node.map(places["x"]), y=node.map(places["y"]))
    tables: dict[str, Any] = {name: conform(name, frame) for name, frame in drawn.items()}
    return GridTables(**tables)


def _geometry(name: str, devices: pd.DataFrame, places: pd.DataFrame) -> NDArray[np.object_]:
    """Return the geometry of each device that is given, or else can be known."""
    start, end = (places.reindex(devices[end])[["x", "y"]].to_numpy(dtype="float64") for end in ("from_node", "to_node"))
    known = _straight(start, end) if name == "lines" else _points(start)
    if "geometry" not in devices.columns:
        return known
    given = devices["geometry"].to_numpy(dtype=object)
    return np.where(shapely.is_missing(given), known, given)


def _straight(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return a line for each pair of points, shapes (n, 2); None where one is absent or both are the same."""
    drawn = np.full(len(start), None, dtype=object)
    apart = np.isfinite(start).all(axis=1) & np.isfinite(end).all(axis=1) & (start != end).any(axis=1)
    drawn[apart] = shapely.linestrings(np.stack([start[apart], end[apart]], axis=1))
    return drawn


def _points(at: NDArray[np.float64]) -> NDArray[np.object_]:
    drawn = np.full(len(at), None, dtype=object)
    known = np.isfinite(at).all(axis=1)
    drawn[known] = shapely.points(at[known])
    return drawn
