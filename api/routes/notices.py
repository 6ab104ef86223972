"""Notices for programs: what is due, drafts and their texts, every step to the public, and what came of each message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from starlette.exceptions import HTTPException

from api.described import problems
from api.notice_schemas import (
    AcknowledgedOut,
    AcknowledgementIn,
    ChangedOut,
    DraftIn,
    MessagePageOut,
    NoticeDetailOut,
    PositionsIn,
    ProofOut,
    QueueOut,
    SavedOut,
    StepIn,
    TextIn,
    To,
    ToCallOut,
    message_out,
    notice_detail_out,
    proof_out,
    sizes_out,
    to_call_out,
    waiting_out,
)
from api.people.access import needs, needs_one_of, require
from api.reviewing import measured, permission_of, review
from api.routes.changes import IfMatch
from api.routes.outages import OutageId
from api.visit import Visit, Visiting
from notices.dossier import Dossier, NoticeTransitionError
from notices.history import Text, TextKey
from notices.outbox import Message, State
from outages.audit import AuditEntry, write_audit
from outages.facts import FactProblem, FactsError

router = APIRouter(prefix="/api/v1", tags=["notices"])

EXPLAINED = ("rejected", "dropped")
"""Steps that somebody else has to understand later: they need a reason."""


@dataclass(frozen=True)
class Step:
    """A step that somebody asks for who looked at the revision ``seen``; ``reasons`` by the key of the finding."""

    to: To
    seen: int
    why: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    late_reason: str = ""


NoticeId = Annotated[str, Path(min_length=1, max_length=50, examples=["20260501-K7QM.1"])]
Key = Annotated[str, Path(max_length=100, pattern=r"^[a-z_]+/[a-z]{2}/[a-z_]+(/[1-9][0-9]{0,3})?$", examples=["first/en/sms"])]
MessagePosition = Annotated[int, Path(ge=1, le=2**53, examples=[17])]
Version = Annotated[
    str,
    Header(
        description='The version of the text that you edited: "1".',
        pattern=r'^"?[1-9][0-9]{0,8}"?$',
        examples=['"1"'],
    ),
]


@router.get("/notices", summary="List what waits at the desk", responses=problems(), dependencies=[needs("read")])
def list_notices(visit: Visiting) -> QueueOut:
    """Every outage that a notice is due on, or open, or that a rule asks something for; the most pressing first."""
    return QueueOut(at=visit.now, waiting=[waiting_out(one) for one in visit.publishing.list_waiting(visit.now)])


@router.post(
    "/outages/{outage_id}/notices",
    status_code=201,
    summary="Write a notice",
    responses=problems(400, 404, 409, 413),
    dependencies=[needs("notices")],
)
def draft_notice(visit: Visiting, outage_id: OutageId, asked: DraftIn, response: Response) -> NoticeDetailOut:
    """Write every text of the notice that is due, or of a reminder, as a draft.

    Where a notice is open already it is refused (409), unless its texts are to be written anew: then edits stand where nothing
    changed in what is generated.
    """
    there = visit.publishing.registry.find_open(visit.service.get_outage(outage_id).id)
    if there is not None and not asked.anew:
        raise NoticeTransitionError(
            f"outage {outage_id} has the open notice {there.id} ({there.status}). "
            "Work on that one, or ask for its texts to be written anew: anew."
        )
    dossier = visit.publishing.draft(outage_id, by=visit.actor.name, now=visit.now, kind=asked.kind, why=asked.why)
    response.headers["Location"] = f"/api/v1/notices/{dossier.id}"
    return _told(visit, dossier, response)


@router.get("/notices/{notice_id}", summary="Get a notice", responses=problems(404), dependencies=[needs("read")])
def get_notice(visit: Visiting, notice_id: NoticeId, response: Response) -> NoticeDetailOut:
    """A notice with its texts, what was found in them, and what happened to it. Its ETag is its revision."""
    return _told(visit, visit.publishing.registry.get(notice_id), response)


@router.put(
    "/notices/{notice_id}/texts/{key:path}",
    summary="Save a text",
    responses=problems(400, 404, 409, 413),
    dependencies=[needs("notices")],
)
def save_text(
    visit: Visiting, notice_id: NoticeId, key: Key, *, asked: TextIn, if_match: Version, response: Response
) -> SavedOut:
    """Keep a text as it is typed. If-Match is the version that was edited; 409 tells the newer text."""
    text = Text(TextKey.parse(key), asked.title, asked.body)
    version = visit.publishing.save(notice_id, text, version=_number(if_match), by=visit.actor.name, now=visit.now)
    response.headers["ETag"] = f'"{version}"'
    return SavedOut(key=key, version=version, sizes=sizes_out(measured(text)))


@router.post(
    "/notices/{notice_id}/transitions",
    summary="Take a notice one step on",
    responses=problems(400, 404, 409, 413),
    dependencies=[needs_one_of("notices", "approve", "approve_major")],
)
def change_notice(
    visit: Visiting, notice_id: NoticeId, asked: StepIn, response: Response, *, if_match: IfMatch
) -> NoticeDetailOut:
    """Submit, approve, reject, withdraw, issue or drop a notice. Approving needs a person who wrote none of its texts.

    If-Match says which revision you saw; 409 tells the newer one. What is issued is on its way when the answer comes.
    """
    step = Step(asked.to, _number(if_match), asked.why, asked.reasons, asked.late_reason)
    return _told(visit, take_step(visit, notice_id, step), response)


@router.get(
    "/notices/{notice_id}/messages",
    summary="List the messages of a notice",
    responses=problems(404),
    dependencies=[needs("lists")],
)
def list_messages(
    visit: Visiting,
    notice_id: NoticeId,
    *,
    state: Annotated[State | None, Query(description="Only those.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Messages in a page at most.")] = 100,
    after: Annotated[int, Query(ge=0, le=2**53, description="next of the page before.")] = 0,
) -> MessagePageOut:
    """What an issued notice sent to whom, a page at a time, and how many messages are in which state."""
    outbox, personal = visit.publishing.outbox, visit.actor.may("personal")
    visit.publishing.registry.get(notice_id)
    found = outbox.list_of(notice_id, state=state, after=after, limit=limit + 1)
    page = found[:limit]
    note_read(visit, notice_id, "messages", len(page))
    return MessagePageOut(
        notice=notice_id,
        counts=outbox.counts(notice_id),
        messages=[message_out(one, personal=personal) for one in page],
        next=page[-1].position if len(found) > limit else None,
    )


@router.get(
    "/notices/{notice_id}/messages/{position}/proofs",
    summary="Get the proofs of a message",
    responses=problems(404),
    dependencies=[needs("lists")],
)
def list_proofs(visit: Visiting, notice_id: NoticeId, position: MessagePosition) -> list[ProofOut]:
    """What is on record of a message, the oldest first: when, to whom, which text, what the gateway said."""
    visit.publishing.registry.get(notice_id)
    _find_message(visit, notice_id, position)
    note_read(visit, notice_id, "proofs", 1)
    return [proof_out(one, personal=visit.actor.may("personal")) for one in visit.publishing.outbox.proofs(position)]


@router.post(
    "/notices/{notice_id}/messages/retry",
    summary="Send messages again",
    responses=problems(400, 404, 413),
    dependencies=[needs("notices")],
)
def retry_messages(visit: Visiting, notice_id: NoticeId, asked: PositionsIn) -> ChangedOut:
    """Let messages go out again at once, with all attempts before them."""
    positions = own_positions(visit, notice_id, asked.positions)
    return ChangedOut(positions=visit.publishing.outbox.retry(positions, by=visit.actor.name, now=visit.now, why=asked.why))


@router.post(
    "/notices/{notice_id}/messages/give-up",
    summary="Give messages up",
    responses=problems(400, 404, 413),
    dependencies=[needs("notices")],
)
def give_up_messages(visit: Visiting, notice_id: NoticeId, asked: PositionsIn) -> ChangedOut:
    """Leave messages for good; nobody tries to send them any more."""
    positions = own_positions(visit, notice_id, asked.positions)
    return ChangedOut(positions=visit.publishing.outbox.give_up(positions, by=visit.actor.name, now=visit.now, why=asked.why))


@router.get(
    "/notices/{notice_id}/to-call",
    summary="List whom to call",
    responses=problems(404, 409),
    dependencies=[needs("lists", "personal")],
)
def list_to_call(visit: Visiting, notice_id: NoticeId) -> list[ToCallOut]:
    """Customers on life support whom no message reaches, or who have not answered one."""
    found = visit.publishing.list_to_call(notice_id)
    note_read(visit, notice_id, "to call", len(found))
    return [to_call_out(one) for one in found]


@router.post(
    "/notices/{notice_id}/acknowledgements",
    status_code=201,
    summary="Record that somebody was reached",
    responses=problems(400, 404, 409, 413),
    dependencies=[needs("notices")],
)
def acknowledge(visit: Visiting, notice_id: NoticeId, asked: AcknowledgementIn) -> AcknowledgedOut:
    """Record that a customer has confirmed an issued notice, and how that is known."""
    about: dict[str, Any] = {"at": visit.now, "by": visit.actor.name, "how": asked.how}
    is_new = visit.publishing.registry.acknowledge(notice_id, asked.customer_id, **about)
    return AcknowledgedOut(customer_id=asked.customer_id, is_new=is_new)


def take_step(visit: Visit, notice_id: str, asked: Step) -> Dossier:
    """Take a notice one step on for whoever asks; raises ForbiddenError, FactsError without a reason, and as `Publishing`."""
    publishing = visit.publishing
    dossier = publishing.registry.get(notice_id)
    require(visit.actor, permission_of(dossier, asked.to))
    if asked.to in EXPLAINED and not asked.why.strip():
        raise FactsError(FactProblem("why", "why_missing", f"{asked.to} needs a reason. Say why, in a few words."))
    about: dict[str, Any] = {"seen": asked.seen, "by": visit.actor.name, "now": visit.now}
    match asked.to:
        case "submitted":
            return publishing.submit(notice_id, reasons=asked.reasons, late_reason=asked.late_reason, **about)
        case "issued":
            return publishing.issue(notice_id, **about)[0]
        case "approved":
            return publishing.approve(notice_id, why=asked.why, **about)
        case "rejected":
            return publishing.reject(notice_id, why=asked.why, **about)
        case "withdrawn":
            return publishing.withdraw(notice_id, why=asked.why, **about)
        case "dropped":
            return publishing.drop(notice_id, why=asked.why, **about)


def own_positions(visit: Visit, notice_id: str, positions: list[int]) -> list[int]:
    """Return ``positions``, all of them messages of the notice; raises UnknownNoticeError and HTTPException (404)."""
    visit.publishing.registry.get(notice_id)
    for position in positions:
        _find_message(visit, notice_id, position)
    return positions


def _find_message(visit: Visit, notice_id: str, position: int) -> Message:
    found = visit.publishing.outbox.list_of(notice_id, after=position - 1, limit=1)
    if not found or found[0].position != position:
        raise HTTPException(404)
    return found[0]


def _told(visit: Visit, dossier: Dossier, response: Response) -> NoticeDetailOut:
    response.headers["ETag"] = f'"{dossier.seq}"'
    return notice_detail_out(review(visit.publishing, dossier), visit.actor)


def note_read(visit: Visit, notice_id: str, what: str, count: int, *, form: str = "json") -> None:
    """Write to the audit log who saw which recipients, before any of it is sent."""
    detail = {"form": form, "what": what, "customers": count, "contact": visit.actor.may("personal")}
    with visit.database.writing() as connection:
        write_audit(connection, [AuditEntry(visit.now, visit.actor.name, "list exported", notice_id, detail)])


def _number(if_match: str) -> int:
    return int(if_match.strip('"'))
