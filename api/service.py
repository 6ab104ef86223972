"""The use cases, shared by the pages, the JSON interface and the command line: load → pure call → append.

Values in, values out. Times are aware and ``now`` is given; nothing here reads a clock, a file or the environment.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from api.backdrop import backdrop
from api.language import Language
from api.live import Board, LiveOutages
from api.search import DeviceIndex, FoundDevice
from api.telling import book_of, notice_facts, told
from api.utility import Utility
from maps.geojson import Geo
from maps.layers import Layers, impact_layers
from notices.addresses import AddressBook
from notices.facts import check_facts
from notices.scope import write_scope
from notices.text import Notice, NoticeError, NoticeFacts, write_notice
from outages.events import (
    Cancelled,
    Entered,
    Event,
    FactProblem,
    FactsError,
    Operation,
    Outage,
    OutageFacts,
    Restored,
    Switching,
    facts_to_json,
)
from outages.impact import Impact, assess
from outages.store import Command, EventStore, StaleWriteError
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


class Service:
    """One network, one store of outages, and everything that people do with them."""

    def __init__(
        self, network: Network, store: EventStore, utility: Utility, *, new_id: Callable[[datetime, str], str] = make_outage_id
    ) -> None:
        self.network = network
        self.utility = utility
        self._store = store
        self._live = LiveOutages(store)
        self._new_id = new_id
        self._devices = DeviceIndex(network)
        # Pure functions of the network, which never changes under a running service: the switching is the whole key.
        self._assess = lru_cache(KEPT_IMPACTS)(lambda switching: assess(network, switching))
        self._layers = lru_cache(KEPT_IMPACTS)(lambda switching: impact_layers(self._assess(switching)))
        self._scope = lru_cache(KEPT_IMPACTS)(self._write_scope)

    def preview(self, switching: Switching) -> Impact:
        """Return whom ``switching`` would affect; raises FactsError that names the field with an unknown device or phase.

        Each outage is assessed alone, against normal operation. With other outages active at the same time this names
        customers who are off already, and it believes in a tie whose far side may be off.
        """
        problems = _unknown_devices(self.network, switching)
        if problems:
            raise FactsError(*problems)
        impact: Impact = self._assess(switching)
        return impact

    def layers(self, switching: Switching) -> Layers:
        """Return the map layers for control of what ``switching`` affects."""
        layers: Layers = self._layers(switching)
        return layers

    def scope(self, switching: Switching, language: Language, *, outage_class: str = "planned") -> str:
        """Return the words that name whom an outage of this class is to be told to."""
        text: str = self._scope(switching, language, outage_class)
        return text

    def enter(self, facts: OutageFacts, *, by: str, now: datetime, key: str | None = None) -> Outage:
        """Enter an outage and return it; it is on disk then. The same ``key`` again returns the same outage.

        Raises FactsError for devices that do not exist and for facts that no true notice can tell, KeyReusedError for a key
        that came with other facts before.
        """
        self._check_tellable(facts, now)
        command = _command(key, {"enter": facts_to_json(facts), "by": by})
        for _ in range(10):
            try:
                return self._store.append(self._new_id(now, self.utility.zone), 0, [Entered(facts, now, by)], command=command)
            except StaleWriteError:
                continue  # the id was drawn before, on the same day
        raise RuntimeError("ten ids in a row were taken already. Try again.")

    def confirm_restored(
        self, outage_id: str, restored_at: datetime, *, seen: int, by: str, now: datetime, key: str | None = None
    ) -> Outage:
        """Record that everybody has power again since ``restored_at``; ``seen`` is the revision that the person looked at.

        Raises StaleWriteError, UnknownOutageError and TransitionError.
        """
        command = _command(key, {"restore": outage_id, "at": restored_at.isoformat(), "by": by})
        return self._append(outage_id, seen, Restored(restored_at, now, by), command)

    def cancel(self, outage_id: str, reason: str, *, seen: int, by: str, now: datetime, key: str | None = None) -> Outage:
        """Record that the outage will not take place, or was entered by mistake. Raises as `confirm_restored` does."""
        if not reason.strip():
            raise FactsError(FactProblem("reason", "reason_missing", "No reason is given. Say why it is cancelled."))
        command = _command(key, {"cancel": outage_id, "reason": reason, "by": by})
        return self._append(outage_id, seen, Cancelled(reason.strip(), now, by), command)

    def board(self, now: datetime) -> Board:
        """Return all outages: going on at ``now``, to come, and over."""
        return self._live.board(now)

    def count_customers(self, outages: Iterable[Outage]) -> int:
        """Return how many customers ``outages`` affect together; one who is in several counts once."""
        rows = [self.preview(outage.facts.switching).affected for outage in outages]
        return len(np.unique(np.concatenate(rows))) if rows else 0

    def get_outage(self, outage_id: str) -> Outage:
        """Return one outage; raises UnknownOutageError."""
        return self._live.get_outage(outage_id)

    def history(self, outage_id: str) -> tuple[Event, ...]:
        """Return what happened to one outage, in order; raises UnknownOutageError."""
        return self._store.read(outage_id)

    def list_notices(self, outage: Outage) -> list[Notice]:
        """Return the notice of ``outage`` for the web in every language; none where nobody needs to be told."""
        if not self._concerns_anybody(outage.facts):
            return []
        return [
            write_notice(
                self._notice_facts(outage.facts, language, reference=outage.id, issued_at=outage.facts_at),
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

    def find_devices(self, typed: str, *, limit: int = 12) -> list[FoundDevice]:
        """Return devices whose id or name begins with, or contains, what was typed."""
        return self._devices.find(typed, limit=limit)

    def close(self) -> None:
        """Give the store back."""
        self._store.close()

    def _concerns_anybody(self, facts: OutageFacts) -> bool:
        return len(told(self.preview(facts.switching), facts.outage_class)) > 0

    def _check_tellable(self, facts: OutageFacts, now: datetime) -> None:
        if self._concerns_anybody(facts):
            try:
                check_facts(self._notice_facts(facts, self.utility.languages[0], reference="-", issued_at=now))
            except NoticeError as error:
                raise FactsError(*error.problems) from error

    def _notice_facts(self, facts: OutageFacts, language: Language, *, reference: str, issued_at: datetime) -> NoticeFacts:
        return notice_facts(
            facts,
            self.utility,
            language,
            lines=self.preview(facts.switching).feeders,
            scope=self.scope(facts.switching, language, outage_class=facts.outage_class),
            reference=reference,
            issued_at=issued_at,
        )

    @cached_property
    def _book(self) -> AddressBook:
        return book_of(self.network)

    def _write_scope(self, switching: Switching, language: Language, outage_class: str) -> str:
        return write_scope(self._book, told(self._assess(switching), outage_class), language=language).text

    def _append(self, outage_id: str, seen: int, event: Event, command: Command | None) -> Outage:
        return self._store.append(outage_id, seen, [event], command=command)


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
