"""What goes over the wire as JSON, and how our values become it. Times are ISO 8601 with an offset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.asked import Model, OutageClass
from api.language import Language
from api.record import Told
from api.search import FoundDevice
from notices.text import Notice
from outages.events import Outage
from outages.facts import OutageFacts, facts_to_json, operations_to_json
from outages.impact import Impact
from outages.lifecycle import Difference, allowed, is_overdue, when
from topology.customers import Cost
from topology.network import Network
from topology.restore import Restoration, TieStep, switching_plan

Status = Literal[
    "draft", "submitted", "approved", "in_progress", "partially_restored", "restored", "closed", "cancelled", "rejected"
]
When = Literal["draft", "current", "planned", "past"]
State = Literal["out", "partial"]
StatusNow = Literal["planned", "out", "partial", "restored"]
Group = Literal["dedicated", "important", "life_support"]

_ID = "20260501-K7QM"
_START, _END, _THEN = "2026-05-01T00:30:00Z", "2026-05-01T08:30:00Z", "2026-04-22T01:05:00Z"


class CountsOut(Model):
    """What an outage costs, in numbers."""

    customers: int = Field(description="Affected: out and partial together.", examples=[212])
    out: int = Field(examples=[212])
    partial: int = Field(examples=[0])
    transferred: int = Field(description="Kept supplied by a closed tie; not affected.", examples=[96])
    load_kw: float = Field(examples=[840.5])
    important: int = Field(examples=[1])
    life_support: int = Field(examples=[2])
    dedicated_transformers: int = Field(examples=[3])
    public_transformers: int = Field(examples=[5])


class ImpactOut(Model):
    """Whom a switching affects."""

    network_version: str = Field(examples=["5f1c9a60b3de"])
    counts: CountsOut
    feeders: list[str] = Field(examples=[["10kV西河线"]])
    cleared_by: list[str] = Field(description="Protective devices that clear the faults.", examples=[[]])


class WindowOut(Model):
    """Power is off from ``start`` until ``end``; null where nobody knows."""

    start: datetime = Field(examples=[_START])
    end: datetime | None = Field(examples=[_END])


class EstimateOut(Model):
    """When power is expected back, by whose word."""

    earliest: datetime = Field(examples=["2026-05-01T07:00:00Z"])
    latest: datetime = Field(examples=[_END])
    source: str = Field(examples=["crew"])
    confidence: str = Field(examples=["medium"])
    next_update: datetime | None = Field(examples=["2026-05-01T06:00:00Z"])


class SelectionOut(Model):
    """How the scope was chosen."""

    feeder: str = Field(examples=["10kV西河线"])
    polygon: list[tuple[float, float]] = Field(examples=[[]])


class OperationOut(Model):
    """A device operated at a time, or a fault found or repaired."""

    at: datetime = Field(examples=["2026-05-01T03:20:00Z"])
    action: str = Field(examples=["close"])
    device: str = Field(examples=["MV3.101 Line 2"])
    phases: str = Field(examples=[""])


class OutageOut(Model):
    """An outage as it stands."""

    id: str = Field(examples=[_ID])
    revision: int = Field(description="How many events it has; If-Match takes it.", examples=[2])
    status: Status = Field(examples=["submitted"])
    when: When = Field(description="draft: not in force yet.", examples=["draft"])
    overdue: bool = Field(
        description="The expected end has passed and nobody has confirmed that power is back.", examples=[False]
    )
    allowed: list[str] = Field(description="What may happen next.", examples=[["revised", "approved", "rejected", "cancelled"]])
    outage_class: OutageClass = Field(examples=["planned"])
    start: datetime = Field(description="When power goes off first.", examples=[_START])
    end: datetime | None = Field(description="When it is expected back for good.", examples=[_END])
    windows: list[WindowOut]
    reason: str = Field(examples=["line maintenance"])
    contact: str | None = Field(description="Null for whoever may not see personal data.", examples=["0713-555 0100"])
    estimate: EstimateOut | None = Field(examples=[None])
    selection: SelectionOut | None = Field(examples=[None])
    switching: dict[str, Any] = Field(examples=[{"open": ["MV3.101 Line 2"], "close": [], "fault": []}])
    facts_revision: int = Field(description="The event that brought these facts.", examples=[1])
    in_force_revision: int | None = Field(description="The event that brought what the public is told.", examples=[None])
    entered_at: datetime = Field(examples=[_THEN])
    entered_by: str = Field(examples=["demo-control"])
    facts_at: datetime = Field(examples=[_THEN])
    facts_by: str = Field(examples=["demo-control"])
    approved_at: datetime | None = Field(examples=[None])
    approved_by: str = Field(examples=[""])
    off_at: datetime | None = Field(description="When power went off, as confirmed.", examples=[None])
    operations: list[OperationOut] = Field(examples=[[]])
    restored_at: datetime | None = Field(description="When everybody had power again, as confirmed.", examples=[None])
    changed_at: datetime = Field(examples=[_THEN])
    impact: ImpactOut | None = Field(description="Null where the network has no longer what the outage names.")


class EventOut(Model):
    """Something that happened to an outage. ``change`` is its type (变更类型): 00 new, 01 withdrawn, 02 plan, 03 site change."""

    seq: int = Field(examples=[1])
    kind: str = Field(examples=["entered"])
    change: str = Field(pattern="^0[0-3]$", examples=["00"])
    status: str = Field(description="Of the outage after it.", examples=["draft"])
    undone: bool = Field(description="A later event took it back.", examples=[False])
    at: datetime = Field(examples=[_THEN])
    by: str = Field(examples=["demo-control"])
    why: str = Field(examples=["yearly inspection"])
    body: dict[str, Any] = Field(
        description="What is particular to the event. A contact is null for whoever may not see personal data.",
        examples=[{"why": "yearly inspection", "approved": False}],
    )


class OutageDetailOut(OutageOut):
    """An outage with what happened to it, the first event first."""

    history: list[EventOut]


class OutagePageOut(Model):
    """Outages, the one entered last first, a page of them."""

    at: datetime = Field(examples=[_THEN])
    outages: list[OutageOut]
    next: str | None = Field(description="Give it as after for the next page; null on the last one.", examples=[None])


class DifferenceOut(Model):
    """A field in which two revisions differ."""

    field: str = Field(examples=["windows"])
    before: Any = Field(examples=[[{"start": "2026-05-01T00:30:00+00:00", "end": "2026-05-01T08:30:00+00:00"}]])
    after: Any = Field(examples=[[{"start": "2026-05-01T00:30:00+00:00", "end": "2026-05-01T10:00:00+00:00"}]])


class ConflictOut(Model):
    """Something to look at before an outage is approved."""

    code: str = Field(examples=["shared_transformers"])
    severity: Literal["info", "warning", "error"] = Field(examples=["warning"])
    says: str = Field(examples=["2 transformers are off in 20260501-P3WX too. Look at both before you approve one."])
    outages: list[str] = Field(description="Other outages that it is about.", examples=[["20260501-P3WX"]])
    things: list[str] = Field(description="Ids of transformers, devices or customers that it is about.", examples=[["T1", "T2"]])
    values: dict[str, Any] = Field(description="What the sentence is filled in with.", examples=[{"count": 2}])


class TieOut(Model):
    """Open switches that are closed together, and what that brings."""

    close: list[str] = Field(examples=[["MV3.101 Line 2"]])
    customers: int = Field(description="Kept on, or back, by that.", examples=[96])
    load_kw: float = Field(examples=[310.2])


class CustomerOut(Model):
    """An affected customer. Times are on the utility's clock; "" stands for what is not known."""

    id: str = Field(examples=["C1042"])
    state: State = Field(description="What is taken away: all phases, or some.", examples=["out"])
    status: StatusNow | None = Field(description="How it is now; null in a preview.", examples=["planned"])
    off: datetime | None = Field(examples=["2026-05-01T08:30:00+08:00"])
    on: datetime | None = Field(description="Planned, expected or confirmed.", examples=["2026-05-01T16:30:00+08:00"])
    cut_by: str = Field(description="The device that cuts it off.", examples=["MV3.101 Line 2"])
    priority: str = Field(examples=["none"])
    category: str = Field(examples=["residential"])
    load_kw: float | None = Field(examples=[3.1])
    place: str = Field(examples=["柳岸社区"])
    street: str = Field(examples=["中心路"])
    house_number: str = Field(examples=["12"])
    building: str = Field(examples=[""])
    transformer: str = Field(examples=["T1"])
    ownership: str = Field(examples=["public"])
    feeder: str = Field(examples=["10kV西河线"])


class ContactOut(CustomerOut):
    """An affected customer with whom to call; for those who may see personal data."""

    name: str = Field(examples=["王芳"])
    phone: str = Field(examples=["0713-555 0123"])
    email: str = Field(examples=[""])


class AffectedPageOut(Model):
    """Affected customers, in an order that never changes, a page of them."""

    outage: str = Field(examples=[_ID])
    revision: int = Field(examples=[2])
    total: int = Field(description="In all pages together.", examples=[1])
    customers: list[CustomerOut] | list[ContactOut] = Field(description="With name, phone and email where contact is asked for.")
    next: str | None = Field(description="Give it as after for the next page; null on the last one.", examples=[None])


class PreviewOut(ImpactOut):
    """What a switching would do, before anybody does it."""

    switching: dict[str, Any] = Field(
        description="With what the selection leads to.", examples=[{"open": ["MV3.101 Line 2"], "close": [], "fault": []}]
    )
    customers: list[CustomerOut] = Field(description="The head of the list of affected customers.")
    scope: dict[Language, str] = Field(
        description="Whom it affects, in words, by language.", examples=[{"en": "Willow Bank (all)"}]
    )
    conflicts: list[ConflictOut] = Field(description="Nothing without a time.")
    ties: list[TieOut] = Field(description="Ties that would make it smaller, the best first.")
    lead_hours: float | None = Field(description="From now until power goes off; null without a time.", examples=[215.4])


class DeviceOut(Model):
    """A device to choose from."""

    id: str = Field(examples=["MV3.101 Line 2"])
    kind: str = Field(examples=["breaker"])
    name: str = Field(examples=["柳岸分段开关"])
    feeder: str = Field(examples=["10kV西河线"])
    normally_open: bool = Field(examples=[False])


class CostOut(Model):
    """What is lost when a device opens on all phases in normal operation."""

    customers: int = Field(examples=[212])
    important: int = Field(examples=[1])
    life_support: int = Field(examples=[2])
    load_kw: float = Field(examples=[840.5])


class DeviceDetailOut(DeviceOut):
    """A device, how it stands now, and what it costs to open it."""

    phases: str = Field(description="All its phases.", examples=["ABC"])
    closed: str = Field(description="Phases that are closed now, under all outages in force.", examples=["ABC"])
    cost: CostOut


class StepOut(Model):
    """A step of a switching plan."""

    step: int = Field(examples=[1])
    do: str = Field(examples=["trips"])
    devices: list[str] = Field(examples=[["MV3.101 Line 2"]])
    customers_out: int = Field(description="Still out after it.", examples=[212])


class IsolationOut(Model):
    """A fault at a device: what clears it, what isolates it, and which ties bring whom back, in which order."""

    fault: str = Field(examples=["MV3.101 Line 3"])
    cleared_by: list[str] = Field(examples=[["MV3.101 Line 2"]])
    dead_sources: list[str] = Field(description="Sources that nothing parts from the fault.", examples=[[]])
    out: int = Field(description="Customers out at once.", examples=[212])
    isolate: list[str] = Field(description="To open around the fault.", examples=[["MV3.101 Line 3"]])
    reclose: list[str] = Field(description="To close again after it.", examples=[[]])
    refed: int = Field(description="Customers that come back by that.", examples=[40])
    ties: list[TieOut]
    waiting: int = Field(description="Customers that wait for the repair.", examples=[76])
    plan: list[StepOut]


class NoticeOut(Model):
    """A notice in one language."""

    language: str = Field(examples=["en"])
    channel: str = Field(examples=["web"])
    title: str = Field(examples=["Planned outage"])
    body: str = Field(examples=["Power will be off from 08:30 to 16:30 on 1 May 2026."])


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


def outage_out(outage: Outage, impact: Impact | None, now: datetime, *, personal: bool) -> OutageOut:
    """Return an outage with its newest facts as JSON says it, at ``now``; the contact only with ``personal``."""
    own = {name: getattr(outage, name) for name in _OF_OUTAGE}
    return OutageOut(
        **own,
        **_facts_out(outage.facts, personal),
        revision=outage.seq,
        when=when(outage, now),
        overdue=is_overdue(outage, now),
        allowed=list(allowed(outage)),
        facts_revision=outage.facts_seq,
        in_force_revision=outage.in_force_seq,
        operations=[_operation(one) for one in operations_to_json(outage.operations)],
        impact=None if impact is None else impact_out(impact),
    )


_OF_OUTAGE = (
    "id",
    "status",
    "entered_at",
    "entered_by",
    "facts_at",
    "facts_by",
    "approved_at",
    "approved_by",
    "off_at",
    "restored_at",
    "changed_at",
)


def _facts_out(facts: OutageFacts, personal: bool) -> dict[str, Any]:
    written = facts_to_json(facts)
    return {**written, "start": facts.start, "end": facts.end, "contact": facts.contact if personal else None}


def _operation(written: Sequence[str]) -> OperationOut:
    return OperationOut.model_validate(dict(zip(OperationOut.model_fields, written, strict=True)))


def history_out(history: Iterable[Told], *, personal: bool) -> list[EventOut]:
    """Return what happened to an outage as JSON says it; contacts only with ``personal``."""
    return [_event_out(one, personal) for one in history]


def _event_out(one: Told, personal: bool) -> EventOut:
    body = one.event.body()
    return EventOut(
        seq=one.seq,
        kind=one.event.kind,
        change=one.code,
        status=one.status,
        undone=one.undone,
        at=one.event.at,
        by=one.event.by,
        why=one.event.why,
        body=body if personal else _impersonal(body),
    )


def _impersonal(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "facts": {**body["facts"], "contact": None}} if "facts" in body else body


def difference_out(difference: Difference, *, personal: bool) -> DifferenceOut:
    """Return a difference as JSON says it; that the contact differs may be said, not from what to what."""
    if difference.field == "contact" and not personal:
        return DifferenceOut(field="contact", before=None, after=None)
    return DifferenceOut(field=difference.field, before=difference.before, after=difference.after)


def cost_out(cost: Cost) -> CostOut:
    """Return a cost as JSON says it."""
    return CostOut(
        customers=cost.customers, important=cost.important, life_support=cost.life_support, load_kw=round(cost.load_kw, 3)
    )


def tie_out(network: Network, step: TieStep) -> TieOut:
    """Return ties that are closed together as JSON says them."""
    return TieOut(close=network.device_ids[step.ties].tolist(), customers=len(step.restored), load_kw=round(step.load_kw, 3))


def isolation_out(network: Network, fault: str, plan: Restoration) -> IsolationOut:
    """Return how a fault is dealt with as JSON says it: customers by number, devices by id."""
    done = [step for step in switching_plan(network, plan) if step[1]]
    return IsolationOut(
        fault=fault,
        cleared_by=network.device_ids[plan.cleared_by].tolist(),
        dead_sources=network.node_ids[plan.dead_sources].tolist(),
        out=len(plan.out),
        isolate=network.device_ids[plan.isolate].tolist(),
        reclose=network.device_ids[plan.reclose].tolist(),
        refed=len(plan.refed),
        ties=[tie_out(network, step) for step in plan.steps],
        waiting=len(plan.waiting),
        plan=[StepOut(step=n, do=do, devices=list(ids), customers_out=out) for n, (do, ids, out) in enumerate(done, start=1)],
    )


def notice_out(notice: Notice) -> NoticeOut:
    """Return a notice as JSON says it."""
    return NoticeOut(language=notice.language, channel=notice.channel, title=notice.title, body=notice.body)


def device_out(device: FoundDevice) -> DeviceOut:
    """Return a device as JSON says it."""
    return DeviceOut.model_validate(device, from_attributes=True)
