"""The page of one notice: its texts side by side, what was found in them, every step to the public, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import notice_labels
from api.notice_schemas import To
from api.people.access import needs, needs_one_of
from api.problems import kind_of
from api.publishing import FindingsError, OutdatedError
from api.reviewing import SeenText, is_editable, possible, review
from api.routes.notices import Step, note_read, own_positions, take_step
from api.service import NetworkChangedError
from api.visit import Visit, Visiting
from notices.calllist import ToCall
from notices.crosscheck import blocking
from notices.dossier import Dossier, NoticeTransitionError
from notices.drafts import Draft, StaleDraftError
from notices.facts import KINDS, NoticeError
from notices.history import Text, TextKey
from notices.outbox import Message, OutboxError
from notices.registry import StaleNoticeError
from outages.facts import FactProblem, FactsError
from outages.store import StoreError

router = APIRouter(prefix="/notices/{notice_id}", include_in_schema=False)

MOST_DEAD = 50
"""Dead letters that the page shows at once; the next ones come when these are dealt with."""

REFUSED = (
    FactsError,
    FindingsError,
    NetworkChangedError,
    NoticeError,
    NoticeTransitionError,
    OutboxError,
    OutdatedError,
    StaleDraftError,
    StaleNoticeError,
    StoreError,
)
"""What can stand in the way of a step; the page then shows what was typed, and why not."""


@dataclass(frozen=True)
class Typed:
    """What was sent from the page, by the names of its fields: of a text ``body:KEY``, ``title:``, ``version:``, ``shown:``."""

    fields: Mapping[str, str] = field(default_factory=dict)
    positions: tuple[int, ...] = ()

    def get(self, name: str) -> str:
        """Return what was typed in a field, "" where the page has no such field."""
        return self.fields.get(name, "").strip()

    @property
    def seen(self) -> int:
        """The revision that was looked at; 0 for none."""
        return _number(self.get("seen"))

    @property
    def reasons(self) -> dict[str, str]:
        """The reasons, by the key of the finding."""
        given = {name.removeprefix("reason:"): value.strip() for name, value in self.fields.items() if name.startswith("reason:")}
        return {key: reason for key, reason in given.items() if reason}

    def text(self, key: TextKey) -> Text | None:
        """Return a text as it was typed; None where the page had it not."""
        body = self.fields.get(f"body:{key}")
        return None if body is None else Text(key, self.fields.get(f"title:{key}", ""), body)

    def version(self, key: TextKey) -> int:
        """Return the version that a text was typed upon."""
        return _number(self.get(f"version:{key}"))

    def changed(self, keys: Iterable[TextKey]) -> Iterator[Text]:
        """Yield the texts in which something was typed: what stood there may be old, and is not to be saved again."""
        for key in keys:
            text = self.text(key)
            if text is not None and digest(text) != self.get(f"shown:{key}"):
                yield text


@dataclass(frozen=True)
class Attempt:
    """A step that could not be taken, kept so that nothing is typed twice."""

    kind: str
    typed: Typed
    error: Exception


@dataclass(frozen=True)
class Shown:
    """A text on the page: as it was typed, else as it stands; ``newer`` is what somebody else saved meanwhile."""

    seen: SeenText
    text: Text
    shown: str
    newer: Draft | None = None

    @property
    def rows(self) -> int:
        """Lines that the field for it has: none of them is hidden in a browser that cannot fit it by itself."""
        return 1 + sum(1 + len(line) // 48 for line in self.text.body.splitlines())


@dataclass(frozen=True)
class Group:
    """The texts of one kind for one channel."""

    kind: str
    channel: str
    texts: tuple[Shown, ...]


@dataclass(frozen=True)
class Deliveries:
    """What came of an issued notice: channel → state → number, the first dead letters, whom to call (None: not to be told)."""

    counts: Mapping[str, Mapping[str, int]]
    dead: tuple[Message, ...]
    to_call: tuple[ToCall, ...] | None


async def typed_in(request: Request) -> Typed:
    """Return what was sent with a form of the page."""
    form = await request.form()
    # Whatever the system, a browser sends a line break as CR LF.
    fields = {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}
    positions = tuple(_number(str(value)) for value in form.getlist("position"))
    return Typed(fields, tuple(position for position in positions if position))


Typing = Annotated[Typed, Depends(typed_in)]


@router.get("", dependencies=[needs("read")])
def show_notice(visit: Visiting, notice_id: str) -> HTMLResponse:
    """Show a notice as it stands."""
    return _page(visit, notice_id)


@router.post("/saved", dependencies=[needs("notices")])
def save(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Keep the texts that were changed."""
    return _take(visit, notice_id, "saved", typed, lambda: _save(visit, notice_id, typed))


@router.post("/submitted", dependencies=[needs("notices")])
def submit(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Keep the texts that were changed, and hand all to another person to be approved."""

    def take() -> None:
        _save(visit, notice_id, typed)
        _step(visit, notice_id, "submitted", typed)

    return _take(visit, notice_id, "submitted", typed, take)


@router.post("/approved", dependencies=[needs_one_of("approve", "approve_major")])
def approve(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Approve the texts as they were submitted."""
    return _take(visit, notice_id, "approved", typed, lambda: _step(visit, notice_id, "approved", typed))


@router.post("/rejected", dependencies=[needs("approve")])
def reject(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Give the texts back, and say why."""
    return _take(visit, notice_id, "rejected", typed, lambda: _step(visit, notice_id, "rejected", typed))


@router.post("/withdrawn", dependencies=[needs("notices")])
def withdraw(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Take back what was submitted, to edit it."""
    return _take(visit, notice_id, "withdrawn", typed, lambda: _step(visit, notice_id, "withdrawn", typed))


@router.post("/issued", dependencies=[needs("notices")])
def issue(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Let everything go out that was approved."""
    return _take(visit, notice_id, "issued", typed, lambda: _step(visit, notice_id, "issued", typed))


@router.post("/dropped", dependencies=[needs("notices")])
def drop(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Leave the notice for good, and say why."""
    return _take(visit, notice_id, "dropped", typed, lambda: _step(visit, notice_id, "dropped", typed))


@router.post("/redrafted", dependencies=[needs("notices")])
def write_anew(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Write the texts anew, as the outage stands now."""

    def take() -> None:
        dossier = visit.publishing.registry.get(notice_id)
        if not dossier.is_open:
            raise NoticeTransitionError(f"notice {notice_id} is {dossier.status}. Write a new one at the desk.")
        kind = next(kind for kind in KINDS if kind == dossier.kinds[0])
        visit.publishing.draft(dossier.outage_id, by=visit.actor.name, now=visit.now, kind=kind, why=typed.get("why"))

    return _take(visit, notice_id, "redrafted", typed, take)


@router.post("/retried", dependencies=[needs("notices")])
def retry(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Let the chosen messages go out again."""
    return _decide(visit, notice_id, "retried", typed, visit.publishing.outbox.retry)


@router.post("/given_up", dependencies=[needs("notices")])
def give_up(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Leave the chosen messages for good."""
    return _decide(visit, notice_id, "given_up", typed, visit.publishing.outbox.give_up)


@router.post("/acknowledged", dependencies=[needs("notices")])
def acknowledge(visit: Visiting, notice_id: str, typed: Typing) -> Response:
    """Record that somebody was reached, and how that is known."""

    def take() -> None:
        if not typed.get("how"):
            raise NoticeError(FactProblem("how", "how_missing", "Say how that is known, in a few words."))
        about: dict[str, Any] = {"at": visit.now, "by": visit.actor.name, "how": typed.get("how")}
        visit.publishing.registry.acknowledge(notice_id, typed.get("customer_id"), **about)

    return _take(visit, notice_id, "acknowledged", typed, take)


def digest(text: Text) -> str:
    """Return a mark of what a text says, by which the page knows whether anybody has typed in it."""
    return hashlib.sha256(f"{text.title}\n{text.body}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _save(visit: Visit, notice_id: str, typed: Typed) -> None:
    for text in typed.changed(visit.publishing.registry.get(notice_id).texts):
        visit.publishing.save(notice_id, text, version=typed.version(text.key), by=visit.actor.name, now=visit.now)


def _step(visit: Visit, notice_id: str, to: To, typed: Typed) -> None:
    take_step(visit, notice_id, Step(to, typed.seen, typed.get("why"), typed.reasons, typed.get("late_reason")))


def _decide(visit: Visit, notice_id: str, kind: str, typed: Typed, decide: Callable[..., list[int]]) -> Response:  # noqa: PLR0917
    def take() -> None:
        if not typed.positions:
            raise NoticeError(FactProblem("positions", "positions_missing", "No message is chosen. Choose the messages first."))
        positions = own_positions(visit, notice_id, list(typed.positions))
        decide(positions, by=visit.actor.name, now=visit.now, why=typed.get("why"))

    return _take(visit, notice_id, kind, typed, take)


def _take(visit: Visit, notice_id: str, kind: str, typed: Typed, take: Callable[[], None]) -> Response:  # noqa: PLR0917
    """Take a step, and go to the page; where it cannot be taken, show the page with what was typed."""
    try:
        take()
    except REFUSED as error:
        return _page(visit, notice_id, Attempt(kind, typed, error))
    return RedirectResponse(f"/notices/{notice_id}?done={kind}", status_code=303)


def _page(visit: Visit, notice_id: str, attempt: Attempt | None = None) -> HTMLResponse:
    publishing, registry = visit.publishing, visit.publishing.registry
    dossier = registry.get(notice_id)
    outage, seen = visit.service.get_outage(dossier.outage_id), review(publishing, dossier)
    reasons = {**dossier.reasons, **(attempt.typed.reasons if attempt else {})}
    editable = is_editable(dossier) and visit.actor.may("notices")
    done = visit.request.query_params.get("done", "")
    return visit.page(
        "notice.html",
        status=kind_of(attempt.error).status if attempt else 200,
        address=f"/notices/{dossier.id}",
        says=notice_labels,
        dossier=dossier,
        outage=outage,
        facts=outage.in_force or outage.facts,
        review=seen,
        groups=[*_groups(seen.texts, attempt)],
        editable=editable,
        possible=possible(dossier, visit.actor),
        outdated=dossier.is_open and outage.seq != dossier.outage_seq,
        open_findings={one.key for one in blocking(seen.findings, reasons)} if dossier.is_open else set(),
        reasons=reasons,
        series=registry.list_of(dossier.outage_id),
        deliveries=_deliveries(visit, dossier) if dossier.status == "issued" else None,
        attempt=attempt,
        refused=kind_of(attempt.error) if attempt else None,
        problems=getattr(attempt.error, "problems", ()) if attempt else (),
        is_barred=attempt is not None and isinstance(attempt.error, NoticeTransitionError),
        done=done if done in notice_labels.DONE and attempt is None else "",
    )


def _groups(texts: Iterable[SeenText], attempt: Attempt | None) -> Iterator[Group]:
    """Yield the texts by kind and channel, in the order in which they were written; in a group the shortest script first."""

    def place(one: SeenText) -> tuple[str, str]:
        return one.key.kind, one.key.channel

    for (kind, channel), found in groupby(texts, place):
        ordered = sorted(found, key=lambda one: one.key.slot_s or 0)
        yield Group(kind, channel, tuple(_shown(one, attempt) for one in ordered))


def _shown(one: SeenText, attempt: Attempt | None) -> Shown:
    typed = attempt.typed.text(one.key) if attempt else None
    if attempt is None or typed is None or one.version is None or digest(typed) == attempt.typed.get(f"shown:{one.key}"):
        return Shown(one, one.text, digest(one.text))
    newer = attempt.error.newer if isinstance(attempt.error, StaleDraftError) else None
    return Shown(one, typed, attempt.typed.get(f"shown:{one.key}"), newer if newer and newer.text.key == one.key else None)


def _deliveries(visit: Visit, dossier: Dossier) -> Deliveries:
    outbox, personal = visit.publishing.outbox, visit.actor.may("lists", "personal")
    dead = [one for state in ("refused", "dead") for one in outbox.list_of(dossier.id, state=state, limit=MOST_DEAD)]
    to_call = _find_to_call(visit, dossier) if personal else None
    if personal and (dead or to_call):
        note_read(visit, dossier.id, "deliveries", len(dead) + len(to_call or ()), form="page")
    return Deliveries(outbox.counts(dossier.id), tuple(dead[:MOST_DEAD]) if visit.actor.may("lists") else (), to_call)


def _find_to_call(visit: Visit, dossier: Dossier) -> tuple[ToCall, ...] | None:
    try:
        return visit.publishing.list_to_call(dossier.id)
    except (NetworkChangedError, NoticeError):
        return None


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 16 else 0
