"""Why a notice is due, and for whom: an outage as it stands, against what people were told of it last.

::

    last notice ──told──┐
    outage, its course ─┼──▶ Occasion   kind of the change; told | now | restored | changed
    who is off at all ──┘               nobody counts as restored whom another outage still holds off
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import numpy as np
import pandas as pd

from api.service import Service
from api.telling import feel
from notices.change import ENDING, Told, kind_due
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
        They stay told, so that they hear of it once they have power; but for those whom the other outage told as well.
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
    """Return why a notice on ``outage`` is due at ``now``; where nothing is, ``kind`` may ask for a reminder of what was told.

    ``number`` is that of the notice where it is there already: what was issued after it does not count.
    Raises NetworkChangedError where the network has no longer what the outage names.
    """
    notices = [one for one in registry.list_of(outage.id) if number is None or one.number < number]
    issued = [one for one in notices if one.status == "issued"]
    last = issued[-1] if issued else None
    facts = outage.in_force or outage.facts
    course = service.course(outage, now) if outage.off_at is not None else None
    affected = _affected(service, outage, facts, course)
    sets, held, forgotten = _sets(service, registry, outage, last=last, affected=affected, course=course, now=now)
    told = None if last is None else _told(service, last, sets)
    due = _due(told, outage, sets)
    change = _partly_back(sets, due) or due or _asked(kind, sets)
    return Occasion(
        outage,
        change,
        facts,
        None if told is None or last is None else Earlier(told.windows, told.end, last.issued_at or now),
        last,
        affected,
        _changed(sets, change, due),
        held,
        forgotten,
    )


def restored_at(service: Service, occasion: Occasion, now: datetime) -> datetime | None:
    """Return since when the last of those have power again who were told, and whose power is back; None where nobody's is.

    Whom another outage held off longer has power since the end of that one.
    """
    outage, told = occasion.outage, occasion.sets.told
    back = occasion.sets.restored if told is None else np.intersect1d(occasion.sets.restored, told)
    own = max(_back_at(service.course(outage, now), back, now), default=outage.restored_at)
    if own is None or not len(back):
        return own
    others = [service.course(other, now) for other in _longer(service, outage, own)]
    return max([own, *(at for other in others for at in _back_at(other, back, now))])


def _longer(service: Service, outage: Outage, beyond: datetime) -> list[Outage]:
    """Return the other outages that held somebody off ``beyond`` a moment."""
    others = [other for other in service.live.list_outages() if other.id != outage.id and other.off_at is not None]
    return [other for other in others if other.restored_at is None or other.restored_at > beyond]


def _back_at(course: Course, rows: Rows, now: datetime) -> Iterator[datetime]:
    """Yield when some of ``rows`` had power back."""
    for step in course.steps:
        if step.on is not None and step.on <= now and len(np.intersect1d(step.rows, rows)):
            yield step.on


def _due(told: Told | None, outage: Outage, sets: Sets) -> Kind | None:
    if sets.told is None:
        return kind_due(told, outage)
    if not len(sets.told) and not len(sets.now):
        return None  # whoever was told has heard that it is over, or is held off by another outage
    return kind_due(told, outage, scope_changed=bool(len(np.setxor1d(sets.told, sets.now))))


def _partly_back(sets: Sets, due: Kind | None) -> Kind | None:
    """Where all that is new is that some have power again, that is the news."""
    back_only = due == "scope_change" and sets.told is not None and not len(np.setdiff1d(sets.now, sets.told))
    return "restoration" if back_only and sets.told is not None and len(np.intersect1d(sets.told, sets.restored)) else None


def _asked(kind: Kind | None, sets: Sets) -> Kind | None:
    """Nothing but a reminder can be asked for, of those who were told: what has not happened cannot be told."""
    return kind if kind == "reminder" and sets.told is not None and len(sets.told) else None


def _changed(sets: Sets, change: Kind | None, due: Kind | None) -> Sets:
    """Where only the scope changed, or some are back, nothing is different for those who were told and still are off."""
    quiet = change in ("scope_change", "restoration") and due is not None
    return replace(sets, changed=_NONE) if quiet else sets


def _told(service: Service, last: Dossier, sets: Sets) -> Told | None:
    """Return what was told last; None where all of them heard that it is over: then whoever is affected hears of it anew."""
    kind, left = _kind(last), sets.told is not None and bool(len(sets.told))
    if kind in ENDING and not left:
        return None
    then = service.outage_at(last.outage_id, last.outage_seq)
    facts = then.in_force or then.facts
    # Power was back for some alone: for the others it goes on, with fewer people.
    return Told("scope_change" if kind in ENDING else kind, facts.windows, facts.end)


def _kind(last: Dossier) -> Kind:
    return cast(Kind, last.kinds[0])  # the registry keeps kinds as text


def _affected(service: Service, outage: Outage, facts: OutageFacts, course: Course | None) -> Affected:
    """Return whom it affects as it was planned, and whom it took off besides, by what was operated since."""
    planned = feel(service.impact_in_force(outage), facts.outage_class)
    out, some = (_NONE, _NONE) if course is None else (course.out, course.affected)
    off = np.union1d(planned.off, out).astype(np.int32)
    partial = np.setdiff1d(np.union1d(planned.partial, some), off).astype(np.int32)
    return Affected(off, partial, np.setdiff1d(planned.moved, np.union1d(off, partial)).astype(np.int32))


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
    back = np.setdiff1d(np.intersect1d(over, everybody), off).astype(np.int32)
    if told is None or last is None:
        return Sets(None, ahead, back), _NONE, forgotten
    over = np.intersect1d(over, told).astype(np.int32)
    held = np.intersect1d(over, off).astype(np.int32)
    # Whom the last notice left out was held off by another outage then, and may have been told by that one since.
    handed_over = _handed_over(service, registry, outage, over if _kind(last) in ENDING else held, course=course, now=now)
    # Who is held off neither hears that it is over nor is counted. They hear it when the other outage has ended too.
    told = np.setdiff1d(told, np.union1d(held, handed_over)).astype(np.int32)
    return Sets(told, ahead, back), np.setdiff1d(held, handed_over).astype(np.int32), forgotten


def _handed_over(
    service: Service, registry: Registry, outage: Outage, rows: Rows, *, course: Course | None, now: datetime
) -> Rows:
    """Return those of ``rows`` whom another outage told that held them off for longer: that one tells them when it is over."""
    own = None if course is None or not len(rows) else max(_back_at(course, rows, now), default=outage.restored_at)
    if own is None:
        return _NONE
    notices = [one for other in _longer(service, outage, own) for one in registry.list_of(other.id) if one.status == "issued"]
    told = [_rows_of(service, registry.told(one.id))[0] for one in notices]
    return np.intersect1d(rows, np.concatenate([_NONE, *told])).astype(np.int32)


def _still_affected(outage: Outage, everybody: Rows, course: Course | None, now: datetime) -> Rows:
    """Return who is off at ``now`` under the outage, or will be."""
    if outage.status in OVER or outage.in_force is None:
        return _NONE
    if course is None:
        return everybody
    later = [step.rows for step in course.steps if step.on is None or step.on > now]
    return np.unique(np.concatenate([_NONE, *later])).astype(np.int32)


def _rows_of(service: Service, ids: tuple[str, ...]) -> tuple[Rows, tuple[str, ...]]:
    found = pd.Index(service.network.tables.customers["id"]).get_indexer(pd.Index(list(ids), dtype=object))
    forgotten = tuple(id_ for id_, row in zip(ids, found.tolist(), strict=True) if row < 0)
    return np.sort(found[found >= 0]).astype(np.int32), forgotten
