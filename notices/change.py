"""What has changed since people were told: which kind of notice is due, if any.

::

    told        outage now                     due
    ────────    ───────────────────────────    ─────────────
    nothing     in force                       first
    times       in force, it ends later        extension
    times       in force, at other times       reschedule
    whom        in force, others affected      scope_change
    all of it   in force                       none (a reminder may be sent)
    anything    power is back                  restoration
    anything    called off                     cancellation

Nobody is told of what was never in force, and nobody hears twice that it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notices.facts import Kind
from outages.events import Outage
from outages.facts import OutageFacts, Window

ENDING: tuple[Kind, ...] = ("cancellation", "restoration")
"""After these there is nothing more to say of an outage."""


@dataclass(frozen=True)
class Told:
    """What people heard last: the kind of it, and from when until when power was said to be off."""

    kind: Kind
    windows: tuple[Window, ...]
    end: datetime | None


def kind_due(told: Told | None, outage: Outage, *, scope_changed: bool = False) -> Kind | None:
    """Return which kind of notice is due on ``outage`` after what was ``told``; None where there is nothing new to say.

    ``scope_changed``: other customers are affected than those who were told.
    """
    if told is None:
        return "first" if outage.in_force is not None and outage.status not in ("restored", "closed", "cancelled") else None
    if told.kind in ENDING:
        return None
    if outage.status == "cancelled" or outage.in_force is None:
        return "cancellation"
    if outage.restored_at is not None:
        return "restoration"
    return _moved(told, outage.in_force) or ("scope_change" if scope_changed else None)


def _moved(told: Told, facts: OutageFacts) -> Kind | None:
    if told.windows == facts.windows and told.end == facts.end:
        return None
    return "extension" if _only_longer(told, facts) else "reschedule"


def _only_longer(told: Told, facts: OutageFacts) -> bool:
    """Power goes off when it was said to, and is back later: nobody who planned for the old times is off at other ones."""
    begins_as_told = _starts(told.windows) == _starts(facts.windows)
    between = [one.end for one in told.windows[:-1]] == [one.end for one in facts.windows[:-1]]
    return begins_as_told and between and told.end is not None and facts.end is not None and facts.end > told.end


def _starts(windows: Sequence[Window]) -> list[datetime]:
    return [window.start for window in windows]
