"""What is typed into the form of control becomes facts, or says beside each field what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.form import OutageForm, read_facts, read_switching, read_time, write_time
from api.labels import PROBLEMS, say_problem
from api.language import translator
from outages.events import FactsError, Operation

ZONE = "Asia/Shanghai"
FORM = OutageForm(
    outage_class="planned",
    start="2026-05-02T08:30",
    end="2026-05-02T16:00",
    reason="线路检修",
    open="S1, MV1 Line 2",
    close="TIE",
    fault="",
)


def test_a_complete_form_becomes_facts_on_the_clock_of_the_utility() -> None:
    facts = read_facts(FORM, ZONE)
    assert facts.start == datetime(2026, 5, 2, 0, 30, tzinfo=UTC)
    assert facts.end == datetime(2026, 5, 2, 8, 0, tzinfo=UTC)
    assert facts.switching.open == (Operation("S1"), Operation("MV1 Line 2"))
    assert facts.switching.close == (Operation("TIE"),)


@pytest.mark.parametrize(
    ("typed", "devices"),
    [
        ("", []),
        (" , ,", []),
        ("S1", ["S1"]),
        ("S1,S2", ["S1", "S2"]),
        ("S1，S2、S3；S4;S5\nS6", ["S1", "S2", "S3", "S4", "S5", "S6"]),
        ("MV3.101 Line 7 , MV3.101 Line 8", ["MV3.101 Line 7", "MV3.101 Line 8"]),
        ("S1, S1", ["S1"]),
    ],
)
def test_devices_are_parted_by_commas_and_the_like(typed: str, devices: list[str]) -> None:
    switching = read_switching(OutageForm(open=typed, fault=typed))
    assert [operation.device for operation in switching.open] == devices
    assert list(switching.fault) == devices


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"outage_class": ""}, {("outage_class", "class_unknown")}),
        ({"start": ""}, {("start", "start_missing")}),
        ({"start": "yesterday"}, {("start", "time_malformed")}),
        ({"start": "2026-13-01T08:00"}, {("start", "time_malformed")}),
        ({"end": ""}, {("end", "end_missing")}),
        ({"end": "2026-05-02T08:30"}, {("end", "end_not_after_start")}),
        ({"end": "tonight"}, {("end", "time_malformed")}),
        ({"start": "", "end": "tonight"}, {("start", "start_missing"), ("end", "time_malformed")}),
        ({"reason": " "}, {("reason", "reason_missing")}),
        ({"open": "", "close": ""}, {("open", "nothing_opened")}),
        ({"open": "TIE"}, {("close", "opened_and_closed")}),
        (
            {"outage_class": "", "start": "", "end": "x", "reason": "", "open": ""},
            {
                ("outage_class", "class_unknown"),
                ("start", "start_missing"),
                ("end", "time_malformed"),
                ("reason", "reason_missing"),
                ("open", "nothing_opened"),
            },
        ),
    ],
)
def test_everything_wrong_is_said_at_once(changes: dict[str, str], wrong: set[tuple[str, str]]) -> None:
    with pytest.raises(FactsError) as caught:
        read_facts(replace(FORM, **changes), ZONE)
    assert {(problem.field, problem.code) for problem in caught.value.problems} == wrong
    for problem in caught.value.problems:
        assert problem.code in PROBLEMS
        assert say_problem(problem, translator("zh")) != say_problem(problem, translator("en"))


def test_an_hour_that_the_clock_skips_is_refused() -> None:
    with pytest.raises(FactsError, match="skips 2026-03-29T01:30"):
        read_time("2026-03-29T01:30", "start", "Europe/London")


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    assert read_time("2026-10-25T01:30", "start", "Europe/London") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(
    st.datetimes(datetime(1991, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([ZONE, "Asia/Kathmandu", "UTC"]),
)
def test_a_time_in_a_field_is_read_back_to_the_minute(at: datetime, zone: str) -> None:
    assert read_time(write_time(at, zone), "start", zone) == at.replace(second=0, microsecond=0)


def test_unknown_fields_are_passed_over_and_what_was_typed_is_kept() -> None:
    form = OutageForm.of({"open": "<b>S1</b>", "nothing": "x"})
    assert form == OutageForm(open="<b>S1</b>")
