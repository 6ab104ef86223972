"""House numbers: how they are printed, and which of them a run may cover."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notices.housenumbers import Run, find_runs, natural_key, parse_spot, spot_path

ADDRESSES = [
    ("12", (), ("12号",), ("12",)),
    ("１２", (), ("12号",), ("12",)),
    ("0012 号", (), ("12号",), ("12",)),
    ("12a", (), ("12A号",), ("12A",)),
    ("12—1", (), ("12-1号",), ("12-1",)),
    ("甲12号", (), ("甲12号",), ("甲12",)),
    ("123弄45号", (), ("123弄", "45号"), ("Lane 123", "45")),
    ("附楼", (), ("附楼",), ("附楼",)),
    ("12、14", (), ("「12、14号」",), ("“12、14”",)),
    ("12", ("3幢2单元",), ("12号", "3幢", "2单元"), ("12", "Building 3", "Unit 2")),
    ("", ("3号楼 A座 5层 501室",), ("3号楼", "A座", "5层", "501室"), ("Building 3", "Building A", "Floor 5", "Room 501")),
    ("", ("7",), ("7幢",), ("Building 7",)),
    ("", ("5幢", "5幢2单元"), ("5幢", "2单元"), ("Building 5", "Unit 2")),
    ("", ("锦绣大厦", "2单元"), ("锦绣大厦", "2单元"), ("锦绣大厦", "Unit 2")),
    (" ", ("\u200b",), (), ()),
]


@pytest.mark.parametrize(("number", "buildings", "zh", "en"), ADDRESSES)
def test_an_address_is_printed_from_the_street_inwards(
    number: str, buildings: tuple[str, ...], zh: tuple[str, ...], en: tuple[str, ...]
) -> None:
    assert spot_path(number, buildings, "zh", building_first=False) == zh
    assert spot_path(number, buildings, "en", building_first=False) == en


def test_in_an_estate_the_building_comes_first() -> None:
    assert spot_path("301", ("3幢",), "zh", building_first=True) == ("3幢", "301室")
    assert spot_path("301", ("3幢",), "en", building_first=True) == ("Building 3", "Room 301")


RUNS = [
    pytest.param([2, 4, 6], [], [Run(2, 6, 2)], id="one side"),
    pytest.param([2, 4], [], [Run(2, 2, 1), Run(4, 4, 1)], id="two numbers are no run"),
    pytest.param([1, 2, 3, 4], [], [Run(1, 4, 1)], id="both sides"),
    pytest.param([2, 4, 6, 8], [5], [Run(2, 8, 2)], id="the other side does not matter"),
    pytest.param([2, 4, 8, 10, 12], [6], [Run(2, 2, 1), Run(4, 4, 1), Run(8, 12, 2)], id="broken by who is not affected"),
    pytest.param([2, 998, 1000], [], [Run(2, 1000, 2)], id="numbers that do not exist do not matter"),
    pytest.param([*range(2, 50, 2), 1, 3, 5, 7, 9], [11, 13], [Run(1, 9, 2), Run(2, 48, 2)], id="sides before both"),
    pytest.param([0, 1, 2], [], [Run(0, 2, 1)], id="zero"),
    pytest.param([], [1], [], id="nothing"),
]


@pytest.mark.parametrize(("taken", "barred", "runs"), RUNS)
def test_runs_are_what_a_person_would_write(taken: list[int], barred: list[int], runs: list[Run]) -> None:
    assert find_runs(taken, barred) == runs


def test_buildings_make_runs_without_sides() -> None:
    assert find_runs([3, 5, 7, 9, 10, 11], [8], sided=False) == [Run(3, 7, 1), Run(9, 11, 1)]


@given(numbers=st.dictionaries(st.integers(0, 40), st.booleans()), sided=st.booleans())
def test_runs_cover_every_taken_number_and_no_barred_one(numbers: dict[int, bool], sided: bool) -> None:
    taken = {number for number, is_taken in numbers.items() if is_taken}
    runs = find_runs(taken, numbers.keys() - taken, sided=sided)
    covered = {number for number in numbers if any(number in run for run in runs)}
    assert covered == taken
    assert len(runs) <= len(taken)
    assert all(run.first in taken and run.last in taken for run in runs)


@pytest.mark.parametrize(
    ("own", "parent", "language", "family"),
    [
        ("12号", "", "zh", ("", 12, "号", True)),
        ("14A号", "", "zh", ("", 14, "号", False)),
        ("3幢", "12号", "zh", ("12号", 3, "幢", True)),
        ("3号楼", "", "zh", ("", 3, "号楼", True)),
        ("Unit 2", "Building 3", "en", ("Building 3 Unit ", 2, "", True)),
        ("12-1", "", "en", ("", 12, "", False)),
    ],
)
def test_numbers_are_found_where_they_begin_a_spot(own: str, parent: str, language: str, family: tuple[object, ...]) -> None:
    spot = parse_spot(own, parent, language)  # type: ignore[arg-type]
    assert spot is not None
    assert (spot.lead, spot.number, spot.tail, spot.whole) == family


@pytest.mark.parametrize(("own", "parent"), [("甲12号", ""), ("附楼", ""), ("2号", "附1")])
def test_spots_that_do_not_begin_with_a_number_of_their_own_make_no_run(own: str, parent: str) -> None:
    assert parse_spot(own, parent, "zh") is None


def test_numbers_are_sorted_as_people_count() -> None:
    houses = ["2号", "9号", "12号", "12号3幢", "12-1号", "12A号", "100号", "甲2号"]
    shuffled = [houses[at] for at in (7, 4, 1, 0, 6, 3, 5, 2)]
    assert sorted(shuffled, key=natural_key) == houses
