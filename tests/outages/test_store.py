"""What was acknowledged is there after any crash; nobody overwrites anybody; nothing is changed or deleted."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.events import Cancelled, Entered, Event, Operation, Outage, OutageFacts, Restored, Revised, Switching
from outages.lifecycle import TransitionError, fold
from outages.store import (
    Command,
    EventStore,
    KeyReusedError,
    StaleWriteError,
    StoreError,
    UnknownOutageError,
    open_store,
)

START = datetime(2026, 5, 1, 0, 0, tzinfo=UTC)
AT = datetime(2026, 4, 20, 8, 30, 15, 123456, tzinfo=UTC)
FACTS = OutageFacts("planned", Switching(open=(Operation("S1", "AB"),)), START, START + timedelta(hours=4), "线路检修")
ENTERED = Entered(FACTS, AT, "control")
CANCELLED = Cancelled("rain", AT, "control")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = open_store(f"sqlite:///{tmp_path}/outages.db")
    yield store
    store.close()


def test_what_is_appended_is_read_back_as_it_was(store: EventStore) -> None:
    outage = store.append("7", 0, [ENTERED, CANCELLED])
    assert store.read("7") == (ENTERED, CANCELLED)
    assert outage == fold("7", [ENTERED, CANCELLED])


def test_events_of_all_outages_come_in_the_order_of_commits(store: EventStore) -> None:
    store.append("a", 0, [ENTERED])
    store.append("b", 0, [ENTERED])
    store.append("a", 1, [CANCELLED])
    recorded = store.read_since()
    assert [(one.outage_id, one.seq) for one in recorded] == [("a", 1), ("b", 1), ("a", 2)]
    assert store.read_since(recorded[1].position) == recorded[2:]
    assert store.read_since(recorded[2].position) == []


def test_a_stale_writer_is_told_the_newer_state(store: EventStore) -> None:
    store.append("7", 0, [ENTERED])
    store.append("7", 1, [CANCELLED])
    with pytest.raises(StaleWriteError, match=r"is at revision 2 \(cancelled\).*made on revision 1") as caught:
        store.append("7", 1, [Revised(FACTS, AT, "desk")])
    assert caught.value.newer == fold("7", [ENTERED, CANCELLED])
    assert len(store.read("7")) == 2


def test_an_id_is_given_once(store: EventStore) -> None:
    store.append("7", 0, [ENTERED])
    with pytest.raises(StaleWriteError):
        store.append("7", 0, [ENTERED])


def test_an_event_that_is_not_allowed_leaves_nothing_behind(store: EventStore) -> None:
    with pytest.raises(TransitionError):
        store.append("7", 0, [ENTERED, CANCELLED, CANCELLED], command=Command("k", "d"))
    assert store.read_since() == []
    assert store.find_command(Command("k", "d")) is None


@pytest.mark.parametrize("use", ["read", "append"])
def test_an_unknown_outage_is_named(store: EventStore, use: str) -> None:
    with pytest.raises(UnknownOutageError, match="no outage '404'"):
        store.read("404") if use == "read" else store.append("404", 3, [CANCELLED])


def test_a_repeated_command_answers_what_the_first_did(store: EventStore) -> None:
    first = store.append("7", 0, [ENTERED], command=Command("key-1", "digest"))
    store.append("7", 1, [CANCELLED])
    assert store.append("8", 0, [ENTERED], command=Command("key-1", "digest")) == first
    assert store.find_command(Command("key-1", "digest")) == first
    assert len(store.read_since()) == 2


def test_a_key_used_for_another_command_is_refused(store: EventStore) -> None:
    store.append("7", 0, [ENTERED], command=Command("key-1", "one"))
    with pytest.raises(KeyReusedError, match="Use a new key"):
        store.append("8", 0, [ENTERED], command=Command("key-1", "other"))
    assert len(store.read_since()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET recorded_by = 'nobody'",
        "DELETE FROM events",
        "UPDATE commands SET digest = ''",
        "DELETE FROM commands",
    ],
)
def test_the_database_itself_refuses_to_rewrite_the_past(store: EventStore, tmp_path: Path, statement: str) -> None:
    store.append("7", 0, [ENTERED], command=Command("k", "d"))
    with sqlite3.connect(tmp_path / "outages.db") as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement)
    other.close()
    assert store.read("7") == (ENTERED,)


def test_every_commit_is_synced_to_disk(store: EventStore) -> None:
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL


def test_opening_again_finds_everything(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/outages.db"
    first = open_store(url)
    first.append("7", 0, [ENTERED])
    second = open_store(url)
    assert second.read("7") == (ENTERED,)
    second.append("7", 1, [CANCELLED])
    assert first.read("7") == (ENTERED, CANCELLED)
    first.close()
    second.close()


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE music (title)")
    connection.close()


def _newer(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _not_a_database(path: Path) -> None:
    path.write_text("devices;state\n" * 100)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (_foreign, "of another program"),
        (_newer, "newer release .schema 99"),
        (_not_a_database, "not a database"),
        (Path.mkdir, "cannot be used"),
    ],
)
def test_a_file_that_is_not_our_store_is_refused(tmp_path: Path, prepare: object, says: str) -> None:
    path = tmp_path / "given.db"
    prepare(path)  # type: ignore[operator]
    with pytest.raises(StoreError, match=says):
        open_store(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("outages.db", "not the address of a store"),
        ("", "not the address of a store"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////nowhere/at/all/outages.db", "/nowhere/at/all of the store is not there"),
        ("mysql://host/outages", "'mysql' is not known"),
    ],
)
def test_an_address_that_cannot_work_is_explained(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        open_store(url)


def test_of_two_racing_writers_one_wins_and_the_other_is_told(store: EventStore) -> None:
    """32 threads on one outage, all having seen revision 1: one event is added."""
    store.append("7", 0, [ENTERED])
    barrier = threading.Barrier(32)
    outcomes: list[str] = []

    def write(number: int) -> None:
        barrier.wait()
        try:
            store.append("7", 1, [Revised(FACTS, AT, f"writer {number}")])
            outcomes.append(f"writer {number}")
        except StaleWriteError as error:
            outcomes.append(f"stale {error.newer.seq}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 32
    assert outcomes.count("stale 2") == 31
    assert [event.by for event in store.read("7")][1:] == [outcome for outcome in outcomes if outcome != "stale 2"]


_WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from outages.events import Entered, Operation, OutageFacts, Switching
from outages.store import open_store

at = datetime(2026, 5, 1, tzinfo=UTC)
facts = OutageFacts("planned", Switching(open=(Operation("S1"),)), at, at + timedelta(hours=4), "line work " * 40)
store = open_store(sys.argv[1])
for number in range(1_000_000):
    store.append(f"{sys.argv[2]}-{number}", 0, [Entered(facts, at, "control")])
    print(f"{sys.argv[2]}-{number}", flush=True)
"""


def test_nothing_acknowledged_is_lost_when_writers_are_killed(tmp_path: Path) -> None:
    """Two processes write to one file and are killed with SIGKILL in the middle, twice over."""
    url = f"sqlite:///{tmp_path}/outages.db"
    acknowledged: set[str] = set()
    for attempt in ("first", "second"):
        writers = [
            subprocess.Popen([sys.executable, "-c", _WRITER, url, f"{attempt}{n}"], stdout=subprocess.PIPE, text=True)
            for n in (1, 2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged.update(writer.stdout.readline().strip() for _ in range(40))
        for writer in writers:
            writer.kill()
            rest, _ = writer.communicate()
            acknowledged.update(line for line in rest.split("\n")[:-1])
    store = open_store(url)
    recorded = store.read_since()
    kept = [one.outage_id for one in recorded]
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    # At most the one append that each killed writer had under way was kept without having been acknowledged.
    assert len(set(kept) - acknowledged) <= 4
    store.append("after", 0, [ENTERED])
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    store.close()


_LATER: dict[str, Event] = {
    "revised": Revised(FACTS, AT, "desk"),
    "restored": Restored(START, START, "control"),
    "cancelled": CANCELLED,
    "entered": ENTERED,
}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(sorted(_LATER)), st.integers(0, 3)), max_size=25))
def test_after_any_commands_the_events_fold_to_the_state_that_was_answered(commands: list[tuple[str, str, int]]) -> None:
    """Some commands are stale, some not allowed, some right; those that were answered make up the whole truth."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/outages.db")
        answered: dict[str, Outage] = {}
        for outage_id, kind, expected_seq in commands:
            try:
                answered[outage_id] = store.append(outage_id, expected_seq, [_LATER[kind]])
            except (StaleWriteError, TransitionError, UnknownOutageError):
                continue
        events: dict[str, list[Event]] = {}
        for one in store.read_since():
            events.setdefault(one.outage_id, []).append(one.event)
        assert {outage_id: fold(outage_id, entries) for outage_id, entries in events.items()} == answered
        assert {outage_id: fold(outage_id, store.read(outage_id)) for outage_id in answered} == answered
        store.close()
