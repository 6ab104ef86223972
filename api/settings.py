"""What a utility sets: one frozen object, read from the environment (``GRIDNOTICE_…``) once, at start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.language import LANGUAGES, Language


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone. Give an IANA name, such as Asia/Shanghai or Europe/London.") from None
    return name


class Settings(BaseSettings):
    """Everything that differs from one installation to the next."""

    model_config = SettingsConfigDict(env_prefix="GRIDNOTICE_", frozen=True, extra="forbid")

    network: Path = Field(description="GeoPackage, or folder of tables, that holds the network.")
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
    public_threshold: int = Field(default=5, ge=2, description="Smaller groups of customers are never shown to the public.")
    hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost", "[::1]"), description="Host names that requests may be addressed to; * allows any."
    )
    max_request_bytes: int = Field(default=1_000_000, ge=1_000, description="Largest request that is read.")
