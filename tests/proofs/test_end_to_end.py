"""One script from the first account to the restored backup, against real servers on both stores: what is said is right.

Who is off at each moment is compared with an answer that was worked out anew (`tests.proofs.by_hand`).
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyogrio
import pytest

from api.intake import load_network
from geo.schema import GridTables
from tests.api.terminal import answer, run
from tests.postgres import Cluster
from tests.proofs.by_hand import ByHand, Done
from tests.proofs.running import ROOT, Forks, Json, Person, Server, make_accounts, serve_by_itself

THRESHOLD = 5
"""Smaller groups of customers are never shown to the public, and counts are multiples of it."""


@dataclass(frozen=True)
class Place:
    """Where it takes place: what is opened for work, what brings the first part back; where a fault is, and its breaker."""

    work: tuple[str, ...]
    first_back: tuple[Done, ...]
    fault: str
    tripped: str
    page: int
    """Customers on a page of a list, such that there are several pages."""


TOWN = Place(("S1",), (("open", "L2"), ("close", "TIE")), fault="L1", tripped="B1", page=5)
URBAN = Place(
    ("MV3.101 Line 7",),
    (("open", "MV3.101 Line 8"), ("close", "MV3.101 loop_line_switch 1.2")),
    fault="MV3.101 Line 123",
    tripped="MV3.101 Switch 250",
    page=90,
)


@dataclass
class Script:
    """People at a server, and what is known of the grid without asking it."""

    place: Place
    server: Server
    by_hand: ByHand
    control: Person
    approver: Person
    viewer: Person
    folder: Path
    now: datetime
    exports: int = 0
    ever_off: set[str] = field(default_factory=set)
    done: list[Done] = field(default_factory=list)

    def ago(self, minutes: int) -> str:
        return (self.now - timedelta(minutes=minutes)).isoformat()

    def operate(self, outage: Json, minutes_ago: int, *done: Done) -> Json:
        """Tell that devices were operated so many minutes ago."""
        self.done += done
        told = [{"at": self.ago(minutes_ago), "action": action, "device": device} for action, device in done]
        return self.control.take(outage, "staged", operations=told)

    def check_off(self, outage: Json, *, is_on: bool) -> None:
        """Check the lists of an outage against who is off by hand: whoever was off and is not is back, or still to go off."""
        off = self.by_hand.off(self.done)
        self.ever_off |= off
        now = {customer: "out" if customer in off else "restored" for customer in self.ever_off}
        assert self.lists(outage) == (now if is_on else dict.fromkeys(off, "planned"))

    def lists(self, outage: Json) -> dict[str, str]:
        """Download the list of affected customers in every form; return how each customer is, where all say the same."""
        rows = [*self.pages(outage)]
        found = {row["id"]: row["status"] for row in rows}
        assert len(found) == len(rows) > self.place.page
        times = {row["id"]: (row["off"], row["on"]) for row in rows}
        for other in (self._csv(outage), self._geojson(outage), self._geopackage(outage)):
            assert {row["id"]: row["status"] for row in other} == found
            assert {row["id"]: _times(row) for row in other} == {id_: tuple(map(_minute, pair)) for id_, pair in times.items()}
        out = self.control.ask(f"/api/v1/outages/{outage['id']}/affected", status="out", limit=5000)
        assert {row["id"] for row in out["customers"]} == {id_ for id_, status in found.items() if status == "out"}
        self.exports += 1
        return found

    def pages(self, outage: Json) -> list[Json]:
        """Return the list page by page."""
        rows: list[Json] = []
        after = ""
        while True:
            page = self.viewer.ask(f"/api/v1/outages/{outage['id']}/affected", limit=self.place.page, after=after)
            self.exports += 1
            rows += page["customers"]
            assert "name" not in rows[0]
            if page["next"] is None:
                assert len(rows) == page["total"]
                return rows
            after = page["next"]

    def _file(self, outage: Json, suffix: str, **query: Any) -> bytes:
        got = self.control.client.get(f"/api/v1/outages/{outage['id']}/affected.{suffix}", params=query)
        assert got.status_code == 200, got.text
        assert got.headers["content-disposition"] == f'attachment; filename="affected-{outage["id"]}.{suffix}"'
        self.exports += 1
        return got.content

    def _csv(self, outage: Json) -> list[dict[str, str]]:
        raw = self._file(outage, "csv", contact=True)
        assert raw.startswith(b"\xef\xbb\xbfid,state,status,")
        assert raw.count(b"\r\n") == raw.count(b"\n")
        rows = [*csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))]
        assert {"name", "phone"} <= set(rows[0])
        return rows

    def _geojson(self, outage: Json) -> list[Json]:
        features = json.loads(self._file(outage, "geojson"))["features"]
        assert {one["geometry"]["type"] for one in features} == {"Point"}
        return [one["properties"] for one in features]

    def _geopackage(self, outage: Json) -> list[Json]:
        path = self.folder / "affected.gpkg"
        path.write_bytes(self._file(outage, "gpkg"))
        table = pyogrio.read_dataframe(path, layer="affected")
        assert table.crs == "EPSG:4326"
        assert not table.geometry.is_empty.any()
        rows: list[Json] = table.drop(columns="geometry").to_dict("records")
        return rows

    def check_told(self, outage: Json, status: str = "", start: str = "") -> None:
        """Check that everybody is told of an outage with this start, on the map, in its list and its data; or not at all."""
        features = self.server.get("/api/v1/public/outages.geojson").json()["features"]
        own = [one["properties"] for one in features if one["properties"]["reference"] == outage["id"]]
        page = self.server.get("/map?lang=en").text
        assert (outage["id"] in page) == bool(status)
        assert {(one["status"], datetime.fromisoformat(one["start"])) for one in own} == (
            {(status, datetime.fromisoformat(start))} if status else set()
        )
        for one in own:
            assert one["outage_customers"] % THRESHOLD == 0
            assert one["outage_customers"] <= len(self.ever_off)
            assert not set(one) & {"switching", "contact", "why", "feeder", "devices"}
        for word in (*self.place.work, "foreman", "yearly inspection"):
            assert word not in page


def _minute(time: str | None) -> str:
    return "" if time is None else datetime.fromisoformat(time).astimezone(ZoneInfo("UTC")).isoformat(timespec="minutes")


def _times(row: Json) -> tuple[str, str]:
    return _minute(row["off"] or None), _minute(row["on"] or None)


def _facts(switching: Json, start: str, end: str | None, *, outage_class: str = "planned", **more: Any) -> Json:
    windows = [{"start": start, "end": end}]
    return {"outage_class": outage_class, "switching": switching, "windows": windows, "reason": "line maintenance", **more}


def planned_outage(script: Script) -> str:
    """From a draft to closed, with a reschedule and a restoration in stages; return its id."""
    control, approver, place = script.control, script.approver, script.place
    tomorrow = [(script.now + timedelta(days=1, hours=hours)).isoformat() for hours in (0, 8)]
    opened = {"open": list(place.work)}
    script.done, script.ever_off = [("open", device) for device in place.work], set()

    outage = control.enter(_facts(opened, *tomorrow, contact="foreman 555 0100", why="yearly inspection"))
    assert (outage["status"], outage["revision"], outage["entered_by"]) == ("draft", 1, "ana")
    script.check_off(outage, is_on=False)
    script.check_told(outage)
    outage = control.take(outage, "submitted")
    script.check_told(outage)

    refused = control.try_step(outage, "approved")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "forbidden")
    outage = approver.take(outage, "approved")
    assert (outage["status"], outage["approved_by"], outage["when"]) == ("approved", "ben", "planned")
    script.check_off(outage, is_on=False)
    script.check_told(outage, "planned", tomorrow[0])
    (notice,) = control.ask(f"/api/v1/outages/{outage['id']}/notice", language="en")

    # The work is brought forward to today; until somebody approves that, the public is told what was approved.
    today = script.ago(60), (script.now + timedelta(hours=6)).isoformat()
    outage = control.revise(outage, _facts(opened, *today, why="the crew is free today"))
    assert (outage["status"], outage["in_force_revision"], outage["facts_revision"]) == ("submitted", 1, 4)
    script.check_told(outage, "planned", tomorrow[0])
    assert control.ask(f"/api/v1/outages/{outage['id']}/notice", language="en") == [notice]
    assert set(script.lists(outage).values()) == {"planned"}
    outage = approver.take(outage, "approved")
    script.check_told(outage, "current", today[0])
    (changed,) = control.ask(f"/api/v1/outages/{outage['id']}/notice", language="en")
    assert changed["body"] != notice["body"]
    differing = control.ask(f"/api/v1/outages/{outage['id']}/diff", **{"from": 1, "to": 4})
    assert [one["field"] for one in differing] == ["windows"]
    script.check_off(outage, is_on=True)

    outage = control.take(outage, "switched_off", at=script.ago(58))
    script.check_off(outage, is_on=True)
    script.check_told(outage, "current", script.ago(58))
    before = script.by_hand.off(script.done)
    outage = script.operate(outage, 40, *place.first_back)
    assert outage["status"] == "partially_restored"
    assert set() < script.by_hand.off(script.done) < before
    script.check_off(outage, is_on=True)
    script.check_told(outage, "current", script.ago(58))
    outage = script.operate(outage, 22, *(("close", device) for device in place.work))
    script.check_off(outage, is_on=True)
    back_early = before - script.by_hand.off([*script.done, *(("open", device) for device in place.work)])
    script.done = []
    outage = control.take(outage, "restored", at=script.ago(20))
    script.check_off(outage, is_on=True)
    script.check_told(outage)
    back_at = {row["id"]: _minute(row["on"]) for row in script.pages(outage)}
    assert {id_ for id_, on in back_at.items() if on == _minute(script.ago(40))} == back_early
    outage = control.take(outage, "closed")
    assert (outage["status"], outage["when"], outage["allowed"]) == ("closed", "past", ["undone"])
    script.check_told(outage)

    history = control.ask(f"/api/v1/outages/{outage['id']}")["history"]
    assert [(one["kind"], one["by"]) for one in history] == [
        ("entered", "ana"),
        ("submitted", "ana"),
        ("approved", "ben"),
        ("revised", "ana"),
        ("approved", "ben"),
        ("switched_off", "ana"),
        ("staged", "ana"),
        ("staged", "ana"),
        ("restored", "ana"),
        ("closed", "ana"),
    ]
    told_id: str = outage["id"]
    return told_id


def fault_with_isolation(script: Script) -> str:
    """A fault: what clears it, what isolates it and brings others back, then the repair; return its id."""
    control, place = script.control, script.place
    script.done, script.ever_off = [("fault", place.fault)], set()
    fault = _facts({"fault": [place.fault]}, script.ago(18), None, outage_class="fault")
    preview = control.client.post("/api/v1/outages/preview", json=fault).json()
    assert (preview["cleared_by"], preview["counts"]["customers"]) == ([place.tripped], len(script.by_hand.off(script.done)))
    plan = control.ask(f"/api/v1/devices/{place.fault}/isolation")
    outage = control.enter(fault)
    assert (outage["status"], outage["when"]) == ("in_progress", "current")
    script.check_off(outage, is_on=True)
    script.check_told(outage, "current", script.ago(18))

    # By the plan: isolate the fault, then close the breaker again where that helps, and the ties.
    assert plan["cleared_by"] == [place.tripped]
    opened = [("open", device) for device in plan["isolate"]]
    closed = [("close", device) for device in [*plan["reclose"], *(one for tie in plan["ties"] for one in tie["close"])]]
    before = script.by_hand.off(script.done)
    outage = script.operate(outage, 14, *opened, *closed)
    assert len(script.by_hand.off(script.done)) == plan["waiting"] < len(before)
    script.check_off(outage, is_on=True)
    script.check_told(outage, "current", script.ago(18))
    ties = [("open", one) for tie in plan["ties"] for one in tie["close"]]
    again = [("close", device) for device in dict.fromkeys([*plan["isolate"], place.tripped]) if ("close", device) not in closed]
    outage = script.operate(outage, 9, ("repaired", place.fault), *ties, *again)
    assert script.by_hand.off(script.done) == set()
    script.check_off(outage, is_on=True)
    outage = control.take(outage, "restored", at=script.ago(8))
    script.check_off(outage, is_on=True)
    script.check_told(outage)
    told_id: str = outage["id"]
    return told_id


def play(place: Place, server: Server, tables: GridTables, folder: Path, store: str) -> list[Json]:
    """Play the whole script on a server; return the outages with their histories as the control room sees them."""
    now = datetime.now(ZoneInfo("Asia/Shanghai")).replace(second=0, microsecond=0)
    with ExitStack() as stack:
        ana, ben, vic = (stack.enter_context(Person(server, name)) for name in ("ana", "ben", "vic"))
        script = Script(place, server, ByHand(tables), ana, ben, vic, folder, now)
        without_word = ana.client.post("/api/v1/outages", json={}, headers={"X-CSRF-Token": "guessed"})
        assert without_word.status_code == 403
        ids = [planned_outage(script), fault_with_isolation(script)]
        assert [one["id"] for one in ana.ask("/api/v1/outages")["outages"]] == ids[::-1]
        contact = vic.client.get(f"/api/v1/outages/{ids[0]}/affected.csv", params={"contact": True})
        assert contact.status_code == 403
        verified = answer("audit", "verify", "--store", store)
        assert (verified["problems"], verified["count"] > script.exports) == ([], True)
        exported = answer("audit", "show", "--what", "list exported", "--limit", 10_000, "--store", store)
        assert len(exported) == script.exports
        return known_to(ana)


def known_to(person: Person) -> list[Json]:
    """Return the whole board, with histories."""
    return [person.ask(f"/api/v1/outages/{one['id']}") for one in person.ask("/api/v1/outages", limit=500)["outages"]]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_from_the_first_account_to_the_restored_backup(
    kind: str, town_file: Path, tmp_path: Path, cluster: Cluster, forks: Forks
) -> None:
    """What was kept in one kind of store is then restored into the other, and nothing is lost."""
    stores = {"sqlite": f"sqlite:///{tmp_path}/outages.db", "postgresql": cluster.new_database()}
    store, other = stores.pop(kind), next(iter(stores.values()))
    make_accounts(store, first_by_itself=kind == "sqlite")
    backup = tmp_path / ("backup.db" if kind == "sqlite" else "backup.jsonl.gz")
    with serve_by_itself(town_file, store, tmp_path / "server.log") as server:
        known = play(TOWN, server, load_network(str(town_file)).tables, tmp_path, store)
        done = run("backup", "--out", backup, "--store", store)
        assert done.exit_code == 0, done.output
    restored = answer("restore", backup, "--store", other)
    assert (restored["problems"], restored["count"] > 0) == ([], True)
    with forks.serve(town_file, other) as (again,), Person(again, "ana") as ana:
        assert known_to(ana) == known
        entered = ana.enter(_facts({"open": ["S1"]}, "2036-05-01T08:30:00+08:00", "2036-05-01T16:30:00+08:00"))
        assert entered["status"] == "draft"
    assert answer("audit", "verify", "--store", other)["problems"] == []


def test_the_same_script_on_the_network_of_the_demonstration(tmp_path: Path, cluster: Cluster, forks: Forks) -> None:
    store, urban = cluster.new_database(), ROOT / "examples" / "urban.gpkg"
    make_accounts(store)
    with forks.serve(urban, store) as (server,):
        assert len(play(URBAN, server, load_network(str(urban)).tables, tmp_path, store)) == 2
