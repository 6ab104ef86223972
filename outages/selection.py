"""What a person points at → transformers: all of a feeder, or all inside a polygon drawn on the map.

The transformers are what is meant at the moment of choosing; what is switched is said by devices, and that is what counts.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from rapidfuzz import process

from outages.facts import FactProblem, FactsError, Selection
from topology.network import Network

_FEWEST_CORNERS = 3


def select(network: Network, selection: Selection) -> tuple[str, ...]:
    """Return the ids of the transformers that ``selection`` means, in the order of their table.

    A feeder means all transformers of it, a polygon (longitude, latitude; closed or not, without holes) those whose place lies
    inside or on its boundary; both mean those of the feeder inside the polygon. A transformer is where its geometry is (the
    middle of a line), else where its from node is, else its to node.

    Raises FactsError where there is no such feeder, the polygon has fewer than three corners or crosses itself, or nothing
    is selected.
    """
    if not (selection.feeder or selection.polygon):
        raise _error("selection", "selection_missing", "Nothing is selected. Name a feeder, or draw a polygon.")
    chosen = np.ones(len(network.tables.transformers), dtype=np.bool_)
    if selection.feeder:
        chosen &= _on_feeder(network, selection.feeder)
    if selection.polygon:
        chosen &= _inside(network, selection.polygon)
    if not chosen.any():
        where = "polygon" if selection.polygon else "feeder"
        says = "No transformer is selected. Draw the polygon around transformers, or choose another feeder."
        raise _error(where, "nothing_selected", says, selection.feeder)
    return tuple(network.tables.transformers["id"].to_numpy(dtype=object)[chosen])


def _on_feeder(network: Network, feeder: str) -> NDArray[np.bool_]:
    """Return which transformers are of ``feeder``: as their row says, or else as they hang in normal operation."""
    names = network.feeder_names
    if feeder not in names:
        near = ", ".join(str(match[0]) for match in process.extract(feeder, list(names), limit=3))
        says = f"{feeder!r} is no feeder; the nearest names are {near}." if near else f"{feeder!r} is no feeder: none has a name."
        raise _error("feeder", "feeder_unknown", f"{says} Take the name from the network's tables.", feeder)
    said = network.tables.transformers["feeder"]
    far = network.wiring.to_node[network.devices_of("transformers")]
    hangs = network.feeder_of_node[far] == int(np.flatnonzero(names == feeder)[0])
    found: NDArray[np.bool_] = np.where(said.notna(), (said == feeder).fillna(False), hangs).astype(np.bool_)
    return found


def _inside(network: Network, polygon: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    area = _area(polygon)
    shapely.prepare(area)
    x, y = _places(network)
    found: NDArray[np.bool_] = shapely.intersects_xy(area, x, y)
    return found


def _area(polygon: tuple[tuple[float, float], ...]) -> shapely.Polygon:
    """Return the polygon as a shape, checked."""
    given = f"{len(polygon)} corners"
    if not all(math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90 for x, y in polygon):
        says = "A corner is no place on earth. Give longitude and latitude in degrees, in that order."
        raise _error("polygon", "polygon_places", says, given)
    if len(set(polygon)) < _FEWEST_CORNERS:
        says = f"The polygon has {len(set(polygon))} corners. Draw at least {_FEWEST_CORNERS}."
        raise _error("polygon", "polygon_corners", says, given)
    area = shapely.Polygon(polygon)
    if not area.is_valid:
        says = f"The polygon crosses itself ({shapely.is_valid_reason(area)}). Draw it again without a crossing."
        raise _error("polygon", "polygon_crossing", says, given)
    return area


def _places(network: Network) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude of each transformer, NaN where it has no place."""
    transformers, nodes = network.tables.transformers, network.tables.nodes
    middle = shapely.centroid(transformers.geometry.to_numpy())
    place = nodes.set_index("id")[["x", "y"]]
    found = np.stack([shapely.get_x(middle), shapely.get_y(middle)], axis=1)
    for end in ("from_node", "to_node"):
        found = np.where(np.isnan(found), place.reindex(transformers[end]).to_numpy(), found)
    return found[:, 0], found[:, 1]


def _error(field: str, code: str, says: str, given: str = "") -> FactsError:
    return FactsError(FactProblem(field, code, says, given))
