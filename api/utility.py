"""Who speaks to the public, and on whose clock."""

from __future__ import annotations

from dataclasses import dataclass

from api.language import LANGUAGES, Language
from api.settings import Settings


@dataclass(frozen=True)
class Utility:
    """The utility as its notices name it: names by language, telephone number, IANA zone, languages it speaks."""

    names: dict[Language, str]
    hotline: str
    zone: str
    languages: tuple[Language, ...] = LANGUAGES


def utility_of(settings: Settings) -> Utility:
    """Return the utility that ``settings`` describe."""
    names: dict[Language, str] = {"zh": settings.utility_zh, "en": settings.utility_en}
    return Utility(names, settings.hotline, settings.zone, settings.languages)
