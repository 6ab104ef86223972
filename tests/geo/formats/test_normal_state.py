"""Feeders, busbars and owners, on networks small enough to see the answer in the drawing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from geo.formats.normal_state import busbar_nodes, feeder_of_devices, feeder_of_nodes, ownership
from topology.sketch import tables_from_text

SUBSTATION = """
*hv =T0= mv
mv -B1:breaker- a0 -L1- a1 -L2- a2 =T1= x -L3- y : c1, c2
mv -B2:breaker- b0 -L4- b1 =T2= z : c3
a2 /X1/ b1
"""


def _frames(text: str) -> Mapping[str, pd.DataFrame]:
    return dict(tables_from_text(text).items())


def test_busbars_are_what_a_source_reaches_without_passing_a_line() -> None:
    assert busbar_nodes(_frames(SUBSTATION)) == {"hv", "mv", "a0", "b0"}


@pytest.mark.parametrize(
    ("text", "busbars"),
    [
        ("*s -L1- a", {"s"}),
        ("*s", {"s"}),
        ("*s /X1/ a", {"s"}),
        ("*s -B1:breaker- a /X1/ b", {"s", "a"}),
        ("*s -L1- a\n*r =T1= b -B1:breaker- c", {"s", "r", "b", "c"}),
    ],
)
def test_a_busbar_ends_at_lines_and_open_switches(text: str, busbars: set[str]) -> None:
    assert busbar_nodes(_frames(text)) == busbars


def test_a_feeder_is_what_hangs_together_beyond_the_busbars() -> None:
    frames = _frames(SUBSTATION)
    feeder = feeder_of_nodes(frames, busbar_nodes(frames))
    assert feeder.to_dict() == dict.fromkeys(["a1", "a2", "x", "y"], "Feeder 1") | dict.fromkeys(["b1", "z"], "Feeder 2")


def test_feeders_are_numbered_in_the_order_of_the_lines_whichever_end_is_at_the_busbar() -> None:
    frames = _frames("a -L1- s\n*s -L2- b -L3- d\nc -L4- s")
    assert feeder_of_nodes(frames, {"s"}).to_dict() == {"a": "Feeder 1", "b": "Feeder 2", "d": "Feeder 2", "c": "Feeder 3"}


def test_a_part_without_supply_is_on_no_feeder() -> None:
    assert feeder_of_nodes(_frames("*s -L1- a\nb -L2- c"), {"s"}).to_dict() == {"a": "Feeder 1"}


def test_a_feeder_bears_the_name_that_most_of_its_lines_carry() -> None:
    frames = _frames("*s -L1- a -L2- b -L3- c\ns -L4- d\ns -L5- e")
    named = pd.Series(["North", "North", "South", "East", np.nan], dtype=object)
    feeder = feeder_of_nodes(frames, {"s"}, named=named)
    assert feeder.to_dict() == {"a": "North", "b": "North", "c": "North", "d": "East"}


def test_a_tie_is_on_the_feeder_of_its_from_end_and_a_first_line_on_that_of_its_outer_end() -> None:
    frames = _frames(SUBSTATION)
    feeder = feeder_of_nodes(frames, busbar_nodes(frames))
    assert feeder_of_devices(frames["lines"], feeder).tolist() == ["Feeder 1", "Feeder 1", "Feeder 1", "Feeder 2"]
    switches = dict(zip(frames["switches"]["id"], feeder_of_devices(frames["switches"], feeder), strict=True))
    assert switches["X1"] == "Feeder 1"
    assert pd.isna(switches["B1"])
    transformers = dict(zip(frames["transformers"]["id"], feeder_of_devices(frames["transformers"], feeder), strict=True))
    assert (transformers["T1"], transformers["T2"]) == ("Feeder 1", "Feeder 2")
    assert pd.isna(transformers["T0"])


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("*s =T1= a : c1", ["dedicated"]),
        ("*s =T1= a -L1- b -F1:fuse- c : c1", ["dedicated"]),
        ("*s =T1= a : c1, c2", ["public"]),
        ("*s =T1= a /X1/ b : c1", ["public"]),
        ("*s =T1= a", ["public"]),
        ("*s =T0= m =T1= a : c1, c2\nm : c3", ["public", "public"]),
        ("*s =T1= a : c1\ns =T2= a", ["dedicated", "dedicated"]),
    ],
    ids=["one customer", "behind a fuse", "two", "behind an open switch", "none", "substation with one of its own", "bank"],
)
def test_a_transformer_that_serves_one_customer_alone_is_dedicated(text: str, owners: list[str]) -> None:
    assert ownership(_frames(text)).tolist() == owners
