"""Short texts: the truest that fit, found again by trying every text there is; and nothing small is named in public."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from notices.scope import PUBLIC_GROUP, AddressBook, ScopeError, read_scope, write_scope

Sketch = Callable[[str], tuple[GridTables, np.ndarray]]
MakeTables = Callable[..., GridTables]

TOWN = """
town 青河镇 = Qinghe Town
  community 柳树社区 = Willow Community
    street 柳树街 = Willow Street | 1* 2* 3 4 5 6* 7 8 9 10*
    street 新街 = New Street | 1* 2 3 4 5 6 7 8
    estate 柳园小区 = Willow Court | 101/1幢1单元* 102/1幢1单元 101/1幢2单元 102/1幢2单元 101/2幢1单元* 102/2幢1单元*
  community 杨树社区 = Poplar Community
    street 东街 = East Street | 1* 2* 3*
    street 西街 = West Street | 1* 2 3
    street 南街 = South Street | 1* 2*
town 河西镇 = Hexi Town
  street 人民路 = Renmin Road | 1 3 5
"""

# Language, limit, text, over-named.
SHORTER = [
    (
        "zh",
        76,
        "青河镇柳树社区：柳树街 1 号、2 号、6 号、10 号，新街 1 号，柳园小区 1幢1单元101室、2幢\n"
        "青河镇杨树社区：东街、南街全部，西街 1 号",
        0,
    ),
    (
        "zh",
        75,
        "青河镇柳树社区：柳树街 1–2 号、6 号、10 号，新街 1 号，柳园小区 1幢1单元101室、2幢\n"
        "青河镇杨树社区：东街、南街全部，西街 1 号",
        0,
    ),
    (
        "zh",
        64,
        "青河镇柳树社区：柳树街 1–2 号、6 号、10 号，新街 1 号，柳园小区 1幢1单元101室、2幢\n青河镇：杨树社区部分用户",
        2,
    ),
    ("zh", 40, "青河镇柳树社区：柳树街、柳园小区部分用户，新街 1 号\n青河镇：杨树社区部分用户", 11),
    ("zh", 39, "青河镇：柳树社区部分用户\n青河镇杨树社区：东街、南街全部，西街 1 号", 16),
    ("zh", 34, "青河镇部分用户", 18),
    (
        "en",
        150,
        "Qinghe Town, Willow Community: Willow Street 1–2, 6, 10; New Street 1; part of Willow Court\n"
        "Qinghe Town: part of Poplar Community",
        5,
    ),
    ("en", 19, "part of Qinghe Town", 18),
]


@pytest.mark.parametrize(("language", "limit", "text", "over_named"), SHORTER)
def test_a_text_is_widened_step_by_step(sketch: Sketch, language: str, limit: int, text: str, over_named: int) -> None:
    tables, affected = sketch(TOWN)
    scope = write_scope(tables, affected, language=language, limit=limit)
    assert (scope.text, scope.over_named, scope.widened) == (text, over_named, over_named)


def test_numbers_are_joined_to_runs_in_part_before_the_street_is_named(sketch: Sketch) -> None:
    tables, affected = sketch("town 镇 = T\n  street 路 = Road | 2* 4* 6 8* 9 10* 12* 14 16* 22* 33 35\n  street 街 = Street | 1")
    texts = [write_scope(tables, affected, language="zh", limit=limit) for limit in (44, 31, 28, 23)]
    assert [(scope.text, scope.over_named) for scope in texts] == [
        ("镇：路 2 号、4 号、8–12 号（双号）、16 号、22 号", 0),
        ("镇：路 2–4 号、8 号、10–12 号、16–22 号", 0),
        ("镇：路 2 号、4 号、8–22 号（部分双号）", 1),
        ("镇：路 2–22 号（部分双号）", 2),
    ]
    assert [len(read_scope(tables, scope.text, language="zh")) for scope in texts] == [7, 7, 8, 9]


@pytest.mark.parametrize(("language", "text", "least"), [("zh", "青河镇部分用户", 7), ("en", "part of Qinghe Town", 19)])
def test_a_limit_that_is_too_short_for_any_text_is_an_error_with_the_least(
    sketch: Sketch, language: str, text: str, least: int
) -> None:
    tables, affected = sketch(TOWN)
    assert write_scope(tables, affected, language=language, limit=least).text == text
    with pytest.raises(ScopeError, match=f"fits into {least - 1}: the shortest takes {least}") as raised:
        write_scope(tables, affected, language=language, limit=least - 1)
    assert raised.value.least == least


def test_the_widest_words_are_all_there_is(sketch: Sketch) -> None:
    tables, affected = sketch("town 一个很长很长的名字镇 = A Town with a Very Long Name | 1*\ntown 乙镇 = B | 1* 2")
    for language, text in (("zh", "供电区域部分用户"), ("en", "part of the supply area")):
        scope = write_scope(tables, affected, language=language, limit=len(text))
        assert (scope.text, scope.over_named) == (text, 1)
        assert read_scope(tables, text, language=language).tolist() == [0, 1, 2]
    everyone = write_scope(tables, np.arange(3), language="en", limit=30)
    assert (everyone.text, everyone.over_named, everyone.widened) == ("all of the supply area", 0, 0)


def test_length_is_measured_as_the_channel_counts(sketch: Sketch) -> None:
    tables, affected = sketch(TOWN)

    def octets(text: str) -> int:
        return len(text.encode())

    scope = write_scope(tables, affected, language="zh", limit=100, measure=octets)
    assert 90 < octets(scope.text) <= 100
    with pytest.raises(ScopeError, match="not a sum over characters"):
        write_scope(tables, affected, language="zh", limit=1000, measure=lambda text: len(text) ** 2)


PUBLIC = [
    pytest.param("street 中山路 = Hill | 2* 4* 6 8 10 12 14", "中山路部分用户", id="two houses"),
    pytest.param("street 中山路 = Hill | 2* 4* 6* 8* 10* 12 3 5", "中山路 2–10 号（双号）", id="five houses in a row"),
    pytest.param("street 中山路 = Hill | 2* 4* 6* 8* 10* 12 14*", "中山路部分用户", id="five in a row and one more"),
    pytest.param("street 中山路 = Hill | 2* 2* 2* 2* 2* 4", "中山路 2 号", id="one house of five flats"),
    pytest.param("street 中山路 = Hill | 2* 2 2 2 2 4", "中山路 2 号（部分用户）", id="one flat in a house of five"),
    pytest.param("town 镇 = T\n  street 路 = Road | 1* 2* 3*\n  street 街 = Street | 1 2 3", "镇部分用户", id="a short street"),
    pytest.param("street 路 = Road | 1* 2* 3*\nstreet 街 = Street | 1 2 3", "供电区域部分用户", id="a short street at the top"),
    pytest.param("nowhere | -* - - - -", "地址未登记的用户", id="no address at all"),
]


@pytest.mark.parametrize(("places", "text"), PUBLIC)
def test_in_public_no_group_of_fewer_than_five_is_named(sketch: Sketch, places: str, text: str) -> None:
    tables, affected = sketch(places)
    scope = write_scope(tables, affected, language="zh", smallest=PUBLIC_GROUP)
    assert scope.text == text
    assert write_scope(tables, affected, language="zh").over_named == scope.over_named - scope.widened


def test_a_network_of_four_customers_is_not_told_in_public(sketch: Sketch) -> None:
    tables, affected = sketch("street 中山路 = Hill | 2* 4 6 8")
    with pytest.raises(ScopeError, match="no words name 5 customers or more: the whole supply area has 4"):
        write_scope(tables, affected, language="zh", smallest=5)
    assert write_scope(tables, affected[:0], language="zh", smallest=5, limit=0).text == ""


def test_a_small_area_of_a_transformer_is_not_named_in_public(make_tables: MakeTables) -> None:
    tables = make_tables(places=[], customers=[{}] * 9, transformers=[{"id": "大公变"}, {"id": "小公变"}])
    book = AddressBook.of(tables, fed_by=np.array([0] * 6 + [1] * 2 + [-1]))
    told = [write_scope(book, rows, language="zh", smallest=5).text for rows in (np.array([0, 1]), np.array([7]), np.array([8]))]
    assert told == ["大公变台区", "地址未登记的用户", "地址未登记的用户"]


@dataclass(frozen=True)
class Place:
    """A place of the trees below: parts, or houses by number, each affected or not."""

    name: str
    parts: tuple[Place, ...] = ()
    houses: tuple[tuple[int, bool], ...] = ()

    def count(self) -> tuple[int, int]:
        inside = [part.count() for part in self.parts] + [(int(hit), 1) for _, hit in self.houses]
        return sum(hits for hits, _ in inside), sum(total for _, total in inside)


Line = tuple[tuple[str, str], ...]
"""What stands on one line: (kind of item, words)."""
Way = tuple[Line, tuple[str, ...], int]
"""An item or none on the line of the parent, lines of its own, over-named."""


def ways_to_say(place: Place, head: str, smallest: int) -> Iterator[Way]:
    """Every way to say who is affected in a place."""
    hits, total = place.count()
    if hits == total:
        if total >= smallest:
            yield (("whole", place.name),), (), 0
        return
    if total >= smallest:
        yield (("part", place.name),), (), total - hits
    for spots, over in ways_to_number(place.houses, smallest) if place.houses else ():
        yield (("spots", f"{place.name} {'、'.join(spots)}"),), (), over
    if place.parts:
        yield from (((), lines, over) for lines, over in ways_to_list(place.parts, head + place.name, smallest))


def ways_to_list(parts: tuple[Place, ...], head: str, smallest: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every way to say who is affected in the parts of a place: lines, over-named."""
    for ways in product(*(tuple(ways_to_say(part, head, smallest)) for part in parts if part.count()[0])):
        items = [item for line, _, _ in ways for item in line]
        whole, part, spots = ([words for kind, words in items if kind == wanted] for wanted in ("whole", "part", "spots"))
        shared = ["、".join(names) + word for names, word in ((whole, "全部"), (part, "部分用户")) if names]
        own = [f"{head}{'：' if head else ''}{'，'.join([*shared, *spots])}"] if items else []
        yield (*own, *(line for _, lines, _ in ways for line in lines)), sum(over for _, _, over in ways)


def ways_to_number(houses: tuple[tuple[int, bool], ...], smallest: int) -> Iterator[tuple[list[str], int]]:
    """Every way to say the affected houses of a street by number: each side by itself, or both together."""
    odd, even = ([house for house in houses if house[0] % 2 == parity] for parity in (1, 0))
    sides = [
        list(ways_to_run(side, words, smallest))
        for side, words in ((odd, ("（单号）", "（部分单号）")), (even, ("（双号）", "（部分双号）")))
    ]
    for one, other in product(*sides):
        yield one[0] + other[0], one[1] + other[1]
    yield from ways_to_run(list(houses), ("", "（部分）"), smallest)


def ways_to_run(houses: list[tuple[int, bool]], words: tuple[str, str], smallest: int) -> Iterator[tuple[list[str], int]]:
    """Every way to cover the affected houses of a row with single numbers and runs between affected ones."""
    if not any(hit for _, hit in houses):
        yield [], 0
        return
    if not houses[0][1]:
        yield from ways_to_run(houses[1:], words, smallest)
        return
    for last, (number, hit) in enumerate(houses):
        others = sum(not each for _, each in houses[: last + 1])
        if hit and last + 1 >= smallest and not (others and smallest > 1):
            text = f"{houses[0][0]}–{number} 号{words[others > 0]}" if last else f"{number} 号"
            yield from (([text, *texts], over + others) for texts, over in ways_to_run(houses[last + 1 :], words, smallest))


def rows_of(
    place: Place, parent: str | None = None, depth: int = 0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[bool]]:
    """The tables of a tree: places, customers, and who is affected."""
    kind = "street" if place.houses else ("town", "community", "community", "community")[depth]
    places, customers, hits = [{"id": place.name, "parent_id": parent, "kind": kind, "name": place.name}], [], []
    for number, hit in place.houses:
        customers.append({"place_id": place.name, "house_number": str(number)})
        hits.append(hit)
    for part in place.parts:
        for all_rows, rows in zip((places, customers, hits), rows_of(part, place.name, depth + 1), strict=True):
            all_rows.extend(rows)  # type: ignore[attr-defined]
    return places, customers, hits


@st.composite
def trees(draw: st.DrawFn, streets: int, houses: int) -> tuple[Place, ...]:
    """Towns of communities of streets; some streets are directly in a town, or in none."""
    kept = [
        Place(
            f"{draw(st.sampled_from(['大', '青河', '人民解放']))}{sign}路",
            houses=tuple(sorted(draw(st.dictionaries(st.integers(1, 14), st.booleans(), min_size=1, max_size=houses)).items())),
        )
        for sign in "甲乙丙丁戊己"[: draw(st.integers(1, streets))]
    ]
    for level in ("社区", "镇"):
        groups: dict[int, list[Place]] = {}
        for street in kept:
            groups.setdefault(draw(st.integers(0, 2)), []).append(street)
        kept = groups.pop(0, []) + [Place(f"{group}区{level}", parts=tuple(parts)) for group, parts in groups.items()]
    return tuple(kept)


def table_of(make_tables: MakeTables, tree: tuple[Place, ...]) -> tuple[AddressBook, np.ndarray]:
    places, customers, hits = ([row for place in tree for row in rows_of(place)[at]] for at in (0, 1, 2))
    return AddressBook.of(make_tables(places, customers)), np.flatnonzero(hits)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees(streets=3, houses=5), smallest=st.sampled_from([1, 1, 2, 3]))
def test_no_text_that_fits_names_fewer_people_wrongly(make_tables: MakeTables, tree: tuple[Place, ...], smallest: int) -> None:
    """All texts there are, written and counted here, against the one that is chosen; with the least length of all."""
    book, affected = table_of(make_tables, tree)
    if not len(affected):
        return
    texts = [("\n".join(lines), over) for lines, over in ways_to_list(tree, "", smallest)]
    all_of_it = "供电区域全部" if len(affected) == book.size else "供电区域部分用户"
    texts += [(all_of_it, book.size - len(affected))] if book.size >= smallest else []
    lengths = sorted({len(text) for text, _ in texts})
    for limit in [*lengths[:: max(1, len(lengths) // 6)], *lengths[-1:]]:
        scope = write_scope(book, affected, language="zh", limit=limit, smallest=smallest)
        assert len(scope.text) <= limit
        assert scope.over_named == min(over for text, over in texts if len(text) <= limit), scope.text
        covered = read_scope(book, scope.text, language="zh")
        assert np.isin(affected, covered).all()
        assert len(covered) == len(affected) + scope.over_named
    if lengths:
        with pytest.raises(ScopeError, match=f"takes {lengths[0]}"):
            write_scope(book, affected, language="zh", limit=lengths[0] - 1, smallest=smallest)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees(streets=6, houses=12), language=st.sampled_from(["zh", "en"]), smallest=st.sampled_from([1, 5]), data=st.data())
def test_more_room_never_names_more_people_wrongly(
    make_tables: MakeTables, tree: tuple[Place, ...], language: str, smallest: int, data: st.DataObject
) -> None:
    book, affected = table_of(make_tables, tree)
    if book.size < smallest or not len(affected):
        return
    limits = sorted(data.draw(st.lists(st.integers(25, 160), min_size=3, max_size=3)))
    scopes = [write_scope(book, affected, language=language, limit=limit, smallest=smallest) for limit in [*limits, None]]
    assert [len(scope.text) <= limit for limit, scope in zip(limits, scopes, strict=False)] == [True] * 3
    counts = [scope.over_named for scope in scopes]
    assert counts == sorted(counts, reverse=True)
    if smallest == 1:
        assert read_scope(book, scopes[-1].text, language=language).tolist() == affected.tolist()
