"""What speaks against a plan, or should at least be known before it is approved.

::

    candidate    ├──── opens L1 ────┤
    other                 ├──── opens L2, closes X1 ────┤
                          ├─────────┤  together: shared transformers, contrary switching, ties with nothing behind them,
                                       customers that lose both feeds
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from outages.board import move_of
from outages.events import Outage
from outages.facts import ANNOUNCED_CLASSES, OutageFacts, Switching
from outages.held import Active, as_planned, operations_of, span_at
from outages.impact import Impact, impact_of
from outages.lifecycle import OVER, Span, active_spans
from outages.together import Crowd, Group, parts_of
from topology.flood import Rows
from topology.network import Network, UnknownIdError
from topology.supply import UnknownPhaseError, supplied

AGAIN_WITHIN = timedelta(days=60)
"""Utilities show how often a transformer was out in the last two months."""
OFTEN = 3
"""So many times within that are flagged."""

Severity = Literal["info", "warning", "error"]
TransformersOf = Callable[[Outage], Iterable[str]]


@dataclass(frozen=True)
class Conflict:
    """One thing that speaks against a plan.

    ``code`` never changes: programs and translations go by it, and fill in ``values``. ``outages`` and ``things`` are ids, of
    the others concerned and of what it is about: transformers, devices or customers. ``says`` is a sentence in English.

    ================== ======== ============================================== =============================================
    code               severity things                                         values
    ================== ======== ============================================== =============================================
    shared_transformers warning transformers that both cut off                 count
    contrary_switching error    devices that one opens and the other closes    count
    dead_tie           error    ties that nothing feeds with both              count
    out_again          info     transformers out twice in 60 days or more      times: by id; days
    out_often          warning  the same, three times or more                  times: by id; days
    both_feeds_lost    error    important or life-support customers            count
    short_notice       warning                                                 given_hours, needed_hours
    tie_overloaded     warning  one tie                                        load_kw, capacity_kw
    ================== ======== ============================================== =============================================
    """

    code: str
    severity: Severity
    says: str
    outages: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


def find_conflicts(
    impact: Impact,
    candidate: OutageFacts,
    others: Iterable[Outage],
    now: datetime,
    *,
    outage_id: str = "",
    lead: timedelta | None = None,
    transformers_of: TransformersOf | None = None,
) -> list[Conflict]:
    """Return what speaks against ``candidate``, whose impact is ``impact``, given all ``others``; the gravest first.

    Others count from their drafts on, but for what was cancelled or rejected; drafts as they are planned.

    Parameters
    ----------
    outage_id
        The outage that the candidate revises, if any: it is not in conflict with itself.
    lead
        How long before its start such a plan has to be known.
    transformers_of
        Ids of the transformers that another outage cuts off, as they are kept; worked out anew by default.
    """
    network = impact.network
    known = [as_planned(one) for one in others if one.id != outage_id and one.status not in ("cancelled", "rejected")]
    meeting = [(one, times) for one in known if one.status not in OVER and (times := _meetings(candidate, one, now))]
    cut_off: TransformersOf = transformers_of or (lambda other: _transformers(impact_of(network, other)))
    found = [
        *(conflict for other, _ in meeting for conflict in _contrary(candidate, other)),
        *_dead_ties(network, candidate, meeting),
        *_feeds_lost(impact, candidate, meeting),
        *(conflict for other, _ in meeting for conflict in _shared(impact, other, cut_off)),
        *_again(impact, candidate, known, cut_off),
        *_short_notice(candidate, now, lead),
        *_overloaded(impact, candidate),
    ]
    return sorted(found, key=lambda conflict: ("error", "warning", "info").index(conflict.severity))


def _meetings(candidate: OutageFacts, other: Outage, now: datetime) -> list[datetime]:
    """Return when both begin to be off together, once for each pair of their windows that overlap."""
    spans: list[Span] = active_spans(other)
    planned = other.in_force.end if other.in_force is not None else None
    if spans and spans[-1][1] is None and planned is not None and planned > max(now, spans[-1][0]):
        spans[-1] = (spans[-1][0], planned)
    pairs = ((window, span) for window in candidate.windows for span in spans)
    return [
        max(window.start, start)
        for window, (start, end) in pairs
        if (end is None or window.start < end) and (window.end is None or start < window.end)
    ]


def _transformers(impact: Impact) -> list[str]:
    ids: list[str] = impact.network.tables.transformers["id"].iloc[impact.transformers].tolist()
    return ids


def _shared(impact: Impact, other: Outage, transformers_of: TransformersOf) -> Iterator[Conflict]:
    shared = sorted(set(_transformers(impact)).intersection(transformers_of(other)))
    if shared:
        says = f"{_many(len(shared), 'transformer')} also off under outage {other.id} at the same time: {_list(shared)}."
        yield Conflict("shared_transformers", "warning", says, (other.id,), tuple(shared), {"count": len(shared)})


def _contrary(candidate: OutageFacts, other: Outage) -> Iterator[Conflict]:
    mine, theirs = candidate.switching, _switching(other)
    devices = sorted(_both(mine, theirs) | _both(theirs, mine))
    if devices:
        says = f"Outage {other.id} opens what this one closes, or closes what it opens, at the same time: {_list(devices)}."
        yield Conflict("contrary_switching", "error", says, (other.id,), tuple(devices), {"count": len(devices)})


def _both(one: Switching, other: Switching) -> set[str]:
    """Return the devices that ``one`` opens and ``other`` closes, on a common phase."""
    pairs = ((opened, closed) for opened in one.open for closed in other.close if opened.device == closed.device)
    return {
        opened.device
        for opened, closed in pairs
        if not (opened.phases and closed.phases) or set(opened.phases) & set(closed.phases)
    }


def _again(impact: Impact, candidate: OutageFacts, known: list[Outage], transformers_of: TransformersOf) -> Iterator[Conflict]:
    """How often each transformer is off in the days before, this time included."""
    mine = set(_transformers(impact))
    earliest = candidate.start - AGAIN_WITHIN
    recent = [one for one in known if any(_is_within(span, earliest, candidate.start) for span in active_spans(one))]
    cut_off = {one.id: mine.intersection(transformers_of(one)) for one in recent}
    times = Counter(transformer for found in cut_off.values() for transformer in found)
    days = AGAIN_WITHIN.days
    levels: tuple[tuple[str, Severity, dict[str, int]], ...] = (
        ("out_often", "warning", {one: count + 1 for one, count in times.items() if count + 1 >= OFTEN}),
        ("out_again", "info", {one: count + 1 for one, count in times.items() if count + 1 < OFTEN}),
    )
    for code, severity, chosen in levels:
        if chosen:
            outages = tuple(sorted(name for name, found in cut_off.items() if found & set(chosen)))
            often = f"{OFTEN} times or more" if code == "out_often" else "for the second time"
            says = f"{_many(len(chosen), 'transformer')} off {often} within {days} days: {_list(sorted(chosen))}."
            values = {"times": dict(sorted(chosen.items())), "days": days}
            yield Conflict(code, severity, says, outages, tuple(sorted(chosen)), values)


def _is_within(span: Span, earliest: datetime, latest: datetime) -> bool:
    start, end = span
    return start <= latest and (end is None or end > earliest)


def _short_notice(candidate: OutageFacts, now: datetime, lead: timedelta | None) -> Iterator[Conflict]:
    given = candidate.start - now
    if lead is not None and candidate.outage_class in ANNOUNCED_CLASSES and given < lead:
        hours, needed = round(given / timedelta(hours=1), 1), round(lead / timedelta(hours=1), 1)
        says = f"The outage begins in {hours:g} hours; such a plan has to be known {needed:g} hours before."
        yield Conflict("short_notice", "warning", says, values={"given_hours": hours, "needed_hours": needed})


def _overloaded(impact: Impact, candidate: OutageFacts) -> Iterator[Conflict]:
    """Ties whose capacity is less than the typical load that hangs on them then."""
    network = impact.network
    limits = network.tables.switches.set_index("id")["capacity_kw"].dropna()
    ties = [one.device for one in candidate.switching.close if one.device in limits.index]
    loads = _loads(impact, ties) if ties else {}
    for tie, load_kw in loads.items():
        if load_kw > limits[tie]:
            says = f"{tie} would carry {load_kw:g} kW and can take over {limits[tie]:g} kW. Move fewer customers, or use another."
            values = {"load_kw": load_kw, "capacity_kw": float(limits[tie])}
            yield Conflict("tie_overloaded", "warning", says, things=(tie,), values=values)


def _loads(impact: Impact, ties: list[str]) -> dict[str, float]:
    """Return the typical load, kW, of the customers whose way from the source leads over each tie."""
    network, supply = impact.network, impact.supply_after
    load = network.customers.node_load_kw.copy()
    wiring, over = network.wiring, dict.fromkeys(map(network.device, ties), 0.0)
    for node in supply.order[::-1].tolist():
        link = int(supply.entry[node])
        if link >= 0:
            above = wiring.to_node[link >> 1] if link & 1 else wiring.from_node[link >> 1]
            load[above] += load[node]
            if link >> 1 in over:
                over[link >> 1] = round(float(load[node]), 3)
    return {network.device_ids[device]: load_kw for device, load_kw in over.items()}


def _dead_ties(network: Network, candidate: OutageFacts, meeting: list[tuple[Outage, list[datetime]]]) -> Iterator[Conflict]:
    """Ties that one closes and that nothing feeds any more because of the other."""
    mine = _active(network, "", candidate.switching, candidate.start)
    for other, _ in meeting:
        theirs = _active(network, other.id, _switching(other), candidate.start)
        if mine is None or theirs is None:
            continue
        dead = [*_starved(network, mine, theirs), *_starved(network, theirs, mine)]
        if dead:
            says = f"With outage {other.id} at the same time nothing feeds the closed {_list(dead)}. Move one of the two."
            yield Conflict("dead_tie", "error", says, (other.id,), tuple(dead), {"count": len(dead)})


def _starved(network: Network, one: Active, other: Active) -> list[str]:
    """Return the ties that ``one`` closes, with a live end by itself, and none with the ``other``."""
    ties = [move.device for move in one.moves if move.action == "close" and not network.normal[move.device]]
    ties = [tie for tie in ties if _are_near(network, tie, other)]
    if not ties:
        return []
    left_open = Active(one.outage_id, one.since, tuple(move for move in one.moves if move.action != "close"))
    alone, both = Crowd(network), Crowd(network)
    for crowd in (alone, both):
        crowd.put(one.outage_id, left_open)
    both.put(other.outage_id, other)
    with_both, by_itself = both.by_part(), alone.by_part()
    live = [tie for tie in ties if _is_live(network, by_itself, tie)]
    return [network.device_ids[tie] for tie in live if not _is_live(network, with_both, tie)]


def _are_near(network: Network, tie: int, other: Active) -> bool:
    """Return whether ``other`` does anything where it could matter to a tie."""
    divided = network.parts
    near = set[int]().union(*(divided.near(part) for part in divided.touched(tie)))
    return not near.isdisjoint(parts_of(network, other))


def _is_live(network: Network, groups: dict[int, Group], device: int) -> bool:
    """Return whether an end of ``device`` has a phase under the outages of ``groups``, by part."""
    ends = (int(network.wiring.from_node[device]), int(network.wiring.to_node[device]))
    return any(_alive_at(network, groups, node) for node in ends)


def _alive_at(network: Network, groups: dict[int, Group], node: int) -> int:
    group = groups.get(int(network.parts.of_node[node]))
    if group is None:
        return int(network.healthy.alive[node])
    return int(supplied(group.piece, group.state)[group.piece.node(node)])


def _feeds_lost(impact: Impact, candidate: OutageFacts, meeting: list[tuple[Outage, list[datetime]]]) -> Iterator[Conflict]:
    """Important and life-support customers with several service points, all of them out at the same time."""
    network = impact.network
    accounts = _accounts_with_feeds(network, impact.out)
    mine = _active(network, "", candidate.switching, candidate.start)
    if not accounts or mine is None:
        return
    parts = {int(network.parts.of_node[network.customer_node[row]]) for rows in accounts.values() for row in rows}
    near = set[int]().union(*(network.parts.near(part) for part in parts))
    told: set[str] = set()
    for at, active in _times_together(network, candidate, meeting, near):
        crowd = Crowd(network)
        for one in (mine, *active):
            crowd.put(one.outage_id, one)
        groups = crowd.by_part()
        lost = {account: rows for account, rows in accounts.items() if account not in told and _all_out(network, groups, rows)}
        told |= set(lost)
        if lost:
            ids = network.tables.customers["id"]
            points = tuple(ids.iloc[row] for rows in lost.values() for row in rows)
            outages = tuple(sorted(one.outage_id for one in active))
            says = f"{_many(len(lost), 'important customer')} without any of their feeds from {at.isoformat()}: {_list(points)}."
            yield Conflict("both_feeds_lost", "error", says, outages, points, {"count": len(lost), "at": at.isoformat()})


def _accounts_with_feeds(network: Network, out: Rows) -> dict[str, list[int]]:
    """Return the service points, by row, of important accounts with several of them, one at least among ``out``."""
    customers = network.tables.customers
    if "account" not in customers.columns:
        return {}
    rows = np.flatnonzero(customers["account"].isin(customers["account"].iloc[out].dropna()).to_numpy())
    found: dict[str, list[int]] = {}
    for row in rows.tolist():
        found.setdefault(customers["account"].iloc[row], []).append(row)
    grave = network.customers.priority
    return {account: points for account, points in found.items() if len(points) > 1 and grave[points].any()}


def _times_together(
    network: Network, candidate: OutageFacts, meeting: list[tuple[Outage, list[datetime]]], near: set[int]
) -> Iterator[tuple[datetime, list[Active]]]:
    """Yield the start of the candidate with nobody else, then the times at which other sets of others are off with it."""
    yield candidate.start, []
    bearing = []
    for other, times in meeting:
        theirs = _active(network, other.id, _switching(other), candidate.start)
        if theirs is not None and not near.isdisjoint(parts_of(network, theirs)):
            bearing.append((other, theirs, times))
    seen: set[frozenset[str]] = {frozenset()}
    for at in sorted({at for _, _, times in bearing for at in times}):
        active = [theirs for other, theirs, _ in bearing if span_at(other, at) is not None]
        names = frozenset(one.outage_id for one in active)
        if names not in seen:
            seen.add(names)
            yield at, active


def _all_out(network: Network, groups: dict[int, Group], rows: list[int]) -> bool:
    nodes = network.customer_node
    return not any(_alive_at(network, groups, int(nodes[row])) & network.supplied_phases[row] for row in rows)


def _switching(outage: Outage) -> Switching:
    return (outage.in_force or outage.facts).switching


def _active(network: Network, outage_id: str, switching: Switching, at: datetime) -> Active | None:
    """Return an outage that does ``switching``; None where it names what the network has not, and so cannot matter here."""
    try:
        moves = tuple(move_of(network, outage_id, operation) for operation in operations_of(switching, at))
    except (UnknownIdError, UnknownPhaseError):
        return None
    return Active(outage_id, at, moves)


def _many(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"


def _list(ids: Iterable[str]) -> str:
    names = list(ids)
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
