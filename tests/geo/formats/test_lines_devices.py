"""Switches, transformers, sources and customers beside bare lines: where they go in, and what is said where they cannot."""

from __future__ import annotations

import pandas as pd
import pytest

from geo.formats.lines import snap_lines
from geo.validate import validate
from tests.geo.formats.linework import drawn, said, snapped
from topology.check import check_supply
from topology.network import build_network

# What is drawn, with T-joins or without, and what is joined to what.
IN_SERIES = {
    "a switch where two lines end": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 100,0 200,0 \n Q1 100,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L1:to -Q1- L2:from \n L1:from *S1",
    ),
    "its from node is nearer to the source, whichever way the lines are drawn": (
        "L1 100,0 0,0 \n L2 200,0 100,0 \n Q1 100,0 \n S1 200,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L2:to -Q1- L1:from \n L2:from *S1",
    ),
    "a switch on a line that passes: the line is cut": (
        "S1 0,0 \n L1 0,0 100,0 \n Q1 30,0.3",
        "L1#1:from -L1#1- L1#1:to \n L1#2:from -L1#2- L1#2:to \n L1#1:to -Q1- L1#2:from \n L1#1:from *S1",
    ),
    "three switches on one line": (
        "S1 0,0 \n L1 0,0 100,0 \n Q1 30,0 \n Q2 60,0 \n Q3 90,0",
        """L1#1:from -L1#1- L1#1:to \n L1#2:from -L1#2- L1#2:to \n L1#3:from -L1#3- L1#3:to \n L1#4:from -L1#4- L1#4:to
        L1#1:to -Q1- L1#2:from \n L1#2:to -Q2- L1#3:from \n L1#3:to -Q3- L1#4:from \n L1#1:from *S1""",
    ),
    "a switch in a gap between two ends": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 100.8,0 200,0 \n Q1 100.4,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L1:to -Q1- L2:from \n L1:from *S1",
    ),
    "a switch in a gap between two nodes of several lines": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 100,0 100,50 \n L3 100.8,0 200,0 \n L4 100.8,0 200,50 \n Q1 100.4,0",
        """L1:from -L1- L1:to \n L1:to -L2- L2:to \n L3:from -L3- L3:to \n L3:from -L4- L4:to
        L1:to -Q1- L3:from \n L1:from *S1""",
    ),
    "two switches in one gap are parallel": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 100.6,0 200,0 \n Q1 100.3,0.1 \n Q2 100.3,-0.1",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L1:to -Q1- L2:from \n L1:to -Q2- L2:from \n L1:from *S1",
    ),
    "a switch where a line begins at a source": (
        "S1 0,0 \n Q1 0,0 \n L1 0,0 100,0",
        "L1:from -L1- L1:to \n Q1:end -Q1- L1:from \n Q1:end *S1",
    ),
    "a switch where a line ends at customers": (
        "S1 0,0 \n L1 0,0 100,0 \n Q1 100,0 \n C1 100,0.2 \n C2 100,0",
        "L1:from -L1- L1:to \n L1:to -Q1- Q1:end \n L1:from *S1 \n Q1:end C1 \n Q1:end C2",
    ),
    "a customer at a switch between two lines is behind it": (
        "S1 200,0 \n L1 0,0 100,0 \n L2 100,0 200,0 \n Q1 100,0 \n C1 100,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L2:from -Q1- L1:to \n L2:to *S1 \n L1:to C1",
    ),
    "a customer between a source and its switch is behind it": (
        "S1 0,0 \n Q1 0,0 \n L1 0,0 100,0 \n C1 0,0",
        "L1:from -L1- L1:to \n Q1:end -Q1- L1:from \n Q1:end *S1 \n L1:from C1",
    ),
    "a transformer where two lines end: from the higher voltage, wherever the source is": (
        "S1 0,0 \n L1 0,0 100,0 kv=0.4 \n L2 100,0 200,0 kv=10 \n T1 100,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L2:from -T1- L1:to \n L1:from *S1",
    ),
    "a transformer between lines of which no voltage is known: from the source": (
        "L1 0,0 100,0 \n L2 100,0 200,0 \n T1 100,0 \n S1 200,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L2:from -T1- L1:to \n L2:to *S1",
    ),
    "a regulator between lines of one voltage": (
        "S1 0,0 \n L1 0,0 100,0 kv=10 \n L2 100,0 200,0 kv=10 \n T1 100,0",
        "L1:from -L1- L1:to \n L2:from -L2- L2:to \n L1:to -T1- L2:from \n L1:from *S1",
    ),
    "a transformer where one line feeds several of another voltage": (
        "S1 0,0 \n L1 0,0 100,0 kv=10 \n L2 100,0 200,0 kv=0.4 \n L3 100,0 100,50 kv=0.4 \n T1 100,0 \n C1 100,0",
        """L1:from -L1- L1:to \n L2:from -L2- L2:to \n L2:from -L3- L3:to
        L1:to -T1- L2:from \n L1:from *S1 \n L2:from C1""",
    ),
    "a transformer of one customer, where the line ends": (
        "S1 0,0 \n L1 0,0 100,0 \n T1 100,0 \n C1 100,0",
        "L1:from -L1- L1:to \n L1:to -T1- T1:end \n L1:from *S1 \n T1:end C1",
    ),
    "an open switch is no way to the source": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 100,0 200,0 \n L3 200,0 300,0 \n L4 300,0 300,90 0,90 0,0 \n Q1 100,0 open \n Q2 200,0",
        """L1:from -L1- L1:to \n L2:from -L2- L2:to \n L3:from -L3- L3:to \n L3:to -L4- L1:from
        L1:to -Q1- L2:from \n L3:from -Q2- L2:to \n L1:from *S1""",
    ),
}

IN_SERIES_AT_T = {
    "a switch where a line ends on one that passes is on the one that ends": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 50,0 50,50 \n Q1 50,0",
        """L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L2:from -L2- L2:to
        L1#1:to -Q1- L2:from \n L1#1:from *S1""",
    ),
    "a transformer tapped from a line that passes": (
        "S1 0,0 \n L1 0,0 100,0 kv=10 \n L2 50,0 50,50 kv=0.4 \n T1 50,0",
        """L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L2:from -L2- L2:to
        L1#1:to -T1- L2:from \n L1#1:from *S1""",
    ),
    "a switch on a line beside one that ends on it": (
        "S1 0,0 \n L1 0,0 100,0 \n L2 50,0 50,50 \n Q1 52,0",
        """L1#1:from -L1#1- L1#1:to \n L1#1:to -L1#2- L1#2:to \n L1#3:from -L1#3- L1#3:to \n L1#1:to -L2- L2:to
        L1#2:to -Q1- L1#3:from \n L1#1:from *S1""",
    ),
}


def _plain(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("name", IN_SERIES)
@pytest.mark.parametrize("t_joins", [False, True])
def test_a_device_is_in_series_where_exactly_two_things_meet(name: str, t_joins: bool) -> None:
    text, expected = IN_SERIES[name]
    found = snapped(text, t_joins=t_joins)
    assert _plain(said(found)) == _plain(expected)
    assert not found.raw.damaged


@pytest.mark.parametrize("name", IN_SERIES_AT_T)
def test_a_device_at_a_t_join_is_on_the_line_that_ends(name: str) -> None:
    text, expected = IN_SERIES_AT_T[name]
    assert _plain(said(snapped(text, t_joins=True))) == _plain(expected)


# What is drawn, which row is set aside for it, and why; what is left is joined as if it were not there.
NOWHERE = {
    "on nothing": ("L1 0,0 100,0 \n Q1 50,7", "Q1", "geometry stands on no line (7.00 m, near L1)"),
    "a transformer on nothing": ("L1 0,0 100,0 \n T1 104,0", "T1", "geometry stands on no line (4.00 m, near L1)"),
    "two lines pass": (
        "L1 0,0 100,0 \n L2 50,-50 50,50 \n Q1 50,0",
        "Q1",
        "geometry stands where several lines pass and none ends",
    ),
    "three lines meet": (
        "L1 0,0 100,0 \n L2 100,0 200,0 \n L3 100,0 100,50 \n Q1 100,0",
        "Q1",
        "geometry stands where more than two lines meet",
    ),
    "a transformer where lines of three voltages meet": (
        "L1 0,0 100,0 kv=35 \n L2 100,0 200,0 kv=10 \n L3 100,0 100,50 kv=0.4 \n T1 100,0",
        "T1",
        "geometry stands where more than two lines meet",
    ),
    "a transformer where a line has no voltage": (
        "L1 0,0 100,0 kv=10 \n L2 100,0 200,0 \n L3 100,0 100,50 kv=0.4 \n T1 100,0",
        "T1",
        "geometry stands where more than two lines meet",
    ),
    "three nodes are near": (
        "L1 0,0 99.7,0 \n L2 100.3,0 200,0 \n L3 100,0.45 100,50 \n Q1 100,0 \n L9 0,0 0,9",
        "Q1",
        "geometry stands between more than two nodes",
    ),
    "one line ends and nothing else is there": (
        "L1 0,0 100,0 \n T1 100,0",
        "T1",
        "geometry stands where one line ends, and nothing else is there",
    ),
    "a line ends beside one that passes, and T-joins are not allowed": (
        "L1 0,0 100,0 \n L2 50,0 50,50 \n Q1 50,0",
        "Q1",
        "geometry stands where one line ends, and nothing else is there",
    ),
    "a line passes a transformer": (
        "L1 0,0 100,0 \n T1 50,0",
        "T1",
        "geometry stands on a line that passes, and no other ends there",
    ),
    "a customer too far": ("L1 0,0 100,0 \n C1 100,3", "C1", "node is too far from any end of a line (3.00 m, near L1)"),
    "a customer beside the inside of a line": (
        "L1 0,0 100,0 \n C1 40,0",
        "C1",
        "node is too far from any end of a line (40.00 m, near L1)",
    ),
    "a source too far": ("L1 0,0 100,0 \n S1 -2,0", "S1", "node is too far from any end of a line (2.00 m, near L1)"),
    "a source at a switch between two lines": (
        "L1 0,0 100,0 \n L2 100,0 200,0 \n Q1 100,0 \n S1 100,0",
        "S1",
        "node stands at a device between two lines, and may feed either",
    ),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_what_has_no_place_is_set_aside_with_the_reason_and_joins_nothing(name: str) -> None:
    text, key, why = NOWHERE[name]
    found = snapped(text)
    assert [rows[["id", "why"]].to_numpy().tolist() for rows in found.raw.damaged.values()] == [[[key, why]]]
    problem = next(problem for problem in found.problems if problem.severity == "error")
    assert problem.ids == (key,)
    assert problem.fix.endswith("The row was set aside.")
    if key[0] == "Q":
        rest = "\n".join(line for line in text.splitlines() if key not in line)
        assert said(found) == said(snapped(rest))


def test_switches_at_one_place_are_both_set_aside_since_nobody_can_tell_their_order() -> None:
    for second in ("Q2 100,0.3", "T1 100,0"):
        found = snapped(f"L1 0,0 100,0 \n L2 100,0 200,0 \n Q1 100,0 \n {second}")
        aside = pd.concat(found.raw.damaged.values())
        assert aside["id"].tolist() == ["Q1", second.split()[0]]
        assert set(aside["why"]) == {"geometry stands where another device stands"}
    found = snapped("L1 0,0 100,0 \n Q1 50,0 \n Q2 50.3,0")
    assert found.raw.damaged["switches"]["id"].tolist() == ["Q1", "Q2"]
    assert _plain(said(found)) == ["L1#1:from -L1#1- L1#1:to", "L1#1:to -L1#2- L1#2:to"]


def test_a_switch_that_was_set_aside_leaves_what_it_is_on_joined() -> None:
    found = snapped("L1 0,0 100,0 \n L2 100,0 200,0 \n L3 100,0 100,50 \n Q1 100,0")
    assert _plain(said(found)) == ["L1:from -L1- L1:to", "L1:to -L2- L2:to", "L1:to -L3- L3:to"]


def test_devices_need_ids_and_one_that_repeats_is_set_aside_before_it_cuts_anything() -> None:
    work = drawn("L1 0,0 100,0 \n Q1 30,0 \n Q1 60,0 \n Q3 90,0")
    switches = work.frames["switches"].assign(id=["Q1", "Q1", None])
    found = snap_lines(type(work)({**work.frames, "switches": switches}, crs=work.crs))
    assert found.raw.frames["lines"]["id"].tolist() == ["L1#1", "L1#2"]
    assert found.raw.damaged["switches"]["why"].tolist() == ["id is the same as in an earlier row", "id is empty"]


@pytest.mark.parametrize(
    ("table", "column", "cell", "why"),
    [
        ("switches", "geometry", None, "geometry is empty"),
        ("switches", "geometry", "LINESTRING (0 0, 1 1)", "geometry is no point"),
        ("customers", "x", None, "x is empty"),
        ("customers", "x", "east", "x is empty"),
        ("customers", "x", float("inf"), "x is empty"),
    ],
)
def test_a_point_that_is_nowhere_is_set_aside(table: str, column: str, cell: object, why: str) -> None:
    import shapely  # noqa: PLC0415

    work = drawn("S1 0,0 \n L1 0,0 100,0 \n L2 100,0 200,0 \n Q1 100,0 \n Q2 50,0 \n C1 200,0 \n C2 0,0")
    frame = work.frames[table].copy()
    cells = list(frame[column])
    cells[1] = shapely.from_wkt(cell) if column == "geometry" and isinstance(cell, str) else cell
    frame = (
        frame.set_geometry(cells, crs=frame.crs)
        if column == "geometry"
        else frame.assign(**{column: pd.Series(cells, dtype=object)})
    )
    found = snap_lines(type(work)({**work.frames, table: frame}, crs=work.crs))
    assert found.raw.damaged[table]["why"].tolist() == [why]
    assert len(found.raw.frames[table]) == 1


def test_a_transformer_of_which_nothing_tells_the_primary_side_is_named() -> None:
    found = snapped("L1 0,0 100,0 \n L2 100,0 200,0 \n T1 100,0")
    assert [str(problem) for problem in found.problems] == [
        "transformers.from_node: is a side of which nothing tells that it is the primary for 1 row (T1). "
        "Give the lines at both sides their voltage_kv; until then either side was taken."
    ]


def test_a_drawn_network_supplies_whom_it_should() -> None:
    found = snapped(
        """
        S1 0,0
        Q1 0,0
        L1 0,0 500,0 kv=10
        Q2 300,0
        L2 400,0 400,60 kv=10         # tapped: a T-join
        Q3 400,0
        T1 400,60
        L3 400,60 450,60 kv=0.4
        L4 400,60 350,60 kv=0.4
        C1 450,60
        C2 350,60
        L5 500,0 600,0 kv=10
        T2 600,0                      # of one customer
        C3 600,0
        Q4 500,0 open
        L6 900,0 950,0 kv=0.4         # joined to nothing
        C4 950,0
        """,
        t_joins=True,
    )
    assert [problem.rule for problem in found.problems] == ["was cut at T-joins or switches"]
    checked = validate(found.raw)
    assert checked.tables is not None
    assert not checked.quarantined
    network = build_network(checked.tables)
    assert [problem.ids for problem in check_supply(network) if problem.column == "node"] == [("C3", "C4")]
    fed_by = {
        customer: network.tables.transformers["id"][row] if row >= 0 else None
        for customer, row in zip(network.tables.customers["id"], network.transformer_of_customer, strict=True)
    }
    assert fed_by == {"C1": "T1", "C2": "T1", "C3": None, "C4": None}
