"""Service areas: a valid coverage whatever the customers, whose union is what a slow union says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.areas import REACH_M, check_areas, derive_areas, union_areas
from geo.crs import metric_crs, project, project_geometries
from geo.schema import CRS, TABLES, GridTables, conform

METRE = 1 / 111_000  # of latitude, in degrees


def network(places: list[tuple[float, float] | None], ownership: list[str], **more: Any) -> GridTables:
    """Customers at ``places`` (metres east and north of a corner; None is nowhere) and transformers T0, T1, …"""
    known = [place or (np.nan, np.nan) for place in places]
    customers = {
        "id": [f"C{i}" for i in range(len(places))],
        "node": ["n"] * len(places),
        "category": ["residential"] * len(places),
        "x": [120.0 + x * METRE for x, _ in known],
        "y": [30.0 + y * METRE for _, y in known],
    }
    count = len(ownership)
    transformers = {"id": [f"T{i}" for i in range(count)], "from_node": ["m"] * count, "to_node": ["n"] * count}
    frames = {name: conform(name, {}) for name in TABLES}
    frames["customers"] = conform("customers", customers)
    frames["transformers"] = conform("transformers", {**transformers, "ownership": ownership})
    return GridTables(**{**frames, **more})


def square(west: float, south: float, side: float) -> Any:
    return shapely.box(
        *(120.0 + west * METRE, 30.0 + south * METRE, 120.0 + (west + side) * METRE, 30.0 + (south + side) * METRE)
    )


def given_areas(**areas: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(conform("service_areas", {"transformer_id": list(areas), "geometry": list(areas.values())}))


coordinate = st.one_of(st.integers(0, 40).map(lambda step: 25.0 * step), st.floats(0.0, 3000.0))
customers = st.lists(st.tuples(coordinate, coordinate, st.integers(-1, 4)), min_size=1, max_size=60)


@settings(max_examples=80, deadline=None)
@given(customers)
def test_derived_areas_are_a_valid_coverage_that_holds_every_customer(drawn: list[tuple[float, float, int]]) -> None:
    tables = network([(x, y) for x, y, _ in drawn], ["public"] * 5)
    owner = np.array([owner for _, _, owner in drawn])
    areas = derive_areas(tables, owner)
    geometries = np.asarray(areas.geometry.array)
    assert shapely.coverage_is_valid(geometries)
    assert shapely.is_valid(geometries).all()
    assert set(areas["transformer_id"]) <= {f"T{i}" for i in owner if i >= 0}
    fed = owner >= 0
    points = shapely.points(tables.customers["x"], tables.customers["y"])[fed]
    assert shapely.distance(points, shapely.union_all(geometries)).max(initial=0.0) < 2 * METRE
    if not areas.empty:
        assert _reach_m(tables, areas, fed) < 3 * REACH_M


def _reach_m(tables: GridTables, areas: gpd.GeoDataFrame, fed: Any) -> float:
    """How far the farthest corner of any area is from the nearest customer."""
    lon, lat = (tables.customers[axis].to_numpy()[fed] for axis in "xy")
    local = metric_crs(lon, lat)
    points = shapely.multipoints(np.column_stack(project(lon, lat, source=CRS, target=local)))
    corners = shapely.points(shapely.get_coordinates(project_geometries(areas.geometry.array, source=CRS, target=local)))
    return float(shapely.distance(corners, points).max())


def test_each_customer_lies_in_the_area_of_its_transformer() -> None:
    rng = np.random.default_rng(1)
    places = [tuple(place) for place in np.unique(rng.integers(0, 400, (300, 2)) * 5.0, axis=0)]
    tables = network(places, ["public"] * 6)
    owner = (tables.customers["x"] > 120.009).to_numpy().astype(int) + 2 * rng.integers(0, 3, len(places))
    areas = derive_areas(tables, owner).set_index("transformer_id").geometry
    inside = shapely.covers([areas[f"T{row}"] for row in owner], shapely.points(tables.customers["x"], tables.customers["y"]))
    assert inside.all()


def test_people_at_one_place_belong_to_the_transformer_of_most_of_them() -> None:
    tables = network([(0, 0), (0, 0), (0, 0), (100, 0)], ["public"] * 2)
    areas = derive_areas(tables, np.array([0, 1, 1, 0])).set_index("transformer_id").geometry
    assert areas["T1"].covers(shapely.Point(120.0, 30.0))
    assert not areas["T0"].intersects(shapely.Point(120.0, 30.0))


def test_dedicated_transformers_and_people_without_a_place_have_no_area() -> None:
    tables = network([(0, 0), (100, 0), None], ["public", "dedicated", "public"])
    assert derive_areas(tables, np.array([0, 1, 2]))["transformer_id"].tolist() == ["T0"]


@pytest.mark.parametrize("places", [[], [None, None]])
def test_a_network_without_coordinates_has_no_areas(places: list[None]) -> None:
    areas = derive_areas(network(places, ["public"]), np.zeros(len(places), dtype=int))
    assert areas.empty
    assert areas.crs == CRS
    assert list(areas.columns) == ["transformer_id", "geometry"]


def test_a_network_without_transformers_has_no_areas() -> None:
    assert derive_areas(network([(0, 0)], []), np.array([-1])).empty


def test_given_areas_stay_and_are_taken_off_the_derived_ones() -> None:
    drawn = given_areas(T0=square(-50, -50, 100))
    tables = network([(0, 0), (60, 0), (400, 0)], ["public"] * 2, service_areas=drawn)
    areas = derive_areas(tables, np.array([0, 1, 1]))
    assert areas["transformer_id"].tolist() == ["T0", "T1"]
    assert areas.geometry.iloc[0].equals_exact(drawn.geometry.iloc[0])
    assert shapely.intersection(*areas.geometry).area < 1e-15
    assert areas.crs == CRS


def test_an_area_that_is_wholly_inside_given_ones_is_not_derived() -> None:
    tables = network([(0, 0)], ["public"] * 2, service_areas=given_areas(T0=square(-2000, -2000, 4000)))
    assert derive_areas(tables, np.array([1]))["transformer_id"].tolist() == ["T0"]


def test_whole_given_areas_are_returned_as_they_are() -> None:
    tables = network([(0, 0)], ["public"], service_areas=given_areas(T0=square(0, 0, 10)))
    assert derive_areas(tables, np.array([0])) is tables.service_areas


# Areas of two transformers → what is said.
CHECKS = {
    "side by side": (square(0, 0, 100), square(100, 0, 100), None),
    "apart": (square(0, 0, 100), square(500, 0, 100), None),
    "a corner on a border": (square(0, 0, 100), square(100, 20, 50), None),
    "a pencil line": (square(0, 0, 100), square(99.95, 0, 100), None),
    "a strip": (square(0, 0, 100), square(90, 0, 100), ("overlaps another area", "warning")),
    "the same": (square(0, 0, 100), square(0, 0, 100), ("covers more than half of another area", "error")),
    "one in the other": (square(0, 0, 100), square(20, 20, 50), ("covers more than half of another area", "error")),
}


@pytest.mark.parametrize("name", CHECKS)
def test_overlaps_are_found_and_weighed(name: str) -> None:
    first, second, said = CHECKS[name]
    tables = network([], ["public", "public"])
    problems = check_areas(given_areas(T0=first, T1=second), tables.transformers)
    assert [(p.rule, p.severity) for p in problems] == ([said] if said else [])
    assert all(p.ids == ("T0 and T1",) for p in problems)


def test_no_areas_at_all_is_one_short_remark() -> None:
    tables = network([], ["public"] * 2)
    (problem,) = check_areas(tables.service_areas, tables.transformers)
    assert str(problem) == "service_areas: is absent. Draw them; until then they are derived from where the customers are."


boxes = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 4)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[2])
)


@given(st.lists(st.one_of(st.none(), boxes), max_size=8))
def test_the_union_is_right_whether_or_not_areas_are_a_coverage(areas: list[Any]) -> None:
    assert union_areas(areas).equals(shapely.union_all(areas))


@settings(max_examples=20, deadline=None)
@given(customers)
def test_the_union_of_derived_areas_is_what_a_slow_union_says(drawn: list[tuple[float, float, int]]) -> None:
    tables = network([(x, y) for x, y, _ in drawn], ["public"] * 5)
    areas = derive_areas(tables, np.array([owner for _, _, owner in drawn])).geometry.array
    fast, slow = union_areas(areas, is_coverage=True), shapely.union_all(areas)
    assert shapely.symmetric_difference(fast, slow).area <= 1e-9 * slow.area
    assert fast.is_valid


def test_nothing_is_mutated() -> None:
    tables = network([(0, 0), (100, 0)], ["public"] * 2, service_areas=given_areas(T0=square(-50, -50, 100)))
    before = tables.service_areas.copy()
    derive_areas(replace(tables), np.array([0, 1]))
    assert tables.service_areas.equals(before)
