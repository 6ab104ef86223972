"""When a notice has to be out, by which rule, and whether it was: a clock for each outage.

::

    rule set (TOML, `notices.rulebook`) ─┐
    Case: class, windows, whom it affects ─┼─clock──▶ [Due]   planned-announced   public   limit 5 May 08:00   at_risk
    Issued: what was told to whom, when ──┘                  told-in-person      dedicated                   met

          open                at_risk                   missed
    ──────────────┬────────────────────────────┬───────────────────▶ now     met, once told not later than the limit
              reminder                       limit            start

A notice counts for what it told, as long as the same people have not heard otherwise since. Where an outage is moved out of the
windows that were told, nothing that went out counts, and all clocks start anew for the new times; where it is only made shorter
within them, people have been told in time. Once power is off, what counts is what was in force then: telling that it will last
longer is no matter of lead times. Where an outage is cancelled nothing is due beforehand any more, but who was told has to be
told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from notices.leadtime import Calendar, Lead, limit
from outages.events import Outage
from outages.facts import Window

Audience = Literal["public", "customers", "dedicated", "important", "life_support"]
Channel = Literal["newspaper", "tv", "radio", "sms", "web", "app", "letter", "door_card", "email", "call", "poster"]
Content = Literal["place", "line", "reason", "off_time", "on_time", "alternative_date", "interpreter", "hotline", "reference"]
About = Literal["outage", "cancellation"]
Strength = Literal["must", "should"]
Mark = Literal["confirmed", "second_hand"]
Status = Literal["open", "at_risk", "missed", "met", "not_applicable"]
WhyNot = Literal["class", "under_limit", "nobody", "cancelled", "not_cancelled", "nobody_told"]

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
"""``customers``: every affected one in person. ``dedicated``: those who have a transformer to themselves (专变)."""
CHANNELS: tuple[Channel, ...] = get_args(Channel)
CONTENTS: tuple[Content, ...] = get_args(Content)


@dataclass(frozen=True)
class Source:
    """Where a rule is written, when it was read (a year, a month or a day), and whether the passage itself was."""

    text: str
    read: str
    mark: Mark


@dataclass(frozen=True)
class Over:
    """A rule holds for more customers than ``customers``, or for longer than ``hours``: either is enough."""

    customers: int | None = None
    hours: float | None = None


@dataclass(frozen=True)
class Rule:
    """One thing that has to be told.

    Attributes
    ----------
    classes
        The classes of outage it is about.
    audience, met_by
        Who has to be told; and other audiences that may be told instead (in person instead of by the paper, for one).
    channels
        By any of which; none: by whichever.
    lead
        How long before power goes off; None for a cancellation, which is told at once and before power would have gone off.
    strength
        ``must``; or ``should``, where the source says "if feasible", "normally", "where possible". Late needs a reason in
        either case.
    counted_from
        Notice is given when it goes out, or when it is received.
    """

    id: str
    classes: tuple[str, ...]
    audience: Audience
    source: Source
    lead: Lead | None
    met_by: tuple[Audience, ...] = ()
    channels: tuple[Channel, ...] = ()
    contains: tuple[Content, ...] = ()
    over: Over | None = None
    remind: Lead | None = None
    about: About = "outage"
    strength: Strength = "must"
    counted_from: Literal["issue", "receipt"] = "issue"
    note: str = ""

    @property
    def told(self) -> tuple[Audience, ...]:
        """Every audience that may be told, the one that the rule names first."""
        return (self.audience, *self.met_by)


@dataclass(frozen=True)
class Major:
    """More outages at once than ``outages``, or one that is off for more ``hours``, need a higher approver."""

    outages: int
    hours: float
    source: Source


@dataclass(frozen=True)
class RuleSet:
    """What holds in one jurisdiction. ``holidays`` as `notices.leadtime.Calendar` has them."""

    id: str
    title: str
    holidays: tuple[str, ...]
    rules: tuple[Rule, ...]
    business_day: str = ""
    """How the jurisdiction defines a business day, in words."""
    major: Major | None = None


@dataclass(frozen=True)
class Case:
    """What rules go by. ``reach`` says how many affected customers are of an audience; ``customers`` are all of them."""

    outage_class: str
    windows: tuple[Window, ...]
    reach: Mapping[str, int]
    cancelled_at: datetime | None = None

    @property
    def start(self) -> datetime:
        """When power goes off first."""
        return self.windows[0].start

    def count(self, audience: str) -> int:
        """Return how many there are to be told; the public is concerned where any customer is."""
        return self.reach.get("customers" if audience == "public" else audience, 0)


@dataclass(frozen=True)
class Issued:
    """A notice that went out to an audience: when, and what it told. The windows of a cancellation are those cancelled."""

    audience: str
    channel: str
    at: datetime
    windows: tuple[Window, ...]
    about: About = "outage"
    received_at: datetime | None = None
    """By proof, or by the utility's rule of how long a letter takes; None where nobody knows."""


@dataclass(frozen=True)
class Due:
    """What one rule asks for. Without a limit where it does not apply, and then ``why_not`` says why."""

    rule: Rule
    status: Status
    due_at: datetime | None = None
    reminder_at: datetime | None = None
    told_at: datetime | None = None
    """When notice was first given, be it late."""
    why_not: WhyNot | None = None

    @property
    def late_needs_reason(self) -> bool:
        """True where the limit has passed without notice: whoever issues it, or lets it be, says why."""
        return self.status == "missed"

    @property
    def is_waiting(self) -> bool:
        """True where the notice is still to be given, in time or late."""
        return self.due_at is not None and self.told_at is None


@dataclass(frozen=True)
class Approval:
    """Whether a higher approver is needed, and what for: ``outages``, ``hours``, ``as_told``."""

    because: tuple[str, ...] = field(default=())

    @property
    def higher(self) -> bool:
        """True where the approval of a higher approver is needed."""
        return bool(self.because)


def case_of(outage: Outage, reach: Mapping[str, int]) -> Case:
    """Return what rules go by for ``outage``: the facts in force, of a draft the newest; once power went off, those of then."""
    then = outage
    while then.off_at is not None and then.before is not None and then.before.off_at is not None:
        then = then.before
    facts = then.in_force or then.facts
    cancelled_at = outage.changed_at if outage.status == "cancelled" else None
    return Case(facts.outage_class, facts.windows, dict(reach), cancelled_at)


def clock(case: Case, rules: RuleSet, *, zone: str, now: datetime, issued: Iterable[Issued] = ()) -> list[Due]:
    """Return what each rule asks for, in the order of the rules, as it stands at ``now``.

    Notice that is given at the limit itself is in time. ``zone`` is the utility's. Notices later than ``now`` do not count yet.
    To tell earlier what holds never turns a rule that is met into one that is missed.
    """
    told = [one for one in issued if one.at <= now]
    return [_due(rule, case, Calendar(zone, rules.holidays), now=now, told=told) for rule in rules.rules]


def notice_by(case: Case, rules: RuleSet, *, zone: str) -> datetime | None:
    """Return until when the first notice that must be given has to be given; None where there is none."""
    dues = clock(case, rules, zone=zone, now=case.start)
    return min((due.due_at for due in dues if due.due_at is not None and due.rule.strength == "must"), default=None)


def approval_of(case: Case, rules: RuleSet, *, at_once: int = 1, as_told: bool = False) -> Approval:
    """Return whether an outage needs a higher approver.

    ``at_once`` is how many outages are off at once, this one included (`count_at_once`); ``as_told`` where somebody asks for it.
    An outage without an end counts once it has one.
    """
    because = ["as_told"] if as_told else []
    if rules.major is not None:
        off = [window.end - window.start for window in case.windows if window.end is not None]
        because += ["outages"] if at_once > rules.major.outages else []
        because += ["hours"] if sum(off, timedelta()) > timedelta(hours=rules.major.hours) else []
    return Approval(tuple(because))


def count_at_once(windows: Sequence[Window], others: Iterable[Sequence[Window]]) -> int:
    """Return how many outages are off at once at most, within ``windows``: that one, and those of ``others``.

    >>> eight, nine, ten = (datetime(2026, 5, 1, hour, tzinfo=UTC) for hour in (8, 9, 10))
    >>> count_at_once([Window(eight, ten)], [[Window(eight, nine)], [Window(nine, ten)]])
    2
    """
    rest = [list(other) for other in others]
    starts = [start for window in windows for start in (window.start, *_starts_within(window, rest))]
    return max(1 + sum(any(_is_off(window, start) for window in other) for other in rest) for start in starts)


def applying(case: Case, rules: RuleSet) -> list[Rule]:
    """Return the rules that a case falls under, whatever was told of it so far."""
    return [rule for rule in rules.rules if _why_not(rule, case) is None]


def required_contents(case: Case, rules: RuleSet, *, audience: str, channel: str) -> tuple[Content, ...]:
    """Return what the text for an audience by a channel has to say, by all the rules that it may serve.

    Where the case is cancelled, that is the text that says so.
    """
    serving = [rule for rule in applying(case, rules) if audience in rule.told and _is_by(rule, channel)]
    asked = {code for rule in serving for code in rule.contains}
    return tuple(code for code in CONTENTS if code in asked)


def order_queue(clocks: Mapping[str, Iterable[Due]]) -> list[str]:
    """Return the ids of outages, the most pressing first.

    First whoever was not told when they had to be, the longest overdue first; then what is at risk, then what is open, by the
    limit; then what is all told, and last what no rule asks for anything.
    """
    return sorted(clocks, key=lambda name: (_pressing(clocks[name]), name))


def _pressing(dues: Iterable[Due]) -> tuple[int, datetime]:
    applying = [due for due in dues if due.due_at is not None]
    ranks = {"missed": 0, "at_risk": 1, "open": 2}
    waiting = [(ranks[due.status], due.due_at) for due in applying if due.is_waiting and due.due_at is not None]
    return min(waiting, default=(3 if applying else 4, datetime.max.replace(tzinfo=UTC)))


def _due(rule: Rule, case: Case, calendar: Calendar, *, now: datetime, told: list[Issued]) -> Due:
    why_not = _why_not(rule, case)
    if why_not is None and rule.about == "cancellation" and not _was_told(rule, told):
        why_not = "nobody_told"
    if why_not is not None:
        return Due(rule, "not_applicable", why_not=why_not)
    due_at, reminder_at = _limits(rule, case, calendar)
    told_at = min((at for at in _given(rule, case, told) if at <= now), default=None)
    return Due(rule, _status(due_at, reminder_at, told_at, now), due_at, reminder_at, told_at)


def _was_told(rule: Rule, told: list[Issued]) -> bool:
    return any(one.about == "outage" and one.audience in rule.told for one in told)


def _status(due_at: datetime, reminder_at: datetime, told_at: datetime | None, now: datetime) -> Status:
    if told_at is not None:
        return "met" if told_at <= due_at else "missed"
    if now > due_at:
        return "missed"
    return "at_risk" if now >= reminder_at else "open"


def _limits(rule: Rule, case: Case, calendar: Calendar) -> tuple[datetime, datetime]:
    """Return the limit, and when the desk is reminded of it."""
    if rule.lead is None:
        # A cancellation: from now on, and of use until power would have gone off.
        return case.start, case.cancelled_at or case.start
    due_at = limit(case.start, rule.lead, calendar)
    return due_at, limit(due_at, rule.remind or REMINDERS[rule.lead.unit], calendar)


REMINDERS = {"hours": Lead(4, "hours"), "days": Lead(1, "days"), "business_days": Lead(1, "business_days")}
"""How long before its limit the desk is reminded of a rule, by the unit of its lead time. Our choice: no source says so."""


def _why_not(rule: Rule, case: Case) -> WhyNot | None:
    """Return why a rule does not apply, None where it does."""
    if case.outage_class not in rule.classes:
        return "class"
    if case.count(rule.audience) == 0:
        return "nobody"
    if rule.over is not None and not _is_over(rule.over, case):
        return "under_limit"
    if (case.cancelled_at is not None) != (rule.about == "cancellation"):
        return "cancelled" if case.cancelled_at is not None else "not_cancelled"
    return None


def _is_over(over: Over, case: Case) -> bool:
    """By all customers, and by the longest interruption; one without an end may be longer than anything."""
    many = over.customers is not None and case.count("customers") > over.customers
    return many or (over.hours is not None and any(_is_longer(window, over.hours) for window in case.windows))


def _is_longer(window: Window, hours: float) -> bool:
    return window.end is None or window.end - window.start > timedelta(hours=hours)


def _given(rule: Rule, case: Case, told: list[Issued]) -> Iterator[datetime]:
    """Yield when notice was given. What an audience hears last is what it believes: before that nothing counts that is not so."""
    for audience in rule.told:
        heard = [one for one in told if one.audience == audience]
        otherwise = (one.at for one in heard if one.at < case.start and not _tells(rule.about, case, one))
        since = max(otherwise, default=None)
        for one in heard:
            at = one.at if rule.counted_from == "issue" else one.received_at
            if (
                at is not None
                and _tells(rule.about, case, one)
                and _is_by(rule, one.channel)
                and (since is None or one.at > since)
            ):
                yield at


def _tells(about: About, case: Case, one: Issued) -> bool:
    """Whether a notice tells what holds now: that power is off, in these windows at least, or that it is not."""
    if one.about != about or (case.cancelled_at is not None and one.at < case.cancelled_at):
        return False
    return all(any(_covers(told, window) for told in one.windows) for window in case.windows)


def _covers(told: Window, window: Window) -> bool:
    return told.start <= window.start and (told.end is None or (window.end is not None and window.end <= told.end))


def _is_by(rule: Rule, channel: str) -> bool:
    return not rule.channels or channel in rule.channels


def _starts_within(window: Window, others: Iterable[Sequence[Window]]) -> Iterator[datetime]:
    return (one.start for other in others for one in other if _is_off(window, one.start))


def _is_off(window: Window, at: datetime) -> bool:
    return window.start <= at and (window.end is None or at < window.end)
