"""Which audiences an outage has, and by which channels each is told.

::

    class of outage ─┐
    rules that apply ─┼─telling_for──▶ Telling    life_support   sms, else email                  needs an answer
    setting           ─┘                          dedicated      letter; and sms, else email
                                                  public         newspaper, web, …

A person is of the first of `ROLES` that the outage has as an audience, and is told in all its ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from notices.rules import CHANNELS, Case, Rule, RuleSet, applying
from outages.facts import OUTAGE_CLASSES

ROLES = ("life_support", "important", "dedicated", "customers")
"""Audiences that are told in person, the one that decides first. Everybody affected is of the last."""

PERSONAL = ("call", "sms", "email", "letter", "door_card")
"""Channels that reach one person, in the order in which messages are handed over."""

_IN_PERSON = {
    # Dispatch tells the holders of dedicated transformers of what is planned, and of a transfer that they feel.
    "planned": "dedicated",
    "load_transfer": "dedicated",
    # What comes at short notice or with none is told to those for whom an hour matters. For the last three, and for a
    # transfer, the choice is ours: sources speak of planned, temporary and fault alone.
    "temporary": "important",
    "fault": "important",
    "over_capacity": "important",
    "orderly_use": "important",
}


class PlanError(ValueError):
    """Nobody can be told by what was given; says what is wrong and what to do."""


@dataclass(frozen=True)
class Way:
    """Channels of which the first that finds a person is taken.

    ``required``: a rule asks for it, on paper for one. Whoever it does not find is listed as unreachable, though reached by
    another way; and it is gone for what a rule sets a limit to, not for a reminder or for the news that power is back.
    """

    channels: tuple[str, ...]
    required: bool = False


Ways = Mapping[str, tuple[Way, ...]]

PREFERENCES: Ways = MappingProxyType(
    {
        "life_support": (Way(("sms", "email")),),
        "important": (Way(("call",)), Way(("sms",))),
        "dedicated": (Way(("letter",)), Way(("sms", "email"))),
        "customers": (Way(("sms", "email", "letter")),),
    }
)
"""How each audience is told, in all its ways. A utility may have a table of its own."""


@dataclass(frozen=True)
class Telling:
    """Who is told of an outage, and how.

    Attributes
    ----------
    audiences
        Of `notices.rules.AUDIENCES`; always the public, and whoever is on life support.
    obliged
        Those of them who are told though they opted out; life support is in any case.
    ways
        For each audience that is told in person.
    public_channels
        What the public is told by.

    Raises PlanError where life support is left out, an audience has no way, or a way has a channel that there is not.
    """

    audiences: frozenset[str]
    obliged: frozenset[str] = frozenset({"life_support"})
    ways: Ways = field(default_factory=lambda: PREFERENCES)
    public_channels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "life_support" not in self.audiences:
            raise PlanError("Those on life support are not among the audiences. They are told of every outage: add life_support.")
        for audience in ROLES:
            channels = {channel for way in self.ways.get(audience, ()) for channel in way.channels}
            if audience in self.audiences and not channels:
                raise PlanError(f"{audience} are to be told in person, and no channel is given. Add a way for them.")
            _check(channels, PERSONAL, f"a person ({audience})")
        _check(set(self.public_channels), tuple(name for name in CHANNELS if name not in PERSONAL), "the public")


def audiences_for(
    outage_class: str, rules: RuleSet | None = None, case: Case | None = None, *, everyone: bool = False
) -> frozenset[str]:
    """Return the audiences of an outage.

    The public and life support always; by the class of the outage those with a transformer of their own, or the important ones;
    whoever a rule wants told that the public's notice does not meet; with ``everyone`` each affected customer in person.
    """
    if outage_class not in OUTAGE_CLASSES:
        raise PlanError(f"{outage_class!r} is no class of outage. Take one of {', '.join(OUTAGE_CLASSES)}.")
    named = {"public", "life_support", _IN_PERSON.get(outage_class, "public")}
    return frozenset(named | {rule.audience for rule in _in_person(rules, case)} | ({"customers"} if everyone else set()))


def telling_for(
    outage_class: str,
    rules: RuleSet | None = None,
    case: Case | None = None,
    *,
    everyone: bool = False,
    preferences: Ways = PREFERENCES,
    public_channels: tuple[str, ...] = (),
) -> Telling:
    """Return who is told of an outage and how: by its class, by the rules it falls under, by what the utility prefers."""
    asked = _in_person(rules, case)
    return Telling(
        audiences=audiences_for(outage_class, rules, case, everyone=everyone),
        obliged=frozenset({"life_support", *(rule.audience for rule in asked if rule.strength == "must")}),
        ways={role: _with_rules(role, preferences.get(role, ()), asked) for role in ROLES},
        public_channels=public_channels,
    )


def _in_person(rules: RuleSet | None, case: Case | None) -> list[Rule]:
    """Rules that are not met by telling the public."""
    found = applying(case, rules) if rules is not None and case is not None else []
    return [rule for rule in found if "public" not in rule.told]


def _with_rules(role: str, ways: tuple[Way, ...], asked: list[Rule]) -> tuple[Way, ...]:
    """Ways of an audience, with those that a rule asks for; where both come to one channel, one message goes."""
    for rule in asked:
        channels = tuple(channel for channel in rule.channels if channel in PERSONAL)
        # Every affected one is a customer: a rule for customers is for all roles.
        if rule.audience in (role, "customers") and channels:
            ways = (*ways, Way(channels, required=rule.strength == "must"))
    return ways


def _check(given: set[str], known: tuple[str, ...], whom: str) -> None:
    unknown = sorted(given - set(known))
    if unknown:
        raise PlanError(f"{', '.join(unknown)}: no channel that reaches {whom}. Take some of {', '.join(known)}.")
