"""An occasion → everybody who is told, and every text that tells them.

::

    Occasion ─plan─▶ Plan: kinds, messages ─┬─▶ facts of each kind and language ─write─▶ texts
                                            └─▶ channels that somebody is told by
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import get_args

import numpy as np

from api.language import Language
from api.occasion import Occasion, restored_at
from api.service import Service
from api.settings import Settings
from api.telling import count_audiences, notice_facts
from api.writing import Limits, Unwritten, Written, keys_of, write_text
from notices.audiences import PERSONAL, Telling, telling_for
from notices.facts import COMING, Kind, NoticeError, NoticeFacts
from notices.history import Text, TextKey
from notices.people import People
from notices.plan import Plan, plan
from notices.reach import OptOuts
from notices.rules import CHANNELS, Case, RuleSet, applying, case_of
from notices.scope import Affected
from notices.subscribers import Subscriber
from outages.facts import ANNOUNCED_CLASSES, FactProblem, Window
from outages.lifecycle import OVER
from topology.flood import Rows

PUBLIC = ("newspaper", "tv", "radio", "web", "app")
AT_ONCE = ("tv", "radio", "web", "app")
"""What reaches people the same day; a newspaper comes too late for what nobody could announce."""


@dataclass(frozen=True)
class House:
    """How a utility publishes, beside what `api.utility.Utility` says of it.

    ``everyone``: each affected customer is told in person, also where no rule asks for it.
    """

    limits: Limits = field(default_factory=Limits)
    link: str = ""
    interpreter: str = ""
    everyone: bool = False


def house_of(settings: Settings) -> House:
    """Return how the utility of ``settings`` publishes."""
    limits = Limits(sms_parts=settings.sms_parts, tv=settings.tv_characters, smallest=settings.public_threshold)
    # An address that only this machine knows helps nobody.
    link = "" if settings.public_url.host in ("127.0.0.1", "localhost", "[::1]") else f"{settings.public_url}map"
    return House(limits, link, settings.interpreter, settings.tell_everyone)


@dataclass(frozen=True, eq=False)
class Composed:
    """A notice as it would be: who is told what, and the texts; ``facts`` by kind and language, their scope still empty."""

    occasion: Occasion
    plan: Plan
    telling: Telling
    kinds: tuple[Kind, ...]
    case: Case
    facts: Mapping[tuple[str, str], NoticeFacts]
    results: tuple[Written | Unwritten, ...]

    @cached_property
    def written(self) -> dict[TextKey, Written]:
        """The texts that could be written."""
        return {one.key: one for one in self.results if isinstance(one, Written)}

    @cached_property
    def unwritten(self) -> tuple[Unwritten, ...]:
        """The texts that could not, and why."""
        return tuple(one for one in self.results if isinstance(one, Unwritten))

    def planned_anew(self, subscribers: Sequence[Subscriber], opt_outs: OptOuts) -> Plan:
        """Return the same plan for those who subscribe, or want not to be told, by now."""
        return plan(
            self.plan.people,
            self.occasion.sets,
            self.telling,
            change=self.plan.change,
            subscribers=subscribers,
            opt_outs=opt_outs,
        )

    @property
    def texts(self) -> tuple[Text, ...]:
        """The texts as the registry keeps them."""
        return tuple(one.text for one in self.written.values())


def compose(
    service: Service,
    people: People,
    occasion: Occasion,
    house: House,
    *,
    now: datetime,
    subscribers: Sequence[Subscriber] = (),
    opt_outs: OptOuts = (),
) -> Composed:
    """Plan whom the notice on ``occasion`` reaches, and write its texts.

    Raises NoticeError where there is nothing to tell, or nobody to tell it to.
    """
    if occasion.change is None:
        raise NoticeError(_nothing_new(occasion))
    outage_class, rules = occasion.facts.outage_class, service.utility.rules
    case = case_of(occasion.outage, count_audiences(service.impact_in_force(occasion.outage)))
    public = public_channels(outage_class, rules, case)
    telling = telling_for(outage_class, rules, case, everyone=house.everyone, public_channels=public)
    planned = plan(people, occasion.sets, telling, change=occasion.change, subscribers=subscribers, opt_outs=opt_outs)
    kinds = _kinds(occasion.change, planned)
    if not kinds:
        raise NoticeError(_nobody(occasion))
    texts = _Texts(service, occasion, house, now)
    facts: dict[tuple[str, str], NoticeFacts] = {
        (kind, language): texts.facts(kind, language) for kind in kinds for language in service.utility.languages
    }
    results = [
        write_text(key, facts[kind, key.language], texts.feel(planned.about(kind), kind), service.book, limits=house.limits)
        for kind in kinds
        for key in _keys(kind, planned, service.utility.languages, public)
    ]
    return Composed(occasion, planned, telling, kinds, case, facts, tuple(results))


def public_channels(outage_class: str, rules: RuleSet | None, case: Case) -> tuple[str, ...]:
    """Return by what the public is told: by what is in time for the class, and by what a rule asks for."""
    usual = PUBLIC if outage_class in ANNOUNCED_CLASSES and outage_class != "temporary" else AT_ONCE
    asked = {channel for rule in (applying(case, rules) if rules else ()) for channel in rule.channels} - set(PERSONAL)
    return tuple(channel for channel in CHANNELS if channel in usual or channel in asked)


def _kinds(change: Kind, planned: Plan) -> tuple[Kind, ...]:
    """The kind of the change first, where anybody is told it, then what else somebody is told."""
    needed = {one.kind for one in planned.public} | {kind for kind, _, _ in planned.texts}
    return tuple(kind for kind in dict.fromkeys((change, *get_args(Kind))) if kind in needed)


def _keys(kind: Kind, planned: Plan, languages: Sequence[Language], public: Sequence[str]) -> list[TextKey]:
    """Texts of a kind: for the public in every language, for people in those that somebody of them reads."""
    to_public = {one.channel for one in planned.public if one.kind == kind}
    keys = keys_of(kind, languages, [channel for channel in public if channel in to_public])
    read = {(channel, language) for of, language, channel in planned.texts if of == kind}
    return keys + [
        TextKey(kind, language, channel) for channel in PERSONAL for language in languages if (channel, language) in read
    ]


@dataclass(frozen=True, eq=False)
class _Texts:
    """What the texts of an occasion are made of."""

    service: Service
    occasion: Occasion
    house: House
    now: datetime

    def feel(self, rows: Rows, kind: Kind) -> Affected:
        """Return what ``rows`` feel: as the outage leaves them while it concerns them; what is over is so for all alike."""
        if kind not in COMING:
            return Affected(off=rows)
        given = self.occasion.affected
        return Affected(*(np.intersect1d(each, rows) for each in (given.off, given.partial, given.moved)))

    def facts(self, kind: Kind, language: Language) -> NoticeFacts:
        """Return what a text of a kind tells in a language, but for the scope."""
        outage = self.occasion.outage
        lines = self.service.impact_in_force(outage).feeders
        told = replace(
            notice_facts(
                self.occasion.facts,
                self.service.utility,
                language,
                lines=lines,
                scope="",
                reference=outage.id,
                issued_at=self.now,
            ),
            kind=kind,
            earlier=None if kind in ("first", "reminder") else self.occasion.earlier,
            restored_at=restored_at(self.service, self.occasion, self.now) if kind == "restoration" else None,
            link=self.house.link,
            interpreter=self.house.interpreter,
        )
        return _end_unknown(told) if _is_overdue(self.occasion, kind, self.now) else told


def _is_overdue(occasion: Occasion, kind: Kind, now: datetime) -> bool:
    """Nobody has said until when: the end that was expected has passed, and power is not back."""
    end = occasion.facts.end
    return kind in COMING and occasion.facts.outage_class not in ANNOUNCED_CLASSES and end is not None and end <= now


def _end_unknown(told: NoticeFacts) -> NoticeFacts:
    return replace(told, estimate=None, windows=(*told.windows[:-1], Window(told.windows[-1].start, None)))


def _nothing_new(occasion: Occasion) -> FactProblem:
    stands = f"Outage {occasion.outage.id} is {occasion.outage.status}"
    if occasion.outage.status in OVER:
        says = f"{stands}, and nobody is left who was told of it and has not heard that. Nothing more is to be told."
    elif occasion.last is None:
        says = f"{stands}: there is nothing to tell before it is in force."
    else:
        says = f"{stands}, and people were told all of it. Ask for a reminder to tell it again, or change the outage first."
    return FactProblem("kind", "nothing_new", says, occasion.outage.status)


def _nobody(occasion: Occasion) -> FactProblem:
    says = f"Outage {occasion.outage.id} affects no customer and nobody was told of it: it needs no notice. Check its devices."
    return FactProblem("scope", "nobody_affected", says)
