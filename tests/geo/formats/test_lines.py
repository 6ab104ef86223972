"""Bare line work: what is joined, what is not and is said, and what is set aside. Pictures are text; places are metres."""

from __future__ import annotations

import pandas as pd
import pytest
import shapely

from geo.formats.lines import snap_lines
from geo.raw import SourceError
from geo.validate import validate
from tests.geo.formats.linework import METRES, drawn, findings, said, snapped

# What is drawn, and what is joined to what. The tolerance is 0.5 m.
JOINED = {
    "ends that meet": (
        "L1 0,0 100,0 \n L2 100,0 200,0",
        "L1:from -L1- L1:to \n L1:to -L2- L2:to",
    ),
    "ends within the tolerance, whichever way they are drawn": (
        "L1 0,0 100,0 \n L2 200,0 100.3,0.3",
        "L1:from -L1- L1:to \n L2:from -L2- L1:to",
    ),
    "ends beyond the tolerance": (
        "L1 0,0 100,0 \n L2 100.6,0 200,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to",
    ),
    "ends in a row, each within the tolerance of the next": (
        "L1 0,0 100,0 \n L2 100.4,0 200,50 \n L3 100.8,0 200,0",
        "L1:from -L1- L1:to \n L1:to -L2- L2:to \n L1:to -L3- L3:to",
    ),
    "two lines between the same ends": (
        "L1 0,0 100,0 \n L2 0,0 50,20 100,0",
        "L1:from -L1- L1:to \n L1:from -L2- L1:to",
    ),
    "lines that cross": (
        "L1 0,0 100,0 \n L2 50,-50 50,50",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to",
    ),
    "an end on the inside of a line": (
        "L1 0,0 100,0 \n L2 50,0 50,50",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to",
    ),
    "a MultiLineString that is one line, its parts in any direction": (
        "L1 40,0 100,0 / 40,0 0,0 \n L2 100,0 200,0",
        "L1:from -L1- L1:to \n L1:to -L2- L2:to",
    ),
    "a MultiLineString that is two lines": (
        "L1 0,0 40,0 / 60,0 100,0 \n L2 100,0 200,0",
        "L1#1:from -L1#1- L1#1:to \n L1#2:from -L1#2- L1#2:to \n L1#2:to -L2- L2:to",
    ),
    "a MultiLineString whose parts end within the tolerance": (
        "L1 0,0 40,0 / 40.2,0 100,0",
        "L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to",
    ),
    "a MultiLineString with a part of no length": (
        "L1 0,0 100,0 / 30,30 30,30",
        "L1:from -L1- L1:to",
    ),
}


def _plain(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("name", JOINED)
def test_ends_are_joined_within_the_tolerance_and_nothing_else_is(name: str) -> None:
    text, expected = JOINED[name]
    assert _plain(said(snapped(text))) == _plain(expected)


# The same with T-joins.
T_JOINED = {
    "an end on the inside of a line": (
        "L1 0,0 100,0 \n L2 50,0.3 50,50",
        "L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L1#1:to -L2- L2:to",
    ),
    "an end beyond the tolerance": (
        "L1 0,0 100,0 \n L2 50,0.6 50,50",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to",
    ),
    "lines that cross stay apart": (
        "L1 0,0 100,0 \n L2 50,-50 50,50",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to",
    ),
    "ends on both sides of a line, at the same place of it": (
        "L1 0,0 100,0 \n L2 50,0.4 50,50 \n L3 50.1,-0.4 50,-50",
        "L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L1#1:to -L2- L2:to \n L1#1:to -L3- L3:to",
    ),
    "two places of one line": (
        "L1 0,0 100,0 \n L2 30,0 30,50 \n L3 60,0 60,50",
        """L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L1#2:to -L1#3- L1#3:to
        L1#1:to -L2- L2:to \n L1#2:to -L3- L3:to""",
    ),
    "an end beside a line's own end, off by less than the tolerance along and across: no sliver is cut": (
        "L1 0,0 100,0 \n L2 0.4,0.4 50,50",
        "L1:from -L1- L1:to \n L1:from -L2- L2:to",
    ),
    "both ends on one line": (
        "L1 0,0 100,0 \n L2 20,0 20,30 80,30 80,0",
        "L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L1#2:to -L1#3- L1#3:to \n L1#1:to -L2- L1#2:to",
    ),
    "a node of two lines on a third": (
        "L1 0,0 100,0 \n L2 50,50 50,0.2 \n L3 50.2,0 90,-40",
        "L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L2:from -L2- L1#1:to \n L1#1:to -L3- L3:to",
    ),
    "a ring that a line joins": (
        "L1 0,0 50,50 100,0 50,-50 0,0 \n L2 100,0 150,0 \n L3 -50,0 0,0",
        "L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#1:from \n L1#1:to -L2- L2:to \n L3:from -L3- L1#1:from",
    ),
}


@pytest.mark.parametrize("name", T_JOINED)
def test_an_end_on_a_line_is_joined_where_t_joins_are_allowed(name: str) -> None:
    text, expected = T_JOINED[name]
    assert _plain(said(snapped(text, t_joins=True))) == _plain(expected)


def test_a_piece_keeps_the_id_of_its_line_in_its_name_its_cells_and_its_share_of_the_length() -> None:
    work = drawn("L1 0,0 40,0 100,0 kv=10 \n L2 30,0 30,50 \n L3 60,0 60,50")
    lines = work.frames["lines"].assign(name=["Mill road", None, None], length_m=["300", "", "x"])
    found = snap_lines(type(work)({"lines": lines}, crs=work.crs), t_joins=True)
    pieces = found.raw.frames["lines"]
    assert pieces["id"].tolist() == ["L1#1", "L1#2", "L1#3", "L2", "L3"]
    assert pieces["name"].tolist()[:3] == ["Mill road (L1)"] * 3
    assert pieces["voltage_kv"].tolist()[:3] == [10.0] * 3
    # 300 m were given for 100 m drawn; L2 gives none; what is no number is left for the rules to find.
    assert [float(cell) for cell in pieces["length_m"][:4]] == pytest.approx([90.0, 90.0, 120.0, 50.0], rel=1e-5)
    assert pieces["length_m"][4] == "x"
    shapes = [shape.wkt for shape in shapely.set_precision(pieces.geometry.to_numpy()[:3], 0.001)]
    assert shapes == ["LINESTRING (0 0, 30 0)", "LINESTRING (30 0, 40 0, 60 0)", "LINESTRING (60 0, 100 0)"]
    assert [problem.ids for problem in found.problems if problem.rule == "was cut at T-joins or switches"] == [("L1",)]


def test_a_line_that_is_cut_where_it_has_a_vertex_has_it_once() -> None:
    found = snapped("L1 0,0 40,0 100,0 \n L2 40,0 40,50", t_joins=True)
    assert shapely.get_num_coordinates(found.raw.frames["lines"].geometry.to_numpy()).tolist() == [2, 2, 2]


def test_ids_of_pieces_never_take_one_that_is_there() -> None:
    found = snapped("L1 0,0 100,0 \n L2 50,0 50,50 \n L1#2 300,0 400,0", t_joins=True)
    assert found.raw.frames["lines"]["id"].tolist() == ["L1##1", "L1##2", "L2", "L1#2"]


def test_nothing_is_moved_and_a_node_is_in_the_middle_of_its_ends() -> None:
    found = snapped("L1 0,0 100,0 \n L2 100.4,0 200,0")
    drawn_lines = drawn("L1 0,0 100,0 \n L2 100.4,0 200,0").frames["lines"]
    assert (found.raw.frames["lines"].geometry == drawn_lines.geometry).all()
    nodes = found.raw.frames["nodes"].set_index("id")
    moved = pd.DataFrame(nodes.loc[["L1:to"]])
    x, y = shapely.get_coordinates(shapely.points(moved["x"], moved["y"]))[0]
    from geo.crs import project  # noqa: PLC0415

    assert [float(axis) for axis in project(x, y, source="EPSG:4326", target=METRES)] == pytest.approx([100.2, 0.0], abs=1e-3)


# What is drawn → kind, feature, other, distance. Nothing of it is joined.
LOOKS_WRONG = {
    "two ends with a gap": (
        "L1 0,0 100,0 \n L2 102,0 200,0",
        [("near_miss", "L1", "L2", 2.0)],
    ),
    "two ends with a gap that is meant": ("L1 0,0 100,0 \n L2 105.1,0 200,0", []),
    "a gap between two nodes, in a part that is joined to nothing else": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 100,0 100,90 \n L3 102,0 200,0 \n L4 102,0 200,90",
        [("near_miss", "L3", "L1", 2.0)],
    ),
    "a gap between two nodes that are joined elsewhere": (
        "L1 0,0 100,0 \n L2 100,0 100,90 \n L3 102,0 200,0 \n L4 102,0 200,90 \n L5 100,90 200,90 \n S1 0,0 \n C1 200,0",
        [],
    ),
    "an end short of a line": (
        "L1 0,0 100,0 \n L2 50,3 50,90",
        [("undershoot", "L2", "L1", 3.0)],
    ),
    "an end a little beyond a line": (
        "L1 0,0 100,0 \n L2 50,-1.5 50,90",
        [("overshoot", "L2", "L1", 1.5)],
    ),
    "an end beyond a line by so much that it is meant": ("L1 0,0 100,0 \n L2 50,-6 50,90", []),
    "an end beyond a line at a sharp angle, by its length along": (
        "L1 0,0 100,0 \n L2 0,40 50,0 54,-3.2",
        [("overshoot", "L2", "L1", 5.12)],
    ),
    "an end on a line": (
        "L1 0,0 100,0 \n L2 50,0.2 50,90",
        [("t_join", "L2", "L1", 0.2)],
    ),
    "an end beyond a line by less than the tolerance": (
        "L1 0,0 100,0 \n L2 50,-0.4 50,90",
        [("t_join", "L2", "L1", 0.4)],
    ),
    "a node of two lines on a third: once": (
        "L1 0,0 100,0 \n L2 50,0.2 50,90 \n L3 50,0 90,-90",
        [("t_join", "L3", "L1", 0.0)],
    ),
    "a node so wide that it is a chain": (
        "L1 0,0 100,0 \n L2 100.45,0 150,90 \n L3 100.9,0 200,90 \n L4 101.35,0 200,0 \n L5 101.8,0 200,-90",
        [("chain", "L1", "L5", 1.8)],
    ),
    "a line drawn twice, once the other way round": (
        "L1 0,0 100,0 \n L2 100,0.2 0,0 \n L3 0,0 50,20 100,0",
        [("double", "L2", "L1", 0.2)],
    ),
    "a short piece is no gap to what it is joined to": ("L1 0,0 100,0 \n L2 100,0 200,0 \n L3 100,0 101,3", []),
    "an end where a customer is does not hang loose": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 0,0 100,3 \n C1 100,0 \n C2 100,3",
        [],
    ),
    "the same two ends where nobody is": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 0,0 100,3",
        [("near_miss", "L1", "L2", 3.0)],
    ),
    "a customer too far from any node": (
        "L1 0,0 100,0 \n C1 100,4",
        [("off_line", "C1", "L1", 4.0)],
    ),
    "a switch on nothing": (
        "L1 0,0 100,0 \n Q1 50,7",
        [("off_line", "Q1", "L1", 7.0)],
    ),
    "a source beside the inside of a line: as far as the next end": (
        "L1 0,0 100,0 \n S1 10,0",
        [("off_line", "S1", "L1", 10.0)],
    ),
}


@pytest.mark.parametrize("name", LOOKS_WRONG)
def test_what_looks_wrong_is_reported_with_its_place_and_distance(name: str) -> None:
    text, expected = LOOKS_WRONG[name]
    found = snapped(text)
    assert findings(found) == expected
    assert found.findings.crs == "EPSG:4326"
    assert (found.findings.geom_type == "Point").all()


def test_a_finding_is_where_the_end_is() -> None:
    found = snapped("L1 0,0 100,0 \n L2 50,3 50,90").findings.to_crs(METRES)
    assert shapely.get_coordinates(found.geometry.to_numpy())[0] == pytest.approx([50.0, 3.0], abs=1e-6)


# What is drawn, what is said of it. Ids in the order of the distance.
SAID = {
    "L1 0,0 100,0 \n L2 102,0 200,0": (
        "lines.geometry: ends 2.00 m short of another end for 1 row (L1). Bring the ends together where they are joined. "
        "L1 2.00 m from L2."
    ),
    "L1 0,0 100,0 \n L2 50,3 50,90 \n L3 70,1 70,90": (
        "lines.geometry: ends 1.00 to 3.00 m short of another line for 2 rows (L3, L2). "
        "Draw it up to the line where they are joined. L3 1.00 m from L1, L2 3.00 m from L1."
    ),
    "L1 0,0 100,0 \n L2 50,-50 50,50 \n L3 60,-50 60,50": (
        "lines.geometry: cross 2 times where neither line ends: they were left apart, as overhead lines are. "
        "Split the lines where they are joined."
    ),
    "L1 0,0 100,0 \n L2 50,0 50,90": (
        "lines.geometry: ends on another line that has no node there for 1 row (L2). "
        "They were left apart; allow T-joins where they are joined. L2 0.00 m from L1."
    ),
}


@pytest.mark.parametrize("text", SAID)
def test_what_looks_wrong_is_a_warning_in_words(text: str) -> None:
    problems = snapped(text).problems
    assert [str(problem) for problem in problems] == [SAID[text]]
    assert [problem.severity for problem in problems] == ["warning"]


@pytest.mark.parametrize(
    ("text", "crossings"),
    [
        ("L1 0,0 100,0 \n L2 50,-50 50,50", 1),
        ("L1 0,0 100,0 \n L2 50,0 50,50", 0),  # ends on it
        ("L1 0,0 100,0 \n L2 50,-0.3 50,50", 0),  # ends a little beyond: a T-join
        ("L1 0,0 100,0 \n L2 50,-3 50,50", 0),  # an overshoot
        ("L1 0,0 100,0.3 \n L2 99.8,-0.1 200,50", 0),  # joined, and crossing by the way
        ("L1 0,0 100,0 \n L2 20,50 20,-50 80,-50 80,50", 1),  # a pair of lines counts once
    ],
)
def test_crossings_are_counted_where_nothing_ends(text: str, crossings: int) -> None:
    rules = [problem.rule for problem in snapped(text).problems if problem.rule.startswith("cross ")]
    assert rules == [
        f"cross {'once' if crossings == 1 else crossings} where neither line ends: they were left apart, as overhead lines are"
    ] * bool(crossings)


# A line that is none: what is drawn, and why it is set aside.
ASIDE = {
    "so short that both its ends became one node": (
        "L1 0,0 100,0 \n L2 100,0 100.3,0 \n L3 100.3,0 200,0",
        ("L2", "geometry is so short that both its ends became one node (0.30 m)"),
    ),
    "a ring": ("L1 0,0 50,50 100,0 0,0 \n L2 0,0 -50,0", ("L1", "geometry begins and ends at one node")),
    "no length": ("L1 0,0 100,0 \n L2 50,50 50,50", ("L2", "geometry is a line of no length")),
    "parts of no length": ("L1 0,0 100,0 \n L2 50,50 50,50 / 60,60 60,60", ("L2", "geometry is a line of no length")),
    "an id that is there": ("L1 0,0 100,0 \n L1 100,0 200,0", ("L1", "id is the same as in an earlier row")),
}


@pytest.mark.parametrize("name", ASIDE)
def test_a_line_that_joins_nothing_is_set_aside_and_named(name: str) -> None:
    text, expected = ASIDE[name]
    found = snapped(text)
    aside = found.raw.damaged["lines"]
    assert list(zip(aside["id"], aside["why"], strict=True)) == [expected]
    assert any(problem.severity == "error" and problem.ids == (expected[0],) for problem in found.problems)
    assert len(aside) + len(found.raw.frames["lines"]) == text.count("L")


def test_what_a_short_line_joins_is_joined_without_it() -> None:
    found = snapped("L1 0,0 100,0 \n L2 100,0 100.3,0 \n L3 100.3,0 200,0")
    assert _plain(said(found)) == ["L1:from -L1- L1:to", "L1:to -L3- L3:to"]


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (None, "geometry is empty"),
        (shapely.LineString(), "geometry is empty"),
        (shapely.MultiLineString(), "geometry is empty"),
        (shapely.Point(0, 0), "geometry is not a LineString or MultiLineString"),
        (shapely.box(120, 30, 121, 31), "geometry is not a LineString or MultiLineString"),
        (shapely.LineString([(120, 30), (900, 30)]), "geometry lies outside of the world"),
        (shapely.LineString([(0, 0), (float("inf"), 0)]), "geometry lies outside of the world"),
    ],
)
def test_a_shape_that_is_no_line_is_set_aside_and_the_rest_is_read(shape: object, why: str) -> None:
    work = drawn("L1 0,0 100,0 \n L2 100,0 200,0 \n L3 200,0 300,0", crs="EPSG:4326")
    shapes = work.frames["lines"].geometry.to_numpy(dtype=object).copy()
    shapes[1] = shape
    lines = work.frames["lines"].set_geometry(shapes, crs="EPSG:4326")
    found = snap_lines(type(work)({"lines": lines}, crs=work.crs))
    assert found.raw.damaged["lines"][["id", "why"]].to_numpy().tolist() == [["L2", why]]
    assert found.raw.frames["lines"]["id"].tolist() == ["L1", "L3"]


def test_a_line_without_an_id_beside_others_is_set_aside_by_its_row() -> None:
    work = drawn("L1 0,0 100,0 \n L2 100,0 200,0")
    lines = work.frames["lines"].assign(id=["L1", None])
    found = snap_lines(type(work)({"lines": lines}, crs=work.crs))
    assert [problem.ids for problem in found.problems if problem.column == "id"] == [("row 2",)]


@pytest.mark.parametrize("tolerance_m", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_length_is_refused(tolerance_m: float) -> None:
    with pytest.raises(SourceError, match=r"The tolerance must be a length above 0 m\. .* was given\. Give metres"):
        snapped("L1 0,0 100,0", tolerance_m=tolerance_m)


def test_a_tolerance_that_takes_everything_for_one_node_is_refused_before_it_fills_the_memory() -> None:
    text = "\n".join(f"L{number} {number / 100},0 {number / 100},9" for number in range(6000))
    with pytest.raises(SourceError, match=r"too large for this line work\. Within 500 m of an end there are 11,999 others"):
        snapped(text, tolerance_m=500.0)


def test_no_line_at_all_is_refused_with_the_reason() -> None:
    with pytest.raises(SourceError, match=r"There is no line to work with\. lines\.geometry: is a line of no length for 1 row"):
        snapped("L1 0,0 0,0")


def test_nodes_that_are_said_already_are_replaced_and_that_is_said() -> None:
    work = drawn("L1 0,0 100,0")
    lines = work.frames["lines"].assign(from_node=["a"], to_node=[None])
    found = snap_lines(type(work)({"lines": lines}, crs=work.crs))
    assert _plain(said(found)) == ["L1:from -L1- L1:to"]
    assert [problem.column for problem in found.problems] == ["from_node"]


def test_the_tables_are_what_the_rules_take_and_every_row_is_accounted_for() -> None:
    found = snapped(
        """
        S1 0,0
        L1 0,0 100,0 kv=10
        L2 100.3,0 200,0 kv=10
        L3 200,0 300,0 kv=0.4
        L4 300,0 300.2,0
        Q1 50,0
        T1 200,0
        C1 300,0
        C2 300,90
        """
    )
    checked = validate(found.raw, limit=0.6)
    assert checked.tables is not None
    assert checked.rows_read["customers"] == 2
    assert {table: list(rows["id"]) for table, rows in checked.quarantined.items()} == {"lines": ["L4"], "customers": ["C2"]}
    assert checked.tables.lines["id"].tolist() == ["L1#1", "L1#2", "L2", "L3"]
    assert checked.tables.lines.geometry.total_bounds[0] == pytest.approx(120.0, abs=1e-6)
    assert {problem.rule for problem in checked.problems} >= {problem.rule for problem in found.problems}
