"""Pages for people: every one in both languages, with a strict policy; forms keep what was typed; errors show the way back."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import labels
from api.form import OutageForm
from api.service import Service
from api.visit import LANGUAGE_COOKIE
from outages.events import Approved, Cancelled, Closed, Event, Outage, Rejected, Restored, Staged, Submitted, SwitchedOff
from outages.facts import Estimate, OutageFacts, Selection, Timed, Window, switching_from_json
from tests.api.town import NOW

HOUR = timedelta(hours=1)
WORK = switching_from_json({"open": ["S1", "L2"], "close": ["TIE"]})
TYPED: dict[str, Any] = {
    "outage_class": "planned",
    "pattern": "windows",
    "start": "2026-05-02T08:30",
    "end": "2026-05-02T16:00",
    "first_day": "",
    "last_day": "",
    "off_time": "",
    "on_time": "",
    "reason": "线路检修",
    "contact": "",
    "open": "S1, L2",
    "close": "TIE",
    "fault": "",
    "feeder": "",
    "polygon": "",
    "earliest": "",
    "latest": "",
    "source": "crew",
    "confidence": "high",
    "next_update": "",
    "why": "",
    "key": "0123456789",
    "seen": "",
    "do": "submit",
}
FACTS = OutageFacts("planned", WORK, (Window(NOW + HOUR, NOW + 5 * HOUR),), "线路检修", "Li Lei 13800000000")
FAULT = OutageFacts("fault", switching_from_json({"fault": ["L3"]}), (Window(NOW - HOUR, NOW + HOUR),), "cable fault")
BY, BOSS = "li.lei", "test-boss"


def enter(service: Service, facts: OutageFacts = FACTS, *, steps: str = "") -> Outage:
    """Enter an outage and take it through ``steps``: submitted, approved, rejected, off, back, x for cancelled, closed."""
    made: dict[str, Event] = {
        "s": Submitted(NOW, BY),
        "a": Approved(NOW, BOSS),
        "r": Rejected(NOW, BOSS, "no crew"),
        "o": SwitchedOff(NOW, NOW, BY),
        "b": Restored(NOW, NOW, BY),
        "x": Cancelled(NOW, BY, "rain"),
        "c": Closed(NOW, BY),
    }
    outage = service.enter(facts, by=BY, now=NOW)
    for step in steps:
        outage = service.record(outage.id, made[step], seen=outage.seq)
    return outage


@pytest.fixture
def planned(service: Service) -> Outage:
    return enter(service, steps="sa")


@pytest.fixture
def fault(service: Service) -> Outage:
    return enter(service, FAULT)


@pytest.fixture
def pending(service: Service, planned: Outage) -> Outage:
    """An approved outage with a change that waits."""
    late = replace(FACTS, windows=(Window(NOW + 2 * HOUR, NOW + 6 * HOUR),), contact="Han 139")
    return service.revise(planned.id, late, why="rain", seen=3, by=BY, now=NOW)


PAGES = [
    "/",
    "/map",
    "/control",
    "/desk",
    "/docs",
    "/outages/{planned}/revise",
    "/outages/{fault}/revise",
    "/outages/{planned}",
    "/outages/{fault}",
    "/outages/{planned}/map",
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("asked", "tag"), [("zh", "zh-CN"), ("en", "en")])
def test_every_page_has_its_language_a_title_and_a_strict_policy(
    client: TestClient, planned: Outage, fault: Outage, *, path: str, asked: str, tag: str
) -> None:
    answer = client.get(path.format(planned=planned.id, fault=fault.id), params={"lang": asked})
    assert answer.status_code == 200
    assert re.search(rf'<html lang="{tag}">', answer.text)
    assert re.search(r"<title>[^<]{4,}</title>", answer.text)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert policy["frame-ancestors"] == "'self'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "http://" not in answer.text.replace("http://www.w3.org", "").replace("http://testserver", "")


@pytest.mark.parametrize("path", PAGES[:-1])
def test_no_page_runs_a_script_or_a_style_of_its_own(client: TestClient, planned: Outage, fault: Outage, path: str) -> None:
    page = client.get(path.format(planned=planned.id, fault=fault.id)).text
    inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page)
    assert inline == []
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", page)


def test_the_language_stays_once_it_was_chosen(client: TestClient) -> None:
    assert 'lang="zh-CN"' in client.get("/").text
    assert 'lang="en"' in client.get("/", headers={"Accept-Language": "en-GB"}).text
    assert client.get("/?lang=en").cookies[LANGUAGE_COOKIE] == "en"
    assert '<html lang="en">' in client.get("/map").text
    assert '<html lang="zh-CN">' in client.get("/map?lang=zh").text


def test_the_link_to_the_other_language_keeps_the_place(client: TestClient) -> None:
    page = unescape(client.get("/control?entered=1&lang=zh").text)
    assert 'href="/control?entered=1&lang=en"' in page


@pytest.mark.parametrize(
    ("who", "doors", "not_doors"),
    [
        ("nobody", ["/map", "/sign-in"], ["/control", "/desk", "/desk#waiting", "/accounts"]),
        ("viewer", ["/control", "/desk", "/map"], ["/desk#waiting", "/accounts", "/sign-in"]),
        ("client", ["/control", "/desk", "/map"], ["/desk#waiting", "/accounts"]),
        ("approver", ["/control", "/desk#waiting", "/desk", "/map"], ["/accounts"]),
        ("admin", ["/control", "/desk", "/accounts", "/map"], ["/desk#waiting"]),
    ],
)
def test_the_first_page_has_a_door_to_what_whoever_came_may_do(
    request: pytest.FixtureRequest, planned: Outage, *, who: str, doors: list[str], not_doors: list[str]
) -> None:
    page = request.getfixturevalue(who).get("/?lang=en").text
    found = re.findall(r'class="door [\w-]+" href="([^"]+)"', page)
    assert set(doors) <= set(found)
    assert not set(not_doors) & set(found)
    assert (planned.id in page) == (who != "nobody")
    assert "Demonstration" in page


# Entering.


def test_a_form_that_is_right_enters_the_outage_and_leads_to_its_page(client: TestClient, service: Service) -> None:
    answer = client.post("/control", data=TYPED)
    assert answer.status_code == 303
    (outage,) = service.board(NOW).drafts
    assert (outage.status, outage.entered_by) == ("submitted", "test-control")
    assert answer.headers["location"] == f"/outages/{outage.id}?entered=1"
    page = client.get(answer.headers["location"]).text
    assert "磨坊社区" in page
    assert "经他人批准后才会对外公布" in page
    assert client.post("/control", data=TYPED).headers["location"] == answer.headers["location"]
    assert len(service.board(NOW).drafts) == 1


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"do": "draft"}, "draft", "stored as a draft"),
        ({}, "submitted", "Another person has to approve it"),
        ({"outage_class": "fault", "start": "2026-05-01T08:00", "end": ""}, "in_progress", "on the public map now"),
        ({"outage_class": "fault", "start": "2026-05-01T08:00", "do": "draft"}, "in_progress", "on the public map now"),
    ],
)
def test_the_page_says_who_is_told_now(
    client: TestClient, service: Service, changes: dict[str, str], *, status: str, says: str
) -> None:
    address = client.post("/control", data={**TYPED, **changes}).headers["location"]
    assert service.get_outage(address.split("/")[2].partition("?")[0]).status == status
    assert says in client.get(address + "&lang=en").text


def test_everything_that_the_form_has_becomes_facts(client: TestClient, service: Service) -> None:
    typed = {
        **TYPED,
        "outage_class": "fault",
        "start": ["2026-05-01T08:00", "", "2026-05-01T12:00"],
        "end": ["2026-05-01T10:00", "", ""],
        "contact": "Li Lei 138",
        "open": "",
        "close": "",
        "feeder": "10kV西河线",
        "polygon": "114.30,30.50 114.33,30.50 114.33,30.52 114.30,30.52",
        "earliest": "2026-05-01T13:00",
        "latest": "2026-05-01T15:00",
        "next_update": "2026-05-01T12:30",
        "why": "found by patrol",
    }
    assert client.post("/control", data=typed).status_code == 303
    (outage,) = service.board(NOW).current
    facts = outage.facts
    assert [one.device for one in facts.switching.open] == ["T1", "T2"]  # T3 stands east of the area
    assert facts.windows == (Window(NOW - HOUR, NOW + HOUR), Window(NOW + 3 * HOUR, None))
    assert facts.contact == "Li Lei 138"
    assert facts.estimate == Estimate(NOW + 4 * HOUR, NOW + 6 * HOUR, "crew", "high", NOW + 3.5 * HOUR)
    assert isinstance(facts.selection, Selection)
    assert (facts.selection.feeder, len(facts.selection.polygon)) == ("10kV西河线", 4)
    assert service.history(outage.id)[0].why == "found by patrol"
    page = client.get(f"/outages/{outage.id}?lang=en").text
    for said in ("14:00", "Li Lei 138", "by the crew, sure", "1 May, 12:30", "found by patrol"):
        assert said in unescape(page) or said == "14:00"


def test_off_by_day_and_on_by_night_is_entered_by_days_and_times(client: TestClient, service: Service) -> None:
    daily = {"pattern": "daily", "start": "", "end": "", "first_day": "2026-05-02", "last_day": "2026-05-04"}
    client.post("/control", data={**TYPED, **daily, "off_time": "08:00", "on_time": "18:00"})
    (outage,) = service.board(NOW).drafts
    assert len(outage.facts.windows) == 3
    page = client.get(f"/outages/{outage.id}?lang=en").text
    assert "daily 08:00 – 18:00" in page
    assert "3 May, 08:00 – 18:00" in page
    assert 'value="daily" checked' in client.get(f"/outages/{outage.id}/revise").text


@pytest.mark.parametrize(
    ("changes", "field", "beside"),
    [
        ({"open": "S9"}, "open", "There is no device “S9”"),
        ({"open": ""}, "open", "Name a device to open"),
        ({"close": "S1"}, "close", "S1 is opened and closed at once"),
        ({"fault": "nowhere"}, "fault", "There is no device “nowhere”"),
        ({"outage_class": ""}, "outage_class", "Choose the class"),
        ({"start": ""}, "start", "Say from when"),
        ({"end": ""}, "end", "say until when"),
        ({"end": "2026-05-02T08:00"}, "end", "The end must be after the start"),
        ({"reason": ""}, "reason", "Say why"),
        ({"reason": "x" * 301}, "reason", "too long"),
        ({"outage_class": "fault"}, "start", "A fault cannot begin in the future"),
        ({"open": "<script>alert(1)</script>"}, "open", "&lt;script&gt;"),
        ({"open": "", "close": "", "feeder": "10kV西海线"}, "feeder", "There is no feeder “10kV西海线”"),
        ({"polygon": "here"}, "polygon", "not the corners of an area"),
        ({"latest": "2026-05-02T10:00"}, "earliest", "Say from when power may be back"),
        ({"pattern": "daily"}, "first_day", "Say from which day"),
    ],
)
def test_a_form_that_is_wrong_says_it_beside_the_field_and_keeps_what_was_typed(
    client: TestClient, service: Service, changes: dict[str, str], *, field: str, beside: str
) -> None:
    typed = {**TYPED, **changes}
    answer = client.post("/control?lang=en", data=typed)
    assert answer.status_code == 422
    page = answer.text
    said = re.search(rf'<p class="wrong" id="{field}-wrong-1">([^<]*)</p>', page)
    assert said
    assert beside in said[1]
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true" aria-describedby="{field}-wrong-1', page)
    for name, value in typed.items():
        kept = [f'value="{value}"', f'value="{value}" selected', f">{value}</textarea>"]
        assert name == "do" or any(f'name="{name}"' in tag for one in kept for tag in _tags(page, name, one)), name
    assert "<script>alert" not in page
    assert service.board(NOW).drafts == ()


def _tags(page: str, name: str, kept: str) -> list[str]:
    """Return the fields called ``name``, as markup up to the next field, that hold ``kept``."""
    fields = re.findall(rf'<(?:input|select|textarea)[^>]*name="{name}".*?(?=<label|<input|<button|</form)', page, re.DOTALL)
    return [field for field in fields if kept in unescape(field)]


def test_a_form_that_was_sent_before_and_then_changed_can_be_sent_again(client: TestClient, service: Service) -> None:
    client.post("/control", data=TYPED)
    changed = {**TYPED, "reason": "设备更换"}
    answer = client.post("/control?lang=en", data=changed)
    assert answer.status_code == 422
    assert "This form was used already" in answer.text
    key = re.search(r'name="key" value="(\w+)"', answer.text)
    assert key
    assert client.post("/control", data={**changed, "key": key[1]}).status_code == 303
    assert len(service.board(NOW).drafts) == 2


def test_what_was_typed_is_kept_when_the_store_fails(client: TestClient, service: Service) -> None:
    client.get("/control")
    with service.store.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE commands RENAME TO gone")
    answer = client.post("/control?lang=en", data=TYPED)
    assert answer.status_code == 503
    assert "What you typed is kept here" in answer.text
    assert 'value="线路检修"' in answer.text


def test_the_preview_of_the_form_is_a_part_of_a_page(client: TestClient) -> None:
    part = client.post("/control/preview?lang=en", data=TYPED).text
    assert "<html" not in part
    assert "<dd>10</dd><dt>Customers affected</dt>" in part
    assert "q-clinic" in part
    assert "data-layers" in part
    assert "There is no device “S9”" in client.post("/control/preview?lang=en", data={"open": "S9"}).text
    assert "Nobody loses supply" in client.post("/control/preview?lang=en", data={"open": "TIE"}).text
    assert "whom it affects appears here" in client.post("/control/preview?lang=en", data={}).text


def test_the_preview_says_what_speaks_against_it_and_who_is_off_already(client: TestClient, planned: Outage) -> None:
    at_once = {**TYPED, "start": "2026-05-01T10:30", "end": "2026-05-01T11:00", "open": "T2", "close": ""}
    part = client.post("/control/preview?lang=en", data=at_once).text
    assert "10 more are off then already" in part
    contrary = client.post("/control/preview?lang=en", data={**at_once, "open": "TIE"}).text
    assert "opens what this one closes" in contrary
    assert planned.id in contrary
    assert planned.id not in client.post("/control/preview", data={**at_once, "open": "TIE", "outage": planned.id}).text


def test_the_preview_shows_the_devices_that_a_feeder_means(client: TestClient) -> None:
    part = client.post("/control/preview?lang=en", data={**TYPED, "open": "", "close": "", "feeder": "10kV西河线"}).text
    assert re.search(r"Opens:.*T1.*T2.*T3", part, re.DOTALL)
    assert "<dd>28</dd><dt>Customers affected</dt>" in part


def test_names_that_look_like_markup_are_shown_as_text(client: TestClient, planned: Outage) -> None:
    """The switch S1 of the town is called 柳岸<b>分段</b>开关."""
    for path in (f"/outages/{planned.id}", f"/outages/{planned.id}/map"):
        page = client.get(path).text
        assert "<b>分段" not in page
        assert "分段" in page


# Every step by its page.


def keys_of(page: str, kind: str) -> dict[str, str]:
    """Return what the form of a step on ``page`` holds by itself."""
    form = page.partition(f'id="do-{kind}"')[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', form))


OFF, BACK = {"at": "2026-05-01T08:40"}, {"at": "2026-05-01T08:50"}
OPERATED = {"operation_at": "2026-05-01T09:00", "action": "close", "device": "TIE"}
WHY = {"why": "<b>rain</b>"}


@pytest.mark.parametrize(
    ("steps", "who", "kind", "typed", "status"),
    [
        ("", "client", "submitted", {}, "submitted"),
        ("s", "approver", "approved", {"why": "fine"}, "approved"),
        ("s", "approver", "rejected", WHY, "rejected"),
        ("sa", "client", "switched_off", OFF, "in_progress"),
        ("sao", "client", "staged", OPERATED, "partially_restored"),
        ("sao", "client", "restored", {"at": "2026-05-01T09:00"}, "restored"),
        ("saob", "client", "closed", {}, "closed"),
        ("", "client", "cancelled", WHY, "cancelled"),
        ("s", "client", "cancelled", WHY, "cancelled"),
        ("sa", "client", "cancelled", WHY, "cancelled"),
        ("s", "client", "undone", WHY, "draft"),
        ("sa", "approver", "undone", WHY, "submitted"),
        ("sao", "client", "undone", WHY, "approved"),
        ("sx", "client", "undone", WHY, "submitted"),
    ],
)
def test_every_step_is_taken_from_the_page_by_whoever_may(
    request: pytest.FixtureRequest, service: Service, *, steps: str, who: str, kind: str, typed: dict[str, str], status: str
) -> None:
    person: TestClient = request.getfixturevalue(who)
    outage = enter(service, steps=steps)
    address = f"/outages/{outage.id}"
    held = keys_of(person.get(address).text, kind)
    assert held["seen"] == str(outage.seq)
    answer = person.post(f"{address}/{kind}", data={**held, **typed})
    assert (answer.status_code, answer.headers.get("location")) == (303, address), answer.text
    assert service.get_outage(outage.id).status == status
    last = service.history(outage.id)[-1]
    assert (last.kind, last.by, last.at) == (kind, "test-control" if who == "client" else "test-approver", NOW)
    assert last.why == typed.get("why", "")
    # The button that was pressed twice has no effect the second time.
    assert person.post(f"{address}/{kind}", data={**held, **typed}).status_code == 303
    assert service.history(outage.id)[-1] == last
    page = person.get(address + "?lang=en").text
    assert labels.EVENTS[kind] in page
    assert "<b>rain" not in page


ALL_STEPS = ("submitted", "approved", "rejected", "switched_off", "staged", "restored", "closed", "cancelled", "undone")


@pytest.mark.parametrize(
    ("steps", "who", "kinds"),
    [
        ("", "client", {"submitted", "cancelled", "revised"}),
        ("", "approver", set()),
        ("", "viewer", set()),
        ("s", "client", {"cancelled", "undone", "revised"}),
        ("s", "approver", {"approved", "rejected"}),
        ("s", "desk", set()),
        ("sr", "client", {"cancelled", "revised"}),
        ("sr", "approver", {"undone"}),
        ("sa", "client", {"switched_off", "cancelled", "revised"}),
        ("sa", "approver", {"undone"}),
        ("sao", "client", {"staged", "restored", "undone", "revised"}),
        ("saob", "client", {"closed", "undone"}),
        ("saobc", "client", {"undone"}),
        ("saobc", "viewer", set()),
        ("sx", "client", {"undone"}),
    ],
)
def test_a_page_offers_what_is_allowed_and_what_whoever_looks_may_do(
    request: pytest.FixtureRequest, service: Service, *, steps: str, who: str, kinds: set[str]
) -> None:
    outage = enter(service, steps=steps)
    person: TestClient = request.getfixturevalue(who)
    page = person.get(f"/outages/{outage.id}").text
    offered = set(re.findall(r'id="do-(\w+)"', page)) | ({"revised"} if "/revise#times" in page else set())
    assert offered == kinds
    assert (" 13800000000" in page) == (who != "viewer")
    for kind in set(ALL_STEPS) - kinds:
        sent = {"seen": str(outage.seq), "why": "x", **OFF, **OPERATED}
        answer = person.post(f"/outages/{outage.id}/{kind}", data=sent)
        assert answer.status_code in (403, 409), kind
    assert service.get_outage(outage.id) == outage


def test_nobody_is_offered_to_approve_what_they_wrote(approver: TestClient, service: Service) -> None:
    outage = service.enter(FACTS, by="test-approver", now=NOW, submit=True)
    page = approver.get(f"/outages/{outage.id}?lang=en").text
    assert 'id="do-approved"' not in page
    assert "another person has to approve it" in page
    answer = approver.post(f"/outages/{outage.id}/approved?lang=en", data={"seen": "2"})
    assert answer.status_code == 409
    assert "only by another person than its author" in answer.text


@pytest.mark.parametrize(
    ("steps", "kind", "typed", "status", "says"),
    [
        ("sao", "restored", {"at": ""}, 422, "Say since when"),
        ("sao", "restored", {"at": "2026-05-01T07:00"}, 409, "Power cannot be back before it went off"),
        ("sao", "restored", {"at": "2026-05-01T09:30"}, 409, "not later than now"),
        ("sa", "switched_off", {"at": ""}, 422, "Say since when power is off"),
        ("sa", "switched_off", {"at": "noon"}, 422, "This is not a date and a time"),
        ("sa", "switched_off", {"at": "2026-05-01T09:30"}, 409, "the time must have come"),
        ("sao", "staged", {**OPERATED, "device": ""}, 422, "Name the device that was operated"),
        ("sao", "staged", {**OPERATED, "device": "S9"}, 422, "There is no device “S9”"),
        ("sao", "staged", {**OPERATED, "operation_at": ""}, 422, "Say when the device was operated"),
        ("sao", "staged", {**OPERATED, "operation_at": "2026-05-01T08:00"}, 409, "in the order of time"),
        ("sa", "cancelled", {"why": " "}, 422, "Say why"),
        ("sao", "undone", {"why": ""}, 422, "Say why"),
        ("saob", "cancelled", {"why": "rain"}, 409, "it cannot be cancelled"),
        ("", "closed", {}, 409, "Only what is restored can be closed"),
    ],
)
def test_a_step_that_cannot_be_taken_is_explained_on_the_page_which_keeps_what_was_typed(
    client: TestClient, service: Service, *, steps: str, kind: str, typed: dict[str, str], status: int, says: str
) -> None:
    outage = enter(service, steps=steps)
    sent = {"seen": str(outage.seq), **typed} | ({"why": "a remark"} if kind == "staged" else {})
    answer = client.post(f"/outages/{outage.id}/{kind}?lang=en", data=sent)
    assert answer.status_code == status
    page = unescape(answer.text)
    assert says in page
    assert service.get_outage(outage.id) == outage
    for name, value in sent.items():
        assert name in ("seen", "action") or not value.strip() or value in page, name
    assert f'href="/outages/{outage.id}?lang=zh"' in page
    chinese = client.post(f"/outages/{outage.id}/{kind}?lang=zh", data=sent).text
    assert says not in chinese


def test_whoever_comes_second_is_told_what_changed_and_keeps_what_they_typed(
    client: TestClient, approver: TestClient, service: Service
) -> None:
    outage = enter(service, steps="s")
    client.get(f"/outages/{outage.id}")
    approver.post(f"/outages/{outage.id}/approved", data={"seen": "2", "why": "all fine"})
    answer = client.post(f"/outages/{outage.id}/cancelled?lang=en", data={"seen": "2", "why": "heavy rain"})
    assert answer.status_code == 409
    page = unescape(answer.text)
    for said in ("Somebody else changed it first", "Changed meanwhile", "test-approver", "all fine", 'value="heavy rain"'):
        assert said in page
    held = keys_of(page, "cancelled")
    assert client.post(f"/outages/{outage.id}/cancelled", data={**held, "why": "heavy rain"}).status_code == 303
    assert service.get_outage(outage.id).status == "cancelled"


def test_what_was_typed_for_a_step_that_is_gone_is_shown_too(client: TestClient, service: Service) -> None:
    outage = enter(service, steps="sx")
    page = client.post(f"/outages/{outage.id}/cancelled?lang=en", data={"seen": "2", "why": "heavy rain"}).text
    assert "You had written: heavy rain" in page


def test_a_step_with_the_key_of_another_one_is_refused(client: TestClient, service: Service) -> None:
    outage = enter(service)
    client.post(f"/outages/{outage.id}/submitted", data={"seen": "1", "key": "k" * 10})
    answer = client.post(f"/outages/{outage.id}/cancelled?lang=en", data={"seen": "2", "key": "k" * 10, "why": "rain"})
    assert answer.status_code == 422
    assert 'value="rain"' in answer.text
    assert service.get_outage(outage.id).status == "submitted"


# Changing the facts.


def changed(outage: Outage, **changes: Any) -> dict[str, Any]:
    form = {**TYPED, "start": "2026-05-01T10:00", "end": "2026-05-01T14:00", "contact": "Li Lei 13800000000", "key": "c" * 10}
    return {**form, "seen": str(outage.seq), "why": "more work", **changes}


def test_the_form_of_a_change_holds_the_newest_facts(client: TestClient, pending: Outage) -> None:
    page = client.get(f"/outages/{pending.id}/revise").text
    for held in ("2026-05-01T11:00", "2026-05-01T15:00", "S1, L2", "TIE", "线路检修", "Han 139"):
        assert f'value="{held}"' in page
    assert 'name="seen" value="4"' in page


@pytest.mark.parametrize(
    ("steps", "status", "counts"),
    [
        ("", "draft", None),
        ("s", "submitted", None),
        ("sr", "draft", None),
        ("sa", "submitted", "old"),
        ("sao", "in_progress", "new"),
    ],
)
def test_a_change_counts_at_once_only_while_power_is_off(
    client: TestClient, service: Service, *, steps: str, status: str, counts: str | None
) -> None:
    outage = enter(service, steps=steps)
    answer = client.post(f"/outages/{outage.id}/revise", data=changed(outage, end="2026-05-01T18:00"))
    assert answer.headers["location"] == f"/outages/{outage.id}?changed=1"
    after = service.get_outage(outage.id)
    assert (after.status, after.facts.end) == (status, NOW + 9 * HOUR)
    assert after.in_force == {None: None, "old": outage.facts, "new": after.facts}[counts]
    assert (after.facts_by, service.history(outage.id)[-1].why) == ("test-control", "more work")


def test_a_change_that_waits_is_shown_field_by_field_beside_what_is_in_force(
    approver: TestClient, viewer: TestClient, pending: Outage
) -> None:
    for person, contact in ((approver, "Han 139"), (viewer, "only some roles may read it")):
        page = person.get(f"/outages/{pending.id}?lang=en").text
        waits = page.partition('class="panel pending"')[2].partition("</section>")[0]
        for said in ("Times", "1 May, 10:00 – 14:00", "1 May, 11:00 – 15:00", "Contact at the site", contact, "li.lei"):
            assert said in waits
        assert "13800000000" in waits or person is viewer
        assert "/map?newest=true" in waits
        assert "Han 139" not in page or person is approver
    assert viewer.get(f"/outages/{pending.id}/map?newest=true&lang=en").text.count("11:00") > 0


def test_a_change_needs_a_reason_and_says_everything_else_at_once(client: TestClient, service: Service, planned: Outage) -> None:
    sent = changed(planned, why=" ", end="2026-05-01T09:00", open="S9")
    answer = client.post(f"/outages/{planned.id}/revise?lang=en", data=sent)
    assert answer.status_code == 422
    for field, said in (("why", "Say why"), ("end", "must be after the start"), ("open", "no device “S9”")):
        wrong = re.search(rf'id="{field}-wrong-1">([^<]*)<', answer.text)
        assert wrong, field
        assert said in wrong[1]
    assert service.get_outage(planned.id) == planned


def test_a_change_made_on_an_older_state_is_shown_what_changed_and_can_be_sent_again(
    client: TestClient, service: Service, pending: Outage
) -> None:
    old = changed(pending, seen="3", reason="设备更换")
    answer = client.post(f"/outages/{pending.id}/revise?lang=en", data=old)
    assert answer.status_code == 409
    page = unescape(answer.text)
    for said in ("Somebody else changed this outage meanwhile", "1 May, 11:00 – 15:00", "li.lei", "rain", 'value="设备更换"'):
        assert said in page
    held = dict(re.findall(r'type="hidden" name="(seen|key)" value="(\w*)"', page))
    assert held["seen"] == "4"
    assert client.post(f"/outages/{pending.id}/revise", data={**old, **held}).status_code == 303
    assert service.get_outage(pending.id).facts.reason == "设备更换"


@pytest.mark.parametrize("steps", ["saob", "saobc", "sx"])
def test_what_is_over_cannot_be_changed(client: TestClient, service: Service, steps: str) -> None:
    outage = enter(service, steps=steps)
    assert client.get(f"/outages/{outage.id}/revise").status_code == 409
    answer = client.post(f"/outages/{outage.id}/revise?lang=en", data=changed(outage, end="2026-05-01T18:00"))
    assert answer.status_code == 409
    assert "cannot be changed now" in answer.text
    assert service.get_outage(outage.id) == outage


# What the pages tell.


def test_the_history_tells_who_did_what_why_and_with_which_change_code(
    client: TestClient, approver: TestClient, service: Service, pending: Outage
) -> None:
    approver.post(f"/outages/{pending.id}/rejected", data={"seen": "4", "why": "no crew then"})
    approver.post(f"/outages/{pending.id}/undone", data={"seen": "5", "why": "there is one"})
    page = client.get(f"/outages/{pending.id}?lang=en").text
    steps = re.findall(r"<li.*?</li>", page.partition('id="history"')[2].partition("</ol>")[0], re.DOTALL)
    told = [" ".join(unescape(re.sub(r"<[^>]+>", " ", step)).split()) for step in steps]
    assert [step.partition(" 1 May")[0] for step in told] == [
        "Entered",
        "Submitted for approval",
        "Approved",
        "Changed",
        "Not approved undone later",
        "Undone: Not approved",
    ]
    assert [re.search(r" (0\d) ", step)[1] for step in told] == ["00", "02", "02", "02", "02", "02"]  # type: ignore[index]
    assert "Why: rain" in told[3]
    assert "1 May, 11:00 – 15:00" in told[3]
    assert "test-approver" in told[4]


def test_the_desk_lists_what_waits_for_approval_and_publishes_what_is_in_force(
    approver: TestClient, service: Service, pending: Outage
) -> None:
    draft, waiting = enter(service), enter(service, steps="s")
    page = approver.get("/desk?lang=en").text
    queue, _, rest = page.partition('id="waiting"')[2].partition('id="queue"')
    notices = rest.partition('id="notices"')[2]
    assert re.findall(r'data-outage="([\w-]+)"', queue) == [waiting.id, pending.id]
    assert draft.id not in page
    assert waiting.id not in notices
    assert "10:00 to 14:00" in notices
    assert "11:00 to 15:00" not in notices


def test_the_board_of_control_has_drafts_and_who_wrote_them(client: TestClient, viewer: TestClient, service: Service) -> None:
    draft = enter(service)
    for person in (client, viewer):
        page = person.get("/control?lang=en").text
        board = page.partition('id="board"')[2]
        assert draft.id in board
        assert "li.lei" in board
    assert 'id="entry"' not in page


ENGLISH_IN_CHINESE = {"English", "Excel", "CSV", "GeoJSON", "GeoPackage", "JSON"}


@pytest.mark.parametrize("who", ["client", "approver", "viewer", "nobody"])
def test_no_page_in_chinese_has_english_words(
    request: pytest.FixtureRequest, service: Service, pending: Outage, fault: Outage, who: str
) -> None:
    staged = service.record(fault.id, staged_event(), seen=fault.seq)
    estimated = replace(FAULT, estimate=Estimate(NOW, NOW + HOUR, "crew", "low", NOW + HOUR / 2), contact="李雷")
    service.revise(fault.id, estimated, why="修复", seen=staged.seq, by=BY, now=NOW)
    over = [enter(service, steps=steps) for steps in ("", "s", "sr", "sx", "sao", "saob", "saobc")]
    person: TestClient = request.getfixturevalue(who)
    paths = ["/", "/map", "/control", "/desk", *(f"/outages/{one.id}" for one in (pending, fault, *over))]
    for path in [*paths, f"/outages/{fault.id}/revise"]:
        answer = person.get(path + "?lang=zh")
        if answer.status_code != 200:
            continue
        page = re.sub(
            r"<script.*?</script>|<datalist.*?</datalist>|<[^>]+lang=\"en\".*?</(?:a|article)>", "", answer.text, flags=re.DOTALL
        )
        shown = " ".join([re.sub(r"<[^>]+>", " ", page), *re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', page)])
        found = set(re.findall(r"[A-Za-z]{3,}", unescape(re.sub(r"\d{8}-\w{4}|[\w-]+\.[\w.]+|test-\w+", "", shown))))
        assert found - ENGLISH_IN_CHINESE - NAMES == set(), path


NAMES = {"TIE", "rain", "crew", "Han", "Lei", "cable", "fault", "clinic", "home", "UTC"}
"""What people typed, and names of things."""


def staged_event() -> Event:
    return Staged((Timed(NOW - HOUR / 2, "close", "TIE"), Timed(NOW, "repaired", "L3")), NOW, BY)


def test_an_outage_past_its_end_is_said_to_be_overdue_everywhere(service: Service, fault: Outage, client: TestClient) -> None:
    state = client.app.state  # type: ignore[attr-defined]
    state.shared = replace(state.shared, clock=lambda: NOW + 3 * HOUR)
    assert "later than expected" in client.get("/map?lang=en").text
    assert "nobody has confirmed" in client.get(f"/outages/{fault.id}?lang=en").text


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/outages/nothing", {}, 404),
        ("GET", "/outages/nothing/map", {}, 404),
        ("GET", "/static/nothing.js", {}, 404),
        ("GET", "/static/../visit.py", {}, 404),
        ("GET", "/assets/manifest.json/nothing", {}, 404),
        ("PUT", "/control", {}, 405),
        ("POST", "/control", {"data": TYPED, "headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ("POST", "/control", {"data": TYPED, "headers": {"Origin": "null"}}, 403),
        ("POST", "/control", {"data": {"reason": "x" * 1_000_001}}, 413),
        ("GET", "/", {"headers": {"Host": "rebound.example"}}, 421),
    ],
)
def test_every_error_is_a_page_with_the_way_back(
    client: TestClient, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    answer = client.request(method, path, **sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert 'href="/"' in answer.text
    assert "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("origin", ["http://testserver", None])
def test_a_form_from_our_own_page_is_taken(client: TestClient, origin: str | None) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", **({"Origin": origin} if origin else {})}
    assert client.post("/control", data=TYPED, headers=headers).status_code == 303


def test_every_field_of_the_form_is_on_the_page(client: TestClient) -> None:
    names = set(re.findall(r'name="(\w+)"', client.get("/control").text.partition('id="entry"')[2].partition("</form>")[0]))
    assert names - {"viewport"} >= set(OutageForm.__dataclass_fields__)
