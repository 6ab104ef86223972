"""The course of one planned outage, event by event, for tests of what keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from outages.events import Approved, Cancelled, Closed, Entered, Event, Restored, Revised, Submitted, SwitchedOff
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.kept import KeptImpact

START = datetime(2026, 5, 1, 0, 0, tzinfo=UTC)
END = START + timedelta(hours=4)
AT = datetime(2026, 4, 20, 8, 30, 15, 123456, tzinfo=UTC)
FACTS = OutageFacts("planned", Switching(open=(Operation("S1", "AB"),)), (Window(START, END),), "线路检修")
ENTERED = Entered(FACTS, AT, "control")
REVISED = Revised(FACTS, AT, "control", "later")
CANCELLED = Cancelled(AT, "control", "rain")
COURSE: tuple[Event, ...] = (
    ENTERED,
    Submitted(AT, "control"),
    Approved(AT, "head of shift"),
    SwitchedOff(START, START, "control"),
    Restored(END, END, "control"),
    Closed(END, "control"),
)


def impact(outage_id: str, seq: int, customers: bytes = b"x\x00\xff") -> KeptImpact:
    """An impact as it is kept."""
    return KeptImpact(
        outage_id, seq, "net-1", "rules-1", (("other", 3),), {"customers": 17, "by": {"class": [1, 2.5]}}, customers
    )
