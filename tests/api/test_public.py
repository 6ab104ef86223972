"""What everybody may see: the same on map and list, and nothing of the grid or of any person."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.public import list_public, public_geojson
from api.service import Service
from outages.events import Approved, Cancelled, Event, Outage, Rejected, Restored, Staged, Submitted, SwitchedOff
from outages.facts import Estimate, OutageFacts, Timed, Window, switching_from_json
from outages.store import StoreError
from tests.api.town import NOW
from topology.network import Network

HOUR = timedelta(hours=1)
PUBLIC = {"/map", "/api/v1/public/outages.geojson", "/api/v1/public/places.geojson", "/health/live", "/favicon.ico"}
"""The routes that a proxy may open to everybody; every other route is for control."""


BY, BOSS = "li.lei", "han.meimei"


def facts(outage_class: str, switching: dict[str, Any], *hours: float, reason: str = "线路检修", **more: Any) -> OutageFacts:
    """Return facts with windows that begin and end so many hours from now."""
    windows = tuple(Window(NOW + start * HOUR, NOW + end * HOUR) for start, end in pairwise_(hours))
    return OutageFacts(outage_class, switching_from_json(switching), windows, reason, **more)


def pairwise_(hours: tuple[float, ...]) -> list[tuple[float, float]]:
    return list(zip(hours[::2], hours[1::2], strict=True))


def approve(service: Service, given: OutageFacts) -> Outage:
    outage = service.enter(given, by=BY, now=NOW, submit=True, why="secret-why")
    return service.record(outage.id, Approved(NOW, BOSS), seen=2) if outage.status == "submitted" else outage


@pytest.fixture(autouse=True)
def outages(service: Service, following: None) -> list[str]:
    fault = facts("fault", {"fault": ["L3"]}, -1, 1, reason="cable fault", contact="secret-contact")
    work = facts("planned", {"open": ["S1"]}, 1, 5, contact="secret-contact")
    single = facts("temporary", {"open": [["T1", "A"]]}, 1, 5, reason="缺陷处理")
    return [approve(service, given).id for given in (fault, work, single)]


@pytest.fixture(autouse=True)
def following(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event is heard as soon as it is recorded, as a server that follows the store hears it."""
    append = service.store.append

    def append_and_hear(*given: Any, **more: Any) -> Outage:
        outage = append(*given, **more)
        service.live.catch_up()
        return outage

    monkeypatch.setattr(service.store, "append", append_and_hear)


def features(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/public/outages.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    return [item["properties"] for item in answer.json()["features"]]


def test_the_data_says_what_is_off_where_and_how_many_at_least(client: TestClient, outages: list[str]) -> None:
    shown = {(item["reference"], item["status"], item["place"], item["customers"]) for item in features(client)}
    assert shown == {
        (outages[0], "current", "小丘社区", 5),
        (outages[1], "planned", "磨坊社区", 15),
        (outages[2], "planned", "柳岸社区", 10),
    }


SECRETS = ("secret-why", "secret-contact", BY, BOSS)


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        ([], False),
        ([Submitted(NOW, BY)], False),
        ([Submitted(NOW, BY), Rejected(NOW, BOSS, "secret-why")], False),
        ([Submitted(NOW, BY), Approved(NOW, BOSS)], True),
        ([Submitted(NOW, BY), Approved(NOW, BOSS), Cancelled(NOW, BY, "secret-why")], False),
        ([Submitted(NOW, BY), Approved(NOW, BOSS), SwitchedOff(NOW, NOW, BY)], True),
        ([Submitted(NOW, BY), Approved(NOW, BOSS), SwitchedOff(NOW, NOW, BY), Restored(NOW, NOW, BY)], False),
    ],
)
def test_only_what_is_in_force_is_shown(nobody: TestClient, service: Service, events: list[Event], *, shown: bool) -> None:
    outage = service.enter(facts("planned", {"open": ["T1"]}, 2, 3, contact="secret-contact"), by=BY, now=NOW, why="secret-why")
    for event in events:
        outage = service.record(outage.id, event, seen=outage.seq)
    for path in ("/map?lang=zh", "/map?lang=en", "/api/v1/public/outages.geojson"):
        told = nobody.get(path).text
        assert (outage.id in told) == shown
        assert not [secret for secret in SECRETS if secret in told]


def test_a_change_that_waits_is_not_public(nobody: TestClient, service: Service, outages: list[str]) -> None:
    before = features(nobody)
    changed = facts("planned", {"open": ["T1"]}, 2, 9, reason="设备更换")
    service.revise(outages[1], changed, why="secret-why", seen=3, by=BY, now=NOW)
    assert features(nobody) == before
    service.record(outages[1], Approved(NOW, BOSS), seen=4)
    (after,) = [item for item in features(nobody) if item["reference"] == outages[1]]
    assert (after["place"], after["reason"], after["end"]) == ("柳岸社区", "设备更换", "2026-05-01T10:00:00Z")


@pytest.mark.parametrize(
    ("hour", "status", "start", "end", "later"),
    [
        (0, "planned", 1, 5, 2),
        (1, "current", 1, 5, 2),
        (5, "planned", 25, 29, 1),
        (26, "current", 25, 29, 1),
        (50, "current", 49, 53, 0),
        (60, "current", 49, 53, 0),  # nobody has confirmed that power is back
    ],
)
def test_between_two_windows_the_next_one_is_told_as_planned(
    service: Service, *, hour: int, status: str, start: int, end: int, later: int
) -> None:
    outage = approve(service, facts("planned", {"open": ["T1"]}, 1, 5, 25, 29, 49, 53))
    now = NOW + hour * HOUR
    layer = public_geojson(service, service.board(now), now=now, threshold=5, language="en")
    (told,) = [one for one in list_public(layer, now=now, language="en") if one.reference == outage.id]
    assert (told.when, told.start, told.end) == (status, NOW + start * HOUR, NOW + end * HOUR)
    assert told.later == outage.facts.windows[3 - later :]
    assert told.overdue == (hour == 60)


def test_power_is_expected_back_between_two_times_and_more_is_said_later(nobody: TestClient, service: Service) -> None:
    estimate = Estimate(NOW + HOUR, NOW + 3 * HOUR, "crew", "low", NOW + HOUR / 2)
    outage = approve(service, facts("fault", {"fault": ["L1"]}, -1, 9, estimate=estimate))
    page = nobody.get("/map?lang=en").text.partition(f'id="{outage.id}"')[2].partition("</li>")[0]
    assert "1 May, 10:00 – 12:00" in page
    assert "today, Fri 1 May, 09:30" in page
    assert "crew" not in page


def test_off_since_is_what_was_confirmed_and_a_part_that_is_back_is_said(nobody: TestClient, service: Service) -> None:
    outage = approve(service, facts("fault", {"fault": ["L1"]}, -2, 9))
    service.record(outage.id, Staged((Timed(NOW, "close", "TIE"),), NOW, BY), seen=2)
    page = nobody.get("/map?lang=en").text.partition(f'id="{outage.id}"')[2].partition("</li>")[0]
    assert "Partly restored" in page
    assert "today, Fri 1 May, 07:00" in page


def test_the_public_page_stays_up_when_the_store_is_gone_and_says_since_when(
    nobody: TestClient, service: Service, outages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nobody.get("/api/v1/public/outages.geojson").json()["stale_since"] is None

    def gone(*_: object, **__: object) -> Any:
        raise StoreError("the disk is gone")

    for name in ("read_since", "read", "find_impact"):
        monkeypatch.setattr(service.store, name, gone)
    with pytest.raises(StoreError):
        service.board(NOW)
    told = nobody.get("/api/v1/public/outages.geojson")
    assert told.status_code == 200
    assert told.json()["stale_since"] is not None
    page = nobody.get("/map?lang=en").text
    assert "Nothing new has been heard since" in page
    assert outages[1] in page


def test_the_reason_is_in_the_language_that_is_asked_for(client: TestClient) -> None:
    for language, reasons in (
        ("zh", {"电缆故障", "线路检修", "缺陷处理"}),
        ("en", {"cable fault", "line maintenance", "repair of a defect"}),
    ):
        layer = client.get(f"/api/v1/public/outages.geojson?lang={language}").json()
        assert {item["properties"]["reason"] for item in layer["features"]} == reasons


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_says_what_the_map_draws(client: TestClient, language: str) -> None:
    page = client.get(f"/map?lang={language}").text
    for item in features(client):
        card = page.partition(f'id="{item["reference"]}"')[2].partition("</li>")[0]
        assert (item["place"] if language == "zh" else item["place_en"]) in card
        assert re.search(rf"\b{item['customers']}\b", card)


def test_a_group_under_the_threshold_is_never_counted(town: Network, service: Service, client: TestClient) -> None:
    restricted = client.app.state.shared.settings.model_copy(update={"public_threshold": 9})  # type: ignore[attr-defined]
    client.app.state.shared = replace(client.app.state.shared, settings=restricted)  # type: ignore[attr-defined]
    (hill,) = [item for item in features(client) if item["status"] == "current"]
    assert (hill["customers"], hill["fewer_than"]) == (None, 9)
    assert "不足 9 户" in client.get("/map").text


@pytest.mark.parametrize("path", sorted(PUBLIC))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_public_names_a_device_a_feeder_or_a_customer(
    client: TestClient, town: Network, path: str, language: str
) -> None:
    told = client.get(path, params={"lang": language}).text
    tables = town.tables
    secret = [
        *(device for device in town.device_ids if len(device) > 2),
        *tables.switches["name"],
        *tables.transformers["feeder"].dropna(),
        *(customer for customer in tables.customers["id"] if len(customer) > 2),
        *tables.customers["name"],
        *tables.customers["phone"],
        "中心路",
    ]
    assert [text for text in secret if text in told] == []


def test_points_of_the_grid_are_in_no_public_geometry(client: TestClient, town: Network) -> None:
    """No corner of what is drawn is a place where a transformer or customer stands."""
    known = {(round(x, 4), round(y, 4)) for x, y in town.tables.nodes[["x", "y"]].itertuples(index=False)}
    corners: set[tuple[float, float]] = set()

    def collect(part: Any) -> None:
        if isinstance(part[0], int | float):
            corners.add((round(part[0], 4), round(part[1], 4)))
        else:
            for inner in part:
                collect(inner)

    for path in ("/api/v1/public/outages.geojson", "/api/v1/public/places.geojson"):
        for item in client.get(path).json()["features"]:
            collect(item["geometry"]["coordinates"])
    assert corners
    assert not corners & known


def test_the_background_is_what_everybody_knows(client: TestClient) -> None:
    layer = client.get("/api/v1/public/places.geojson").json()
    assert [(item["properties"]["kind"], item["properties"]["name_en"]) for item in layer["features"]] == [
        ("county", "Donggang"), ("town", "Xihe"), ("town", "Dongshan"),
        ("community", "Willow Bank"), ("community", "Mill Lane"), ("community", "Little Hill"),
    ]  # fmt: skip
    assert set(json.dumps(layer)) - set("\0")  # it is text that a browser can read
