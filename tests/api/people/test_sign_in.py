"""Signing in and out, one's own password, and the pages of an administrator, as a browser and a program see them."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.app import create_app
from api.people import accounts
from api.people.access import local_path
from api.people.accounts import MOST_WRONG, find_account
from api.people.sessions import COOKIE
from api.people.tokens import list_tokens
from api.service import Service
from api.settings import Settings
from api.wiring import build_service
from outages.audit import read_audit
from outages.database import Database
from outages.failures import StoreError
from tests.api.people.conftest import CHEAP, SECRET
from tests.api.signed import machine, new_client, sign_in
from tests.api.town import NOW
from topology.network import Network


@pytest.fixture
def database(service: Service) -> Database:
    return service.store.database


@pytest.fixture
def ana(database: Database) -> str:
    accounts.add_account(database, "ana", "desk", SECRET, now=NOW, by="root", hasher=CHEAP)
    return "ana"


def give(client: TestClient, name: str, password: str, **more: str) -> Any:
    return client.post("/sign-in", data={"name": name, "password": password, **more})


def whats(database: Database) -> list[str]:
    return [row.entry.what for row in read_audit(database, limit=1000)]


def csrf_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, "the page has a form without the word that forms need"
    return found[1]


def test_name_and_password_open_the_page_that_was_asked_for(nobody: TestClient, ana: str) -> None:
    asked = nobody.get("/desk?lang=en")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=/desk%3Flang%3Den")
    form = nobody.get(asked.headers["location"]).text
    assert 'name="next" value="/desk?lang=en"' in unescape(form)
    answer = give(nobody, ana, SECRET, next="/desk?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk?lang=en")
    page = nobody.get("/desk?lang=en")
    assert page.status_code == 200
    assert "<b>ana</b>" in page.text
    assert nobody.get("/sign-in?next=/desk").headers["location"] == "/desk"


def test_the_cookie_is_for_the_server_alone_and_for_tls_where_there_is_tls(app: FastAPI, ana: str) -> None:
    for scheme, secure in (("http", False), ("https", True)):
        client = TestClient(app, base_url=f"{scheme}://testserver", follow_redirects=False)
        cookie = give(client, ana, SECRET).headers["set-cookie"].lower()
        assert cookie.startswith(f"{COOKIE}=")
        for attribute in ("httponly", "samesite=lax", "path=/", "max-age=604800"):
            assert attribute in cookie
        assert ("secure" in cookie) == secure
        assert "domain" not in cookie


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_what_is_wrong_is_said_beside_the_form_and_not_whether_the_name_is_known(nobody: TestClient, ana: str, name: str) -> None:
    answer = nobody.post("/sign-in?lang=en", data={"name": name, "password": "wrong", "next": "/desk"})
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert "Name and password do not belong together" in page
    assert 'aria-describedby="sign-in-wrong"' in page
    assert f'value="{name}"' in page
    assert 'name="next" value="/desk"' in page
    assert "wrong" not in re.findall(r'value="([^"]*)"', page)
    assert COOKIE not in answer.cookies


def test_a_lock_is_said_with_its_time_on_the_clock_of_the_utility(nobody: TestClient, ana: str, database: Database) -> None:
    for _ in range(MOST_WRONG):
        answer = nobody.post("/sign-in?lang=en", data={"name": ana, "password": "wrong"})
    assert answer.status_code == 422
    assert "locked until today, Fri 1 May, 09:15" in answer.text
    assert give(nobody, ana, SECRET).status_code == 422
    accounts.unlock(database, ana, now=NOW, by="root")
    assert give(nobody, ana, SECRET).status_code == 303


def test_signing_in_changes_the_word_that_the_browser_holds(app: FastAPI, ana: str) -> None:
    client = new_client(app, "viewer")
    planted = client.cookies[COOKIE]
    give(client, ana, SECRET)
    fresh = TestClient(app, follow_redirects=False)
    fresh.cookies.set(COOKIE, planted)
    assert fresh.get("/desk").status_code == 303


def test_signing_out_ends_the_session_for_good(client: TestClient, app: FastAPI, database: Database) -> None:
    held = client.cookies[COOKIE]
    answer = client.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, held, domain="testserver.local")
    assert client.get("/desk").status_code == 303
    assert whats(database)[-1] == "signed out"


@given(st.text(st.sampled_from("/\\.:@?#& \t\nehtps%evil"), max_size=20))
def test_no_link_to_us_leads_to_anybody_else(target: str) -> None:
    kept = local_path(target)
    assert re.fullmatch(r"/(?![/\\])[^\\\s]*", kept)


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/\t/evil.example", ""])
def test_after_signing_in_nobody_is_sent_elsewhere(nobody: TestClient, ana: str, target: str) -> None:
    assert give(nobody, ana, SECRET, next=target).headers["location"] == "/"


def test_the_people_of_the_demonstration_sign_in_with_one_click(nobody: TestClient, database: Database, ana: str) -> None:
    accounts.add_demo_accounts(database, now=NOW)
    page = nobody.get("/sign-in").text
    assert page.count('action="/sign-in/demo"') == len(accounts.DEMO_ACCOUNTS)
    assert nobody.post("/sign-in/demo", data={"name": ana}).status_code == 403
    assert nobody.post("/sign-in/demo", data={"name": "demo-desk"}).status_code == 303
    assert nobody.get("/desk").status_code == 200


def test_without_a_demonstration_there_are_no_such_people(service: Service, settings: Settings, database: Database) -> None:
    accounts.add_demo_accounts(database, now=NOW)
    client = new_client(create_app(service, settings.model_copy(update={"demo": False}), lambda: NOW))
    assert "demo-desk" not in client.get("/sign-in").text
    assert client.post("/sign-in/demo", data={"name": "demo-desk"}).status_code == 403


def test_a_handed_over_password_has_to_be_changed_before_anything_else(nobody: TestClient, database: Database) -> None:
    accounts.add_account(database, "li", "desk", SECRET, now=NOW, by="root", must_change=True, hasher=CHEAP)
    assert give(nobody, "li", SECRET, next="/desk").headers["location"] == "/account"
    assert nobody.get("/desk").headers["location"] == "/account"
    problem = nobody.get("/api/v1/outages")
    assert (problem.status_code, problem.json()["type"]) == (403, "urn:gridnotice:problem:password-due")
    form = nobody.get("/account").text
    data = {"old": SECRET, "new": "another river stone", "again": "another river stone", "csrf": csrf_in(form)}
    assert nobody.post("/account", data=data).headers["location"] == "/"
    assert nobody.get("/desk").status_code == 200


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"old": "wrong"}, "old", "do not belong together"),
        ({"new": "short", "again": "short"}, "new", "12 to 200 characters"),
        ({"again": "different"}, "again", "The two new passwords differ"),
        ({"new": SECRET, "again": SECRET}, "new", "is the old one"),
    ],
)
def test_what_is_wrong_with_a_new_password_stands_beside_its_field(
    nobody: TestClient, ana: str, *, typed: dict[str, str], field: str, words: str
) -> None:
    give(nobody, ana, SECRET)
    data = {"old": SECRET, "new": "another river stone", "again": "another river stone", **typed}
    data["csrf"] = csrf_in(nobody.get("/account?lang=en").text)
    answer = nobody.post("/account", data=data)
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert re.search(rf'id="{field}-wrong">[^<]*{words}', page)
    assert re.search(rf'id="{field}"[^>]*aria-describedby="[^"]*{field}-wrong', page)
    assert SECRET not in page


def test_a_new_password_signs_out_everywhere_else(app: FastAPI, ana: str) -> None:
    here, there = new_client(app), new_client(app)
    for client in (here, there):
        give(client, ana, SECRET)
    data = {
        "old": SECRET,
        "new": "another river stone",
        "again": "another river stone",
        "csrf": csrf_in(here.get("/account").text),
    }
    assert here.post("/account", data=data).status_code == 303
    assert here.get("/desk").status_code == 200
    assert there.get("/desk").status_code == 303


def test_an_administrator_makes_an_account_and_hands_over_its_password_once(
    admin: TestClient, nobody: TestClient, database: Database
) -> None:
    page = admin.post("/accounts?lang=en", data={"name": "Li Na", "role": "approver"})
    assert page.status_code == 200
    found = re.search(r"data-secret[^>]*>([^<]+)<", page.text)
    assert found
    assert page.headers["cache-control"] == "no-store"
    assert found[1] not in admin.get("/accounts").text
    account = find_account(database, "li na")
    assert account is not None
    assert (account.role, account.must_change) == ("approver", True)
    assert give(nobody, "li na", unescape(found[1])).headers["location"] == "/account"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "ana", "role": "desk"}, "There is an account of that name already"),
        ({"name": "", "role": "desk"}, "2 to 64 characters"),
        ({"name": "li", "role": "boss"}, "Choose a role"),
        ({}, "2 to 64 characters"),
    ],
)
def test_an_account_that_cannot_be_made_is_explained(admin: TestClient, ana: str, data: dict[str, str], words: str) -> None:
    answer = admin.post("/accounts?lang=en", data=data)
    assert answer.status_code == 422
    assert re.search(rf'role="alert" id="add-wrong">[^<]*{words}', answer.text)


def test_an_administrator_changes_accounts(admin: TestClient, ana: str, database: Database, app: FastAPI) -> None:
    def now_is() -> accounts.Account:
        found = find_account(database, ana)
        assert found is not None
        return found

    assert admin.post("/accounts/role", data={"name": ana, "role": "viewer"}).headers["location"] == "/accounts?done=1"
    assert now_is().role == "viewer"
    assert admin.post("/accounts/disable", data={"name": ana}).status_code == 303
    assert now_is().disabled_at == NOW
    assert admin.post("/accounts/enable", data={"name": ana}).status_code == 303
    assert now_is().disabled_at is None
    assert admin.post("/accounts/unlock", data={"name": ana}).status_code == 303
    page = admin.post("/accounts/reset", data={"name": ana})
    assert now_is().must_change
    assert "data-secret" in page.text
    assert admin.post("/accounts/fly", data={"name": ana}).status_code == 422
    assert "test-admin" in {row.entry.by for row in read_audit(database)}


def test_the_last_administrator_is_told_so(admin: TestClient) -> None:
    answer = admin.post("/accounts/disable?lang=en", data={"name": "test-admin"})
    assert answer.status_code == 422
    assert "This is the last administrator" in answer.text


def test_a_token_is_shown_once_and_opens_what_it_was_made_for(admin: TestClient, app: FastAPI, database: Database) -> None:
    page = admin.post("/tokens", data={"name": "OMS", "permissions": ["read", "lists"], "days": "30"}).text
    found = re.search(r"data-secret[^>]*>(gnt_[^<]+)<", page)
    assert found
    (token,) = list_tokens(database)
    assert (token.name, token.permissions, token.expires_at) == ("OMS", ("read", "lists"), NOW + timedelta(days=30))
    program = new_client(app)
    program.headers["Authorization"] = f"Bearer {found[1]}"
    assert program.get("/api/v1/outages").status_code == 200
    assert found[1] not in admin.get("/accounts").text
    admin.post("/tokens/revoked", data={"id": token.id})
    assert program.get("/api/v1/outages").status_code == 401


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "OMS", "days": "30"}, "Choose what the token may do"),
        ({"name": "OMS", "permissions": "admin", "days": "30"}, "A token cannot hold that"),
        ({"name": "OMS", "permissions": "read", "days": "0"}, "1 to 730 days"),
        ({"name": "OMS", "permissions": "read", "days": "99999999999"}, "1 to 730 days"),
    ],
)
def test_a_token_that_cannot_be_made_is_explained(admin: TestClient, data: dict[str, str], words: str) -> None:
    answer = admin.post("/tokens?lang=en", data=data)
    assert answer.status_code == 422
    assert re.search(rf'role="alert" id="token-wrong">[^<]*{words}', answer.text)


def test_too_many_sign_ins_from_one_address_have_to_wait(nobody: TestClient, settings: Settings) -> None:
    for number in range(settings.sign_ins_per_minute):
        assert give(nobody, f"name {number}", "x").status_code == 422
    answer = nobody.post("/sign-in?lang=en", data={"name": "another", "password": "x"})
    assert answer.status_code == 429
    assert 50 <= int(answer.headers["retry-after"]) <= 60
    assert "Too many requests" in answer.text


def test_too_many_sign_ins_for_one_name_have_to_wait_from_wherever_they_come(service: Service, settings: Settings) -> None:
    changed = {"trusted_proxies": Settings(network="x", trusted_proxies=["0.0.0.0/0"]).trusted_proxies}
    app = create_app(service, settings.model_copy(update=changed), lambda: NOW)
    statuses = []
    for number in range(settings.sign_ins_per_minute + 1):
        client = TestClient(app, client=("10.0.0.1", 1), headers={"X-Forwarded-For": f"203.0.113.{number}"})
        statuses.append(give(client, "ana", "x").status_code)
    assert statuses == [422] * settings.sign_ins_per_minute + [429]


def test_no_secret_is_ever_logged(
    nobody: TestClient, admin: TestClient, ana: str, app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    give(nobody, ana, "wrong secret word")
    give(nobody, ana, SECRET)
    held = nobody.cookies[COOKIE]
    nobody.get("/desk")
    made = admin.post("/tokens", data={"name": "OMS", "permissions": "read", "days": "1"}).text
    token = re.findall(r"gnt_\w{12}_[\w-]{43}", made)[0]
    machine(app, ["read"]).get("/api/v1/outages")
    for secret in (SECRET, "wrong secret word", held, token, csrf_in(nobody.get("/account").text)):
        assert secret not in caplog.text


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/accounts"])
@pytest.mark.parametrize("tag", ["zh-CN", "en"])
def test_the_pages_of_people_are_in_both_languages_without_scripts_of_their_own(
    nobody: TestClient, admin: TestClient, path: str, tag: str
) -> None:
    page = (nobody if path == "/sign-in" else admin).get(path, params={"lang": tag[:2]})
    assert page.status_code == 200
    assert f'<html lang="{tag}">' in page.text
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|<script(?![^>]*src=)", page.text)
    labelled = set(re.findall(r'<label[^>]*for="([^"]+)"', page.text))
    fields = re.findall(r'<(?:input|select) (?![^>]*type="(?:hidden|checkbox)")(?![^>]*aria-hidden)[^>]*id="([^"]+)"', page.text)
    assert set(fields) == labelled
    assert len(fields) == len(set(fields))


def test_somebody_who_signs_in_again_is_who_they_say_last(app: FastAPI, ana: str) -> None:
    client = sign_in(new_client(app), "admin")
    give(client, ana, SECRET)
    assert "<b>ana</b>" in client.get("/desk").text


def test_a_store_of_a_demonstration_is_not_served_in_earnest(town: Network, settings: Settings) -> None:
    build_service(settings, town, now=NOW).close()
    with pytest.raises(StoreError, match="anybody may sign in to it"):
        build_service(settings.model_copy(update={"demo": False}), town, now=NOW)
