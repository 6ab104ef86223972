"""What goes over the wire about notices as JSON, and how our values become it. Times are ISO 8601 with an offset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from api.asked import Line, Model, OutageClass
from api.people.roles import Actor
from api.publishing import Waiting
from api.reviewing import Review, SeenText, possible
from api.writing import Unwritten
from notices.calllist import ToCall
from notices.crosscheck import Finding, Severity, needs_reason
from notices.dossier import Dossier, allowed
from notices.facts import Kind
from notices.history import NoticeEvent
from notices.measure import Sizes
from notices.outbox import Message, Proof, State
from notices.rules import Due
from notices.rules import Status as DueStatus
from notices.scope import Scope
from outages.facts import FactProblem

NoticeStatus = Literal["draft", "submitted", "approved", "rejected", "issued", "dropped"]
To = Literal["submitted", "approved", "rejected", "withdrawn", "dropped", "issued"]
MESSAGE_STATES: tuple[State, ...] = get_args(State)

_OUTAGE, _ID, _KEY = "20260501-K7QM", "20260501-K7QM.1", "first/en/sms"
_THEN, _LATER, _LIMIT = "2026-04-22T01:05:00Z", "2026-04-22T01:20:00Z", "2026-04-24T00:30:00Z"
_FINDING = "time_changed first/en/sms: 2026-05-01 08:30 > 2026-05-01 09:30"

LongText = Annotated[str, Field(max_length=20_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
Position = Annotated[int, Field(ge=1, le=2**53)]


class DraftIn(Model):
    """Which notice is to be written. Without a kind: the one that is due."""

    kind: Kind | None = Field(default=None, description="Asked for only where nothing is new: a reminder.", examples=[None])
    anew: bool = Field(default=False, description="Write the texts of the open notice anew, if there is one.", examples=[False])
    why: Line = Field(default="", examples=[""])


class TextIn(Model):
    """A text as somebody has typed it."""

    title: LongText = Field(default="", description='"" where the channel has none.', examples=[""])
    body: LongText = Field(examples=["[Example Power Supply] Planned power outage …"])


class StepIn(Model):
    """A step of a notice on its way to the public."""

    to: To = Field(examples=["submitted"])
    reasons: dict[Annotated[str, Field(max_length=4000)], Line] = Field(
        default={}, max_length=500, description="submitted: why a text is so, by key of the finding.", examples=[{}]
    )
    late_reason: Line = Field(default="", description="submitted: why it comes late, where a limit has passed.", examples=[""])
    why: Line = Field(default="", description="Needed for rejected and dropped.", examples=[""])


class PositionsIn(Model):
    """Messages, and what is to be on record about them."""

    positions: list[Position] = Field(min_length=1, max_length=1000, examples=[[17]])
    why: Line = Field(description="Kept with the proof of each message.", examples=["the gateway is back"])


class AcknowledgementIn(Model):
    """Somebody was reached."""

    customer_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(examples=["C1042"])
    how: Line = Field(min_length=1, description="In words.", examples=["called at 10:40, the daughter answered"])


class SourceOut(Model):
    """Where a rule is written."""

    text: str = Field(examples=["供电监管办法, Art. 13"])
    read: str = Field(description="When it was read.", examples=["2026"])
    mark: Literal["confirmed", "second_hand"] = Field(examples=["second_hand"])


class DueOut(Model):
    """What a rule asks for."""

    rule: str = Field(examples=["planned-announced"])
    audience: str = Field(examples=["public"])
    channels: list[str] = Field(description="By any of these; none: by whichever.", examples=[[]])
    strength: Literal["must", "should"] = Field(examples=["must"])
    status: DueStatus = Field(examples=["at_risk"])
    due_at: datetime | None = Field(examples=[_LIMIT])
    told_at: datetime | None = Field(description="When notice was first given, be it late.", examples=[None])
    source: SourceOut


class NoticeHeadOut(Model):
    """A notice, without its texts."""

    id: str = Field(examples=[_ID])
    revision: int = Field(description="How many events it has; If-Match takes it.", examples=[1])
    status: NoticeStatus = Field(examples=["draft"])
    outage: str = Field(examples=[_OUTAGE])
    outage_revision: int = Field(description="What the texts tell.", examples=[3])
    kinds: list[str] = Field(description="That of the change first.", examples=[["first"]])
    late: list[str] = Field(description="Rules whose limit had passed: late_reason is needed.", examples=[[]])
    higher: bool = Field(description="A major outage: a higher approver is needed.", examples=[False])


class WaitingOut(Model):
    """An outage at the desk."""

    outage: str = Field(examples=[_OUTAGE])
    outage_class: OutageClass = Field(examples=["planned"])
    outage_status: str = Field(examples=["approved"])
    start: datetime = Field(examples=["2026-05-01T00:30:00Z"])
    change: Kind | None = Field(description="The kind of notice that is due; null where nothing is new.", examples=["first"])
    notice: NoticeHeadOut | None = Field(description="The notice that is open.")
    dues: list[DueOut] = Field(description="What the rules ask for.")


class QueueOut(Model):
    """What waits at the desk, the most pressing first."""

    at: datetime = Field(examples=[_THEN])
    waiting: list[WaitingOut]


class SizesOut(Model):
    """How long a text is, in what its channel counts."""

    length: int = Field(description="Characters.", examples=[148])
    parts: int | None = Field(description="Of a text message.", examples=[1])
    encoding: str | None = Field(examples=["GSM-7"])
    seconds: float | None = Field(description="Where it is read aloud; estimated.", examples=[None])


class ScopeOut(Model):
    """How far the words for the places are true; every affected customer is always covered."""

    customers: int = Field(description="Affected.", examples=[212])
    over_named: int = Field(description="Covered by the words though not affected.", examples=[6])
    widened: int = Field(description="Of these: because the text is short, or must not name a handful of people.", examples=[6])
    precision: float = Field(description="Share of those covered who are affected.", examples=[0.9725])


class TextOut(Model):
    """One text of a notice."""

    key: str = Field(description="Kind, language, channel, and for a radio script its seconds.", examples=[_KEY])
    title: str = Field(examples=[""])
    body: str = Field(examples=["[Example Power Supply] Planned power outage …"])
    edited: bool = Field(description="It differs from what was generated.", examples=[False])
    version: int | None = Field(description="If-Match of a save takes it; null where nobody may edit it.", examples=[1])
    saved_at: datetime | None = Field(examples=[_THEN])
    saved_by: str = Field(examples=["demo-desk"])
    sizes: SizesOut
    scope: ScopeOut | None = Field(description="Null where an edit touched places.")


class FindingOut(Model):
    """Something that an edit changed, or in which texts disagree."""

    key: str = Field(description="Reasons go by it.", examples=[_FINDING])
    code: str = Field(examples=["time_changed"])
    kind: str = Field(examples=["time"])
    severity: Severity = Field(description="note; reason: one has to be given; grave: no reason helps.", examples=["reason"])
    texts: list[str] = Field(examples=[[_KEY]])
    says: str = Field(examples=["The text no longer names 2026-05-01 08:30 and now names 2026-05-01 09:30 (time)."])
    dropped: list[str] = Field(examples=[["2026-05-01 08:30"]])
    added: list[str] = Field(examples=[["2026-05-01 09:30"]])
    needs_reason: bool = Field(examples=[True])
    reason: str = Field(description="As it was given when the texts were submitted.", examples=[""])


class MissingOut(Model):
    """Something that is in the way of a text."""

    field: str = Field(examples=["scope"])
    code: str = Field(examples=["does_not_fit"])
    detail: str = Field(examples=["The text needs 3 parts at least, and 2 are allowed."])


class UnwrittenOut(Model):
    """A text that could not be written."""

    key: str = Field(examples=[_KEY])
    problems: list[MissingOut]


class NoticeEventOut(Model):
    """Something that happened to a notice."""

    seq: int = Field(examples=[1])
    kind: str = Field(examples=["drafted"])
    at: datetime = Field(examples=[_THEN])
    by: str = Field(examples=["demo-desk"])
    why: str = Field(examples=[""])


class NoticeDetailOut(NoticeHeadOut):
    """A notice with its texts, what was found in them, and what happened to it."""

    number: int = Field(examples=[1])
    refers_to: list[str] = Field(description="Issued notices that it follows.", examples=[[]])
    authors: list[str] = Field(description="None of them can approve it.", examples=[["demo-desk"]])
    allowed: list[str] = Field(description="What may follow.", examples=[["redrafted", "submitted", "dropped"]])
    possible: list[str] = Field(description="Of these: what whoever asks may do.", examples=[["submitted", "dropped"]])
    drafted_at: datetime = Field(examples=[_THEN])
    changed_at: datetime = Field(examples=[_THEN])
    submitted_at: datetime | None = Field(examples=[None])
    submitted_by: str = Field(examples=[""])
    approved_at: datetime | None = Field(examples=[None])
    approved_by: str = Field(examples=[""])
    issued_at: datetime | None = Field(examples=[None])
    issued_by: str = Field(examples=[""])
    late_reason: str = Field(examples=[""])
    texts: list[TextOut]
    findings: list[FindingOut]
    unwritten: list[UnwrittenOut]
    checked: bool = Field(description="False where the network has changed too far to check the texts.", examples=[True])
    history: list[NoticeEventOut]


class SavedOut(Model):
    """A text that was saved."""

    key: str = Field(examples=[_KEY])
    version: int = Field(description="If-Match of the next save takes it.", examples=[2])
    sizes: SizesOut


class MessageOut(Model):
    """A message to one recipient. What would tell a person's address is null for whoever may not see personal data."""

    position: int = Field(examples=[17])
    recipient: str = Field(examples=["customer:C1042"])
    text: str = Field(description="Key of its text.", examples=[_KEY])
    audience: str = Field(examples=["life_support"])
    channel: str = Field(examples=["sms"])
    address: str | None = Field(examples=["0713-555 0123"])
    needs_ack: bool = Field(description="Whoever it is for has to answer.", examples=[True])
    state: State = Field(examples=["waiting"])
    attempts: int = Field(examples=[0])
    due_at: datetime = Field(examples=[_LATER])
    settled_at: datetime | None = Field(examples=[None])
    last_error: str | None = Field(examples=[""])


class MessagePageOut(Model):
    """Messages of a notice, in an order that never changes, a page of them."""

    notice: str = Field(examples=[_ID])
    counts: dict[str, dict[str, int]] = Field(description="Channel, state, number; of all.", examples=[{"sms": {"waiting": 12}}])
    messages: list[MessageOut]
    next: int | None = Field(description="Give it as after for the next page; null on the last one.", examples=[None])


class ProofOut(Model):
    """What is on record of an attempt, or of what a person did with a message."""

    at: datetime = Field(examples=[_LATER])
    what: str = Field(examples=["accepted"])
    by: str = Field(examples=["desk-1:4711"])
    detail: dict[str, Any] = Field(
        description="Null where it would tell a person's address to whoever may not see it.",
        examples=[{"attempt": 1, "text": _KEY, "says": "250 queued", "address": "0713-555 0123"}],
    )


class ChangedOut(Model):
    """Messages that were changed; those under way or accepted stay as they are."""

    positions: list[int] = Field(examples=[[17]])


class ToCallOut(Model):
    """Somebody on life support whom a person has to call, or to visit where there is no telephone number."""

    customer_id: str = Field(examples=["C1042"])
    name: str = Field(examples=["王芳"])
    place: str = Field(examples=["柳岸社区 中心路 12 号"])
    phone: str = Field(examples=["0713-555 0123"])
    problems: list[MissingOut]


class AcknowledgedOut(Model):
    """That somebody was reached is on record."""

    customer_id: str = Field(examples=["C1042"])
    is_new: bool = Field(description="False where it was known already: the first one counts.", examples=[True])


def waiting_out(one: Waiting) -> WaitingOut:
    """Return an outage at the desk as JSON says it, with the rules that apply."""
    facts = one.outage.in_force or one.outage.facts
    return WaitingOut.model_validate(
        {
            "outage": one.outage.id,
            "outage_class": facts.outage_class,
            "outage_status": one.outage.status,
            "start": facts.start,
            "change": one.change,
            "notice": None if one.dossier is None else head_out(one.dossier),
            "dues": [due_out(due) for due in one.dues if due.due_at is not None],
        }
    )


def due_out(due: Due) -> DueOut:
    """Return what a rule asks for as JSON says it."""
    rule = due.rule
    return DueOut(
        rule=rule.id,
        audience=rule.audience,
        channels=list(rule.channels),
        strength=rule.strength,
        status=due.status,
        due_at=due.due_at,
        told_at=due.told_at,
        source=SourceOut.model_validate(rule.source, from_attributes=True),
    )


def head_out(dossier: Dossier) -> NoticeHeadOut:
    """Return a notice without its texts as JSON says it."""
    return NoticeHeadOut.model_validate(_head(dossier))


def notice_detail_out(seen: Review, actor: Actor) -> NoticeDetailOut:
    """Return a notice as JSON says it to ``actor``."""
    dossier = seen.dossier
    own = {name: getattr(dossier, name) for name in _OF_NOTICE}
    return NoticeDetailOut.model_validate(
        {
            **_head(dossier),
            **own,
            "refers_to": list(dossier.refers_to),
            "authors": sorted(dossier.authors),
            "allowed": list(allowed(dossier)),
            "possible": list(possible(dossier, actor)),
            "texts": [text_out(one) for one in seen.texts],
            "findings": [finding_out(one, dossier.reasons) for one in seen.findings],
            "unwritten": [_unwritten(one) for one in seen.unwritten],
            "checked": seen.is_known,
            "history": [_event(seq, event) for seq, event in enumerate(seen.events, start=1)],
        }
    )


_OF_NOTICE = (
    "number",
    "drafted_at",
    "changed_at",
    "submitted_at",
    "submitted_by",
    "approved_at",
    "approved_by",
    "issued_at",
    "issued_by",
    "late_reason",
)


def text_out(one: SeenText) -> TextOut:
    """Return a text as JSON says it."""
    return TextOut(
        key=str(one.key),
        title=one.text.title,
        body=one.text.body,
        edited=one.is_edited,
        version=one.version,
        saved_at=one.saved_at,
        saved_by=one.saved_by,
        sizes=sizes_out(one.sizes),
        scope=None if one.scope is None else _scope(one.scope),
    )


def sizes_out(found: Sizes) -> SizesOut:
    """Return the size of a text as JSON says it."""
    return SizesOut.model_validate(found, from_attributes=True)


def finding_out(one: Finding, reasons: Mapping[str, str]) -> FindingOut:
    """Return a finding as JSON says it, with the reason that was given for it."""
    return FindingOut(
        key=one.key,
        code=one.code,
        kind=one.kind,
        severity=one.severity,
        texts=[str(key) for key in one.keys],
        says=one.says,
        dropped=list(one.dropped),
        added=list(one.added),
        needs_reason=needs_reason(one),
        reason=reasons.get(one.key, ""),
    )


def message_out(one: Message, *, personal: bool) -> MessageOut:
    """Return a message as JSON says it; what a gateway said may name an address, and is told only with ``personal``."""
    own = {name: getattr(one, name) for name in _OF_MESSAGE}
    shown = {"address": one.address, "last_error": one.last_error} if personal else {"address": None, "last_error": None}
    return MessageOut.model_validate({**own, **shown, "text": str(one.text_key)})


_OF_MESSAGE = (
    "position",
    "recipient",
    "audience",
    "channel",
    "needs_ack",
    "state",
    "attempts",
    "due_at",
    "settled_at",
)


def proof_out(one: Proof, *, personal: bool) -> ProofOut:
    """Return a proof as JSON says it."""
    hidden = () if personal else ("address", "says")
    detail = {name: None if name in hidden else value for name, value in one.detail.items()}
    return ProofOut(at=one.at, what=one.what, by=one.by, detail=detail)


def to_call_out(one: ToCall) -> ToCallOut:
    """Return somebody to call as JSON says it."""
    own = {"customer_id": one.customer_id, "name": one.name, "place": one.place, "phone": one.phone}
    return ToCallOut.model_validate({**own, "problems": _missing(one.problems)})


def _head(dossier: Dossier) -> dict[str, Any]:
    return {
        "id": dossier.id,
        "revision": dossier.seq,
        "status": dossier.status,
        "outage": dossier.outage_id,
        "outage_revision": dossier.outage_seq,
        "kinds": list(dossier.kinds),
        "late": list(dossier.late),
        "higher": dossier.higher,
    }


def _scope(scope: Scope) -> ScopeOut:
    return ScopeOut(
        customers=scope.customers,
        over_named=scope.over_named,
        widened=scope.widened,
        precision=round(scope.precision, 4),
    )


def _unwritten(one: Unwritten) -> UnwrittenOut:
    return UnwrittenOut(key=str(one.key), problems=_missing(one.problems))


def _missing(problems: Iterable[FactProblem]) -> list[MissingOut]:
    return [MissingOut(field=one.field, code=one.code, detail=one.says) for one in problems]


def _event(seq: int, event: NoticeEvent) -> NoticeEventOut:
    return NoticeEventOut(seq=seq, kind=event.kind, at=event.at, by=event.by, why=getattr(event, "why", ""))
