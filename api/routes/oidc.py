"""Signing in with an OpenID provider: there, and back."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import RedirectResponse, Response

from api.people import accounts, oidc
from api.people.access import anyone, local_path
from api.people.accounts import AccountError
from api.people.limits import RateLimits, neighbourhood
from api.people.oidc import OidcError, Provider
from api.routes.sign_in import begin, sign_in_page
from api.visit import Visit, Visiting

router = APIRouter(prefix="/sign-in/oidc", include_in_schema=False)
_log = logging.getLogger("gridnotice")


@router.get("", dependencies=[anyone])
def go_to_provider(visit: Visiting, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:  # noqa: A002
    """Send the browser to the provider."""
    rates: RateLimits = visit.request.app.state.rates
    rates.check("sign_in", neighbourhood(visit.address))
    try:
        url, begun = _provider(visit).begin(_back(visit), local_path(next))
    except OidcError as error:
        return _failed(visit, error)
    response = RedirectResponse(url, status_code=303)
    response.set_cookie(
        oidc.COOKIE,
        begun.to_cookie(),
        max_age=oidc.LASTS_S,
        path="/sign-in/oidc",
        httponly=True,
        samesite="lax",
        secure=visit.is_secure,
    )
    return response


@router.get("/back", dependencies=[anyone])
def come_back(visit: Visiting) -> Response:
    """Begin a session for whoever the provider vouches for, with the role that the provider's groups lead to."""
    settings = visit.settings
    try:
        provider = _provider(visit)
        begun = oidc.Begun.of_cookie(visit.request.cookies.get(oidc.COOKIE, ""))
        claims = provider.finish(_back(visit), visit.request.query_params, begun, now=visit.now)
        role = oidc.role_of(claims, settings.oidc_role_claim, settings.oidc_roles)
        if role is None:
            raise AccountError("no_role", f"The claim {settings.oidc_role_claim} leads to no role. See GRIDNOTICE_OIDC_ROLES.")
        name = str(claims.get("preferred_username") or claims["sub"])
        account = accounts.admit(visit.database, f"{provider.issuer}|{claims['sub']}", name, role, now=visit.now)
    except (OidcError, AccountError) as error:
        return _failed(visit, error)
    response = begin(visit, account, how="identity provider", to=begun.next)
    response.delete_cookie(oidc.COOKIE, path="/sign-in/oidc", httponly=True, samesite="lax", secure=visit.is_secure)
    return response


def _provider(visit: Visit) -> Provider:
    settings = visit.settings
    if settings.oidc_issuer is None:
        raise HTTPException(404)
    return Provider(str(settings.oidc_issuer), settings.oidc_client_id, settings.oidc_client_secret.get_secret_value())


def _back(visit: Visit) -> str:
    scheme = "https" if visit.is_secure else "http"
    return f"{scheme}://{visit.request.headers['host']}{router.prefix}/back"


def _failed(visit: Visit, error: OidcError | AccountError) -> Response:
    _log.warning("signing in with the OpenID provider failed: %s", error)
    return sign_in_page(visit, next="/", error=error)
