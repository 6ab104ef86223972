"""Rings: closed, plain, few points, and together what was to be drawn."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given, settings

from notices.rings import MOST_POINTS, closed_rings
from tests.notices.standards.alerts import check_polygon
from tests.notices.standards.sample import polygons, star

GRID = 1e-4


@settings(max_examples=60, deadline=None)
@given(polygons())
def test_rings_are_plain_and_cover_what_they_draw(polygon: shapely.Polygon) -> None:
    rings = closed_rings([polygon])
    for ring in rings:
        check_polygon([(lat, lon) for lon, lat in ring])
        assert shapely.is_ccw(shapely.LinearRing(ring))
    drawn = shapely.union_all([shapely.Polygon(ring) for ring in rings])
    lost = shapely.difference(polygon, drawn.buffer(2 * GRID))
    assert lost.buffer(-GRID).is_empty, "only what is narrower than two steps of the grid"
    if shapely.get_num_coordinates(polygon) < 40:
        assert shapely.difference(drawn, polygon.buffer(2 * GRID)).area < 1e-12


@pytest.mark.parametrize("holes", [1, 2, 9])
def test_holes_are_cut_out_and_nobody_in_them_is_told(holes: int) -> None:
    inner = [shapely.box(x + 0.2, 0.2, x + 0.8, 0.8) for x in range(holes)]
    area = shapely.box(0, 0, holes, 1).difference(shapely.union_all(inner))
    pieces = [shapely.Polygon(ring) for ring in closed_rings([area])]
    assert len(pieces) == holes + 1
    assert shapely.union_all(pieces).equals(area)
    assert sum(piece.area for piece in pieces) == pytest.approx(area.area)


def test_a_hole_of_one_step_of_the_grid_is_no_endless_cut() -> None:
    area = shapely.Polygon(shapely.box(0, 0, 1, 1).exterior, [shapely.box(0.5, 0.5, 0.5001, 0.5001).exterior])
    assert all(len(ring) >= 4 for ring in closed_rings([area]))


def test_a_coast_of_many_points_is_drawn_coarser_but_never_smaller() -> None:
    coast = shapely.Polygon(star([0.2, 0.21] * 2000, 113.0, 23.0))
    (ring,) = closed_rings([coast])
    assert len(ring) <= MOST_POINTS
    assert shapely.Polygon(ring).covers(coast)
    assert shapely.Polygon(ring).area < 1.2 * coast.area


def test_a_comb_that_no_simpler_line_follows_is_drawn_as_its_box() -> None:
    teeth = [point for x in range(200) for point in ((x * 0.8, 0.0), (x * 0.8 + 0.2, 60.0))]
    comb = shapely.Polygon([*teeth, (160.0, -5.0), (0.0, -5.0)])
    (ring,) = closed_rings([comb])
    assert shapely.Polygon(ring).buffer(GRID).covers(comb)


def test_what_is_smaller_than_the_grid_is_not_drawn() -> None:
    assert closed_rings([shapely.box(1, 1, 1.00001, 1.00001)]) == ()


def test_the_edge_of_the_world_is_kept() -> None:
    world = shapely.Polygon([*[(-180 + x * 0.5, 90 - x % 2) for x in range(720)], (180, -90), (-180, -90)])
    for ring in closed_rings([world]):
        check_polygon([(lat, lon) for lon, lat in ring])
