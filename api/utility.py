"""Who speaks to the public, and on whose clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from api.language import LANGUAGES, Language
from api.settings import Settings


@dataclass(frozen=True)
class Utility:
    """The utility as its notices name it: names by language, telephone number, IANA zone, languages it speaks.

    ``lead_hours`` says for a class of outage how many hours beforehand it has to be told at the latest.
    """

    names: dict[Language, str]
    hotline: str
    zone: str
    languages: tuple[Language, ...] = LANGUAGES
    lead_hours: Mapping[str, int] = field(default_factory=dict)


def utility_of(settings: Settings) -> Utility:
    """Return the utility that ``settings`` describe."""
    names: dict[Language, str] = {"zh": settings.utility_zh, "en": settings.utility_en}
    return Utility(names, settings.hotline, settings.zone, settings.languages, settings.lead_hours)
