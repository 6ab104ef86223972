"""Signing in with an OpenID provider: code flow with PKCE, state and nonce; the ID token is checked against the provider's keys.

The libraries are an extra (``pip install gridnotice[oidc]``), loaded when somebody signs in. Each sign-in asks the provider anew
where things are and which keys are valid, so that it may change both.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import httpx2

COOKIE = "gridnotice_oidc"
LASTS_S = 600
"""How long somebody may take at the provider."""

_PATIENCE_S = 5
_CLOCKS_APART_S = 60
_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


class OidcError(RuntimeError):
    """The provider does not answer as it should, or what it sent is not for us. The text is for the log, not for the visitor."""


@dataclass(frozen=True)
class Begun:
    """What the browser keeps while its owner is at the provider."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    next: str

    def to_cookie(self) -> str:
        """Return it as a cookie holds it."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def of_cookie(cls, text: str) -> Begun:
        """Return what `to_cookie` wrote; raises OidcError for anything else."""
        try:
            return cls(**json.loads(base64.urlsafe_b64decode(text.encode())))
        except (binascii.Error, ValueError, TypeError):
            raise OidcError("the browser holds no sign-in that was begun. Begin again.") from None


@dataclass(frozen=True)
class Provider:
    """An OpenID provider, as it knows us."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)

    def begin(self, back: str, next_path: str) -> tuple[str, Begun]:
        """Return where the browser goes now, and what it keeps; ``back`` is our address that it comes back to."""
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), next_path)
        with self._client(back) as client:
            url, _ = client.create_authorization_url(
                self._about(client)["authorization_endpoint"],
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url), begun

    def finish(self, back: str, given: Mapping[str, str], begun: Begun, *, now: datetime) -> dict[str, Any]:
        """Return the claims of whoever came ``back`` with ``given`` in the address; raises OidcError."""
        if not hmac.compare_digest(given.get("state", "").encode(), begun.state.encode()):
            raise OidcError("the state is that of another sign-in. Begin again.")
        if "code" not in given:
            raise OidcError(f"the provider refused: {given.get('error', 'no reason')[:100]!r}.")
        with self._client(back) as client:
            about = self._about(client)
            token = self._exchange(client, about["token_endpoint"], given["code"], begun.verifier)
            keys = self._json(client, about["jwks_uri"])
        return self._claims(token, keys, begun.nonce, now)

    def _claims(self, token: str, keys: dict[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_CLOCKS_APART_S,
            iss={"essential": True, "values": [self.issuer.rstrip("/"), self.issuer.rstrip("/") + "/"]},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS).claims  # type: ignore[arg-type]
            rules.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise OidcError(f"its ID token is not valid for us: {type(error).__name__} {str(error)[:100]}.") from None
        if claims.get("azp", self.client_id) != self.client_id:
            raise OidcError("its ID token was made for another program.")
        return dict(claims)

    def _about(self, client: Any) -> dict[str, Any]:
        about = self._json(client, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if str(about.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
            raise OidcError(f"it calls itself {about.get('issuer')!r}. Correct GRIDNOTICE_OIDC_ISSUER.")
        if missing := [name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if name not in about]:
            raise OidcError(f"it does not say its {', '.join(missing)}.")
        return about

    def _exchange(self, client: Any, address: str, code: str, verifier: str) -> str:
        from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # noqa: PLC0415

        try:
            token = client.fetch_token(address, code=code, code_verifier=verifier, grant_type="authorization_code")
            return str(token["id_token"])
        except (OAuthError, httpx2.HTTPError, ValueError, KeyError) as error:
            raise OidcError(f"it did not give an ID token: {type(error).__name__}.") from None

    def _json(self, client: Any, address: str) -> dict[str, Any]:
        try:
            answer = client.request("GET", address, withhold_token=True)
            answer.raise_for_status()
            found = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise OidcError(f"{address} does not answer as it should: {type(error).__name__}.") from None
        if not isinstance(found, dict):
            raise OidcError(f"{address} does not answer with a JSON object.")
        return found

    def _client(self, back: str) -> Any:
        try:
            from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]  # noqa: PLC0415
        except ImportError:
            raise OidcError("the libraries are not installed. Install the extra: pip install 'gridnotice[oidc]'.") from None
        return OAuth2Client(
            self.client_id,
            self.client_secret,
            scope="openid profile",
            redirect_uri=back,
            code_challenge_method="S256",
            timeout=_PATIENCE_S,
        )


def role_of(claims: Mapping[str, Any], claim: str, roles: Mapping[str, str]) -> str | None:
    """Return the role that a claim (a text, or a list of texts) leads to; the first of ``roles`` that fits, else None.

    >>> role_of({"groups": ["staff", "dispatch"]}, "groups", {"chief": "approver", "dispatch": "control"})
    'control'
    """
    held = claims.get(claim, ())
    values = (
        {held} if isinstance(held, str) else {one for one in held if isinstance(one, str)} if isinstance(held, list) else set()
    )
    return next((role for value, role in roles.items() if value in values), None)
