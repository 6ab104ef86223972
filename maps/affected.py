"""Who is affected, as lists: a feature for each customer, with everything that control knows or with what a map needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.places import PlaceTree, count_members, rows_of_places
from maps.geojson import Geo, collection, point_feature, records
from maps.where import customer_xy
from outages.impact import Impact


@dataclass(frozen=True)
class PlaceCount:
    """How many of the customers of a place are affected. ``path`` and ``path_en`` are its names from the top down."""

    path: tuple[str, ...]
    path_en: tuple[str, ...]
    affected: int
    customers: int


def affected_geojson(impact: Impact) -> Geo:
    """Return the affected list: a feature for each affected customer, with null geometry where nobody knows where it is.

    Properties are all columns of the customers table but x and y, and state, cut_by, transformer, feeder. Personal data: for
    control and those who call, never for the public.
    """
    return customer_features(impact, impact.affected)


def customer_features(impact: Impact, rows: NDArray[np.int32]) -> Geo:
    """Return a feature for each of ``rows`` of the customers table; state is ``out``, ``partial`` or ``transferred``."""
    network = impact.network
    chosen = network.tables.customers.iloc[rows].drop(columns=["x", "y"])
    chosen["state"] = _states(impact, rows)
    chosen["cut_by"] = _cut_by(impact, rows)
    chosen["transformer"] = _named(network.tables.transformers["id"], network.transformer_of_customer[rows])
    chosen["feeder"] = _named(pd.Series(network.feeder_names), network.feeder_of_node[network.customer_node[rows]])
    located = customer_xy(network)[rows].tolist()
    return collection(point_feature(x, y, known) for (x, y), known in zip(located, records(chosen), strict=True))


def brief(customers: Geo) -> Geo:
    """Return the same features with what a map says about a customer: no name, no telephone number, no e-mail address."""
    return collection({**item, "properties": _brief(item["properties"])} for item in customers["features"])


def count_places(impact: Impact) -> tuple[PlaceCount, ...]:
    """Return the places with affected customers (communities, or the next larger ones), most affected first.

    The last has no path where customers are in no named place.
    """
    tables = impact.network.tables
    tree = PlaceTree.of(tables.places)
    smallest = rows_of_places(tree, tables.customers["place_id"])
    total, affected = count_members(tree, smallest), count_members(tree, smallest[impact.affected])
    home = np.append(counted_in(tree), -1)[smallest]
    rows = np.unique(home[impact.affected])
    rows = rows[rows >= 0]
    counted = [
        PlaceCount(tree.path(row, "zh"), tree.path(row, "en"), int(affected[row]), int(total[row]))
        for row in rows[np.argsort(-affected[rows], kind="stable")].tolist()
    ]
    nowhere = int((home[impact.affected] < 0).sum())
    return (*counted, PlaceCount((), (), nowhere, int((home < 0).sum()))) if nowhere else tuple(counted)


def counted_in(tree: PlaceTree) -> NDArray[np.int64]:
    """Return for each place the row of that in which its customers are counted: the nearest community or larger, or itself.

    A tree that has nothing larger than streets and estates counts in its topmost place, if that is no single building; −1 if
    it is.
    """
    counted = np.full(len(tree), -1, dtype=np.int64)
    for row in tree.order.tolist():  # parents come before their children
        inherited = counted[tree.parent[row]] if tree.parent[row] >= 0 else (-1 if tree.kind[row] == "building" else row)
        counted[row] = row if tree.kind[row] in ("community", "town", "county") else inherited
    return counted


def _states(impact: Impact, rows: NDArray[np.int32]) -> NDArray[np.object_]:
    states = np.full(len(rows), "transferred", dtype=object)
    states[np.isin(rows, impact.out)] = "out"
    states[np.isin(rows, impact.partial)] = "partial"
    return states


def _cut_by(impact: Impact, rows: NDArray[np.int32]) -> NDArray[np.object_]:
    device_of = dict(zip(impact.affected.tolist(), impact.cut_by, strict=True))
    return np.array([device_of.get(row) or None for row in rows.tolist()], dtype=object)


def _named(names: pd.Series[Any], positions: NDArray[np.int32]) -> NDArray[np.object_]:
    """Return the name at each position; None at −1."""
    named = np.full(len(positions), None, dtype=object)
    known = positions >= 0
    named[known] = names.to_numpy(dtype=object)[positions[known]]
    return named


def _brief(known: dict[str, Any]) -> dict[str, Any]:
    kept = {key: known[key] for key in ("id", "state", "cut_by", "priority", "category", "transformer")}
    parts = (known["street"], known["house_number"], known["building"])
    return {**kept, "address": " ".join(part for part in parts if part) or None}
