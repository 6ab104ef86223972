"""Signing in, for tests: a person of any role in a client or a browser, a program with a token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.people import accounts
from api.people.sessions import COOKIE, begin_session, csrf_of
from api.people.tokens import add_token
from api.visit import Shared


def begin(app: FastAPI, role: str) -> str:
    """Begin a session of ``test-ROLE``, whose account is made where it is missing; return what a browser would hold."""
    shared: Shared = app.state.shared
    database, now = shared.database, shared.clock()
    account = accounts.admit(database, f"test|{role}", f"test-{role}", role, now=now)
    return begin_session(database, account, now=now, lifetime=shared.settings.session_lifetime, how="test")


def sign_in(client: TestClient, role: str) -> TestClient:
    """Sign ``client`` in as ``test-ROLE``; its forms carry the word that forms need."""
    token = begin(client.app, role)  # type: ignore[arg-type]
    client.cookies.set(COOKIE, token, domain="testserver.local")  # as if the server had set it
    client.headers["X-CSRF-Token"] = csrf_of(token)
    return client


def new_client(app: FastAPI, role: str = "") -> TestClient:
    """Return one more client, signed in where a role is given."""
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    return sign_in(client, role) if role else client


def machine(app: FastAPI, permissions: Sequence[str]) -> TestClient:
    """Return a program with a token for ``permissions``."""
    shared: Shared = app.state.shared
    now = shared.clock()
    made = add_token(shared.database, "test", permissions, expires_at=now + timedelta(days=1), now=now, by="test")
    client = new_client(app)
    client.headers["Authorization"] = f"Bearer {made.text}"
    return client
