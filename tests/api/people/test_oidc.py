"""Signing in with an OpenID provider: a little one of our own on this machine, that signs what it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from starlette.testclient import TestClient

from api.app import create_app
from api.people import accounts
from api.people.accounts import find_account
from api.people.oidc import Begun, OidcError, role_of
from api.service import Service
from api.settings import Settings
from outages.audit import read_audit
from tests.api.people.conftest import CHEAP, SECRET
from tests.api.signed import new_client
from tests.api.town import NOW

OURS = RSAKey.generate_key(2048, {"kid": "1"})
FOREIGN = RSAKey.generate_key(2048, {"kid": "1"})
CLIENT_SECRET = "what the provider and we know"


class Idp:
    """A provider that keeps codes, checks PKCE and the client's secret, and signs ``claims`` with ``key``."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "7", "preferred_username": "li.na", "groups": ["staff", "dispatch"]}
        self.key = OURS
        self.about: dict[str, Any] = {}
        self.asked: dict[str, dict[str, str]] = {}
        idp = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, urlsplit(self.path).query
                if path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", idp.authorize({name: values[0] for name, values in parse_qs(query).items()}))
                    self.end_headers()
                else:
                    self.answer(idp.keys() if path == "/keys" else idp.discovery())

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(sent).items()}
                self.answer(*idp.token(form, self.headers.get("authorization", "")))

            def answer(self, body: dict[str, Any], status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def discovery(self) -> dict[str, Any]:
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.issuer, **{name: self.issuer + path for name, path in ends.items()}, **self.about}

    def keys(self) -> dict[str, Any]:
        return {"keys": [OURS.as_dict(private=False)]}

    def authorize(self, asked: dict[str, str]) -> str:
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.asked)}"
        self.asked[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[dict[str, Any], int]:
        asked = self.asked.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        known = base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"gridnotice:{CLIENT_SECRET}"
        if asked is None or challenge != asked["code_challenge"] or not known or form["redirect_uri"] != asked["redirect_uri"]:
            return {"error": "invalid_grant"}, 400
        at = int(NOW.timestamp())
        times = {"iat": at, "exp": at + 300}
        claims = {"iss": self.issuer, "aud": "gridnotice", "nonce": asked["nonce"], **times, **self.claims}
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": signed}, 200


@pytest.fixture
def idp() -> Iterator[Idp]:
    idp = Idp()
    yield idp
    idp.server.shutdown()
    idp.server.server_close()


def settings_for(idp: Idp, **changes: Any) -> dict[str, Any]:
    given = {"oidc_issuer": idp.issuer, "oidc_client_id": "gridnotice", "oidc_client_secret": CLIENT_SECRET}
    roles = {"oidc_roles": {"chief": "approver", "dispatch": "control"}}
    made = Settings(network="x", **{**given, **roles, **changes})
    return {name: getattr(made, name) for name in Settings.model_fields if name.startswith("oidc_")}


@pytest.fixture
def app(service: Service, settings: Settings, idp: Idp) -> FastAPI:
    return create_app(service, settings.model_copy(update=settings_for(idp)), lambda: NOW)


def there_and_back(client: TestClient, target: str = "/desk") -> Any:
    """Go to the provider, as a browser does, and come back."""
    away = client.get(f"/sign-in/oidc?next={target}")
    assert away.status_code == 303, away.text
    back = httpx2.get(away.headers["location"]).headers["location"]
    assert back.startswith("http://testserver/sign-in/oidc/back?")
    return client.get(back.removeprefix("http://testserver"))


def test_somebody_signs_in_elsewhere_and_gets_the_role_of_their_group(nobody: TestClient, service: Service, idp: Idp) -> None:
    assert 'href="/sign-in/oidc?next=/desk"' in nobody.get("/sign-in?next=/desk").text
    answer = there_and_back(nobody)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    assert "<b>li.na</b>" in nobody.get("/desk").text
    account = find_account(service.store.database, "li.na")
    assert account is not None
    assert (account.role, account.has_password) == ("control", False)
    idp.claims["groups"] = "chief"
    there_and_back(new_client(nobody.app))  # type: ignore[arg-type]
    account = find_account(service.store.database, "li.na")
    assert account is not None
    assert account.role == "approver"
    assert [row.entry.what for row in read_audit(service.store.database)] == [
        "account added",
        "signed in",
        "role changed",
        "signed in",
    ]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another program"},
        {"aud": ["gridnotice", "another"], "azp": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"nonce": "of another sign-in"},
        {"exp": int(NOW.timestamp()) - 3600},
        {"exp": None},
        {"sub": None},
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(nobody: TestClient, idp: Idp, claims: dict[str, Any]) -> None:
    idp.claims |= claims
    assert there_and_back(nobody).status_code == 422
    assert nobody.get("/desk").status_code == 303


def test_a_token_that_somebody_else_signed_is_refused(nobody: TestClient, idp: Idp) -> None:
    idp.key = FOREIGN
    answer = there_and_back(nobody)
    assert answer.status_code == 422
    assert "单位统一登录未成功" in answer.text


def test_whoever_has_no_group_that_we_know_does_not_come_in(nobody: TestClient, idp: Idp) -> None:
    idp.claims["groups"] = ["staff"]
    answer = there_and_back(nobody)
    assert answer.status_code == 422
    assert "您在此没有角色" in answer.text


def test_nobody_comes_in_under_the_name_of_somebody_here(nobody: TestClient, service: Service) -> None:
    accounts.add_account(service.store.database, "Li.Na", "admin", SECRET, now=NOW, by="root", hasher=CHEAP)
    assert there_and_back(nobody).status_code == 422


def test_a_link_that_somebody_else_began_signs_nobody_in(app: FastAPI) -> None:
    attacker, victim = new_client(app), new_client(app)
    away = attacker.get("/sign-in/oidc")
    back = httpx2.get(away.headers["location"]).headers["location"].removeprefix("http://testserver")
    assert victim.get(back).status_code == 422  # it holds no sign-in that was begun
    victim.get("/sign-in/oidc")
    assert victim.get(back).status_code == 422  # and not that one
    assert victim.get("/desk").status_code == 303


def test_a_code_is_worth_nothing_without_the_browser_that_asked_for_it(nobody: TestClient, idp: Idp) -> None:
    away = nobody.get("/sign-in/oidc")
    back = httpx2.get(away.headers["location"]).headers["location"].removeprefix("http://testserver")
    idp.asked["code-0"]["code_challenge"] = "of another verifier"
    assert nobody.get(back).status_code == 422


def test_a_provider_that_refuses_or_is_not_there_leads_back_to_the_form(nobody: TestClient, idp: Idp) -> None:
    nobody.get("/sign-in/oidc")
    assert nobody.get("/sign-in/oidc/back?error=access_denied").status_code == 422
    idp.about = {"issuer": "http://127.0.0.1:1"}
    assert nobody.get("/sign-in/oidc").status_code == 422
    idp.about = {"issuer": idp.issuer, "jwks_uri": f"{idp.issuer}1/keys"}
    assert there_and_back(nobody).status_code == 422
    idp.server.shutdown()
    idp.server.server_close()
    assert nobody.get("/sign-in/oidc").status_code == 422


def test_without_a_provider_there_is_nothing_there(service: Service, settings: Settings) -> None:
    client = new_client(create_app(service, settings, lambda: NOW))
    assert client.get("/sign-in/oidc").status_code == 404
    assert "/sign-in/oidc" not in client.get("/sign-in").text


def test_no_secret_of_a_sign_in_is_logged_or_shown(nobody: TestClient, idp: Idp, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gridnotice")
    idp.claims["nonce"] = "of another"
    there_and_back(nobody)
    assert "signing in with the OpenID provider failed" in caplog.text
    assert CLIENT_SECRET not in caplog.text
    assert CLIENT_SECRET not in repr(Settings(network="x", **settings_for(idp)))
    assert repr(Begun("a-state", "a-nonce", "a-verifier", "/desk")) == "Begun(next='/desk')"


@pytest.mark.parametrize("text", ["", "x", "e30=", "bm90IGpzb24=", "ü"])
def test_what_the_browser_holds_is_read_with_care(text: str) -> None:
    with pytest.raises(OidcError, match="Begin again"):
        Begun.of_cookie(text)


@pytest.mark.parametrize(
    ("held", "role"),
    [
        ("chief", "approver"),
        (["dispatch", "chief"], "approver"),
        (["x"], None),
        ([], None),
        (None, None),
        ({"chief": 1}, None),
        ([[]], None),
    ],
)
def test_the_first_role_that_fits_is_taken(held: Any, role: str | None) -> None:
    assert role_of({"groups": held}, "groups", {"chief": "approver", "dispatch": "control"}) == role
    assert role_of({}, "groups", {"chief": "approver"}) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"oidc_issuer": "http://id.example"}, "has to begin with https"),
        ({"oidc_client_id": ""}, "needs oidc_client_id and oidc_client_secret"),
        ({"oidc_roles": {}}, "without it nobody gets in"),
        ({"oidc_roles": {"x": "boss"}}, "boss is no role"),
    ],
)
def test_settings_that_let_nobody_or_anybody_in_are_refused(idp: Idp, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings_for(idp, **changes)
