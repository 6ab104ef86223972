"""Facts are checked when they are made, are kept in UTC, and survive JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outages.facts import (
    ANNOUNCED_CLASSES,
    MOST_WINDOWS,
    OUTAGE_CLASSES,
    Estimate,
    FactsError,
    Operation,
    OutageFacts,
    Selection,
    Switching,
    Timed,
    Window,
    daily_windows,
    facts_from_json,
    facts_to_json,
    is_day_off_night_on,
    operations_from_json,
    operations_to_json,
    switching_from_json,
    switching_to_json,
)
from tests.outages.strategies import START, facts_values, hours, moments, some_facts, switchings, timed

NAIVE = datetime(2026, 5, 1)  # noqa: DTZ001
SHANGHAI = timezone(timedelta(hours=8))
NEW_YORK = ZoneInfo("America/New_York")  # the clock skips 02:00–03:00 on 2026-03-08 and repeats 01:00–02:00 on 2026-11-01
ESTIMATE = {"earliest": hours(3), "latest": hours(5), "source": "crew", "confidence": "high"}


def _spans(*pairs: tuple[float, float | None]) -> tuple[Window, ...]:
    return tuple(Window(hours(start), None if end is None else hours(end)) for start, end in pairs)


def _refusals(error: pytest.ExceptionInfo[FactsError]) -> list[tuple[str, str]]:
    assert all(problem.says.endswith(".") and problem.says in str(error.value) for problem in error.value.problems)
    return [(problem.field, problem.code) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"outage_class": "storm"}, "outage_class", "class_unknown"),
        ({"outage_class": ""}, "outage_class", "class_unknown"),
        ({"reason": "  \t"}, "reason", "reason_missing"),
        ({"switching": Switching(open=())}, "open", "nothing_opened"),
        ({"switching": Switching(open=(), close=(Operation("T"),))}, "open", "nothing_opened"),
        ({"windows": ()}, "start", "start_missing"),
        ({"windows": _spans(*((day, day + 0.5) for day in range(MOST_WINDOWS + 1)))}, "windows", "too_many_windows"),
        ({"windows": _spans((0, 4), (3, 6))}, "windows", "windows_overlap"),
        ({"windows": _spans((8, 9), (0, 4))}, "windows", "windows_overlap"),
        ({"windows": _spans((0, 4), (0, 4))}, "windows", "windows_overlap"),
        ({"windows": _spans((0, None), (8, 9)), "outage_class": "fault"}, "windows", "windows_overlap"),
        *(({"windows": _spans((0, None)), "outage_class": name}, "end", "end_missing") for name in ANNOUNCED_CLASSES),
        ({"estimate": Estimate(**ESTIMATE | {"earliest": START, "latest": START})}, "latest", "estimate_before_window"),
        (
            {"estimate": Estimate(**ESTIMATE), "windows": _spans((0, 4), (24, 28))},
            "latest",
            "estimate_before_window",
        ),
    ],
)
def test_facts_that_cannot_be_true_are_refused(changes: dict[str, object], field: str, code: str) -> None:
    with pytest.raises(FactsError) as caught:
        some_facts(**changes)
    assert _refusals(caught) == [(field, code)]


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(FactsError) as caught:
        OutageFacts("storm", Switching(open=()), (), "")
    assert {field for field, _ in _refusals(caught)} == {"outage_class", "open", "reason", "start"}


@pytest.mark.parametrize(
    ("start", "end", "refused"),
    [
        (NAIVE, hours(1), [("start", "time_naive")]),
        (START, NAIVE, [("end", "time_naive")]),
        (NAIVE, NAIVE, [("start", "time_naive"), ("end", "time_naive")]),
        (START, START, [("end", "end_not_after_start")]),
        (START, START - timedelta(seconds=1), [("end", "end_not_after_start")]),
        # Later as people write it, and not as time goes: Shanghai is eight hours before Greenwich.
        (START, datetime(2026, 5, 1, 8, tzinfo=SHANGHAI), [("end", "end_not_after_start")]),
        # 02:30 is skipped and means 03:30 of summer time.
        (
            datetime(2026, 3, 8, 2, 30, tzinfo=NEW_YORK),
            datetime(2026, 3, 8, 3, 15, tzinfo=NEW_YORK),
            [("end", "end_not_after_start")],
        ),
    ],
)
def test_a_window_has_zones_and_ends_after_its_start(start: datetime, end: datetime, refused: list[tuple[str, str]]) -> None:
    with pytest.raises(FactsError) as caught:
        Window(start, end)
    assert _refusals(caught) == refused


def test_a_window_through_the_repeated_hour_is_as_long_as_time_is() -> None:
    window = Window(datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK), datetime(2026, 11, 1, 1, 15, tzinfo=NEW_YORK, fold=1))
    assert window.end is not None
    assert window.end - window.start == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"earliest": NAIVE}, [("earliest", "time_naive")]),
        ({"latest": NAIVE, "next_update": NAIVE}, [("latest", "time_naive"), ("next_update", "time_naive")]),
        ({"latest": hours(2.9)}, [("latest", "estimate_order")]),
        ({"source": "rumour"}, [("source", "source_unknown")]),
        ({"confidence": ""}, [("confidence", "confidence_unknown")]),
    ],
)
def test_an_estimate_that_says_nothing_is_refused(changes: dict[str, object], refused: list[tuple[str, str]]) -> None:
    with pytest.raises(FactsError) as caught:
        Estimate(**ESTIMATE | changes)  # type: ignore[arg-type]
    assert _refusals(caught) == refused


@pytest.mark.parametrize("outage_class", sorted(set(OUTAGE_CLASSES) - set(ANNOUNCED_CLASSES)))
def test_classes_nobody_announces_may_have_no_end(outage_class: str) -> None:
    facts = some_facts(outage_class=outage_class, windows=_spans((0, 4), (8, None)))
    assert (facts.start, facts.end) == (START, None)


def test_an_outage_ends_by_the_estimate_where_there_is_one() -> None:
    assert some_facts().end == hours(4)
    assert some_facts(estimate=Estimate(**ESTIMATE)).end == hours(5)  # type: ignore[arg-type]
    assert some_facts(windows=_spans((0, 4), (4, 6))).end == hours(6)


def test_words_lose_the_space_around_them() -> None:
    facts = some_facts(reason=" line work\n", contact="\tZhang, 555 ")
    assert (facts.reason, facts.contact) == ("line work", "Zhang, 555")


@given(moments, st.timezones(), st.timezones())
@example(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), NEW_YORK, NEW_YORK)
def test_times_are_kept_in_utc_whatever_zone_they_come_in(start: datetime, zone: ZoneInfo, other: ZoneInfo) -> None:
    end = start + timedelta(hours=1)
    window = Window(start.astimezone(zone), end.astimezone(other))
    estimate = Estimate(start.astimezone(zone), end.astimezone(other), "crew", "low", end.astimezone(zone))
    assert (window.start, window.end) == (estimate.earliest, estimate.latest) == (start, end)
    assert {moment.tzinfo for moment in (window.start, window.end, *vars(estimate).values()) if isinstance(moment, datetime)} == {
        UTC
    }


@pytest.mark.parametrize("phases", ["D", "a", "AA", "A B", "ABCA"])
def test_phases_that_do_not_exist_are_refused(phases: str) -> None:
    for make in (lambda: Operation("S1", phases), lambda: Timed(START, "open", "S1", phases)):
        with pytest.raises(FactsError) as caught:
            make()
        assert _refusals(caught) == [("phases", "phases_unknown")]
        assert caught.value.problems[0].given == phases


@pytest.mark.parametrize(
    ("action", "device", "refused"),
    [
        ("open", "", ("device", "device_missing")),
        ("", "S1", ("action", "action_unknown")),
        ("explode", "S1", ("action", "action_unknown")),
    ],
)
def test_an_operation_says_what_is_done_to_which_device(action: str, device: str, refused: tuple[str, str]) -> None:
    with pytest.raises(FactsError) as caught:
        Timed(START, action, device)  # type: ignore[arg-type]
    assert _refusals(caught) == [refused]


@pytest.mark.parametrize(
    ("open_", "close", "clash"),
    [("S1", "S1", True), (["S1", "A"], "S1", True), (["S1", "A"], ["S1", "AB"], True), (["S1", "A"], ["S1", "BC"], False)],
)
def test_a_device_is_not_opened_and_closed_on_one_phase(open_: object, close: object, clash: bool) -> None:
    given = {"open": [open_], "close": [close]}
    if clash:
        with pytest.raises(FactsError, match="S1: opened and closed at once"):
            switching_from_json(given)
    else:
        assert switching_to_json(switching_from_json(given))["close"] == [close]


def _on_clocks(windows: tuple[Window, ...], zone: str) -> list[str]:
    def text(moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(ZoneInfo(zone)).strftime("%d %H:%M")

    return [f"{text(window.start)}–{text(window.end)}" for window in windows]


@pytest.mark.parametrize(
    ("first", "off", "on", "clocks", "lengths"),
    [
        # Around the clock change, by day: each day as long as the others.
        ("2026-03-07", 8, 18, ["07 08:00–07 18:00", "08 08:00–08 18:00", "09 08:00–09 18:00"], [10, 10, 10]),
        # Through the skipped hour, and through the repeated one.
        ("2026-03-07", 1, 4, ["07 01:00–07 04:00", "08 01:00–08 04:00", "09 01:00–09 04:00"], [3, 2, 3]),
        ("2026-10-31", 0, 4, ["31 00:00–31 04:00", "01 00:00–01 04:00", "02 00:00–02 04:00"], [4, 5, 4]),
        # Over night, and all day long.
        ("2026-03-07", 22, 6, ["07 22:00–08 06:00", "08 22:00–09 06:00", "09 22:00–10 06:00"], [7, 8, 8]),
        ("2026-03-07", 8, 8, ["07 08:00–08 08:00", "08 08:00–09 08:00", "09 08:00–10 08:00"], [23, 24, 24]),
    ],
)
def test_daily_windows_go_by_the_clock_on_the_wall(first: str, off: int, on: int, clocks: list[str], lengths: list[int]) -> None:
    day = date.fromisoformat(first)
    windows = daily_windows(day, day + timedelta(days=2), off=time(off), on=time(on), zone="America/New_York")
    assert _on_clocks(windows, "America/New_York") == clocks
    assert [(window.end or window.start) - window.start for window in windows] == [timedelta(hours=count) for count in lengths]
    assert is_day_off_night_on(windows, "America/New_York") is (off < on)


@pytest.mark.parametrize(
    ("last", "off", "on", "code"),
    [
        (date(2026, 3, 6), time(8), time(18), "days_order"),
        (date(2026, 3, 7) + timedelta(days=MOST_WINDOWS), time(8), time(18), "days_order"),
        (date(2026, 3, 8), time(2, 30), time(3, 15), "end_not_after_start"),
    ],
)
def test_days_that_are_none_are_refused(last: date, off: time, on: time, code: str) -> None:
    with pytest.raises(FactsError) as caught:
        daily_windows(date(2026, 3, 7), last, off=off, on=on, zone="America/New_York")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_as_many_days_as_windows_are_allowed_make_an_outage() -> None:
    windows = daily_windows(START.date(), START.date() + timedelta(days=MOST_WINDOWS - 1), off=time(8), on=time(18), zone="UTC")
    assert is_day_off_night_on(windows, "UTC")


@pytest.mark.parametrize(
    ("windows", "zone", "expected"),
    [
        ([(8, 18)], "UTC", False),
        ([(8, 18), (32, 42)], "UTC", True),
        ([(8, 18), (32, 42), (56, 66)], "Asia/Shanghai", False),  # 16:00 to 02:00 there
        ([(0, 10), (24, 34)], "Asia/Shanghai", True),
        ([(8, 18), (32, 41)], "UTC", False),
        ([(8, 18), (33, 42)], "UTC", False),
        ([(8, 18), (56, 66)], "UTC", False),  # a day without work between
        ([(8, 9), (10, 11)], "UTC", False),
        ([(8, 42), (56, 90)], "UTC", False),  # two days and the night between
        ([(8, 18), (32, None)], "UTC", False),
        ([(8, None)], "UTC", False),
    ],
)
def test_day_off_night_on_is_said_where_it_says_everything(
    windows: list[tuple[float, float | None]], zone: str, expected: bool
) -> None:
    assert is_day_off_night_on(_spans(*windows), zone) is expected


@given(facts_values())
def test_facts_survive_json(facts: OutageFacts) -> None:
    assert facts_from_json(json.loads(json.dumps(facts_to_json(facts)))) == facts


@given(switchings())
def test_switching_survives_json(switching: Switching) -> None:
    assert switching_from_json(json.loads(json.dumps(switching_to_json(switching)))) == switching


@given(st.lists(timed, max_size=4))
def test_operations_survive_json(operations: list[Timed]) -> None:
    assert operations_from_json(json.loads(json.dumps(operations_to_json(operations)))) == tuple(operations)


def test_the_json_of_facts_is_what_it_was() -> None:
    facts = some_facts(
        outage_class="fault",
        switching=Switching(open=(Operation("S1"), Operation("F2", "B")), close=(Operation("X1"),), fault=("L1",)),
        windows=_spans((0, 4), (8, None)),
        contact="Zhang",
        estimate=Estimate(hours(9), hours(10), "control", "low", hours(8)),
        selection=Selection("North", ((120.5, 30.25), (121.0, 30.5))),
    )
    assert facts_to_json(facts) == {
        "outage_class": "fault",
        "switching": {"open": ["S1", ["F2", "B"]], "close": ["X1"], "fault": ["L1"]},
        "windows": [
            {"start": "2026-05-01T00:00:00+00:00", "end": "2026-05-01T04:00:00+00:00"},
            {"start": "2026-05-01T08:00:00+00:00", "end": None},
        ],
        "reason": "line work",
        "contact": "Zhang",
        "estimate": {
            "earliest": "2026-05-01T09:00:00+00:00",
            "latest": "2026-05-01T10:00:00+00:00",
            "source": "control",
            "confidence": "low",
            "next_update": "2026-05-01T08:00:00+00:00",
        },
        "selection": {"feeder": "North", "polygon": [[120.5, 30.25], [121.0, 30.5]]},
    }


def test_facts_of_release_0_1_0_have_one_window_and_no_more() -> None:
    old = {"outage_class": "fault", "switching": {"open": ["S1"]}, "reason": "tree", "start": "2026-05-01T08:00:00+08:00"}
    assert facts_from_json({**old, "end": None}) == facts_from_json(old)
    assert facts_from_json(old) == some_facts(outage_class="fault", windows=_spans((0, None)), reason="tree")
