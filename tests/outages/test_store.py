"""One contract for both stores: nothing is lost, nobody overwrites anybody, nothing is changed or deleted."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.audit import verify_audit
from outages.events import Entered, Event, Outage, Undone
from outages.failures import StoreError
from outages.lifecycle import TransitionError, fold
from outages.store import Command, EventStore, KeyReusedError, Recorded, StaleWriteError, UnknownOutageError, open_store
from tests.outages.course import AT, CANCELLED, COURSE, ENTERED, FACTS, REVISED, impact
from tests.postgres import Cluster


def test_what_is_appended_is_read_back_as_it_was(store: EventStore) -> None:
    outage = store.append("7", 0, COURSE)
    assert store.read("7") == COURSE
    assert outage == fold("7", COURSE)


def test_times_are_kept_to_the_microsecond_in_utc(store: EventStore) -> None:
    here = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    store.append("7", 0, [Entered(FACTS, here, "control")])
    [event] = store.read("7")
    assert event.at == AT
    assert event.at.tzinfo is UTC


def test_events_of_all_outages_come_in_the_order_of_commits(store: EventStore) -> None:
    store.append("a", 0, [ENTERED])
    store.append("b", 0, [ENTERED])
    store.append("a", 1, [REVISED, CANCELLED])
    recorded = store.read_since()
    assert recorded == [
        Recorded(1, "a", 1, ENTERED),
        Recorded(2, "b", 1, ENTERED),
        Recorded(3, "a", 2, REVISED),
        Recorded(4, "a", 3, CANCELLED),
    ]
    assert store.read_since(2) == recorded[2:]
    assert store.read_since(1, limit=2) == recorded[1:3]
    assert store.read_since(4) == []
    assert store.position() == 4


@pytest.mark.parametrize("count", [2, 63, 64, 65, 200])
def test_any_number_of_events_goes_in_at_once(store: EventStore, count: int) -> None:
    store.append("first", 0, [ENTERED])
    outage = store.append("7", 0, [ENTERED, *[REVISED] * (count - 1)], command=Command("k", "d"), kept=[impact("7", count)])
    assert outage.seq == count
    assert [(one.position, one.seq) for one in store.read_since(1)] == [(seq + 1, seq) for seq in range(1, count + 1)]
    assert store.find_command(Command("k", "d")) == outage
    assert verify_audit(store.database).problems == ()


def test_an_empty_store_is_at_position_nought(store: EventStore) -> None:
    assert store.position() == 0
    assert store.read_since() == []


def test_a_stale_writer_is_told_the_newer_state(store: EventStore) -> None:
    store.append("7", 0, [ENTERED])
    store.append("7", 1, [CANCELLED])
    with pytest.raises(StaleWriteError, match=r"is at revision 2 \(cancelled\).*made on revision 1") as caught:
        store.append("7", 1, [REVISED])
    assert caught.value.newer == fold("7", [ENTERED, CANCELLED])
    assert len(store.read("7")) == 2


def test_what_another_process_appended_is_known_at_once(opened: Callable[[], EventStore]) -> None:
    """Each remembers the outages that it has seen: what the other writes must make it look again."""
    one, other = opened(), opened()
    one.append("7", 0, [ENTERED])
    assert other.append("7", 1, [REVISED]).seq == 2
    with pytest.raises(StaleWriteError, match="revision 2"):
        one.append("7", 1, [CANCELLED])
    assert one.append("7", 2, [CANCELLED]) == fold("7", [ENTERED, REVISED, CANCELLED])
    with pytest.raises(TransitionError):
        other.append("7", 3, [REVISED])


def test_an_id_is_given_once(store: EventStore) -> None:
    store.append("7", 0, [ENTERED])
    with pytest.raises(StaleWriteError):
        store.append("7", 0, [ENTERED])


def test_an_event_that_is_not_allowed_leaves_nothing_behind(store: EventStore) -> None:
    with pytest.raises(TransitionError):
        store.append("7", 0, [ENTERED, CANCELLED, CANCELLED], command=Command("k", "d"), kept=[impact("7", 1)])
    assert store.read_since() == []
    assert store.find_command(Command("k", "d")) is None
    assert store.find_impact("7", 9) is None
    assert verify_audit(store.database).count == 0


@pytest.mark.parametrize("use", ["read", "append", "append nothing"])
def test_an_unknown_outage_is_named(store: EventStore, use: str) -> None:
    uses: dict[str, Callable[[], object]] = {
        "read": lambda: store.read("404"),
        "append": lambda: store.append("404", 3, [CANCELLED]),
        "append nothing": lambda: store.append("404", 0, []),
    }
    with pytest.raises(UnknownOutageError, match="no outage '404'"):
        uses[use]()


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d"])
@pytest.mark.parametrize("field", ["id", "by", "key"])
def test_what_is_no_text_is_refused_alike_by_both(store: EventStore, text: str, field: str) -> None:
    event = Entered(FACTS, AT, text if field == "by" else "control")
    with pytest.raises(StoreError, match="Write it without"):
        store.append(text if field == "id" else "7", 0, [event], command=Command(text if field == "key" else "k", "d"))
    assert store.position() == 0


def test_any_text_that_is_text_is_kept(store: EventStore) -> None:
    strange = "线路 \U0001f4a1 ' \" \\ %s ? :x \u202e\u0001"
    store.append(strange, 0, [Entered(FACTS, AT, strange, strange)], command=Command(strange, strange))
    assert store.read(strange) == (Entered(FACTS, AT, strange, strange),)
    assert store.find_command(Command(strange, strange)) is not None
    assert verify_audit(store.database).problems == ()


def test_a_repeated_command_answers_what_the_first_did(store: EventStore) -> None:
    first = store.append("7", 0, [ENTERED], command=Command("key-1", "digest"))
    store.append("7", 1, [CANCELLED])
    assert store.append("8", 0, [ENTERED], command=Command("key-1", "digest")) == first
    assert store.find_command(Command("key-1", "digest")) == first
    assert len(store.read_since()) == 2


def test_a_key_used_for_another_command_is_refused(store: EventStore) -> None:
    store.append("7", 0, [ENTERED], command=Command("key-1", "one"))
    other = Command("key-1", "other")
    with pytest.raises(KeyReusedError, match="Use a new key"):
        store.append("8", 0, [ENTERED], command=other)
    with pytest.raises(KeyReusedError, match="it changed outage 7"):
        store.find_command(other)
    assert len(store.read_since()) == 1


def test_opening_again_finds_everything(opened: Callable[[], EventStore]) -> None:
    opened().append("7", 0, [ENTERED])
    second = opened()
    assert second.read("7") == (ENTERED,)
    second.append("7", 1, [CANCELLED])
    assert opened().read("7") == (ENTERED, CANCELLED)


_REWRITES = [
    "UPDATE events SET recorded_by = 'nobody'",
    "DELETE FROM events",
    "UPDATE commands SET digest = ''",
    "DELETE FROM commands",
    "UPDATE audit SET what = ''",
    "DELETE FROM audit",
]


@pytest.mark.parametrize("statement", _REWRITES)
def test_the_database_itself_refuses_to_rewrite_the_past(store: EventStore, url: str, statement: str) -> None:
    store.append("7", 0, [ENTERED], command=Command("k", "d"))
    other: Any = sqlite3.connect(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else psycopg.connect(url)
    with closing(other), pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="append-only"):
        other.execute(statement)
    assert store.read("7") == (ENTERED,)


@pytest.mark.parametrize("table", ["events", "commands", "audit"])
def test_postgresql_refuses_to_empty_a_table(cluster: Cluster, table: str) -> None:
    address = cluster.new_database()
    with (
        closing(open_store(address)),
        psycopg.connect(address) as other,
        pytest.raises(psycopg.IntegrityError, match="append-only"),
    ):
        other.execute(f"TRUNCATE {table}")


class TestImpacts:
    def test_the_newest_at_or_before_a_revision_is_found(self, store: EventStore) -> None:
        store.append("7", 0, [ENTERED], kept=[impact("7", 1, b"first")])
        store.append("7", 1, [REVISED, REVISED], kept=[impact("7", 3, b"third")])
        found = {seq: store.find_impact("7", seq) for seq in range(5)}
        first, third = impact("7", 1, b"first"), impact("7", 3, b"third")
        assert found == {0: None, 1: first, 2: first, 3: third, 4: third}
        assert store.find_impact("8", 1) is None

    def test_one_kept_later_for_the_same_revision_wins(self, store: EventStore) -> None:
        """Another outage may change what a revision means."""
        store.append("7", 0, [ENTERED], kept=[impact("7", 1, b"alone")])
        store.append("8", 0, [ENTERED], kept=[impact("8", 1), impact("7", 1, b"beside 8")])
        assert store.find_impact("7", 1) == impact("7", 1, b"beside 8")

    def test_they_may_be_kept_with_no_event(self, store: EventStore) -> None:
        before = store.append("7", 0, [ENTERED])
        assert store.append("7", 1, [], kept=[impact("7", 1)]) == before
        assert store.find_impact("7", 1) == impact("7", 1)
        assert store.position() == 1


class TestNetworks:
    def test_one_is_read_back_part_by_part(self, store: EventStore) -> None:
        store.keep_network("v1", {"name": "北区"}, iter([b"\x00one", b"", b"three" * 10_000]))
        found = store.find_network("v1")
        assert found is not None
        assert found[0] == {"name": "北区"}
        assert list(found[1]) == [b"\x00one", b"", b"three" * 10_000]
        assert store.find_network("v2") is None

    def test_the_same_version_is_kept_once(self, store: EventStore) -> None:
        for name in ("first", "second"):
            store.keep_network("v1", {"name": name}, [b"part"])
        store.keep_network("v0", {"name": "other"}, [])
        assert list(store.list_networks().items()) == [("v1", {"name": "first"}), ("v0", {"name": "other"})]

    def test_one_that_breaks_off_is_not_there(self, store: EventStore) -> None:
        def parts() -> Iterator[bytes]:
            yield b"one"
            raise OSError("the file is gone")

        with pytest.raises(OSError, match="gone"):
            store.keep_network("v1", {}, parts())
        assert store.find_network("v1") is None
        store.keep_network("v1", {}, [b"whole"])
        assert list(store.find_network("v1")[1]) == [b"whole"]  # type: ignore[index]


_KINDS: dict[str, Event] = {event.kind: event for event in (*COURSE, REVISED, CANCELLED)} | {
    f"undone {seq}": Undone(seq, AT, "control", "a slip") for seq in (1, 2, 3)
}
_COMMANDS = st.tuples(
    st.sampled_from("abc"),
    st.lists(st.sampled_from(sorted(_KINDS)), min_size=1, max_size=2),
    st.integers(0, 4),
    st.none() | st.integers(0, 5),
)
_REFUSALS = (StaleWriteError, TransitionError, UnknownOutageError, KeyReusedError)


def _outcome(store: EventStore, prefix: str, command: tuple[str, list[str], int, int | None]) -> Outage | str:
    name, kinds, seq, key = command
    asked = None if key is None else Command(f"{prefix}-{key}", f"{name} {kinds} {seq}")
    try:
        return store.append(f"{prefix}-{name}", seq, [_KINDS[kind] for kind in kinds], command=asked)
    except _REFUSALS as error:
        return f"{type(error).__name__}: {error}"


def test_any_commands_have_the_same_outcome_in_both_stores_and_fold_to_it(cluster: Cluster) -> None:
    """Some commands are stale, some not allowed, some repeats, some right; what was answered makes up the whole truth."""
    prefixes = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        stores = [open_store(f"sqlite:///{folder}/outages.db"), open_store(cluster.new_database())]

        @settings(max_examples=60, deadline=None)
        @given(st.lists(_COMMANDS, max_size=20))
        def check(commands: list[tuple[str, list[str], int, int | None]]) -> None:
            prefix = str(next(prefixes))
            since = stores[0].position()
            outcomes, others = ([_outcome(store, prefix, command) for command in commands] for store in stores)
            assert outcomes == others
            _check_truth(stores, since, [outcome for outcome in outcomes if isinstance(outcome, Outage)])

        check()
        verified = [verify_audit(store.database) for store in stores]
        assert verified[0] == verified[1]
        assert verified[0].problems == ()
        for store in stores:
            store.close()


def _check_truth(stores: list[EventStore], since: int, answered: list[Outage]) -> None:
    recorded = stores[0].read_since(since)
    assert recorded == stores[1].read_since(since)
    events: dict[str, list[Event]] = {}
    for one in recorded:
        events.setdefault(one.outage_id, []).append(one.event)
        assert one.seq == len(events[one.outage_id])
    newest = {outage.id: outage for outage in sorted(answered, key=lambda outage: outage.seq)}
    assert {outage_id: fold(outage_id, entries) for outage_id, entries in events.items()} == newest
    assert all(fold(outage.id, events[outage.id][: outage.seq]) == outage for outage in answered)


def test_every_commit_of_sqlite_is_synced_to_disk(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/outages.db")) as store, store.database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL


def test_every_commit_of_postgresql_is_synced_to_disk_even_where_the_server_would_not(cluster: Cluster) -> None:
    address = cluster.new_database()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {address.rpartition('/')[2]} SET synchronous_commit = off")
    with closing(open_store(address)) as store, store.database.writing() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
