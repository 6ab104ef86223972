"""What goes over the wire as JSON, and how our values become it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.live import Board
from api.search import FoundDevice
from notices.text import Notice
from outages.events import OUTAGE_CLASSES, Event, Outage, OutageFacts, Switching, switching_from_json, switching_to_json
from outages.impact import Impact
from outages.lifecycle import is_overdue, when

Device = Annotated[str, Field(min_length=1, max_length=200)]
Phased = Device | tuple[Device, Annotated[str, Field(max_length=5)]]


class Model(BaseModel):
    """A closed JSON object: a field that is not known is an error, not something to pass over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SwitchingIn(Model):
    """Devices opened and closed, and where a fault is. A pair opens or closes some phases of a device."""

    open: list[Phased] = Field(default=[], max_length=1000, examples=[["LV1.101 Switch 3", ["MV1 Switch 7", "B"]]])
    close: list[Phased] = Field(default=[], max_length=1000)
    fault: list[Device] = Field(default=[], max_length=1000, description="Ids of sections or nodes.")

    def value(self) -> Switching:
        """Return the switching; raises FactsError."""
        return switching_from_json(self.model_dump())


class FactsIn(Model):
    """The facts of a new outage."""

    outage_class: str = Field(description=f"One of {', '.join(OUTAGE_CLASSES)}.", examples=["planned"], max_length=40)
    switching: SwitchingIn
    start: datetime = Field(description="With an offset.", examples=["2026-05-01T08:30:00+08:00"])
    end: datetime | None = Field(default=None, description="Planned or expected end; null only for what nobody announces.")
    reason: str = Field(description="In words for the public.", examples=["line maintenance"], max_length=500)

    def value(self) -> OutageFacts:
        """Return the facts; raises FactsError."""
        return OutageFacts(self.outage_class, self.switching.value(), self.start, self.end, self.reason)


class TransitionIn(Model):
    """A step in the life of an outage."""

    to: Literal["restored", "cancelled"]
    at: datetime | None = Field(default=None, description="restored: since when everybody has power again; default now.")
    reason: str = Field(default="", description="cancelled: why.", max_length=500)


class CountsOut(Model):
    """What an outage costs, in numbers."""

    customers: int = Field(description="Affected: out and partial together.")
    out: int
    partial: int
    transferred: int = Field(description="Kept supplied by a closed tie; not affected.")
    load_kw: float
    important: int
    life_support: int
    dedicated_transformers: int
    public_transformers: int


class ImpactOut(Model):
    """Whom a switching affects."""

    network_version: str
    counts: CountsOut
    feeders: list[str]
    cleared_by: list[str]


class OutageOut(Model):
    """An outage as it stands."""

    id: str
    revision: int
    status: str
    when: str = Field(description="current, planned or past.")
    overdue: bool = Field(description="The expected end has passed and nobody has confirmed that power is back.")
    outage_class: str
    start: datetime
    end: datetime | None
    restored_at: datetime | None
    reason: str
    switching: dict[str, Any]
    entered_at: datetime
    entered_by: str
    impact: ImpactOut


class EventOut(Model):
    """Something that happened to an outage."""

    kind: str
    at: datetime
    by: str
    body: dict[str, Any]


class OutageDetailOut(OutageOut):
    """An outage with what happened to it, the first event first."""

    history: list[EventOut]


class BoardOut(Model):
    """All outages at one moment."""

    at: datetime
    current: list[OutageOut]
    planned: list[OutageOut]
    past: list[OutageOut]


class PreviewOut(ImpactOut):
    """What a switching would do, before anybody does it."""

    customers: list[dict[Any, Any]] = Field(description="The head of the list of affected customers.")
    scope: dict[str, str] = Field(description="Whom it affects, in words, by language.")


class DeviceOut(Model):
    """A device to choose from."""

    id: str
    kind: str
    name: str
    feeder: str
    normally_open: bool


class NoticeOut(Model):
    """A notice in one language."""

    language: str
    channel: str
    title: str
    body: str


class ProblemOut(BaseModel):
    """An error, as RFC 9457 shapes it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, Any]] | None = None
    newer: dict[str, Any] | None = None


def impact_out(impact: Impact) -> ImpactOut:
    """Return an impact as JSON says it."""
    return ImpactOut(
        network_version=impact.network.version,
        counts=CountsOut.model_validate(impact.counts, from_attributes=True),
        feeders=list(impact.feeders),
        cleared_by=list(impact.cleared_by),
    )


def outage_out(outage: Outage, impact: Impact, now: datetime) -> OutageOut:
    """Return an outage as JSON says it, at ``now``."""
    facts = outage.facts
    return OutageOut(
        id=outage.id,
        revision=outage.seq,
        status=outage.status,
        when=when(outage, now),
        overdue=is_overdue(outage, now),
        outage_class=facts.outage_class,
        start=facts.start,
        end=facts.end,
        restored_at=outage.restored_at,
        reason=facts.reason,
        switching=switching_to_json(facts.switching),
        entered_at=outage.entered_at,
        entered_by=outage.entered_by,
        impact=impact_out(impact),
    )


def event_out(event: Event) -> EventOut:
    """Return an event as JSON says it."""
    return EventOut(kind=event.kind, at=event.at, by=event.by, body=event.body())


def notice_out(notice: Notice) -> NoticeOut:
    """Return a notice as JSON says it."""
    return NoticeOut(language=notice.language, channel=notice.channel, title=notice.title, body=notice.body)


def device_out(device: FoundDevice) -> DeviceOut:
    """Return a device as JSON says it."""
    return DeviceOut.model_validate(device, from_attributes=True)


def outages_of(board: Board, part: str | None) -> dict[str, tuple[Outage, ...]]:
    """Return the parts of a board that were asked for: all, or one of current, planned, past."""
    parts = {"current": board.current, "planned": board.planned, "past": board.past}
    return {name: outages if part in (None, name) else () for name, outages in parts.items()}
