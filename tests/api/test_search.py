"""Devices are found by what people type of an id, of a name, or of the pinyin of a name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pinyin import MOST_READINGS, patterns, spellings
from api.search import DeviceIndex, describe
from topology.network import Network, build_network


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("S1", ["S1"]),
        ("s1", ["S1"]),
        (" S1 ", ["S1"]),
        ("T1", ["T1"]),
        ("T", ["TIE", "T1", "T2", "T3", "T4"]),
        ("联络", ["TIE"]),
        ("开关", ["B1", "S1", "TIE"]),
        ("柳岸<b>", ["S1"]),
        ("nothing like it", []),
        ("", []),
        ("  ", []),
        (".*", []),
        ("(", []),
        ("[a", []),
        ("\\", []),
    ],
)
def test_the_very_id_comes_first_then_beginnings_then_anything_that_contains_it(
    town: Network, typed: str, found: list[str]
) -> None:
    assert [device.id for device in DeviceIndex(town).find(typed)] == found


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("lianluokaiguan", ["TIE"]),
        ("lianluo", ["TIE"]),
        ("LianLuo", ["TIE"]),
        ("lian luo", ["TIE"]),
        ("lian'luo", ["TIE"]),
        ("llkg", ["TIE"]),
        ("ll", ["TIE"]),
        ("kaiguan", ["B1", "S1", "TIE"]),
        ("kg", ["B1", "S1", "TIE"]),
        ("iguan", []),
        ("chuxian", ["B1", "B2"]),
        ("dongshan", ["B2"]),
        ("dscx", ["B2"]),
        ("guankai", []),
    ],
)
def test_a_name_is_found_by_its_pinyin_in_full_or_by_initials_from_any_character_on(
    town: Network, typed: str, found: list[str]
) -> None:
    assert [device.id for device in DeviceIndex(town).find(typed)] == found


def test_names_that_begin_with_it_come_before_names_that_contain_it(town: Network) -> None:
    switches = town.tables.switches.assign(name=["西山开关", "山西开关", "东出线", "联络开关"])
    index = DeviceIndex(build_network(replace(town.tables, switches=switches)))
    assert [device.id for device in index.find("shan")] == ["S1", "B1"]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("重庆路", "chongqing"),
        ("重庆路", "zhongqing"),
        ("单庄重庆线", "chongqing"),
        ("长江线", "changjiang"),
        ("长江线", "zhangjiang"),
        ("银行站", "yinhang"),
        ("银行站", "yinxing"),
        ("朝阳门", "zhaoyang"),
        ("朝阳门", "chaoyang"),
        ("绿化站", "lvhua"),
        ("10kV西河线#3杆", "10kvxihe"),
        ("10kV西河线#3杆", "10kvxhx#3g"),
        ("10kV西河线#3杆", "xian#3gan"),
    ],
)
def test_a_character_with_several_readings_is_found_by_each(town: Network, name: str, typed: str) -> None:
    switches = town.tables.switches.assign(name=[name, "", "", ""])
    index = DeviceIndex(build_network(replace(town.tables, switches=switches)))
    assert [device.id for device in index.find(typed)] == ["B1"]


def test_characters_that_nobody_reads_are_passed_over() -> None:
    assert spellings(["㐀𠀀柳", "", "TIE", "\U0002b740柳"])[1:3] == ["", ""]


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30))
def test_no_name_has_more_spellings_than_are_kept(name: str) -> None:
    (spelled,) = spellings([name])
    assert 1 <= len(spelled.split("\n")) <= 2 * MOST_READINGS


@given(st.text(max_size=20))
def test_whatever_is_typed_is_searched_for_without_complaint(town: Network, typed: str) -> None:
    assert len(DeviceIndex(town).find(typed)) <= 12


@pytest.mark.parametrize("typed", ["西河", "12", "#3", "", " ", "é", "İ"])
def test_without_latin_letters_no_pinyin_is_sought(typed: str) -> None:
    assert patterns(typed) is None


def test_no_more_than_asked_for_are_shown(town: Network) -> None:
    assert len(DeviceIndex(town).find("T", limit=2)) == 2


def test_a_suggestion_says_what_the_device_is(town: Network) -> None:
    tie, line, transformer = (describe(town, town.device(device)) for device in ("TIE", "L1", "T4"))
    assert (tie.kind, tie.name, tie.feeder, tie.normally_open) == ("switch", "联络开关", "10kV东山线", True)
    assert (line.kind, line.name, line.normally_open) == ("line", "", False)
    assert transformer.kind == "transformer"
    assert DeviceIndex(town).find("TIE")[0] == tie
