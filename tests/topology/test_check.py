"""Warnings about a network as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings

from geo.schema import GridTables, conform
from tests.grids import grids
from topology.check import check_supply
from topology.network import build_network
from topology.sketch import tables_from_text


def _found(text: str, voltages: list[float] | None = None) -> set[tuple[str, tuple[str, ...]]]:
    tables = tables_from_text(text)
    if voltages:
        tables.lines["voltage_kv"] = voltages
    return {(problem.rule, problem.ids) for problem in check_supply(build_network(tables))}


def test_a_network_in_order_has_no_warning() -> None:
    assert _found("*s -L1- a =T1:delta_wye= b -L2- c : fine", [10.0, 0.4]) == set()


@pytest.mark.parametrize(
    ("text", "rule", "ids"),
    [
        ("*s -L1- a : fine\nx -L2- y : lonely", "no source supplies it in the normal state", ("lonely",)),
        ("*s -L1.AB- a : fine.A, short.ABC", "not all phases of the customer are supplied in the normal state", ("short",)),
        ("*s -L1- a =T1= b : busy\na =T2= c", "supplies no customer in the normal state", ("T2",)),
        ("*s -L1.A- a -L2- b : one.A", "has phases that nothing feeds in the normal state", ("L2",)),
        ("*s -L1.AB- a =T1.ABC:delta_wye= b : one", "has phases that nothing feeds in the normal state", ("T1",)),
    ],
)
def test_what_is_odd_is_named(text: str, rule: str, ids: tuple[str, ...]) -> None:
    assert _found(text) == {(rule, ids)}


def test_a_transformer_that_feeds_other_transformers_is_not_idle() -> None:
    assert _found("*s =T0:delta_wye= a =T1:delta_wye= b : one") == set()


def test_a_public_transformer_with_customers_on_the_map_needs_an_area() -> None:
    tables = tables_from_text("*s =T1= a : one\ns =T2= b : two")
    tables.customers[["x", "y"]] = 120.0, 30.0
    areas = conform("service_areas", {"transformer_id": ["T1"], "geometry": [shapely.box(119, 29, 121, 31)]})
    problems = check_supply(build_network(replace(tables, service_areas=areas)))
    assert [(problem.rule, problem.ids) for problem in problems] == [("has no row for a public transformer", ("T2",))]
    assert check_supply(build_network(tables)) == ()


def test_a_line_of_another_voltage_without_a_transformer_between_is_named() -> None:
    rule = "has another voltage than the lines it is joined to without a transformer"
    assert _found("*s -L1- a -L2- b -L3- c : one", [10.0, 0.4, 10.5]) == {(rule, ("L2",))}
    assert _found("*s -L1- a -L2- b -L3- c : one", [10.0, np.nan, 10.0]) == set()


@settings(max_examples=60, deadline=None)
@given(grids())
def test_exactly_those_without_supply_are_named(grid: GridTables) -> None:
    network = build_network(grid)
    named = {problem.rule: problem.ids for problem in check_supply(network)}
    dark = tuple(grid.customers["id"][network.supplied_phases == 0])
    assert named.get("no source supplies it in the normal state", ()) == dark
