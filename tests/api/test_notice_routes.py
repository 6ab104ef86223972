"""Notices by JSON: from the draft to the last proof, what each role may do, and every error as a problem document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.notice_schemas import MESSAGE_STATES, NoticeStatus
from api.people.roles import ROLES
from api.problems import TYPE_PREFIX
from api.service import Service
from api.settings import Settings
from api.utility import utility_of
from notices.channels.parcel import Outcome
from notices.dossier import NEW, TRANSITIONS
from notices.outbox import Outbox
from outages.audit import read_audit
from outages.events import Approved, Cancelled, Outage, Submitted
from outages.facts import OutageFacts, Window, switching_from_json
from outages.store import open_store
from tests.api.signed import machine, new_client
from tests.api.town import NOW
from topology.network import Network

NOTICES = "/api/v1/notices"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORK = switching_from_json({"open": ["S1", "L2"], "close": ["TIE"]})
WEB = "first/en/web"

Told = dict[str, Any]


def plan(service: Service, *, start: timedelta = 9 * DAY, approved: bool = True) -> Outage:
    """Enter work that darkens ten customers, one of them on life support: by default early enough for the rules of China."""
    facts = OutageFacts("planned", WORK, (Window(NOW + start, NOW + start + 6 * HOUR),), "线路检修")
    outage = service.enter(facts, by="li.lei", now=NOW, submit=True)
    return service.record(outage.id, Approved(NOW, "boss"), seen=2) if approved else outage


@pytest.fixture
def service(town: Network, settings: Settings) -> Iterator[Service]:
    """The service of a utility that goes by the rules of China."""
    store = open_store(settings.store)
    yield Service(town, store, utility_of(settings))
    store.close()


@pytest.fixture
def outage(service: Service) -> Outage:
    return plan(service)


def draft(client: TestClient, outage: Outage, **asked: Any) -> Told:
    answer = client.post(f"/api/v1/outages/{outage.id}/notices", json=asked)
    assert answer.status_code == 201, answer.text
    made: Told = answer.json()
    assert answer.headers["location"] == f"{NOTICES}/{made['id']}"
    return made


def take(client: TestClient, notice: Told, to: str, *, status: int = 200, **more: Any) -> Told:
    """Take a step from the revision that ``notice`` shows, and return what the service answers."""
    address, seen = f"{NOTICES}/{notice['id']}/transitions", {"If-Match": f'"{notice["revision"]}"'}
    answer = client.post(address, json={"to": to, **more}, headers=seen)
    assert answer.status_code == status, answer.text
    told: Told = answer.json()
    return told


def save(client: TestClient, notice: Told, key: str, body: str, *, version: int = 1, title: str = "") -> Any:
    address = f"{NOTICES}/{notice['id']}/texts/{key}"
    return client.put(address, json={"title": title, "body": body}, headers={"If-Match": f'"{version}"'})


def text_of(notice: Told, key: str) -> Told:
    found: Told = next(one for one in notice["texts"] if one["key"] == key)
    return found


def kind_of(answer: Any) -> str:
    return str(answer.json()["type"]).removeprefix(TYPE_PREFIX)


def issue(desk: TestClient, approver: TestClient, outage: Outage) -> Told:
    notice = take(desk, draft(desk, outage), "submitted")
    return take(desk, take(approver, notice, "approved"), "issued")


# From the draft to the last proof.


def test_the_queue_says_what_is_due_by_which_rule_and_which_notice_is_open(desk: TestClient, outage: Outage) -> None:
    (one,) = desk.get(NOTICES).json()["waiting"]
    assert (one["outage"], one["change"], one["notice"]) == (outage.id, "first", None)
    due = next(due for due in one["dues"] if due["rule"] == "planned-announced")
    assert (due["audience"], due["status"], due["due_at"]) == ("public", "open", "2026-05-03T01:00:00Z")
    assert due["source"] == {"text": "供电监管办法, Art. 13", "read": "2026", "mark": "second_hand"}
    made = draft(desk, outage)
    (one,) = desk.get(NOTICES).json()["waiting"]
    assert one["notice"] == {name: made[name] for name in one["notice"]}


def test_a_draft_has_every_text_with_its_size_and_how_far_it_is_true(desk: TestClient, outage: Outage) -> None:
    notice = draft(desk, outage)
    assert (notice["id"], notice["status"], notice["kinds"], notice["authors"]) == (
        f"{outage.id}.1",
        "draft",
        ["first"],
        ["test-desk"],
    )
    assert (notice["findings"], notice["unwritten"], notice["late"], notice["checked"]) == ([], [], [], True)
    assert notice["possible"] == ["redrafted", "submitted", "dropped"]
    sms, radio = text_of(notice, "first/zh/sms"), text_of(notice, "first/zh/radio/15")
    assert (sms["sizes"]["encoding"], sms["sizes"]["parts"], sms["version"], sms["edited"]) == ("UCS-2", 2, 1, False)
    assert sms["scope"] == {"customers": 10, "over_named": 0, "widened": 0, "precision": 1.0}
    assert radio["sizes"]["seconds"] <= 15
    assert radio["scope"]["over_named"] > 0
    assert radio["scope"]["precision"] == round(10 / (10 + radio["scope"]["over_named"]), 4)


def test_a_notice_goes_from_an_edit_with_a_reason_to_the_proof_of_each_message(
    desk: TestClient, approver: TestClient, service: Service, outage: Outage
) -> None:
    notice = draft(desk, outage)
    web = text_of(notice, WEB)
    saved = save(desk, notice, WEB, web["body"].replace("95598", "95599"), title=web["title"])
    assert (saved.status_code, saved.headers["etag"], saved.json()["version"]) == (200, '"2"', 2)
    notice = desk.get(f"{NOTICES}/{notice['id']}").json()
    assert text_of(notice, WEB)["edited"]
    assert {(one["code"], one["severity"]) for one in notice["findings"]} == {
        ("phone_changed", "reason"),
        ("phone_disagrees", "reason"),
    }
    refused = take(desk, notice, "submitted", status=422)
    assert refused["type"] == TYPE_PREFIX + "findings"
    reasons = {one["key"]: "a line for this work" for one in refused["errors"]}
    assert set(reasons) == {one["key"] for one in notice["findings"]}
    notice = take(desk, notice, "submitted", reasons=reasons)
    assert {one["reason"] for one in notice["findings"]} == {"a line for this work"}
    notice = take(approver, notice, "approved", why="read")
    notice = take(desk, notice, "issued")
    assert (notice["status"], notice["approved_by"], notice["issued_by"]) == ("issued", "test-approver", "test-desk")
    assert [one["kind"] for one in notice["history"]] == ["drafted", "submitted", "approved", "issued"]
    assert "95599" in text_of(notice, WEB)["body"]

    page = desk.get(f"{NOTICES}/{notice['id']}/messages?limit=2").json()
    assert page["counts"]["sms"] == {"waiting": 1}
    rest = desk.get(f"{NOTICES}/{notice['id']}/messages?after={page['next']}").json()
    assert (len(page["messages"]), rest["next"]) == (2, None)
    sms = next(one for one in rest["messages"] if one["channel"] == "sms")
    assert (sms["address"], sms["audience"], sms["needs_ack"]) == ("13800000000", "life_support", True)

    (message,) = Outbox(service.store.database).claim("sms", limit=9, by="gateway", now=NOW, lease_s=60)
    Outbox(service.store.database).settle([(message, Outcome("refused", "no such number"))], by="gateway", now=NOW)
    dead = desk.get(f"{NOTICES}/{notice['id']}/messages?state=refused").json()["messages"]
    assert [(one["position"], one["last_error"]) for one in dead] == [(sms["position"], "no such number")]
    asked = {"positions": [sms["position"]], "why": "the number is right"}
    assert desk.post(f"{NOTICES}/{notice['id']}/messages/retry", json=asked).json() == {"positions": [sms["position"]]}
    assert desk.post(f"{NOTICES}/{notice['id']}/messages/give-up", json=asked).json() == {"positions": [sms["position"]]}
    proofs = desk.get(f"{NOTICES}/{notice['id']}/messages/{sms['position']}/proofs").json()
    assert [(one["what"], one["by"]) for one in proofs] == [
        ("refused", "gateway"),
        ("retried", "test-desk"),
        ("given_up", "test-desk"),
    ]


def test_whoever_is_on_life_support_is_called_until_somebody_has_reached_them(
    desk: TestClient, approver: TestClient, service: Service, outage: Outage
) -> None:
    address = f"{NOTICES}/{issue(desk, approver, outage)['id']}"
    called = desk.get(f"{address}/to-call").json()
    assert [(one["customer_id"], one["phone"]) for one in called] == [("q-home", "13800000000")]
    asked = {"customer_id": "q-home", "how": "called, the daughter answered"}
    answers = [desk.post(f"{address}/acknowledgements", json=asked) for _ in range(2)]
    assert [(one.status_code, one.json()["is_new"]) for one in answers] == [(201, True), (201, False)]
    assert desk.get(f"{address}/to-call").json() == []
    told = [row.entry for row in read_audit(service.store.database) if row.entry.what == "list exported"]
    assert [(entry.subject, entry.detail["what"], entry.detail["customers"]) for entry in told] == [
        (address.rpartition("/")[2], "to call", 1),
        (address.rpartition("/")[2], "to call", 0),
    ]


def test_a_change_after_the_issue_is_a_new_notice_that_refers_to_the_old(
    desk: TestClient, approver: TestClient, service: Service, outage: Outage
) -> None:
    first = issue(desk, approver, outage)
    assert desk.get(NOTICES).json()["waiting"] == []
    service.record(outage.id, Cancelled(NOW, "li.lei", "rain"), seen=outage.seq)
    second = draft(desk, outage)
    assert (second["id"], second["kinds"], second["refers_to"]) == (f"{outage.id}.2", ["cancellation"], [first["id"]])
    assert desk.get(f"{NOTICES}/{first['id']}").json()["texts"] == first["texts"]


def test_a_late_notice_is_submitted_only_with_the_reason_for_that(desk: TestClient, service: Service) -> None:
    notice = draft(desk, plan(service, start=DAY))
    assert notice["late"] == ["planned-told", "planned-announced"]
    assert take(desk, notice, "submitted", status=409)["type"] == TYPE_PREFIX + "notice-transition"
    assert take(desk, notice, "submitted", late_reason="storm damage")["late_reason"] == "storm damage"


# Who may do what.


def test_an_author_cannot_approve_and_another_person_can(desk: TestClient, approver: TestClient, outage: Outage) -> None:
    notice = draft(approver, outage)  # an approver may write too
    notice = take(approver, notice, "submitted")
    assert "approved" not in notice["possible"]
    refused = take(approver, notice, "approved", status=409)
    assert "test-approver" in refused["detail"]
    head = new_client(desk.app, "head")  # type: ignore[arg-type]
    assert take(head, notice, "approved")["status"] == "approved"


def test_a_major_outage_needs_the_head_of_department(desk: TestClient, approver: TestClient, service: Service) -> None:
    facts = OutageFacts("planned", WORK, (Window(NOW + 9 * DAY, NOW + 11 * DAY),), "线路检修")
    outage = service.record(service.enter(facts, by="li.lei", now=NOW, submit=True).id, Approved(NOW, "boss"), seen=2)
    notice = take(desk, draft(desk, outage), "submitted")
    assert notice["higher"]
    assert take(approver, notice, "approved", status=403)["type"] == TYPE_PREFIX + "forbidden"
    assert take(new_client(desk.app, "head"), notice, "approved")["approved_by"] == "test-head"  # type: ignore[arg-type]


def test_a_step_needs_its_own_permission(app: FastAPI, desk: TestClient, outage: Outage) -> None:
    address = f"{NOTICES}/{draft(desk, outage)['id']}/transitions"
    clients = {role: new_client(app, role) for role in ROLES}

    def may(to: str) -> set[str]:
        asked: Any = {"json": {"to": to, "why": "x"}, "headers": {"If-Match": '"9"'}}
        return {role for role, client in clients.items() if client.post(address, **asked).status_code != 403}

    for to in ("submitted", "withdrawn", "issued", "dropped"):
        assert may(to) == {"desk", "approver", "head"}, to
    for to in ("approved", "rejected"):
        assert may(to) == {"approver", "head"}, to


def test_addresses_are_told_only_to_whoever_may_see_personal_data(
    app: FastAPI, desk: TestClient, approver: TestClient, outage: Outage
) -> None:
    notice = issue(desk, approver, outage)
    address = f"{NOTICES}/{notice['id']}"
    viewer = new_client(app, "viewer")
    listed = viewer.get(f"{address}/messages")
    assert listed.status_code == 200
    assert "13800000000" not in listed.text
    assert {one["address"] for one in listed.json()["messages"]} == {None}
    position = listed.json()["messages"][-1]["position"]
    desk.post(f"{address}/messages/give-up", json={"positions": [position], "why": "moved away"})
    assert "13800000000" not in viewer.get(f"{address}/messages/{position}/proofs").text
    assert viewer.get(f"{address}/to-call").status_code == 403
    assert machine(app, ["read"]).get(f"{address}/messages").status_code == 403


# Two people at once, and what cannot be done.


def test_whoever_saves_second_is_told_the_newer_text(desk: TestClient, approver: TestClient, outage: Outage) -> None:
    notice = draft(desk, outage)
    body = text_of(notice, WEB)["body"]
    assert save(approver, notice, WEB, body + " Thank you.").status_code == 200
    refused = save(desk, notice, WEB, body + " Sorry.")
    assert (refused.status_code, kind_of(refused)) == (409, "stale-text")
    newer = refused.json()["newer"]
    assert (newer["version"], newer["saved_by"], newer["body"]) == (2, "test-approver", body + " Thank you.")
    assert save(desk, notice, WEB, body + " Thank you.").json()["version"] == 2  # a repeat whose answer was lost
    assert save(desk, notice, WEB, body + " Sorry.", version=2).json()["version"] == 3


def test_a_step_from_an_old_revision_tells_the_newer_one(desk: TestClient, outage: Outage) -> None:
    notice = draft(desk, outage)
    take(desk, notice, "submitted")
    refused = take(desk, notice, "withdrawn", status=409)
    assert refused["type"] == TYPE_PREFIX + "stale-notice"
    assert (refused["newer"]["revision"], refused["newer"]["status"]) == (2, "submitted")


def test_a_notice_that_is_open_is_written_anew_only_where_that_is_asked_for(desk: TestClient, outage: Outage) -> None:
    draft(desk, outage)
    refused = desk.post(f"/api/v1/outages/{outage.id}/notices", json={})
    assert (refused.status_code, kind_of(refused)) == (409, "notice-transition")
    assert [one["kind"] for one in draft(desk, outage, anew=True)["history"]] == ["drafted", "redrafted"]


def test_texts_that_are_out_of_date_go_no_further(
    desk: TestClient, approver: TestClient, service: Service, outage: Outage
) -> None:
    notice = take(desk, draft(desk, outage), "submitted")
    later = OutageFacts("planned", WORK, (Window(NOW + 10 * DAY, NOW + 10 * DAY + HOUR),), "线路检修")
    moved = service.revise(outage.id, later, why="crew", seen=outage.seq, by="li.lei", now=NOW)
    moved = service.record(outage.id, Submitted(NOW, "li.lei"), seen=moved.seq) if moved.status == "draft" else moved
    service.record(outage.id, Approved(NOW, "boss"), seen=moved.seq)
    assert take(approver, notice, "approved", status=409)["type"] == TYPE_PREFIX + "outdated"
    notice = draft(desk, outage, anew=True)
    assert notice["status"] == "draft"
    assert "11 May 2026" in text_of(notice, WEB)["body"]


def test_what_is_issued_never_changes(desk: TestClient, approver: TestClient, outage: Outage) -> None:
    notice = issue(desk, approver, outage)
    assert notice["possible"] == notice["allowed"] == []
    refused = save(desk, notice, WEB, "Nothing happened.")
    assert (refused.status_code, kind_of(refused)) == (409, "notice-transition")
    assert kind_of(desk.post(f"{NOTICES}/{notice['id']}/transitions", json={"to": "issued"}, headers={"If-Match": '"4"'})) == (
        "notice-transition"
    )
    assert desk.get(f"{NOTICES}/{notice['id']}/messages").json()["counts"]["sms"] == {"waiting": 1}


NOWHERE = "20260501-NONE.1"
WRONG: list[tuple[str, str, Any, int, str]] = [
    ("GET", f"/{NOWHERE}", None, 404, "unknown-notice"),
    ("PUT", f"/{NOWHERE}/texts/first/en/web", {"body": "x"}, 404, "unknown-notice"),
    ("POST", f"/{NOWHERE}/transitions", {"to": "issued"}, 404, "unknown-notice"),
    ("GET", f"/{NOWHERE}/messages", None, 404, "unknown-notice"),
    ("GET", f"/{NOWHERE}/messages/1/proofs", None, 404, "unknown-notice"),
    ("POST", f"/{NOWHERE}/messages/retry", {"positions": [1], "why": "x"}, 404, "unknown-notice"),
    ("GET", f"/{NOWHERE}/to-call", None, 404, "unknown-notice"),
    ("POST", f"/{NOWHERE}/acknowledgements", {"customer_id": "q1", "how": "x"}, 404, "unknown-notice"),
    ("PUT", "/ID/texts/first/en/pigeon", {"body": "x"}, 409, "notice-transition"),
    ("PUT", "/ID/texts/web", {"body": "x"}, 422, "request"),
    ("PUT", "/ID/texts/first/en/web", {"body": "\x00"}, 422, "request"),
    ("PUT", "/ID/texts/first/en/web", {"body": "x" * 20_001}, 422, "request"),
    ("POST", "/ID/transitions", {"to": "published"}, 422, "request"),
    ("POST", "/ID/transitions", {"to": "dropped"}, 422, "facts"),
    ("POST", "/ID/messages/retry", {"positions": [7], "why": "x"}, 404, "not-found"),
    ("POST", "/ID/messages/retry", {"positions": [], "why": "x"}, 422, "request"),
    ("GET", "/ID/messages?state=lost", None, 422, "request"),
    ("POST", "/ID/acknowledgements", {"customer_id": "q1", "how": "x"}, 409, "notice-transition"),
]


def test_every_error_is_a_problem_document(desk: TestClient, outage: Outage) -> None:
    notice = draft(desk, outage)
    for method, path, body, status, kind in WRONG:
        answer = desk.request(method, NOTICES + path.replace("/ID", f"/{notice['id']}"), json=body, headers={"If-Match": '"1"'})
        assert (answer.status_code, kind_of(answer)) == (status, kind), (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert desk.get(f"{NOTICES}/{notice['id']}").json() == notice


def test_what_has_nothing_to_tell_gets_no_notice_and_says_why(desk: TestClient, service: Service) -> None:
    plan(service, approved=False)
    outage = service.live.list_outages()[0]
    refused = desk.post(f"/api/v1/outages/{outage.id}/notices", json={})
    assert (refused.status_code, kind_of(refused)) == (422, "notice")
    assert refused.json()["errors"][0]["code"] == "nothing_new"
    assert desk.post("/api/v1/outages/20260501-NONE/notices", json={}).status_code == 404


def test_the_words_of_the_interface_are_those_of_the_domain() -> None:
    assert set(NoticeStatus.__args__) == set(TRANSITIONS) - {NEW}  # type: ignore[attr-defined]
    assert len(MESSAGE_STATES) == 6
