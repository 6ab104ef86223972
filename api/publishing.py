"""The use cases of the publishing desk: what is due, the draft, the check, the approval by another person, the issue.

::

    outage moves on ─▶ draft ─▶ edit ─▶ submit ─▶ approve ─▶ issue ─▶ outbox
                         ▲       findings: a reason for each        one transaction: texts, who was told, every message
                         └──────── redraft, where the outage moves on before it is issued

Values in, values out; times are aware and ``now`` is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Any, Literal, cast

import numpy as np

from api.composing import Composed, House, compose
from api.language import Language
from api.occasion import Occasion, occasion_of
from api.service import NetworkChangedError, Service
from api.telling import count_audiences
from notices.crosscheck import Finding, Severity, blocking, differences, disagreements
from notices.dossier import Dossier
from notices.drafts import Draft
from notices.facts import COMING, Kind, NoticeError, NoticeFacts
from notices.groups import Sets
from notices.history import Approved, Drafted, Dropped, Issued, Redrafted, Rejected, Submitted, Text, TextKey, Withdrawn
from notices.mailing import Addressed
from notices.names import NONE, Names
from notices.newspaper import NewspaperPage, compose_page, is_on_page
from notices.outbox import NewMessage, Outbox
from notices.paper import fit_letter
from notices.people import People
from notices.plan import ToCall, unacknowledged
from notices.registry import Registry
from notices.rules import Case, Due, approval_of, case_of, clock, count_at_once, order_queue
from notices.rules import Issued as Told
from notices.said import Known, KnownNames, held_by
from notices.subscribers import Subscriber
from outages.events import Outage
from outages.lifecycle import active_spans

LONGEST_AHEAD = timedelta(days=120)

KEPT_COMPOSED = 64
"""How many notices are kept in memory as they were composed."""


class OutdatedError(RuntimeError):
    """The outage moved on after the texts were written: they may no longer be true."""

    def __init__(self, dossier: Dossier, why: str) -> None:
        super().__init__(f"The texts of notice {dossier.id} are out of date: {why}. Write them anew, then have them approved.")


class FindingsError(ValueError):
    """Texts cannot be submitted as they are; `findings` says what is to be mended, or given a reason for."""

    def __init__(self, dossier: Dossier, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        says = " ".join(finding.says for finding in self.findings[:3])
        more = f" And {len(self.findings) - 3} more." if len(self.findings) > 3 else ""
        super().__init__(f"Notice {dossier.id} cannot be submitted yet. {says}{more}")


@dataclass(frozen=True)
class Generated:
    """When and from what the texts of a notice were generated last: enough to compose it again."""

    outage_id: str
    number: int
    outage_seq: int
    kind: Kind | None
    at: datetime


@dataclass(frozen=True, eq=False)
class Waiting:
    """An outage at the desk: why a notice is due (None: nothing new), the notice that is open, and what the rules ask for."""

    outage: Outage
    change: Kind | None
    dossier: Dossier | None
    dues: tuple[Due, ...]


class Publishing:
    """Everything that the desk does with the outages of ``service``. Safe to share between threads."""

    def __init__(self, service: Service, house: House | None = None) -> None:
        self.service = service
        self.house = house or House()
        self.registry = Registry(service.store.database)
        self.outbox = Outbox(service.store.database)
        # Until the outage moves on, or the notice before is issued, what is composed at a moment stays what it is.
        self._composed = lru_cache(KEPT_COMPOSED)(self._compose)

    # What is due.

    def list_waiting(self, now: datetime) -> list[Waiting]:
        """Return every outage that a notice is due on, or open, or that a rule asks something for; the most pressing first."""
        found = {one.outage.id: one for one in self._list_waiting(now)}
        return [found[name] for name in order_queue({name: one.dues for name, one in found.items()})]

    def clock(self, outage: Outage, now: datetime) -> list[Due]:
        """Return what each rule asks for on an outage; none where no rules hold, or nobody approved it yet."""
        if self.service.utility.rules is None or outage.in_force is None:
            return []
        return clock(
            self._case(outage), self.service.utility.rules, zone=self.service.utility.zone, now=now, issued=self._issued(outage)
        )

    # Drafts.

    def preview(self, outage_id: str, *, now: datetime, kind: Kind | None = None) -> Composed:
        """Return the notice that is due on an outage as it would be, or else a reminder; nothing is kept. Raises NoticeError."""
        return self._compose_now(self.service.get_outage(outage_id), now, kind=kind)

    def draft(self, outage_id: str, *, by: str, now: datetime, kind: Kind | None = None, why: str = "") -> Dossier:
        """Write the texts of the notice that is due, and keep them; an open notice is written anew.

        Where nothing is due, ``kind`` may be a reminder of what was told.

        Raises NoticeError where there is nothing to tell or no text can be written, UnknownOutageError, NetworkChangedError.
        """
        outage = self.service.get_outage(outage_id)
        composed = self._compose_now(outage, now, kind=kind)
        if not composed.texts:
            raise NoticeError(*(problem for one in composed.unwritten for problem in one.problems))
        about: dict[str, Any] = {
            "outage_seq": outage.seq,
            "kinds": composed.kinds,
            "texts": composed.texts,
            "late": tuple(due.rule.id for due in self.clock(outage, now) if due.late_needs_reason and due.is_waiting),
            "higher": self._needs_higher(outage),
            "at": now,
            "by": by,
            "why": why,
        }
        there = self.registry.find_open(outage_id)
        if there is not None:
            return self.registry.append(there.id, there.seq, [Redrafted(**about)])
        earlier = self.registry.list_of(outage_id)
        refers_to = tuple(one.id for one in earlier if one.status == "issued")
        drafted = Drafted(outage_id, len(earlier) + 1, refers_to=refers_to, **about)
        return self.registry.append(f"{outage_id}.{drafted.number}", 0, [drafted])

    def save(self, notice_id: str, text: Text, *, version: int, by: str, now: datetime) -> int:
        """Keep a text as somebody types it, and return its version; raises StaleDraftError and NoticeTransitionError."""
        return self.registry.save_draft(notice_id, text.key, text.title, text.body, version=version, by=by, at=now)

    def texts(self, dossier: Dossier) -> dict[TextKey, Text]:
        """Return the texts as they stand: as last saved where they may be edited, else as they were submitted."""
        drafts: Mapping[TextKey, Draft] = self.registry.drafts(dossier.id) if dossier.is_open else {}
        return {key: drafts[key].text if key in drafts else text for key, text in dossier.texts.items()}

    def findings(self, dossier: Dossier) -> list[Finding]:
        """Return what the edits changed in each text, where the texts disagree, and which are missing."""
        composed, texts = self.composed(dossier), self.texts(dossier)
        known: dict[str, Known] = {one: self._known(composed, one) for one in self.service.utility.languages}
        found = [*_missing(composed), *_too_long(texts)]
        for key, text in texts.items():
            scope = composed.written[key].scope.text if key in composed.written else ""
            affected = composed.plan.about(cast(Kind, key.kind))
            found += differences(dossier.generated[key], text, known[key.language], scope=scope, affected=affected)
        for kind in composed.kinds:
            held = {language: held_by(_with_scope(composed, kind, language), one) for language, one in known.items()}
            of_kind = [text for key, text in texts.items() if key.kind == kind]
            found += disagreements(of_kind, known, held, affected=composed.plan.about(kind))
        return found

    def composed(self, dossier: Dossier) -> Composed:
        """Return the notice as it was composed when its texts were last generated."""
        return self._composed(self._generated(dossier))

    # Steps.

    def submit(
        self, notice_id: str, *, seen: int, reasons: Mapping[str, str], late_reason: str = "", by: str, now: datetime
    ) -> Dossier:
        """Hand the texts to another person to be approved; ``reasons`` by `Finding.key`.

        Raises FindingsError where a reason is missing or none can help, NoticeTransitionError, StaleNoticeError.
        """
        dossier = self.registry.get(notice_id)
        if open_findings := blocking(self.findings(dossier), reasons):
            raise FindingsError(dossier, open_findings)
        texts = tuple(self.texts(dossier).values())
        event = Submitted(texts, dict(reasons), late_reason, frozenset({by}), now, by)
        return self.registry.append(notice_id, seen, [event])

    def approve(self, notice_id: str, *, seen: int, by: str, now: datetime, why: str = "") -> Dossier:
        """Approve the texts as they were submitted; raises NoticeTransitionError for an author, OutdatedError."""
        self._check_current(self.registry.get(notice_id), now)
        return self.registry.append(notice_id, seen, [Approved(now, by, why)])

    def reject(self, notice_id: str, *, seen: int, by: str, now: datetime, why: str) -> Dossier:
        """Give the texts back to the desk."""
        return self.registry.append(notice_id, seen, [Rejected(now, by, why)])

    def withdraw(self, notice_id: str, *, seen: int, by: str, now: datetime, why: str = "") -> Dossier:
        """Take back what was submitted, to edit it."""
        return self.registry.append(notice_id, seen, [Withdrawn(now, by, why)])

    def drop(self, notice_id: str, *, seen: int, by: str, now: datetime, why: str) -> Dossier:
        """Leave a notice for good: nothing of it is issued."""
        return self.registry.append(notice_id, seen, [Dropped(now, by, why)])

    def issue(self, notice_id: str, *, seen: int, by: str, now: datetime) -> tuple[Dossier, int]:
        """Issue what was approved; return the notice, and how many messages are on their way.

        Raises OutdatedError where the outage moved on since, NoticeTransitionError, StaleNoticeError; then nothing was issued.
        """
        dossier = self.registry.get(notice_id)
        self._check_current(dossier, now)
        composed = self.composed(dossier)
        # Whoever has asked since not to be told is not; and no word was written for who has subscribed since.
        planned = composed.planned_anew(self._subscribers(self._generated(dossier)), self._opt_outs())
        if unwritten := planned.texts - composed.plan.texts:
            names = ", ".join(sorted("/".join(one) for one in unwritten))
            raise OutdatedError(dossier, f"somebody wants to be told otherwise since, by a text that there is not ({names})")
        told = np.union1d(planned.told_after, composed.occasion.held)
        ids = self.service.network.tables.customers["id"].iloc[told]
        messages = _messages(planned.messages(), dossier)
        return self.registry.issue(notice_id, seen, Issued(now, by), messages=messages, told=ids, now=now)

    def list_to_call(self, notice_id: str) -> tuple[ToCall, ...]:
        """Return whom of those on life support somebody has to call: no message reaches them, or no answer came."""
        composed = self.composed(self.registry.get(notice_id))
        answered = self.registry.acknowledged(notice_id)
        warned = np.concatenate([NONE, *(composed.plan.about(kind) for kind in composed.kinds if kind in COMING)])
        silent = {one.customer_id: one for one in unacknowledged(self.people, np.unique(warned), answered)}
        unreached = {one.customer_id: one for one in composed.plan.call_list if one.customer_id not in answered}
        return tuple((silent | unreached).values())

    def newspaper(self, language: Language, first: date, last: date, *, now: datetime) -> NewspaperPage:
        """Return the page for the days from ``first`` to ``last``, of all that was issued for the paper; raises NoticeError.

        What was issued longer than `LONGEST_AHEAD` before its day is on no page.
        """
        issued = self.registry.list_issued(datetime.combine(first, time(), UTC) - LONGEST_AHEAD)
        told = [one for dossier in issued for one in self._told_in_paper(dossier, language) if is_on_page(one, first, last)]
        return compose_page(told, language=language, first=first, last=last, issued_at=now)

    def _told_in_paper(self, dossier: Dossier, language: Language) -> Iterator[NoticeFacts]:
        keys = [key for key in dossier.texts if (key.language, key.channel) == (language, "newspaper")]
        composed = self.composed(dossier) if keys else None
        for key in keys:
            if composed is not None and key in composed.written:
                yield replace(composed.facts[key.kind, language], scope=composed.written[key].scope.text)

    @cached_property
    def people(self) -> People:
        """The customers as people."""
        network = self.service.network
        languages = self.service.utility.languages
        return People.of(network.tables, transformer_of_customer=network.transformer_of_customer, languages=languages)

    def _list_waiting(self, now: datetime) -> Iterator[Waiting]:
        open_ones = {one.outage_id: one for one in self.registry.list_open()}
        for outage in self.service.live.list_outages():
            dossier = open_ones.get(outage.id)
            try:
                change, dues = self._change(outage, now), tuple(self.clock(outage, now))
            except NetworkChangedError:  # it is to be revised; the others are to be told meanwhile
                change, dues = None, ()
            if dossier is not None or change is not None or any(due.is_waiting for due in dues):
                yield Waiting(outage, change, dossier, dues)

    def _change(self, outage: Outage, now: datetime) -> Kind | None:
        if outage.in_force is None:
            return None
        issued = [one for one in self.registry.list_of(outage.id) if one.status == "issued"]
        if issued and issued[-1].outage_seq == outage.seq and not self._waits_for_another(issued[-1]):
            return None
        return occasion_of(self.service, self.registry, outage, now=now).change

    def _waits_for_another(self, last: Dossier) -> bool:
        """Some were left out of the news that power is back, since another outage held them off: that one may be over by now."""
        return "restoration" in last.kinds and bool(self.registry.told(last.id))

    def _case(self, outage: Outage) -> Case:
        return case_of(outage, count_audiences(self.service.impact_in_force(outage)))

    def _issued(self, outage: Outage) -> list[Told]:
        """Return what went out on an outage, as the rules see it."""
        told = []
        for one in self.registry.list_of(outage.id):
            if one.status != "issued" or one.issued_at is None:
                continue
            then = self.service.outage_at(outage.id, one.outage_seq)
            windows = (then.in_force or then.facts).windows
            about: Any = "cancellation" if one.kinds[0] == "cancellation" else "outage"
            told += [Told(audience, channel, one.issued_at, windows, about) for audience, channel in self.outbox.told(one.id)]
        return told

    def _needs_higher(self, outage: Outage) -> bool:
        rules = self.service.utility.rules
        if rules is None or outage.in_force is None:
            return False
        others = [
            other.in_force.windows
            for other in self.service.live.open_outages()
            if other.id != outage.id and other.in_force is not None and active_spans(other)
        ]
        at_once = count_at_once(outage.in_force.windows, others)
        return approval_of(self._case(outage), rules, at_once=at_once).higher

    def _compose_now(self, outage: Outage, now: datetime, *, kind: Kind | None = None) -> Composed:
        number = len(self.registry.list_of(outage.id)) + 1
        return self._compose_of(outage, Generated(outage.id, number, outage.seq, kind, now))

    def _compose(self, generated: Generated) -> Composed:
        """Compose a notice as it was composed then: by the revision of the outage of then, and what was told before it."""
        return self._compose_of(self.service.outage_at(generated.outage_id, generated.outage_seq), generated)

    def _compose_of(self, outage: Outage, generated: Generated) -> Composed:
        occasion = self._occasion(outage, generated, generated.at)
        subscribers, opt_outs = self._subscribers(generated), self._opt_outs()
        return compose(
            self.service, self.people, occasion, self.house, now=generated.at, subscribers=subscribers, opt_outs=opt_outs
        )

    def _occasion(self, outage: Outage, generated: Generated, now: datetime) -> Occasion:
        return occasion_of(self.service, self.registry, outage, now=now, kind=generated.kind, number=generated.number)

    def _generated(self, dossier: Dossier) -> Generated:
        last = [one for one in self.registry.read(dossier.id) if isinstance(one, Drafted | Redrafted)][-1]
        return Generated(dossier.outage_id, dossier.number, last.outage_seq, cast(Kind, last.kinds[0]), last.at)

    def _opt_outs(self) -> list[tuple[str, str]]:
        return [(one.channel, one.address) for one in self.registry.opt_outs.list_all()]

    def _subscribers(self, generated: Generated) -> list[Subscriber]:
        """Return who subscribed before the texts were written; who did after those of the notice before has not heard of it."""
        notices = self.registry.list_of(generated.outage_id)
        issued = [one for one in notices if one.status == "issued" and one.number < generated.number]
        last = self._generated(issued[-1]).at if issued else None
        return [
            Subscriber(
                one.id,
                cast(Literal["sms", "email"], one.channel),
                one.address,
                one.language,
                one.place_id,
                was_there=last is None or (one.confirmed_at or one.created_at) <= last,
            )
            for one in self.registry.subscriptions.list_active()
            if (one.confirmed_at or one.created_at) <= generated.at
        ]

    def _check_current(self, dossier: Dossier, now: datetime) -> None:
        outage = self.service.get_outage(dossier.outage_id)
        if outage.seq != dossier.outage_seq:
            raise OutdatedError(
                dossier, f"they tell revision {dossier.outage_seq} of outage {outage.id}, which is at {outage.seq}"
            )
        composed = self.composed(dossier)
        coming = [facts for (kind, _), facts in composed.facts.items() if kind in COMING]
        if any(replace(facts, issued_at=now).state != facts.state for facts in coming):
            raise OutdatedError(dossier, f"they say what held at {_minute(coming[0].issued_at)}, and it has begun or ended since")
        if not _same_people(composed.occasion.sets, self._occasion(outage, self._generated(dossier), now).sets):
            raise OutdatedError(dossier, "another outage has begun or ended since for some whom they tell")

    def _known(self, composed: Composed, language: Language) -> Known:
        facts = composed.facts[composed.kinds[0], language]
        phones = tuple(filter(None, (facts.hotline, facts.interpreter)))
        references = tuple(filter(None, (facts.reference, facts.link)))
        return Known(self._all_names[language], facts.zone, facts.issued_at, references, phones)

    @cached_property
    def _all_names(self) -> dict[Language, KnownNames]:
        service = self.service
        lines = service.network.feeder_names.tolist()
        return {language: KnownNames.of(Names.of(service.book, language), lines) for language in service.utility.languages}


def permission_for(dossier: Dossier) -> str:
    """Return the permission that approving a notice needs: that of a major outage is for a higher approver."""
    return "approve_major" if dossier.higher else "approve"


def _minute(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _same_people(one: Sets, other: Sets) -> bool:
    told = [NONE if sets.told is None else sets.told for sets in (one, other)]
    pairs = (told, (one.now, other.now), (one.restored, other.restored))
    return all(np.array_equal(np.sort(mine), np.sort(theirs)) for mine, theirs in pairs)


def _with_scope(composed: Composed, kind: Kind, language: str) -> NoticeFacts:
    """Return the facts of a kind with the longest scope of its texts: it names all that shorter ones widen."""
    scopes = [one.scope.text for key, one in composed.written.items() if (key.kind, key.language) == (kind, language)]
    return replace(composed.facts[kind, language], scope=max(scopes, key=len, default=""))


def _missing(composed: Composed) -> Iterator[Finding]:
    """Without a text a person would not be told, which no reason cures; the public is told by others, or in a longer slot."""
    public = {(one.kind, one.language, one.channel) for one in composed.plan.public}
    told = {replace(key, slot_s=None) for key in composed.written}
    for one in composed.unwritten:
        key = replace(one.key, slot_s=None)
        severity: Severity = "note" if key in told else "reason" if (key.kind, key.language, key.channel) in public else "grave"
        says = " ".join(problem.says for problem in one.problems)
        yield Finding("text_missing", "words", severity, (one.key,), f"There is no text {one.key}. {says}")


def _too_long(texts: Mapping[TextKey, Text]) -> Iterator[Finding]:
    """A letter that no page holds would be printed for nobody."""
    for key, text in texts.items():
        if key.channel == "letter":
            try:
                fit_letter(text.title, text.body)
            except NoticeError as error:
                says = " ".join(problem.says for problem in error.problems)
                yield Finding("letter_too_long", "words", "grave", (key,), says)


def _messages(addressed: Iterable[Addressed], dossier: Dossier) -> Iterator[NewMessage]:
    """Yield what goes into the outbox: to the public each text that there is (a script for each slot), to people each message."""
    for one in addressed:
        key = TextKey(one.kind, one.language, one.channel)
        public = [each for each in dossier.texts if replace(each, slot_s=None) == key] if one.audience == "public" else [key]
        for text in public:
            slot = "" if text.slot_s is None else f":{text.slot_s}"
            yield NewMessage(
                recipient=f"{one.recipient}{slot}",
                kind=one.kind,
                audience=one.audience,
                channel=one.channel,
                language=one.language,
                slot_s=text.slot_s,
                address=one.address,
                personal={"name": one.name, "address": one.place},
                needs_ack=one.needs_ack,
            )
