"""The list of affected customers says when each is off, opens in Excel as it is meant, and tells nothing personal unasked."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.lists import (
    COLUMNS,
    CONTACT,
    AffectedList,
    affected_csv,
    affected_features,
    affected_table,
    list_affected,
    list_of_course,
    write_csv,
    write_geojson,
    write_geopackage,
)
from geo.schema import conform
from outages.course import course
from outages.events import Entered, Restored, Staged, SwitchedOff
from outages.facts import FactsError, Operation, OutageFacts, Switching, Timed, Window
from outages.impact import Impact, assess
from outages.lifecycle import fold
from topology.network import Network, build_network

SWITCHING = Switching(open=(Operation("S1"), Operation("L2")), close=(Operation("TIE"),))
START = datetime(2026, 5, 2, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Window(START, START.replace(hour=8))
FACTS = OutageFacts("planned", SWITCHING, (DAY,), "line work")
AFFECTED = [*(f"q{n}" for n in range(1, 9)), "q-clinic", "q-home"]


@pytest.fixture
def impact(town: Network) -> Impact:
    return assess(town, SWITCHING)


def _rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def _course(town: Network, facts: OutageFacts, *events: Any, now: datetime) -> AffectedList:
    outage = fold("20260502-TEST", [Entered(facts, START - 9 * HOUR, "control", approved=True), *events])
    return list_of_course(course(town, outage, now=now), now)


def _told(listed: AffectedList, column: str, ids: Sequence[str]) -> set[str]:
    table = listed.table("UTC").set_index("id")
    return set(table.loc[list(ids), column])


def test_the_csv_begins_with_a_byte_order_mark_and_ends_its_lines_as_excel_does(impact: Impact) -> None:
    body = affected_csv(impact, FACTS, zone="Asia/Shanghai")
    assert body.startswith(b"\xef\xbb\xbfid,state,status,off,on,")
    assert body.count(b"\r\n") == body.count(b"\n") == 11


def test_each_affected_customer_has_a_row_with_times_on_the_clock_of_the_utility(impact: Impact) -> None:
    rows = _rows(affected_csv(impact, FACTS, zone="Asia/Shanghai"))
    assert [row["id"] for row in rows] == AFFECTED
    clinic = rows[8]
    assert clinic == {
        "id": "q-clinic",
        "state": "out",
        "status": "",
        "off": "2026-05-02T08:30+08:00",
        "on": "2026-05-02T16:30+08:00",
        "cut_by": "S1",
        "priority": "important",
        "category": "residential",
        "load_kw": "1.0",
        "place": "磨坊社区",
        "street": "中心路",
        "house_number": "21",
        "building": "",
        "transformer": "T2",
        "ownership": "public",
        "feeder": "10kV西河线",
    }


def test_without_an_outage_the_times_are_empty(impact: Impact) -> None:
    assert {(row["off"], row["on"], row["status"]) for row in _rows(affected_csv(impact))} == {("", "", "")}


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (START - HOUR, "planned"),
        (START, "out"),
        (START + 7 * HOUR, "out"),
    ],
)
def test_the_status_is_planned_before_and_out_from_the_beginning_on(town: Network, now: datetime, status: str) -> None:
    listed = _course(town, FACTS, now=now)
    assert _told(listed, "status", AFFECTED) == {status}
    assert _told(listed, "off", AFFECTED) == {"2026-05-02T00:30+00:00"}
    assert _told(listed, "on", AFFECTED) == {"2026-05-02T08:30+00:00"}


def test_an_end_that_has_passed_without_a_word_is_not_known(town: Network) -> None:
    listed = _course(town, FACTS, now=START + 20 * HOUR)
    assert _told(listed, "status", AFFECTED) == {"out"}
    assert _told(listed, "on", AFFECTED) == {""}


def test_those_who_come_back_by_a_stage_are_restored_while_the_others_wait(town: Network) -> None:
    """S1 opened darkens c and d; the tie brings d (r1 to r6) back after L2 is opened."""
    facts = replace(FACTS, switching=Switching(open=(Operation("S1"),)))
    back = START + 2 * HOUR
    stage = Staged((Timed(back, "open", "L2"), Timed(back, "close", "TIE")), back, "control")
    listed = _course(town, facts, SwitchedOff(START, START, "control"), stage, now=back + HOUR)
    moved = [f"r{n}" for n in range(1, 7)]
    assert _told(listed, "status", moved) == {"restored"}
    assert _told(listed, "on", moved) == {"2026-05-02T02:30+00:00"}
    assert _told(listed, "status", AFFECTED) == {"out"}
    assert len(listed.only(status="restored")) == 6


def test_all_are_restored_when_somebody_has_confirmed_it(town: Network) -> None:
    end = START + 3 * HOUR
    events = (SwitchedOff(START, START, "control"), Restored(end, end, "control"))
    listed = _course(town, FACTS, *events, now=end + HOUR)
    assert _told(listed, "status", AFFECTED) == {"restored"}
    assert _told(listed, "on", AFFECTED) == {"2026-05-02T03:30+00:00"}


def test_one_whom_another_outage_holds_off_is_not_restored(town: Network) -> None:
    end = START + 3 * HOUR
    events = (SwitchedOff(START, START, "control"), Restored(end, end, "control"))
    outage = fold("20260502-TEST", [Entered(FACTS, START - HOUR, "control", approved=True), *events])
    held = np.array([town.customer("q-clinic"), town.customer("u1")], dtype=np.int32)
    listed = list_of_course(course(town, outage, now=end + HOUR), end + HOUR, off_now=held)
    assert list(listed.only(status="out").table("UTC")["id"]) == ["q-clinic"]


def test_between_two_days_a_customer_is_planned_to_go_off_again(town: Network) -> None:
    facts = replace(FACTS, windows=(DAY, Window(START + 24 * HOUR, START + 30 * HOUR)))
    listed = _course(town, facts, now=START + 12 * HOUR)
    assert _told(listed, "status", AFFECTED) == {"planned"}
    assert _told(listed, "off", AFFECTED) == {"2026-05-02T00:30+00:00"}
    assert _told(listed, "on", AFFECTED) == {"2026-05-03T06:30+00:00"}


@given(
    gaps=st.lists(st.integers(1, 20), min_size=1, max_size=6).filter(lambda gaps: len(gaps) % 2 == 0),
    now=st.integers(-5, 80),
    open_=st.sampled_from([("S1",), ("S1", "L2"), ("B1",), ("T2", "T3"), ("TIE",)]),
    phases=st.sampled_from(["", "B"]),
)
def test_at_any_moment_the_list_says_of_each_customer_what_the_course_says(
    town: Network, gaps: list[int], now: int, open_: tuple[str, ...], phases: str
) -> None:
    moments = [START + sum(gaps[:count]) * HOUR for count in range(1, len(gaps) + 1)]
    windows = tuple(Window(*pair) for pair in zip(moments[::2], moments[1::2], strict=True))
    facts = replace(FACTS, switching=Switching(tuple(Operation(device, phases) for device in open_)), windows=windows)
    outage, at = fold("20260502-TEST", [Entered(facts, START, "control", approved=True)]), START + now * HOUR
    whole = course(town, outage, now=at)
    listed = list_of_course(whole, at)
    assert [listed.only(status=state).rows.tolist() for state in ("out", "partial")] == [rows.tolist() for rows in whole.at(at)]
    for customer in listed.table("UTC").to_dict("records"):
        spells = [one for one in whole.intervals() if one.customer == customer["id"]]
        assert customer["off"] == spells[0].off.isoformat(timespec="minutes")
        assert customer["on"] == (spells[-1].on.isoformat(timespec="minutes") if spells[-1].on else "")
        assert (customer["status"] == "planned") == (
            all(s.off > at or (s.on and s.on <= at) for s in spells) and spells[-1].off > at
        )


def test_one_open_phase_takes_a_part_of_the_supply(town: Network) -> None:
    facts = replace(FACTS, switching=Switching(open=(Operation("S1", "B"),)))
    listed = _course(town, facts, now=START + HOUR)
    assert (len(listed.only(state="partial")), len(listed.only(status="partial")), len(listed.only(state="out"))) == (16, 16, 0)


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        ({}, AFFECTED),
        ({"group": "important"}, ["q-clinic"]),
        ({"group": "life_support"}, ["q-home"]),
        ({"group": "dedicated"}, []),
        ({"state": "out"}, AFFECTED),
        ({"state": "partial"}, []),
        ({"group": "important", "state": "partial"}, []),
    ],
)
def test_groups_and_states_are_lists_of_their_own(impact: Impact, chosen: dict[str, str], ids: list[str]) -> None:
    assert list(list_affected(impact).only(**chosen).table("UTC")["id"]) == ids


def test_customers_of_a_dedicated_transformer_are_a_list_of_their_own(town: Network) -> None:
    units = town.tables.transformers.copy()
    units.loc[units["id"] == "T3", "ownership"] = "dedicated"
    network = build_network(replace(town.tables, transformers=units))
    listed = list_affected(assess(network, Switching(open=(Operation("S1"),)))).only(group="dedicated")
    assert list(listed.table("UTC")["id"]) == [f"r{n}" for n in range(1, 7)]


@pytest.mark.parametrize("size", [1, 3, 10, 11, 500])
def test_the_pages_together_are_the_list(impact: Impact, size: int) -> None:
    listed, after, seen = list_affected(impact), "", []
    while after is not None:
        page, after = listed.page(after, size)
        assert 1 <= len(page) <= size
        seen += list(page.table("UTC")["id"])
    assert seen == AFFECTED


def test_a_page_may_begin_after_any_customer_of_the_network(impact: Impact) -> None:
    """One that was on the list when the page before was taken may be off it by now."""
    page, following = list_affected(impact).page("p12", 2)
    assert (list(page.table("UTC")["id"]), following) == (["q1", "q2"], "q2")
    page, following = list_affected(impact).page("u7", 2)
    assert (len(page), following) == (0, None)


def test_a_page_after_nobody_says_what_to_do(impact: Impact) -> None:
    with pytest.raises(FactsError, match="Take next from the page before"):
        list_affected(impact).page("somebody", 2)


def test_nothing_personal_is_in_any_list_unless_it_is_asked_for(impact: Impact, tmp_path: Path) -> None:
    """The customers of the town have a name and a telephone number."""
    assert impact.network.tables.customers["phone"].notna().all()
    listed = list_affected(impact)
    for contact in (False, True):
        path = tmp_path / f"{contact}.gpkg"
        write_geopackage(listed, path, "UTC", contact=contact)
        texts = [*write_csv(listed, "UTC", contact=contact)], [*write_geojson(listed, "UTC", contact=contact)]
        for body in (*map(b"".join, texts), path.read_bytes()):
            assert (b"13800000000" in body) == contact
            assert (b"HYPERLINK" in body) == contact
    assert "13800000000" not in json.dumps(affected_features(impact))
    assert b"13800000000" not in affected_csv(impact)


def test_contacts_come_last_and_a_name_that_is_a_formula_is_text(impact: Impact) -> None:
    (row, *_) = _rows(b"".join(write_csv(list_affected(impact), "UTC", contact=True)))
    assert list(row) == [*COLUMNS, *CONTACT]
    assert (row["name"], row["phone"], row["email"]) == ("'=HYPERLINK(1)", "13800000000", "")


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+86 1", "'+86 1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\t=1", "'\t=1"),
        ("Lane 1-2", "Lane 1-2"),
        ('say "hi", now', 'say "hi", now'),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_run_is_written_as_text(town: Network, typed: str, written: str) -> None:
    customers = conform("customers", town.tables.customers.assign(street=typed or None))
    network = build_network(replace(town.tables, customers=customers))
    assert {row["street"] for row in _rows(affected_csv(assess(network, SWITCHING)))} == {written}


def test_an_impact_on_nobody_is_a_list_with_a_head_only(town: Network, tmp_path: Path) -> None:
    nobody = assess(town, Switching(open=(Operation("TIE"),)))
    assert affected_csv(nobody).decode("utf-8-sig") == ",".join(COLUMNS) + "\r\n"
    assert affected_features(nobody)["features"] == []
    assert json.loads(b"".join(write_geojson(list_affected(nobody), "UTC"))) == affected_features(nobody)
    write_geopackage(list_affected(nobody), tmp_path / "nobody.gpkg", "UTC")
    empty = pyogrio.read_dataframe(tmp_path / "nobody.gpkg")
    assert (len(empty), list(empty.columns)) == (0, [*COLUMNS, "geometry"])


def test_the_head_of_a_list_is_the_list_cut_short(impact: Impact) -> None:
    assert affected_table(impact, limit=3).equals(affected_table(impact).head(3))


def test_gdal_reads_the_geojson_and_the_geopackage_alike(impact: Impact, tmp_path: Path) -> None:
    listed = list_affected(impact, FACTS)
    (tmp_path / "affected.geojson").write_bytes(b"".join(write_geojson(listed, "UTC")))
    write_geopackage(listed, tmp_path / "affected.gpkg", "UTC")
    for name in ("affected.geojson", "affected.gpkg"):
        frame = pyogrio.read_dataframe(tmp_path / name)
        assert list(frame["id"]) == AFFECTED
        assert list(frame["cut_by"]) == list(affected_table(impact)["cut_by"])
        assert set(frame.geometry.geom_type) == {"Point"}
        assert frame.crs == "EPSG:4326"


def test_a_customer_whom_nobody_knows_the_place_of_has_no_geometry(town: Network, tmp_path: Path) -> None:
    nodes = town.tables.nodes[town.tables.nodes["id"] != "q"]
    network = build_network(replace(town.tables, nodes=nodes))
    listed = list_affected(assess(network, SWITCHING))
    assert {item["geometry"] for item in affected_features(assess(network, SWITCHING))["features"]} == {None}
    write_geopackage(listed, tmp_path / "affected.gpkg", "UTC")
    assert pyogrio.read_dataframe(tmp_path / "affected.gpkg").geometry.isna().all()


def test_a_list_written_in_blocks_is_the_list(impact: Impact, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = list_affected(impact, FACTS)
    whole = [b"".join(write(listed, "UTC")) for write in (write_csv, write_geojson)]
    monkeypatch.setattr(AffectedList.blocks, "__defaults__", (3,))
    assert b"".join(write_csv(listed, "UTC")) == whole[0]
    assert json.loads(b"".join(write_geojson(listed, "UTC"))) == json.loads(whole[1])
    write_geopackage(listed, tmp_path / "affected.gpkg", "UTC")
    assert list(pyogrio.read_dataframe(tmp_path / "affected.gpkg")["id"]) == AFFECTED


def test_a_list_four_times_as_long_takes_the_same_memory(town: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AffectedList.blocks, "__defaults__", (250,))
    customers = pd.concat([town.tables.customers] * 300, ignore_index=True)
    customers["id"] = [f"c{n}" for n in range(len(customers))]
    network = build_network(replace(town.tables, customers=conform("customers", customers)))
    listed = list_affected(assess(network, Switching(open=(Operation("B1"), Operation("B2")))))
    assert len(listed) == 10_500
    _peak_bytes(listed.head(250))  # what is worked out once for a network
    assert _peak_bytes(listed) < 1.2 * _peak_bytes(listed.head(2_500))


def _peak_bytes(listed: AffectedList) -> int:
    tracemalloc.start()
    for _ in (*(map(len, write_csv(listed, "UTC"))), *map(len, write_geojson(listed, "UTC"))):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
