"""Pages for people: every one in both languages, with a strict policy; forms keep what was typed; errors show the way back."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.form import OutageForm
from api.service import Service
from api.visit import LANGUAGE_COOKIE
from outages.events import Outage, OutageFacts, switching_from_json
from tests.api.town import NOW

HOUR = timedelta(hours=1)
WORK = switching_from_json({"open": ["S1", "L2"], "close": ["TIE"]})
TYPED = {
    "outage_class": "planned",
    "start": "2026-05-02T08:30",
    "end": "2026-05-02T16:00",
    "reason": "线路检修",
    "open": "S1, L2",
    "close": "TIE",
    "fault": "",
    "key": "0123456789",
}


@pytest.fixture
def planned(service: Service) -> Outage:
    return service.enter(OutageFacts("planned", WORK, NOW + HOUR, NOW + 5 * HOUR, "线路检修"), by="control", now=NOW)


@pytest.fixture
def fault(service: Service) -> Outage:
    facts = OutageFacts("fault", switching_from_json({"fault": ["L3"]}), NOW - HOUR, NOW + HOUR, "cable fault")
    return service.enter(facts, by="control", now=NOW)


PAGES = ["/", "/map", "/control", "/desk", "/docs", "/outages/{planned}", "/outages/{fault}", "/outages/{planned}/map"]


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


def test_the_first_page_shows_the_three_places_and_what_goes_on(client: TestClient, planned: Outage, fault: Outage) -> None:
    page = client.get("/?lang=en").text
    for door in ('href="/control"', 'href="/desk"', 'href="/map"', planned.id, fault.id, "Demonstration"):
        assert door in page


def test_a_form_that_is_right_enters_the_outage_and_leads_to_its_page(client: TestClient, service: Service) -> None:
    answer = client.post("/control", data=TYPED)
    assert answer.status_code == 303
    (outage,) = service.board(NOW).planned
    assert answer.headers["location"] == f"/outages/{outage.id}?entered=1"
    page = client.get(answer.headers["location"]).text
    assert "磨坊社区" in page
    assert client.post("/control", data=TYPED).headers["location"] == answer.headers["location"]
    assert len(service.board(NOW).planned) == 1


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
        kept = f'value="{value}" selected' if name == "outage_class" and value else f'value="{value}"'
        assert kept in unescape(page), name
    assert "<script>alert" not in page
    assert service.board(NOW).planned == ()


def test_a_form_that_was_sent_before_and_then_changed_can_be_sent_again(client: TestClient, service: Service) -> None:
    client.post("/control", data=TYPED)
    changed = {**TYPED, "reason": "设备更换"}
    answer = client.post("/control?lang=en", data=changed)
    assert answer.status_code == 409
    assert "This form was used already" in answer.text
    key = re.search(r'name="key" value="(\w+)"', answer.text)
    assert key
    assert client.post("/control", data={**changed, "key": key[1]}).status_code == 303
    assert len(service.board(NOW).planned) == 2


def test_what_was_typed_is_kept_when_the_store_is_gone(client: TestClient, service: Service) -> None:
    with service._store._engine.begin() as connection:
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


def test_names_that_look_like_markup_are_shown_as_text(client: TestClient, planned: Outage) -> None:
    """The switch S1 of the town is called 柳岸<b>分段</b>开关."""
    for path in (f"/outages/{planned.id}", f"/outages/{planned.id}/map"):
        page = client.get(path).text
        assert "<b>分段" not in page
        assert "分段" in page


def test_power_is_confirmed_back_from_the_page(client: TestClient, service: Service, fault: Outage) -> None:
    page = client.get(f"/outages/{fault.id}").text
    assert 'value="2026-05-01T09:00"' in page
    answer = client.post(f"/outages/{fault.id}/restored", data={"seen": "1", "restored_at": "2026-05-01T08:50"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/outages/{fault.id}")
    assert service.get_outage(fault.id).status == "restored"
    assert "/restored" not in client.get(f"/outages/{fault.id}").text


@pytest.mark.parametrize(
    ("step", "data", "status", "says"),
    [
        ("restored", {"seen": "1", "restored_at": ""}, 422, "Say since when"),
        ("restored", {"seen": "1", "restored_at": "2026-05-01T07:00"}, 409, "cannot be restored before that"),
        ("restored", {"seen": "1", "restored_at": "2026-05-01T09:30"}, 409, "Confirm it when power is back"),
        ("restored", {"seen": "7", "restored_at": "2026-05-01T08:50"}, 409, "was changed by someone else"),
        ("cancelled", {"seen": "1", "reason": ""}, 422, "Say why"),
    ],
)
def test_a_step_that_cannot_be_taken_is_explained_on_the_page(
    client: TestClient, service: Service, fault: Outage, *, step: str, data: dict[str, str], status: int, says: str
) -> None:
    answer = client.post(f"/outages/{fault.id}/{step}?lang=en", data=data)
    assert answer.status_code == status
    assert says in unescape(answer.text)
    assert service.get_outage(fault.id) == fault


def test_an_outage_past_its_end_is_said_to_be_overdue_everywhere(service: Service, fault: Outage, client: TestClient) -> None:
    client.app.state.shared = type(client.app.state.shared)(  # type: ignore[attr-defined]
        service,
        client.app.state.shared.settings,
        lambda: NOW + 3 * HOUR,  # type: ignore[attr-defined]
    )
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
    names = set(re.findall(r'name="(\w+)"', client.get("/control").text.partition("</form>")[0]))
    assert names - {"viewport"} >= set(OutageForm.__dataclass_fields__)
