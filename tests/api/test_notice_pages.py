"""The desk by hand: every step of a notice on its page, in both languages, and nothing that is typed is ever lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect
from starlette.testclient import TestClient

from api import notice_labels
from api.publishing import Publishing
from api.routes.notice import digest
from api.service import Service
from api.settings import Settings
from api.utility import utility_of
from notices.channels.parcel import Outcome
from notices.crosscheck import Finding
from notices.dossier import NEW, TRANSITIONS
from notices.facts import KINDS
from notices.history import NOTICE_EVENTS, Text, TextKey
from notices.outbox import Outbox
from notices.rules import AUDIENCES, CHANNELS
from outages.events import Approved, Outage
from outages.facts import OutageFacts, Window, switching_from_json
from outages.store import open_store
from tests.api.conftest import Server
from tests.api.signed import new_client
from tests.api.town import NOW
from topology.network import Network

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCRIPT = "<script>alert(1)</script>"
WEB, SMS = TextKey("first", "en", "web"), TextKey("first", "zh", "sms")

Page = Any


@pytest.fixture
def service(town: Network, settings: Settings) -> Iterator[Service]:
    """The service of a utility that goes by the rules of China."""
    store = open_store(settings.store)
    yield Service(town, store, utility_of(settings))
    store.close()


@pytest.fixture
def publishing(app: FastAPI) -> Publishing:
    found: Publishing = app.state.shared.publishing
    return found


def plan(service: Service, *, start: timedelta = 9 * DAY, reason: str = "线路检修") -> Outage:
    """Enter work that darkens ten customers, one of them on life support: by default early enough for the rules of China."""
    switching = switching_from_json({"open": ["S1", "L2"], "close": ["TIE"]})
    facts = OutageFacts("planned", switching, (Window(NOW + start, NOW + start + 6 * HOUR),), reason)
    outage = service.enter(facts, by="li.lei", now=NOW, submit=True)
    return service.record(outage.id, Approved(NOW, "boss"), seen=2)


@pytest.fixture
def notice(service: Service, publishing: Publishing) -> str:
    return publishing.draft(plan(service).id, by="test-desk", now=NOW).id


def fields(page: Page) -> dict[str, str]:
    """What the form of the texts holds, as a browser would send it."""
    found = {
        unescape(name): unescape(value)
        for name, value in re.findall(r'<input[^>]*form="work"[^>]*? name="([^"]*)" value="([^"]*)"', page.text)
    }
    areas = re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)
    seen = re.search(r'name="seen" value="(\d+)"', page.text)
    texts = {unescape(name): unescape(body).replace("\n", "\r\n") for name, body in areas}
    return {**found, **texts, "seen": seen[1] if seen else ""}


def send(client: TestClient, notice: str, to: str, **typed: Any) -> Page:
    """Send what the page holds with what was ``typed``, and return the answer."""
    page = client.get(f"/notices/{notice}?lang=en")
    return client.post(f"/notices/{notice}/{to}?lang=en", data={**fields(page), **typed})


def done(answer: Page, notice: str, to: str) -> None:
    assert (answer.status_code, answer.headers.get("location")) == (303, f"/notices/{notice}?done={to}"), answer.text[:3000]


# The desk.


def test_the_desk_says_what_is_due_until_when_and_by_which_rule(desk: TestClient, service: Service, app: FastAPI) -> None:
    outage = plan(service)
    late = plan(service, start=DAY, reason="storm")
    page = desk.get("/desk?lang=en").text
    assert page.index(late.id) < page.index(outage.id, page.index('id="queue"'))
    assert "missed" in page
    assert "no later than" in page
    assert "供电监管办法, Art. 13" in page
    assert "second-hand" in page
    assert page.count(">Write the notice</button>") == 2
    assert ">Write the notice</button>" not in new_client(app, "viewer").get("/desk?lang=en").text
    assert "已超时限" in desk.get("/desk?lang=zh").text


def test_the_notice_is_written_at_a_button_and_once_only(desk: TestClient, service: Service) -> None:
    outage = plan(service)
    answers = [desk.post(f"/outages/{outage.id}/notices") for _ in range(2)]
    assert {(one.status_code, one.headers["location"]) for one in answers} == {(303, f"/notices/{outage.id}.1")}
    page = desk.get("/desk?lang=en").text
    assert "Open the notice" in page
    assert desk.get(f"/notices/{outage.id}.1?lang=en").text.count("<li><b>Texts written") == 1


def test_where_no_notice_can_be_written_the_desk_says_why(desk: TestClient, service: Service) -> None:
    facts = OutageFacts("planned", switching_from_json({"open": ["S1"]}), (Window(NOW + DAY, NOW + DAY + HOUR),), "x")
    outage = service.enter(facts, by="li.lei", now=NOW)
    answer = desk.post(f"/outages/{outage.id}/notices?lang=en")
    assert answer.status_code == 422
    assert "People were told all there is" in answer.text
    assert desk.post("/outages/20260501-NONE/notices").status_code == 404


# One notice.


@pytest.mark.parametrize(("language", "words"), [("en", "What comes next"), ("zh", "下一步")])
def test_the_page_shows_each_text_with_its_size_and_what_comes_next(
    desk: TestClient, notice: str, language: str, words: str
) -> None:
    page = desk.get(f"/notices/{notice}?lang={language}")
    assert page.status_code == 200
    assert words in page.text
    assert ("names all 10 affected" if language == "en" else "涵盖全部 10 户受影响用户") in page.text
    over = "and 6 who are not (precision 62 %)" if language == "en" else "另含 6 户未受影响 (精确率 62 %)"
    assert over in re.sub(r"\s+", " ", page.text)
    assert page.text.count("<textarea") == 15
    assert fields(page)[f"body:{SMS}"].startswith("【示范供电公司】")


def test_a_notice_goes_by_hand_from_an_edit_to_a_message_that_is_sent_again(
    desk: TestClient, approver: TestClient, service: Service, notice: str
) -> None:
    body = fields(desk.get(f"/notices/{notice}"))[f"body:{WEB}"]
    edit = {f"body:{WEB}": body.replace("95598", "95599")}
    done(send(desk, notice, "saved", **edit), notice, "saved")
    refused = send(desk, notice, "submitted", late_reason="kept")
    assert refused.status_code == 422
    assert "Telephone number: 95598 became 95599" in refused.text
    assert 'aria-invalid="true"' in refused.text
    reasons = {name: "a line for this work" for name in fields(refused) if name.startswith("reason:")}
    assert len(reasons) == 2
    done(send(desk, notice, "submitted", **reasons), notice, "submitted")
    assert ">Approve</button>" not in desk.get(f"/notices/{notice}?lang=en").text
    seen_by_approver = approver.get(f"/notices/{notice}?lang=en").text
    assert "a line for this work" in seen_by_approver
    assert "<textarea" not in seen_by_approver
    done(send(approver, notice, "approved"), notice, "approved")
    done(send(desk, notice, "issued"), notice, "issued")
    outbox = Outbox(service.store.database)
    (message,) = outbox.claim("sms", limit=9, by="gateway", now=NOW, lease_s=60)
    outbox.settle([(message, Outcome("refused", SCRIPT))], by="gateway", now=NOW)
    page = desk.get(f"/notices/{notice}?lang=en").text
    assert SCRIPT not in page
    assert "refused" in page
    assert send(desk, notice, "retried", position=str(message.position)).status_code == 422  # no reason
    assert send(desk, notice, "retried", why="x").status_code == 422  # no message
    done(send(desk, notice, "retried", position=str(message.position), why="right number"), notice, "retried")
    assert outbox.counts(notice)["sms"] == {"waiting": 1}
    assert "q-home" in page
    assert send(desk, notice, "acknowledged", customer_id="q-home").status_code == 422
    done(send(desk, notice, "acknowledged", customer_id="q-home", how="called"), notice, "acknowledged")
    assert "q-home" not in desk.get(f"/notices/{notice}").text


def test_nothing_that_is_typed_is_lost_where_a_step_is_refused(
    desk: TestClient, service: Service, publishing: Publishing
) -> None:
    notice = publishing.draft(plan(service, start=DAY).id, by="test-desk", now=NOW).id
    body = fields(desk.get(f"/notices/{notice}"))[f"body:{WEB}"] + " Sorry."
    refused = send(desk, notice, "submitted", **{f"body:{WEB}": body})  # late, and no reason for that
    assert refused.status_code == 409
    assert "a late one needs the reason for that" in refused.text
    assert " Sorry.</textarea>" in refused.text
    done(send(desk, notice, "submitted", late_reason="storm damage"), notice, "submitted")
    given_back = send(new_client(desk.app, "approver"), notice, "rejected")  # type: ignore[arg-type]
    assert given_back.status_code == 422
    assert "Say why, in a few words" in given_back.text


def test_two_people_at_one_text_see_both(desk: TestClient, publishing: Publishing, notice: str) -> None:
    before = fields(desk.get(f"/notices/{notice}?lang=en"))
    text = publishing.registry.get(notice).texts[WEB]
    publishing.save(notice, Text(WEB, text.title, text.body + " Theirs."), version=1, by="anna", now=NOW)
    untouched = {**before, f"body:{SMS}": before[f"body:{SMS}"] + "。"}
    done(desk.post(f"/notices/{notice}/saved", data=untouched), notice, "saved")  # what nobody typed in is not saved again
    assert publishing.texts(publishing.registry.get(notice))[WEB].body.endswith(" Theirs.")
    refused = desk.post(f"/notices/{notice}/saved?lang=en", data={**before, f"body:{WEB}": text.body + " Mine."})
    assert refused.status_code == 409
    assert " Theirs.</p>" in refused.text
    assert " Mine.</textarea>" in refused.text
    done(desk.post(f"/notices/{notice}/saved", data=fields(refused)), notice, "saved")
    assert publishing.texts(publishing.registry.get(notice))[WEB].body.endswith(" Mine.")


def test_a_button_pressed_on_an_old_page_changes_nothing(desk: TestClient, notice: str) -> None:
    old = fields(desk.get(f"/notices/{notice}?lang=en"))
    done(desk.post(f"/notices/{notice}/submitted", data=old), notice, "submitted")
    refused = desk.post(f"/notices/{notice}/dropped?lang=en", data={"seen": old["seen"], "why": "old page"})
    assert refused.status_code == 409
    assert "Somebody else took a step first" in refused.text
    assert 'value="old page"' in refused.text


def test_texts_of_an_outage_that_has_changed_are_written_anew(
    desk: TestClient, service: Service, publishing: Publishing, notice: str
) -> None:
    outage = service.get_outage(publishing.registry.get(notice).outage_id)
    later = OutageFacts("planned", outage.facts.switching, (Window(NOW + 12 * DAY, NOW + 12 * DAY + HOUR),), "x")
    moved = service.revise(outage.id, later, why="crew", seen=3, by="li.lei", now=NOW)
    service.record(outage.id, Approved(NOW, "boss"), seen=moved.seq)
    assert "The outage has changed since" in desk.get(f"/notices/{notice}?lang=en").text
    done(send(desk, notice, "redrafted"), notice, "redrafted")
    page = desk.get(f"/notices/{notice}?lang=en").text
    assert "The outage has changed since" not in page
    assert "13 May 2026" in page


REFUSED = {
    "viewer": ("saved", "submitted", "approved", "issued", "dropped", "retried", "given_up", "acknowledged", "redrafted"),
    "control": ("saved", "approved"),
    "desk": ("approved", "rejected"),
    "admin": ("issued", "approved"),
}


def test_who_may_not_take_a_step_is_told_so(app: FastAPI) -> None:
    for role, steps in REFUSED.items():
        client = new_client(app, role)
        assert {to: client.post(f"/notices/20260501-NONE.1/{to}").status_code for to in steps} == dict.fromkeys(steps, 403), role


def test_pages_of_no_notice_are_not_found(desk: TestClient) -> None:
    for method, path in (("GET", ""), ("POST", "/saved"), ("POST", "/issued"), ("POST", "/redrafted"), ("POST", "/retried")):
        answer = desk.request(method, f"/notices/{SCRIPT}.1{path}?lang=en", data={"why": "x", "position": "1"})
        assert answer.status_code == 404, path
        assert SCRIPT not in answer.text


def test_markup_in_any_field_is_shown_as_text(desk: TestClient, app: FastAPI, notice: str) -> None:
    page = desk.get(f"/notices/{notice}")
    typed = {name: value + SCRIPT for name, value in fields(page).items() if name.startswith(("title:", "body:"))}
    done(send(desk, notice, "saved", **typed), notice, "saved")
    refused = send(desk, notice, "submitted", late_reason=SCRIPT)
    reasons = {name: SCRIPT for name in fields(refused) if name.startswith("reason:")}
    submitted = send(desk, notice, "submitted", late_reason=SCRIPT, **reasons)
    dropped = send(desk, notice, "dropped", why=SCRIPT)
    done(dropped, notice, "dropped")
    by_viewer = new_client(app, "viewer").get(f"/notices/{notice}?done={SCRIPT}")
    shown = [refused, submitted, desk.get(f"/notices/{notice}?lang=zh"), by_viewer]
    assert [SCRIPT in one.text for one in shown] == [False] * 4
    assert "&lt;script&gt;" in shown[2].text


def test_names_and_numbers_are_shown_only_to_whoever_may_see_them(
    app: FastAPI, service: Service, publishing: Publishing, notice: str
) -> None:
    publishing.submit(notice, seen=1, reasons={}, by="test-desk", now=NOW)
    publishing.approve(notice, seen=2, by="boss", now=NOW)
    publishing.issue(notice, seen=3, by="test-desk", now=NOW)
    outbox = Outbox(service.store.database)
    (message,) = outbox.claim("sms", limit=9, by="gateway", now=NOW, lease_s=60)
    outbox.settle([(message, Outcome("refused", "no 13800000000"))], by="gateway", now=NOW)
    assert "13800000000" not in new_client(app, "viewer").get(f"/notices/{notice}").text
    assert "13800000000" in new_client(app, "desk").get(f"/notices/{notice}").text


# While somebody types.


def test_what_is_typed_is_saved_by_itself_and_checked(chromium: Browser, server: Server, notice: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.add_cookies(server.cookies("desk"))
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(f"{server}/notices/{notice}?lang=en")
    article = page.locator(f'[data-key="{WEB}"]')
    field = article.locator("[data-body]")
    field.fill(field.input_value().replace("95598", "95599"))
    expect(article.locator("[data-state]")).to_contain_text("saved")
    expect(page.locator("#findings")).to_contain_text("Telephone number: 95598 became 95599")
    reason = page.locator("#findings input").first
    reason.fill("a line for this work")
    field.fill(field.input_value() + " Thank you.")
    expect(article.locator("[data-version]")).to_have_value("3")
    expect(reason).to_have_value("a line for this work")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.reload()
    assert field.input_value().endswith(" Thank you.")
    assert wrong == []
    context.close()


# Words.


def test_every_code_of_a_notice_has_words() -> None:
    assert set(notice_labels.KINDS) == set(KINDS)
    assert set(notice_labels.STATUSES) == set(notice_labels.NEXT) == set(TRANSITIONS) - {NEW}
    assert set(notice_labels.EVENTS) == set(NOTICE_EVENTS)
    assert set(notice_labels.CHANNELS) == set(CHANNELS)
    assert set(notice_labels.AUDIENCES) == {*AUDIENCES, "subscribers"}
    assert set(notice_labels.DONE) == set(notice_labels.REFUSALS)


def test_a_finding_of_tomorrow_is_said_in_its_own_words() -> None:
    unknown = Finding("colour_strange", "words", "note", (WEB,), "The colour is strange.")
    assert notice_labels.say_finding(unknown, str) == "The colour is strange."
    many = Finding("line_dropped", "line", "reason", (WEB,), "", tuple("ABCDEF"))
    assert notice_labels.say_finding(many, str) == "Line: A, B, C, D … (6) is not named any more. Put it back, or say why."


def test_a_text_is_known_again_by_what_it_says() -> None:
    text = Text(WEB, "a", "b")
    assert digest(text) == digest(Text(SMS, "a", "b")) != digest(Text(WEB, "a", "c"))
