"""Scope in words: what is named, what is not, and that the words say exactly that when they are read back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from geo.schema import GridTables
from notices.scope import AddressBook, Entry, Scope, ScopeError, read_scope, write_scope

Sketch = Callable[[str], tuple[GridTables, np.ndarray]]
MakeTables = Callable[..., GridTables]

COUNTY = """
county 青河县 = Qinghe County
  town 青河镇 = Qinghe Town
    community 柳树社区 = Willow Community
      street 柳树街 = Willow Street | 1* 2* 3*
      street 新街 = New Street | 1*
    street 中山路 = Zhongshan Road | 1 2* 4* 5 6* 8* 9 10* 18* 25*
    estate 柳园小区 = Willow Court | -/3幢1单元* -/3幢2单元* -/4幢1单元* -/4幢2单元
  town 河西镇 = Hexi Town
    street 人民路 = Renmin Road | 1* 3 5
"""

WRITTEN = [
    pytest.param(
        COUNTY,
        "青河镇：柳树社区全部，中山路 2–18 号（双号）、25 号，柳园小区 3幢、4幢1单元\n河西镇：人民路 1 号",
        "Qinghe Town: all of Willow Community; Zhongshan Road 2–18 (even), 25; Willow Court Building 3, Building 4 Unit 1\n"
        "Hexi Town: Renmin Road 1",
        0,
        id="a place is named whole only if everyone in it is affected, and the only county goes without saying",
    ),
    pytest.param(
        "town 青河镇 = Qinghe Town | 1* 2*\n  street 中山路 = Zhongshan Road | 1*",
        "青河镇全部",
        "all of Qinghe Town",
        0,
        id="the whole network",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 1* 2* 3* 4 5* 6 7*",
        "中山路 1–7 号（单号）、2 号",
        "Zhongshan Road 1–7 (odd), 2",
        0,
        id="one side of the street",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 1* 2* 3* 4* 9 12",
        "中山路 1–4 号",
        "Zhongshan Road 1–4",
        0,
        id="both sides of the street",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 12* 12-1* 12A* 甲12号* 14* 14A 16* １８* 3",
        "中山路 12 号、12-1 号、12A 号、14 号、16 号、18 号、甲12 号",
        "Zhongshan Road 12, 12-1, 12A, 14, 16, 18, 甲12",
        0,
        id="a run does not pass over 14A who is not affected, and letters stand alone",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 12* 14* 14A* 16* 3",
        "中山路 12–16 号（双号）、14A 号",
        "Zhongshan Road 12–16 (even), 14A",
        0,
        id="a run passes over 14A who is affected too",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 8* 10* 12* 14* 14A 16* 18* 20* 3",
        "中山路 8–12 号（双号）、14 号、16–20 号（双号）",
        "Zhongshan Road 8–12 (even), 14, 16–20 (even)",
        0,
        id="a run does not end beside 14A either",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 12号* 12 14",
        "中山路 12 号（部分用户）",
        "Zhongshan Road 12 (part)",
        1,
        id="two customers at one number are one in words",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 12/3幢* 12/4幢 14*",
        "中山路 12 号3幢、14 号",
        "Zhongshan Road 12 Building 3, 14",
        0,
        id="buildings at one number",
    ),
    pytest.param(
        "estate 柳园小区 = Willow Court | -/3幢* -/4幢 -/5幢* -/6栋 -/7幢*",
        "柳园小区 3幢、5幢、7幢",
        "Willow Court Building 3, Building 5, Building 7",
        0,
        id="buildings have no sides of the street",
    ),
    pytest.param(
        "estate 柳园小区 = Willow Court | 101/8幢* 102/8幢 103/8幢* 201/9幢* 202/9幢* 203/9幢* 204/9幢 7* 8",
        "柳园小区 7 号、8幢101室、8幢103室、9幢201–203室",
        "Willow Court 7, Building 8 Room 101, Building 8 Room 103, Building 9 Rooms 201–203",
        0,
        id="a number in a building is a room",
    ),
    pytest.param(
        "estate 柳园小区 = Willow Court\n  building 5幢 = Building 5 | -/1单元* -/2单元\n  building 6幢 = Building 6 | -* -/6幢*",
        "柳园小区 5幢1单元、6幢",
        "Willow Court Building 5 Unit 1, Building 6",
        0,
        id="a building of the table of places is written like a number of its estate",
    ),
    pytest.param(
        "street 中山路 = Zhongshan Road | 1* 2 -* -",
        "中山路 1 号及部分其他用户",
        "Zhongshan Road 1 and some other addresses",
        2,
        id="customers without a number widen the words to the street",
    ),
    pytest.param(
        "community 柳树社区 = Willow Community | -* -\n  street 新街 = New Street | 1",
        "柳树社区部分用户",
        "part of Willow Community",
        2,
        id="a place of which no more is known",
    ),
    pytest.param(
        "town 青河镇 = Qinghe Town | 2/-/桥头路* 3/-/桥头路 5/-/青河镇*\n  street 桥头路 = Bridge Street | 1* 4",
        "青河镇 5 号\n青河镇：桥头路 1 号、2 号",
        "Qinghe Town 5\nQinghe Town: Bridge Street 1, 2",
        0,
        id="a street that only the address names is the street of that name",
    ),
    pytest.param(
        "nowhere | 2/-/桥头路* 3/-/桥头路 4/-/桥头路* 7/-/东路* -* -* 9",
        "地址未登记的用户，东路全部，桥头路 2 号、4 号",
        "customers with no registered address; all of 东路; 桥头路 2, 4",
        1,
        id="no table of places at all",
    ),
    pytest.param(
        "county 甲县 = A\n  street 东路 = 东路 | 1* 2\nnowhere | 2/-/东路* 1/-/东路",
        "东路 2 号\n甲县：东路 1 号",
        "东路 2\nA: 东路 1",
        0,
        id="the county is said where a street of its name lies outside it",
    ),
    pytest.param(
        "town 甲镇 = A\n  community 和平 = Heping\n    street 东路 = East | 1* 2\n"
        "  street 和平 = Heping | 1* 2\n  street 和平 = Heping | 2 3*",
        "甲镇：和平（街路） 1 号、3 号\n甲镇和平（社区）：东路 1 号",
        "A: Heping (street) 1, 3\nA, Heping (community): East 1",
        0,
        id="two places of one name: kinds are told apart, two streets are one in words",
    ),
]


@pytest.mark.parametrize(("places", "zh", "en", "over_named"), WRITTEN)
def test_the_text_is_what_an_editor_would_write(sketch: Sketch, places: str, zh: str, en: str, over_named: int) -> None:
    tables, affected = sketch(places)
    for language, text in (("zh", zh), ("en", en)):
        scope = write_scope(tables, affected, language=language)
        assert (scope.text, scope.over_named) == (text, over_named)
        covered = read_scope(tables, text, language=language)
        assert set(affected) <= set(covered.tolist())
        assert len(covered) == len(affected) + over_named


QUOTED = [
    pytest.param(
        "town 甲、乙镇 = A; B\n  street 中山路（北） = Hill (North) | 1* 2",
        "「甲、乙镇」：「中山路（北）」 1 号",
        "“A; B”: “Hill (North)” 1",
        id="names with marks are quoted",
    ),
    pytest.param(
        "town 甲镇 = A\n  street Hill = Hill | 1* 2\n  street Hill 2 = Hill 2 | 1* 2",
        "甲镇：Hill 1 号，「Hill 2」 1 号",
        "A: Hill 1; “Hill 2” 1",
        id="a name that is another name and a number is quoted",
    ),
    pytest.param(
        "town 甲镇 = A\n  street 107国道 = Route 107 | 1* 2",
        "甲镇：107国道 1 号",
        "A: Route 107 1",
        id="a name with digits needs no quotes where nothing else begins like it",
    ),
    pytest.param(
        "county 甲县 = A\n  town 乙 = B\n    community 丙丁 = C\n      street 东路 = East | 1* 2\n"
        "  town 乙丙 = B2\n    community 丁 = C2\n      street 西路 = West | 1* 2",
        "「乙」「丙丁」：东路 1 号\n「乙丙」「丁」：西路 1 号",
        "B, C: East 1\nB2, C2: West 1",
        id="names of a path are quoted where they run together in two ways",
    ),
    pytest.param(
        "town 甲镇 = A\n  street 说“好”路 = “Good” Road | 1* 2\n  street 「井」路 = Well | 1* 2",
        "甲镇：「说“好”路」 1 号，「「井」」路」 1 号",
        "A: ““Good”” Road” 1; Well 1",
        id="quotes inside a name are doubled where they close",
    ),
    pytest.param(
        "town 全部镇 = all of it\n  street St. = Hill St. | 1* 2",
        "「全部镇」：「St.」 1 号",
        "“all of it”: “Hill St.” 1",
        id="names that are words of the text are quoted",
    ),
]


@pytest.mark.parametrize(("places", "zh", "en"), QUOTED)
def test_names_that_could_be_misread_are_quoted_and_read_back(sketch: Sketch, places: str, zh: str, en: str) -> None:
    tables, affected = sketch(places)
    for language, text in (("zh", zh), ("en", en)):
        assert write_scope(tables, affected, language=language).text == text
        assert read_scope(tables, text, language=language).tolist() == affected.tolist()


def test_customers_without_an_address_are_named_by_their_transformer(make_tables: MakeTables) -> None:
    tables = make_tables(
        places=[{"id": "P", "kind": "community", "name": "柳树社区", "name_en": "Willow Community"}],
        customers=[{}, {}, {"place_id": "P"}, {"place_id": "P"}, {"place_id": "P", "house_number": "7"}, {}],
        transformers=[{"id": "T0", "name": "柳树 1号公变"}, {"id": "T1", "name": "柳树2号台区"}, {"id": "T2"}],
    )
    book = AddressBook.of(tables, fed_by=np.array([0, 0, 1, 2, 1, -1]))
    scope = write_scope(book, np.array([0, 2, 5]), language="zh")
    assert scope.text == "「柳树 1号公变」台区，地址未登记的用户，柳树社区 柳树2号台区"
    assert read_scope(book, scope.text, language="zh").tolist() == [0, 1, 2, 4, 5]
    assert scope.over_named == 2
    english = write_scope(book, np.array([0, 1, 3]), language="en")
    assert english.text == "transformer area “柳树 1号公变”; Willow Community transformer area T2"
    assert english.over_named == 0


def test_entries_say_what_the_text_says(sketch: Sketch) -> None:
    tables, affected = sketch(COUNTY)
    entries = write_scope(tables, affected, language="zh").entries
    assert entries[0] == Entry(("青河镇",), "柳树社区", "whole", (), others=False, places=("P2",), customers=4)
    assert entries[1].spots == ("2–18 号（双号）", "25 号")
    assert [entry.head for entry in entries] == [("青河镇",)] * 3 + [("河西镇",)]
    assert sum(entry.customers for entry in entries) == len(affected)


def test_precision_is_the_share_of_named_customers_who_are_affected(sketch: Sketch) -> None:
    tables, affected = sketch("street 中山路 = Zhongshan Road | 12* 12 12 12 14")
    assert write_scope(tables, affected, language="en").precision == 0.25
    assert write_scope(tables, np.array([], dtype=int), language="en") == Scope("", (), 0, 0)
    assert write_scope(tables, np.array([]), language="en").precision == 1.0
    assert read_scope(tables, "", language="en").tolist() == []


def test_the_order_of_the_rows_given_changes_nothing(sketch: Sketch) -> None:
    tables, affected = sketch(COUNTY)
    shuffled = np.concatenate([affected[::-1], affected[:3]])
    assert write_scope(tables, shuffled, language="zh") == write_scope(tables, affected, language="zh")


@pytest.mark.parametrize(
    ("rows", "language", "said"),
    [
        (np.array([99]), "zh", "rows of a table of 21 customers; given: int64 from 99 to 99"),
        (np.array([-1]), "zh", "from -1 to -1"),
        (np.array([0.5]), "zh", "given: float64"),
        (np.array([1]), "fr", "'fr'. Take one of: zh, en"),
    ],
)
def test_rows_that_are_no_customers_and_unknown_languages_are_refused(
    sketch: Sketch, rows: np.ndarray, language: str, said: str
) -> None:
    tables, _ = sketch(COUNTY)
    with pytest.raises(ScopeError, match=said):
        write_scope(tables, rows, language=language)


def test_lines_and_items_are_ordered_by_place_or_the_largest_first(sketch: Sketch) -> None:
    tables, affected = sketch(
        "town 甲镇 = A\n  street 东路 = East | 1* 2\n  street 西路 = West | 1* 2*\n  street 南路 = South | 1* 3* 5* 2\n"
        "  street 北路 = North | 1* 2* 3*\ntown 乙镇 = B\n  street 长街 = Long | 1* 3* 5* 7* 9* 11* 13* 15* 17* 19* 21* 2"
    )
    by_place = write_scope(tables, affected, language="zh")
    largest = write_scope(tables, affected, language="zh", order="largest")
    assert by_place.text == "甲镇：东路 1 号，西路、北路全部，南路 1–5 号（单号）\n乙镇：长街 1–21 号（单号）"
    assert largest.text == "乙镇：长街 1–21 号（单号）\n甲镇：北路、西路全部，南路 1–5 号（单号），东路 1 号"
    assert set(by_place.entries) == set(largest.entries)
    assert [entry.name for entry in largest.entries] == ["长街", "北路", "西路", "南路", "东路"]


def test_whole_places_under_one_head_share_a_word(sketch: Sketch) -> None:
    tables, affected = sketch(
        "town 甲镇 = A\n  street 东路 = E | 1*\n  street 西路 = W | 1*\n  street 南路 = S | 1*\n  street 北路 = N | 1"
    )
    assert write_scope(tables, affected, language="zh").text == "甲镇：东路、西路、南路全部"
    assert write_scope(tables, affected, language="en").text == "A: all of E, W and S"
