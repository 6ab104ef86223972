"""Who may use which route: one table says it, and every route is in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount
from starlette.testclient import TestClient

from api.app import create_app
from api.people import accounts
from api.people.access import ForbiddenError, Rule, require
from api.people.roles import ROLES, TOKEN_PERMISSIONS, person
from api.people.sessions import COOKIE
from api.service import Service
from api.settings import Settings
from tests.api.signed import machine, new_client, sign_in
from tests.api.town import NOW

ANYONE = "anyone"
PEOPLE = "people"

EXPECTED = {
    "GET /": ANYONE,
    "GET /map": ANYONE,
    "GET /sign-in": ANYONE,
    "POST /sign-in": ANYONE,
    "POST /sign-in/demo": ANYONE,
    "GET /sign-in/oidc": ANYONE,
    "GET /sign-in/oidc/back": ANYONE,
    "GET /favicon.ico": ANYONE,
    "GET /health/live": ANYONE,
    "GET /health/ready": ANYONE,
    "GET /api/v1/public/outages.geojson": ANYONE,
    "GET /api/v1/public/places.geojson": ANYONE,
    "GET /api/v1/public/outages.atom": ANYONE,
    "GET /api/v1/public/outages.ics": ANYONE,
    "GET /api/v1/public/outages.json": ANYONE,
    "GET /api/v1/public/alerts/{identifier}.xml": ANYONE,
    "POST /sign-out": PEOPLE,
    "GET /account": PEOPLE,
    "POST /account": PEOPLE,
    "GET /accounts": "admin",
    "POST /accounts": "admin",
    "POST /accounts/{action}": "admin",
    "POST /tokens": "admin",
    "POST /tokens/revoked": "admin",
    "GET /metrics": "metrics",
    "GET /docs": "read",
    "GET /openapi.json": "read",
    "GET /control": "read",
    "POST /control": "enter",
    "POST /control/preview": "read lists",
    "GET /desk": "read",
    "POST /outages/{outage_id}/notices": "notices",
    "GET /notices/{notice_id}": "read",
    "POST /notices/{notice_id}/saved": "notices",
    "POST /notices/{notice_id}/submitted": "notices",
    "POST /notices/{notice_id}/approved": "approve|approve_major",
    "POST /notices/{notice_id}/rejected": "approve",
    "POST /notices/{notice_id}/withdrawn": "notices",
    "POST /notices/{notice_id}/issued": "notices",
    "POST /notices/{notice_id}/dropped": "notices",
    "POST /notices/{notice_id}/redrafted": "notices",
    "POST /notices/{notice_id}/retried": "notices",
    "POST /notices/{notice_id}/given_up": "notices",
    "POST /notices/{notice_id}/acknowledged": "notices",
    "GET /outages/{outage_id}": "read",
    "GET /outages/{outage_id}/map": "read lists",
    "GET /outages/{outage_id}/revise": "enter",
    "POST /outages/{outage_id}/revise": "enter",
    "POST /outages/{outage_id}/submitted": "enter",
    "POST /outages/{outage_id}/approved": "approve",
    "POST /outages/{outage_id}/rejected": "approve",
    "POST /outages/{outage_id}/switched_off": "enter",
    "POST /outages/{outage_id}/staged": "enter",
    "POST /outages/{outage_id}/restored": "enter",
    "POST /outages/{outage_id}/closed": "enter",
    "POST /outages/{outage_id}/cancelled": "enter",
    "POST /outages/{outage_id}/undone": "enter|approve",
    "GET /api/v1/outages": "read",
    "POST /api/v1/outages": "enter",
    "POST /api/v1/outages/preview": "read",
    "GET /api/v1/outages/{outage_id}": "read",
    "PUT /api/v1/outages/{outage_id}": "enter",
    "POST /api/v1/outages/{outage_id}/transitions": "enter|approve",
    "GET /api/v1/outages/{outage_id}/revisions/{revision}": "read",
    "GET /api/v1/outages/{outage_id}/diff": "read",
    "GET /api/v1/outages/{outage_id}/conflicts": "read",
    "GET /api/v1/outages/{outage_id}/notice": "read",
    "GET /api/v1/outages/{outage_id}/affected": "lists",
    "GET /api/v1/outages/{outage_id}/affected.csv": "lists",
    "GET /api/v1/outages/{outage_id}/affected.geojson": "lists",
    "GET /api/v1/outages/{outage_id}/affected.gpkg": "lists",
    "POST /api/v1/outages/{outage_id}/notices": "notices",
    "GET /api/v1/notices": "read",
    "GET /api/v1/notices/{notice_id}": "read",
    "PUT /api/v1/notices/{notice_id}/texts/{key:path}": "notices",
    "POST /api/v1/notices/{notice_id}/transitions": "notices|approve|approve_major",
    "GET /api/v1/notices/{notice_id}/messages": "lists",
    "GET /api/v1/notices/{notice_id}/messages/{position}/proofs": "lists",
    "POST /api/v1/notices/{notice_id}/messages/retry": "notices",
    "POST /api/v1/notices/{notice_id}/messages/give-up": "notices",
    "GET /api/v1/notices/{notice_id}/to-call": "lists personal",
    "POST /api/v1/notices/{notice_id}/acknowledgements": "notices",
    "GET /api/v1/devices": "read",
    "GET /api/v1/devices/{device_id:path}": "read",
    "GET /api/v1/devices/{device_id:path}/isolation": "read",
    "POST /api/v1/ties": "read",
    "GET /api/v1/stream": "read",
}
"""Every route and the permissions that it needs: all of them, or with ``|`` one."""

MACHINE_PATHS = ("/api/", "/metrics", "/openapi.json")
WHO = [*ROLES, *(f"program:{permission}" for permission in TOKEN_PERMISSIONS), "nobody"]


def rules_of(dependant: Dependant) -> Iterator[Rule]:
    for one in dependant.dependencies:
        if isinstance(one.call, Rule):
            yield one.call
        yield from rules_of(one)


def routes(app: FastAPI) -> list[BaseRoute]:
    """All routes of the application; an included router stands for its own."""
    return [
        own for route in app.routes for own in (route.original_router.routes if hasattr(route, "original_router") else [route])
    ]


def operations(app: FastAPI) -> dict[str, APIRoute]:
    found = [route for route in routes(app) if isinstance(route, APIRoute)]
    return {f"{method} {route.path}": route for route in found for method in sorted(route.methods - {"HEAD"})}


def test_every_route_is_one_that_can_carry_a_rule_or_serves_files_that_are_public(app: FastAPI) -> None:
    others = [route for route in routes(app) if not isinstance(route, APIRoute)]
    assert {route.path for route in others if isinstance(route, Mount)} == {"/static", "/assets"}
    assert all(isinstance(route, Mount) for route in others), others


def test_every_route_has_exactly_one_rule(app: FastAPI) -> None:
    found = {name: len(list(rules_of(route.dependant))) for name, route in operations(app).items()}
    assert {name: count for name, count in found.items() if count != 1} == {}


def test_every_route_is_in_the_table(app: FastAPI) -> None:
    assert set(operations(app)) == set(EXPECTED)


def expected_status(operation: str, who: str) -> int:
    """401 or 403 where the table refuses; 200 where it lets pass, whatever the route says then."""
    needed = EXPECTED[operation]
    if needed == ANYONE:
        return 200
    path = operation.partition(" ")[2]
    if who == "nobody":
        return 401 if path.startswith(MACHINE_PATHS) else 303
    is_program = who.startswith("program:")
    if needed == PEOPLE:
        return 403 if is_program else 200
    held = {who.partition(":")[2]} if is_program else ROLES[who]
    if "|" in needed:
        return 200 if held & set(needed.split("|")) else 403
    return 200 if held >= set(needed.split()) else 403


@pytest.fixture
def clients(app: FastAPI) -> dict[str, TestClient]:
    people = {role: new_client(app, role) for role in ROLES}
    programs = {f"program:{one}": machine(app, [one]) for one in TOKEN_PERMISSIONS}
    return {**people, **programs, "nobody": new_client(app)}


NAMED = {
    "outage_id": "nothing",
    "notice_id": "nothing",
    "key:path": "first/en/web",
    "position": "1",
    "device_id:path": "nothing",
    "action": "unlock",
    "revision": "1",
}
"""What stands in an address in the place of a name."""


def ask(client: TestClient, operation: str) -> int:
    """Return 401, 403 or 303 (to sign in) where ``client`` is refused, else 200, whatever the route says then."""
    method, _, path = operation.partition(" ")
    for name, value in NAMED.items():
        path = path.replace(f"{{{name}}}", value)
    form = {"data": {"x": "y"}} if method == "POST" and not path.startswith(MACHINE_PATHS) else {}
    answer = client.request(method, path, **form)  # type: ignore[arg-type]
    sent_away = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
    return answer.status_code if sent_away or answer.status_code in (401, 403) else 200


def test_each_role_gets_what_the_table_says(client: TestClient, clients: dict[str, TestClient]) -> None:
    # Signing out is asked for below; a demonstration refuses people that it does not have; a stream does not end.
    asked = [one for one in EXPECTED if one not in ("POST /sign-out", "POST /sign-in/demo", "GET /api/v1/stream")]
    expected = {operation: {who: expected_status(operation, who) for who in WHO} for operation in asked}
    assert {operation: {who: ask(one, operation) for who, one in clients.items()} for operation in asked} == expected


def test_a_stream_begins_for_whoever_may_read_only(client: TestClient, clients: dict[str, TestClient]) -> None:
    refused = [who for who in WHO if expected_status("GET /api/v1/stream", who) != 200]
    assert refused
    assert [ask(clients[who], "GET /api/v1/stream") for who in refused] == [403] * (len(refused) - 1) + [401]


def test_whoever_signs_out_is_out_and_only_people_are_in(clients: dict[str, TestClient]) -> None:
    assert {who: one.post("/sign-out").status_code for who, one in clients.items()} == {
        who: 403 if who.startswith("program:") else 303 for who in WHO
    }


def test_what_is_forbidden_is_said_with_who_may(viewer: TestClient) -> None:
    page = viewer.get("/accounts?lang=en")
    assert page.status_code == 403
    assert "Your role may not do that" in page.text
    assert "Who may: Administrator" in page.text
    problem = viewer.get("/metrics").json()
    assert problem["type"] == "urn:gridnotice:problem:forbidden"
    assert "The role viewer may not do that: it needs metrics (role admin)" in problem["detail"]


def test_a_program_without_a_token_is_told_what_to_send(nobody: TestClient) -> None:
    answer = nobody.get("/api/v1/outages")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="gridnotice"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Authorization: Bearer" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer nonsense", "Bearer gnt_0123456789ab_" + "x" * 43, "Basic YTpi", "\xff"])
def test_what_is_no_token_opens_nothing_and_breaks_nothing(nobody: TestClient, header: str) -> None:
    headers = {"Authorization": header.encode("latin-1")}
    assert nobody.get("/api/v1/outages", headers=headers).status_code == 401
    assert nobody.get("/api/v1/public/outages.geojson", headers=headers).status_code == 200


def test_a_token_goes_before_a_cookie(client: TestClient) -> None:
    assert client.get("/api/v1/outages", headers={"Authorization": "Bearer over"}).status_code == 401


@pytest.mark.parametrize("dest", ["empty", "script", "image"])
def test_a_script_of_a_page_is_not_sent_to_the_form_in_place_of_its_answer(nobody: TestClient, dest: str) -> None:
    answer = nobody.post("/control/preview", headers={"Sec-Fetch-Dest": dest})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/outages/7?lang=en", "/sign-in?next=/outages/7%3Flang%3Den"),
        ("http://testserver/", "/sign-in"),
        ("", "/sign-in"),
        ("//evil", "/sign-in"),
    ],
)
def test_after_a_form_one_comes_back_to_the_page_that_it_was_on(nobody: TestClient, referer: str, back: str) -> None:
    answer = nobody.post("/control", headers={"Referer": referer} if referer else {})
    assert (answer.status_code, answer.headers["location"]) == (303, back)


FORMS = [{}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "ü"}]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_without_the_word_of_the_session_changes_nothing(client: TestClient, form: dict[str, str]) -> None:
    del client.headers["X-CSRF-Token"]
    for path in ("/sign-out", "/control", "/control/preview", "/account"):
        answer = client.post(f"{path}?lang=en", data=form)
        assert answer.status_code == 403
        assert "The form is not from this session" in answer.text
    assert (
        client.post("/api/v1/outages/preview", json={"switching": {"open": ["S1"]}}).json()["type"]
        == "urn:gridnotice:problem:form"
    )
    assert client.get("/desk").status_code == 200


def test_the_word_of_one_session_is_worth_nothing_in_another(client: TestClient, app: FastAPI) -> None:
    client.headers["X-CSRF-Token"] = new_client(app, "control").headers["X-CSRF-Token"]
    assert client.post("/sign-out").status_code == 403


def test_the_word_comes_in_a_field_or_in_a_header(client: TestClient) -> None:
    word = client.headers.pop("X-CSRF-Token")
    assert client.post("/control/preview", data={"csrf": word}).status_code == 200
    assert client.post("/control/preview", files={"csrf": (None, word)}).status_code == 200  # multipart
    given = {"json": {"switching": {"open": ["S1"]}}, "headers": {"X-CSRF-Token": word}}
    assert client.post("/api/v1/outages/preview", **given).status_code == 200  # type: ignore[arg-type]


def test_a_program_needs_no_word_of_forms(app: FastAPI) -> None:
    assert machine(app, ["read"]).post("/api/v1/outages/preview", json={"switching": {"open": ["S1"]}}).status_code == 200


def test_public_data_is_limited_by_address_and_everything_else_is_not(service: Service, settings: Settings) -> None:
    client = new_client(create_app(service, settings.model_copy(update={"public_per_minute": 3}), lambda: NOW))
    statuses = [client.get("/api/v1/public/places.geojson").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = client.get("/map?lang=en")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) in range(50, 61)
    assert "Wait a minute" in refused.text
    assert client.get("/health/live").status_code == 200
    assert client.get("/").status_code == 200


def test_proxies_that_are_trusted_say_who_asks(service: Service, settings: Settings) -> None:
    proxied = Settings(network="x", trusted_proxies=["10.0.0.0/8"]).trusted_proxies
    changed = settings.model_copy(update={"public_per_minute": 1, "trusted_proxies": proxied})
    app = create_app(service, changed, lambda: NOW)

    def ask(peer: str, forwarded: str) -> int:
        client = TestClient(app, client=(peer, 1))
        return client.get("/api/v1/public/places.geojson", headers={"X-Forwarded-For": forwarded}).status_code

    assert [ask("10.0.0.1", "203.0.113.1"), ask("10.0.0.1", "203.0.113.2")] == [200, 200]
    assert ask("10.0.0.1", "203.0.113.3, 203.0.113.1") == 429  # what stands further left was written by whoever asks
    assert [ask("198.51.100.7", "203.0.113.4"), ask("198.51.100.7", "203.0.113.5")] == [200, 429]


def test_a_length_that_is_no_number_is_refused(nobody: TestClient) -> None:
    assert nobody.post("/sign-in", headers={"Content-Length": "many"}).status_code == 400


def test_the_first_page_shows_nothing_of_the_grid_to_whoever_has_not_signed_in(nobody: TestClient) -> None:
    page = nobody.get("/").text
    assert "/outages/" not in page
    assert "figures" not in page


def test_a_rule_in_the_code_asks_for_one_permission_at_hand() -> None:
    require(person("ana", "approver"), "approve")
    with pytest.raises(ForbiddenError, match="needs enter"):
        require(person("ana", "approver"), "enter")
    some = Rule(("enter", "approve"), some=True)
    assert [role for role in ROLES if some.allows(person("x", role))] == ["control", "approver", "head"]


def test_an_account_that_is_signed_in_loses_what_its_new_role_has_not(client: TestClient, service: Service) -> None:
    assert client.post("/control", data={}).status_code == 422
    accounts.set_role(service.store.database, "test-control", "viewer", now=NOW, by="root")
    assert client.post("/control", data={}).status_code == 403


def test_a_cookie_that_is_over_is_like_none(nobody: TestClient) -> None:
    nobody.cookies.set(COOKIE, "x" * 43)
    assert nobody.get("/desk").status_code == 303
    assert sign_in(nobody, "viewer").get("/desk").status_code == 200
