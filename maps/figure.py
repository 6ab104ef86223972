"""Layers → a folium map: what is drawn, in which order, with which words.

Nothing but the words of its tip or label goes into the page with a shape, and folium never sees them: it is given their
number in a list, and the browser (`templates/map.js`) sets them as text. So a name like ``<script>`` is shown and not run. Nor is
one like ``{{ 7 * 7 }}``: folium renders a script twice, and what was data the first time is a template the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import folium
import shapely
from folium.map import CustomPane
from folium.utilities import JsCode

from maps.geojson import Geo, bounds, collection
from maps.layers import Layers
from maps.symbols import STYLES, symbol
from maps.words import Language

MOST_POINTS = 5000
"""Customers drawn one by one at most; important ones and life support always are."""

CROWD = 500
"""From so many customers on they are drawn as smaller points."""

MOST_LABELS = 24
"""Names of places written on the map at most."""

Words = dict[str, str]
Known = dict[str, Any]
"""The properties of a feature."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A map, the words that its shapes refer to by number, and the names of its layers."""

    map: folium.Map
    texts: tuple[str, ...]
    layer_names: frozenset[str]


def draw(layers: Layers, words: Words, language: Language) -> Drawing | None:
    """Return the map of ``layers``; None where none of them has a shape."""
    box = bounds(layers.areas, layers.customers, layers.devices)
    if box is None:
        return None
    west, south, east, north = box
    page_map = folium.Map(tiles=None, prefer_canvas=True, control_scale=True, zoom_snap=0.25)
    page_map.options["max_zoom"] = 19  # without tiles nothing else stops a map at a single point
    CustomPane("names", z_index=550, pointer_events=False).add_to(page_map)  # above the areas, below the symbols
    shown = [*_background(layers, words, language), *_areas(layers, words), *_points(layers, words), *_marks(layers, words)]
    texts = _number_texts(shown)
    for layer in shown:
        layer.add_to(page_map)
    folium.FitBounds([[south, west], [north, east]], padding=(24, 24), max_zoom=17).add_to(page_map)
    folium.LayerControl(collapsed=True).add_to(page_map)
    return Drawing(page_map, texts, frozenset(layer.layer_name for layer in shown))


def points_left_out(layers: Layers) -> int:
    """Return how many customers have a position and are yet not drawn one by one, for there are too many."""
    plain = len(_chosen(layers.customers, lambda customer: customer["priority"] == "none"))
    return plain if plain > MOST_POINTS else 0


def extent_of(area: Known) -> str:
    """Return how far the area of a transformer is affected: ``all_out``, ``some_out`` or ``phases_lost``."""
    if area["state"] == "partial":
        return "phases_lost"
    return "all_out" if area["out"] == area["customers"] else "some_out"


def _number_texts(shown: list[folium.GeoJson]) -> tuple[str, ...]:
    """Put a number in the place of each tip and label, and return the texts in the order of their numbers."""
    numbers: dict[str, int] = {}
    for item in (item for layer in shown for item in layer.data["features"]):
        for key in ("tip", "label"):
            if key in item["properties"]:
                item["properties"][key] = numbers.setdefault(item["properties"][key], len(numbers))
    return tuple(numbers)


def _chosen(layer: Geo, choose: Callable[[Known], bool]) -> list[Geo]:
    """Return the features that have a shape and whose properties are what ``choose`` wants."""
    return [item for item in layer["features"] if item["geometry"] and choose(item["properties"])]


def _told(items: Iterable[Geo], tell: Callable[[Known], str], *, key: str = "tip") -> list[Geo]:
    """Return the features with nothing but the words that ``tell`` makes of their properties."""
    return [{**item, "properties": {key: tell(item["properties"])}} for item in items]


def _layer(name: str, style: str, features: list[Geo], **options: Any) -> Iterator[folium.GeoJson]:
    """Yield one layer that can be switched on and off; none where there is nothing in it."""
    if features:
        tell = JsCode("gridnotice.tell")
        yield folium.GeoJson(collection(features), name=name, style=STYLES.get(style, {}), on_each_feature=tell, **options)


def _background(layers: Layers, words: Words, language: Language) -> Iterator[folium.GeoJson]:
    def name_of(place: Known) -> str:
        return str((language == "en" and place["name_en"]) or place["name"])

    labelled = _labelled_kind(layers.places)
    streets = _chosen(layers.places, lambda place: place["kind"] == "street")
    named = _chosen(layers.places, lambda place: place["kind"] == labelled)
    others = _chosen(layers.places, lambda place: place["kind"] not in ("street", labelled))
    for style, features in (
        ("places", _told(named, name_of, key="label") + _told(others, name_of)),
        ("streets", _told(streets, name_of)),
    ):
        yield from _layer(words["background"], style, features, control=False)
    feeders = _chosen(layers.lines, bool)
    yield from _layer(words["lines"], "lines", _told(feeders, lambda line: f"{words['feeder']}: {line['feeder']}"))


def _labelled_kind(places: Geo) -> str:
    """Return the smallest kind of place that can be labelled without crowding the map; "" for none."""
    kinds = [item["properties"]["kind"] for item in places["features"]]
    return next((kind for kind in ("community", "town", "county") if 0 < kinds.count(kind) <= MOST_LABELS), "")


def _areas(layers: Layers, words: Words) -> Iterator[folium.GeoJson]:
    def tip(area: Known) -> str:
        lines = [
            str(area["name"] or area["transformer"]),
            f"{words['affected_of']}: {area['affected']:,} / {area['customers']:,}",
            words[extent_of(area)],
        ]
        return "\n".join([*lines, f"{words['feeder']}: {area['feeder']}"] if area["feeder"] else lines)

    for extent in ("phases_lost", "some_out", "all_out"):
        style, chosen = (
            f"area_{extent}",
            [item for item in _chosen(layers.areas, bool) if extent_of(item["properties"]) == extent],
        )
        yield from _layer(words[style], style, _told(chosen, tip))
    outline = _told(_chosen(layers.outline, bool), lambda _: words["outline"])
    yield from _layer(words["outline"], "outline", outline, interactive=False)


def _customer_tip(customer: Known, words: Words) -> str:
    cut_by = customer["cut_by"] and f"{words['cut_by']}: {customer['cut_by']}"
    lines = (customer["id"], words[customer["state"]], customer["address"], cut_by)
    return "\n".join(line for line in lines if line)


def _points(layers: Layers, words: Words) -> Iterator[folium.GeoJson]:
    if points_left_out(layers):
        return
    everybody = collection(layers.transferred["features"] + layers.customers["features"])
    for state in ("transferred", "partial", "out"):
        style = f"point_{state}"
        plain = [
            item
            for item in _chosen(everybody, lambda customer: customer["priority"] == "none")
            if item["properties"]["state"] == state
        ]
        features = _told(plain, lambda customer: _customer_tip(customer, words))
        radius = 4 if len(features) < CROWD else 2.5
        yield from _layer(words[style], style, features, marker=folium.CircleMarker(radius=radius))


def _marks(layers: Layers, words: Words) -> Iterator[folium.GeoJson]:
    """Yield what is drawn as a symbol: important customers, and the devices that are switched."""
    for priority in ("important", "life_support"):
        found = [item for item in _chosen(layers.customers, bool) if item["properties"]["priority"] == priority]
        features = _told(found, lambda customer: _customer_tip(customer, words))
        yield from _symbols(words[f"point_{priority}"], priority, features)
    for role in ("dead_source", "closed", "opened", "cleared", "fault"):
        found = [item for item in _chosen(layers.devices, bool) if item["properties"]["role"] == role]
        named = _told(found, lambda device: str(device["name"] or device["id"]), key="label")
        drawn = [{**item, "properties": {}} for item in named if item["geometry"]["type"] != "Point"]
        yield from _layer(words[role], "device_closed" if role == "closed" else "device_opened", drawn, control=False)
        yield from _symbols(words[role], role, [_at_middle(item) for item in named])


def _symbols(name: str, kind: str, features: list[Geo]) -> Iterator[folium.GeoJson]:
    icon = folium.DivIcon(html=symbol(kind), icon_size=(26, 26), icon_anchor=(13, 13), class_name=f"mark {kind}")
    yield from _layer(name, "symbols", features, marker=folium.Marker(icon=icon))


def _at_middle(item: Geo) -> Geo:
    """Return the feature as a point in the middle of its device, which is where its symbol stands, with the label beside it."""
    geometry: Any = shapely.geometry.shape(item["geometry"])
    if geometry.geom_type != "Point":
        longest = max(shapely.get_parts(geometry), key=shapely.length)
        geometry = shapely.line_interpolate_point(longest, 0.5, normalized=True)
    point = {"type": "Point", "coordinates": [round(geometry.x, 6), round(geometry.y, 6)]}
    return {**item, "properties": {**item["properties"], "beside": True}, "geometry": point}
