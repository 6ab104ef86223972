"""Goal 16: a fault entered in the midst of a storm, until another process knows who is out by it.

::

    this process     enter ── store ─┐ notify
    another process                  └─ follower ── fold ── standing ── who is out

What is between that and a map on somebody's screen is measured by itself: goals 11 and 13.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from api.live import Heard, LiveOutages
from api.service import Service
from api.utility import Utility
from benchmarks.measure import Result, shown
from benchmarks.storing import stores
from geo.synth import synthesize
from outages.events import Entered, Event, Outage, SwitchedOff
from outages.facts import OutageFacts, Switching, Window
from outages.impact import assess
from outages.standing import Standing
from outages.store import EventStore, open_store
from topology.network import Network, build_network

if TYPE_CHECKING:
    from benchmarks.town import Say

CUSTOMERS = 1_000_000
ACTIVE = 5_000
ROUNDS = 15
SECONDS_BOUND = 1.0
PARTS_BOUND = 3

_SEED = 1
_WRITERS = 16
_BEGUN = datetime(2026, 5, 1, tzinfo=UTC)
_NOW = _BEGUN + timedelta(minutes=10)
_UTILITY = Utility({"zh": "供电公司", "en": "Power Supply"}, "5550100", "Asia/Shanghai")


def measure_entering(say: Say, *, customers: int = CUSTOMERS, active: int = ACTIVE, rounds: int = ROUNDS) -> Iterator[Result]:
    """Yield the results: on PostgreSQL, where several processes may serve one store, or on SQLite where that is missing."""
    say(f"{customers:,} customers, {active:,} outages: making the network")
    network = build_network(synthesize(customers, _SEED))
    lines = network.tables.lines["id"].to_numpy(dtype=object)
    drawn: list[str] = np.random.default_rng(_SEED).choice(lines, active + rounds + 1, replace=False).tolist()
    with stores(say) as (folder, urls):
        name, url = list(urls.items())[-1]
        store = open_store(url)
        _storm(store, drawn[:active])
        with _Other(customers, url) as other, _Alone(network, f"sqlite:///{folder}/alone.db", drawn[:active]) as alone:
            say(f"{name}: entering {rounds} faults")
            service = Service(network, store, _UTILITY)
            first = other.sees(service, drawn[active])
            alone.work(drawn[active])
            taken = [(other.sees(service, line), alone.work(line)) for line in drawn[active + 1 :]]
        service.close()
    assert all(seen.customers == parts.customers for seen, parts in taken)
    whole, parts = median(seen.whole for seen, _ in taken), median(sum(one.seconds) for _, one in taken)
    each = ", ".join(
        f"{part} {shown(median(one.seconds[number] for _, one in taken))}" for number, part in enumerate(_Alone.PARTS)
    )
    entering = shown(median(seen.entered for seen, _ in taken))
    say(f"{shown(whole)} in all, {entering} of it until it was entered; the first {shown(first.whole)}; alone: {each}")
    what, size = "a fault entered, until another process has counted it", f"{customers:,}; {active:,} active, {name}"
    yield Result(16, what, "1 second", size, whole, 1.0, SECONDS_BOUND)
    yield Result(16, what, f"its parts alone: {each}", size, whole, parts, PARTS_BOUND)


def _facts(line: str, start: datetime) -> OutageFacts:
    return OutageFacts("fault", Switching(open=(), fault=(line,)), (Window(start, None),), "故障抢修")


def _events(line: str, at: datetime) -> list[Event]:
    return [Entered(_facts(line, at), at, "control"), SwitchedOff(at, at, "control")]


def _storm(store: EventStore, lines: Sequence[str]) -> None:
    """Enter a fault on each of ``lines``."""

    def write(first: int) -> None:
        for number in range(first, len(lines), _WRITERS):
            store.append(f"20260501-{number:05}", 0, _events(lines[number], _BEGUN))

    threads = [threading.Thread(target=write, args=(first,)) for first in range(_WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Seen:
    """Seconds until a fault was entered, and until the other process had counted its customers."""

    def __init__(self, entered: float, whole: float, customers: int) -> None:
        self.entered, self.whole, self.customers = entered, whole, customers


class _Other:
    """Another process that follows the store and keeps count of who is out."""

    def __init__(self, customers: int, url: str) -> None:
        command = [sys.executable, "-m", "benchmarks.entering", "follow", str(customers), url]
        root = Path(__file__).parents[1]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)

    def __enter__(self) -> _Other:
        self._answer()  # it has caught up
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()

    def sees(self, service: Service, line: str) -> _Seen:
        """Enter a fault, and wait until the other process has seen it."""
        started = time.monotonic()
        outage = service.enter(_facts(line, _NOW), by="control", now=_NOW)
        entered = time.monotonic()
        seen_id, seen_at, customers = self._answer()
        assert seen_id == outage.id
        return _Seen(entered - started, seen_at - started, customers)

    def _answer(self) -> tuple[str, float, int]:
        assert self._process.stdout
        outage_id, at, customers = json.loads(self._process.stdout.readline())
        return outage_id, at, customers


class _Worked:
    """Seconds of each part, and the customers that count under the fault."""

    def __init__(self, seconds: tuple[float, ...], customers: int) -> None:
        self.seconds, self.customers = seconds, customers


class _Alone:
    """The parts, one by one, with a store of their own in which the same has happened."""

    PARTS = ("assess", "append", "fold", "standing")

    def __init__(self, network: Network, url: str, storm: Sequence[str]) -> None:
        self._network = network
        self._store = open_store(url)
        _storm(self._store, storm)
        self._live = LiveOutages(self._store)
        self._standing = Standing(network)
        self._standing.update(_open(self._live), _NOW)

    def __enter__(self) -> _Alone:
        return self

    def __exit__(self, *error: object) -> None:
        self._store.close()

    def work(self, line: str) -> _Worked:
        """Enter a fault, part by part."""
        facts, world, outage_id = _facts(line, _NOW), self._standing.world(), f"alone-{line}"
        steps = (
            partial(assess, self._network, facts.switching, before=world),
            partial(self._store.append, outage_id, 0, _events(line, _NOW)),
            self._live.catch_up,
            lambda: self._standing.update(_open(self._live), _NOW),
        )
        times = [time.monotonic()]
        for step in steps:
            step()
            times.append(time.monotonic())
        seconds = tuple(after - before for before, after in pairwise(times))
        return _Worked(seconds, self._standing.counts(outage_id).customers)


def _open(live: LiveOutages) -> dict[str, Outage]:
    return {outage.id: outage for outage in live.open_outages(fresh=False)}


# What follows runs in the other process.


def _follow(customers: int, url: str) -> None:
    standing = Standing(build_network(synthesize(customers, _SEED)))
    store = open_store(url)
    live = LiveOutages(store)
    live.catch_up()
    standing.update(_open(live), _NOW)
    news: queue.SimpleQueue[Sequence[Heard]] = queue.SimpleQueue()
    live.hear(news.put)
    live.follow()
    threading.Thread(target=_end_with_input, args=(news,), daemon=True).start()
    _say("", 0)
    while heard := news.get():
        standing.update(_open(live), _NOW)
        outage_id = heard[-1].outage.id
        _say(outage_id, standing.counts(outage_id).customers)
    live.stop()
    store.close()


def _end_with_input(news: queue.SimpleQueue[Sequence[Heard]]) -> None:
    sys.stdin.read()
    news.put([])


def _say(outage_id: str, customers: int) -> None:
    print(json.dumps([outage_id, time.monotonic(), customers]), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["follow"]:
        _follow(int(sys.argv[2]), sys.argv[3])
    else:
        sizes = {"customers": int(sys.argv[1]), "active": int(sys.argv[2])} if len(sys.argv) == 3 else {}
        for result in measure_entering(lambda text: print(text, flush=True), **sizes):
            print(" | ".join(result.cells()), flush=True)
