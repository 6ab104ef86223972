"""The list of affected customers opens in Excel as it is meant, and tells nothing personal."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyogrio
import pytest

from api.lists import COLUMNS, affected_csv, affected_features, affected_table
from geo.schema import conform
from outages.events import Operation, OutageFacts, Switching
from outages.impact import Impact, assess
from topology.network import Network, build_network

SWITCHING = Switching(open=(Operation("S1"), Operation("L2")), close=(Operation("TIE"),))
START = datetime(2026, 5, 2, 0, 30, tzinfo=UTC)
FACTS = OutageFacts("planned", SWITCHING, START, START.replace(hour=8), "line work")


@pytest.fixture
def impact(town: Network) -> Impact:
    return assess(town, SWITCHING)


def _rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_the_csv_begins_with_a_byte_order_mark_and_ends_its_lines_as_excel_does(impact: Impact) -> None:
    body = affected_csv(impact, FACTS, zone="Asia/Shanghai")
    assert body.startswith(b"\xef\xbb\xbfid,state,off,on,")
    assert body.count(b"\r\n") == body.count(b"\n") == 11


def test_each_affected_customer_has_a_row_with_times_on_the_clock_of_the_utility(impact: Impact) -> None:
    rows = _rows(affected_csv(impact, FACTS, zone="Asia/Shanghai"))
    assert [row["id"] for row in rows] == [*(f"q{n}" for n in range(1, 9)), "q-clinic", "q-home"]
    clinic = rows[8]
    assert clinic == {
        "id": "q-clinic",
        "state": "out",
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
    assert {(row["off"], row["on"]) for row in _rows(affected_csv(impact))} == {("", "")}


def test_nothing_personal_is_in_any_list(impact: Impact) -> None:
    """The customers of the town have a name and a telephone number; the lists do not."""
    assert impact.network.tables.customers["phone"].notna().all()
    for text in (affected_csv(impact).decode(), json.dumps(affected_features(impact), ensure_ascii=False)):
        assert "13800000000" not in text
        assert "HYPERLINK" not in text


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


def test_an_impact_on_nobody_is_a_list_with_a_head_only(town: Network) -> None:
    nobody = assess(town, Switching(open=(Operation("TIE"),)))
    assert affected_csv(nobody).decode("utf-8-sig") == ",".join(COLUMNS) + "\r\n"
    assert affected_features(nobody)["features"] == []


def test_the_head_of_a_list_is_the_list_cut_short(impact: Impact) -> None:
    assert affected_table(impact, limit=3).equals(affected_table(impact).head(3))


def test_gdal_reads_the_geojson(impact: Impact, tmp_path: Path) -> None:
    path = tmp_path / "affected.geojson"
    path.write_text(json.dumps(affected_features(impact)), encoding="utf-8")
    frame = pyogrio.read_dataframe(path)
    assert list(frame["id"]) == list(affected_table(impact)["id"])
    assert set(frame.geometry.geom_type) == {"Point"}
