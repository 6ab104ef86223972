"""Notices that fit their channel: never longer than it takes, and still true of every affected customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notices.facts import NoticeError
from notices.fit import MOST_TRIES, write_fitting
from notices.measure import sizes
from notices.readback import read_scope
from notices.scope import Scope, ScopeError, write_scope
from notices.sms import encode_size, plain_sms
from tests.notices.conftest import sketch_places
from tests.notices.spoken import facts_of

COUNTY = """
county 青河县 = Qinghe County
  town 青河镇 = Qinghe Town
    community 柳树社区 = Willow Community
      street 柳树街 = Willow Street | 1* 2* 3*
      street 新街 = New Street | 1* 3 5* 7 9 11* 12-1* 12-3 14A*
    street 中山路 = Zhongshan Road | 1 2* 4* 5 6* 8* 9 10* 18* 25* 31* 44* 46 48* 60* 71* 72 90*
    estate 柳园小区 = Willow Court | -/3幢1单元* -/3幢2单元* -/4幢1单元* -/4幢2单元 101/8幢* 102/8幢 103/8幢*
  town 河西镇 = Hexi Town
    street 人民路 = Renmin Road | 1* 3 5 7* 9* 11 12* 13
    street 解放路 = Jiefang Road | 2* 3 4* 7 11* 12 15*
"""
TABLES, AFFECTED = sketch_places(COUNTY)
ROOMS = st.one_of(
    st.tuples(st.just("sms"), st.fixed_dictionaries({"parts": st.integers(1, 4)})),
    st.tuples(st.just("radio"), st.fixed_dictionaries({"slot_s": st.sampled_from([15, 30, 60])})),
    st.tuples(st.just("tv"), st.fixed_dictionaries({"most": st.integers(20, 400)})),
)
CASES = ["first", "first-fault", "reschedule", "cancellation", "restoration"]


def taken(notice: Any, room: dict[str, int]) -> tuple[float, float]:
    """What a notice takes of its channel, and what there is."""
    found = sizes(notice)
    (most,) = room.values()
    return (found.parts or found.seconds or found.length), most


def scope_of(affected: np.ndarray, language: str) -> Callable[..., Scope]:
    return lambda limit, measure: write_scope(TABLES, affected, language=language, limit=limit, measure=measure)


@given(
    st.sampled_from(["zh", "en"]),
    ROOMS,
    st.sampled_from(CASES),
    st.sets(st.sampled_from(range(len(TABLES.customers["id"]))), min_size=1),
)
@settings(max_examples=60, deadline=None)
def test_a_notice_is_never_longer_than_its_room_and_names_every_affected_customer(
    language: str, asked: tuple[str, dict[str, int]], case: str, affected: set[int]
) -> None:
    channel, room = asked
    rows = np.array(sorted(affected))
    write = partial(write_fitting, facts_of(case, language), scope_of(rows, language), language=language, channel=channel)
    try:
        notice, scope = write(**room)
    except NoticeError as error:
        (problem,) = error.problems
        assert problem.code == "does_not_fit"
        assert int(problem.given) > next(iter(room.values()))
        if channel != "radio":  # its slots are three
            least = write(**{next(iter(room)): int(problem.given)})[0]
            assert taken(least, room)[0] <= int(problem.given)
        return
    size, most = taken(notice, room)
    assert size <= most
    covered = set(read_scope(TABLES, scope.text, language=language).tolist())
    assert affected <= covered
    assert scope.over_named >= len(covered - affected)
    if (channel, language) == ("sms", "en"):
        assert set(read_scope(TABLES, plain_sms(scope.text), language="en").tolist()) == covered
        assert encode_size(notice.text).encoding == "GSM-7"


def test_where_there_is_room_the_scope_is_exact() -> None:
    notice, scope = write_fitting(facts_of("first", "zh"), scope_of(AFFECTED, "zh"), language="zh", channel="sms", parts=9)
    assert scope == write_scope(TABLES, AFFECTED, language="zh")
    assert scope.text.replace("\n", "；") in notice.text
    for channel in ("web", "letter", "call"):
        assert write_fitting(facts_of("first", "zh"), scope_of(AFFECTED, "zh"), language="zh", channel=channel)[1].over_named == 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_more_room_never_names_more_people_wrongly_and_the_room_is_used(language: str) -> None:
    facts = facts_of("first", language)
    found = []
    for parts in (2, 3, 4, 5, 9):
        notice, scope = write_fitting(facts, scope_of(AFFECTED, language), language=language, channel="sms", parts=parts)
        found.append((scope.over_named, sizes(notice).parts))
    assert found == sorted(found, key=lambda pair: -pair[0])
    assert found[0][0] > 0 == found[-1][0]
    assert len({parts for _, parts in found}) > 1


def test_two_parts_are_what_an_sms_takes_where_nothing_is_asked_for() -> None:
    notice, _ = write_fitting(facts_of("first", "en"), scope_of(AFFECTED, "en"), language="en", channel="sms")
    assert sizes(notice).parts == 2
    assert sizes(notice).encoding == "GSM-7"


def test_one_character_outside_the_alphabet_is_counted_as_it_is_sent() -> None:
    facts = replace(facts_of("first", "en"), issuer="青河供电", link="")
    notice, scope = write_fitting(facts, scope_of(AFFECTED, "en"), language="en", channel="sms", parts=4)
    assert (sizes(notice).encoding, sizes(notice).parts) == ("UCS-2", 4)
    _, exact = write_fitting(facts_of("first", "en"), scope_of(AFFECTED, "en"), language="en", channel="sms", parts=4)
    assert scope.over_named > exact.over_named


def test_what_cannot_fit_is_refused_with_the_least_size() -> None:
    facts = replace(facts_of("first", "zh"), reason="检" * 250)
    with pytest.raises(NoticeError, match="Allow more, give a shorter reason") as raised:
        write_fitting(facts, scope_of(AFFECTED, "zh"), language="zh", channel="sms")
    (problem,) = raised.value.problems
    assert (problem.field, problem.code) == ("scope", "does_not_fit")
    assert int(problem.given) > 4


def test_the_search_is_bounded_whatever_the_measure_says() -> None:
    asked: list[int | None] = []

    def stubborn(limit: int | None, measure: Callable[[str], int]) -> Scope:
        asked.append(limit)
        return Scope("青河镇：" + "、".join(f"街{at}" for at in range(300 if limit is None else min(300, limit))), (), 1, 0)

    write_fitting(facts_of("first", "zh"), stubborn, language="zh", channel="tv", most=300)
    assert len(asked) <= MOST_TRIES + 2


def test_a_scope_that_cannot_be_written_at_all_says_so() -> None:
    def nobody(limit: int | None, measure: Callable[[str], int]) -> Scope:
        if limit is None:
            return Scope("青河镇全部" * 100, (), 1, 0)
        raise ScopeError("no words name so few")

    with pytest.raises(ScopeError, match="so few"):
        write_fitting(facts_of("first", "zh"), nobody, language="zh", channel="tv", most=60)


def test_a_run_in_plain_marks_is_not_taken_for_a_number_of_its_own() -> None:
    tables, affected = sketch_places("street 中山路 = Zhongshan Road | 2* 4* 6* 8* 2-8 9")
    text = write_scope(tables, affected, language="en").text
    assert set(affected) <= set(read_scope(tables, plain_sms(text), language="en"))
