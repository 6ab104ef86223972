"""What is typed into the form of control becomes facts, or says beside each field what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.form import (
    OperationRow,
    OutageForm,
    read_facts,
    read_operations,
    read_polygon,
    read_switching,
    read_time,
    rows_of,
    write_form,
    write_minute,
    write_time,
)
from api.labels import PROBLEMS, say_problem
from api.language import translator
from outages.facts import Estimate, FactsError, Operation, OutageFacts, Selection, Switching, Timed, Window, daily_windows

ZONE = "Asia/Shanghai"
FORM = OutageForm(
    outage_class="planned",
    start=("2026-05-02T08:30",),
    end=("2026-05-02T16:00",),
    reason="线路检修",
    open="S1, MV1 Line 2",
    close="TIE",
)
FAULT = replace(FORM, outage_class="fault", end=("",))
DAILY = replace(
    FORM,
    pattern="daily",
    start=("",),
    end=("",),
    first_day="2026-05-02",
    last_day="2026-05-04",
    off_time="08:00",
    on_time="18:00",
)


def at(hour: int, day: int = 2) -> datetime:
    return datetime(2026, 5, day, hour, tzinfo=UTC)


def test_a_complete_form_becomes_facts_on_the_clock_of_the_utility() -> None:
    facts = read_facts(replace(FORM, contact=" Li Lei 138 "), ZONE)
    assert facts.windows == (Window(at(0) + timedelta(minutes=30), at(8)),)
    assert facts.switching.open == (Operation("S1"), Operation("MV1 Line 2"))
    assert facts.switching.close == (Operation("TIE"),)
    assert (facts.contact, facts.estimate, facts.selection) == ("Li Lei 138", None, None)


def test_several_rows_are_several_windows_and_empty_ones_are_passed_over() -> None:
    form = replace(FORM, start=("2026-05-02T08:00", "", "2026-05-03T08:00"), end=("2026-05-02T16:00", " ", "2026-05-03T16:00"))
    assert read_facts(form, ZONE).windows == (Window(at(0), at(8)), Window(at(0, 3), at(8, 3)))


def test_off_by_day_and_on_by_night_is_a_window_a_day() -> None:
    assert read_facts(DAILY, ZONE).windows == tuple(Window(at(0, day), at(10, day)) for day in (2, 3, 4))


def test_an_estimate_is_between_two_times_by_somebodys_word() -> None:
    form = replace(
        FAULT,
        earliest="2026-05-02T10:00",
        latest="2026-05-02T12:00",
        source="crew",
        confidence="low",
        next_update="2026-05-02T09:00",
    )
    assert read_facts(form, ZONE).estimate == Estimate(at(2), at(4), "crew", "low", at(1))


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
    ("typed", "operation"),
    [
        ("F2 [B]", Operation("F2", "B")),
        ("F2[AC]", Operation("F2", "AC")),
        ("Line [7", Operation("Line [7")),
        ("F [X]", Operation("F [X]")),
    ],
)
def test_phases_stand_in_brackets_behind_the_device(typed: str, operation: Operation) -> None:
    assert read_switching(OutageForm(open=typed)).open == (operation,)


POLYGON = "114.30,30.50\n114.32,30.50\n114.32,30.52"
CORNERS = ((114.30, 30.50), (114.32, 30.50), (114.32, 30.52))


@pytest.mark.parametrize(
    ("form", "opened", "asked"),
    [
        (OutageForm(feeder="F7", polygon=POLYGON), ("T1",), Selection("F7", CORNERS)),
        (OutageForm(feeder=" F7 "), ("T1",), Selection("F7")),
        (OutageForm(open="S1", feeder="F7"), ("S1",), None),
        (OutageForm(fault="L3", feeder="F7"), (), None),
        (OutageForm(), (), None),
    ],
)
def test_a_feeder_or_an_area_counts_while_no_device_is_named(
    form: OutageForm, opened: tuple[str, ...], asked: Selection | None
) -> None:
    given: list[Selection] = []

    def resolve(switching: Switching, selection: Selection) -> Switching:
        given.append(selection)
        return replace(switching, open=(Operation("T1"),))

    assert tuple(one.device for one in read_switching(form, resolve).open) == opened
    assert given == ([asked] if asked else [])


@pytest.mark.parametrize(
    "typed", [POLYGON, "114.30,30.50 114.32,30.50; 114.32 30.52", "[(114.3，30.5), (114.32,30.5), (114.32,30.52)]"]
)
def test_corners_may_be_written_as_people_write_them(typed: str) -> None:
    assert read_polygon(typed) == CORNERS


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"outage_class": ""}, {("outage_class", "class_unknown")}),
        ({"start": ("",)}, {("start", "start_missing")}),
        ({"start": ("yesterday",)}, {("start", "time_malformed")}),
        ({"start": ("2026-13-01T08:00",)}, {("start", "time_malformed")}),
        ({"start": ("0001-01-01T00:00",)}, {("start", "time_malformed")}),
        ({"end": ("",)}, {("end", "end_missing")}),
        ({"end": ("2026-05-02T08:30",)}, {("end", "end_not_after_start")}),
        ({"end": ("tonight",)}, {("end", "time_malformed")}),
        ({"start": ("",), "end": ("tonight",)}, {("start", "start_missing"), ("end", "time_malformed")}),
        ({"start": ("2026-05-02T08:30", ""), "end": ("2026-05-02T09:30", "2026-05-02T10:30")}, {("start-2", "start_missing")}),
        ({"start": ("2026-05-02T08:30", "2026-05-03T08:30"), "end": ("2026-05-02T09:30", "")}, {("end-2", "end_missing")}),
        (
            {"start": ("2026-05-02T08:30", "2026-05-03T08:30"), "end": ("2026-05-02T09:30", "2026-05-03T08:00")},
            {("end-2", "end_not_after_start")},
        ),
        (
            {"start": ("2026-05-02T08:30", "2026-05-02T09:00"), "end": ("2026-05-02T09:30", "2026-05-02T10:00")},
            {("windows", "windows_overlap")},
        ),
        (
            {"pattern": "daily"},
            {
                ("first_day", "first_day_missing"),
                ("last_day", "last_day_missing"),
                ("off_time", "off_time_missing"),
                ("on_time", "on_time_missing"),
            },
        ),
        (
            {"pattern": "daily", "first_day": "2 May", "last_day": "2026-05-04", "off_time": "8", "on_time": "late"},
            {("first_day", "day_malformed"), ("off_time", "hour_malformed"), ("on_time", "hour_malformed")},
        ),
        (
            {"pattern": "daily", "first_day": "2026-05-04", "last_day": "2026-05-02", "off_time": "08:00", "on_time": "18:00"},
            {("windows", "days_order")},
        ),
        ({"reason": " "}, {("reason", "reason_missing")}),
        ({"open": "", "close": ""}, {("open", "nothing_opened")}),
        ({"open": "TIE"}, {("close", "opened_and_closed")}),
        ({"earliest": "2026-05-02T10:00"}, {("latest", "latest_missing")}),
        ({"latest": "2026-05-02T10:00"}, {("earliest", "earliest_missing")}),
        (
            {"next_update": "soon"},
            {("earliest", "earliest_missing"), ("latest", "latest_missing"), ("next_update", "time_malformed")},
        ),
        ({"earliest": "2026-05-02T10:00", "latest": "2026-05-02T09:00"}, {("latest", "estimate_order")}),
        ({"earliest": "2026-05-02T10:00", "latest": "2026-05-02T11:00", "source": "rumour"}, {("source", "source_unknown")}),
        (
            {"earliest": "2026-05-02T10:00", "latest": "2026-05-02T11:00", "confidence": ""},
            {("confidence", "confidence_unknown")},
        ),
        ({"polygon": "114.30,30.50 114.32,30.50"}, {("polygon", "polygon_malformed")}),
        ({"polygon": "114.30,30.50 114.32,30.50 114.32"}, {("polygon", "polygon_malformed")}),
        ({"polygon": "the old town"}, {("polygon", "polygon_malformed")}),
        ({"polygon": "30.5,114.3 30.6,114.3 30.5,114.4"}, {("polygon", "polygon_malformed")}),
        (
            {"outage_class": "", "start": ("",), "end": ("x",), "reason": "", "open": ""},
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
    form = replace(FORM, **changes)
    with pytest.raises(FactsError) as caught:
        read_facts(form, ZONE)
    assert {(problem.field, problem.code) for problem in caught.value.problems} == wrong
    for problem in caught.value.problems:
        assert problem.code in PROBLEMS
        assert say_problem(problem, translator("zh")) != say_problem(problem, translator("en"))
        assert form.has(problem.field)


def test_an_hour_that_the_clock_skips_is_refused() -> None:
    with pytest.raises(FactsError, match="skips 2026-03-29T01:30"):
        read_time("2026-03-29T01:30", "start", "Europe/London")


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    assert read_time("2026-10-25T01:30", "start", "Europe/London") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


MOMENTS = st.datetimes(datetime(1992, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from([ZONE, "Asia/Kathmandu", "UTC"])


@given(MOMENTS, ZONES)
def test_a_time_in_a_field_is_read_back_as_it_was(moment: datetime, zone: str) -> None:
    assert read_time(write_time(moment, zone), "start", zone) == moment
    assert read_time(write_minute(moment, zone), "start", zone) == moment.replace(second=0, microsecond=0)


DEVICES = st.lists(st.sampled_from(["S1", "L 2", "T3", "MV1.101 Line 7"]), min_size=1, max_size=3, unique=True)
PHASES = st.sampled_from(["", "B", "AC"])
DEGREES = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@st.composite
def any_facts(draw: st.DrawFn) -> OutageFacts:
    begins = draw(MOMENTS)
    hours = draw(st.lists(st.integers(1, 2000), min_size=2, max_size=8))
    times = [begins + timedelta(hours=sum(hours[:count])) for count in range(len(hours) // 2 * 2)]
    windows = tuple(Window(*pair) for pair in zip(times[::2], times[1::2], strict=True))
    daily = daily_windows(
        begins.date(),
        begins.date() + timedelta(days=draw(st.integers(0, 9))),
        off=draw(st.times()),
        on=draw(st.times()),
        zone=ZONE,
    )
    estimate = Estimate(
        begins, begins + timedelta(days=1000), draw(st.sampled_from(["crew", "telemetry"])), "high", draw(st.none() | MOMENTS)
    )
    corners = tuple(draw(st.lists(DEGREES, min_size=3, max_size=5, unique=True)))
    selection = draw(st.sampled_from([Selection("F7"), Selection("", corners), Selection("F7", corners)]))
    return OutageFacts(
        draw(st.sampled_from(["planned", "fault"])),
        Switching(
            open=tuple(Operation(device, draw(PHASES)) for device in draw(DEVICES)),
            close=(Operation("TIE"),),
            fault=("L3", "n 4"),
        ),
        draw(st.sampled_from([windows, daily])),
        "线路检修",
        draw(st.sampled_from(["", "Li Lei 138"])),
        draw(st.sampled_from([None, estimate])),
        draw(st.sampled_from([None, selection])),
    )


@given(any_facts())
def test_facts_that_are_written_into_the_form_are_read_back_unchanged(facts: OutageFacts) -> None:
    assert read_facts(write_form(facts, ZONE), ZONE) == facts


def test_windows_that_are_the_same_every_day_are_written_as_days_and_times() -> None:
    form = write_form(read_facts(DAILY, ZONE), ZONE)
    assert (form.pattern, form.first_day, form.last_day, form.off_time, form.on_time) == (
        "daily",
        "2026-05-02",
        "2026-05-04",
        "08:00",
        "18:00",
    )
    gap = OutageFacts("planned", FACTS_SWITCHING, (Window(at(0), at(8)), Window(at(0, 4), at(8, 4))), "x")
    assert write_form(gap, ZONE).pattern == "windows"


FACTS_SWITCHING = Switching(open=(Operation("S1"),))


def test_operations_are_read_in_the_order_of_time_and_empty_rows_are_passed_over() -> None:
    rows = rows_of(["2026-05-02T10:00", "", "2026-05-02T09:00"], ["close", "open", "open"], ["TIE", " ", "F2 [B]"])
    assert read_operations(rows, ZONE) == (Timed(at(1), "open", "F2", "B"), Timed(at(2), "close", "TIE"))


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([], ["operations_missing"]),
        ([OperationRow("2026-05-02T10:00", "close", " ")], ["operations_missing"]),
        ([OperationRow("", "close", "TIE")], ["at_missing"]),
        (
            [OperationRow("2026-05-02T10:00", "kick", "TIE"), OperationRow("noon", "open", "S1")],
            ["action_unknown", "time_malformed"],
        ),
    ],
)
def test_operations_that_cannot_be_read_are_said_all_at_once(rows: list[OperationRow], codes: list[str]) -> None:
    with pytest.raises(FactsError) as caught:
        read_operations(rows, ZONE)
    assert [problem.code for problem in caught.value.problems] == codes
    assert set(codes) <= set(PROBLEMS)


def test_unknown_fields_are_passed_over_and_what_was_typed_is_kept() -> None:
    form = OutageForm.of([("open", "<b>S1</b>"), ("nothing", "x"), ("start", "a"), ("start", "b"), ("end", "c")])
    assert form == OutageForm(open="<b>S1</b>", start=("a", "b"), end=("c",))
    assert form.rows == [(1, "a", "c"), (2, "b", "")]
    assert form.lines == [(1, "a", "c"), (2, "b", ""), (3, "", "")]
