"""The audit log tells of everything that was done, and whoever changes it afterwards is found out."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outages import audit
from outages.audit import AuditEntry, Head, canonical, quoted, read_audit, sealed, verify_audit, write_audit
from outages.events import Entered
from outages.store import EventStore
from tests.outages.course import AT, CANCELLED, COURSE, ENTERED, FACTS, REVISED

SIGN_IN = AuditEntry(AT, "desk", "sign-in", "desk", {"address": "10.0.0.7"})


def _write(store: EventStore, *entries: AuditEntry) -> None:
    with store.database.writing() as connection:
        write_audit(connection, entries)


@pytest.fixture
def told(store: EventStore) -> EventStore:
    """A store with eight rows in the log: a 1, a 2, sign-in, b 1, c 1, b 2, sign-in, d 1."""
    store.append("a", 0, [ENTERED, REVISED])
    _write(store, SIGN_IN)
    store.append("b", 0, [ENTERED])
    store.append("c", 0, [Entered(FACTS, AT, "王工", "雨")])
    store.append("b", 1, [CANCELLED])
    _write(store, AuditEntry(AT, "王工", "sign-in", "王工", {}))
    store.append("d", 0, [ENTERED])
    assert verify_audit(store.database).problems == ()
    return store


def _tamper(url: str, *statements: str) -> None:
    """Do as somebody would who owns the database: without the triggers."""
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        drop = [f"DROP TRIGGER {table}_refuse_{verb}" for table in ("events", "audit") for verb in ("update", "delete")]
    else:
        connection = psycopg.connect(url, autocommit=True)
        drop = [f"DROP TRIGGER {table}_refuse_rewriting ON {table}" for table in ("events", "audit")]
    with closing(connection):
        for statement in (*drop, *statements):
            connection.execute(statement)


def _swap(table: str, key: str, one: str, other: str) -> tuple[str, ...]:
    return (
        f"UPDATE {table} SET {key} = -1 WHERE {key} = {one}",
        f"UPDATE {table} SET {key} = {one} WHERE {key} = {other}",
        f"UPDATE {table} SET {key} = {other} WHERE {key} = -1",
    )


_TAMPERING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a row is changed": (
        ("UPDATE audit SET recorded_by = 'nobody' WHERE position = 3",),
        ("Row 3 of the audit log (sign-in of 'desk') does not fit its hash",),
    ),
    "a detail is changed": (
        ("""UPDATE audit SET detail = '{"address":"10.0.0.8"}' WHERE position = 3""",),
        ("Row 3 of the audit log",),
    ),
    "a time is changed": (
        ("UPDATE audit SET recorded_at = '2026-04-20 08:30:15.123457' WHERE position = 3",),
        ("Row 3 of the audit log",),
    ),
    "a hash is changed": (
        (f"UPDATE audit SET hash = '{'0' * 64}' WHERE position = 3",),
        ("Row 3 of the audit log", "Row 4 of the audit log"),
    ),
    "a row is removed": (
        ("DELETE FROM audit WHERE position = 3",),
        ("Row 3 is missing", "Row 4 of the audit log"),
    ),
    "the first rows are removed": (
        ("DELETE FROM audit WHERE position <= 3",),
        ("Rows 1 to 3 are missing", "Row 4 of the audit log", "Event 1 of outage 'a'", "Event 2 of outage 'a'"),
    ),
    "two rows are swapped": (
        _swap("audit", "position", "3", "7"),
        ("Row 3 of", "Row 4 of", "Row 7 of", "Row 8 of"),
    ),
    "two rows of events are swapped": (
        _swap("audit", "position", "4", "5"),
        ("Row 4 of", "Row 5 of", "Row 6 of", "Event 1 of outage 'b'", "Event 1 of outage 'b' is told twice, or out of its order"),
    ),
    "an event's row is removed": (
        ("DELETE FROM audit WHERE position = 5",),
        ("Row 5 is missing", "Row 6 of the audit log", "Event 1 of outage 'c' (entered) has no row in the audit log"),
    ),
    "the last event's row is removed": (
        ("DELETE FROM audit WHERE position = 8",),
        ("Event 1 of outage 'd' (entered) has no row in the audit log",),
    ),
    "an event is slipped in": (
        (
            "INSERT INTO events SELECT 7, 'x', seq, kind, body, recorded_at, recorded_by FROM events "
            "WHERE outage_id = 'd' AND seq = 1",
        ),
        ("Event 1 of outage 'x' (entered) has no row in the audit log",),
    ),
    "an event is removed": (
        ("DELETE FROM events WHERE outage_id = 'c'",),
        ("Event 1 of outage 'c' is not in the store: it was removed (row 5 of the audit log, event:entered)",),
    ),
    "the last event is removed": (
        ("DELETE FROM events WHERE outage_id = 'd'",),
        ("Event 1 of outage 'd' is not in the store: it was removed (row 8",),
    ),
    "an event's body is changed": (
        ("UPDATE events SET body = '{}' WHERE outage_id = 'b' AND seq = 2",),
        ("Event 2 of outage 'b' (cancelled) is not what row 6 of the audit log says: its content was changed",),
    ),
    "an event's time is changed": (
        ("UPDATE events SET recorded_at = '2026-04-20 08:30:15.000000' WHERE outage_id = 'b' AND seq = 2",),
        ("Event 2 of outage 'b' (cancelled) is not what row 6",),
    ),
    "an event's author is changed": (
        ("UPDATE events SET recorded_by = 'nobody' WHERE outage_id = 'b' AND seq = 2",),
        ("Event 2 of outage 'b' (cancelled) is not what row 6",),
    ),
    "an event's kind is changed": (
        ("UPDATE events SET kind = 'closed' WHERE outage_id = 'b' AND seq = 2",),
        ("Event 2 of outage 'b' (closed) is not what row 6",),
    ),
    "an event is given to another outage": (
        ("UPDATE events SET outage_id = 'z' WHERE outage_id = 'c'",),
        ("Event 1 of outage 'c' is not in the store", "Event 1 of outage 'z' (entered) has no row in the audit log"),
    ),
    "two events are swapped": (
        _swap("events", "position", "3", "4"),
        ("Event 1 of outage 'c' (entered) has no row", "Event 1 of outage 'c' is told twice, or out of its order"),
    ),
    "the whole log is removed": (
        ("DELETE FROM audit",),
        tuple(f"Event {seq} of outage '{name}'" for name, seq in (("a", 1), ("a", 2), ("b", 1), ("c", 1), ("b", 2), ("d", 1))),
    ),
}


@pytest.mark.parametrize("case", _TAMPERING)
def test_tampering_is_found_and_named(told: EventStore, url: str, case: str) -> None:
    statements, says = _TAMPERING[case]
    _tamper(url, *statements)
    problems = verify_audit(told.database).problems
    assert len(problems) == len(says), problems
    assert [expected for expected in says if not any(problem.startswith(expected) for problem in problems)] == [], problems


def test_a_log_cut_off_or_written_anew_is_found_by_a_head_that_was_noted(told: EventStore, url: str) -> None:
    whole = verify_audit(told.database)
    noted = Head(whole.count, whole.head)
    _write(told, SIGN_IN)
    assert verify_audit(told.database, noted=noted).problems == ()
    [anew] = verify_audit(told.database, noted=Head(3, "f" * 64)).problems
    assert anew.startswith("Row 3 of the audit log has another hash than was noted")
    _tamper(url, "DELETE FROM audit WHERE position >= 8", "DELETE FROM events WHERE outage_id = 'd'")
    assert verify_audit(told.database).problems == ()
    [cut] = verify_audit(told.database, noted=noted).problems
    assert cut == "The audit log ends at row 7, but row 8 was noted: its end was cut off."


def test_a_log_that_is_wrong_from_its_start_does_not_fill_the_memory(store: EventStore, url: str) -> None:
    for number in range(150):
        store.append(f"{number}", 0, [ENTERED])
    _tamper(url, "DELETE FROM audit")
    assert len(verify_audit(store.database).problems) == 100


def test_a_log_longer_than_a_page_is_verified_page_by_page(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_PAGE", 3)
    for number in range(10):
        store.append(f"{number}", 0, [ENTERED])
    assert verify_audit(store.database).count == 10
    assert verify_audit(store.database).problems == ()


def test_every_event_has_a_row_that_says_who_when_and_what(store: EventStore) -> None:
    store.append("7", 0, COURSE)
    rows = read_audit(store.database)
    assert [row.position for row in rows] == list(range(1, len(COURSE) + 1))
    for seq, (row, event) in enumerate(zip(rows, COURSE, strict=True), 1):
        said = {"at": event.at.isoformat(), "body": event.body(), "by": event.by, "kind": event.kind}
        digest = hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
        assert row.entry == AuditEntry(event.at, event.by, f"event:{event.kind}", "7", {"seq": seq, "digest": digest})


def test_a_hash_can_be_made_again_by_anybody(store: EventStore) -> None:
    """As the documentation says it, with nothing of ours."""
    _write(store, SIGN_IN)
    [row] = read_audit(store.database)
    said = {
        "position": 1,
        "at": "2026-04-20T08:30:15.123456+00:00",
        "by": "desk",
        "what": "sign-in",
        "subject": "desk",
        "detail": {"address": "10.0.0.7"},
    }
    text = "0" * 64 + json.dumps(said, sort_keys=True, separators=(",", ":"))
    assert row.hash == hashlib.sha256(text.encode()).hexdigest()
    assert verify_audit(store.database).head == row.hash


@pytest.mark.parametrize(
    ("asked", "positions"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"after": 3, "limit": 2}, [4, 5]),
        ({"what": "sign-in"}, [3, 7]),
        ({"what": "event:"}, [1, 2, 4, 5, 6, 8]),
        ({"what": "event:cancelled"}, [6]),
        ({"what": "event%:"}, []),
        ({"by": "王工"}, [5, 7]),
        ({"subject": "b"}, [4, 6]),
        ({"subject": "b", "what": "event:entered", "by": "control"}, [4]),
    ],
)
def test_the_log_is_read_by_what_whom_and_subject(told: EventStore, asked: dict[str, Any], positions: list[int]) -> None:
    assert [row.position for row in read_audit(told.database, **asked)] == positions


def test_an_empty_log_is_whole(store: EventStore) -> None:
    assert verify_audit(store.database) == audit.Verified(0, "0" * 64, ())
    _write(store)
    assert read_audit(store.database) == []


def test_what_is_not_committed_is_not_told(store: EventStore) -> None:
    def fail() -> None:
        with store.database.writing() as connection:
            write_audit(connection, [SIGN_IN])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert read_audit(store.database) == []


@given(st.text(), st.text(), st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False) | st.text()))
def test_different_entries_have_different_hashes(one: str, other: str, detail: dict[str, Any]) -> None:
    """Nothing can be moved from one field to the next without another hash."""
    entry = AuditEntry(AT, one, other, "s", detail)
    changes: list[Callable[[], AuditEntry]] = [
        lambda: AuditEntry(AT + timedelta(microseconds=1), one, other, "s", detail),
        lambda: AuditEntry(AT, one + other, "", "s", detail),
        lambda: AuditEntry(AT, one, other, "s", {**detail, "more": 1}),
    ]
    start = Head(0, audit.START)
    [row] = sealed(start, [entry])
    changed = [made for change in changes if (made := change()) != entry]
    assert all(sealed(start, [made])[0].hash != row.hash for made in changed)
    assert sealed(Head(1, audit.START), [entry])[0].hash != row.hash


@given(st.text())
def test_a_quoted_string_is_its_canonical_json(text: str) -> None:
    assert quoted(text) == canonical(text)
