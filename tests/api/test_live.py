"""What stands in memory is what the store holds, whoever wrote it, and it stays up when the store is gone."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import live as live_module
from api.live import Heard, LiveOutages, UnreadableOutageError
from outages.events import (
    Approved,
    Cancelled,
    Entered,
    Event,
    Outage,
    Restored,
    Revised,
    Submitted,
    SwitchedOff,
    Undone,
)
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.lifecycle import allowed, fold
from outages.store import EventStore, Recorded, StoreError, UnknownOutageError, open_store
from tests.postgres import Cluster

START = datetime(2026, 5, 1, 0, 0, tzinfo=UTC)
AT = datetime(2026, 4, 20, 8, 30, tzinfo=UTC)
FACTS = OutageFacts("planned", Switching(open=(Operation("S1"),)), (Window(START, START + timedelta(hours=4)),), "线路检修")
ENTERED = Entered(FACTS, AT, "ana")
IN_FORCE = [ENTERED, Submitted(AT, "ana"), Approved(AT, "bo")]


def soon(is_so: Callable[[], bool], *, within_s: float = 1.0) -> None:
    """Wait until something is so; fails where it is not in time."""
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, f"not within {within_s} s"
        time.sleep(0.005)


def starting(start: datetime, *, outage_class: str = "planned") -> OutageFacts:
    return replace(FACTS, outage_class=outage_class, windows=(Window(start, start + timedelta(hours=4)),))


@contextmanager
def following(live: LiveOutages) -> Iterator[LiveOutages]:
    live.follow()
    try:
        yield live
    finally:
        live.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/outages.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture
def opened() -> Iterator[Callable[[str], EventStore]]:
    """Opens stores, and closes them at the end."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(open_store(url)))


Open = Callable[[str], EventStore]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outages.db"


@pytest.fixture
def store(file: Path) -> Iterator[EventStore]:
    store = open_store(f"sqlite:///{file}")
    yield store
    store.close()


class FakeStore:
    """A store in memory that can be taken away."""

    def __init__(self, *events: tuple[str, Event]) -> None:
        self.rows: list[Recorded] = []
        self.is_away = False
        self.reads = 0
        self.before_read: Callable[[], object] = lambda: None
        for outage_id, event in events:
            self.add(outage_id, event)

    def add(self, outage_id: str, event: Event, *, seq: int | None = None) -> None:
        given = sum(1 for row in self.rows if row.outage_id == outage_id) + 1
        self.rows.append(Recorded(len(self.rows) + 1, outage_id, seq or given, event))

    def read_since(self, position: int = 0, *, limit: int | None = None) -> list[Recorded]:
        self.reads += 1
        self.before_read()
        if self.is_away:
            raise StoreError("the store is away")
        return self.rows[position:][:limit]

    def read(self, outage_id: str) -> tuple[Event, ...]:
        return tuple(row.event for row in self.rows if row.outage_id == outage_id)

    def wait(self, position: int, timeout_s: float) -> int:
        until = time.monotonic() + timeout_s
        while len(self.rows) <= position and time.monotonic() < until:
            time.sleep(0.005)
        return len(self.rows)


def live_on(store: FakeStore, **options: object) -> LiveOutages:
    return LiveOutages(store, **options)  # type: ignore[arg-type]


# What is asked.


def test_every_outage_stands_as_its_events_make_it(store: EventStore) -> None:
    store.append("a", 0, IN_FORCE)
    store.append("b", 0, [ENTERED])
    live = LiveOutages(store)
    assert live.list_outages() == (fold("a", IN_FORCE), fold("b", [ENTERED]))
    assert live.get_outage("a").status == "approved"
    assert live.position == 4


def test_an_unknown_outage_is_named(store: EventStore) -> None:
    with pytest.raises(UnknownOutageError, match="no outage '404'"):
        LiveOutages(store).get_outage("404")


def test_open_are_those_that_are_not_over() -> None:
    store = FakeStore(("draft", ENTERED), ("gone", ENTERED), ("gone", Cancelled(AT, "ana", "rain")))
    assert [outage.id for outage in live_on(store).open_outages()] == ["draft"]


def test_the_board_sorts_by_what_is_in_force() -> None:
    hour = timedelta(hours=1)
    store = FakeStore(("draft", Entered(starting(START), AT, "ana")))
    for outage_id, start in (
        ("late", START + hour),
        ("early", START - 2 * hour),
        ("mid", START - hour),
        ("next", START + 2 * hour),
    ):
        store.add(outage_id, Entered(starting(start), AT, "ana", approved=True))
    store.add("fault", Entered(starting(START, outage_class="fault"), AT, "ana"))
    store.add("fault", SwitchedOff(START - 5 * hour, START, "ana"))
    # A change that nobody has approved yet moves nothing.
    store.add("next", Revised(starting(START - 9 * hour), AT, "ana"))
    for number, outage_id in enumerate(("over", "over later")):
        store.add(outage_id, Entered(starting(START - hour), AT, "ana", approved=True))
        store.add(outage_id, Restored(START, START + number * hour, "ana"))
    board = live_on(store).board(START)
    assert [outage.id for outage in board.current] == ["fault", "early", "mid"]
    assert [outage.id for outage in board.planned] == ["late", "next"]
    assert [outage.id for outage in board.past] == ["over later", "over"]
    assert [outage.id for outage in board.drafts] == ["draft"]


def test_a_revision_of_the_past_is_found_also_where_it_was_undone() -> None:
    events: list[Event] = [*IN_FORCE, SwitchedOff(AT, AT, "ana"), Undone(4, AT, "ana"), Cancelled(AT, "ana", "rain")]
    store = FakeStore(*(("a", event) for event in events))
    live = live_on(store)
    assert live.outages_at(("a", seq) for seq in range(1, 7)) == [fold("a", events[:seq]) for seq in range(1, 7)]


@pytest.mark.parametrize("seq", [0, -1, 2, 99])
def test_a_revision_that_never_was_is_refused(seq: int) -> None:
    with pytest.raises(ValueError, match=f"has 1 revisions, so there is no revision {seq}"):
        live_on(FakeStore(("a", ENTERED))).outages_at([("a", seq)])


LETTERS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LETTERS)
def test_whatever_happens_every_revision_is_found_as_it_stood(choices: list[tuple[str, int]]) -> None:
    store, live_store = FakeStore(), FakeStore()
    live = live_on(live_store)
    for outage_id, choice in choices:
        event = _some_event(store.read(outage_id), outage_id, choice)
        store.add(outage_id, event)
        live_store.add(outage_id, event)
        live.catch_up()  # one by one, not all at once
    for outage in live.list_outages():
        events = store.read(outage.id)
        assert live.outages_at((outage.id, seq) for seq in range(1, len(events) + 1)) == [
            fold(outage.id, events[:seq]) for seq in range(1, len(events) + 1)
        ]


def _some_event(events: tuple[Event, ...], outage_id: str, choice: int) -> Event:
    if not events:
        return ENTERED
    outage = fold(outage_id, events)
    made: dict[str, Event] = {
        "revised": Revised(FACTS, AT, "ana"),
        "submitted": Submitted(AT, "ana"),
        "approved": Approved(AT, "bo"),
        "switched_off": SwitchedOff(AT, AT, "ana"),
        "cancelled": Cancelled(AT, "ana", "rain"),
        "undone": Undone(outage.last_seq, AT, "ana"),
    }
    possible = [kind for kind in allowed(outage) if kind in made]
    return made[possible[choice % len(possible)]]


# Fresh, and from memory.


def test_fresh_sees_what_was_acknowledged_a_moment_ago_elsewhere(url: str, opened: Open) -> None:
    ours, theirs = opened(url), opened(url)
    live = LiveOutages(ours)
    assert live.list_outages() == ()
    for number in range(5):
        theirs.append(str(number), 0, [ENTERED])
        assert live.get_outage(str(number)).status == "draft"


def test_from_memory_the_store_is_left_alone() -> None:
    store = FakeStore(("a", ENTERED))
    live = live_on(store)
    live.catch_up()
    store.add("b", ENTERED)
    reads, store.is_away = store.reads, True
    assert [outage.id for outage in live.list_outages(fresh=False)] == ["a"]
    assert live.get_outage("a", fresh=False).id == "a"
    assert len(live.board(START, fresh=False).drafts) == len(live.open_outages(fresh=False)) == 1
    assert store.reads == reads
    with pytest.raises(StoreError):
        live.list_outages()


def test_before_the_store_was_ever_heard_nobody_is_told_that_there_is_no_outage() -> None:
    store = FakeStore(("a", ENTERED))
    store.is_away = True
    with pytest.raises(StoreError):
        live_on(store).board(START, fresh=False)


def test_memory_says_since_when_it_is_stale() -> None:
    now = [START]
    store = FakeStore(("a", ENTERED))
    live = live_on(store, clock=lambda: now[0])
    assert live.caught_up_at is None
    live.catch_up()
    now[0] += timedelta(minutes=3)
    store.is_away = True
    for _ in range(2):
        with pytest.raises(StoreError):
            live.catch_up()
    assert live.stale_since == live.caught_up_at == START
    assert live.lag_s == 180
    assert live.errors == 2
    store.is_away = False
    live.catch_up()
    assert live.stale_since is None
    assert live.lag_s == 0


def test_a_store_that_says_nothing_counts_as_lost_though_it_raises_nothing() -> None:
    now, hung = [START], threading.Event()
    store = FakeStore(("a", ENTERED))
    live = live_on(store, clock=lambda: now[0])
    live.catch_up()
    store.before_read = hung.wait
    live.follow()
    now[0] += timedelta(seconds=6)
    assert live.stale_since == START
    assert live.list_outages(fresh=False)[0].id == "a"  # whoever asks memory is not held up
    hung.set()
    live.stop()


def test_many_who_ask_at_once_share_a_reading_and_nobody_gets_an_older_one() -> None:
    store = FakeStore()
    live = live_on(store)
    is_wrong, entered = [], threading.Event()

    def slow() -> None:
        entered.set()
        time.sleep(0.05)

    store.before_read = slow
    first = threading.Thread(target=live.catch_up)
    first.start()
    entered.wait()
    store.add("a", ENTERED)  # after the first reading began: the first need not see it, all others must

    def ask() -> None:
        if not live.list_outages():
            is_wrong.append(1)

    others = [threading.Thread(target=ask) for _ in range(20)]
    for thread in others:
        thread.start()
    for thread in (first, *others):
        thread.join()
    assert not is_wrong
    assert store.reads < 8


# Following.


def test_two_processes_see_each_other_within_a_second(url: str, opened: Open) -> None:
    stores = opened(url), opened(url)
    lives = [LiveOutages(store) for store in stores]
    with following(lives[0]), following(lives[1]):
        for round_ in range(3):
            for ours, other in ((0, 1), (1, 0)):
                outage_id = f"{round_}-{ours}"
                stores[ours].append(outage_id, 0, [ENTERED])
                soon(lambda: outage_id in [outage.id for outage in lives[other].list_outages(fresh=False)])  # noqa: B023


def test_a_database_that_goes_away_and_comes_back_is_followed_again(
    cluster: Cluster, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    url = cluster.new_database()
    store, other = opened(url), opened(url)
    live = LiveOutages(store)
    store.append("before", 0, [ENTERED])
    with following(live), caplog.at_level(logging.WARNING, "gridnotice.live"):
        soon(lambda: live.position == 1 and live.caught_up_at is not None)
        for number in range(1, 3):
            cluster.stop()
            soon(lambda: live.stale_since is not None, within_s=3)
            assert live.get_outage("before", fresh=False).id == "before"
            with pytest.raises(StoreError):
                live.get_outage("before")
            cluster.start()
            soon(lambda: live.stale_since is None, within_s=3)
            other.append(f"after {number}", 0, [ENTERED])
            soon(lambda: live.position == 1 + number)  # noqa: B023
    said = [record.getMessage() for record in caplog.records if record.name == "gridnotice.live"]
    assert said == 2 * ["store lost", "store back"]


def test_a_lost_store_is_asked_less_and_less_often_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    store = FakeStore(("a", ENTERED))
    store.is_away = True
    with caplog.at_level(logging.WARNING, "gridnotice.live"), following(live_on(store)) as live:
        time.sleep(1.0)
        assert 3 <= store.reads <= 6
        store.is_away = False
        soon(lambda: live.position == 1, within_s=1.2)
    assert [record.getMessage() for record in caplog.records] == ["store lost", "store back"]


def test_an_idle_follower_asks_only_now_and_then() -> None:
    store = FakeStore()
    with following(live_on(store)):
        time.sleep(1.0)
    assert store.reads <= 4


def test_stopping_ends_the_thread_and_following_begins_anew() -> None:
    store = FakeStore()
    live = live_on(store)
    for number in range(1, 4):
        with following(live):
            store.add(str(number), ENTERED)
            soon(lambda: live.position == number)  # noqa: B023
        assert "follower" not in [thread.name for thread in threading.enumerate()]


# What cannot be read.


def _insert(file: Path, outage_id: str, seq: int, kind: str, body: str = "{}") -> None:
    with sqlite3.connect(file) as connection:
        position = connection.execute("SELECT coalesce(max(position), 0) + 1 FROM events").fetchone()[0]
        at = AT.replace(tzinfo=None).isoformat(" ", "microseconds")
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", (position, outage_id, seq, kind, body, at, "x"))
    connection.close()


@pytest.mark.parametrize(
    ("seq", "kind", "body"),
    [
        (2, "teleported", '{"to": "Mars"}'),  # of a newer release
        (2, "switched_off", "{}"),  # a field is missing
        (2, "switched_off", '{"off_at": "yesterday"}'),
        (2, "approved", '{"why": ""}'),  # does not follow
        (2, "entered", '{"facts": 7}'),
        (7, "cancelled", '{"why": "rain"}'),  # something before it is missing
    ],
)
def test_an_event_that_cannot_be_folded_stops_only_its_own_outage(
    store: EventStore, file: Path, caplog: pytest.LogCaptureFixture, seq: int, kind: str, body: str
) -> None:
    live = LiveOutages(store)
    store.append("bad", 0, [ENTERED])
    _insert(file, "bad", seq, kind, body)
    _insert(file, "bad", seq + 1, "cancelled", '{"why": "rain"}')
    store.append("good", 0, [ENTERED])
    assert [outage.id for outage in live.list_outages()] == ["bad", "good"]
    assert live.get_outage("bad").status == "draft"  # as it last stood
    assert list(live.unreadable) == ["bad"]
    assert live.position == 4
    assert [record.getMessage() for record in caplog.records] == ["outage unreadable"]
    assert "Mars" not in caplog.text


def test_all_other_outages_go_on(store: EventStore, file: Path) -> None:
    live = LiveOutages(store)
    store.append("good", 0, [ENTERED])
    _insert(file, "new", 1, "teleported")
    _insert(file, "good", 2, "cancelled", '{"why": "rain"}')
    assert live.get_outage("good").status == "cancelled"
    with pytest.raises(UnreadableOutageError, match=r"outage new \(position 2\) cannot be read: event 'teleported' is not known"):
        live.get_outage("new")


# Who listens.


def test_whoever_hears_gets_everything_once_in_order_from_any_thread(url: str, opened: Open) -> None:
    ours, theirs = opened(url), opened(url)
    live, heard = LiveOutages(ours), list[Heard]()
    ours.append("before", 0, [ENTERED])
    live.catch_up()
    floor, recent = live.hear(heard.extend)
    assert (floor, [one.outage for one in recent]) == (0, [fold("before", [ENTERED])])
    with following(live):
        writers = [threading.Thread(target=_write, args=(store, live, name)) for store in (ours, theirs) for name in "ab"]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        soon(lambda: len(heard) == 40)
    assert [one.position for one in heard] == list(range(2, 42))
    live.unhear(heard.extend)
    ours.append("after", 0, [ENTERED])
    live.catch_up()
    assert len(heard) == 40


def _write(store: EventStore, live: LiveOutages, name: str) -> None:
    for number in range(10):
        store.append(f"{id(store)}-{name}-{number}", 0, [ENTERED])
        live.catch_up()


def test_only_the_newest_are_kept_for_those_who_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "BATCH", 10)
    store = FakeStore(*((str(number), ENTERED) for number in range(27)))
    live = live_on(store)
    live.catch_up()
    floor, recent = live.hear(lambda heard: None)
    assert [one.position for one in recent] == list(range(18, 28))
    assert floor == 17


def test_an_outage_is_the_same_value_for_all(store: EventStore) -> None:
    store.append("a", 0, [ENTERED])
    live = LiveOutages(store)
    found: Outage = live.get_outage("a")
    assert live.get_outage("a") is found
