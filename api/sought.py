"""Which outages a list asks for, and a page of them: the one entered last first, an order that nothing changes later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from outages.events import Outage
from outages.facts import FactProblem, FactsError
from outages.lifecycle import when


@dataclass(frozen=True)
class Sought:
    """What an outage must be to be listed; empty fields ask for nothing.

    ``start`` and ``end`` ask for outages that last at some time in ``[start, end)``. ``text`` is sought in the id, the reason,
    and in the ids and names of the devices, capitals or not.
    """

    when: str = ""
    statuses: Sequence[str] = ()
    classes: Sequence[str] = ()
    feeder: str = ""
    start: datetime | None = None
    end: datetime | None = None
    text: str = ""

    def matches(self, outage: Outage, now: datetime) -> bool:
        """Return whether ``outage`` is one, but for the feeder and the text."""
        return (
            self.when in ("", when(outage, now))
            and (not self.statuses or outage.status in self.statuses)
            and (not self.classes or outage.facts.outage_class in self.classes)
            and self._lasts(outage, now)
        )

    def _lasts(self, outage: Outage, now: datetime) -> bool:
        begins = outage.off_at or outage.facts.start
        # Past its expected end an outage goes on until somebody confirms that it is over.
        ends = outage.restored_at or (None if when(outage, now) == "current" else outage.facts.end)
        return (self.end is None or begins < self.end) and (self.start is None or ends is None or self.start < ends)


@dataclass(frozen=True)
class About:
    """What is known about an outage beside itself: names of its devices, and the feeders that it affects."""

    device_name: Callable[[str], str]
    feeders: Callable[[Outage], tuple[str, ...]]


def find_page(
    entered: Sequence[Outage], sought: Sought, about: About, now: datetime, *, after: str, limit: int
) -> tuple[list[Outage], str | None]:
    """Return up to ``limit`` of the outages ``entered`` that are ``sought``, and the id to go on after; None at the end.

    It begins after the outage with the id ``after``, "" for the beginning. Raises FactsError where there is no such outage.
    """
    found = [*islice(_found(_newest(entered, after), sought, about, now), limit + 1)]
    more = len(found) > limit
    return found[:limit], found[limit - 1].id if more else None


def _newest(entered: Sequence[Outage], after: str) -> Iterator[Outage]:
    newest = reversed(entered)
    if after and not any(outage.id == after for outage in newest):  # it stops behind that outage
        says = "No outage has this id. Take next from the page before, or leave after out to begin anew."
        raise FactsError(FactProblem("after", "cursor_unknown", says))
    return newest


def _found(outages: Iterator[Outage], sought: Sought, about: About, now: datetime) -> Iterator[Outage]:
    for outage in outages:
        if (
            sought.matches(outage, now)
            and _has_text(outage, sought.text.strip().casefold(), about)
            and (not sought.feeder or sought.feeder in about.feeders(outage))
        ):
            yield outage


def _has_text(outage: Outage, text: str, about: About) -> bool:
    switching = outage.facts.switching
    devices = [*(one.device for one in (*switching.open, *switching.close)), *switching.fault]
    words = [outage.id, outage.facts.reason, *devices, *(about.device_name(device) for device in devices)]
    return any(text in word.casefold() for word in words)
