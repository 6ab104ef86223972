"""Who asks, and whether they may: every route carries exactly one rule, made by `needs`, or `anyone`, or `signed_in`.

A request's actor is whoever its ``Authorization: Bearer`` token or its session cookie belongs to. A change that a browser asks
for by its cookie also carries a word that only our own pages know (`csrf_of`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request

from api.people.roles import ANYONE, Actor, person, roles_with
from api.people.sessions import COOKIE, csrf_of, find_session
from api.people.tokens import find_machine
from outages.store import StoreError

if TYPE_CHECKING:
    from api.visit import Shared

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class SignInError(PermissionError):
    """Nobody has signed in, or the session or the token is over."""


class ForbiddenError(PermissionError):
    """Whoever asks may not do that; ``needed`` are the permissions, ``roles`` who has them."""

    def __init__(self, actor: Actor, needed: tuple[str, ...]) -> None:
        self.needed = needed
        self.roles = roles_with(*needed)
        who = f"The role {actor.role}" if not actor.is_machine else "This token"
        may = " or ".join(self.roles) or "nobody alone"
        super().__init__(f"{who} may not do that: it needs {', '.join(needed) or 'a person'} (role {may}). Ask an administrator.")


class CsrfError(PermissionError):
    """A form came without the word that our pages put into it, or with that of another session."""


class PasswordDueError(PermissionError):
    """Somebody has signed in with a password that was handed over, and has to choose their own first."""


@dataclass(frozen=True)
class Identity:
    """Who asks, and how that is known."""

    actor: Actor
    session: str = field(default="", repr=False)
    must_change: bool = False

    @property
    def csrf(self) -> str:
        """The word that forms carry; "" for whoever has no session."""
        return csrf_of(self.session) if self.session else ""


NOBODY = Identity(ANYONE)


def identify(request: Request) -> Identity:
    """Return who sent ``request``. A token goes before a cookie; one that is not valid makes nobody.

    Raises StoreError, but not where anybody may ask: what everybody may see stays up when the store is gone.
    """
    try:
        return _look_up(request)
    except StoreError:
        if is_public(request):
            return NOBODY
        raise


def is_public(request: Request) -> bool:
    """Return whether anybody may ask for what ``request`` asks."""
    route = request.scope.get("route")
    rules = [one.dependency for one in getattr(route, "dependencies", ())]
    return any(isinstance(rule, Rule) and rule.public for rule in rules)


def _look_up(request: Request) -> Identity:
    shared: Shared = request.app.state.shared
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        machine = find_machine(shared.database, token.strip(), now=shared.clock())
        return NOBODY if machine is None else Identity(machine)
    held = request.cookies.get(COOKIE, "")
    if not held:
        return NOBODY
    session = find_session(shared.database, held, now=shared.clock(), lifetime=shared.settings.session_lifetime)
    return NOBODY if session is None else Identity(person(session.name, session.role), held, session.must_change)


Identified = Annotated[Identity, Depends(identify)]


@dataclass(frozen=True)
class Rule:
    """Who may use a route: anyone, or whoever has signed in and holds ``permissions`` (all, or with ``some`` one of them)."""

    permissions: tuple[str, ...] = ()
    public: bool = False
    people_only: bool = False
    some: bool = False

    async def __call__(self, request: Request, identity: Identified) -> None:
        """Let the request pass; raises SignInError, PasswordDueError, ForbiddenError or CsrfError."""
        if self.public:
            return
        actor = identity.actor
        if not actor.is_known:
            raise SignInError("Nobody is signed in. Sign in, or send a valid token as Authorization: Bearer.")
        if identity.must_change and not self.people_only:
            raise PasswordDueError("The password was handed over by somebody else. Choose your own first, under /account.")
        if not self.allows(actor):
            raise ForbiddenError(actor, self.permissions)
        if identity.session and request.method not in SAFE_METHODS:
            await _check_csrf(request, identity.csrf)

    def allows(self, actor: Actor) -> bool:
        """Return whether ``actor`` holds what this rule asks for."""
        if self.public:
            return True
        if self.people_only and actor.is_machine:
            return False
        held = any(actor.may(one) for one in self.permissions) if self.some else actor.may(*self.permissions)
        return actor.is_known and held


def needs(*permissions: str) -> Any:
    """Return the rule of a route for whoever holds all of ``permissions``."""
    return Depends(Rule(permissions))


def needs_one_of(*permissions: str) -> Any:
    """Return the rule of a route that does several things; it asks `require` for the one at hand."""
    return Depends(Rule(permissions, some=True))


anyone = Depends(Rule(public=True))
"""The rule of a route that everybody may use."""

signed_in = Depends(Rule(people_only=True))
"""The rule of a route for every person who has signed in, also with a password that has to be changed."""


def require(actor: Actor, *permissions: str) -> None:
    """Raise ForbiddenError where ``actor`` does not hold all of ``permissions``."""
    if not actor.may(*permissions):
        raise ForbiddenError(actor, permissions)


def sign_in_address(request: Request) -> str:
    """Return where to sign in, such that one comes back to the page of ``request``; after a form, to the page that it was on."""
    url = request.url if request.method in SAFE_METHODS else urlsplit(request.headers.get("referer", ""))
    back = local_path(f"{url.path}?{url.query}" if url.query else url.path)
    return "/sign-in" if back == "/" else f"/sign-in?next={quote(back, safe='/')}"


def local_path(target: str) -> str:
    r"""Return ``target`` where it is a path on this server, else "/": a link to us must not lead on to anybody else.

    >>> local_path("/outages/7?lang=en"), local_path("//evil.example"), local_path("/\\evil.example"), local_path("https:evil")
    ('/outages/7?lang=en', '/', '/', '/')
    """
    plain = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if plain and target.isprintable() and " " not in target else "/"


async def _check_csrf(request: Request, expected: str) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(_FORMS):
        typed = (await request.form()).get(CSRF_FIELD, "")
        given = typed if isinstance(typed, str) else ""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise CsrfError("The form is from another session, or from elsewhere. Open the page again and send it from there.")
