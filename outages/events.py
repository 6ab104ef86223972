"""What can happen to an outage, as values that go to JSON and back.

An outage is never stored as such. What is stored are its events, in order; `outages.lifecycle.fold` makes the outage::

    Entered(facts) ─▶ Revised(facts) ─▶ Restored(restored_at)
                  seq 1            seq 2                  seq 3      ── fold ──▶  Outage(seq=3, status="restored")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from outages.facts import (
    ANNOUNCED_CLASSES,
    OUTAGE_CLASSES,
    FactProblem,
    FactsError,
    Operation,
    OutageFacts,
    Switching,
    facts_from_json,
    facts_to_json,
    switching_from_json,
    switching_to_json,
    time_from_json,
    time_to_json,
)

__all__ = [
    "ANNOUNCED_CLASSES",
    "EVENT_KINDS",
    "OUTAGE_CLASSES",
    "Cancelled",
    "Entered",
    "Event",
    "FactProblem",
    "FactsError",
    "Operation",
    "Outage",
    "OutageFacts",
    "Restored",
    "Revised",
    "Switching",
    "event_from_json",
    "facts_from_json",
    "facts_to_json",
    "switching_from_json",
    "switching_to_json",
    "time_from_json",
    "time_to_json",
]


@dataclass(frozen=True)
class Outage:
    """An outage as it stands after ``seq`` events.

    ``facts_at`` is when the facts became what they are, ``changed_at`` when anything was last recorded; ``restored_at`` is when
    power was back by somebody's word, None before that.
    """

    id: str
    seq: int
    status: str
    facts: OutageFacts
    entered_at: datetime
    entered_by: str
    facts_at: datetime
    changed_at: datetime
    restored_at: datetime | None = None


@dataclass(frozen=True)
class Entered:
    """Control enters an outage. ``at`` is when this was recorded, ``by`` is who did it."""

    kind: ClassVar[str] = "entered"
    facts: OutageFacts
    at: datetime
    by: str

    def body(self) -> dict[str, Any]:
        """Return what is particular to this event, as JSON."""
        return {"facts": facts_to_json(self.facts)}

    @classmethod
    def from_body(cls, body: Mapping[str, Any], at: datetime, by: str) -> Self:
        """Return the event that `body` was taken from."""
        return cls(facts_from_json(body["facts"]), at, by)


@dataclass(frozen=True)
class Revised:
    """The facts are replaced: other times, another scope, another reason."""

    kind: ClassVar[str] = "revised"
    facts: OutageFacts
    at: datetime
    by: str

    def body(self) -> dict[str, Any]:
        """Return what is particular to this event, as JSON."""
        return {"facts": facts_to_json(self.facts)}

    @classmethod
    def from_body(cls, body: Mapping[str, Any], at: datetime, by: str) -> Self:
        """Return the event that `body` was taken from."""
        return cls(facts_from_json(body["facts"]), at, by)


@dataclass(frozen=True)
class Restored:
    """A person confirms that everybody has power again since ``restored_at``."""

    kind: ClassVar[str] = "restored"
    restored_at: datetime
    at: datetime
    by: str

    def body(self) -> dict[str, Any]:
        """Return what is particular to this event, as JSON."""
        return {"restored_at": time_to_json(self.restored_at)}

    @classmethod
    def from_body(cls, body: Mapping[str, Any], at: datetime, by: str) -> Self:
        """Return the event that `body` was taken from."""
        return cls(time_from_json(body["restored_at"]), at, by)


@dataclass(frozen=True)
class Cancelled:
    """The outage will not take place, or was entered by mistake; ``reason`` says which."""

    kind: ClassVar[str] = "cancelled"
    reason: str
    at: datetime
    by: str

    def body(self) -> dict[str, Any]:
        """Return what is particular to this event, as JSON."""
        return {"reason": self.reason}

    @classmethod
    def from_body(cls, body: Mapping[str, Any], at: datetime, by: str) -> Self:
        """Return the event that `body` was taken from."""
        return cls(body["reason"], at, by)


Event = Entered | Revised | Restored | Cancelled

EVENT_KINDS: dict[str, type[Entered | Revised | Restored | Cancelled]] = {
    event.kind: event for event in (Entered, Revised, Restored, Cancelled)
}


def event_from_json(kind: str, body: Mapping[str, Any], *, at: datetime, by: str) -> Event:
    """Return the event of ``kind`` with ``body``; raises ValueError with the kinds there are."""
    if kind not in EVENT_KINDS:
        raise ValueError(f"event {kind!r} is not known (known: {', '.join(EVENT_KINDS)}). Was it written by a newer release?")
    return EVENT_KINDS[kind].from_body(body, at, by)
