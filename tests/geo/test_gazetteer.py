"""Synthetic places: a tree that follows network and geography, and addresses that people could use."""

import re

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from geo.gazetteer import lay_places
from geo.places import PlaceTree, count_members, rows_of_places
from geo.schema import GridTables
from tests.geo.plans import METRE, customer, node, scattered, wired
from tests.grids import tables

PARENT_KIND = {"town": "county", "community": "town", "street": "community", "estate": "community", "building": "estate"}
ADDRESS = ["place_id", "street", "house_number", "building"]


@pytest.fixture(scope="module")
def town() -> GridTables:
    return lay_places(scattered(1500, 5000, 1), seed=7)


def test_numbers_rise_along_the_street_odd_on_one_side_and_even_on_the_other() -> None:
    # Three houses on either side of a street from west to east; the southern ones first.
    nodes = [node(f"n{k}", (50.0 * k, 0)) for k in range(3)]
    lines = [{"id": f"L{k}", "from_node": f"n{k}", "to_node": f"n{k + 1}"} for k in range(2)]
    served = [customer(3 * (y > 0) + k, f"n{k}", (50.0 * k, y)) for y in (-8, 8) for k in (2, 0, 1)]
    laid = lay_places(tables(nodes=nodes, lines=lines, customers=served), seed=1)
    numbers = dict(zip(laid.customers["id"], laid.customers["house_number"], strict=True))
    assert numbers == {"C0": "1", "C1": "3", "C2": "5", "C3": "2", "C4": "4", "C5": "6"}
    assert laid.customers["street"].nunique() == 1
    street = laid.places[laid.places["kind"] == "street"].geometry.iloc[0]
    assert shapely.hausdorff_distance(street, shapely.LineString([(120, 0), (120.001, 0)])) < 2 * METRE


@pytest.mark.parametrize("behind_switches", [False, True])
def test_streets_follow_the_lines_where_houses_alone_would_not_tell(behind_switches: bool) -> None:
    # A square of nine nodes that are joined from south to north only, by lines that may end at switches beside the nodes.
    at = {f"n{x}{y}": (40.0 * x, 40.0 * y) for x in range(3) for y in range(3)}
    nodes = [node(name + end, xy) for name, xy in at.items() for end in ("", "a", "b")]
    ends = ("a", "b") if behind_switches else ("", "")
    joined = [(f"n{x}{y}{ends[0]}", f"n{x}{y + 1}{ends[1]}") for x in range(3) for y in range(2)]
    lines = [{"id": f"L{k}", "from_node": start, "to_node": end} for k, (start, end) in enumerate(joined)]
    served = [customer(k, list(at)[k % 9]) for k in range(54)]
    laid = lay_places(tables(nodes=nodes, lines=lines, customers=served), seed=1)
    column = laid.customers["node"].str[1]
    assert (laid.customers["street"].groupby(column).nunique() == 1).all()
    assert laid.customers["street"].nunique() == 3


def test_the_top_of_the_tree_says_that_it_is_synthetic(town: GridTables) -> None:
    root = town.places.iloc[0]
    assert (root["kind"], pd.isna(root["parent_id"])) == ("county", True)
    assert "合成" in root["name"]
    assert "synthetic" in root["name_en"]


def test_every_place_is_in_one_of_the_next_larger_kind_under_a_name_of_its_own(town: GridTables) -> None:
    places = town.places
    kind_of = dict(zip(places["id"], places["kind"], strict=True))
    below = places[places["parent_id"].notna()]
    assert all(PARENT_KIND[kind] == kind_of[parent] for kind, parent in zip(below["kind"], below["parent_id"], strict=True))
    assert set(places["kind"]) == {"county", *PARENT_KIND}
    for language in ("name", "name_en"):
        assert not below.duplicated(["parent_id", language]).any()
    assert places["id"].is_unique


def test_towns_communities_and_streets_are_of_about_the_same_size(town: GridTables) -> None:
    tree = PlaceTree.of(town.places)
    count = count_members(tree, rows_of_places(tree, town.customers["place_id"]))
    for kind, fewest, most in (("town", 500, 2000), ("community", 120, 417), ("street", 8, 150), ("estate", 20, 400)):
        sizes = count[tree.kind == kind]
        assert sizes.min() >= fewest, kind
        assert sizes.max() <= most, kind
    assert count[0] == len(town.customers)


def test_polygons_are_a_coverage_and_everybody_is_inside_their_own(town: GridTables) -> None:
    tree = PlaceTree.of(town.places)
    shapes = town.places.geometry.to_numpy()
    for kind in ("county", "town", "community"):
        rows = np.flatnonzero(tree.kind == kind)
        assert shapely.is_valid(shapes[rows]).all()
        assert shapely.coverage_is_valid(shapes[rows])
    at = town.nodes.set_index("id").loc[town.customers["node"], ["x", "y"]].to_numpy()
    for row, (x, y) in zip(rows_of_places(tree, town.customers["place_id"]), at, strict=True):
        above = [up for up in tree.ancestors(row) if tree.kind[up] in ("county", "town", "community")]
        assert len(above) == 3
        assert shapely.contains_xy(shapes[above], x, y).all()


def test_an_estate_takes_the_place_of_the_street_and_has_rooms_in_buildings(town: GridTables) -> None:
    tree = PlaceTree.of(town.places)
    rows = rows_of_places(tree, town.customers["place_id"])
    in_building = tree.kind[rows] == "building"
    assert 0.1 < in_building.mean() < 0.4
    assert (town.customers["building"].notna() == in_building).all()
    for place, told in zip(rows[in_building], town.customers.loc[in_building, ADDRESS].to_dict("records"), strict=False):
        assert told["street"] == tree.name[tree.parent[place]]
        assert re.fullmatch(rf"{tree.name[place]}([1-9]单元)?", told["building"])
        assert re.fullmatch(r"[1-9]0[12]", told["house_number"])
    on_street = ~in_building
    assert (town.customers.loc[on_street, "street"].to_numpy() == tree.name[rows[on_street]]).all()


def test_no_two_customers_have_one_address(town: GridTables) -> None:
    assert not town.customers.duplicated(["place_id", "building", "house_number"]).any()


def test_a_seed_chooses_the_names_and_nothing_else() -> None:
    given_tables = scattered(300, 900, 3)
    first, again, other = (lay_places(given_tables, seed=seed) for seed in (5, 5, 6))
    assert_frame_equal(first.customers, again.customers)
    assert_frame_equal(pd.DataFrame(first.places), pd.DataFrame(again.places))
    assert not first.places["name"].equals(other.places["name"])
    assert_frame_equal(first.customers.drop(columns="street"), other.customers.drop(columns="street"))


def test_everything_but_places_and_addresses_stays_as_it_was() -> None:
    before = scattered(40, 120, 2)
    after = lay_places(before, seed=1)
    for name, table in before.items():
        if name not in ("customers", "places"):
            assert getattr(after, name) is table
    assert_frame_equal(before.customers.drop(columns=ADDRESS), after.customers.drop(columns=ADDRESS))
    assert before.customers["place_id"].isna().all()
    assert after.customers.dtypes.equals(before.customers.dtypes)


def test_a_customer_nowhere_stays_without_a_place_and_one_without_coordinates_is_at_its_node() -> None:
    served = [customer(1, "n1", (0, 0)), customer(2, "n2"), customer(3, "n3")]
    laid = lay_places(tables(nodes=[node("n2", (30, 0))], customers=served), seed=1)
    assert laid.customers["place_id"].notna().tolist() == [True, True, False]
    assert laid.customers.loc[2, ADDRESS].isna().all()
    assert laid.customers["house_number"].notna().tolist() == [True, True, False]


@pytest.mark.parametrize("at", [[(0, 0)] * 30, [(5 * k, 0) for k in range(30)], [(0, 0)]], ids=["one point", "one line", "alone"])
def test_degenerate_geography_still_gives_addresses(at: list[tuple[float, float]]) -> None:
    served = [customer(k, f"n{k}", xy) for k, xy in enumerate(at)]
    laid = lay_places(tables(customers=served), seed=1)
    assert laid.customers[["place_id", "street", "house_number"]].notna().all(axis=None)
    assert not laid.customers.duplicated(["place_id", "building", "house_number"]).any()
    assert shapely.is_valid(laid.places.geometry.to_numpy()).all()


def test_places_that_are_there_are_not_overwritten() -> None:
    place = {"id": "P", "kind": "town", "name": "镇"}
    with pytest.raises(ValueError, match="1 places already"):
        lay_places(tables(customers=[customer(1, "n", (0, 0))], places=[place]), seed=1)


def test_a_network_without_coordinates_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="none of the 1 customers has a position"):
        lay_places(tables(customers=[customer(1, "n")]), seed=1)


@settings(max_examples=40, deadline=None)
@given(
    grid=st.one_of(
        st.builds(scattered, st.integers(1, 60), st.integers(1, 1500), st.integers(0, 1000)),
        st.builds(wired, st.integers(1, 40), st.integers(1, 1500), st.integers(0, 1000), beside=st.booleans()),
    ),
    seed=st.integers(0, 1000),
)
def test_any_network_gives_a_tree_with_a_true_coverage_and_single_addresses(grid: GridTables, seed: int) -> None:
    laid = lay_places(grid, seed=seed)
    tree = PlaceTree.of(laid.places)
    rows = rows_of_places(tree, laid.customers["place_id"])
    assert count_members(tree, rows).min() >= 1
    assert set(tree.kind[rows]) <= {"street", "building"}
    assert not laid.customers.duplicated(["place_id", "building", "house_number"]).any()
    shapes = laid.places.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    for kind in ("town", "community"):
        assert shapely.coverage_is_valid(shapes[tree.kind == kind])
