"""The use cases, shared by the pages, the JSON interface and the command line: load → pure call → append.

Values in, values out. Times are aware and ``now`` is given; nothing here reads a clock, a file or the environment.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from api.backdrop import backdrop
from api.language import Language
from api.live import Board, LiveOutages
from api.search import DeviceIndex, FoundDevice
from api.telling import book_of, count_audiences, notice_facts, told
from api.utility import Utility
from maps.geojson import Geo
from maps.layers import Layers, impact_layers
from notices.addresses import AddressBook
from notices.facts import check_facts
from notices.rules import Case, notice_by
from notices.scope import write_scope
from notices.text import Notice, NoticeError, NoticeFacts, write_notice
from outages.bearing import NOWHERE, Reach, bearing_on, reach_of
from outages.conflicts import Conflict, find_conflicts
from outages.course import Course, course
from outages.events import Entered, Event, Outage, Revised, Staged, Submitted, SwitchedOff
from outages.facts import (
    ANNOUNCED_CLASSES,
    FactProblem,
    FactsError,
    Operation,
    OutageFacts,
    Selection,
    Switching,
    Window,
    facts_to_json,
)
from outages.held import as_written
from outages.impact import Impact, assess, impact_of
from outages.kept import KeptImpact, given_of, keep
from outages.lifecycle import Difference, begin, differences, fold, step
from outages.selection import select
from outages.standing import Standing
from outages.store import Command, EventStore, StaleWriteError
from topology.flood import Rows
from topology.index import SliceIndex
from topology.network import Network, UnknownIdError
from topology.supply import UnknownPhaseError, normal_state, operate

KEPT_IMPACTS = 256
"""How many impacts, with their layers and words, are kept in memory."""

_ID_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What can be told apart on paper and on the telephone: no 0 and O, no 1 and I."""


def make_outage_id(now: datetime, zone: str) -> str:
    """Return a new id: the day on which the outage is entered, and four letters drawn by lot."""
    drawn = "".join(secrets.choice(_ID_LETTERS) for _ in range(4))
    return f"{now.astimezone(ZoneInfo(zone)):%Y%m%d}-{drawn}"


class UnknownRevisionError(LookupError):
    """The outage has no such revision."""

    def __init__(self, outage_id: str, seq: int, newest: int) -> None:
        super().__init__(f"Outage {outage_id} has no revision {seq}: it has 1 to {newest}. Choose one of them.")


class NetworkChangedError(LookupError):
    """The network has no longer what an outage names."""

    def __init__(self, outage_id: str, error: UnknownIdError) -> None:
        super().__init__(
            f"Outage {outage_id} was worked out with another network than the one served now: {error}. "
            "Revise it with devices that are there; what was told then is kept with it."
        )


class Service:
    """One network, one store of outages, and everything that people do with them."""

    def __init__(
        self, network: Network, store: EventStore, utility: Utility, *, new_id: Callable[[datetime, str], str] = make_outage_id
    ) -> None:
        self.network = network
        self.utility = utility
        self.store = store
        self.live = LiveOutages(store)
        self._new_id = new_id
        self._devices = DeviceIndex(network)
        self._standing = Standing(network)
        self._at_standing = threading.Lock()
        self._reaches: dict[str, tuple[int, Reach]] = {}
        # The network never changes under a running service, nor does what was recorded: the arguments are the whole key.
        self._impact_at = lru_cache(KEPT_IMPACTS)(self._work_out_impact)
        self._layers = lru_cache(KEPT_IMPACTS)(impact_layers)
        self._scope = lru_cache(KEPT_IMPACTS)(self._write_scope)

    # What would happen.

    def preview(self, switching: Switching, *, at: datetime | None = None, outage_id: str = "") -> Impact:
        """Return whom ``switching`` would affect at ``at``, under the other outages that are in force then.

        ``outage_id`` is the outage that it belongs to, which is no other; without ``at`` it is compared with normal operation.
        Raises FactsError that names the field with an unknown device or phase.
        """
        self._check_devices(switching)
        if at is None:
            return assess(self.network, switching)
        facts = OutageFacts("other", switching, (Window(at, None),), "-")
        return self._impact_of(_draft(outage_id, facts, at))

    def impact(self, outage: Outage) -> Impact:
        """Return whom ``outage`` affects by its newest facts, under what was in force when they were recorded.

        Raises NetworkChangedError where the network has no longer what the outage names.
        """
        return self._impact_at(outage.id, outage.facts_seq)

    def impact_in_force(self, outage: Outage) -> Impact:
        """Return whom ``outage`` affects by the facts in force, which is what the public is told; of a draft, as `impact`."""
        return self._impact_at(outage.id, outage.in_force_seq or outage.facts_seq)

    def course(self, outage: Outage, now: datetime) -> Course:
        """Return from when until when each customer of ``outage`` is off, by what is planned and what was operated since."""
        try:
            return course(self.network, outage, others=self._others(outage), now=now)
        except UnknownIdError as error:
            raise NetworkChangedError(outage.id, error) from error

    def conflicts(self, facts: OutageFacts, now: datetime, outage_id: str = "") -> list[Conflict]:
        """Return what speaks against ``facts``: overlaps, repeats, both feeds of a customer, a short notice."""
        # Against normal operation: a plan within another plan cuts off nobody more, and is in conflict with it all the same.
        impact = impact_of(self.network, _draft(outage_id, facts, now))
        others = [outage for outage in self.live.list_outages() if outage.id != outage_id]
        return find_conflicts(
            impact,
            facts,
            others,
            now,
            outage_id=outage_id,
            lead=self._lead(facts, impact),
            transformers_of=self._transformers_of,
        )

    def _lead(self, facts: OutageFacts, impact: Impact) -> timedelta | None:
        """Return how long before its start the outage has to be told, by the rules; None where no rule asks for it."""
        if self.utility.rules is None:
            return None
        case = Case(facts.outage_class, facts.windows, count_audiences(impact))
        limit = notice_by(case, self.utility.rules, zone=self.utility.zone)
        return None if limit is None else facts.start - limit

    def resolve(self, switching: Switching, selection: Selection | None) -> Switching:
        """Return ``switching`` with the transformers that ``selection`` means opened too; raises FactsError."""
        if selection is None:
            return switching
        named = {operation.device for operation in switching.open}
        chosen = [Operation(unit) for unit in select(self.network, selection) if unit not in named]
        return replace(switching, open=(*switching.open, *chosen))

    def layers(self, impact: Impact) -> Layers:
        """Return the map layers for control of an impact."""
        return self._layers(impact)

    def scope(self, impact: Impact, language: Language, *, outage_class: str = "planned") -> str:
        """Return the words that name whom an outage of this class is to be told to."""
        return self._scope(impact, language, outage_class)

    # What is recorded.

    def enter(
        self, facts: OutageFacts, *, by: str, now: datetime, key: str | None = None, why: str = "", submit: bool = False
    ) -> Outage:
        """Enter an outage and return it; it is on disk then. The same ``key`` again returns the same outage.

        What is announced begins as a draft, or is submitted at once. What nobody announces (a fault) and has begun is in
        progress. Raises FactsError for devices that do not exist and for facts that no true notice can tell, KeyReusedError
        for a key that came with other facts before.
        """
        self._check_devices(facts.switching)
        command = _command(key, {"enter": facts_to_json(facts), "by": by, "submit": submit})
        entered = Entered(facts, now, by, why)
        events: list[Event] = [entered]
        if facts.outage_class not in ANNOUNCED_CLASSES and facts.start <= now:
            events.append(SwitchedOff(facts.start, now, by))
        elif submit:
            events.append(Submitted(now, by))
        for _ in range(10):
            outage = begin(self._new_id(now, self.utility.zone), entered)
            impact, kept = self._work_out(outage)
            self._check_tellable(facts, impact, now)
            try:
                return self.store.append(outage.id, 0, events, command=command, kept=[kept])
            except StaleWriteError:
                continue  # the id was drawn before, on the same day
        raise RuntimeError("ten ids in a row were taken already. Try again.")

    def revise(
        self, outage_id: str, facts: OutageFacts, *, why: str, seen: int, by: str, now: datetime, key: str | None = None
    ) -> Outage:
        """Replace the facts of an outage: another time, another scope, another estimate. An approved plan is submitted again.

        ``seen`` is the revision that the person looked at. Raises FactsError, StaleWriteError, UnknownOutageError and
        TransitionError.
        """
        _check_why("revised", why)
        command = _command(key, {"revise": outage_id, "facts": facts_to_json(facts), "why": why, "seen": seen, "by": by})
        revised, outage = Revised(facts, now, by, why.strip()), self.get_outage(outage_id)
        if outage.seq != seen:  # the store says what it is: a repeat, or somebody else was first
            return self.store.append(outage_id, seen, [revised], command=command)
        self._check_devices(facts.switching)
        impact, kept = self._work_out(step(outage, revised))
        self._check_tellable(facts, impact, now)
        return self.store.append(outage_id, seen, [revised], command=command, kept=[kept])

    def record(self, outage_id: str, event: Event, *, seen: int, key: str | None = None) -> Outage:
        """Record what happened to an outage: submitted, approved, rejected, switched off, staged, restored, closed, …

        ``seen`` is the revision that the person looked at. Raises FactsError where a reason is needed and none is given, or a
        device does not exist; StaleWriteError, UnknownOutageError and TransitionError.
        """
        _check_why(event.kind, event.why)
        if isinstance(event, Staged):
            self._check_operations(event)
        asked = {"record": outage_id, "kind": event.kind, "body": event.body(), "seen": seen, "by": event.by}
        return self.store.append(outage_id, seen, [event], command=_command(key, asked))

    # What is known.

    def board(self, now: datetime) -> Board:
        """Return all outages: going on at ``now``, to come, over, and drafts."""
        return self.live.board(now)

    @contextmanager
    def standing(self, now: datetime, *, fresh: bool = True) -> Iterator[Standing]:
        """Give who is out at ``now`` under all outages together; nobody else may look meanwhile, so be quick."""
        outages = {outage.id: outage for outage in self.live.open_outages(fresh=fresh)}
        with self._at_standing:
            self._standing.update(outages, now)
            yield self._standing

    def rows_out(self, now: datetime) -> Rows:
        """Return the rows of the customers that any outage holds off at ``now``, ascending: back under one is not yet back."""
        with self.standing(now) as standing:
            return standing.affected

    def customers_out(self, now: datetime, *, fresh: bool = True) -> int:
        """Return how many customers are out or partly out at ``now``; one who is out under several outages counts once."""
        with self.standing(now, fresh=fresh) as standing:
            return standing.total().customers

    def get_outage(self, outage_id: str) -> Outage:
        """Return one outage; raises UnknownOutageError."""
        return self.live.get_outage(outage_id)

    def history(self, outage_id: str) -> tuple[Event, ...]:
        """Return what happened to one outage, in order; raises UnknownOutageError."""
        return self.store.read(outage_id)

    def outage_at(self, outage_id: str, seq: int) -> Outage:
        """Return an outage as it stood after ``seq`` events; raises UnknownOutageError and UnknownRevisionError."""
        events = self.history(outage_id)
        if not 1 <= seq <= len(events):
            raise UnknownRevisionError(outage_id, seq, len(events))
        return fold(outage_id, events[:seq])

    def compare(self, outage_id: str, one: int, other: int) -> list[Difference]:
        """Return in which facts an outage differs between two of its revisions; raises as `outage_at` does."""
        return differences(self.outage_at(outage_id, one).facts, self.outage_at(outage_id, other).facts)

    def list_notices(self, outage: Outage) -> list[Notice]:
        """Return the notice of what is in force, for the web in every language; none where nobody needs to be told.

        Of a draft it is the notice as it would be.
        """
        facts, impact = outage.in_force or outage.facts, self.impact_in_force(outage)
        issued_at = outage.facts_at if facts == outage.facts else outage.approved_at or outage.entered_at
        if not len(told(impact, facts.outage_class)):
            return []
        return [
            write_notice(
                self._notice_facts(facts, impact, language, reference=outage.id, issued_at=issued_at),
                language=language,
                channel="web",
            )
            for language in self.utility.languages
        ]

    @cached_property
    def backdrop(self) -> Geo:
        """The places that everybody knows, as the background of the public map."""
        return backdrop(self.network.tables)

    def device_name(self, device_id: str) -> str:
        """Return the name of a device as people call it; "" where it has none, or is a node."""
        if not self.network.has_device(device_id):
            return ""
        name = self.network.device_row(self.network.device(device_id))["name"]
        return name if isinstance(name, str) else ""

    @cached_property
    def slices(self) -> SliceIndex:
        """What each device costs in normal operation, at once; worked out when somebody first asks."""
        return SliceIndex(self.network)

    def find_devices(self, typed: str, *, limit: int = 12) -> list[FoundDevice]:
        """Return devices whose id or name begins with, or contains, what was typed."""
        return self._devices.find(typed, limit=limit)

    def close(self) -> None:
        """Give the store back."""
        self.store.close()

    def _others(self, outage: Outage) -> list[Outage]:
        """Return the other outages, as they are now, that can bear on ``outage``."""
        others = [other for other in self.live.open_outages() if other.id != outage.id]
        return bearing_on(self.network, reach_of(self.network, outage), [(other, self._reach(other)) for other in others])

    def _reach(self, outage: Outage) -> Reach:
        """Return how far an outage reaches; worked out once for each of its revisions, since everybody who comes later asks."""
        seq, reach = self._reaches.get(outage.id, (0, NOWHERE))
        if seq != outage.seq:
            reach = reach_of(self.network, outage)
            self._reaches[outage.id] = (outage.seq, reach)
        return reach

    def _impact_of(self, outage: Outage) -> Impact:
        """Return whom an outage that is not recorded yet affects, under the others as they are now."""
        return impact_of(self.network, outage, self._others(outage))

    def _work_out(self, outage: Outage) -> tuple[Impact, KeptImpact]:
        """Return the impact of an outage that is about to be recorded, and what to keep of it."""
        written, others = as_written(outage), self._others(outage)
        impact = impact_of(self.network, written, others)
        return impact, keep(impact, outage.id, outage.seq, given_of(written, others))

    def _work_out_impact(self, outage_id: str, seq: int) -> Impact:
        """Return the impact of a revision as it was when it was recorded."""
        kept = self.store.find_impact(outage_id, seq)
        others = [] if kept is None else self.live.outages_at(kept.given)
        (outage,) = self.live.outages_at([(outage_id, seq)])
        try:
            return impact_of(self.network, as_written(outage), others)
        except UnknownIdError as error:
            raise NetworkChangedError(outage_id, error) from error

    def _transformers_of(self, outage: Outage) -> list[str]:
        """Return the transformers that an outage cut off; none that this network has where it names what it has not."""
        try:
            rows = self.impact_in_force(outage).transformers
        except NetworkChangedError:
            return []
        ids: list[str] = self.network.tables.transformers["id"].iloc[rows].tolist()
        return ids

    def _check_devices(self, switching: Switching) -> None:
        if problems := _unknown_devices(self.network, switching):
            raise FactsError(*problems)

    def _check_tellable(self, facts: OutageFacts, impact: Impact, now: datetime) -> None:
        if len(told(impact, facts.outage_class)):
            try:
                check_facts(self._notice_facts(facts, impact, self.utility.languages[0], reference="-", issued_at=now))
            except NoticeError as error:
                raise FactsError(*error.problems) from error

    def _check_operations(self, event: Staged) -> None:
        problems = [
            problem
            for one in event.operations
            if not (one.action in ("fault", "repaired") and self.network.has_node(one.device))
            and (problem := _unknown(self.network, "operations", Operation(one.device, one.phases)))
        ]
        if problems:
            raise FactsError(*problems)

    def _notice_facts(
        self, facts: OutageFacts, impact: Impact, language: Language, *, reference: str, issued_at: datetime
    ) -> NoticeFacts:
        return notice_facts(
            facts,
            self.utility,
            language,
            lines=impact.feeders,
            scope=self.scope(impact, language, outage_class=facts.outage_class),
            reference=reference,
            issued_at=issued_at,
        )

    @cached_property
    def book(self) -> AddressBook:
        return book_of(self.network)

    def _write_scope(self, impact: Impact, language: Language, outage_class: str) -> str:
        return write_scope(self.book, told(impact, outage_class), language=language).text


def _draft(outage_id: str, facts: OutageFacts, now: datetime) -> Outage:
    """Return ``facts`` as an outage that nobody has recorded yet."""
    return begin(outage_id, Entered(facts, now, ""))


def permission_for(outage: Outage, kind: str) -> str:
    """Return the permission that an event of ``kind`` needs: to undo needs that of what is undone.

    What only another person may do, only another person may take back.
    """
    decided = outage.before is not None and outage.before.status == "submitted" and outage.status in ("approved", "rejected")
    undoes_approval = kind == "undone" and decided
    return "approve" if kind in ("approved", "rejected") or undoes_approval else "enter"


NEEDS_WHY = ("revised", "rejected", "cancelled", "undone")
"""Kinds of event that nobody understands later without a reason."""


def _check_why(kind: str, why: str) -> None:
    if kind in NEEDS_WHY and not why.strip():
        raise FactsError(FactProblem("why", "why_missing", f"No reason is given for {kind}. Say why, in a few words."))


def _command(key: str | None, asked: dict[str, object]) -> Command | None:
    if key is None:
        return None
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return Command(key, digest)


def _unknown_devices(network: Network, switching: Switching) -> list[FactProblem]:
    problems = []
    for field, operations in (("open", switching.open), ("close", switching.close)):
        problems += [problem for operation in operations if (problem := _unknown(network, field, operation))]
    for place in switching.fault:
        if not network.has_node(place) and (problem := _unknown(network, "fault", Operation(place))):
            problems.append(problem)
    return problems


def _unknown(network: Network, field: str, operation: Operation) -> FactProblem | None:
    try:
        operate(network, normal_state(network), open=[(operation.device, operation.phases)])
    except UnknownIdError as error:
        return FactProblem(field, "device_unknown", f"{_sentence(error)}.", operation.device)
    except UnknownPhaseError as error:
        return FactProblem(field, "phase_unknown", f"{_sentence(error)}.", f"{operation.device} {operation.phases}")
    return None


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
