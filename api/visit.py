"""One request of one visitor: which service answers, what time it is, which language is read, and how a page is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api import labels
from api.language import NAMES, TAGS, Language, choose, moment, number, span, told, translator, zone_label
from api.people.access import Identified, Identity
from api.people.roles import Actor
from api.publishing import Publishing
from api.reasons import reason_in
from api.saying import Saying
from api.service import NetworkChangedError, Service
from api.settings import Settings
from maps.assets import asset_url
from outages.database import Database
from outages.events import Outage
from outages.impact import Impact

WEB = Path(__file__).parent / "web"
LANGUAGE_COOKIE = "gridnotice_language"
VARY = "Accept-Language, Cookie"
"""What an answer in the visitor's language depends on, besides its address."""


@dataclass(frozen=True)
class Shared:
    """What every request shares; ``clock`` is the only place where the time is read."""

    service: Service
    publishing: Publishing
    settings: Settings
    clock: Callable[[], datetime]

    @property
    def database(self) -> Database:
        """Where everything is kept, people too."""
        return self.service.store.database


@dataclass(frozen=True)
class Visit:
    """A request with everything that a route needs to answer it."""

    request: Request
    service: Service
    publishing: Publishing
    settings: Settings
    now: datetime
    language: Language
    identity: Identity

    @property
    def actor(self) -> Actor:
        """Who asks; changes are recorded under the actor's name."""
        return self.identity.actor

    @property
    def database(self) -> Database:
        """Where everything is kept, people too."""
        return self.service.store.database

    @property
    def address(self) -> str:
        """Where the request comes from, behind trusted proxies too."""
        address: str = self.request.state.address
        return address

    @property
    def is_secure(self) -> bool:
        """Whether cookies are to be sent over TLS only: where the request came by TLS, or the settings say so."""
        return bool(self.request.state.is_https or self.settings.secure_cookies)

    def page(self, template: str, *, status: int = 200, address: str = "", **values: Any) -> HTMLResponse:
        """Return a page in the visitor's language; ``address`` is where it can be opened, unless that is the request's own."""
        html = _environment().get_template(template).render(**self._words(address), **values)
        response = HTMLResponse(html, status, headers={"Content-Language": TAGS[self.language], "Cache-Control": "no-store"})
        response.headers["Vary"] = VARY
        if self.request.query_params.get("lang") == self.language:
            response.set_cookie(
                LANGUAGE_COOKIE, self.language, max_age=31_536_000, samesite="lax", httponly=True, secure=self.is_secure
            )
        return response

    def _words(self, address: str) -> dict[str, Any]:
        zone = self.settings.zone
        return {
            "_": translator(self.language),
            "language": self.language,
            "tag": TAGS[self.language],
            "languages": [(other, NAMES[other], self._address(other, address)) for other in self.settings.languages],
            "utility": self.service.utility.names[self.language],
            "hotline": self.settings.hotline,
            "demo": self.settings.demo,
            "actor": self.actor,
            "csrf_token": self.identity.csrf,
            "threshold": self.settings.public_threshold,
            "path": self.request.url.path,
            "now": self.now,
            "zone": zone_label(zone, self.now, self.language),
            "moment": partial(moment, language=self.language, zone=zone),
            "span": partial(span, language=self.language, zone=zone),
            "told": partial(told, now=self.now, language=self.language, zone=zone),
            "number": partial(number, language=self.language),
            "labels": labels,
            "kinds": {kind: translator(self.language)(words) for kind, words in labels.KINDS.items()},
            "impact_of": self._impact_of,
            "say": Saying(self.language, zone, personal=self.actor.may("personal")),
            "name_of": self.service.device_name,
            "reason_in": partial(reason_in, language=self.language),
            "asset_url": asset_url,
            "static_url": static_url,
        }

    def _impact_of(self, outage: Outage) -> Impact | None:
        """Return whom an outage affects by what is in force; None where the network has no longer what it names."""
        try:
            return self.service.impact_in_force(outage)
        except NetworkChangedError:
            return None

    def _address(self, language: Language, address: str) -> str:
        if address:
            return f"{address}?lang={language}"
        url = self.request.url.include_query_params(lang=language)
        return f"{url.path}?{url.query}"


def visit(request: Request, identity: Identified) -> Visit:
    """Return the visit of ``request``; the language is that of ``?lang=``, else of the cookie, else of the browser."""
    shared: Shared = request.app.state.shared
    asked = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    language = choose(asked, request.headers.get("accept-language", ""), shared.settings.languages)
    return Visit(request, shared.service, shared.publishing, shared.settings, shared.clock(), language, identity)


Visiting = Annotated[Visit, Depends(visit)]


@cache
def static_url(name: str) -> str:
    """Return the address of one of our own files; it changes with the content, so that no browser shows an old one."""
    digest = hashlib.sha256((WEB / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
