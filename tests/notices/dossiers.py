"""A notice from draft to issue, event by event, for tests of what keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from notices.dossier import (
    Approved,
    Drafted,
    Dropped,
    Issued,
    NoticeEvent,
    Redrafted,
    Rejected,
    Submitted,
    Text,
    TextKey,
    Withdrawn,
)

AT = datetime(2026, 4, 20, 8, 30, 15, 123456, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
SMS, WEB, RADIO = TextKey("first", "zh", "sms"), TextKey("first", "en", "web"), TextKey("first", "zh", "radio", 30)
TEXTS = (Text(SMS, "", "明日停电"), Text(WEB, "Power off", "Tomorrow."), Text(RADIO, "", "各位听众"))


def drafted(**changes: Any) -> Drafted:
    """The first event, by 王工."""
    given: dict[str, Any] = {"outage_id": "7", "number": 1, "outage_seq": 3, "kinds": ("first",), "texts": TEXTS}
    return Drafted(**{**given, "late": (), "higher": False, "at": AT, "by": "王工"} | changes)


def redrafted(*texts: Text, **changes: Any) -> Redrafted:
    """The outage moved on: ``texts``, or the same as before."""
    given: dict[str, Any] = {"outage_seq": 4, "kinds": ("first",), "texts": texts or TEXTS, "late": (), "higher": False}
    return Redrafted(**{**given, "at": LATER, "by": "system", "why": "moved"} | changes)


def submitted(*texts: Text, by: str = "desk", **changes: Any) -> Submitted:
    """Handed over by ``by``: ``texts``, or those that were generated."""
    given: dict[str, Any] = {"texts": texts or TEXTS, "reasons": {}, "late_reason": "", "authors": frozenset(), "at": LATER}
    return Submitted(**given | {"by": by} | changes)


APPROVED, ISSUED = Approved(LATER, "approver"), Issued(LATER, "desk")
REJECTED, WITHDRAWN = Rejected(LATER, "approver", "unclear"), Withdrawn(LATER, "desk")
DROPPED = Dropped(LATER, "desk", "not needed")
EVENTS: tuple[NoticeEvent, ...] = (drafted(), redrafted(), submitted(), APPROVED, REJECTED, WITHDRAWN, ISSUED, DROPPED)
COURSES: dict[str, tuple[NoticeEvent, ...]] = {
    "draft": (drafted(),),
    "submitted": (drafted(), submitted()),
    "rejected": (drafted(), submitted(), REJECTED),
    "approved": (drafted(), submitted(), APPROVED),
    "issued": (drafted(), submitted(), APPROVED, ISSUED),
    "dropped": (drafted(), DROPPED),
}
"""A way to each status."""
