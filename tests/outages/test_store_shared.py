"""Many at once: threads, processes, readers that wait, and processes that are killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from outages.audit import verify_audit
from outages.events import Entered, Revised
from outages.failures import StoreError
from outages.lifecycle import TransitionError
from outages.store import Command, EventStore, StaleWriteError, open_store
from tests.outages.course import AT, CANCELLED, ENTERED, FACTS, REVISED
from tests.postgres import Cluster


def _at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Return what ``work`` returned or raised in each of so many threads that begin together."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_racing_writers_one_wins_and_the_others_are_told(store: EventStore) -> None:
    store.append("7", 0, [ENTERED])
    outcomes = _at_once(32, lambda number: store.append("7", 1, [Revised(FACTS, AT, f"writer {number}")]))
    stale = [outcome for outcome in outcomes if isinstance(outcome, StaleWriteError)]
    assert len(stale) == 31
    [winner] = [f"writer {number}" for number, outcome in enumerate(outcomes) if outcome not in stale]
    assert [event.by for event in store.read("7")][1:] == [winner]
    assert {(error.newer.seq, error.newer.facts_by) for error in stale} == {(2, winner)}


def test_of_racing_stores_one_wins_each_revision(opened: Callable[[], EventStore]) -> None:
    """Four stores on one database, as four processes would have; each tries until it has added five."""
    stores = [opened() for _ in range(4)]
    stores[0].append("7", 0, [ENTERED])

    def add_five(number: int) -> list[int]:
        seqs: list[int] = []
        while len(seqs) < 5:
            seq = len(stores[number].read("7"))
            try:
                seqs.append(stores[number].append("7", seq, [REVISED]).seq)
            except StaleWriteError:
                continue
        return seqs

    won = _at_once(4, add_five)
    assert sorted(seq for seqs in won for seq in seqs) == list(range(2, 22))
    assert verify_audit(stores[0].database).problems == ()


def test_a_command_that_comes_often_at_once_is_carried_out_once(store: EventStore) -> None:
    outcomes = _at_once(16, lambda number: store.append(f"id-{number}", 0, [ENTERED], command=Command("k", "d")))
    assert len({outcome.id for outcome in outcomes}) == 1
    assert store.position() == 1


def test_those_who_come_while_the_disk_is_busy_share_one_commit_and_a_refused_one_fails_alone(store: EventStore) -> None:
    store.append("old", 0, [ENTERED])
    commits = 0
    carry_out = store._appends._carry_out

    def counted(turns: Any) -> None:
        nonlocal commits
        commits += 1
        carry_out(turns)

    store._appends._carry_out = counted  # type: ignore[method-assign]
    asked: list[Callable[[], object]] = [
        lambda number=number: store.append(f"new-{number}", 0, [ENTERED]) for number in range(20)
    ]
    asked += [lambda: store.append("old", 0, [ENTERED]), lambda: store.append("bad", 0, [CANCELLED])]
    with ThreadPoolExecutor(len(asked)) as pool:
        with store.database.writing():
            running = [pool.submit(one) for one in asked]
            while len(store._appends._waiting) < len(asked) - 1:  # one leads, and waits for its turn to write
                time.sleep(0.01)
        errors = [future.exception() for future in running]
    assert errors[:20] == [None] * 20
    assert [type(error) for error in errors[20:]] == [StaleWriteError, TransitionError]
    assert commits == 2
    assert {one.outage_id for one in store.read_since()} == {"old", *(f"new-{number}" for number in range(20))}
    assert verify_audit(store.database).problems == ()


def test_a_commit_that_fails_fails_for_everyone_and_the_next_succeeds(store: EventStore) -> None:
    broken = threading.Event()
    broken.set()
    writing = store.database.writing

    @contextmanager
    def failing() -> Iterator[Connection]:
        with writing() as connection:
            yield connection
            if broken.is_set():
                raise StoreError("the disk is full")

    store.database.writing = failing  # type: ignore[method-assign]
    outcomes = _at_once(8, lambda number: store.append(f"{number}", 0, [ENTERED], command=Command(f"{number}", "d")))
    assert [str(outcome) for outcome in outcomes] == ["the disk is full"] * 8
    assert len(set(map(id, outcomes))) == 8
    assert store.position() == 0
    broken.clear()
    assert [outcome.seq for outcome in _at_once(8, lambda number: store.append(f"{number}", 0, [ENTERED]))] == [1] * 8


def test_an_interrupted_leader_leaves_nobody_waiting(store: EventStore) -> None:
    carry_out = store._appends._carry_out

    def interrupted(turns: Any) -> None:
        store._appends._carry_out = carry_out  # type: ignore[method-assign]
        raise KeyboardInterrupt

    store._appends._carry_out = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        store.append("7", 0, [ENTERED])
    assert store.append("7", 0, [ENTERED]).seq == 1


def test_a_failure_within_sqlalchemy_is_explained_too(store: EventStore) -> None:
    with pytest.raises(StoreError, match=r"refused|cannot be used") as caught, store.database.writing() as connection:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")
    assert isinstance(caught.value.__cause__, Exception)
    assert not isinstance(caught.value, OperationalError)
    assert store.append("7", 0, [ENTERED]).seq == 1


_WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from outages.events import Entered
from outages.store import open_store
from tests.outages.course import ENTERED

store = open_store(sys.argv[1])
for number in range(int(sys.argv[3])):
    store.append(f"{sys.argv[2]}-{number}", 0, [ENTERED])
    print(f"{sys.argv[2]}-{number}", flush=True)
store.close()
"""


def _writer(url: str, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, url, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_reader_misses_nothing_while_processes_append(store: EventStore, url: str) -> None:
    """Three processes append at once; who goes on from the last position that was read sees every event once, in order."""
    writers = [_writer(url, f"w{number}", 60) for number in range(3)]
    seen: list[int] = []
    names: set[str] = set()
    while len(seen) < 180:
        store.wait(seen[-1] if seen else 0, 20)
        fresh = store.read_since(seen[-1] if seen else 0)
        assert fresh, f"nothing new for 20 s after {len(seen)} events"
        seen += [one.position for one in fresh]
        names |= {one.outage_id for one in fresh}
    for writer in writers:
        assert writer.communicate()[0].count("\n") == 60
        assert writer.returncode == 0
    assert seen == list(range(1, 181))
    assert names == {f"w{number}-{count}" for number in range(3) for count in range(60)}
    assert verify_audit(store.database).problems == ()


def test_nothing_acknowledged_is_lost_when_writers_are_killed(url: str) -> None:
    """Two processes write to one store and are killed with SIGKILL in the middle, twice over."""
    acknowledged: set[str] = set()
    open_store(url).close()
    for attempt in ("first", "second"):
        writers = [_writer(url, f"{attempt}{number}", 1_000_000) for number in (1, 2)]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged.update(writer.stdout.readline().strip() for _ in range(40))
        for writer in writers:
            writer.kill()
            rest, _ = writer.communicate()
            acknowledged.update(rest.split("\n")[:-1])
    store = open_store(url)
    kept = [one.outage_id for one in store.read_since()]
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    # At most the one append that each killed writer had under way was kept without having been acknowledged.
    assert len(set(kept) - acknowledged) <= 4
    assert store.append("after", 0, [ENTERED]).seq == 1
    assert verify_audit(store.database).problems == ()
    store.close()


class TestWaiting:
    def test_it_ends_at_once_where_there_is_something_newer(self, store: EventStore) -> None:
        store.append("7", 0, [ENTERED])
        began = time.monotonic()
        assert store.wait(0, 30) == 1
        assert time.monotonic() - began < 5

    def test_it_ends_at_the_time_out_where_nothing_comes(self, store: EventStore) -> None:
        store.append("7", 0, [ENTERED])
        began = time.monotonic()
        assert store.wait(1, 0.3) == 1
        assert 0.3 <= time.monotonic() - began < 5

    @pytest.mark.parametrize("writer", ["same store", "another store"])
    def test_it_ends_when_an_event_comes(self, opened: Callable[[], EventStore], writer: str) -> None:
        store = opened()
        writes = store if writer == "same store" else opened()
        with ThreadPoolExecutor(5) as pool:
            waiting = [pool.submit(store.wait, 0, 30) for _ in range(5)]
            time.sleep(0.3)
            began = time.monotonic()
            writes.append("7", 0, [ENTERED])
            assert [one.result() for one in waiting] == [1] * 5
        assert time.monotonic() - began < 1

    def test_closing_the_store_wakes_everybody(self, url: str) -> None:
        store = open_store(url)
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(store.wait, 0, 60) for _ in range(3)]
            time.sleep(0.2)
            began = time.monotonic()
            store.close()
            assert [one.result() for one in waiting] == [0] * 3
        assert time.monotonic() - began < 5

    def test_it_outlives_a_database_that_goes_and_comes_back(self, fragile: Cluster) -> None:
        address = fragile.new_database()
        store, other = open_store(address), open_store(address)
        assert store.wait(0, 0.1) == 0
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(store.wait, 0, 60)
            fragile.stop("immediate")
            assert store.wait(0, 0.3) == 0  # away is no answer to "is there anything new"
            fragile.start()
            other.append("7", 0, [Entered(FACTS, AT, "control")])
            assert waiting.result() == 1
        store.close()
        other.close()
