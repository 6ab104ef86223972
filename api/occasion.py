"""Why a notice is due, and for whom: an outage as it stands, against what people were told of it last.

::

    last notice ──told──┐
    outage, its course ─┼──▶ Occasion   kind of the change; told | now | restored | changed
    who is off at all ──┘               nobody counts as restored whom another outage still holds off
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from api.service import Service
from notices.change import Told, kind_due
from notices.dossier import Dossier
from notices.facts import Earlier, Kind
from notices.groups import Sets
from notices.registry import Registry
from notices.scope import Affected
from outages.course import Course
from outages.events import Outage
from outages.facts import OutageFacts
from outages.lifecycle import OVER
from topology.flood import Rows

_NONE = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Occasion:
    """What is to be told of an outage, and to whom.

    Attributes
    ----------
    change
        The kind of notice that is due; None where there is nothing new to say.
    facts, earlier
        What is told, and what was told last; None where nothing was.
    last
        The notice that was issued last.
    affected
        Whom it affects as it stands, or did where it is over, by what they feel.
    sets
        Who was told, who is affected, whose power is back; see `notices.groups`.
    held
        Rows of those whom another outage holds off although this one is over for them: they were told, and are told nothing now.
    restored_at
        Since when the last of those have power again whose power is back; None where nobody's is.
    forgotten
        Ids of customers who were told and whom the network has no longer.
    """

    outage: Outage
    change: Kind | None
    facts: OutageFacts
    earlier: Earlier | None
    last: Dossier | None
    affected: Affected
    sets: Sets
    held: Rows
    restored_at: datetime | None = None
    forgotten: tuple[str, ...] = ()


def occasion_of(
    service: Service,
    registry: Registry,
    outage: Outage,
    *,
    now: datetime,
    kind: Kind | None = None,
    number: int | None = None,
) -> Occasion:
    """Return why a notice on ``outage`` is due at ``now``; ``kind`` is what somebody asks for where nothing has changed.

    ``number`` is that of the notice where it is there already: what was issued after it does not count.
    Raises NetworkChangedError where the network has no longer what the outage names.
    """
    notices = [one for one in registry.list_of(outage.id) if number is None or one.number < number]
    issued = [one for one in notices if one.status == "issued"]
    last = issued[-1] if issued else None
    facts = outage.in_force or outage.facts
    affected = _affected(service, outage, facts)
    course = service.course(outage, now) if outage.off_at is not None else None
    sets, held, forgotten = _sets(service, registry, outage, last=last, affected=affected, course=course, now=now)
    told = None if last is None else _told(service, last)
    scope_changed = sets.told is not None and bool(len(np.setxor1d(sets.told, np.union1d(sets.now, held))))
    due = kind_due(told, outage, scope_changed=scope_changed)
    change = _partly_back(sets, due) or (kind if due is None else due)
    return Occasion(
        outage,
        change,
        facts,
        None if told is None or last is None else Earlier(told.windows, told.end, last.issued_at or now),
        last,
        affected,
        _changed(sets, change, due),
        held,
        _restored_at(outage, course, now),
        forgotten,
    )


def _partly_back(sets: Sets, due: Kind | None) -> Kind | None:
    """Where all that is new is that some have power again, that is the news."""
    back_only = due == "scope_change" and sets.told is not None and not len(np.setdiff1d(sets.now, sets.told))
    return "restoration" if back_only and sets.told is not None and len(np.intersect1d(sets.told, sets.restored)) else None


def _changed(sets: Sets, change: Kind | None, due: Kind | None) -> Sets:
    """Where only the scope changed, or some are back, nothing is different for those who were told and still are off."""
    quiet = change in ("scope_change", "restoration") and due is not None
    return replace(sets, changed=_NONE) if quiet else sets


def _told(service: Service, last: Dossier) -> Told:
    then = service.outage_at(last.outage_id, last.outage_seq)
    facts = then.in_force or then.facts
    return Told(_kind(last), facts.windows, facts.end)


def _kind(last: Dossier) -> Kind:
    kind: Kind = last.kinds[0]  # type: ignore[assignment]  # the registry keeps kinds as text
    return kind


def _affected(service: Service, outage: Outage, facts: OutageFacts) -> Affected:
    impact = service.impact_in_force(outage)
    # A short break comes with being moved, so a load transfer is told to those who are moved.
    moved = impact.transferred if facts.outage_class == "load_transfer" else _NONE
    return Affected(impact.out, impact.partial, moved)


def _sets(
    service: Service,
    registry: Registry,
    outage: Outage,
    *,
    last: Dossier | None,
    affected: Affected,
    course: Course | None,
    now: datetime,
) -> tuple[Sets, Rows, tuple[str, ...]]:
    told, forgotten = (None, ()) if last is None else _rows_of(service, registry.told(last.id))
    everybody = np.unique(np.concatenate([affected.off, affected.partial, affected.moved])).astype(np.int32)
    ahead = _still_affected(outage, everybody, course, now)
    over = np.setdiff1d(everybody if told is None else np.union1d(everybody, told), ahead).astype(np.int32)
    if outage.off_at is None or outage.status == "cancelled":
        return Sets(told, ahead), _NONE, forgotten
    off = service.rows_out(now)
    held = np.intersect1d(over if told is None else np.intersect1d(over, told), off).astype(np.int32)
    back = np.setdiff1d(np.intersect1d(over, everybody), off).astype(np.int32)
    if told is not None:
        # Who is held off by another outage is told by that one; here they neither hear that it is over nor are they counted.
        told = np.setdiff1d(told, held).astype(np.int32)
    return Sets(told, ahead, back), held, forgotten


def _still_affected(outage: Outage, everybody: Rows, course: Course | None, now: datetime) -> Rows:
    """Return who is off at ``now`` under the outage, or will be."""
    if outage.status in OVER or outage.in_force is None:
        return _NONE
    if course is None:
        return everybody
    later = [step.rows for step in course.steps if step.on is None or step.on > now]
    return np.unique(np.concatenate([_NONE, *later])).astype(np.int32)


def _restored_at(outage: Outage, course: Course | None, now: datetime) -> datetime | None:
    if outage.restored_at is not None or course is None:
        return outage.restored_at
    return max((step.on for step in course.steps if step.on is not None and step.on <= now), default=None)


def _rows_of(service: Service, ids: tuple[str, ...]) -> tuple[Rows, tuple[str, ...]]:
    found = pd.Index(service.network.tables.customers["id"]).get_indexer(pd.Index(list(ids), dtype=object))
    forgotten = tuple(id_ for id_, row in zip(ids, found.tolist(), strict=True) if row < 0)
    return np.sort(found[found >= 0]).astype(np.int32), forgotten
