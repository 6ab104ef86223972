"""Errors as people and programs see them: RFC 9457 problems, from one table of class → status and title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.people.access import CsrfError, ForbiddenError, PasswordDueError, SignInError
from api.people.accounts import BusyError
from api.people.limits import TooManyRequestsError
from api.publishing import FindingsError, OutdatedError
from api.service import NetworkChangedError, UnknownRevisionError
from notices.crosscheck import Finding
from notices.dossier import Dossier, NoticeTransitionError
from notices.drafts import Draft, StaleDraftError
from notices.facts import NoticeError
from notices.outbox import OutboxError
from notices.registry import StaleNoticeError, UnknownNoticeError
from outages.events import Outage
from outages.facts import FactsError, time_to_json
from outages.lifecycle import TransitionError
from outages.store import KeyReusedError, StaleWriteError, StoreError, UnknownOutageError
from topology.network import UnknownIdError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:gridnotice:problem:"


class CrossSiteError(PermissionError):
    """A page of another site tried to change something here."""


class UnknownHostError(ValueError):
    """A request was addressed to a host name that is not ours."""


@dataclass(frozen=True)
class Kind:
    """A kind of problem: the status, the code that ends its type, its title, and what a person can do about it."""

    status: int
    code: str
    title: str
    advice: str


PROBLEMS: dict[type[Exception], Kind] = {
    FactsError: Kind(422, "facts", "These facts cannot be true", "Go back and correct them."),
    RequestValidationError: Kind(422, "request", "The request is not as it should be", "Go back and try again."),
    UnknownOutageError: Kind(404, "unknown-outage", "There is no such outage", "Look for it in the list of outages."),
    UnknownRevisionError: Kind(404, "unknown-revision", "There is no such revision", "Look at what happened to the outage."),
    UnknownIdError: Kind(404, "unknown-id", "The network has nothing with this id", "Look for it by its name."),
    StaleWriteError: Kind(409, "stale", "Somebody else changed it first", "Look at the newer state, then decide anew."),
    NetworkChangedError: Kind(409, "network-changed", "The network is another one now", "Revise the outage."),
    TransitionError: Kind(409, "transition", "That is not possible now", "Look at what happened to the outage."),
    KeyReusedError: Kind(422, "key-reused", "The idempotency key was used before", "Use a new key for a new command."),
    NoticeError: Kind(422, "notice", "No true notice can be written", "Correct what is missing, then write it again."),
    FindingsError: Kind(422, "findings", "The texts cannot be submitted yet", "Put them right, or say why they are so."),
    UnknownNoticeError: Kind(404, "unknown-notice", "There is no such notice", "Look for it at the publishing desk."),
    OutdatedError: Kind(409, "outdated", "The outage is not what the texts say any more", "Write the texts anew."),
    NoticeTransitionError: Kind(409, "notice-transition", "The notice does not allow that now", "Look at how it stands now."),
    StaleNoticeError: Kind(409, "stale-notice", "Somebody else took a step first", "Look at the notice, then decide anew."),
    StaleDraftError: Kind(409, "stale-text", "Somebody else changed the text first", "Look at the newer text, then decide anew."),
    OutboxError: Kind(422, "outbox", "That cannot be done with these messages", "Say why, and choose others."),
    SignInError: Kind(401, "sign-in", "Nobody is signed in", "Sign in, then open the page again."),
    ForbiddenError: Kind(403, "forbidden", "Your role may not do that", "Ask somebody who may, or an administrator."),
    PasswordDueError: Kind(403, "password-due", "The password has to be changed first", "Choose your own under My account."),
    CsrfError: Kind(403, "form", "The form is not from this session", "Open the page again and send the form from there."),
    TooManyRequestsError: Kind(429, "too-many", "Too many requests", "Wait a minute, then try again."),
    BusyError: Kind(503, "busy", "Too many people sign in at this moment", "Try again in a few seconds."),
    CrossSiteError: Kind(403, "cross-site", "The request came from another site", "Open the page from this site."),
    UnknownHostError: Kind(421, "unknown-host", "The request is addressed to another host", "Check the address."),
    StoreError: Kind(503, "store", "The store cannot be used", "Try again, and tell whoever runs this server."),
}
"""Every error that is expected. Anything else is a 500 and says nothing about itself."""

HTTP_PROBLEMS: dict[int, Kind] = {
    400: Kind(400, "bad-request", "The request cannot be read", "Start again from the first page."),
    404: Kind(404, "not-found", "Nothing is at this address", "The address is wrong, or old. Start again from the first page."),
    405: Kind(405, "method-not-allowed", "This address does not answer that method", "Start again from the first page."),
    413: Kind(413, "content-too-large", "The request is too large", "It was not read. Send less."),
}
"""Errors that the web itself knows."""

UNEXPECTED = Kind(500, "unexpected", "Something went wrong on our side", "Try again, and tell whoever runs this server.")


def kind_of(error: Exception) -> Kind:
    """Return the kind of ``error``: by the table, by its own status for an HTTP error, else `UNEXPECTED`."""
    if isinstance(error, HTTPException):
        return HTTP_PROBLEMS.get(error.status_code, Kind(error.status_code, "http", str(error.detail), UNEXPECTED.advice))
    return next((kind for known, kind in PROBLEMS.items() if isinstance(error, known)), UNEXPECTED)


def problem_of(error: Exception, path: str) -> dict[str, Any]:
    """Return the problem document of ``error``, as RFC 9457 shapes it; ``errors`` names fields, ``newer`` a newer state."""
    kind = kind_of(error)
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": detail_of(error),
        "instance": path,
    }
    match error:
        case FactsError(problems=problems) | NoticeError(problems=problems):
            document["errors"] = [{"field": one.field, "code": one.code, "detail": one.says} for one in problems]
        case RequestValidationError():
            document["errors"] = [_validation(one) for one in error.errors()]
        case FindingsError(findings=findings):
            document["errors"] = [_finding(one) for one in findings]
        case StaleWriteError(newer=newer) | StaleNoticeError(newer=newer):
            document["newer"] = _newer(newer)
        case StaleDraftError(newer=newer):
            document["newer"] = _newer_text(newer)
    return document


def detail_of(error: Exception) -> str:
    """Return what happened and what to do next, in one or two sentences."""
    if isinstance(error, HTTPException):
        return f"{kind_of(error).title}. {kind_of(error).advice}"
    if isinstance(error, RequestValidationError):
        return "Some fields are missing or malformed; errors names each. Correct them and send it again."
    if kind_of(error) is UNEXPECTED:
        return f"What happened was written to the log. {UNEXPECTED.advice}"
    return str(error)


def _validation(error: Any) -> dict[str, str]:
    # Where it is, without what was sent: that may be personal.
    return {"field": ".".join(str(part) for part in error["loc"]), "code": error["type"], "detail": error["msg"]}


def _finding(one: Finding) -> dict[str, str]:
    return {"field": " ".join(map(str, one.keys)), "code": one.code, "detail": one.says, "key": one.key}


def _newer(one: Outage | Dossier) -> dict[str, Any]:
    return {"id": one.id, "revision": one.seq, "status": one.status, "changed_at": time_to_json(one.changed_at)}


def _newer_text(draft: Draft) -> dict[str, Any]:
    text = {"key": str(draft.text.key), "title": draft.text.title, "body": draft.text.body}
    return {**text, "version": draft.version, "saved_at": time_to_json(draft.saved_at), "saved_by": draft.saved_by}
