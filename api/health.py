"""Whether this process can do its work, and what is wrong where it cannot. Cheap enough to be asked every second."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLateError
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from api.live import LiveOutages
from notices.outbox import Outbox
from outages.store import EventStore, StoreError

KEPT_S = 1.0
"""How long a report is given to others who ask."""

PATIENCE_S = 2.0
"""How long the store may take to answer before it counts as gone."""

BEHIND = 1_000
LATE = timedelta(minutes=10)
"""How long a message may be due before somebody should look; retries of a gateway that was busy come sooner."""

CLOCK_S = 60.0
"""How far the newest event may be ahead of our clock: two machines never agree wholly."""

Status = Literal["ready", "degraded", "unavailable"]
_WORSE: tuple[Status, ...] = ("ready", "degraded", "unavailable")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; ``says`` is for whoever runs the server, and may name paths."""

    name: str
    status: Status
    says: str


@dataclass(frozen=True)
class Report:
    """What was found at ``at``."""

    at: datetime
    checks: tuple[Check, ...]

    @property
    def status(self) -> Status:
        """That of the worst check."""
        return max((check.status for check in self.checks), key=_WORSE.index)

    def as_json(self, *, in_full: bool) -> dict[str, Any]:
        """Return it as JSON; without ``in_full`` only which check has which status."""
        shown = [{"name": one.name, "status": one.status} | ({"says": one.says} if in_full else {}) for one in self.checks]
        return {"status": self.status, "checks": shown}


def find_network_file(source: str | Path, *, read_at: datetime) -> NetworkFile | None:
    """Return what is to be watched of the place that a network is read from; None where it is no file. Look before reading it."""
    path = Path(source)
    return NetworkFile(path, read_at=read_at) if path.exists() else None


class NetworkFile:
    """The file or folder that the network was read from, as it was then: it may be replaced while the server runs."""

    def __init__(self, path: Path, *, read_at: datetime) -> None:
        self._path = path
        self._read_at = read_at
        self._stat = self._seen = _stat_of(path)
        self._digest = _digest_of(path)
        self._is_same = True

    def check(self, now: datetime) -> Check:
        """Say whether the file still holds what was read; its content is read again only where its dates or sizes differ."""
        try:
            stat = _stat_of(self._path)
            if stat != self._seen:
                self._is_same = stat == self._stat or _digest_of(self._path) == self._digest
                self._seen = stat
        except OSError as error:
            return Check("network", "degraded", f"The network file {self._path} is gone: {error}. Put it back before a restart.")
        if not self._is_same:
            return Check("network", "degraded", "The network file has changed since this server read it: restart to use it.")
        return Check("network", "ready", f"Read {_ago(now - self._read_at)} ago from {self._path}.")


class Health:
    """Looks at everything that this process needs. Safe to share between threads; nobody waits longer than `PATIENCE_S`."""

    def __init__(
        self, store: EventStore, live: LiveOutages, *, network: NetworkFile | None = None, outbox: Outbox | None = None
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._live = live
        self._network = network
        self._lock = threading.Lock()
        self._kept: tuple[float, Report] | None = None
        self._asker: ThreadPoolExecutor | None = None
        self._asked: Future[list[Check]] | None = None

    def report(self, now: datetime) -> Report:
        """Return what is found, or was found a moment ago."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] >= KEPT_S:
                report = Report(now, tuple(self._look(now)))
                self._kept = time.monotonic(), report
            return self._kept[1]

    def close(self) -> None:
        """Give the thread back; the next question takes a new one."""
        with self._lock:
            if self._asker is not None:
                self._asker.shutdown(wait=False, cancel_futures=True)
            self._asker = self._asked = None

    def _look(self, now: datetime) -> Iterator[Check]:
        yield from self._ask(now)
        yield from check_following(self._live)
        yield check_clock(self._live.newest_at, now)

    def _ask(self, now: datetime) -> Sequence[Check]:
        """Ask what may be slow to answer in a thread of its own: the store, and the disk. A question is not asked twice."""
        self._asker = self._asker or ThreadPoolExecutor(1, thread_name_prefix="health")
        if self._asked is None:
            self._asked = self._asker.submit(self._ask_slowly, now)
        try:
            found = self._asked.result(PATIENCE_S)
        except TooLateError:
            return [Check("store", "unavailable", f"The store has not answered for {PATIENCE_S:g} s. Look at its server.")]
        self._asked = None
        return found

    def _ask_slowly(self, now: datetime) -> list[Check]:
        found = check_store(self._store, self._live, now)
        if self._outbox is not None and found[0].status != "unavailable":
            found.append(check_outbox(self._outbox, now))
        return found if self._network is None else [*found, self._network.check(now)]


def check_store(store: EventStore, live: LiveOutages, now: datetime) -> list[Check]:
    """Look at the store and its disk, and at how far we are behind it."""
    try:
        findings = store.check(now)
        newest = store.position()
    except StoreError as error:
        return [Check("store", "unavailable", str(error))]
    says: dict[str, list[str]] = {"store": [], "disk": []}
    worst: dict[str, Status] = {"store": "ready", "disk": "ready"}
    for finding in findings:
        if "clock" in finding.code:
            continue  # `check_clock` looks at that without asking the store
        name = "disk" if "disk" in finding.code else "store"
        status: Status = "unavailable" if finding.severity == "error" else "degraded"
        says[name].append(finding.says)
        worst[name] = max(worst[name], status, key=_WORSE.index)
    return [
        Check("store", worst["store"], " ".join(says["store"]) or f"It answers, and can be written to; position {newest}."),
        Check("disk", worst["disk"], " ".join(says["disk"]) or "There is space."),
        _check_position(newest, live.position),
    ]


def _check_position(newest: int, ours: int) -> Check:
    if newest < ours:
        return Check(
            "position", "unavailable", f"The store holds {newest} events, we read {ours}: it was replaced. Restart this server."
        )
    if newest - ours > BEHIND:
        return Check("position", "degraded", f"We are {newest - ours} events behind the store. Wait; if it stays so, restart.")
    return Check("position", "ready", f"{newest - ours} events behind the store.")


def check_outbox(outbox: Outbox, now: datetime) -> Check:
    """Look at how long the message waits that has waited for longest, whether its channel is down or has nobody to serve it."""
    try:
        oldest = outbox.oldest_waiting()
    except StoreError as error:
        return Check("outbox", "unavailable", str(error))
    waits = timedelta() if oldest is None else now - oldest
    if waits <= LATE:
        return Check("outbox", "ready", "No message waits for long.")
    says = f"A message has waited for {_ago(waits)}. Look at the failures on the desk, and at the channels that are set up."
    return Check("outbox", "degraded", says)


def check_following(live: LiveOutages) -> Iterator[Check]:
    """Look at whether what others write is heard, and understood."""
    if (lost := live.stale_since) is not None:
        says = f"Nothing was heard from the store since {lost.isoformat()}: public pages show how things stood then."
        yield Check("follower", "degraded", says)
    else:
        yield Check("follower", "ready", f"Last word from the store {live.lag_s:.1f} s ago.")
    unreadable = live.unreadable
    listed = "; ".join(f"{outage_id}: {why}" for outage_id, why in list(unreadable.items())[:5])
    yield Check(
        "outages",
        "degraded" if unreadable else "ready",
        f"{len(unreadable)} cannot be read ({listed}). Is a newer release writing?" if unreadable else "All can be read.",
    )


def check_clock(newest_at: datetime | None, now: datetime) -> Check:
    """Look at whether our clock is behind what was recorded."""
    ahead_s = (newest_at - now) / timedelta(seconds=1) if newest_at is not None else 0.0
    if ahead_s > CLOCK_S:
        return Check("clock", "degraded", f"The newest event is {ahead_s:.0f} s later than this clock. Set the clock (NTP).")
    return Check("clock", "ready", "No event is later than now.")


def _stat_of(path: Path) -> tuple[tuple[str, int, int, int], ...]:
    stats = [(str(file), file.stat()) for file in _files(path)]
    return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _digest_of(path: Path) -> str:
    whole = hashlib.sha256()
    for file in _files(path):
        with file.open("rb") as opened:
            whole.update(f"{file.name}\0{hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]


def _ago(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    return f"{age.days} days" if hours >= 48 else f"{hours:.0f} h" if hours >= 2 else f"{age / timedelta(minutes=1):.0f} min"
