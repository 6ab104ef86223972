"""What a utility sets: one frozen object, read from the environment (``GRIDNOTICE_…``) once, at start."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.language import LANGUAGES, Language
from api.people.roles import ROLES
from api.people.sessions import Lifetime


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone. Give an IANA name, such as Asia/Shanghai or Europe/London.") from None
    return name


_OWN_MACHINE = ("127.0.0.1", "localhost", "[::1]")


def _known_roles(roles: dict[str, str]) -> dict[str, str]:
    if unknown := sorted(set(roles.values()) - set(ROLES)):
        raise ValueError(f"{', '.join(unknown)} is no role. Choose from {', '.join(ROLES)}.")
    return roles


class Settings(BaseSettings):
    """Everything that differs from one installation to the next."""

    model_config = SettingsConfigDict(env_prefix="GRIDNOTICE_", frozen=True, extra="forbid")

    network: str = Field(description="GeoPackage, folder of tables, or postgresql:// address that holds the network.")
    store: str = Field(default="sqlite:///gridnotice.db", description="Address of the store of outages.")
    utility_zh: str = Field(default="示范供电公司", min_length=1, description="Name of the utility in Chinese.")
    utility_en: str = Field(default="Example Power Supply", min_length=1, description="Name of the utility in English.")
    hotline: str = Field(default="95598", min_length=1, description="Telephone number printed on every notice.")
    zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="Asia/Shanghai", description="Time zone (IANA) in which times are entered and shown."
    )
    languages: tuple[Language, ...] = Field(
        default=LANGUAGES,
        min_length=1,
        description="Languages of pages and notices; the first is for visitors who ask for none.",
    )
    demo: bool = Field(default=False, description="Say on every page that this is a demonstration, and enter example outages.")
    rules: str = Field(default="cn", description="Rule set of lead times and approval: cn, uk, au, …, or one of `rule_files`.")
    rule_files: tuple[Path, ...] = Field(default=(), description="Rule sets of the utility's own (TOML); see docs/rules.md.")
    public_threshold: int = Field(default=5, ge=2, description="Smaller groups of customers are never shown to the public.")
    hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost", "[::1]"), description="Host names that requests may be addressed to; * allows any."
    )
    max_request_bytes: int = Field(default=1_000_000, ge=1_000, description="Largest request that is read.")
    public_url: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:8000"),
        description="Address at which everybody finds this service; alerts and feeds link to it.",
    )
    sender: str = Field(
        default="outages@example.org",
        pattern=r"^[A-Za-z0-9._-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$",
        description="Name of the sender in alerts and feeds, written as an address; receivers know them by it: never change it.",
    )
    channels: Path | None = Field(
        default=None, description="File that says who takes the messages of each channel; see docs/notices.md. None: they wait."
    )
    deliver: bool = Field(default=True, description="Deliver messages beside the server; false where `gridnotice deliver` does.")
    sms_parts: int = Field(default=2, ge=1, le=10, description="Parts of 70 or 160 characters that a text message may have.")
    tv_characters: int | None = Field(default=None, ge=40, description="Characters that a crawl on television may have.")
    tell_everyone: bool = Field(
        default=False, description="Tell each affected customer in person, also where no rule asks for it."
    )
    interpreter: str = Field(default="", description="Telephone number of an interpreter, where a rule asks for one.")
    session_idle_hours: float = Field(
        default=8, gt=0, le=168, description="A session ends after so many hours without a request."
    )
    session_days: float = Field(default=7, gt=0, le=90, description="A session ends after so many days in any case.")
    secure_cookies: bool = Field(
        default=False, description="Send cookies over TLS only, also where a request seems to come without (see trusted proxies)."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, as a JSON list."
    )
    public_per_minute: int = Field(
        default=120, ge=1, description="Requests for public data that one address may send in a minute."
    )
    address_per_minute: int = Field(
        default=30, ge=1, description="Questions about a single address that one address may send in a minute."
    )
    sign_ins_per_minute: int = Field(
        default=10, ge=1, description="Attempts to sign in that are taken in a minute from one address, and for one name."
    )
    oidc_issuer: HttpUrl | None = Field(
        default=None, description="Address of an OpenID provider to sign in with; none: passwords."
    )
    oidc_client_id: str = Field(default="", description="Name by which the OpenID provider knows this service.")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="Secret shared with the OpenID provider.")
    oidc_role_claim: str = Field(default="groups", min_length=1, description="Claim of the ID token that decides the role.")
    oidc_roles: Annotated[dict[str, str], AfterValidator(_known_roles)] = Field(
        default={}, description="Value of that claim → role, as a JSON object; the first that fits is taken."
    )

    @property
    def session_lifetime(self) -> Lifetime:
        """How long sessions last."""
        return Lifetime(timedelta(hours=self.session_idle_hours), timedelta(days=self.session_days))

    @model_validator(mode="after")
    def _check_oidc(self) -> Self:
        if self.oidc_issuer is not None and not (self.oidc_client_id and self.oidc_client_secret.get_secret_value()):
            raise ValueError("oidc_issuer needs oidc_client_id and oidc_client_secret. Ask whoever runs the OpenID provider.")
        if self.oidc_issuer is not None and self.oidc_issuer.scheme != "https" and self.oidc_issuer.host not in _OWN_MACHINE:
            raise ValueError("oidc_issuer has to begin with https://: whoever could read or change its answers could be anybody.")
        if self.oidc_issuer is not None and not self.oidc_roles:
            raise ValueError('oidc_issuer needs oidc_roles, such as {"dispatch": "control"}: without it nobody gets in.')
        return self
