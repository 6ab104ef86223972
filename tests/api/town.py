"""A small town that a person can hold in the head: four transformers on two feeders, three communities in two towns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import shapely

from geo.schema import GridTables, conform
from topology.sketch import tables_from_text

NOW = datetime(2026, 5, 1, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai

GRID = """
*s1 -B1:breaker- a -L1- b -S1:load_break- c -L2- d
b =T1= p : {p}
c =T2= q : {q}, q-clinic!important, q-home!life_support
d =T3= r : {r}
*s2 -B2:breaker- e -L3- f /TIE/ d
f =T4= u : {u}
"""
"""Opening S1 darkens c and d: 16 customers. Opening L2 too and closing TIE keeps d on: 10 out, 6 transferred."""

PLACES = (
    ("county", None, "county", "东港县", "Donggang", (0, 0, 6, 2)),
    ("west", "county", "town", "西河镇", "Xihe", (0, 0, 4, 2)),
    ("east", "county", "town", "东山镇", "Dongshan", (4, 0, 6, 2)),
    ("willow", "west", "community", "柳岸社区", "Willow Bank", (0, 0, 2, 2)),
    ("mill", "west", "community", "磨坊社区", "Mill Lane", (2, 0, 4, 2)),
    ("hill", "east", "community", "小丘社区", "Little Hill", (4, 0, 6, 2)),
)
HOME = {"p": ("willow", 0.5, 1), "q": ("mill", 2.5, 1), "r": ("mill", 3.5, 1), "u": ("hill", 5, 1)}
NODES = {
    "s1": (0, 1.9),
    "a": (0.2, 1.5),
    "b": (0.5, 1),
    "c": (2.5, 1),
    "d": (3.5, 1),
    "s2": (6, 1.9),
    "e": (5.5, 1.5),
    "f": (5, 1),
}
CUSTOMERS = {"p": 12, "q": 8, "r": 6, "u": 7}
AREAS = {"T1": (0, 0, 2, 2), "T2": (2, 0, 3, 2), "T3": (3, 0, 4, 2), "T4": (4, 0, 6, 2)}


def _at(x: float, y: float) -> tuple[float, float]:
    return 114.30 + x * 0.01, 30.50 + y * 0.01


def _box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(*_at(west, south), *_at(east, north))


def make_town() -> GridTables:
    """Return the town: 35 customers at four transformers, in three communities of two towns."""
    named = {node: ", ".join(f"{node}{n}" for n in range(1, count + 1)) for node, count in CUSTOMERS.items()}
    tables = tables_from_text(GRID.format(**named))
    nodes: dict[str, list[Any]] = {"id": [*NODES, *HOME]}
    where = [*NODES.values(), *((x, y) for _, x, y in HOME.values())]
    nodes["x"], nodes["y"] = zip(*(_at(*place) for place in where), strict=True)
    customers = tables.customers.copy()
    customers["place_id"] = [HOME[node][0] for node in customers["node"]]
    customers["street"] = "中心路"
    customers["house_number"] = [str(number) for number in range(1, len(customers) + 1)]
    customers["name"] = "=HYPERLINK(1)"
    customers["phone"] = "13800000000"
    places = {key: [place[n] for place in PLACES] for n, key in enumerate(("id", "parent_id", "kind", "name", "name_en"))}
    areas = {"transformer_id": list(AREAS), "geometry": [_box(*box) for box in AREAS.values()]}
    tables.transformers["feeder"] = tables.transformers["feeder"].where(tables.transformers["id"] == "T4", "10kV西河线")
    tables.switches["name"] = ["西河开关站出线", "柳岸<b>分段</b>开关", "东山出线", "联络开关"]
    tables.switches["feeder"] = ["10kV西河线", "10kV西河线", "10kV东山线", "10kV东山线"]
    return GridTables(
        sources=tables.sources,
        lines=tables.lines,
        switches=tables.switches,
        transformers=tables.transformers,
        customers=conform("customers", customers),
        service_areas=conform("service_areas", areas),
        places=conform("places", {**places, "geometry": [_box(*place[5]) for place in PLACES]}),
        nodes=conform("nodes", nodes),
    )
