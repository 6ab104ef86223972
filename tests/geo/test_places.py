"""The place tree against a tree walked step by step."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.places import PlaceTree, are_inside, count_members, rows_of_places
from geo.schema import conform


def places(*rows: tuple[str, str | None, str]) -> pd.DataFrame:
    """A table of places from (id, parent id, kind); names are made from the ids."""
    ids, parents, kinds = zip(*rows, strict=True) if rows else ((), (), ())
    names = [f"{place_id}镇" for place_id in ids]
    return conform("places", {"id": ids, "parent_id": parents, "kind": kinds, "name": names})


COUNTY = places(
    ("s2", "c1", "street"),
    ("c2", "t1", "community"),
    ("t1", "k", "town"),
    ("k", None, "county"),
    ("c1", "t1", "community"),
    ("s1", "c1", "street"),
    ("b", "s1", "building"),
)


@st.composite
def forests(draw: st.DrawFn) -> pd.DataFrame:
    """Any forest of up to 30 places, in any row order."""
    size = draw(st.integers(0, 30))
    parents = [draw(st.integers(-1, row - 1)) for row in range(size)]
    shuffled = draw(st.permutations(range(size)))
    return places(*[(f"P{row}", f"P{parents[row]}" if parents[row] >= 0 else None, "town") for row in shuffled])


def walk_up(frame: pd.DataFrame, place_id: str) -> list[str]:
    """The oracle: the place and its ancestors, one look-up a step."""
    parent_of = dict(zip(frame["id"], frame["parent_id"], strict=True))
    path = [place_id]
    while isinstance(parent_of[path[-1]], str):
        path.append(parent_of[path[-1]])
    return path


def test_a_tree_in_any_row_order_knows_its_parents_children_and_ancestors() -> None:
    tree = PlaceTree.of(COUNTY)
    names = tree.ids
    assert [names[row] for row in tree.roots] == ["k"]
    assert [names[row] for row in tree.children(tree.row("t1"))] == ["c2", "c1"]
    assert [names[row] for row in tree.children(tree.row("c1"))] == ["s2", "s1"]
    assert tree.children(tree.row("b")).tolist() == []
    assert [names[row] for row in tree.ancestors(tree.row("b"))] == ["b", "s1", "c1", "t1", "k"]
    assert tree.depth[tree.row("b")] == 4
    assert tree.path(tree.row("c2")) == ("k镇", "t1镇", "c2镇")


def test_the_name_stands_in_for_an_english_name_that_is_absent() -> None:
    frame = places(("k", None, "county"), ("t", "k", "town"))
    frame["name_en"] = pd.Series([np.nan, "Tee Town"], dtype=frame["name"].dtype)
    assert PlaceTree.of(frame).path(1, "en") == ("k镇", "Tee Town")


def test_members_are_counted_once_for_every_place_above_them() -> None:
    tree = PlaceTree.of(COUNTY)
    customers = pd.Series(["b", "b", "s2", np.nan, "c2", "elsewhere"], dtype=COUNTY["id"].dtype)
    rows = rows_of_places(tree, customers)
    assert rows.tolist() == [6, 6, 0, -1, 1, -1]
    counted = dict(zip(tree.ids, count_members(tree, rows).tolist(), strict=True))
    assert counted == {"s2": 1, "c2": 1, "t1": 4, "k": 4, "c1": 3, "s1": 2, "b": 2}
    assert are_inside(tree, tree.row("c1"), rows).tolist() == [True, True, True, False, False, False]


@given(frame=forests(), data=st.data())
def test_intervals_say_the_same_as_walking_up(frame: pd.DataFrame, data: st.DataObject) -> None:
    tree = PlaceTree.of(frame)
    above = [walk_up(frame, place_id) for place_id in frame["id"]]
    assert [[tree.ids[up] for up in tree.ancestors(row)] for row in range(len(tree))] == above
    assert tree.depth.tolist() == [len(path) - 1 for path in above]
    assert sorted(tree.order.tolist()) == list(range(len(tree)))
    member_rows = data.draw(st.lists(st.integers(-1, len(tree) - 1), max_size=40))
    rows = np.array(member_rows, dtype=np.int32)
    counts = count_members(tree, rows)
    for row, place_id in enumerate(frame["id"]):
        inside = [member >= 0 and place_id in above[member] for member in member_rows]
        assert are_inside(tree, row, rows).tolist() == inside
        assert counts[row] == sum(inside)


def test_no_places_at_all_is_an_empty_tree() -> None:
    tree = PlaceTree.of(places())
    rows = rows_of_places(tree, pd.Series(["x", np.nan], dtype=COUNTY["id"].dtype))
    assert (len(tree), rows.tolist(), count_members(tree, rows).tolist(), tree.roots.tolist()) == (0, [-1, -1], [], [])
    assert are_inside(tree, 0, rows).tolist() == [False, False]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("a", "b", "town"), ("b", "a", "town"), ("c", None, "town")], "a, b never reach a place without a parent"),
        ([("a", "a", "town")], "a never reach"),
        ([("a", "gone", "town")], "a name a parent that is not in the table"),
        ([("a", None, "town"), ("a", None, "town")], "a are there more than once"),
    ],
)
def test_a_tree_that_is_none_is_refused_with_the_ids(rows: list[tuple[str, str | None, str]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        PlaceTree.of(places(*rows))


def test_an_unknown_id_is_named() -> None:
    with pytest.raises(KeyError, match="'nowhere'"):
        PlaceTree.of(COUNTY).row("nowhere")
