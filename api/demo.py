"""Three example outages of different class, chosen from the network by rule, so that a demonstration has something to show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from api.service import Service
from outages.events import Approved
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.impact import assess
from topology.network import Network
from topology.why import find_path

FEWEST, MOST = 60, 900
"""Customers that an example affects: enough to be worth a map, few enough to be read about."""

MV_KV = 1.0
"""Lines above this voltage are medium voltage; sections of the low-voltage network are too small for an example."""


def enter_demo_outages(service: Service, now: datetime) -> None:
    """Enter the examples into an empty store; a store with any outage is left as it is."""
    board = service.board(now)
    if board.current or board.planned or board.past:
        return
    for number, facts in enumerate(demo_outages(service.network, now, service.utility.zone), start=1):
        outage = service.enter(facts, by="demo-control", now=now, key=f"example-{number}", submit=True)
        if outage.status == "submitted":
            service.record(outage.id, Approved(now, "demo-approver"), seen=outage.seq)


def demo_outages(network: Network, now: datetime, zone: str = "Asia/Shanghai") -> list[OutageFacts]:
    """Return a fault that goes on, a planned outage tomorrow in which a tie keeps others on, and a short-notice one at 14:00.

    Each is on a feeder of its own. A network that has no such place (no tie, no medium voltage) gets fewer.
    """
    quarter = timedelta(minutes=15)
    today = datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone))
    just_now = today + (now - today) // quarter * quarter
    tomorrow = today + timedelta(days=1)
    afternoon = min(day + timedelta(hours=14) for day in (today, tomorrow) if day + timedelta(hours=14) > now)
    found: list[OutageFacts] = []
    used: set[int] = set()
    if fault := _take(_faults(network, used), network, used):
        found.append(_facts("fault", fault, (just_now - 2 * quarter, just_now + timedelta(hours=2)), "电缆故障"))
    if work := _take(_works_with_tie(network, used), network, used):
        start = tomorrow + timedelta(hours=8, minutes=30)
        found.append(_facts("planned", work, (start, start + timedelta(hours=8)), "线路检修"))
    if repair := _take(_transformers(network, used), network, used):
        found.append(_facts("temporary", repair, (afternoon, afternoon + timedelta(hours=3, minutes=30)), "缺陷处理"))
    return found


def _facts(outage_class: str, switching: Switching, window: tuple[datetime, datetime], reason: str) -> OutageFacts:
    return OutageFacts(outage_class, switching, (Window(*window),), reason)


def _take(candidates: Iterator[Switching], network: Network, used: set[int]) -> Switching | None:
    """Return the first candidate of a sensible size, and note its feeders as used."""
    for switching in candidates:
        impact = assess(network, switching)
        kept_on = not switching.close or len(impact.transferred) >= FEWEST
        if FEWEST <= len(impact.affected) <= MOST and kept_on:
            used.update(_feeders_at(network, np.concatenate([impact.affected, impact.transferred])))
            return switching
    return None


def _feeders_at(network: Network, customers: np.ndarray[tuple[int], np.dtype[np.int32]]) -> list[int]:
    feeders: list[int] = np.unique(network.feeder_of_node[network.customer_node[customers]]).tolist()
    return feeders


def _faults(network: Network, used: set[int]) -> Iterator[Switching]:
    """A fault on the middle section of a feeder; the feeders nearest to 500 customers first."""
    feeder_of_customer = network.feeder_of_node[network.customer_node]
    sizes = np.bincount(feeder_of_customer[feeder_of_customer >= 0], minlength=len(network.feeder_names))
    for feeder in np.argsort(np.abs(sizes - 500), kind="stable").tolist():
        lines = network.tables.lines
        sections = lines.loc[(lines["feeder"] == network.feeder_names[feeder]) & (lines["voltage_kv"] > MV_KV), "id"]
        if feeder not in used and len(sections):
            yield Switching(open=(), fault=(sections.iloc[len(sections) // 2],))


def _works_with_tie(network: Network, used: set[int]) -> Iterator[Switching]:
    """Two sections of one feeder out, and the tie behind them closed: what lies between is off, what lies beyond is kept on.

    ::

        source ── … ──section── stations ──section── others ──/tie/── another feeder
                       opened      off      opened     on     closed
    """
    switches = network.tables.switches
    for tie in switches.loc[switches["normal_state"] == "open", "id"]:
        number = network.device(tie)
        ends = network.wiring.from_node[number], network.wiring.to_node[number]
        feeders = [int(network.feeder_of_node[end]) for end in ends]
        if min(feeders) < 0 or feeders[0] == feeders[1] or used & set(feeders):
            continue
        for end in ends:
            path = reversed(find_path(network, network.healthy, int(end)))
            sections = [device for device in path if network.table_of(device)[0] == "lines"]
            for near, far in pairwise(sections):
                opened = tuple(Operation(network.device_ids[device]) for device in (far, near))
                yield Switching(open=opened, close=(Operation(tie),))


def _transformers(network: Network, used: set[int]) -> Iterator[Switching]:
    """A transformer that feeds an important customer, else any; the order of the table."""
    units = network.tables.transformers
    customers = network.tables.customers
    important = np.unique(network.transformer_of_customer[(customers["priority"] == "important").to_numpy()]).tolist()
    rows = [*(row for row in important if row >= 0), *range(len(units))]
    for row in rows:
        if int(network.feeder_of_node[network.wiring.to_node[network.device(units["id"].iloc[row])]]) not in used:
            yield Switching(open=(Operation(units["id"].iloc[row]),))
