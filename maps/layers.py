"""Impact → GeoJSON layers: everything for control, and for the public only what the privacy rule lets through.

::

    Impact ── impact_layers ──▶ Layers: areas, outline, customers, transferred, devices, lines, places; what is missing
           └─ affected_geojson ▶ the affected list, a feature a customer, personal data included
    entries ── public_layer ──▶ one feature a place and outage: no device, no customer, no count of 1 to 4 (`maps.public`)

Nothing here is drawn: `maps.page` does that. All coordinates are WGS 84, in degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.areas import union_areas
from geo.schema import PLACE_KINDS, GridTables
from maps.affected import affected_geojson, brief, customer_features
from maps.geojson import Geo, bounds, collection, feature, point_feature, records, shapes
from maps.public import THRESHOLD, PublicEntry, public_count, public_layer
from maps.where import XY, device_geometry, node_xy
from outages.impact import Impact
from topology.network import Network

__all__ = ["THRESHOLD", "Gap", "Layers", "PublicEntry", "affected_geojson", "impact_layers", "public_count", "public_layer"]

Language = Literal["zh", "en"]
What = Literal["areas", "customers", "devices", "places"]

NEARBY = 0.5
"""How much of the surroundings is drawn: this share of the outage's width and height on every side."""

NEARBY_MIN_DEG = 0.005
"""But at least this much (some 500 m), for an outage of one house."""

MOST_PLACES = 1500
"""Places drawn as background at most: the larger kinds first."""


@dataclass(frozen=True)
class Gap:
    """Rows that are affected but cannot be drawn, since the tables do not say where they are."""

    what: What
    absent: int
    total: int

    def says(self, language: Language) -> str:
        """Return what is missing and what to add, as one sentence."""
        return _GAPS[language][self.what].format(absent=self.absent, total=self.total)


_GAPS = {
    "en": {
        "areas": "{absent} of {total} affected public transformers have no service area: add the table service_areas.",
        "customers": "{absent} of {total} affected customers have no coordinates: add x and y to customers, or to nodes.",
        "devices": "{absent} of {total} devices concerned have no coordinates: add their geometry, or x and y of their nodes.",
        "places": "No place has a shape, so there is no background: add geometry to places.",
    },
    "zh": {
        "areas": "受影响的 {total} 台公用变压器中，{absent} 台没有供电范围：请补充 service_areas 表。",
        "customers": "受影响的 {total} 个用户中，{absent} 个没有坐标：请在 customers 或 nodes 表中补充 x、y。",
        "devices": "涉及的 {total} 台设备中，{absent} 台没有坐标：请补充设备的 geometry，或其节点的 x、y。",
        "places": "地名没有图形，地图没有底图：请在 places 表中补充 geometry。",
    },
}


@dataclass(frozen=True)
class Layers:
    """What control sees of one outage, as GeoJSON FeatureCollections.

    Everything that is concerned has its feature in ``areas``, ``customers``, ``transferred`` and ``devices``, with null geometry
    where nobody knows where it is, so that lists made from the layers are complete.

    Attributes
    ----------
    areas
        The affected transformers with their service areas: transformer, name, feeder, ownership, customers, affected, out,
        partial, state (``out`` if anybody there is out, else ``partial``), extent (``whole`` or ``part`` of the customers).
    outline
        The outage polygon: one feature, the union of the areas; none where no transformer has an area.
    customers, transferred
        Points: id, state, cut_by, priority, category, transformer, address.
    devices
        Points and lines: id, name, role (``opened``, ``cleared``, ``closed``, ``fault``, ``dead_source``), kind, phases, feeder.
    lines
        The lines of the feeders concerned: one feature a feeder.
    places
        The surroundings: id, kind, name, name_en. The background of a map without tiles.
    missing
        What could not be drawn, and why.
    """

    areas: Geo
    outline: Geo
    customers: Geo
    transferred: Geo
    devices: Geo
    lines: Geo
    places: Geo
    missing: tuple[Gap, ...]


def impact_layers(impact: Impact) -> Layers:
    """Return the layers of ``impact`` for control. A network without any geometry gives no shapes and says what is missing."""
    areas, devices = _areas(impact), _devices(impact)
    customers = brief(affected_geojson(impact))
    near = _nearby(areas, customers, devices)
    return Layers(
        areas=areas,
        outline=_outline(areas, impact),
        customers=customers,
        transferred=brief(customer_features(impact, impact.transferred)),
        devices=devices,
        lines=_feeder_lines(impact, near),
        places=_places(impact.network.tables, near),
        missing=_missing(impact.network.tables, areas, customers, devices),
    )


def _areas(impact: Impact) -> Geo:
    tables = impact.network.tables
    units = tables.transformers.iloc[impact.transformers]
    areas = tables.service_areas[tables.service_areas["transformer_id"].isin(units["id"])]
    shape_of = {unit: shapely.union_all(rows) for unit, rows in areas.groupby("transformer_id").geometry}
    about = units[["id", "name", "feeder", "ownership"]].rename(columns={"id": "transformer"}).reset_index(drop=True)
    counted = pd.concat([about, _tally(impact)], axis=1)
    counted["state"] = np.where(counted["out"] > 0, "out", "partial")
    counted["extent"] = np.where(counted["affected"] == counted["customers"], "whole", "part")
    return collection(feature(shape_of.get(known["transformer"]), known) for known in records(counted))


def _tally(impact: Impact) -> pd.DataFrame:
    """Return customers, affected, out, partial for each of ``impact.transformers``, in that order."""
    feeding = impact.network.transformer_of_customer
    units = len(impact.network.tables.transformers)

    def count(rows: NDArray[np.int32] | slice) -> NDArray[np.intp]:
        fed = feeding[rows]
        return np.bincount(fed[fed >= 0], minlength=units)[impact.transformers]

    every, out, partial = count(slice(None)), count(impact.out), count(impact.partial)
    return pd.DataFrame({"customers": every, "affected": out + partial, "out": out, "partial": partial})


def _outline(areas: Geo, impact: Impact) -> Geo:
    drawn = shapes(areas)
    if len(drawn) == 0:
        return collection([])
    counts = {"customers": impact.counts.customers, "out": impact.counts.out, "partial": impact.counts.partial}
    return collection([feature(union_areas(drawn), counts)])


def _devices(impact: Impact) -> Geo:
    switching = impact.switching
    named = [
        *((operation.device, "opened", operation.phases) for operation in switching.open),
        *((device, "cleared", "") for device in impact.cleared_by),
        *((operation.device, "closed", operation.phases) for operation in switching.close),
        *((fault, "fault", "") for fault in switching.fault),
        *((node, "dead_source", "") for node in impact.dead_sources),
    ]
    nodes = node_xy(impact.network)
    return collection(_device(impact.network, nodes, given, {"role": role, "phases": phases}) for given, role, phases in named)


def _device(network: Network, nodes: XY, given: str, about: dict[str, str]) -> Geo:
    if not network.has_device(given):  # a fault may sit on a node, and a dead source is one
        x, y = nodes[network.node(given)].tolist()
        return point_feature(x, y, {"id": given, "name": None, "kind": "node", **about, "feeder": None})
    device = network.device(given)
    cells = network.device_row(device)
    kind = cells.get("kind", network.table_of(device)[0].removesuffix("s"))
    geometry = device_geometry(network, device, nodes)
    return feature(geometry, {"id": given, "name": cells["name"], "kind": kind, **about, "feeder": cells["feeder"]})


def _nearby(*layers: Geo) -> BaseGeometry | None:
    """Return the box around what the layers show and its surroundings; None where they show nothing."""
    box = bounds(*layers)
    if box is None:
        return None
    west, south, east, north = box
    aside, above = max((east - west) * NEARBY, NEARBY_MIN_DEG), max((north - south) * NEARBY, NEARBY_MIN_DEG)
    around: BaseGeometry = shapely.box(west - aside, south - above, east + aside, north + above)
    return around


def _within(frame: gpd.GeoDataFrame, near: BaseGeometry | None) -> gpd.GeoDataFrame:
    return frame.iloc[:0] if near is None else frame[frame.geometry.intersects(near)]


def _feeder_lines(impact: Impact, near: BaseGeometry | None) -> Geo:
    lines = impact.network.tables.lines
    lines = _within(lines[lines["feeder"].isin(impact.feeders)], near)
    made = []
    for feeder, rows in lines.groupby("feeder").geometry:
        together: Any = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(rows)))
        made.append(feature(together, {"feeder": feeder}))
    return collection(made)


def _places(tables: GridTables, near: BaseGeometry | None) -> Geo:
    shaped = _within(tables.places, near)
    shaped = shaped[~shaped.geometry.geom_type.isin(["Point", "MultiPoint"])]
    largest_first = np.argsort([PLACE_KINDS.index(kind) for kind in shaped["kind"]], kind="stable")
    shaped = shaped.iloc[largest_first[:MOST_PLACES]]
    about = records(shaped[["id", "kind", "name", "name_en"]])
    return collection(feature(geometry, known) for geometry, known in zip(shaped.geometry, about, strict=True))


def _missing(tables: GridTables, areas: Geo, customers: Geo, devices: Geo) -> tuple[Gap, ...]:
    public = collection(item for item in areas["features"] if item["properties"]["ownership"] == "public")
    drawn: tuple[tuple[What, Geo], ...] = (("areas", public), ("customers", customers), ("devices", devices))
    gaps = [Gap(what, sum(not item["geometry"] for item in layer["features"]), len(layer["features"])) for what, layer in drawn]
    gaps.append(Gap("places", int(not tables.places.geometry.notna().any()), 1))
    return tuple(gap for gap in gaps if gap.absent)
