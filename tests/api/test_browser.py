"""Every page in a real browser: nothing is asked of outside, nothing fails in silence, and the whole job works by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from api.service import Service
from outages.events import Approved, Outage, Submitted
from outages.facts import OutageFacts, Window, switching_from_json
from tests.api.conftest import Server
from tests.api.town import NOW

HOUR = timedelta(hours=1)
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


FAULT = OutageFacts("fault", switching_from_json({"fault": ["L3"]}), (Window(NOW - HOUR, NOW + HOUR),), "电缆故障")
WORK = switching_from_json({"open": ["S1", "L2"], "close": ["TIE"]})
FACTS = OutageFacts("planned", WORK, (Window(NOW + HOUR, NOW + 5 * HOUR),), "线路检修")


@pytest.fixture
def fault(service: Service) -> Outage:
    return service.enter(FAULT, by="li.lei", now=NOW)


@pytest.fixture
def submitted(service: Service) -> Outage:
    return service.enter(FACTS, by="li.lei", now=NOW, submit=True)


@pytest.fixture
def planned(service: Service, submitted: Outage) -> Outage:
    return service.record(submitted.id, Approved(NOW, "test-boss"), seen=2)


@contextmanager
def page_on(chromium: Browser, server: Server, *, status: int = 200, role: str = "control", **context: object) -> Iterator[Page]:
    """A page on which a request to outside, an error in the console or an answer that is no success fails the test."""
    wrong: list[str] = []

    def only_ours(route: Route, request: Request) -> None:
        if request.url.startswith(server) or request.url.startswith("data:"):
            route.continue_()
        else:
            wrong.append(f"asked for {request.url}")
            route.abort()

    opened = chromium.new_context(viewport=context.pop("viewport", DESK), **context)  # type: ignore[arg-type]
    opened.add_cookies(server.cookies(role))
    opened.route("**/*", only_ours)
    page = opened.new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: wrong.append(f"raised {error}"))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    yield page
    opened.close()
    assert [said for said in wrong if str(status) not in said] == []


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
@pytest.mark.parametrize(
    ("path", "shows"),
    [
        ("/", "a.door"),
        ("/map", "#map[data-ready] canvas"),
        ("/control", "#map[data-ready] canvas"),
        ("/desk", ".notice"),
        ("/docs", "#swagger .opblock"),
        ("/outages/{planned}", "#map[data-ready] canvas"),
        ("/outages/{fault}", "#map[data-ready] canvas"),
        ("/outages/{planned}/map", "#map canvas"),
        ("/outages/{planned}/revise", "#map[data-ready] canvas"),
    ],
)
def test_every_page_opens_whole_and_asks_nobody_outside(
    chromium: Browser, server: Server, planned: Outage, fault: Outage, *, path: str, shows: str, locale: str
) -> None:
    with page_on(chromium, server, locale=locale) as page:
        page.goto(server + path.format(planned=planned.id, fault=fault.id))
        page.locator(shows).first.wait_for(state="visible")
        assert page.title()
        assert page.evaluate("document.documentElement.lang") == ("zh-CN" if locale == "zh-CN" else "en")
        assert page.locator("body > main").count() == 1
        assert page.locator("h1").count() >= 1


@pytest.mark.parametrize("path", ["/nothing", "/outages/nothing"])
def test_an_error_page_leads_back(chromium: Browser, server: Server, path: str) -> None:
    with page_on(chromium, server, status=404, locale="zh-CN") as page:
        page.goto(server + path)
        page.get_by_role("link", name="返回首页").click()
        expect(page.locator("a.door-public")).to_be_visible()


def test_an_outage_is_entered_by_keyboard_approved_by_another_and_appears_on_the_public_map(
    chromium: Browser, server: Server
) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        page.locator("#open").focus()
        page.keyboard.type("S1, L2")
        page.keyboard.press("Tab")
        page.keyboard.type("TIE")
        expect(page.locator("#preview .figure-off dd")).to_have_text("10")
        expect(page.locator("#preview .figure-ok dd")).to_have_text("6")
        expect(page.locator("#preview .scope")).to_contain_text("Mill Lane")
        for _ in ("fault at", "by feeder or area", "which windows"):
            page.keyboard.press("Tab")
        for moment in ("0830AM", "0400PM"):
            page.keyboard.press("Tab")  # month, day and year follow each other; the year may have six digits and waits for Tab
            page.keyboard.type("05022026")
            page.keyboard.press("Tab")
            page.keyboard.type(moment)
            page.keyboard.press("Tab")  # the button that opens the calendar
        for _ in ("further windows", "class"):
            page.keyboard.press("Tab")
        page.keyboard.type("Planned")
        page.keyboard.press("Tab")
        page.keyboard.type("line maintenance")
        for _ in ("estimate", "contact", "remark", "as a draft", "submit"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Another person has to approve it")
        expect(page.locator("h1")).to_have_text("Planned outage: Mill Lane")
        address = page.url.partition("?")[0]
        page.goto(server + "/map")
        expect(page.locator(".card-planned")).to_have_count(0)
    with page_on(chromium, server, locale="en-GB", role="approver") as page:
        page.goto(server + "/desk")
        page.locator("#waiting .ticket a").click()
        assert page.url == address
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#history")).to_contain_text("test-approver")
        page.wait_for_timeout(1000)  # until the server has heard of it, as any other would
        page.goto(server + "/map")
        page.locator("#map[data-ready]").wait_for()
        card = page.locator(".card-planned")
        expect(card).to_contain_text("Mill Lane")
        expect(card).to_contain_text("tomorrow, Sat 2 May, 08:30")
        expect(card).to_contain_text("at least 10 customers")


def test_what_was_typed_is_kept_when_something_is_wrong(chromium: Browser, server: Server) -> None:
    with page_on(chromium, server, status=422, locale="en-GB") as page:
        page.goto(server + "/control")
        page.locator("#open").fill("S9, L2")
        page.locator("#reason").fill("line maintenance")
        page.get_by_role("button", name="Enter and submit for approval").click()
        expect(page.locator("#open-wrong-1")).to_contain_text("There is no device “S9”")
        expect(page.locator("#open")).to_have_value("S9, L2")
        expect(page.locator("#reason")).to_have_value("line maintenance")
        expect(page.locator("#preview")).to_contain_text("There is no device “S9”")


def test_what_was_typed_outlives_a_reload_and_a_change_of_language(chromium: Browser, server: Server) -> None:
    with page_on(chromium, server, locale="zh-CN") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        page.locator("#open").fill("T2")
        page.locator("#outage_class").select_option("planned")
        page.locator("#start").fill("2026-05-02T08:30")
        page.locator("#end").fill("2026-05-02T09:30")
        page.locator("#reason").fill("变压器检修")
        page.reload()
        page.get_by_role("link", name="English").click()
        expect(page.locator("#reason")).to_have_value("变压器检修")
        expect(page.locator("#start")).to_have_value("2026-05-02T08:30")
        expect(page.locator("#preview .figure-off dd")).to_have_text("10")
        page.get_by_role("button", name="Enter as a draft").click()
        page.locator("#map[data-ready]").wait_for()
        assert "/outages/" in page.url
        page.goto(server + "/control")
        expect(page.locator("#reason")).to_have_value("")


def test_devices_are_suggested_for_the_last_of_several(chromium: Browser, server: Server) -> None:
    with page_on(chromium, server, locale="zh-CN") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        page.locator("#open").press_sequentially("S1, 联络")
        option = page.locator("#open-list option")
        expect(option).to_have_count(1)
        assert option.get_attribute("value") == "S1, TIE"
        assert option.get_attribute("label") == "联络开关 · 开关 · 常开 · 10kV东山线"


def test_the_preview_says_so_when_the_server_is_gone_and_keeps_what_was_typed(chromium: Browser, server: Server) -> None:
    with page_on(chromium, server, status=503, locale="en-GB") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        page.route("**/control/preview", lambda route: route.fulfill(status=503, body=""))
        page.locator("#open").fill("S1")
        expect(page.locator("#preview")).to_contain_text("what you typed is kept")
        expect(page.locator("#open")).to_have_value("S1")


def test_power_is_confirmed_back_and_the_public_map_forgets_the_outage(chromium: Browser, server: Server, fault: Outage) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(f"{server}/outages/{fault.id}")
        page.get_by_role("button", name="Confirm restoration").click()
        expect(page.locator(".outage-head .chip")).to_have_text("Restored")
        page.goto(server + "/map")
        expect(page.locator(".list")).to_contain_text("We know of no outage now")


def test_list_and_map_lead_to_each_other(chromium: Browser, server: Server, fault: Outage, planned: Outage) -> None:
    with page_on(chromium, server, locale="zh-CN") as page:
        page.goto(server + "/map")
        page.locator("#map[data-ready]").wait_for()
        card = page.locator(f"[id='{planned.id}']")
        card.get_by_role("button", name="在地图上查看").click()
        expect(card).to_have_class("card card-planned chosen")
        page.wait_for_timeout(500)  # the map moves to it, so that it lies under the middle
        page.locator("#map").click()
        expect(card).to_have_class("card card-planned chosen")
        page.goto(f"{server}/map#{fault.id}")
        expect(page.locator(f"[id='{fault.id}']")).to_have_class("card card-current chosen")


def test_an_open_map_shows_what_is_new_within_a_minute(chromium: Browser, server: Server, service: Service) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.clock.install()
        page.goto(server + "/map")
        page.locator("#map[data-ready]").wait_for()
        expect(page.locator(".card")).to_have_count(0)
        service.enter(replace(FAULT, windows=(Window(NOW - HOUR, None),)), by="li.lei", now=NOW)
        page.wait_for_timeout(1000)
        page.clock.fast_forward("01:01")
        expect(page.locator(".card-current")).to_contain_text("Little Hill")
        expect(page.locator(".card-current")).to_contain_text("not known yet")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/map",
        "/control",
        "/desk",
        "/outages/{planned}",
        "/outages/{fault}",
        "/outages/{planned}/map",
        "/outages/{planned}/revise",
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    chromium: Browser, server: Server, planned: Outage, fault: Outage, *, path: str, scheme: str
) -> None:
    with page_on(chromium, server, locale="zh-CN", viewport=PHONE, is_mobile=True, has_touch=True, color_scheme=scheme) as page:
        page.goto(server + path.format(planned=planned.id, fault=fault.id))
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        small = page.evaluate(
            """[...document.querySelectorAll("button, input:not([type=radio]), .choices label, select, nav a")]
               .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 30)
               .map((one) => one.outerHTML)"""
        )
        assert small == []


def test_on_a_phone_the_words_come_before_the_map(chromium: Browser, server: Server, fault: Outage) -> None:
    with page_on(chromium, server, locale="zh-CN", viewport=PHONE, is_mobile=True, has_touch=True) as page:
        page.goto(server + "/map")
        page.locator("#map[data-ready]").wait_for()
        card, drawn = page.locator(".card").bounding_box(), page.locator("#map").bounding_box()
        assert card
        assert drawn
        assert card["y"] + card["height"] <= drawn["y"]
        assert card["y"] < PHONE["height"] * 0.6


def test_without_scripts_everything_but_maps_and_preview_works(
    chromium: Browser, server: Server, service: Service, fault: Outage
) -> None:
    with page_on(chromium, server, locale="zh-CN", java_script_enabled=False) as page:
        page.goto(server + "/map")
        expect(page.locator(".card-current")).to_contain_text("小丘社区")
        page.goto(server + "/control")
        page.locator("#open").fill("T1")
        page.locator("#outage_class").select_option("planned")
        page.locator("#start").fill("2026-05-02T08:30")
        page.locator("#end").fill("2026-05-02T09:30")
        page.locator("#reason").fill("变压器检修")
        page.get_by_role("button", name="录入并提交审批").click()
        expect(page.locator("h1")).to_contain_text("柳岸社区")
        address = page.url.partition("?")[0]
    with page_on(chromium, server, locale="zh-CN", role="approver", java_script_enabled=False) as page:
        page.goto(address)
        page.get_by_role("button", name="批准").click()
        expect(page.locator("#history")).to_contain_text("已批准")
    assert len(service.board(NOW).planned) == 1


def follow(page: Page) -> None:
    """Wait until the page hears what others do."""
    page.locator("html[data-following]").wait_for(state="attached")


def test_the_board_of_control_follows_others_and_keeps_what_is_typed(chromium: Browser, server: Server, service: Service) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        follow(page)
        page.locator("#reason").fill("half a sen")
        outage = service.enter(FACTS, by="han.meimei", now=NOW)
        row = page.locator(f"#board [data-outage='{outage.id}']")
        expect(row).to_contain_text("han.meimei")
        expect(row).to_contain_text("Draft")
        service.record(outage.id, Submitted(NOW, "han.meimei"), seen=1)
        expect(row).to_contain_text("To be approved")
        expect(page.locator("#reason")).to_have_value("half a sen")


def test_an_open_page_says_that_somebody_else_changed_the_outage(
    chromium: Browser, server: Server, service: Service, submitted: Outage
) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(f"{server}/outages/{submitted.id}")
        page.locator("#map[data-ready]").wait_for()
        follow(page)
        page.locator("summary", has_text="Cancel this outage").click()
        page.locator("#cancelled-why").fill("heavy rain")
        service.record(submitted.id, Approved(NOW, "han.meimei"), seen=2)
        expect(page.locator("#news")).to_contain_text("han.meimei")
        expect(page.locator("#news")).to_contain_text("Approved")
        expect(page.locator("#cancelled-why")).to_have_value("heavy rain")


def test_a_stage_is_recorded_in_more_rows_than_there_were(
    chromium: Browser, server: Server, service: Service, fault: Outage
) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(f"{server}/outages/{fault.id}")
        page.locator("#map[data-ready]").wait_for()
        page.locator("summary", has_text="Devices were operated").click()
        page.get_by_role("button", name="One more row").click()
        rows = page.locator(".operation")
        expect(rows).to_have_count(4)
        for number, (action, device) in enumerate((("open", "B2"), ("open", "L3"), ("repaired", "L3"), ("close", "TIE"))):
            rows.nth(number).locator("select").select_option(action)
            rows.nth(number).locator("[name=device]").fill(device)
        page.get_by_role("button", name="Record the operations").click()
        expect(page.locator(".outage-head .chip")).to_have_text("Partly restored")
        expect(page.locator("#history li").last).to_contain_text("repaired L3")
    assert [one.device for one in service.get_outage(fault.id).operations] == ["B2", "L3", "L3", "TIE"]


def test_an_area_is_drawn_on_the_map_and_its_transformers_are_shown(chromium: Browser, server: Server) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        page.locator("summary", has_text="Or choose by feeder or area").click()
        page.locator("#draw").click()
        box = page.locator("#map").bounding_box()
        assert box
        for x, y in ((0.02, 0.3), (0.6, 0.3), (0.6, 0.8), (0.02, 0.8), (0.3, 0.9)):
            page.locator("#map").click(position={"x": box["width"] * x + 60 * (x < 0.1), "y": box["height"] * y})
            page.wait_for_timeout(400)  # two clicks at once would zoom
        page.locator("#undraw").click()
        assert len(page.locator("#polygon").input_value().splitlines()) == 4
        expect(page.locator("#preview")).to_contain_text("Opens:")


def test_windows_are_added_and_off_by_day_is_chosen(chromium: Browser, server: Server, service: Service) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        page.locator("summary", has_text="Further windows").click()
        page.get_by_role("button", name="One more window").click()
        page.locator("#start-4").fill("2026-05-09T08:00")
        page.reload()
        expect(page.locator("#start-4")).to_have_value("2026-05-09T08:00")
        page.get_by_label("Off by day, on by night").check()
        expect(page.locator("#start")).to_be_hidden()
        page.locator("#open").fill("T1")
        page.locator("#outage_class").select_option("planned")
        for field, value in (
            ("first_day", "2026-05-02"),
            ("last_day", "2026-05-04"),
            ("off_time", "08:00"),
            ("on_time", "18:00"),
        ):
            page.locator(f"#{field}").fill(value)
        page.locator("#reason").fill("works")
        page.get_by_role("button", name="Enter as a draft").click()
        expect(page.locator("h1")).to_contain_text("Willow Bank")
    (outage,) = service.board(NOW).drafts
    assert len(outage.facts.windows) == 3


def test_a_fault_has_one_button_and_says_that_it_is_in_force_at_once(chromium: Browser, server: Server) -> None:
    with page_on(chromium, server, locale="en-GB") as page:
        page.goto(server + "/control")
        page.locator("#map[data-ready]").wait_for()
        expect(page.get_by_role("button", name="Enter this outage")).to_be_hidden()
        page.locator("#outage_class").select_option("fault")
        expect(page.get_by_role("button", name="Enter as a draft")).to_be_hidden()
        expect(page.locator("#earliest")).to_be_visible()
        page.locator("#fault").fill("L3")
        page.locator("#reason").fill("cable fault")
        page.get_by_role("button", name="Enter this outage").click()
        expect(page.locator(".outage-head .chip")).to_have_text("Power off now")
