"""Devices are found by what people type of an id or a name."""

from __future__ import annotations

import pytest

from api.search import DeviceIndex
from topology.network import Network


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("S1", ["S1"]),
        ("s1", ["S1"]),
        (" S1 ", ["S1"]),
        ("T1", ["T1"]),
        ("T", ["TIE", "T1", "T2", "T3", "T4"]),
        ("联络", ["TIE"]),
        ("开关", ["B1", "S1", "TIE"]),
        ("柳岸<b>", ["S1"]),
        ("nothing like it", []),
        ("", []),
        ("  ", []),
        (".*", []),
    ],
)
def test_the_very_id_comes_first_then_beginnings_then_anything_that_contains_it(
    town: Network, typed: str, found: list[str]
) -> None:
    assert [device.id for device in DeviceIndex(town).find(typed)] == found


def test_no_more_than_asked_for_are_shown(town: Network) -> None:
    assert len(DeviceIndex(town).find("T", limit=2)) == 2


def test_a_suggestion_says_what_the_device_is(town: Network) -> None:
    index = DeviceIndex(town)
    tie, line, transformer = index.find("TIE")[0], index.find("L1")[0], index.find("T4")[0]
    assert (tie.kind, tie.name, tie.feeder, tie.normally_open) == ("switch", "联络开关", "10kV东山线", True)
    assert (line.kind, line.name, line.normally_open) == ("line", "", False)
    assert transformer.kind == "transformer"
