"""The JSON interface: what it answers, and every error as a problem document."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.problems import PROBLEMS, TYPE_PREFIX
from api.schemas import ProblemOut
from tests.api.town import NOW

OUTAGES = "/api/v1/outages"


def body(**changes: Any) -> dict[str, Any]:
    given = {
        "outage_class": "planned",
        "switching": {"open": ["S1", "L2"], "close": ["TIE"]},
        "start": "2026-05-02T08:30:00+08:00",
        "end": "2026-05-02T16:00:00+08:00",
        "reason": "线路检修",
    }
    return {**given, **changes}


@pytest.fixture
def entered(client: TestClient) -> dict[str, Any]:
    answer = client.post(OUTAGES, json=body())
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


def test_an_outage_is_entered_and_stands_at_its_address(client: TestClient) -> None:
    answer = client.post(OUTAGES, json=body())
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    outage = answer.json()
    assert answer.headers["location"] == f"{OUTAGES}/{outage['id']}"
    found = client.get(answer.headers["location"])
    assert found.json() == {**outage, "history": found.json()["history"]}
    assert found.json()["history"][0]["body"]["facts"]["reason"] == "线路检修"
    assert (outage["status"], outage["when"], outage["overdue"]) == ("approved", "planned", False)
    assert outage["start"] == "2026-05-02T00:30:00Z"
    assert outage["impact"]["counts"]["customers"] == 10
    assert outage["impact"]["feeders"] == ["10kV西河线"]


def test_a_repeated_post_enters_nothing_twice(client: TestClient) -> None:
    headers = {"Idempotency-Key": "a-key-of-mine"}
    first, second = (client.post(OUTAGES, json=body(), headers=headers).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert len(client.get(OUTAGES).json()["planned"]) == 1


@pytest.mark.parametrize(("when", "listed"), [(None, 1), ("planned", 1), ("current", 0), ("past", 0)])
def test_the_list_is_parted_by_what_goes_on(client: TestClient, entered: dict[str, Any], when: str | None, listed: int) -> None:
    board = client.get(OUTAGES, params={"when": when} if when else {}).json()
    assert datetime.fromisoformat(board.pop("at")) == NOW
    assert sum(len(part) for part in board.values()) == listed


def test_power_is_confirmed_back_on_the_revision_that_was_seen(client: TestClient) -> None:
    start = (NOW - timedelta(hours=1)).isoformat()
    made = client.post(OUTAGES, json=body(outage_class="fault", switching={"fault": ["L3"]}, start=start, end=None)).json()
    steps = f"{OUTAGES}/{made['id']}/transitions"
    done = client.post(steps, json={"to": "restored"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["status"], done.json()["revision"]) == (200, "restored", 2)
    stale = client.post(steps, json={"to": "cancelled", "reason": "x"}, headers={"If-Match": "1"})
    assert stale.status_code == 409
    assert stale.json()["newer"] == {
        "id": made["id"],
        "revision": 2,
        "status": "restored",
        "changed_at": "2026-05-01T01:00:00+00:00",
    }


def test_an_outage_is_cancelled_with_its_reason(client: TestClient, entered: dict[str, Any]) -> None:
    steps = f"{OUTAGES}/{entered['id']}/transitions"
    done = client.post(steps, json={"to": "cancelled", "reason": "rain"}, headers={"If-Match": '"1"'})
    assert done.json()["when"] == "past"
    assert client.get(f"{OUTAGES}/{entered['id']}").json()["history"][1]["body"] == {"reason": "rain"}


def test_the_lists_are_taken_away_as_files(client: TestClient, entered: dict[str, Any]) -> None:
    table = client.get(f"{OUTAGES}/{entered['id']}/affected.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == f'attachment; filename="affected-{entered["id"]}.csv"'
    assert table.content.count(b"\r\n") == 11
    layer = client.get(f"{OUTAGES}/{entered['id']}/affected.geojson")
    assert layer.headers["content-type"] == "application/geo+json"
    assert len(layer.json()["features"]) == 10


def test_the_notice_comes_in_every_language_or_in_one(client: TestClient, entered: dict[str, Any]) -> None:
    address = f"{OUTAGES}/{entered['id']}/notice"
    assert [notice["language"] for notice in client.get(address).json()] == ["zh", "en"]
    (english,) = client.get(address, params={"language": "en"}).json()
    assert "Mill Lane" in english["body"]


def test_a_preview_counts_names_and_lists(client: TestClient) -> None:
    answer = client.post("/api/v1/preview?head=2", json={"open": ["S1"]}).json()
    assert answer["counts"]["customers"] == 16
    assert [customer["id"] for customer in answer["customers"]] == ["q1", "q2"]
    assert "Mill Lane" in answer["scope"]["en"]
    assert client.get(OUTAGES).json()["planned"] == []


def test_one_phase_can_be_opened(client: TestClient) -> None:
    counts = client.post("/api/v1/preview", json={"open": [["S1", "B"]]}).json()["counts"]
    assert (counts["partial"], counts["out"]) == (16, 0)


def test_devices_are_suggested(client: TestClient) -> None:
    (tie,) = client.get("/api/v1/devices", params={"q": "联络"}).json()
    assert tie == {"id": "TIE", "kind": "switch", "name": "联络开关", "feeder": "10kV东山线", "normally_open": True}


def test_the_process_says_that_it_lives(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}


JSON = {"Content-Type": "application/json"}
SURROGATE = b'{"open": ["\\ud800"]}'


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code", "fields"),
    [
        ("GET", f"{OUTAGES}/nothing", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/affected.csv", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/affected.geojson", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/notice", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/<script>", {}, 404, "unknown-outage", []),
        ("GET", "/api/v1/nothing", {}, 404, "not-found", []),
        ("DELETE", OUTAGES, {}, 405, "method-not-allowed", []),
        ("GET", f"{OUTAGES}?when=never", {}, 422, "request", ["query.when"]),
        ("GET", "/api/v1/devices?limit=0", {}, 422, "request", ["query.limit"]),
        ("POST", OUTAGES, {"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, "request", ["body.1"]),
        ("POST", OUTAGES, {"content": b"open=S1"}, 422, "request", ["body"]),
        ("POST", OUTAGES, {"json": {}}, 422, "request", ["body.outage_class", "body.switching", "body.start", "body.reason"]),
        ("POST", OUTAGES, {"json": body(colour="green")}, 422, "request", ["body.colour"]),
        ("POST", OUTAGES, {"json": body(outage_class="storm")}, 422, "facts", ["outage_class"]),
        ("POST", OUTAGES, {"json": body(start="2026-05-02T08:30:00")}, 422, "facts", ["start"]),
        ("POST", OUTAGES, {"json": body(start="soon")}, 422, "request", ["body.start"]),
        ("POST", OUTAGES, {"json": body(end=None)}, 422, "facts", ["end"]),
        ("POST", OUTAGES, {"json": body(reason=" ")}, 422, "facts", ["reason"]),
        ("POST", OUTAGES, {"json": body(reason="a\x00b")}, 422, "facts", ["reason"]),
        ("POST", OUTAGES, {"json": body(switching={})}, 422, "facts", ["open"]),
        ("POST", OUTAGES, {"json": body(switching={"open": ["S9", "S8"]})}, 422, "facts", ["open", "open"]),
        ("POST", OUTAGES, {"json": body(switching={"open": ["S1"], "close": ["S1"]})}, 422, "facts", ["close"]),
        ("POST", OUTAGES, {"json": body(), "headers": {"Idempotency-Key": "short"}}, 422, "request", ["header.idempotency-key"]),
        ("POST", f"{OUTAGES}/nothing/transitions", {"json": {"to": "restored"}}, 422, "request", ["header.if-match"]),
        (
            "POST",
            f"{OUTAGES}/nothing/transitions",
            {"json": {"to": "restored"}, "headers": {"If-Match": '"1"'}},
            404,
            "unknown-outage",
            [],
        ),
        ("POST", "/api/v1/preview", {"json": {"open": ["S9"]}}, 422, "facts", ["open"]),
        ("POST", "/api/v1/preview", {"json": {"open": [["S1", "Z"]]}}, 422, "facts", ["phases"]),
        ("POST", "/api/v1/preview", {"json": {"open": ["x" * 201]}}, 422, "request", None),
        (
            "POST",
            "/api/v1/preview",
            {"content": SURROGATE, "headers": JSON},
            422,
            "request",
            None,
        ),
        (
            "POST",
            "/api/v1/preview",
            {"json": {"open": ["S1"]}, "headers": {"Origin": "http://evil.example"}},
            403,
            "cross-site",
            [],
        ),
        ("POST", OUTAGES, {"json": body(), "headers": {"Sec-Fetch-Site": "cross-site"}}, 403, "cross-site", []),
        ("POST", OUTAGES, {"json": body(reason="x" * 1_000_001)}, 413, "content-too-large", []),
        ("GET", OUTAGES, {"headers": {"Host": "evil.example"}}, 421, "unknown-host", []),
    ],
)
def test_every_error_is_a_problem_document(
    client: TestClient, method: str, path: str, sent: dict[str, Any], *, status: int, code: str, fields: list[str] | None
) -> None:
    answer = client.request(method, path, **sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    ProblemOut.model_validate(problem)
    assert problem["type"] == TYPE_PREFIX + code
    assert problem["status"] == status
    assert problem["instance"] == path.partition("?")[0].replace("<", "%3C").replace(">", "%3E") or "<" in path
    assert len(problem["detail"]) > 20
    if fields is not None:
        assert [error["field"] for error in problem.get("errors", [])] == fields
    assert client.get(OUTAGES).json()["planned"] == []


def test_a_message_never_repeats_what_was_sent_where_it_was_malformed(client: TestClient) -> None:
    answer = client.post(OUTAGES, json=body(end={"secret": "13800000000"}))
    assert answer.status_code == 422
    assert "13800000000" not in answer.text


def test_an_error_nobody_expected_says_nothing_about_itself(app: FastAPI) -> None:
    @app.get("/api/v1/broken")
    def broken() -> None:
        raise RuntimeError("password=secret")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/broken")
    assert answer.status_code == 500
    assert answer.json()["type"] == TYPE_PREFIX + "unexpected"
    assert "secret" not in answer.text
    assert "Content-Security-Policy" in answer.headers


def test_a_store_that_is_gone_is_said_and_does_not_crash(client: TestClient) -> None:
    engine = client.app.state.shared.service._store._engine  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE events")
    answer = client.get(OUTAGES)
    assert (answer.status_code, answer.json()["type"]) == (503, TYPE_PREFIX + "store")


def test_kinds_of_problems_have_codes_of_their_own() -> None:
    codes = [kind.code for kind in PROBLEMS.values()]
    assert len(set(codes)) == len(codes)


def test_the_description_names_every_route_and_every_error_as_a_problem_document(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        OUTAGES,
        *(f"{OUTAGES}/{{outage_id}}{rest}" for rest in ("", "/transitions", "/affected.csv", "/affected.geojson", "/notice")),
        "/api/v1/preview",
        "/api/v1/devices",
        "/api/v1/public/outages.geojson",
        "/api/v1/public/places.geojson",
        "/health/live",
    }
    for path, operations in described["paths"].items():
        for operation in operations.values():
            errors = {status: answer for status, answer in operation["responses"].items() if not status.startswith("2")}
            assert errors, path
            assert all(set(answer["content"]) == {"application/problem+json"} for answer in errors.values()), path
            assert operation["description"], path
    assert "HTTPValidationError" not in json.dumps(described)
