"""The pages of people in a real browser: by keyboard, on a phone, in both colour schemes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from api.people import accounts
from api.service import Service
from tests.api.conftest import Server
from tests.api.people.conftest import CHEAP, SECRET
from tests.api.test_browser import PHONE, page_on
from tests.api.town import NOW


@pytest.fixture
def ana(service: Service) -> str:
    database = service.store.database
    accounts.add_account(database, "ana", "desk", SECRET, now=NOW, by="root", must_change=True, hasher=CHEAP)
    return "ana"


def test_somebody_signs_in_by_keyboard_changes_the_password_and_signs_out(chromium: Browser, server: Server, ana: str) -> None:
    with page_on(chromium, server, role="", status=422, locale="en-GB") as page:
        page.goto(server + "/desk")
        expect(page.locator("#name")).to_be_focused()
        page.keyboard.type(ana)
        page.keyboard.press("Tab")
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Name and password do not belong together")
        expect(page.locator("#name")).to_have_value(ana)
        expect(page.locator("#password")).to_be_focused()
        page.keyboard.type(SECRET)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("handed over by somebody else")
        page.get_by_label("Password until now").fill(SECRET)
        page.get_by_label("New password", exact=True).fill("another river stone")
        page.get_by_label("New password, again").fill("another river stone")
        page.keyboard.press("Enter")
        expect(page.locator(".who")).to_contain_text("Desk staff")
        page.goto(server + "/desk")
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("h1")).to_have_text("Sign in")


def test_an_administrator_does_everything_with_forms(chromium: Browser, server: Server, ana: str) -> None:
    with page_on(chromium, server, role="admin", locale="en-GB", java_script_enabled=False) as page:
        page.goto(server + "/accounts")
        page.locator("#name").fill("Li Na")
        page.locator("#role").select_option("approver")
        page.get_by_role("button", name="Make the account").click()
        expect(page.locator("[data-secret]")).to_have_text(re.compile(r"(\w{4}-){3}\w{4}"))
        page.get_by_role("button", name="Disable: Li Na").click()
        expect(page.get_by_role("status")).to_contain_text("It is done")
        expect(page.locator(".account-off h2")).to_have_text("Li Na")
        page.locator("#token-name").fill("OMS")
        page.get_by_label("See outages, impacts and devices").check()
        page.get_by_role("button", name="Make the token").click()
        expect(page.locator("[data-secret]")).to_have_text(re.compile("gnt_.*"))
        page.get_by_role("button", name="Revoke: OMS").click()
        expect(page.get_by_text("revoked")).to_be_visible()


def test_the_people_of_the_demonstration_are_one_click_away(chromium: Browser, server: Server, service: Service) -> None:
    accounts.add_demo_accounts(service.store.database, now=NOW)
    with page_on(chromium, server, role="", locale="zh-CN") as page:
        page.goto(server + "/desk")
        page.get_by_role("button", name="审批人员").click()
        expect(page.locator(".who")).to_contain_text("demo-approver")
        assert page.url == server + "/desk"


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/accounts"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_pages_of_people_are_no_wider_than_the_screen(
    chromium: Browser, server: Server, service: Service, ana: str, *, path: str, scheme: str
) -> None:
    accounts.add_demo_accounts(service.store.database, now=NOW)
    role = "" if path == "/sign-in" else "admin"
    phone = {"viewport": PHONE, "is_mobile": True, "has_touch": True, "color_scheme": scheme}
    with page_on(chromium, server, role=role, locale="zh-CN", **phone) as page:
        page.goto(server + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        small = page.evaluate(
            """[...document.querySelectorAll("button, input:not([type=hidden]), select, nav a, .who a")]
               .filter((one) => one.offsetParent && !one.closest(".unseen") && !one.matches(".unseen"))
               .filter((one) => (one.closest("label") ?? one).getBoundingClientRect().height < 30)
               .map((one) => one.outerHTML)"""
        )
        assert small == []


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/accounts"])
def test_every_field_has_a_name_that_is_read_aloud(chromium: Browser, server: Server, ana: str, path: str) -> None:
    with page_on(chromium, server, role="" if path == "/sign-in" else "admin", locale="en-GB") as page:
        page.goto(server + path)
        nameless = page.evaluate(
            """[...document.querySelectorAll("input:not([type=hidden]):not([aria-hidden]), select, textarea")]
               .filter((one) => !one.labels.length).map((one) => one.outerHTML)"""
        )
        assert nameless == []
