"""What everybody may see: the same on map and list, and nothing of the grid or of any person."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from api.service import Service
from outages.events import OutageFacts, switching_from_json
from tests.api.town import NOW
from topology.network import Network

HOUR = timedelta(hours=1)
PUBLIC = {"/map", "/api/v1/public/outages.geojson", "/api/v1/public/places.geojson", "/health/live", "/favicon.ico"}
"""The routes that a proxy may open to everybody; every other route is for control."""


@pytest.fixture(autouse=True)
def outages(service: Service) -> list[str]:
    fault = OutageFacts("fault", switching_from_json({"fault": ["L3"]}), NOW - HOUR, NOW + HOUR, "cable fault")
    work = OutageFacts("planned", switching_from_json({"open": ["S1"]}), NOW + HOUR, NOW + 5 * HOUR, "线路检修")
    single = OutageFacts("temporary", switching_from_json({"open": [["T1", "A"]]}), NOW + HOUR, NOW + 5 * HOUR, "缺陷处理")
    return [service.enter(facts, by="control", now=NOW).id for facts in (fault, work, single)]


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
    client.app.state.shared = type(client.app.state.shared)(service, restricted, lambda: NOW)  # type: ignore[attr-defined]
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


def test_every_route_is_either_public_or_for_control(app: FastAPI) -> None:
    """Whoever adds a route says here who may see it."""
    control = {
        "/", "/control", "/control/preview", "/desk", "/docs", "/openapi.json",
        "/outages/{outage_id}", "/outages/{outage_id}/map", "/outages/{outage_id}/restored", "/outages/{outage_id}/cancelled",
        "/api/v1/outages", "/api/v1/outages/{outage_id}", "/api/v1/outages/{outage_id}/transitions",
        "/api/v1/outages/{outage_id}/affected.csv", "/api/v1/outages/{outage_id}/affected.geojson",
        "/api/v1/outages/{outage_id}/notice", "/api/v1/preview", "/api/v1/devices",
    }  # fmt: skip
    assert _paths(app.routes) == PUBLIC | control


def _paths(routes: Any) -> set[str]:
    found = set()
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if isinstance(route, APIRoute) or (hasattr(route, "methods") and not inner):
            found.add(route.path)
        elif inner:
            found |= _paths(inner)
    return found


def test_the_background_is_what_everybody_knows(client: TestClient) -> None:
    layer = client.get("/api/v1/public/places.geojson").json()
    assert [(item["properties"]["kind"], item["properties"]["name_en"]) for item in layer["features"]] == [
        ("county", "Donggang"), ("town", "Xihe"), ("town", "Dongshan"),
        ("community", "Willow Bank"), ("community", "Mill Lane"), ("community", "Little Hill"),
    ]  # fmt: skip
    assert set(json.dumps(layer)) - set("\0")  # it is text that a browser can read
