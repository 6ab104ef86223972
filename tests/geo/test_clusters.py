"""Recursive bisection: balanced pieces, cut at gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.gazetteer.clusters import Cut, Flags, Floats, Ints, bisect, compact, means, rank_within, spreads


def along(value: Floats, weight: Floats, limit: float) -> Cut:
    def cut(group: Ints) -> tuple[Flags, Floats]:
        return np.bincount(group, weight) > limit, value

    return cut


def halve(value: list[float], *, limit: float, slack: float, weight: list[float] | None = None) -> list[int]:
    values = np.array(value)
    weights = np.array(weight) if weight else np.ones(len(values))
    whole = np.zeros(len(values), dtype=np.int64)
    return bisect(whole, weights, along(values, weights, limit), slack=slack).tolist()


@pytest.mark.parametrize(
    ("value", "limit", "slack", "expected"),
    [
        ([0, 1, 2, 3], 2, 0.1, [0, 0, 1, 1]),
        ([3, 0, 2, 1], 2, 0.1, [1, 0, 1, 0]),
        ([0, 9, 10, 11], 3, 0.3, [0, 1, 1, 1]),  # the gap, where the slack lets it be a quarter
        ([0, 9, 10, 11], 3, 0.1, [0, 0, 1, 1]),  # the half, where it does not
        ([5, 5, 5], 1, 0.1, [0, 1, 2]),  # no gap at all
        ([0, 1, 2, 3], 4, 0.1, [0, 0, 0, 0]),
    ],
)
def test_a_group_is_cut_at_its_widest_gap_near_the_half(
    value: list[float], limit: float, slack: float, expected: list[int]
) -> None:
    assert halve(value, limit=limit, slack=slack) == expected


def test_one_heavy_point_is_left_alone() -> None:
    assert halve([0, 1, 2], limit=5, slack=0.1, weight=[1, 100, 1]) == [0, 1, 2]


def test_no_points_make_no_groups() -> None:
    assert halve([], limit=1, slack=0.1) == []


@given(
    points=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=60),
    limit=st.integers(1, 40),
)
def test_pieces_are_light_or_single_and_keep_to_their_group(points: list[tuple[int, int, int]], limit: int) -> None:
    given_group, value, weight = (np.array(column) for column in zip(*points, strict=True))
    weights = weight.astype(np.float64)
    piece = bisect(given_group, weights, along(value.astype(np.float64), weights, limit), slack=0.2)
    assert sorted(set(piece.tolist())) == list(range(piece.max() + 1))
    for number in range(piece.max() + 1):
        members = piece == number
        assert len(set(given_group[members])) == 1
        assert weights[members].sum() <= limit or members.sum() == 1
    by_piece = [given_group[piece == number][0] for number in range(piece.max() + 1)]
    assert by_piece == sorted(by_piece)


def test_groups_are_renumbered_in_their_order() -> None:
    assert compact(np.array([7, 3, 7, 9])).tolist() == [1, 0, 1, 2]


def test_ranks_follow_the_keys_then_the_order_of_appearance() -> None:
    assert rank_within(np.array([1, 1, 0, 1]), np.array([2, 1, 9, 1])).tolist() == [2, 0, 0, 1]
    assert rank_within(np.array([], dtype=np.int64)).tolist() == []


def test_means_and_spreads_are_weighted() -> None:
    group, values, weight = np.array([0, 0, 1]), np.array([0.0, 4.0, 7.0]), np.array([3.0, 1.0, 5.0])
    assert means(group, values, weight).tolist() == [1.0, 7.0]
    assert spreads(group, values, weight).tolist() == [(3 * 1 + 1 * 9) / 4, 0.0]
