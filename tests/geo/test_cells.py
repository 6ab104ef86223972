"""Bounded cells are a coverage without clipping."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.cells import cells_around, dissolve

REACH_M = 10.0
PLACES = st.lists(st.tuples(st.integers(-80, 80), st.integers(-80, 80)), min_size=1, max_size=40, unique=True)


@given(places=PLACES, groups=st.integers(1, 5))
def test_cells_hold_their_points_and_make_a_valid_coverage(places: list[tuple[int, int]], groups: int) -> None:
    xy = np.array(places, dtype=np.float64)
    cells = cells_around(xy, reach_m=REACH_M)
    assert shapely.contains_xy(cells, xy[:, 0], xy[:, 1]).all()
    assert shapely.coverage_is_valid(cells)
    farthest_m = shapely.hausdorff_distance(cells, shapely.points(xy))
    assert farthest_m.max() <= 3.2 * REACH_M
    group = np.arange(len(xy)) % groups - 1
    unions = dissolve(cells, group, groups)
    made = [union for union in unions if union is not None]
    assert len(made) == len(set(group[group >= 0].tolist()))
    assert all(shapely.is_valid(union) for union in made)
    assert shapely.coverage_is_valid(made)
    assert np.isclose(shapely.area(made).sum(), shapely.area(cells[group >= 0]).sum())


@pytest.mark.parametrize("step", [1.0, 5.0, 10.0, 40.0])
def test_points_in_a_regular_pattern_have_cells_that_do_not_overlap(step: float) -> None:
    lattice = np.stack(np.meshgrid(np.arange(20), np.arange(20)), axis=-1).reshape(-1, 2) * step
    row = np.column_stack([np.arange(30) * step, np.zeros(30)])
    for xy in (lattice, row, lattice[:1]):
        cells = cells_around(xy, reach_m=10.0)
        assert shapely.coverage_is_valid(cells)
        assert shapely.is_valid(dissolve(cells, np.arange(len(xy)) % 7, 7)[0])


def test_cells_are_nearer_to_their_point_than_to_any_other() -> None:
    xy = np.random.default_rng(5).uniform(0, 300, (60, 2))
    cells = cells_around(xy, reach_m=50.0)
    probes = np.random.default_rng(6).uniform(0, 300, (500, 2))
    nearest = np.linalg.norm(probes[:, None] - xy, axis=2).argmin(axis=1)
    inside = shapely.contains_xy(cells[:, None], probes[:, 0], probes[:, 1])
    owner = inside.argmax(axis=0)
    assert (owner == nearest)[inside.any(axis=0)].all()
    assert inside.sum(axis=0).max() == 1
    assert inside.any(axis=0).mean() > 0.95


def test_groups_far_apart_have_cells_that_do_not_touch() -> None:
    cells = cells_around(np.array([[0.0, 0.0], [1000.0, 0.0]]), reach_m=REACH_M)
    assert shapely.distance(*cells) > 900
