"""Words → customers: whatever the tree and whoever is affected, a text that is read back says what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.places import PlaceTree, are_inside, rows_of_places
from geo.schema import PLACE_KINDS, GridTables
from notices.grammar import EFFECTS
from notices.names import Names
from notices.readback import read_effects
from notices.scope import AddressBook, Affected, Scope, ScopeError, read_scope, write_scope

Sketch = Callable[[str], tuple[GridTables, np.ndarray]]
MakeTables = Callable[..., GridTables]

COUNTY = """
county 青河县 = Qinghe County
  town 青河镇 = Qinghe Town
    community 柳树社区 = Willow Community
      street 柳树街 = Willow Street | 1 2 3
      street 新街 = New Street | 1
    street 中山路 = Zhongshan Road | 1 2 4 5 6 8 9 10 18 25
  town 河西镇 = Hexi Town
    street 人民路 = Renmin Road | 1 3 5
"""
TWO_WAYS = """
county 甲县 = A
  town 乙 = B
    community 丙丁 = C
      street 东路 = East | 1 2
  town 乙丙 = B2
    community 丁 = C2
      street 西路 = West | 1 2
"""

EDITED = [
    ("zh", "青河镇:中山路 2-18号(双号);河西镇:人民路 1号。"),  # typed with half-width marks
    ("zh", "青河镇 : 中山路 2~18 号 （双号）\n\n河西镇：人民路 1 号；"),
    ("zh", "青河县青河镇：中山路 1–18 号（双号）\n青河县河西镇：人民路 1 号"),
    ("zh", "「青河镇」：「中山路」 2 号、4 号、6 号、8–18 号（双号），河西镇：人民路 1 号"),
    ("en", "Qinghe Town: Zhongshan Road 2-18 (even); Hexi Town: Renmin Road 1."),
    ("en", "Qinghe Town:Zhongshan Road 2,4,6,8–18 (even)\nHexi Town: “Renmin Road” 1"),
]


@pytest.mark.parametrize(("language", "text"), EDITED)
def test_texts_that_a_person_has_edited_are_read(sketch: Sketch, language: str, text: str) -> None:
    tables, _ = sketch(COUNTY)
    written = read_scope(tables, "青河镇：中山路 2–18 号（双号）\n河西镇：人民路 1 号", language="zh")
    assert read_scope(tables, text, language=language).tolist() == written.tolist()
    assert len(written) == 7


def test_a_name_alone_means_all_of_it(sketch: Sketch) -> None:
    tables, _ = sketch(COUNTY)
    assert len(read_scope(tables, "青河镇：柳树社区，中山路", language="zh")) == 4 + 10


UNKNOWN = [
    ("青河镇：中山北路 2 号", "中山北路 2 号", "中山路", "中山北路"),
    ("清河镇：中山路 2 号", "清河镇", "青河镇", "清河镇"),
    ("青河镇：中山路 99 号", "99 号", "9 号", "in 中山路"),
    ("青河镇：中山路 20–24 号", "20–24 号", "", "20–24 号"),
    ("青河镇：中山路：2 号", "青河镇：中山路：2 号", "", "more than one colon"),
    ("「青河镇：中山路 2 号", "「青河镇", "青河镇", "「青河镇"),
    ("柳树3号公变台区", "柳树3号公变台区", "柳树社区", "name no place"),
]


@pytest.mark.parametrize(("text", "words", "nearest", "said"), UNKNOWN)
def test_unknown_words_are_named_with_the_nearest_names(sketch: Sketch, text: str, words: str, nearest: str, said: str) -> None:
    tables, _ = sketch(COUNTY)
    with pytest.raises(ScopeError, match=said) as raised:
        read_scope(tables, text, language="zh")
    assert raised.value.words == words
    assert nearest in (*raised.value.nearest, "")


def test_a_path_that_means_two_places_is_refused(sketch: Sketch) -> None:
    tables, _ = sketch(TWO_WAYS)
    with pytest.raises(ScopeError, match="can mean 2 places"):
        read_scope(tables, "乙丙丁：东路 1 号", language="zh")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    streets=st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12, unique=True), min_size=1, max_size=4),
    data=st.data(),
)
def test_a_reader_who_knows_only_the_printed_words_finds_the_same_customers(
    make_tables: MakeTables, streets: list[list[int]], data: st.DataObject
) -> None:
    """Independent of the code: plain names and whole numbers, found again with one regular expression."""
    customers = [{"place_id": f"S{street}", "house_number": str(n)} for street, numbers in enumerate(streets) for n in numbers]
    names = "东西南北"[: len(streets)]
    places = [{"id": "T", "kind": "town", "name": "甲镇"}]
    places += [{"id": f"S{street}", "parent_id": "T", "kind": "street", "name": f"{name}路"} for street, name in enumerate(names)]
    affected = data.draw(st.lists(st.sampled_from(range(len(customers))), unique=True, min_size=1))
    text = write_scope(make_tables(places, customers), np.array(affected), language="zh").text
    assert {row for row, customer in enumerate(customers) if _told(text, names, customer)} == set(affected)


def _told(text: str, names: str, customer: dict[str, str]) -> bool:
    street, number = names[int(customer["place_id"][1:])], int(customer["house_number"])
    if text == "甲镇全部" or re.search(rf"(^|[：、，]){street}路(、.路)*全部", text):
        return True
    listed = re.search(rf"{street}路 ([^，]*)", text)
    found = re.findall(r"(\d+)(?:–(\d+))? 号(?:（(.)号）)?", listed[1]) if listed else []
    return any(
        int(first) <= number <= int(last or first) and (not side or number % 2 == (side == "单")) for first, last, side in found
    )


BAD_NAMES = (
    "中山路|中山|路|甲，乙|甲：乙；丙|青河|青河镇|镇|和平|和平（社区）|12 号|12号|2|2–8|a、b|a,b|a:b;c|「a|a」|(a)",
    "台区|全部|部分其他用户|地址未登记的用户|Hill|Hill Street|Hill 2|Street|Hill (street)|St. A.|“b”c",
    "all|all of|transformer|area|and some other addresses|A\u202eB| x  y |\n",
)
NAMES = st.one_of(
    st.sampled_from("|".join(BAD_NAMES).split("|")),
    st.text("a2 、,;:()，；：（）「」“”–-.全部路号", min_size=1, max_size=6),
)
NUMBERS = st.one_of(
    st.none(),
    st.integers(1, 12).map(str),
    st.sampled_from(
        [
            "1号",
            "１",
            "01",
            "2A",
            "2a",
            "2-1",
            "甲2",
            "1弄2号",
            "3幢",
            "2、4",
            "2–4",
            "2-4",
            "x y",
            "¾",
            "全部",
            "台区",
            "No. 2",
            "号",
        ]
    ),
)
BUILDINGS = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from(
        ["1幢", "2幢", "3栋", "3", "1幢1单元", "1幢2单元", "A座", "Building 1", "Building 1 Unit 2", "Rose House", "附1", "a,b"]
    ),
)


@st.composite
def networks(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Any tree of places, with names that are as bad as names can be, and customers anywhere in it."""
    count = draw(st.integers(0, 7))
    places = [
        {
            "id": f"P{row}",
            "parent_id": draw(st.sampled_from([None, *(f"P{up}" for up in range(row))])),
            "kind": draw(st.sampled_from(PLACE_KINDS)),
            "name": draw(NAMES),
            "name_en": draw(st.none() | NAMES),
        }
        for row in range(count)
    ]
    anywhere = st.sampled_from([None, *(place["id"] for place in places)])
    customer = st.fixed_dictionaries(
        {"place_id": anywhere, "street": st.none() | NAMES, "house_number": NUMBERS, "building": BUILDINGS},
    )
    transformers = [{"id": f"T{row}", "name": draw(st.none() | NAMES)} for row in range(draw(st.integers(1, 3)))]
    return {"places": places, "customers": draw(st.lists(customer, min_size=1, max_size=25)), "transformers": transformers}


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, list[dict[str, Any]]], list[list[int]], np.ndarray | None]:
    """A network, some sets of affected customers, and the transformer of each customer, known or not."""
    network = draw(networks())
    rows = range(len(network["customers"]))
    affected = draw(st.lists(st.lists(st.sampled_from(rows), unique=True), min_size=4, max_size=4))
    fed_by = draw(st.lists(st.integers(-1, len(network["transformers"]) - 1), min_size=len(rows), max_size=len(rows)))
    return network, [*affected, list(rows)], draw(st.sampled_from([None, np.array(fed_by)]))


def members_of(tables: GridTables, place_id: str) -> set[int]:
    tree = PlaceTree.of(tables.places)
    inside = are_inside(tree, tree.row(place_id), rows_of_places(tree, tables.customers["place_id"]))
    return set(np.flatnonzero(inside).tolist())


def assert_true(tables: GridTables, book: AddressBook, affected: list[int], language: str) -> None:
    """The promise of the module."""
    scope = write_scope(book, np.array(affected, dtype=np.int32), language=language)
    covered = set(read_scope(book, scope.text, language=language).tolist())
    assert covered >= set(affected), scope.text
    assert len(covered) - len(affected) == scope.over_named, scope.text
    assert scope.customers == len(affected) == sum(entry.customers for entry in scope.entries)
    for entry in scope.entries:
        if entry.how == "whole":
            assert all(members_of(tables, place_id) <= set(affected) for place_id in entry.places), scope.text


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_every_text_is_true_when_it_is_read_back(
    make_tables: MakeTables, case: tuple[dict[str, list[dict[str, Any]]], list[list[int]], np.ndarray | None]
) -> None:
    network, sets, fed_by = case
    tables = make_tables(**network)
    book = AddressBook.of(tables, fed_by=fed_by)
    for affected in sets:
        for language in ("zh", "en"):
            assert_true(tables, book, affected, language)


def assert_told(tables: GridTables, book: AddressBook, affected: Affected, scope: Scope, language: str) -> None:
    """The promise, for each effect by itself."""
    covered = read_effects(Names.of(book, language), scope.text)
    told = {effect: set(getattr(affected, effect).tolist()) for effect in EFFECTS}
    assert all(told[effect] <= set(covered[effect].tolist()) for effect in EFFECTS), scope.text
    assert sum(map(len, covered.values())) == sum(map(len, told.values())) + scope.over_named
    for entry in scope.entries:
        if entry.how == "whole":
            assert all(members_of(tables, place_id) <= told[entry.effect] for place_id in entry.places), scope.text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    case=cases(),
    limit=st.none() | st.integers(0, 120),
    smallest=st.sampled_from([1, 2, 5]),
    language=st.sampled_from(["zh", "en"]),
)
def test_a_text_that_is_short_or_public_still_covers_everyone(
    make_tables: MakeTables,
    case: tuple[dict[str, list[dict[str, Any]]], list[list[int]], np.ndarray | None],
    limit: int | None,
    smallest: int,
    language: str,
) -> None:
    network, sets, fed_by = case
    tables = make_tables(**network)
    book = AddressBook.of(tables, fed_by=fed_by)
    for rows in sets[:3]:
        affected = Affected(*np.array_split(np.array(rows, dtype=np.int32), 3))
        assert_told(tables, book, affected, write_scope(book, affected, language=language), language)
        with suppress(ScopeError):
            scope = write_scope(book, affected, language=language, limit=limit, smallest=smallest)
            assert_told(tables, book, affected, scope, language)
            assert limit is None or len(scope.text) <= limit


def test_each_effect_is_read_back_by_itself(sketch: Sketch) -> None:
    tables, _ = sketch(COUNTY)
    names = {language: Names.of(tables, language) for language in ("zh", "en")}
    told = Affected(off=np.array([0, 1, 2, 3, 4]), partial=np.array([4, 5, 6]), moved=np.array([14, 15, 0]))
    texts = {
        "zh": "青河镇：柳树社区全部，中山路 1 号\n【部分相线停电】青河镇：中山路 2 号、4 号\n"
        "【转电短时停电】河西镇：人民路 1 号、3 号",
        "en": (
            "Qinghe Town: all of Willow Community; Zhongshan Road 1\n"
            "[some appliances may not work] Qinghe Town: Zhongshan Road 2, 4\n"
            "[supply moved, short break] Hexi Town: Renmin Road 1, 3"
        ),
    }
    for language, text in texts.items():
        assert write_scope(tables, told, language=language).text == text
        for joined in (text, text.replace("\n", "；" if language == "zh" else "; ")):
            read = {effect: rows.tolist() for effect, rows in read_effects(names[language], joined).items()}
            assert read == {"off": [0, 1, 2, 3, 4], "partial": [5, 6], "moved": [14, 15]}
    assert write_scope(tables, told, language="zh").customers == 9


GROUPS = [
    ("zh", "青河镇：柳树社区、中山路全部", 14),
    ("zh", "青河镇：柳树社区、中山路", 14),
    ("zh", "青河镇：柳树社区、「中山路」部分用户", 14),
    ("zh", "青河镇：柳树社区（部分用户），中山路 1 号", 5),
    ("zh", "青河镇、河西镇全部", 17),
    ("en", "Qinghe Town: all of Willow Community and Zhongshan Road", 14),
    ("en", "Qinghe Town: parts of Willow Community, Zhongshan Road", 14),
    ("en", "all of Qinghe Town and Hexi Town", 17),
    ("en", "the supply area", 17),
    ("zh", "青河镇：中山路 1–9 号（部分单号）、2–8 号（部分）", 7),
]


@pytest.mark.parametrize(("language", "text", "customers"), GROUPS)
def test_names_that_share_a_word_are_read_one_by_one(sketch: Sketch, language: str, text: str, customers: int) -> None:
    tables, _ = sketch(COUNTY)
    assert len(read_scope(tables, text, language=language)) == customers


def test_a_name_with_and_in_it_is_told_from_two_names(sketch: Sketch) -> None:
    tables, _ = sketch(
        "town 镇 = T\n  street 甲 = Rose | 1\n  street 乙 = Crown | 1\n  street 丙 = Rose and Crown | 1 2\n"
        "  street 丁 = and Hill | 1"
    )
    texts = [write_scope(tables, np.array(rows), language="en").text for rows in ([0, 1], [2, 3], [1, 4])]
    assert texts == ["T: all of Rose and Crown", "T: all of “Rose and Crown”", "T: all of Crown and “and Hill”"]
    assert [read_scope(tables, text, language="en").tolist() for text in texts] == [[0, 1], [2, 3], [1, 4]]
