"""The town with contacts of its own, and a publishing desk on it that takes every step from the draft to the issue."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from api.composing import House
from api.language import Language
from api.publishing import Publishing
from api.service import Service
from api.utility import Utility
from geo.schema import GridTables, conform
from notices.outbox import Message
from notices.rules import RuleSet
from outages.events import Approved, Cancelled, Event, Outage, Restored, Staged, SwitchedOff
from outages.facts import OutageFacts, Switching, Timed, Window, switching_from_json
from outages.store import open_store
from tests.api.town import NOW, make_town
from topology.network import Network

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLERK, EDITOR, BOSS = "wang", "zhao", "han"
NAMES: dict[Language, str] = {"zh": "东港供电公司", "en": "Donggang Power Supply"}

P = tuple(f"p{number}" for number in range(1, 13))
Q = (*(f"q{number}" for number in range(1, 9)), "q-clinic", "q-home")
R = tuple(f"r{number}" for number in range(1, 7))
U = tuple(f"u{number}" for number in range(1, 8))

PERSONS = {"p1": "p1", "p2": "p1", "r1": "r1", "r2": "r1"}
"""Two accounts of two service points each; everybody else is a person alone."""

Told = dict[str, dict[tuple[str, ...], tuple[str, ...]]]
"""What went to people: kind → channels → customers, all sorted."""


def notified_tables() -> GridTables:
    """The town: a number for each customer, two accounts with two service points, and T3 a transformer of its customers.

    p3 has an e-mail address alone, p4 neither, p5 no place either. u7 reads English; q-home is on life support.
    """
    tables = make_town()
    customers = tables.customers.copy().astype(object)
    ids = customers["id"].tolist()
    customers["phone"] = [f"+999 1000 {number:04d}" for number in range(1, len(ids) + 1)]
    customers["name"] = [f"户{number}" for number in range(1, len(ids) + 1)]
    customers["account"] = [f"A-{PERSONS[id_]}" if id_ in PERSONS else None for id_ in ids]
    given: dict[str, dict[str, Any]] = {
        "p3": {"phone": None, "email": "p3@example.org"},
        "p4": {"phone": None},
        "p5": {"phone": None, "place_id": None, "street": None, "house_number": None},
        "u7": {"language": "en"},
    }
    for id_, fields in given.items():
        for field, value in fields.items():
            customers.loc[ids.index(id_), field] = value
    transformers = tables.transformers.copy().astype(object)
    transformers["ownership"] = ["dedicated" if id_ == "T3" else "public" for id_ in transformers["id"]]
    return replace(tables, customers=conform("customers", customers), transformers=conform("transformers", transformers))


def switching(*opened: str, close: tuple[str, ...] = ()) -> Switching:
    return switching_from_json({"open": list(opened), "close": list(close)})


def facts(
    *opened: str, outage_class: str = "planned", start: datetime = NOW + 9 * DAY, hours: float | None = 4, **more: Any
) -> OutageFacts:
    """An outage that opens some devices; on the 10th of May from 09:00 to 13:00 unless told otherwise."""
    window = Window(start, None if hours is None else start + hours * HOUR)
    return OutageFacts(outage_class, switching(*opened), (window,), **{"reason": "线路检修", **more})


@dataclass(eq=False)
class Desk:
    """Control and the publishing desk; it is ``now`` for both."""

    service: Service
    publishing: Publishing
    now: datetime = NOW

    @classmethod
    def on(
        cls,
        network: Network,
        folder: Path,
        *,
        rules: RuleSet | None = None,
        languages: tuple[Language, ...] = ("zh",),
        **house: Any,
    ) -> Desk:
        """A desk with a store of its own in ``folder``; each customer is told in person unless ``house`` says otherwise."""
        store = open_store(f"sqlite:///{folder}/outages.db")
        service = Service(network, store, Utility(dict(NAMES), "95598", "Asia/Shanghai", languages, rules))
        return cls(service, Publishing(service, House(**{"everyone": True, **house})))

    def outage(self, outage_id: str) -> Outage:
        return self.service.get_outage(outage_id)

    # Control.

    def enter(self, given: OutageFacts) -> str:
        """Enter an outage and have it approved where that is needed; return its id."""
        outage = self.service.enter(given, by="li", now=self.now, submit=True)
        return self._in_force(outage)

    def revise(self, outage_id: str, **changes: Any) -> str:
        outage = self.outage(outage_id)
        given = replace(outage.facts, **changes)
        revised = self.service.revise(outage_id, given, why="改期", seen=outage.seq, by="li", now=self.now)
        return self._in_force(revised)

    def move(self, outage_id: str, *, start: timedelta = timedelta(0), end: timedelta = timedelta(0)) -> str:
        """Revise the times."""
        (window,) = self.outage(outage_id).facts.windows
        assert window.end is not None
        return self.revise(outage_id, windows=(Window(window.start + start, window.end + end),))

    def record(self, outage_id: str, event: Event) -> None:
        self.service.record(outage_id, event, seen=self.outage(outage_id).seq)

    def switch_off(self, outage_id: str) -> None:
        self.record(outage_id, SwitchedOff(self.now, self.now, "li"))

    def stage(self, outage_id: str, *operations: tuple[str, str]) -> None:
        done = tuple(Timed(self.now, action, device) for action, device in operations)  # type: ignore[arg-type]
        self.record(outage_id, Staged(done, self.now, "li"))

    def restore(self, outage_id: str) -> None:
        self.record(outage_id, Restored(self.now, self.now, "li"))

    def cancel(self, outage_id: str) -> None:
        self.record(outage_id, Cancelled(self.now, "li", "物资未到"))

    def record_end(self, outage_id: str) -> None:
        """End an outage as its status allows."""
        (self.restore if self.outage(outage_id).off_at is not None else self.cancel)(outage_id)

    def _in_force(self, outage: Outage) -> str:
        if outage.status == "submitted":
            self.record(outage.id, Approved(self.now, BOSS))
        return outage.id

    # The desk.

    def due(self, outage_id: str) -> str | None:
        """The kind of notice that the list of the desk shows as due on an outage."""
        return next((one.change for one in self.publishing.list_waiting(self.now) if one.outage.id == outage_id), None)

    def draft(self, outage_id: str, **more: Any) -> str:
        return self.publishing.draft(outage_id, by=CLERK, now=self.now, **more).id

    def submit(self, notice_id: str, **more: Any) -> None:
        seen = self.publishing.registry.get(notice_id).seq
        self.publishing.submit(notice_id, **{"seen": seen, "reasons": {}, "by": CLERK, "now": self.now, **more})

    def approve(self, notice_id: str, **more: Any) -> None:
        seen = self.publishing.registry.get(notice_id).seq
        self.publishing.approve(notice_id, **{"seen": seen, "by": BOSS, "now": self.now, **more})

    def send(self, notice_id: str) -> int:
        """Issue what is approved; return the number of messages."""
        seen = self.publishing.registry.get(notice_id).seq
        return self.publishing.issue(notice_id, seen=seen, by=CLERK, now=self.now)[1]

    def prepare(self, outage_id: str, **more: Any) -> str:
        """Draft, submit and approve what is due; return the notice."""
        notice_id = self.draft(outage_id, **more)
        self.submit(notice_id)
        self.approve(notice_id)
        return notice_id

    def issue(self, outage_id: str, **more: Any) -> Told:
        """Take all steps with what is due on an outage, and return what went to people."""
        notice_id = self.prepare(outage_id, **more)
        self.send(notice_id)
        return self.told(notice_id)

    # What came of it.

    def messages(self, notice_id: str) -> list[Message]:
        return self.publishing.outbox.list_of(notice_id, limit=10_000)

    def told(self, notice_id: str) -> Told:
        """The table of an issued notice: which customers (a person by the first of its service points) got what."""
        channels: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self.messages(notice_id):
            if one.recipient.startswith("customer:"):
                channels[one.kind, one.recipient.removeprefix("customer:")].append(one.channel)
        table: dict[str, dict[tuple[str, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
        for (kind, customer), used in channels.items():
            table[kind][tuple(sorted(used))].append(customer)
        return {
            kind: {used: tuple(sorted(found)) for used, found in sorted(by_channel.items())}
            for kind, by_channel in sorted(table.items())
        }

    def public(self, notice_id: str) -> set[tuple[str, str]]:
        """Kind and channel of what the public got."""
        return {(one.kind, one.channel) for one in self.messages(notice_id) if one.audience == "public"}


def persons(*customers: str) -> tuple[str, ...]:
    """The persons of some customers, as `Desk.told` names them."""
    return tuple(sorted({PERSONS.get(one, one) for one in customers}))
