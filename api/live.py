"""The outages as they stand, folded in memory from the store's events, from whichever process wrote them.

There are two ways to ask. ``fresh=True`` first folds what the store has had since: who signed in sees what anybody was
acknowledged a moment ago. ``fresh=False`` answers from memory and leaves the store alone: what everybody may see stays up when
the database is gone, and `LiveOutages.stale_since` tells since when nothing has been heard.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.logs import note
from outages.events import Event, Outage
from outages.lifecycle import OVER, begin, fold, step, when
from outages.store import EventStore, Recorded, StoreError, UnknownOutageError, UnreadableEventError

BATCH = 10_000
"""How many events are read at once, and how many of the newest are kept at hand for those who come back."""

READ_S = 0.5
WAIT_S = 0.1
"""How long `LiveOutages.stop` may take."""
BACK_OFF_S = 1.0
SILENT_S = 5.0
"""After this long without a word the store counts as lost, though nobody was told so."""

_log = logging.getLogger("gridnotice.live")


class UnreadableOutageError(StoreError):
    """An outage with an event that this release does not understand, before which nothing is known of it."""


@dataclass(frozen=True)
class Board:
    """All outages at one moment: going on (the longest first), to come (the next first), over (the latest first); and drafts."""

    current: tuple[Outage, ...]
    planned: tuple[Outage, ...]
    past: tuple[Outage, ...]
    drafts: tuple[Outage, ...]


@dataclass(frozen=True)
class Heard:
    """An event with the outage as it stood after it."""

    position: int
    event: Event
    outage: Outage


Hear = Callable[[Sequence[Heard]], None]


class LiveOutages:
    """Keeps every outage in memory, and follows the store while `follow` is on. Safe to share between threads.

    An outage with an event that cannot be folded stays as it stood before, and `unreadable` says why; all others go on.
    """

    def __init__(self, store: EventStore, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock
        self._outages: dict[str, Outage] = {}
        self._unreadable: dict[str, str] = {}
        self._recent: deque[Heard] = deque(maxlen=BATCH)
        self._floor = 0
        self._position = 0
        self._newest_at: datetime | None = None
        self._caught_up_at: datetime | None = None
        self._lost_at: datetime | None = None
        self._hearers: list[Hear] = []
        self._memory = threading.Lock()  # held for moments, never while the store is asked
        self._reading = threading.Lock()  # held by the one who asks the store
        self._begun = 0
        self._errors = 0
        self._failure: Exception | None = None
        self._stopping = threading.Event()
        self._follower: threading.Thread | None = None

    def get_outage(self, outage_id: str, *, fresh: bool = True) -> Outage:
        """Return one outage; raises UnknownOutageError, and StoreError where it cannot be read or ``fresh`` is not to be had."""
        self._refresh(fresh)
        with self._memory:
            if (outage := self._outages.get(outage_id)) is not None:
                return outage
            if outage_id in self._unreadable:
                raise UnreadableOutageError(self._unreadable[outage_id])
        raise UnknownOutageError(outage_id)

    def list_outages(self, *, fresh: bool = True) -> tuple[Outage, ...]:
        """Return all outages, in the order in which they were entered; raises StoreError where ``fresh`` is not to be had."""
        self._refresh(fresh)
        return self.known_outages()

    def open_outages(self, *, fresh: bool = True) -> tuple[Outage, ...]:
        """Return the outages that are not over, drafts among them."""
        return tuple(outage for outage in self.list_outages(fresh=fresh) if outage.status not in OVER)

    def board(self, now: datetime, *, fresh: bool = True) -> Board:
        """Return all outages, sorted by whether they are going on at ``now``."""
        found: dict[str, list[Outage]] = {"current": [], "planned": [], "past": [], "draft": []}
        for outage in sorted(self.list_outages(fresh=fresh), key=_since):
            found[when(outage, now)].append(outage)
        latest_first = sorted(found["past"], key=lambda outage: outage.changed_at, reverse=True)
        return Board(tuple(found["current"]), tuple(found["planned"]), tuple(latest_first), tuple(found["draft"]))

    def outages_at(self, seqs: Iterable[tuple[str, int]], *, fresh: bool = True) -> list[Outage]:
        """Return outages as they stood at their revision ``seq`` each; raises as `get_outage`, and for a revision to come."""
        self._refresh(fresh)
        return [self._at(self.get_outage(outage_id, fresh=False), seq) for outage_id, seq in seqs]

    def known_outages(self) -> tuple[Outage, ...]:
        """Return all outages that are in memory, also before the store was ever heard; for counting, not for telling."""
        with self._memory:
            return tuple(self._outages.values())

    @property
    def errors(self) -> int:
        """How many times the store could not be read."""
        return self._errors

    @property
    def position(self) -> int:
        """The position of the last event that was taken in."""
        return self._position

    @property
    def newest_at(self) -> datetime | None:
        """The latest time that any event says it was recorded at."""
        return self._newest_at

    @property
    def unreadable(self) -> dict[str, str]:
        """The outages with an event that could not be folded, with the reason."""
        with self._memory:
            return dict(self._unreadable)

    @property
    def caught_up_at(self) -> datetime | None:
        """When the store last said that there is nothing more; None before the first time."""
        return self._caught_up_at

    @property
    def stale_since(self) -> datetime | None:
        """Since when nothing has been heard from the store; None while it answers."""
        if self._lost_at is not None:
            return self._lost_at
        is_silent = self._follower is not None and self.lag_s > SILENT_S
        return self._caught_up_at if is_silent else None

    @property
    def lag_s(self) -> float:
        """Seconds since the store last said that there is nothing more; 0 before the first time."""
        return 0.0 if self._caught_up_at is None else max(0.0, (self._clock() - self._caught_up_at) / timedelta(seconds=1))

    def hear(self, callback: Hear) -> tuple[int, Sequence[Heard]]:
        """Call ``callback`` with what is taken in from now on, in order, from any thread; it must be quick.

        Returns a position, and all that was heard after it before now: the newest of it, `BATCH` at most.
        """
        with self._memory:
            self._hearers.append(callback)
            return self._floor, tuple(self._recent)

    def unhear(self, callback: Hear) -> None:
        """Do not call ``callback`` any more."""
        with self._memory:
            self._hearers.remove(callback)

    def catch_up(self) -> None:
        """Fold what the store has had since the last time; raises StoreError.

        Who comes while another thread reads waits for it; only a reading that began after the question answers it, and it
        answers everybody who asked before.
        """
        asked = self._begun
        with self._reading:
            if self._begun == asked:
                self._begun += 1
                self._failure = self._read()
            if self._failure is not None:
                raise self._failure.with_traceback(None)

    def follow(self) -> None:
        """Take in what comes, from whichever process, until `stop`: within a second, and whatever happens to the store."""
        assert self._follower is None, "it follows already"
        self._stopping.clear()
        self._follower = threading.Thread(target=self._keep_following, name="follower", daemon=True)
        self._follower.start()

    def stop(self) -> None:
        """Follow no longer; returns when the thread has ended."""
        if self._follower is not None:
            self._stopping.set()
            self._follower.join()
            self._follower = None

    def _refresh(self, fresh: bool) -> None:
        # Before the first time, memory holds nothing: "no outage" would be a lie.
        if fresh or self._caught_up_at is None:
            self.catch_up()

    def _at(self, outage: Outage, seq: int) -> Outage:
        before: Outage | None = outage
        while before is not None and before.seq > seq:
            before = before.before
        if before is not None and before.seq == seq:
            return before
        # What was undone is not among what led to the outage of today.
        events = self._store.read(outage.id)
        if not 0 < seq <= len(events):
            raise ValueError(
                f"Outage {outage.id} has {len(events)} revisions, so there is no revision {seq}. Ask for one of them."
            )
        return fold(outage.id, events[:seq])

    def _keep_following(self) -> None:
        pause_s = 0.05
        while not self._stopping.is_set():
            try:
                self.catch_up()
                pause_s = 0.05
                self._wait()
            except Exception as error:  # whatever it is, the next word is waited for
                if error is not self._failure:
                    self._lost(error)
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, BACK_OFF_S)

    def _wait(self) -> None:
        """Return when there is news, or when it is time to see whether the store still answers: a wait does not tell."""
        until = time.monotonic() + READ_S
        while not self._stopping.wait(0.005) and time.monotonic() < until:
            if self._store.wait(self._position, WAIT_S) > self._position:
                return

    def _read(self) -> Exception | None:
        try:
            while self._read_on():
                pass
        except Exception as error:
            self._lost(error)
            return error
        self._found()
        return None

    def _read_on(self) -> bool:
        """Take in what comes next; False where there is nothing."""
        try:
            recorded = self._store.read_since(self._position, limit=BATCH)
        except UnreadableEventError as error:
            with self._memory:
                self._give_up(error)
                self._position = error.position
            return True
        if recorded:
            self._take_in(recorded)
        return bool(recorded)

    def _take_in(self, recorded: Sequence[Recorded]) -> None:
        with self._memory:
            heard = [one for one in map(self._fold, recorded) if one is not None]
            self._position = recorded[-1].position
            if len(self._recent) + len(heard) > BATCH:
                gone = (*self._recent, *heard)[-BATCH - 1]
                self._floor = gone.position
            self._recent.extend(heard)
            for callback in self._hearers:
                callback(heard)

    def _fold(self, one: Recorded) -> Heard | None:
        if one.outage_id in self._unreadable:
            return None
        before = self._outages.get(one.outage_id)
        try:
            _check_next(one, before)
            after = begin(one.outage_id, one.event) if before is None else step(before, one.event)
        except Exception as error:  # written by a newer release, or by a foreign hand: what follows from it is not known
            self._give_up(UnreadableEventError(one.position, one.outage_id, one.seq, error))
            return None
        self._outages[one.outage_id] = after
        self._newest_at = max(self._newest_at or one.event.at, one.event.at)
        return Heard(one.position, one.event, after)

    def _give_up(self, error: UnreadableEventError) -> None:
        if error.outage_id not in self._unreadable:
            self._unreadable[error.outage_id] = str(error)
            # Not what it says: that may quote what people wrote.
            note(_log, logging.ERROR, "outage unreadable", outage=error.outage_id, position=error.position, seq=error.seq)

    def _found(self) -> None:
        with self._memory:
            lost, self._lost_at = self._lost_at, None
            self._caught_up_at = self._clock()
        if lost is not None:
            note(_log, logging.WARNING, "store back", position=self._position, lost_at=lost.isoformat())

    def _lost(self, error: Exception) -> None:
        with self._memory:
            self._errors += 1
            is_known = self._lost_at is not None
            self._lost_at = self._lost_at or self._caught_up_at or self._clock()
        if not is_known:
            note(_log, logging.ERROR, "store lost", position=self._position, says=error)


def _since(outage: Outage) -> datetime:
    return outage.off_at or (outage.in_force or outage.facts).start


def _check_next(one: Recorded, before: Outage | None) -> None:
    expected = 1 if before is None else before.seq + 1
    if one.seq != expected:
        raise ValueError(f"it comes where event {expected} was expected. Was the store changed by hand?")
