"""A feeder or a polygon on the map, and the transformers that it means."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from geo.synth import synthesize
from outages.facts import FactsError, Selection
from outages.selection import select
from tests.grids import tables
from topology.network import Network, build_network


def _network() -> Network:
    """Four transformers: T1 and T2 where their nodes are, T3 where its point is, T4 along its line; T5 is nowhere."""
    places = {"a": (1.0, 1.0), "b": (2.0, 2.0)}
    units = [("T1", "a", "North"), ("T2", "b", None), ("T3", "a", "South"), ("T4", "a", "South"), ("T5", "x", None)]
    rows = [
        {"id": id_, "from_node": node, "to_node": f"v{id_}", "ownership": "public", "feeder": feeder}
        for id_, node, feeder in units
    ]
    rows[2]["geometry"], rows[3]["geometry"] = shapely.Point(5, 5), shapely.LineString([(7, 7), (9, 9)])
    grid = tables(
        sources=[{"id": "S", "node": "s"}],
        lines=[
            {"id": "L1", "from_node": "s", "to_node": "a", "feeder": "North"},
            {"id": "L2", "from_node": "s", "to_node": "b", "feeder": "North"},
            {"id": "L3", "from_node": "s", "to_node": "x", "feeder": "东城线"},
        ],
        transformers=rows,
        nodes=[{"id": node, "x": x, "y": y} for node, (x, y) in places.items()],
    )
    for unit in (2, 3):
        grid.transformers.loc[unit, "geometry"] = rows[unit]["geometry"]
    return build_network(grid)


def _box(west: float, south: float, east: float, north: float) -> tuple[tuple[float, float], ...]:
    return ((west, south), (east, south), (east, north), (west, north))


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(feeder="North"), ("T1", "T2")),  # T2 hangs on it, T1 says so
        (Selection(feeder="South"), ("T3", "T4")),
        (Selection(feeder="东城线"), ("T5",)),
        (Selection(polygon=_box(0, 0, 3, 3)), ("T1", "T2")),
        (Selection(polygon=_box(0, 0, 1, 1)), ("T1",)),  # on the corner
        (Selection(polygon=_box(2, 0, 5, 5)), ("T2", "T3")),  # on a side
        (Selection(polygon=(*_box(0, 0, 3, 3), (0, 0))), ("T1", "T2")),  # closed
        (Selection(polygon=_box(7.5, 7.5, 8.5, 8.5)), ("T4",)),  # the middle of its line
        (Selection(polygon=_box(0, 0, 8, 8), feeder="South"), ("T3", "T4")),
        (Selection(polygon=((0, 0), (4, 0), (0.5, 0.5), (0, 4))), ()),  # not convex: T1 lies in the notch
    ],
)
def test_a_selection_means_the_transformers_of_it(selection: Selection, chosen: tuple[str, ...]) -> None:
    if chosen:
        assert select(_network(), selection) == chosen
    else:
        with pytest.raises(FactsError, match="No transformer is selected"):
            select(_network(), selection)


@pytest.mark.parametrize(
    ("selection", "field", "code", "says"),
    [
        (Selection(), "selection", "selection_missing", "Name a feeder, or draw a polygon"),
        (Selection(feeder="Nord"), "feeder", "feeder_unknown", "'Nord' is no feeder; the nearest names are North"),
        (Selection(polygon=((0, 0), (1, 1))), "polygon", "polygon_corners", "has 2 corners. Draw at least 3"),
        (Selection(polygon=((0, 0), (1, 1), (0, 0), (1, 1))), "polygon", "polygon_corners", "has 2 corners"),
        (Selection(polygon=((0, 0), (3, 3), (3, 0), (0, 3))), "polygon", "polygon_crossing", "crosses itself"),
        (Selection(polygon=((0, 0), (1, 1), (2, 2))), "polygon", "polygon_crossing", "Draw it again"),
        (Selection(polygon=((0, 0), (float("nan"), 1), (2, 2))), "polygon", "polygon_places", "no place on earth"),
        (Selection(polygon=((0, 0), (500_000, 1), (2, 2))), "polygon", "polygon_places", "longitude and latitude"),
        (Selection(polygon=_box(30, 30, 31, 31)), "polygon", "nothing_selected", "around transformers"),
        (Selection(feeder="North", polygon=_box(4, 4, 6, 6)), "polygon", "nothing_selected", "choose another feeder"),
    ],
)
def test_a_selection_that_means_nothing_says_why(selection: Selection, field: str, code: str, says: str) -> None:
    with pytest.raises(FactsError, match=says) as caught:
        select(_network(), selection)
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [(field, code)]


TOWN = build_network(synthesize(600, 2))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=3, unique=True))
def test_a_triangle_means_what_lies_on_the_inner_side_of_all_its_edges(corners: list[tuple[float, float]]) -> None:
    units = TOWN.tables.transformers
    x, y = units.geometry.x.to_numpy(), units.geometry.y.to_numpy()
    west, east, south, north = x.min(), x.max(), y.min(), y.max()
    drawn = [(west + (east - west) * u, south + (north - south) * v) for u, v in corners]
    edges = zip(drawn, [*drawn[1:], drawn[0]], strict=True)
    turns = np.array([(bx - ax) * (y - ay) - (by - ay) * (x - ax) for (ax, ay), (bx, by) in edges])
    clear = (np.abs(turns) > 1e-12).all(axis=0)  # rounding decides nothing
    assume(clear.all())
    inside = (turns > 0).all(axis=0) | (turns < 0).all(axis=0)
    if inside.any():
        chosen = set(select(TOWN, Selection(polygon=tuple(drawn))))
        assert chosen == set(units["id"][inside])
    else:
        with pytest.raises(FactsError) as caught:
            select(TOWN, Selection(polygon=tuple(drawn)))
        assert caught.value.problems[0].code in ("nothing_selected", "polygon_crossing")
