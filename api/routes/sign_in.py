"""Signing in and out, one's own password, and what an administrator does with accounts and tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.people import accounts, tokens
from api.people.access import ForbiddenError, anyone, local_path, needs, signed_in
from api.people.accounts import Account, AccountError, BusyError, LockedError, WrongCredentialsError
from api.people.limits import RateLimits, neighbourhood
from api.people.roles import PERMISSIONS, ROLES, TOKEN_PERMISSIONS
from api.people.sessions import COOKIE, begin_session, end_session
from api.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=500)]
Next = Annotated[str, Query(max_length=2000)]
Action = Literal["role", "disable", "enable", "unlock", "reset"]

TOKEN_DAYS = 90
"""How long a token lasts unless another time is chosen."""


@dataclass(frozen=True)
class Handed:
    """A secret that is shown once, on the page that answers the form."""

    kind: Literal["password", "token"]
    name: str
    text: str = field(repr=False)


@router.get("/sign-in", dependencies=[anyone])
def show_sign_in(visit: Visiting, next: Next = "/") -> Response:  # noqa: A002
    """Show the form; whoever is signed in already goes on to where they wanted to."""
    if visit.actor.is_known:
        return RedirectResponse(local_path(next), status_code=303)
    return sign_in_page(visit, next=next)


@router.post("/sign-in", dependencies=[anyone])
def sign_in(visit: Visiting, name: Typed = "", password: Typed = "", next: Typed = "/") -> Response:  # noqa: A002
    """Begin a session, and go on to where one wanted to."""
    rates: RateLimits = visit.request.app.state.rates
    rates.check("sign_in", neighbourhood(visit.address))
    rates.check("sign_in", f"name {accounts.key_of(name)}")
    try:
        account = accounts.check_credentials(visit.database, name, password, now=visit.now, address=visit.address)
    except (WrongCredentialsError, LockedError, BusyError) as error:
        return sign_in_page(visit, next=next, name=name, error=error)
    return begin(visit, account, how="password", to="/account" if account.must_change else next)


@router.post("/sign-in/demo", dependencies=[anyone])
def sign_in_demo(visit: Visiting, name: Typed, next: Typed = "/") -> Response:  # noqa: A002
    """Sign in as one of the people of the demonstration, with one click; nowhere else."""
    account = accounts.find_account(visit.database, name)
    if not visit.settings.demo or account is None or not account.demo or account.disabled_at is not None:
        raise ForbiddenError(visit.actor, ())
    return begin(visit, account, how="demonstration", to=next)


@router.post("/sign-out", dependencies=[signed_in])
def sign_out(visit: Visiting) -> Response:
    """End the session."""
    end_session(visit.database, visit.request.cookies[COOKIE], now=visit.now)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=visit.is_secure)
    return response


@router.get("/account", dependencies=[signed_in])
def show_account(visit: Visiting) -> HTMLResponse:
    """Show who one is, what one may do, and the form for a new password."""
    return _account_page(visit)


@router.post("/account", dependencies=[signed_in])
def change_password(visit: Visiting, old: Typed = "", new: Typed = "", again: Typed = "") -> Response:
    """Change one's own password; every other session of the account ends, and a new one begins here."""
    try:
        if new != again:
            raise AccountError("password_again", "The two new passwords differ. Type them again.")
        name = visit.actor.name
        accounts.change_password(visit.database, name, old, new, now=visit.now, address=visit.address)
    except (AccountError, WrongCredentialsError, LockedError, BusyError) as error:
        return _account_page(visit, error=error)
    account = accounts.find_account(visit.database, visit.actor.name)
    assert account is not None
    return begin(visit, account, how="new password", to="/")


@router.get("/accounts", dependencies=[needs("admin")])
def show_accounts(visit: Visiting) -> HTMLResponse:
    """Show all accounts and tokens."""
    return _accounts_page(visit)


@router.post("/accounts", dependencies=[needs("admin")])
def add_account(visit: Visiting, name: Typed = "", role: Typed = "") -> Response:
    """Make an account with a password that is shown once and has to be changed."""

    def add() -> Handed:
        password = accounts.make_password()
        made = accounts.add_account(visit.database, name, role, password, now=visit.now, by=visit.actor.name, must_change=True)
        return Handed("password", made.name, password)

    return _done(visit, "add", add, typed={"name": name, "role": role})


@router.post("/accounts/{action}", dependencies=[needs("admin")])
def change_account(visit: Visiting, action: Action, name: Typed, role: Typed = "") -> Response:
    """Give an account another role, disable or enable it, unlock it, or hand over a new password."""
    database, now, by = visit.database, visit.now, visit.actor.name

    def change() -> Handed | None:
        match action:
            case "role":
                accounts.set_role(database, name, role, now=now, by=by)
            case "disable" | "enable":
                accounts.set_disabled(database, name, disabled=action == "disable", now=now, by=by)
            case "unlock":
                accounts.unlock(database, name, now=now, by=by)
            case "reset":
                return Handed("password", name, accounts.reset_password(database, name, now=now, by=by))
        return None

    return _done(visit, "change", change)


@router.post("/tokens", dependencies=[needs("admin")])
def add_token(
    visit: Visiting,
    name: Typed = "",
    permissions: Annotated[tuple[str, ...], Form(max_length=20)] = (),
    days: Annotated[int, Form()] = TOKEN_DAYS,
) -> Response:
    """Make a token, whose text is shown once."""

    def add() -> Handed:
        ends = visit.now + timedelta(days=max(-1, min(days, 100_000)))
        made = tokens.add_token(visit.database, name, permissions, expires_at=ends, now=visit.now, by=visit.actor.name)
        return Handed("token", made.token.name, made.text)

    return _done(visit, "token", add, typed={"token_name": name, "permissions": permissions, "days": days})


@router.post("/tokens/revoked", dependencies=[needs("admin")])
def revoke_token(visit: Visiting, id: Typed) -> Response:  # noqa: A002
    """End a token."""

    def revoke() -> None:
        tokens.revoke_token(visit.database, id, now=visit.now, by=visit.actor.name)

    return _done(visit, "change", revoke)


def begin(visit: Visit, account: Account, *, how: str, to: str) -> Response:
    """Begin a session for ``account`` and go on to ``to``; the session that the browser had ends."""
    lifetime = visit.settings.session_lifetime
    held = visit.request.cookies.get(COOKIE)
    token = begin_session(visit.database, account, now=visit.now, lifetime=lifetime, how=how, address=visit.address, ends=held)
    response = RedirectResponse(local_path(to), status_code=303)
    seconds = int(lifetime.most.total_seconds())
    response.set_cookie(COOKIE, token, max_age=seconds, httponly=True, samesite="lax", secure=visit.is_secure)
    return response


def _done(visit: Visit, form: str, act: Callable[[], Handed | None], typed: dict[str, object] | None = None) -> Response:
    """Carry out what a form asks for: go back to the list, show a secret once, or say what is wrong beside the form."""
    try:
        handed = act()
    except AccountError as error:
        return _accounts_page(visit, form=form, error=error, typed=typed or {})
    if handed is None:
        return RedirectResponse("/accounts?done=1", status_code=303)
    return _accounts_page(visit, handed=handed)


def sign_in_page(visit: Visit, *, next: str, name: str = "", error: Exception | None = None) -> HTMLResponse:  # noqa: A002
    """Return the form, with what went wrong above it."""
    known = {account.name: account for account in accounts.list_accounts(visit.database)} if visit.settings.demo else {}
    demo = [known[name] for name in accounts.DEMO_ACCOUNTS if name in known]
    return visit.page(
        "sign_in.html",
        address="/sign-in",
        status=200 if error is None else 503 if isinstance(error, BusyError) else 422,
        next=local_path(next),
        name=name,
        error=error,
        until=error.until if isinstance(error, LockedError) else None,
        demo_accounts=[account for account in demo if account.demo and account.disabled_at is None],
        oidc=visit.settings.oidc_issuer is not None,
    )


def _account_page(visit: Visit, *, error: Exception | None = None) -> HTMLResponse:
    return visit.page(
        "account.html",
        address="/account",
        status=200 if error is None else 422,
        account=accounts.find_account(visit.database, visit.actor.name),
        error=error,
        code=error.code if isinstance(error, AccountError) else "",
        until=error.until if isinstance(error, LockedError) else None,
        must_change=visit.identity.must_change,
        permissions=PERMISSIONS,
        shortest=accounts.SHORTEST,
    )


def _accounts_page(
    visit: Visit,
    *,
    form: str = "",
    error: AccountError | None = None,
    typed: dict[str, object] | None = None,
    handed: Handed | None = None,
) -> HTMLResponse:
    return visit.page(
        "accounts.html",
        address="/accounts",
        status=200 if error is None else 422,
        accounts=accounts.list_accounts(visit.database),
        tokens=tokens.list_tokens(visit.database),
        roles=tuple(ROLES),
        permissions={name: PERMISSIONS[name] for name in TOKEN_PERMISSIONS},
        form=form,
        error=error,
        typed={"name": "", "role": "", "token_name": "", "permissions": (), "days": TOKEN_DAYS} | (typed or {}),
        handed=handed,
        done="done" in visit.request.query_params,
    )
