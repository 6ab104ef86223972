"""The JSON interface: an outage from draft to closed, what each role sees, and every error as a problem document."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyogrio
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from api.lists import COLUMNS, CONTACT
from api.people.access import CsrfError, ForbiddenError, PasswordDueError, SignInError
from api.people.accounts import BusyError
from api.people.limits import TooManyRequestsError
from api.people.roles import ANYONE
from api.problems import PROBLEMS, TYPE_PREFIX, CrossSiteError, UnknownHostError, problem_of
from api.publishing import FindingsError, OutdatedError
from api.schemas import ProblemOut
from api.service import NetworkChangedError, Service, UnknownRevisionError
from notices.crosscheck import Finding
from notices.dossier import NoticeTransitionError
from notices.dossier import begin as begin_notice
from notices.drafts import Draft, StaleDraftError
from notices.facts import NoticeError
from notices.history import Drafted, Text, TextKey
from notices.outbox import OutboxError
from notices.registry import StaleNoticeError, UnknownNoticeError
from outages.audit import read_audit
from outages.events import Entered
from outages.facts import FactProblem, FactsError, Operation, OutageFacts, Switching, Window
from outages.lifecycle import TransitionError, fold
from outages.store import KeyReusedError, StaleWriteError, StoreError, UnknownOutageError
from tests.api.signed import new_client, sign_in
from tests.api.town import NOW
from topology.network import UnknownIdError

OUTAGES = "/api/v1/outages"
PREVIEW = f"{OUTAGES}/preview"
START, END = "2026-05-02T08:30:00+08:00", "2026-05-02T16:00:00+08:00"
LATER = {"start": "2026-05-02T09:00:00+08:00", "end": "2026-05-02T17:00:00+08:00"}


def body(**changes: Any) -> dict[str, Any]:
    given = {
        "outage_class": "planned",
        "switching": {"open": ["S1", "L2"], "close": ["TIE"]},
        "start": START,
        "end": END,
        "reason": "线路检修",
        "contact": "李工 13811112222",
    }
    return {**given, **changes}


def fault(**changes: Any) -> dict[str, Any]:
    start = (NOW - timedelta(hours=1)).isoformat()
    return {"outage_class": "fault", "switching": {"fault": ["L2"]}, "start": start, "reason": "电缆故障", **changes}


def enter(client: TestClient, asked: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = client.post(OUTAGES, json=asked or body())
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def take(client: TestClient, outage: dict[str, Any], to: str, **more: Any) -> dict[str, Any]:
    """Take a step from the revision that ``outage`` shows, and return the outage after it."""
    address = f"{OUTAGES}/{outage['id']}/transitions"
    answer = client.post(address, json={"to": to, **more}, headers={"If-Match": f'"{outage["revision"]}"'})
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{outage["revision"] + 1}"'
    after: dict[str, Any] = answer.json()
    return after


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


@pytest.fixture
def entered(client: TestClient) -> dict[str, Any]:
    return enter(client)


# From draft to closed.


def test_an_outage_is_entered_as_a_draft_and_stands_at_its_address(client: TestClient) -> None:
    answer = client.post(OUTAGES, json=body(why="yearly inspection"))
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    outage = answer.json()
    assert answer.headers["location"] == f"{OUTAGES}/{outage['id']}"
    found = client.get(answer.headers["location"])
    assert found.headers["etag"] == '"1"'
    assert found.json() == {**outage, "history": found.json()["history"]}
    (event,) = found.json()["history"]
    assert (event["kind"], event["change"], event["why"], event["status"]) == ("entered", "00", "yearly inspection", "draft")
    assert (outage["status"], outage["when"], outage["overdue"]) == ("draft", "draft", False)
    assert (outage["start"], outage["end"]) == ("2026-05-02T00:30:00Z", "2026-05-02T08:00:00Z")
    assert outage["allowed"] == ["revised", "submitted", "cancelled"]
    assert outage["impact"]["counts"]["customers"] == 10
    assert outage["impact"]["feeders"] == ["10kV西河线"]


def test_a_plan_goes_from_submitted_to_closed_with_a_reschedule_and_a_stage(client: TestClient, approver: TestClient) -> None:
    start, end = ago(hours=2), (NOW + timedelta(hours=2)).isoformat()
    outage = enter(client, body(switching={"open": ["S1"]}, start=start, end=end, submit=True))
    assert outage["status"] == "submitted"
    outage = take(approver, outage, "approved")
    assert (outage["status"], outage["in_force_revision"]) == ("approved", 1)
    later = body(switching={"open": ["S1"]}, start=start, end=(NOW + timedelta(hours=3)).isoformat(), why="crew is late")
    revised = client.put(f"{OUTAGES}/{outage['id']}", json=later, headers={"If-Match": f'"{outage["revision"]}"'})
    assert revised.status_code == 200, revised.text
    outage = revised.json()
    assert (outage["status"], outage["facts_revision"], outage["in_force_revision"]) == ("submitted", 4, 1)
    outage = take(approver, outage, "approved", why="seen")
    outage = take(client, outage, "switched_off", at=ago(minutes=100))
    back = ago(minutes=60)
    stage = [{"at": back, "action": "open", "device": "L2"}, {"at": back, "action": "close", "device": "TIE"}]
    outage = take(client, outage, "staged", operations=stage)
    assert (outage["status"], outage["operations"][1]["device"]) == ("partially_restored", "TIE")
    lists = client.get(f"{OUTAGES}/{outage['id']}/affected", params={"status": "restored"}).json()
    assert [one["id"] for one in lists["customers"]] == [f"r{n}" for n in range(1, 7)]
    outage = take(client, outage, "restored", at=ago(minutes=10))
    outage = take(client, outage, "closed")
    assert (outage["status"], outage["when"], outage["allowed"]) == ("closed", "past", ["undone"])
    history = client.get(f"{OUTAGES}/{outage['id']}").json()["history"]
    assert [event["change"] for event in history][-4:] == ["03", "03", "03", "03"]


def test_a_fault_begins_at_once_and_is_restored(client: TestClient) -> None:
    outage = enter(client, fault())
    assert (outage["status"], outage["when"], outage["end"]) == ("in_progress", "current", None)
    outage = take(client, outage, "restored", at=ago(minutes=5))
    assert (outage["status"], outage["restored_at"]) == ("restored", "2026-05-01T00:55:00Z")


def test_the_last_step_is_undone_and_history_says_so(client: TestClient, entered: dict[str, Any]) -> None:
    gone = take(client, entered, "cancelled", why="rain")
    outage = take(client, gone, "undone", why="it is dry")
    assert (outage["status"], outage["revision"]) == ("draft", 3)
    history = client.get(f"{OUTAGES}/{outage['id']}").json()["history"]
    assert [(event["kind"], event["undone"]) for event in history] == [
        ("entered", False),
        ("cancelled", True),
        ("undone", False),
    ]


@pytest.mark.parametrize(
    ("step", "field", "code"),
    [
        ({"to": "restored"}, "at", "at_missing"),
        ({"to": "switched_off"}, "at", "at_missing"),
        ({"to": "submitted", "at": START}, "at", "at_unused"),
        ({"to": "closed", "operations": [{"at": START, "action": "open", "device": "S1"}]}, "operations", "operations_unused"),
        ({"to": "cancelled"}, "why", "why_missing"),
        ({"to": "cancelled", "why": "  "}, "why", "why_missing"),
    ],
)
def test_a_step_says_what_it_lacks(
    client: TestClient, entered: dict[str, Any], step: dict[str, Any], field: str, code: str
) -> None:
    answer = client.post(f"{OUTAGES}/{entered['id']}/transitions", json=step, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)


# The same command twice, and two people at once.


def test_a_repeated_post_enters_nothing_twice(client: TestClient) -> None:
    headers = {"Idempotency-Key": "a-key-of-mine"}
    first, second = (client.post(OUTAGES, json=body(), headers=headers).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert len(client.get(OUTAGES).json()["outages"]) == 1


@pytest.mark.parametrize(
    "step",
    [
        {"to": "submitted"},
        {"to": "cancelled", "why": "rain"},
    ],
)
def test_a_repeated_step_is_answered_with_what_the_first_one_did(
    client: TestClient, entered: dict[str, Any], step: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "a-step-of-mine", "If-Match": '"1"'}
    address = f"{OUTAGES}/{entered['id']}/transitions"
    first, second = (client.post(address, json=step, headers=headers) for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (200, first.json())


def test_a_repeated_undoing_undoes_nothing_more(client: TestClient, entered: dict[str, Any]) -> None:
    take(client, take(client, entered, "submitted"), "cancelled", why="rain")
    headers = {"Idempotency-Key": "an-undoing-of-mine", "If-Match": '"3"'}
    for _ in range(2):
        answer = client.post(f"{OUTAGES}/{entered['id']}/transitions", json={"to": "undone", "why": "dry"}, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "submitted")


def test_a_repeated_revision_is_answered_with_what_the_first_one_did(client: TestClient, entered: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "a-change-of-mine", "If-Match": '"1"'}
    asked = body(**LATER, why="crew is late")
    first, second = (client.put(f"{OUTAGES}/{entered['id']}", json=asked, headers=headers) for _ in range(2))
    assert (second.status_code, second.json(), second.headers["etag"]) == (200, first.json(), '"2"')
    other = client.put(f"{OUTAGES}/{entered['id']}", json={**asked, "reason": "other"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, TYPE_PREFIX + "key-reused")
    assert client.get(f"{OUTAGES}/{entered['id']}").json()["revision"] == 2


def test_a_key_of_one_outage_does_nothing_to_another(client: TestClient, entered: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "a-step-of-mine", "If-Match": '"1"'}
    take_it = {"to": "cancelled", "why": "rain"}
    assert client.post(f"{OUTAGES}/{entered['id']}/transitions", json=take_it, headers=headers).status_code == 200
    other = enter(client)
    refused = client.post(f"{OUTAGES}/{other['id']}/transitions", json=take_it, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (422, TYPE_PREFIX + "key-reused")
    assert client.get(f"{OUTAGES}/{other['id']}").json()["status"] == "draft"


@pytest.mark.parametrize("seen", ["*", 'W/"1"', '"1", "2"', '"0"', "-1", "1.0", '""', "one", '"9999999999"'])
def test_a_revision_that_is_not_said_plainly_is_refused_with_the_field(
    client: TestClient, entered: dict[str, Any], seen: str
) -> None:
    address, headers = f"{OUTAGES}/{entered['id']}", {"If-Match": seen}
    for refused in (
        client.put(address, json=body(why="x"), headers=headers),
        client.post(f"{address}/transitions", json={"to": "submitted"}, headers=headers),
    ):
        assert (refused.status_code, refused.json()["type"]) == (422, TYPE_PREFIX + "request")
        assert [error["field"] for error in refused.json()["errors"]] == ["header.if-match"]
    assert client.get(address).json()["revision"] == 1


def test_a_revision_that_was_never_is_not_there(client: TestClient, entered: dict[str, Any]) -> None:
    refused = client.put(f"{OUTAGES}/{entered['id']}", json=body(why="x"), headers={"If-Match": '"7"'})
    assert (refused.status_code, refused.json()["type"]) == (404, TYPE_PREFIX + "unknown-revision")
    assert "it has 1 to 1" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("to", "allowed"),
    [("closed", "submitted"), ("approved", "submitted"), ("restored", "submitted")],
)
def test_a_step_that_is_not_possible_now_says_which_are(
    client: TestClient, approver: TestClient, entered: dict[str, Any], to: str, allowed: str
) -> None:
    step = {"to": to, "at": ago(minutes=1)} if to == "restored" else {"to": to}
    asker = approver if to == "approved" else client
    refused = asker.post(f"{OUTAGES}/{entered['id']}/transitions", json=step, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["type"]) == (409, TYPE_PREFIX + "transition")
    assert allowed in refused.json()["detail"]


def test_a_key_cannot_come_with_something_else(client: TestClient) -> None:
    headers = {"Idempotency-Key": "a-key-of-mine"}
    assert client.post(OUTAGES, json=body(), headers=headers).status_code == 201
    other = client.post(OUTAGES, json=body(reason="other"), headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, TYPE_PREFIX + "key-reused")


def test_who_is_second_is_told_the_newer_state(client: TestClient, entered: dict[str, Any]) -> None:
    take(client, entered, "cancelled", why="rain")
    address = f"{OUTAGES}/{entered['id']}"
    again = {"If-Match": "1"}
    for stale in (
        client.post(f"{address}/transitions", json={"to": "submitted"}, headers=again),
        client.put(address, json=body(why="x"), headers=again),
    ):
        assert (stale.status_code, stale.json()["type"]) == (409, TYPE_PREFIX + "stale")
        assert stale.json()["newer"] == {
            "id": entered["id"],
            "revision": 2,
            "status": "cancelled",
            "changed_at": "2026-05-01T01:00:00+00:00",
        }


# Who may do what, and see whom.


def test_the_author_does_not_approve(client: TestClient, approver: TestClient, entered: dict[str, Any]) -> None:
    outage = take(client, entered, "submitted")
    address, seen = f"{OUTAGES}/{outage['id']}/transitions", {"If-Match": '"2"'}
    for step in ({"to": "approved"}, {"to": "rejected", "why": "no"}):
        refused = client.post(address, json=step, headers=seen)
        assert (refused.status_code, refused.json()["type"]) == (403, TYPE_PREFIX + "forbidden")
    refused = approver.post(address, json={"to": "cancelled", "why": "x"}, headers=seen)
    assert refused.status_code == 403
    approved = take(approver, outage, "approved")
    refused = client.post(address, json={"to": "undone", "why": "x"}, headers={"If-Match": '"3"'})
    assert refused.status_code == 403
    assert take(approver, approved, "undone", why="too soon")["status"] == "submitted"


def test_a_contact_is_left_out_for_whoever_may_not_see_it(
    client: TestClient, viewer: TestClient, entered: dict[str, Any]
) -> None:
    address = f"{OUTAGES}/{entered['id']}"
    client.put(address, json=body(contact="王工 13833334444", why="x"), headers={"If-Match": '"1"'})
    for path in ("", "/revisions/1", "/diff?from=1", "/conflicts", "/notice"):
        seen = viewer.get(address + path)
        assert seen.status_code == 200, seen.text
        assert "138" not in seen.text, path
    assert "138" not in viewer.get(OUTAGES).text
    assert client.get(address).json()["contact"] == "王工 13833334444"
    assert client.get(f"{address}/revisions/1").json()["contact"] == "李工 13811112222"
    assert [one["field"] for one in viewer.get(f"{address}/diff?from=1").json()] == ["contact"]


def test_a_revision_that_says_nothing_of_the_contact_keeps_it(client: TestClient, entered: dict[str, Any]) -> None:
    asked = body(**LATER, why="later")
    del asked["contact"]
    changed = client.put(f"{OUTAGES}/{entered['id']}", json=asked, headers={"If-Match": '"1"'}).json()
    assert (changed["contact"], changed["start"]) == ("李工 13811112222", "2026-05-02T01:00:00Z")
    (difference, *_) = client.get(f"{OUTAGES}/{entered['id']}/diff", params={"from": 1, "to": 2}).json()
    assert difference["field"] == "windows"
    assert difference["before"][0]["start"] == "2026-05-02T00:30:00+00:00"
    assert client.get(f"{OUTAGES}/{entered['id']}/diff", params={"from": 2}).json() == []


def test_names_and_numbers_are_for_those_who_need_them(client: TestClient, viewer: TestClient, entered: dict[str, Any]) -> None:
    for name in ("affected", "affected.csv", "affected.geojson", "affected.gpkg"):
        address = f"{OUTAGES}/{entered['id']}/{name}"
        plain, asked, refused = client.get(address), client.get(f"{address}?contact=1"), viewer.get(f"{address}?contact=1")
        assert b"13800000000" not in plain.content
        assert b"13800000000" in asked.content
        assert (refused.status_code, refused.json()["type"]) == (403, TYPE_PREFIX + "forbidden")
        assert viewer.get(address).status_code == 200


# Lists of outages.


@pytest.fixture
def three(client: TestClient, approver: TestClient) -> list[str]:
    """In this order: a fault in the east that goes on, a draft for tomorrow and an approved plan for later in the west."""
    going_on = enter(client, fault(switching={"fault": ["L3"]}))
    draft = enter(client, body())
    west = enter(
        client,
        body(
            switching={"open": ["T1"]},
            start="2026-05-03T08:30:00+08:00",
            end="2026-05-03T16:00:00+08:00",
            outage_class="temporary",
            reason="缺陷处理",
            submit=True,
        ),
    )
    take(approver, west, "approved")
    return [going_on["id"], draft["id"], west["id"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [2, 1, 0]),
        ({"when": "current"}, [0]),
        ({"when": "planned"}, [2]),
        ({"when": "draft"}, [1]),
        ({"when": "past"}, []),
        ({"status": "draft"}, [1]),
        ({"status": ["draft", "approved"]}, [2, 1]),
        ({"class": "fault"}, [0]),
        ({"class": ["fault", "temporary"]}, [2, 0]),
        ({"feeder": "10kV东山线"}, [0]),
        ({"feeder": "10kV西河线"}, [2, 1]),
        ({"feeder": "nothing"}, []),
        ({"text": "检修"}, [1]),
        ({"text": "tie"}, [1]),
        ({"text": "联络开关"}, [1]),
        ({"text": "  "}, [2, 1, 0]),
        ({"from": "2026-05-03T00:00:00+08:00"}, [2, 0]),
        ({"to": "2026-05-02T08:30:00+08:00"}, [0]),
        ({"from": "2026-05-02T08:00:00+08:00", "to": "2026-05-02T23:00:00+08:00", "when": "draft"}, [1]),
        ({"from": "2026-05-02T16:00:00+08:00", "status": "draft"}, []),
        ({"when": "current", "class": "planned"}, []),
    ],
)
def test_outages_are_found_by_what_is_asked_for(
    client: TestClient, three: list[str], asked: dict[str, Any], found: list[int]
) -> None:
    answer = client.get(OUTAGES, params=asked)
    assert answer.status_code == 200, answer.text
    assert datetime.fromisoformat(answer.json()["at"]) == NOW
    assert [outage["id"] for outage in answer.json()["outages"]] == [three[number] for number in found]


def test_a_cursor_of_another_list_is_refused_and_says_what_to_do(client: TestClient, entered: dict[str, Any]) -> None:
    """The next of a page of customers is no outage, and the other way round."""
    customer = client.get(f"{OUTAGES}/{entered['id']}/affected", params={"limit": 1}).json()["next"]
    for path, after in ((OUTAGES, customer), (f"{OUTAGES}/{entered['id']}/affected", entered["id"])):
        refused = client.get(path, params={"after": after})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "cursor_unknown")
        assert "leave after out" in refused.json()["detail"]


def test_a_page_goes_on_by_other_filters_too(client: TestClient, three: list[str]) -> None:
    """A cursor is a place in the order of all outages, which no filter changes."""
    page = client.get(OUTAGES, params={"after": three[2], "when": "draft"}).json()
    assert ([outage["id"] for outage in page["outages"]], page["next"]) == ([three[1]], None)


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2026-05-02T08:30:00+08:00", 0),
        ("2026-05-02T00:30:00Z", 0),
        ("2026-05-01T20:30:00-04:00", 0),
        ("2026-05-02T06:00:00+05:30", 0),
        ("2026-05-02T08:30:01+08:00", 1),
        ("2026-05-01T20:30:01-04:00", 1),
    ],
)
def test_a_filter_takes_a_time_on_whatever_clock(client: TestClient, entered: dict[str, Any], moment: str, found: int) -> None:
    """The outage begins at half past eight in Shanghai."""
    assert len(client.get(OUTAGES, params={"to": moment}).json()["outages"]) == found


@pytest.mark.parametrize("number", ["0", "0.5", "1777777777", "-1", "1e9", "today", "2026-05-02", "2026-05-02T08:30:00"])
def test_a_number_is_no_time_and_a_time_needs_an_offset(client: TestClient, number: str) -> None:
    assert client.get(OUTAGES, params={"to": number}).json()["errors"][0]["field"] == "query.to"
    assert client.post(OUTAGES, json=body(start=number)).json()["errors"][0]["field"] == "body.start"
    daily = {"first": number, "last": "2026-05-03", "off": "08:00", "on": "18:00"}
    if number != "2026-05-02":
        refused = client.post(OUTAGES, json=body(start=None, end=None, daily=daily))
        assert refused.json()["errors"][0]["field"] == "body.daily.first"


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_pages_go_on_where_the_last_ended_whatever_is_entered_meanwhile(client: TestClient, three: list[str], limit: int) -> None:
    seen, after = [], ""
    while after is not None:
        page = client.get(OUTAGES, params={"limit": limit, "after": after}).json()
        assert len(page["outages"]) <= limit
        seen += [outage["id"] for outage in page["outages"]]
        after = page["next"]
        enter(client, fault())
    assert seen == three[::-1]


# What it would cost.


def test_a_preview_takes_the_body_of_an_outage_and_enters_nothing(client: TestClient) -> None:
    answer = client.post(f"{PREVIEW}?head=2", json=body(switching={"open": ["S1"]}))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["counts"]["customers"] == 16
    assert [customer["id"] for customer in told["customers"]] == ["q1", "q2"]
    assert told["customers"][0]["off"] == "2026-05-02T08:30:00+08:00"
    assert "Mill Lane" in told["scope"]["en"]
    assert told["lead_hours"] == 23.5
    assert client.get(OUTAGES).json()["outages"] == []


def test_a_preview_of_a_switching_alone_needs_no_time_and_no_reason(client: TestClient) -> None:
    told = client.post(PREVIEW, json={"switching": {"open": ["S1", "L2"]}}).json()
    assert (told["counts"]["customers"], told["lead_hours"], told["conflicts"]) == (16, None, [])
    assert told["ties"] == [{"close": ["TIE"], "customers": 6, "load_kw": 6.0}]
    assert client.post("/api/v1/ties", json={"open": ["S1", "L2"]}).json() == told["ties"]
    assert client.post("/api/v1/ties", json={"open": ["S1", "L2"], "close": ["TIE"]}).json() == []


def test_one_phase_can_be_opened(client: TestClient) -> None:
    counts = client.post(PREVIEW, json={"switching": {"open": [["S1", "B"]]}}).json()["counts"]
    assert (counts["partial"], counts["out"]) == (16, 0)


@pytest.mark.parametrize(
    ("selection", "customers"),
    [
        ({"feeder": "10kV东山线"}, 7),
        ({"polygon": [[114.32, 30.5], [114.33, 30.5], [114.33, 30.52], [114.32, 30.52]]}, 10),
    ],
)
def test_a_scope_is_chosen_by_a_feeder_or_on_the_map(client: TestClient, selection: dict[str, Any], customers: int) -> None:
    told = client.post(PREVIEW, json={"selection": selection}).json()
    assert told["counts"]["customers"] == customers
    made = enter(client, body(switching={}, selection=selection))
    assert made["switching"] == told["switching"]
    assert made["selection"]["feeder"] == selection.get("feeder", "")


def test_a_plan_for_several_days_is_off_by_day_and_on_by_night(client: TestClient) -> None:
    daily = {"first": "2026-05-02", "last": "2026-05-04", "off": "08:00", "on": "18:00"}
    asked = body(daily=daily)
    del asked["start"], asked["end"]
    made = enter(client, asked)
    assert [one["start"] for one in made["windows"]] == [f"2026-05-0{day}T00:00:00Z" for day in (2, 3, 4)]
    assert made["end"] == "2026-05-04T10:00:00Z"


def test_an_estimate_is_a_window_and_says_by_whose_word(client: TestClient) -> None:
    estimate = {
        "earliest": "2026-05-01T11:00:00+08:00",
        "latest": "2026-05-01T12:00:00+08:00",
        "source": "crew",
        "confidence": "medium",
    }
    made = enter(client, fault(estimate=estimate))
    assert made["estimate"]["latest"] == made["end"] == "2026-05-01T04:00:00Z"
    assert made["estimate"]["next_update"] is None


def test_two_plans_for_the_same_transformers_are_in_conflict(client: TestClient, entered: dict[str, Any]) -> None:
    told = client.post(PREVIEW, json=body()).json()
    assert entered["id"] in [other for conflict in told["conflicts"] for other in conflict["outages"]]
    own = client.post(PREVIEW, json=body(outage_id=entered["id"])).json()
    assert entered["id"] not in [other for conflict in own["conflicts"] for other in conflict["outages"]]
    second = enter(client)
    found = client.get(f"{OUTAGES}/{second['id']}/conflicts").json()
    assert "shared_transformers" in [conflict["code"] for conflict in found]


# Lists of affected customers.


def test_the_lists_are_taken_away_as_files(client: TestClient, entered: dict[str, Any]) -> None:
    address = f"{OUTAGES}/{entered['id']}/affected"
    table = client.get(f"{address}.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == f'attachment; filename="affected-{entered["id"]}.csv"'
    assert table.content.count(b"\r\n") == 11
    layer = client.get(f"{address}.geojson")
    assert layer.headers["content-type"] == "application/geo+json"
    assert len(layer.json()["features"]) == 10
    package = client.get(f"{address}.gpkg")
    assert package.content.startswith(b"SQLite format 3\x00")
    assert package.headers["content-length"] == str(len(package.content))
    assert package.headers["cache-control"] == "no-store"


def test_customers_come_a_page_at_a_time(client: TestClient, entered: dict[str, Any]) -> None:
    seen, after = [], ""
    while after is not None:
        page = client.get(f"{OUTAGES}/{entered['id']}/affected", params={"limit": 3, "after": after}).json()
        assert (page["total"], page["revision"], page["outage"]) == (10, 1, entered["id"])
        seen += [customer["id"] for customer in page["customers"]]
        after = page["next"]
    assert seen == [*(f"q{n}" for n in range(1, 9)), "q-clinic", "q-home"]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"group": "important"}, ["q-clinic"]),
        ({"group": "life_support"}, ["q-home"]),
        ({"group": "dedicated"}, []),
        ({"status": "planned", "group": "important"}, ["q-clinic"]),
        ({"status": "out"}, []),
        ({"state": "partial"}, []),
    ],
)
def test_groups_are_lists_apart_in_every_form(
    client: TestClient, entered: dict[str, Any], asked: dict[str, str], ids: list[str]
) -> None:
    address = f"{OUTAGES}/{entered['id']}/affected"
    assert [one["id"] for one in client.get(address, params=asked).json()["customers"]] == ids
    layer = client.get(f"{address}.geojson", params=asked).json()
    assert [one["properties"]["id"] for one in layer["features"]] == ids
    assert client.get(f"{address}.csv", params=asked).content.count(b"\r\n") == 1 + len(ids)


def test_a_list_of_nobody_is_whole_in_every_form(client: TestClient, entered: dict[str, Any]) -> None:
    address, nobody = f"{OUTAGES}/{entered['id']}/affected", {"group": "dedicated"}
    page = client.get(address, params=nobody).json()
    assert (page["total"], page["customers"], page["next"]) == (0, [], None)
    table = client.get(f"{address}.csv", params={**nobody, "contact": True}).content
    assert table.decode("utf-8-sig") == ",".join([*COLUMNS, *CONTACT]) + "\r\n"
    assert client.get(f"{address}.geojson", params=nobody).json() == {"type": "FeatureCollection", "features": []}
    assert client.get(f"{address}.gpkg", params=nobody).content.startswith(b"SQLite format 3\x00")


@pytest.mark.parametrize(
    ("who", "may"), [("viewer", False), ("control", True), ("desk", True), ("approver", True), ("admin", True)]
)
def test_contacts_are_columns_for_those_who_may_call(
    app: FastAPI, entered: dict[str, Any], tmp_path: Path, who: str, may: bool
) -> None:
    asker, address = new_client(app, who), f"{OUTAGES}/{entered['id']}/affected"
    for contact in (False, True):
        answers = {name: asker.get(f"{address}{name}", params={"contact": contact}) for name in ("", ".csv", ".geojson", ".gpkg")}
        if contact and not may:
            assert {answer.status_code for answer in answers.values()} == {403}
            continue
        columns = [*COLUMNS, *(CONTACT if contact else ())]
        assert list(answers[""].json()["customers"][0]) == columns
        assert answers[".csv"].content.decode("utf-8-sig").partition("\r\n")[0].split(",") == columns
        assert list(answers[".geojson"].json()["features"][0]["properties"]) == columns
        (tmp_path / f"{contact}.gpkg").write_bytes(answers[".gpkg"].content)
        layer = pyogrio.read_dataframe(tmp_path / f"{contact}.gpkg")
        assert (list(layer.columns), len(layer)) == ([*columns, "geometry"], 10)


def test_one_phase_makes_a_list_of_those_who_keep_a_part(client: TestClient) -> None:
    outage = enter(client, fault(switching={"open": [["S1", "B"]]}, outage_class="other"))
    address = f"{OUTAGES}/{outage['id']}/affected"
    totals = {state: client.get(address, params={"state": state}).json()["total"] for state in ("out", "partial")}
    assert totals == {"out": 0, "partial": 16}
    assert client.get(address, params={"status": "partial"}).json()["total"] == 16
    assert {one["state"] for one in client.get(address).json()["customers"]} == {"partial"}


def test_each_list_that_is_taken_away_is_in_the_audit_log(client: TestClient, service: Service, entered: dict[str, Any]) -> None:
    for name in ("affected?limit=3", "affected.csv?contact=1", "affected.geojson?group=important", "affected.gpkg"):
        assert client.get(f"{OUTAGES}/{entered['id']}/{name}").status_code == 200
    told = read_audit(service.store.database, what="list exported")
    assert [(row.entry.by, row.entry.subject) for row in told] == [("test-control", entered["id"])] * 4
    assert [tuple(row.entry.detail[name] for name in ("form", "customers", "contact")) for row in told] == [
        ("json", 3, False),
        ("csv", 10, True),
        ("geojson", 1, False),
        ("gpkg", 10, False),
    ]


def test_nobody_takes_a_list_away_that_is_not_in_the_audit_log(client: TestClient, viewer: TestClient, service: Service) -> None:
    outage = enter(client)
    assert viewer.get(f"{OUTAGES}/{outage['id']}/affected.csv?contact=1").status_code == 403
    assert read_audit(service.store.database, what="list exported") == []


def test_one_who_is_back_under_one_outage_and_out_under_another_is_out(client: TestClient) -> None:
    """T2 opens first and takes 10; S1 upstream opens then. T2 closed again brings nobody back."""
    part = enter(client, fault(switching={"open": ["T2"]}, outage_class="other", start=ago(hours=2)))
    whole = enter(client, fault(switching={"open": ["S1"]}, outage_class="other"))
    take(client, part, "restored", at=ago(minutes=5))
    address = f"{OUTAGES}/{part['id']}/affected"
    assert client.get(address, params={"status": "out"}).json()["total"] == 10
    take(client, whole, "restored", at=ago(minutes=4))
    assert client.get(address, params={"status": "restored"}).json()["total"] == 10


# Devices.


def test_devices_are_suggested(client: TestClient) -> None:
    for typed in ("联络", "lianluo", "llkg"):
        (tie,) = client.get("/api/v1/devices", params={"q": typed}).json()
        assert tie == {"id": "TIE", "kind": "switch", "name": "联络开关", "feeder": "10kV东山线", "normally_open": True}


def test_a_device_says_how_it_stands_and_what_it_costs(client: TestClient, approver: TestClient) -> None:
    device = client.get("/api/v1/devices/S1").json()
    assert (device["phases"], device["closed"], device["name"]) == ("ABC", "ABC", "柳岸<b>分段</b>开关")
    assert device["cost"] == {"customers": 16, "important": 1, "life_support": 1, "load_kw": 16.0}
    plan = enter(client, body(start=ago(hours=1), submit=True))
    take(approver, plan, "approved")
    assert client.get("/api/v1/devices/S1").json()["closed"] == ""
    assert client.get("/api/v1/devices/TIE").json()["closed"] == "ABC"
    assert client.get("/api/v1/devices/S1").json()["cost"]["customers"] == 16


def test_a_fault_at_a_device_has_a_plan(client: TestClient) -> None:
    plan = client.get("/api/v1/devices/L2/isolation").json()
    assert (plan["fault"], plan["cleared_by"], plan["out"]) == ("L2", ["B1"], 28)
    assert plan["isolate"] == ["S1"]
    assert plan["waiting"] == plan["plan"][-1]["customers_out"]
    assert [step["do"] for step in plan["plan"]] == ["trips", "open", "close"]


@pytest.mark.parametrize("path", ["nothing", "nothing/isolation", "a%2Fb", "a/b/isolation"])
def test_a_device_that_is_not_there_is_said(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/devices/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, TYPE_PREFIX + "unknown-id")


# Notices, and the rest.


def test_the_notice_comes_in_every_language_or_in_one(client: TestClient, entered: dict[str, Any]) -> None:
    address = f"{OUTAGES}/{entered['id']}/notice"
    assert [notice["language"] for notice in client.get(address).json()] == ["zh", "en"]
    (english,) = client.get(address, params={"language": "en"}).json()
    assert "Mill Lane" in english["body"]


def test_an_earlier_revision_is_shown_as_it_was(client: TestClient, entered: dict[str, Any]) -> None:
    client.put(f"{OUTAGES}/{entered['id']}", json=body(switching={"open": ["S1"]}, why="more"), headers={"If-Match": '"1"'})
    old, new = (client.get(f"{OUTAGES}/{entered['id']}/revisions/{number}").json() for number in (1, 2))
    assert (old["impact"]["counts"]["customers"], new["impact"]["counts"]["customers"]) == (10, 16)
    assert (old["revision"], new["revision"]) == (1, 2)


def test_the_process_says_that_it_lives(nobody: TestClient) -> None:
    assert nobody.get("/health/live").json()["status"] == "ok"


JSON = {"Content-Type": "application/json"}
SURROGATE = b'{"switching": {"open": ["\\ud800"]}}'
STEP = f"{OUTAGES}/nothing/transitions"
TWICE = {"daily": {"first": "2026-05-02", "last": "2026-05-03", "off": "08:00", "on": "18:00"}}


def asked(**changes: Any) -> dict[str, Any]:
    return {"json": body(**changes)}


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code", "fields"),
    [
        ("GET", f"{OUTAGES}/nothing", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/affected", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/affected.csv", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/affected.geojson", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/affected.gpkg", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/notice", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/conflicts", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/revisions/1", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/revisions/0", {}, 422, "request", ["path.revision"]),
        ("GET", f"{OUTAGES}/nothing/diff?from=1", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/nothing/diff", {}, 422, "request", ["query.from"]),
        ("GET", f"{OUTAGES}/nothing%00", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/<script>", {}, 404, "unknown-outage", []),
        ("GET", f"{OUTAGES}/{'x' * 41}", {}, 422, "request", ["path.outage_id"]),
        ("GET", "/api/v1/nothing", {}, 404, "not-found", []),
        ("DELETE", OUTAGES, {}, 405, "method-not-allowed", []),
        ("GET", f"{OUTAGES}?when=never", {}, 422, "request", ["query.when"]),
        ("GET", f"{OUTAGES}?status=lost", {}, 422, "request", None),
        ("GET", f"{OUTAGES}?limit=501", {}, 422, "request", ["query.limit"]),
        ("GET", f"{OUTAGES}?after=nothing", {}, 422, "facts", ["after"]),
        ("GET", f"{OUTAGES}?from=2026-05-01", {}, 422, "request", ["query.from"]),
        ("GET", f"{OUTAGES}?from=0001-01-01T00:00:00Z", {}, 422, "request", ["query.from"]),
        ("GET", "/api/v1/devices?limit=0", {}, 422, "request", ["query.limit"]),
        ("GET", "/api/v1/devices/nothing", {}, 404, "unknown-id", []),
        ("POST", OUTAGES, {"content": b"{", "headers": JSON}, 422, "request", ["body.1"]),
        ("POST", OUTAGES, {"content": b"open=S1"}, 422, "request", ["body"]),
        ("POST", OUTAGES, {"json": {}}, 422, "request", ["body.outage_class", "body.reason"]),
        ("POST", OUTAGES, asked(colour="green"), 422, "request", ["body.colour"]),
        ("POST", OUTAGES, asked(outage_class="storm"), 422, "request", ["body.outage_class"]),
        ("POST", OUTAGES, asked(start="2026-05-02T08:30:00"), 422, "request", ["body.start"]),
        ("POST", OUTAGES, asked(start="0001-01-01T00:00:00+14:00"), 422, "request", ["body.start"]),
        ("POST", OUTAGES, asked(start="9999-12-31T23:59:59-14:00"), 422, "request", ["body.start"]),
        ("POST", OUTAGES, asked(start=1_777_777_777), 422, "request", ["body.start"]),
        ("POST", OUTAGES, asked(start="soon"), 422, "request", ["body.start"]),
        ("POST", OUTAGES, asked(start=None, end=None), 422, "facts", ["start"]),
        ("POST", OUTAGES, asked(**TWICE), 422, "facts", ["windows"]),
        ("POST", OUTAGES, asked(submit="yes"), 422, "request", ["body.submit"]),
        ("POST", OUTAGES, asked(end=None), 422, "facts", ["end"]),
        ("POST", OUTAGES, asked(reason=" "), 422, "facts", ["reason"]),
        ("POST", OUTAGES, asked(reason="a\x00b"), 422, "request", ["body.reason"]),
        ("POST", OUTAGES, asked(contact="a\x00b"), 422, "request", ["body.contact"]),
        ("POST", OUTAGES, asked(why="a\nb"), 422, "request", ["body.why"]),
        ("POST", OUTAGES, asked(switching={}), 422, "facts", ["open"]),
        ("POST", OUTAGES, asked(switching={"open": ["S9", "S8"]}), 422, "facts", ["open", "open"]),
        ("POST", OUTAGES, asked(switching={"open": ["S1"], "close": ["S1"]}), 422, "facts", ["close"]),
        ("POST", OUTAGES, asked(selection={"feeder": "nothing"}), 422, "facts", ["feeder"]),
        ("POST", OUTAGES, asked(selection={}), 422, "facts", ["selection"]),
        ("POST", OUTAGES, asked(selection={"polygon": [[200, 0], [1, 1], [2, 0]]}), 422, "request", None),
        ("POST", OUTAGES, {**asked(), "headers": {"Idempotency-Key": "short"}}, 422, "request", ["header.idempotency-key"]),
        ("PUT", f"{OUTAGES}/nothing", asked(why="x"), 422, "request", ["header.if-match"]),
        ("PUT", f"{OUTAGES}/nothing", {**asked(), "headers": {"If-Match": '"1"'}}, 422, "request", ["body.why"]),
        ("PUT", f"{OUTAGES}/nothing", {**asked(why="x"), "headers": {"If-Match": '"1"'}}, 404, "unknown-outage", []),
        ("POST", STEP, {"json": {"to": "closed"}}, 422, "request", ["header.if-match"]),
        ("POST", STEP, {"json": {"to": "closed"}, "headers": {"If-Match": "*"}}, 422, "request", ["header.if-match"]),
        ("POST", STEP, {"json": {"to": "closed"}, "headers": {"If-Match": '"1"'}}, 404, "unknown-outage", []),
        ("POST", STEP, {"json": {"to": "lost"}, "headers": {"If-Match": '"1"'}}, 422, "request", ["body.to"]),
        ("POST", PREVIEW, {"json": {"switching": {"open": ["S9"]}}}, 422, "facts", ["open"]),
        ("POST", PREVIEW, {"json": {"switching": {"open": [["S1", "Z"]]}}}, 422, "facts", ["phases"]),
        ("POST", PREVIEW, {"json": {"switching": {"open": ["x" * 201]}}}, 422, "request", None),
        ("POST", PREVIEW, {"content": SURROGATE, "headers": JSON}, 422, "request", None),
        ("POST", "/api/v1/ties", {"json": {"open": ["S9"]}}, 422, "facts", ["open"]),
        ("POST", PREVIEW, {"json": {}, "headers": {"Origin": "http://evil.example"}}, 403, "cross-site", []),
        ("POST", OUTAGES, {**asked(), "headers": {"Sec-Fetch-Site": "cross-site"}}, 403, "cross-site", []),
        ("POST", OUTAGES, asked(reason="x" * 1_000_001), 413, "content-too-large", []),
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
    assert problem["instance"] == path.partition("?")[0] or "<" in path or "%" in path
    assert len(problem["detail"]) > 20
    if fields is not None:
        assert [error["field"] for error in problem.get("errors", [])] == fields
    assert client.get(OUTAGES).json()["outages"] == []


@pytest.mark.parametrize("asked_for", ["affected", "affected.csv", "diff?from=2", "revisions/2"])
def test_what_an_outage_does_not_have_is_said(client: TestClient, entered: dict[str, Any], asked_for: str) -> None:
    mark = "&" if "?" in asked_for else "?"
    answer = client.get(f"{OUTAGES}/{entered['id']}/{asked_for}{mark}after=somebody&group=lonely")
    assert answer.status_code == (422 if "affected" in asked_for else 404)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", OUTAGES, "GET, POST"),
        ("OPTIONS", f"{OUTAGES}/x", "GET, PUT"),
        ("PATCH", f"{OUTAGES}/x/transitions", "POST"),
        ("POST", "/api/v1/devices/a/b/isolation", "GET"),
        ("POST", "/health/live", "GET"),
        ("TRACE", "/static/app.css", "GET, HEAD"),
    ],
)
def test_an_address_says_which_methods_it_answers(client: TestClient, method: str, path: str, allow: str) -> None:
    refused = client.request(method, path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allow)


def test_what_the_network_has_no_longer_is_a_conflict(client: TestClient, service: Service) -> None:
    facts = OutageFacts("planned", Switching(open=(Operation("GONE"),)), (Window(NOW, NOW + timedelta(hours=1)),), "work")
    service.store.append("20260501-GONE", 0, [Entered(facts, NOW, "control")])
    for name in ("notice", "affected", "affected.csv", "affected.geojson", "affected.gpkg"):
        refused = client.get(f"{OUTAGES}/20260501-GONE/{name}")
        assert (refused.status_code, refused.json()["type"]) == (409, TYPE_PREFIX + "network-changed"), name
        assert "GONE" in refused.json()["detail"]
    assert client.get(f"{OUTAGES}/20260501-GONE").json()["impact"] is None


def test_bytes_that_are_no_text_are_a_request_that_cannot_be_read(client: TestClient) -> None:
    refused = client.post(PREVIEW, content=b'{"reason": "\xff"}', headers=JSON)
    assert (refused.status_code, refused.json()["type"]) == (400, TYPE_PREFIX + "bad-request")


FACTS = OutageFacts("fault", Switching((), fault=("L2",)), (Window(NOW, None),), "cable")
NEWER = fold("20260501-TEST", [Entered(FACTS, NOW, "ana")])
MISSING = {"loc": ("body", "reason"), "type": "missing", "msg": "Field required", "input": {"phone": "13800000000"}}

SMS = Text(TextKey("first", "en", "sms"), "", "No power.")
FINDING = Finding("line_added", "line", "reason", (SMS.key,), "Take it out.", added=("10kV A",))
DOSSIER = begin_notice(
    "20260501-TEST.1", Drafted("20260501-TEST", 1, 1, ("first",), (SMS,), late=(), higher=False, at=NOW, by="ana")
)

EXPECTED: list[tuple[Exception, int, str, dict[str, Any]]] = [
    (
        FactsError(FactProblem("end", "end_missing", "Say until when.")),
        422,
        "facts",
        {"errors": [{"field": "end", "code": "end_missing", "detail": "Say until when."}]},
    ),
    (
        RequestValidationError([MISSING]),
        422,
        "request",
        {"errors": [{"field": "body.reason", "code": "missing", "detail": "Field required"}]},
    ),
    (UnknownOutageError("20260501-TEST"), 404, "unknown-outage", {}),
    (UnknownRevisionError("20260501-TEST", 9, 2), 404, "unknown-revision", {}),
    (UnknownIdError("No device has the id 'S9'. Take the id from the network's tables."), 404, "unknown-id", {}),
    (
        StaleWriteError(0, NEWER),
        409,
        "stale",
        {"newer": {"id": "20260501-TEST", "revision": 1, "status": "draft", "changed_at": "2026-05-01T01:00:00+00:00"}},
    ),
    (NetworkChangedError("20260501-TEST", UnknownIdError("No device has the id 'S9'")), 409, "network-changed", {}),
    (TransitionError("outage 20260501-TEST is closed and cannot become approved"), 409, "transition", {}),
    (KeyReusedError("a-key-of-mine", "20260501-TEST"), 422, "key-reused", {}),
    (
        NoticeError(FactProblem("scope", "nobody_affected", "Nobody is affected.")),
        422,
        "notice",
        {"errors": [{"field": "scope", "code": "nobody_affected", "detail": "Nobody is affected."}]},
    ),
    (
        FindingsError(DOSSIER, [FINDING]),
        422,
        "findings",
        {"errors": [{"field": "first/en/sms", "code": "line_added", "detail": "Take it out.", "key": FINDING.key}]},
    ),
    (UnknownNoticeError("20260501-TEST.1"), 404, "unknown-notice", {}),
    (OutdatedError(DOSSIER, "the outage moved on"), 409, "outdated", {}),
    (NoticeTransitionError("notice 20260501-TEST.1 is issued and cannot be edited"), 409, "notice-transition", {}),
    (
        StaleNoticeError(0, DOSSIER),
        409,
        "stale-notice",
        {"newer": {"id": "20260501-TEST.1", "revision": 1, "status": "draft", "changed_at": "2026-05-01T01:00:00+00:00"}},
    ),
    (
        StaleDraftError("20260501-TEST.1", Draft(SMS, 2, NOW, "ana", frozenset({"ana"}))),
        409,
        "stale-text",
        {
            "newer": {
                "key": "first/en/sms",
                "title": "",
                "body": "No power.",
                "version": 2,
                "saved_at": "2026-05-01T01:00:00+00:00",
                "saved_by": "ana",
            }
        },
    ),
    (OutboxError("Say why: the reason is kept with the proof."), 422, "outbox", {}),
    (SignInError("Nobody is signed in. Sign in."), 401, "sign-in", {}),
    (ForbiddenError(ANYONE, ("enter",)), 403, "forbidden", {}),
    (PasswordDueError("Choose your own password first."), 403, "password-due", {}),
    (CsrfError("The form is from another session."), 403, "form", {}),
    (TooManyRequestsError(7), 429, "too-many", {}),
    (BusyError(), 503, "busy", {}),
    (CrossSiteError("A page of another site may not change anything here."), 403, "cross-site", {}),
    (UnknownHostError("This service is not called 'evil.example'."), 421, "unknown-host", {}),
    (StoreError("The store cannot be used."), 503, "store", {}),
]
"""Every error that is expected, its status and code, and the members that it has beside those of all."""


def test_every_expected_error_is_in_the_table() -> None:
    assert {type(error) for error, *_ in EXPECTED} == set(PROBLEMS)


@pytest.mark.parametrize(("error", "status", "code", "more"), EXPECTED, ids=lambda one: type(one).__name__)
def test_every_expected_error_has_this_shape(error: Exception, status: int, code: str, more: dict[str, Any]) -> None:
    document = problem_of(error, OUTAGES)
    plain = {"type": TYPE_PREFIX + code, "title": PROBLEMS[type(error)].title, "status": status, "instance": OUTAGES}
    assert document == {**plain, "detail": document["detail"], **more}
    assert len(document["detail"]) > 15
    assert "13800000000" not in json.dumps(document)
    ProblemOut.model_validate(document)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "bad-request"), (404, "not-found"), (405, "method-not-allowed"), (413, "content-too-large"), (418, "http")],
)
def test_errors_of_the_web_have_the_same_shape(status: int, code: str) -> None:
    document = problem_of(HTTPException(status), OUTAGES)
    assert set(document) == {"type", "title", "status", "detail", "instance"}
    assert (document["type"], document["status"]) == (TYPE_PREFIX + code, status)


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


def test_a_store_that_is_damaged_is_said_and_does_not_crash(client: TestClient) -> None:
    with client.app.state.shared.database.writing() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("DROP TABLE commands")
    answer = client.post(OUTAGES, json=body(), headers={"Idempotency-Key": "a-key-of-mine"})
    assert (answer.status_code, answer.json()["type"]) == (503, TYPE_PREFIX + "store")


def test_kinds_of_problems_have_codes_of_their_own() -> None:
    codes = [kind.code for kind in PROBLEMS.values()]
    assert len(set(codes)) == len(codes)


def test_nobody_who_has_not_signed_in_is_told_anything(nobody: TestClient, entered: dict[str, Any]) -> None:
    for path in ("", f"/{entered['id']}", f"/{entered['id']}/affected.csv"):
        answer = nobody.get(OUTAGES + path)
        assert (answer.status_code, answer.json()["type"]) == (401, TYPE_PREFIX + "sign-in")
    assert json.dumps(nobody.get("/api/v1/devices?q=S1").json()).find("柳岸") < 0
    sign_in(nobody, "viewer")
    assert nobody.get(OUTAGES).status_code == 200
