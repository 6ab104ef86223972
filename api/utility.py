"""Who speaks to the public, and on whose clock."""

from __future__ import annotations

from dataclasses import dataclass

from api.language import LANGUAGES, Language
from api.settings import Settings
from notices.rulebook import RulesError, rule_sets
from notices.rules import RuleSet
from outages.facts import FactProblem


@dataclass(frozen=True)
class Utility:
    """The utility as its notices name it: names by language, telephone number, IANA zone, languages it speaks.

    ``rules`` say by when whom has to be told; None where no rules hold.
    """

    names: dict[Language, str]
    hotline: str
    zone: str
    languages: tuple[Language, ...] = LANGUAGES
    rules: RuleSet | None = None


def utility_of(settings: Settings) -> Utility:
    """Return the utility that ``settings`` describe; raises RulesError where its rule sets cannot be used."""
    names: dict[Language, str] = {"zh": settings.utility_zh, "en": settings.utility_en}
    sets = rule_sets(settings.rule_files)
    if settings.rules not in sets:
        says = f"There is no rule set {settings.rules!r}. Choose one of {', '.join(sets)}, or name its file in rule_files."
        raise RulesError(FactProblem("rules", "rules_unknown", says, settings.rules))
    return Utility(names, settings.hotline, settings.zone, settings.languages, sets[settings.rules])
