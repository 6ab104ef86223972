"""Several outages over one grid, and the plain way to say what comes of them: for tests of what works them out quickly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np
from hypothesis import strategies as st

from outages.events import Entered, Outage, Restored, Staged, SwitchedOff
from outages.facts import Operation, OutageFacts, Switching, Timed, Window
from outages.lifecycle import active_spans, fold
from tests.grids import device_choices, grids
from tests.topology.oracle import supply
from topology.isolate import clear, conducting_zone
from topology.network import Network, build_network
from topology.supply import State
from topology.transfer import letters_of, mask_of

DAY = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return DAY + timedelta(minutes=minutes)


def timed(minutes: float, action: str, device: str, phases: str = "") -> Timed:
    return Timed(at(minutes), action, device, phases)


def outage(
    id_: str,
    *,
    open_: str = "",
    close: str = "",
    fault: str = "",
    start: float = 0,
    end: float | None = None,
    operations: tuple[Timed, ...] = (),
    back: float | None = None,
    windows: tuple[tuple[float, float | None], ...] = (),
    is_planned: bool = False,
    class_: str = "fault",
) -> Outage:
    """An outage by words: devices as "L1 L2.B", times in minutes of the day. It went off at its start, unless it is planned."""

    def several(text: str) -> tuple[Operation, ...]:
        return tuple(Operation(*word.split(".")) for word in text.split())

    spans = windows or ((start, end),)
    facts = OutageFacts(
        class_,
        Switching(several(open_), several(close), tuple(fault.split())),
        tuple(Window(at(first), None if last is None else at(last)) for first, last in spans),
        "line work",
    )
    entered = Entered(facts, facts.start - timedelta(days=9), "control", approved=True)
    if is_planned:
        return fold(id_, [entered])
    events = [entered, SwitchedOff(facts.start, facts.start, "control")]
    events += [Staged(operations, operations[-1].at, "control")] if operations else []
    events += [Restored(at(back), at(back), "control")] if back is not None else []
    return fold(id_, events)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a network; in most, sources feed all phases, and so part what hangs on them."""
    grid = draw(grids())
    if draw(st.integers(0, 3)):
        grid.sources["phases"] = "ABC"
    return build_network(grid)


@st.composite
def switchings(draw: st.DrawFn, network: Network) -> Switching:
    """Draw what is opened, closed and faulted at the start of an outage."""
    opened = draw(device_choices(network.tables, most=2))
    closed = [one for one in draw(device_choices(network.tables, most=2)) if one[0] not in dict(opened)]
    places = [*network.device_ids, *network.node_ids]
    faults = draw(st.lists(st.sampled_from(places), max_size=1)) if opened else [draw(st.sampled_from(places))]
    return Switching(tuple(Operation(*one) for one in opened), tuple(Operation(*one) for one in closed), tuple(faults))


@st.composite
def outages(draw: st.DrawFn, network: Network, id_: str) -> Outage:
    """Draw an outage with operations, that began and perhaps ended at some minute."""
    start = draw(st.integers(0, 5))
    facts = OutageFacts("fault", draw(switchings(network)), (Window(at(start), None),), "storm")
    events = [Entered(facts, DAY, "control"), SwitchedOff(at(start), at(start), "control")]
    operations = tuple(
        Timed(at(minute), action, device, phases)
        for minute in sorted(draw(st.lists(st.integers(start, 9), max_size=3)))
        for action in [draw(st.sampled_from(["open", "close", "close", "fault", "repaired"]))]
        for device, phases in draw(device_choices(network.tables, most=1))
    )
    events += [Staged(operations, at(10), "control")] if operations else []
    events += [Restored(at(11), at(11), "control")] if draw(st.integers(0, 5)) == 0 else []
    return fold(id_, events)


@st.composite
def crowds(draw: st.DrawFn, network: Network, *, most: int = 4) -> dict[str, Outage]:
    """Draw several outages, by id."""
    count = draw(st.integers(1, most))
    return {id_: draw(outages(network, id_)) for id_ in (f"o{number}" for number in range(count))}


@dataclass
class Plain:
    """The plain way: dictionaries of sets of phases, whole-grid clearing, networkx for who is supplied."""

    network: Network
    opened: dict[str, dict[str, set[str]]]
    closed: dict[str, dict[str, set[str]]]
    faults: dict[str, set[str]]
    tripped: dict[str, tuple[set[str], str]]

    @classmethod
    def at(cls, network: Network, known: list[Outage], now: datetime) -> Plain:
        plain = cls(network, {}, {}, {}, {})
        moves = []
        for one in known:
            for start, end in active_spans(one):
                if start <= now and (end is None or now < end):
                    first = one.in_force.switching
                    moves += [(start, start, one.id, "open", it.device, it.phases) for it in first.open]
                    moves += [(start, start, one.id, "close", it.device, it.phases) for it in first.close]
                    moves += [(start, start, one.id, "fault", it, "") for it in first.fault]
                    moves += [
                        (it.at, start, one.id, it.action, it.device, it.phases) for it in one.operations if start <= it.at <= now
                    ]
        plain.order = [id_ for _, id_ in sorted({(since, id_) for _, since, id_, *_ in moves})]
        for _, together in groupby(sorted(moves, key=lambda move: move[0]), key=lambda move: move[0]):
            for _, _, id_, action, device, phases in together:
                plain._move(id_, action, device, phases)
            plain._trip()
        return plain

    def _phases(self, device: str, mask: int | None = None) -> set[str]:
        number = self.network.device(device)
        return set(letters_of(int(self.network.wiring.phases[number] if mask is None else mask)))

    def _normal(self, device: str) -> set[str]:
        return set(letters_of(int(self.network.normal[self.network.device(device)])))

    def _move(self, id_: str, action: str, device: str, phases: str) -> None:
        if action == "fault":
            self.faults.setdefault(id_, set()).add(device)
        elif action == "repaired":
            self.faults.get(id_, set()).discard(device)
        else:
            asked = set(phases) or self._phases(device)
            opened = self.opened.setdefault(id_, {}).setdefault(device, set())
            closed = self.closed.setdefault(id_, {}).setdefault(device, set())
            if action == "open":
                opened |= asked - closed
                closed -= asked
            else:
                opened -= asked
                closed |= asked - self._normal(device)
                left, owner = self.tripped.get(device, (set(), ""))
                self.tripped[device] = (left - asked, owner)

    def closed_masks(self, among: list[str]) -> np.ndarray:
        masks = self.network.normal.copy()
        for number, device in enumerate(self.network.device_ids):
            now = set(letters_of(int(masks[number])))
            for id_ in among:
                now |= self.closed.get(id_, {}).get(device, set())
            for id_ in among:
                now -= self.opened.get(id_, {}).get(device, set())
            left, owner = self.tripped.get(device, (set(), ""))
            masks[number] = mask_of("".join(now - (left if owner in among else set())))
        return masks

    def _trip(self) -> None:
        before = State(self.closed_masks(self.order), self.network.sources)
        faults = {place for places in self.faults.values() for place in places}
        for device in clear(self.network, before, faults).devices.tolist():
            id_ = self.network.device_ids[device]
            alone = [
                owner for owner in self.order if self.faults.get(owner) and self._reaches(before, self.faults[owner], device)
            ]
            self.tripped[id_] = (self._phases(id_), alone[0])

    def _reaches(self, before: State, faults: set[str], device: int) -> bool:
        """Whether fault current of these faults comes to a device."""
        zone = conducting_zone(self.network, before, faults, stop=self.network.protective)
        wiring = self.network.wiring
        return bool(zone[wiring.from_node[device]] or zone[wiring.to_node[device]])

    def state(self, among: list[str]) -> State:
        before = State(self.closed_masks(among), self.network.sources)
        return clear(self.network, before, {place for id_ in among for place in self.faults.get(id_, set())}).state

    def off(self, among: list[str] | None = None) -> tuple[set[int], set[int]]:
        """Rows of the customers that are out and partial, as networkx says."""
        network, state = self.network, self.state(self.order if among is None else among)
        grid = network.tables
        masks = dict(zip(network.device_ids, state.closed.tolist(), strict=True))
        open_ = {id_: self._phases(id_) - self._phases(id_, mask) for id_, mask in masks.items()}
        closed = {id_: self._phases(id_, mask) for id_, mask in masks.items()}
        fed = dict(zip(network.node_ids, state.sources.tolist(), strict=True))
        rows = [(node, letters_of(mask)) for node, mask in fed.items() if mask]
        sources = grid.sources.iloc[:0].reindex(range(len(rows)))
        sources["node"], sources["phases"] = [node for node, _ in rows], [phases for _, phases in rows]
        sides = {}
        for unit, forward in zip(network.wiring.one_way.tolist(), network.wiring.feeds_forward.tolist(), strict=True):
            sides[network.device_ids[unit]] = "from" if forward else "to"
        live = supply(replace(grid, sources=sources), open_=open_, closed=closed, fed_from=sides)
        out, partial = set(), set()
        for row, node in enumerate(network.node_ids[network.customer_node]):
            had = set(letters_of(int(network.supplied_phases[row])))
            has = {letter for letter in had if (node, letter) in live}
            if has != had:
                (partial if has else out).add(row)
        return out, partial

    def attributed(self) -> dict[int, str]:
        """Each affected customer with the outage that it counts under: outages are added one by one."""
        by: dict[int, str] = {}
        for count in range(len(self.order)):
            off = set().union(*self.off(self.order[: count + 1]))
            by = {row: by.get(row, self.order[count]) for row in off}
        return by
