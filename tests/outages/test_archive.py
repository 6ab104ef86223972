"""A backup holds what was acknowledged, a store made from it is the same store, and nothing is ever half done."""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outages import archive, transfer
from outages.archive import backup, export, load, restore
from outages.audit import NOTICE, AuditEntry, canonical, event_digest, event_entry, moment, verify_audit, write_audit
from outages.database import Database, StoreError, open_database
from outages.events import Cancelled, Entered
from outages.kept import KeptImpact
from outages.store import EventStore
from outages.tables import (
    ACKNOWLEDGEMENTS,
    COMMANDS,
    EVENTS,
    IMPACTS,
    MESSAGES,
    METADATA,
    NETWORK_PARTS,
    NETWORKS,
    NOTICE_DRAFTS,
    NOTICE_TOLD,
    NOTICES,
    OPT_OUTS,
    PROOFS,
    SUBSCRIBERS,
)
from outages.upgrade import newest_version
from tests.outages.strategies import some_facts
from tests.postgres import Cluster

NOW = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)
KEPT = KeptImpact("a", 1, "v1", "1", (("b", 2),), {"affected": 3}, b"x\x9c\x03\x00\x00\x00\x00\x01")


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the address of another place for a store, each time; in turn of either kind."""
    (tmp_path / "fresh").mkdir()
    return _fresh(request.param, request, tmp_path / "fresh")


def _fresh(kind: str, request: pytest.FixtureRequest, folder: Path) -> Callable[[], str]:
    if kind == "postgresql":
        return request.getfixturevalue("cluster").new_database
    names = iter(range(1000))
    return lambda: f"sqlite:///{folder}/store{next(names)}.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """A store of either kind with two outages, an impact, a network, an account, a notice, and somebody signed in."""
    store = EventStore(open_database(_fresh(request.param, request, tmp_path)()))
    store.append("甲-1", 0, [Entered(some_facts(reason="线路检修"), NOW, "control")], kept=[KEPT])
    store.append("b", 0, [Entered(some_facts(), NOW, "control"), Cancelled(NOW, "desk", "rain")])
    store.keep_network("v1", {"source": "net.gpkg"}, [b"first", bytes(range(256))])
    with store.database.writing() as connection:
        write_audit(connection, [AuditEntry(NOW, "desk", "sign-in", "desk", {"from": "::1"})])
        _insert_people(connection)
        insert_notice(connection)
    yield store
    store.close()


def _insert_people(connection: sa.Connection) -> None:
    people = sa.MetaData()
    people.reflect(connection, only=["accounts", "sessions"])
    at = NOW.replace(tzinfo=None) if connection.dialect.name == "sqlite" else NOW
    account = {"key": "desk", "name": "Desk", "role": "desk", "password_hash": "$argon2id$…"}
    account |= {"must_change": True, "demo": False, "created_at": at, "changed_at": at}
    connection.execute(people.tables["accounts"].insert(), account)
    session = {"digest": "d1", "account": "desk", "begun_at": at, "seen_at": at, "expires_at": at}
    connection.execute(people.tables["sessions"].insert(), session)


def insert_notice(connection: sa.Connection) -> None:
    """A row in each table of notices, with nothing left out that a cell may hold."""
    body = {"texts": [{"key": "first/zh/sms", "title": "", "body": "明日停电"}]}
    written = (canonical(body), moment(NOW), "desk")
    event = {
        "position": 1,
        "notice_id": "7.1",
        "seq": 1,
        "kind": "drafted",
        "body": body,
        "recorded_at": NOW,
        "recorded_by": "desk",
    }
    draft = {"notice_id": "8.1", "text_key": "first/zh/sms", "version": 2, "title": "", "body": "后天", "authors": ["a", "王工"]}
    message = {"notice_id": "7.1", "recipient": "A-1", "channel": "sms", "language": "zh", "kind": "first", "slot_s": None}
    message |= {"audience": "customers", "address": "138", "personal": {"name": "王"}, "needs_ack": True, "state": "claimed"}
    message |= {"attempts": 1, "due_at": NOW, "claimed_by": "d1", "claimed_until": NOW, "settled_at": None, "last_error": ""}
    asked = {"id": "s1", "channel": "email", "address": "a@b.example", "language": "en", "place_id": "P1", "secret_digest": "d"}
    rows: dict[sa.Table, dict[str, Any]] = {
        NOTICES: event,
        NOTICE_DRAFTS: draft | {"saved_at": NOW, "saved_by": "王工"},
        NOTICE_TOLD: {"notice_id": "7.1", "customers": b"x\x9c\x00", "count": 1},
        MESSAGES: message,
        PROOFS: {"message": 1, "at": NOW, "what": "failed", "detail": {"says": "忙"}, "by": "d1"},
        SUBSCRIBERS: asked | {"created_at": NOW, "confirmed_at": NOW, "ended_at": None},
        OPT_OUTS: {"channel": "sms", "address": "139", "at": NOW, "by": "desk", "why": "asked"},
        ACKNOWLEDGEMENTS: {"notice_id": "7.1", "customer_id": "C1", "at": NOW, "by": "desk", "how": "call"},
    }
    for table, row in rows.items():
        connection.execute(sa.insert(table), row)
    digest = event_digest("drafted", *written)
    write_audit(connection, [event_entry("7.1", 1, "drafted", digest, at=NOW, by="desk", begins=NOTICE)])


def exported(database: Database) -> list[bytes]:
    """Return the lines of everything in a store, without the first and last, which say where they are from."""
    file = io.BytesIO()
    export(database, file, now=NOW)
    return file.getvalue().splitlines(keepends=True)[1:-1]


def rows_of(url: str, table: str) -> list[Any]:
    with closing(open_database(url, create=False)) as database, database.reading() as connection:
        return list(connection.execute(sa.text(f"SELECT * FROM {table}")).all())


def lines_of(store: EventStore, path: Path) -> list[bytes]:
    backup(store.database, path, now=NOW)
    return path.read_bytes().splitlines(keepends=True)


# Values as either database takes them: no zero bytes in text, no numbers beyond 64 bits, no NaN.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
# JSON may hold any text; half a surrogate pair is kept as an escape.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-12 * 60, 14 * 60))
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001
EVENT_ROWS = st.fixed_dictionaries(
    {
        "outage_id": TEXT,
        "kind": st.sampled_from(["entered", "cancelled"]),
        "body": st.dictionaries(TEXT, JSON, max_size=3),
        "recorded_at": TIMES,
        "recorded_by": TEXT,
    }
)
BLOBS = st.lists(st.binary(max_size=200), max_size=6)


def fill(database: Database, events: list[dict[str, Any]], blobs: list[bytes], entries: list[AuditEntry]) -> None:
    """Write rows of every table of this floor, as the store would, whatever they say."""
    with database.writing() as connection:
        for seq, event in enumerate(events, 1):
            connection.execute(sa.insert(EVENTS), {**event, "position": seq, "seq": seq})
            told = (event["kind"], canonical(event["body"]), moment(event["recorded_at"]), event["recorded_by"])
            at, by = event["recorded_at"], event["recorded_by"]
            write_audit(connection, [event_entry(event["outage_id"], seq, event["kind"], event_digest(*told), at=at, by=by)])
            command = {"key": f"k{event['outage_id']}{seq}", "digest": "d", "outage_id": event["outage_id"], "last_seq": seq}
            connection.execute(sa.insert(COMMANDS), command)
        write_audit(connection, entries)
        for number, blob in enumerate(blobs, 1):
            impact = {
                "outage_id": "甲",
                "seq": number,
                "network_version": "v",
                "rules": "1",
                "given": [],
                "counts": {"n": number},
            }
            connection.execute(sa.insert(IMPACTS), {**impact, "customers": blob})
            connection.execute(sa.insert(NETWORKS), {"version": f"v{number}", "about": {}, "parts": 1})
            connection.execute(sa.insert(NETWORK_PARTS), {"version": f"v{number}", "number": 1, "body": blob})


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=st.lists(EVENT_ROWS, max_size=8),
    blobs=BLOBS,
    entries=st.lists(
        st.builds(AuditEntry, TIMES, TEXT, st.just("sign-in"), TEXT, st.dictionaries(TEXT, JSON, max_size=2)), max_size=3
    ),
    at_once=st.integers(1, 5),
)
def test_from_sqlite_to_postgresql_and_back_every_line_is_the_same(
    events: list[dict[str, Any]],
    blobs: list[bytes],
    entries: list[AuditEntry],
    at_once: int,
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("moved")
    with pytest.MonkeyPatch.context() as patch, closing(open_database(f"sqlite:///{folder}/first.db")) as first:
        patch.setattr(transfer, "_ROWS_AT_ONCE", at_once)
        fill(first, events, blobs, entries)
        with first.writing() as connection:
            insert_notice(connection)
        lines = exported(first)
        checked = verify_audit(first)
        assert checked.problems == ()
        backup(first, folder / "first.jsonl.gz", now=NOW)
        there = cluster.new_database()
        assert restore(folder / "first.jsonl.gz", there) == checked
    with closing(open_database(there)) as second:
        assert exported(second) == lines
        backup(second, folder / "second.jsonl", now=NOW)
    assert restore(folder / "second.jsonl", f"sqlite:///{folder}/third.db") == checked
    with closing(open_database(f"sqlite:///{folder}/third.db")) as third:
        assert exported(third) == lines


def test_an_archive_has_a_header_a_line_for_each_row_and_a_digest(store: EventStore, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in lines_of(store, tmp_path / "all.jsonl")]
    rows = {"accounts": 1, "acknowledgements": 1, "audit": 5, "commands": 0, "events": 3, "impacts": 1, "messages": 1}
    rows |= {"network_parts": 2, "networks": 1, "notice_drafts": 1, "notice_told": 1, "notices": 1, "opt_outs": 1, "proofs": 1}
    rows |= {"subscribers": 1, "tokens": 0}
    assert lines[0] == {
        "archive": "gridnotice",
        "format": 1,
        "schema": newest_version(),
        "dialect": store.database.dialect,
        "at": "2026-05-01T08:30:00.000000+00:00",
        "rows": rows,
    }
    assert [line["table"] for line in lines[1:-1]] == [name for name, count in rows.items() for _ in range(count)]
    parts = [line["row"] for line in lines if line.get("table") == "network_parts"]
    assert parts[0] == {"version": "v1", "number": 1, "body": "Zmlyc3Q="}
    assert (lines[-1]["end"], lines[-1]["rows"], len(lines[-1]["sha256"])) == (True, rows, 64)


def test_every_table_of_the_store_goes_along_or_is_named_as_left_out(store: EventStore) -> None:
    with store.database.reading() as connection:
        there = set(sa.inspect(connection).get_table_names())
    assert there >= set(METADATA.tables)
    gone_along = {json.loads(line)["table"] for line in exported(store.database)} | {"commands", "tokens"}
    assert there - gone_along == set(archive.LEFT_OUT) - {"spatial_ref_sys"}


def test_without_networks_all_else_goes_along(store: EventStore) -> None:
    file = io.BytesIO()
    rows = export(store.database, file, now=NOW, networks=False)
    assert not {"networks", "network_parts"} & rows.keys()
    assert (rows["events"], rows["impacts"]) == (3, 1)


@pytest.mark.parametrize("name", ["kept.jsonl", "kept.jsonl.gz"])
def test_a_store_made_from_a_backup_goes_on_where_the_other_was(
    name: str, store: EventStore, fresh: Callable[[], str], tmp_path: Path
) -> None:
    backup(store.database, tmp_path / name, now=NOW)
    url = fresh()
    assert restore(tmp_path / name, url) == verify_audit(store.database)
    with closing(EventStore(open_database(url, create=False))) as restored:
        assert restored.read_since() == store.read_since()
        assert restored.find_impact("a", 1) == KEPT
        version, parts = restored.find_network("v1") or ({}, iter(()))
        assert (version, list(parts)) == ({"source": "net.gpkg"}, [b"first", bytes(range(256))])
        restored.append("甲-1", 1, [Cancelled(NOW, "desk", "rain")], kept=[KEPT])
        restored.keep_network("v2", {}, [b"next"])
        assert restored.position() == store.position() + 1
        assert verify_audit(restored.database).problems == ()


def test_a_copy_of_the_file_is_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        fill(database, [], [b"x"], [])
        backup(database, tmp_path / "copy.db", now=NOW)
        assert verify_audit(database).problems == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "outages.db"]
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_of_the_file_becomes_a_store_of_either_kind(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = _fresh(kind, request, tmp_path)()
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        fill(database, [], [b"x", b"y"], [AuditEntry(NOW, "desk", "sign-in", "desk", {})])
        backup(database, tmp_path / "copy.db", now=NOW)
        before, lines = verify_audit(database), exported(database)
    copy = (tmp_path / "copy.db").read_bytes()
    assert restore(tmp_path / "copy.db", url) == before
    with closing(open_database(url, create=False)) as restored:
        assert exported(restored) == lines
    assert (tmp_path / "copy.db").read_bytes() == copy


@pytest.mark.parametrize("name", ["kept.jsonl.gz", "kept.db"])
def test_nobody_is_signed_in_after_a_restore(name: str, tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        with database.writing() as connection:
            _insert_people(connection)
        backup(database, tmp_path / name, now=NOW)
    restore(tmp_path / name, f"sqlite:///{tmp_path}/restored.db")
    assert rows_of(f"sqlite:///{tmp_path}/restored.db", "sessions") == []
    assert len(rows_of(f"sqlite:///{tmp_path}/restored.db", "accounts")) == 1
    assert len(rows_of(f"sqlite:///{tmp_path}/outages.db", "sessions")) == 1


@pytest.mark.parametrize(("kind", "name"), [("sqlite", "kept.db"), ("sqlite", "kept.jsonl.gz"), ("postgresql", "kept.jsonl.gz")])
def test_a_backup_while_others_write_holds_all_that_was_acknowledged(
    kind: str, name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_PAGES_AT_ONCE", 1)
    store = EventStore(open_database(_fresh(kind, request, tmp_path)()))
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            outage = store.append(f"o{len(acknowledged)}", 0, [Entered(some_facts(), NOW, "control")])
            acknowledged.append(outage.id)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(acknowledged) < 30:
            stop.wait(0.01)
        before = list(acknowledged)
        backup(store.database, tmp_path / name, now=NOW, progress=lambda _: stop.wait(0.002) and None)
        after = len(acknowledged)
    finally:
        stop.set()
        writer.join()
        store.close()
    assert after > len(before)  # the writer did not wait for the backup
    assert restore(tmp_path / name, f"sqlite:///{tmp_path}/restored.db").problems == ()
    with closing(EventStore(open_database(f"sqlite:///{tmp_path}/restored.db"))) as restored:
        held = [one.outage_id for one in restored.read_since()]
    assert held[: len(before)] == before
    assert held == [f"o{number}" for number in range(len(held))]


def spoiled(lines: list[bytes], how: str) -> list[bytes]:
    header = json.loads(lines[0])
    changed = {
        "no trailer": lines[:-1],
        "no rows": [lines[0], lines[-1]],
        "nothing": [],
        "half a line": [*lines[:-1], lines[-1][:-20]],
        "a row less": [*lines[:2], *lines[3:]],
        "another order": [lines[0], lines[2], lines[1], *lines[3:]],
        "another cell": [line.replace(b"control", b"contr0l") for line in lines],
        "more after the end": [*lines, lines[1]],
        "newer format": [json.dumps(header | {"format": 2}).encode() + b"\n", *lines[1:]],
        "newer schema": [json.dumps(header | {"schema": "9999"}).encode() + b"\n", *lines[1:]],
        "of others": [b'{"type": "FeatureCollection"}\n'],
        "no json": [b"hello\n"],
    }
    return changed[how]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("no trailer", r"was cut short: its last line is missing\. Nothing was loaded\. Take another copy of it\."),
        ("no rows", "is not what was written: its digest differs. Nothing was loaded"),
        ("nothing", "is no archive of a store. Give a file that `backup` or `export` made"),
        ("half a line", "was cut short"),
        ("a row less", "is not what was written: its digest differs"),
        ("another order", "is not what was written: its digest differs"),
        ("another cell", "is not what was written: its digest differs"),
        ("more after the end", "was cut short: its last line is missing"),
        ("newer format", rf"was made by a newer release \(format 2, schema {newest_version()}; known are 1 and"),
        ("newer schema", r"was made by a newer release \(format 1, schema 9999; .*\)\. Nothing was loaded\. Use that release"),
        ("of others", "is no archive of a store"),
        ("no json", "is no archive of a store"),
    ],
)
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_archive_that_is_not_as_it_was_written_is_refused(
    how: str, says: str, store: EventStore, fresh: Callable[[], str], tmp_path: Path
) -> None:
    lines = lines_of(store, tmp_path / "whole.jsonl")
    (tmp_path / "spoiled.jsonl").write_bytes(b"".join(spoiled(lines, how)))
    url = fresh()
    with pytest.raises(StoreError, match=rf"spoiled\.jsonl {says}"):
        restore(tmp_path / "spoiled.jsonl", url)
    # Nothing is left of the attempt: the whole archive can be restored to the same place.
    assert restore(tmp_path / "whole.jsonl", url).problems == ()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_wherever_a_packed_archive_is_cut_it_is_refused(store: EventStore, tmp_path: Path) -> None:
    backup(store.database, tmp_path / "whole.jsonl.gz", now=NOW)
    packed = (tmp_path / "whole.jsonl.gz").read_bytes()
    for end in range(0, len(packed), 37):
        (tmp_path / "cut.jsonl.gz").write_bytes(packed[:end])
        with pytest.raises(StoreError, match=r"was cut short|is no archive of a store"):
            restore(tmp_path / "cut.jsonl.gz", f"sqlite:///{tmp_path}/restored.db")
    assert not list(tmp_path.glob("restored*"))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_archive_with_a_table_of_another_release_is_refused(store: EventStore, tmp_path: Path) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE invoices (id VARCHAR PRIMARY KEY)")
    backup(store.database, tmp_path / "more.jsonl", now=NOW)
    with pytest.raises(StoreError, match=r"holds tables that this release does not have: invoices\. Nothing was loaded"):
        restore(tmp_path / "more.jsonl", f"sqlite:///{tmp_path}/restored.db")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_column_that_an_archive_cannot_hold_is_said(store: EventStore, tmp_path: Path) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE invoices (amount NUMERIC(9, 2))")
    with pytest.raises(StoreError, match=r"The column invoices\.amount holds NUMERIC\(9, 2\), which an archive cannot hold"):
        backup(store.database, tmp_path / "more.jsonl", now=NOW)
    assert not list(tmp_path.glob("more*"))


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_store_that_holds_something_is_not_loaded_into(store: EventStore, fresh: Callable[[], str], tmp_path: Path) -> None:
    backup(store.database, tmp_path / "kept.jsonl", now=NOW)
    with closing(open_database(fresh())) as target:
        fill(target, [], [b"mine"], [])
        before = exported(target)
        with pytest.raises(StoreError, match=r"is not empty \(impacts, network_parts, networks\)\. Nothing was loaded"):
            load(tmp_path / "kept.jsonl", target)
        assert exported(target) == before


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_neither_backup_nor_restore_overwrites_a_file(ending: str, tmp_path: Path) -> None:
    there = tmp_path / f"there.db{ending}"
    there.write_bytes(b"mine")
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        backup(database, tmp_path / "kept.db", now=NOW)
        with pytest.raises(StoreError, match=rf"there\.db{ending} is there already\. Nothing was written\."):
            backup(database, tmp_path / "there.db", now=NOW)
    with pytest.raises(StoreError, match="is there already"):
        restore(tmp_path / "kept.db", f"sqlite:///{tmp_path}/there.db")
    assert there.read_bytes() == b"mine"


def test_a_postgresql_that_holds_something_is_not_restored_to(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database()
    with closing(open_database(url)) as database:
        fill(database, [], [], [AuditEntry(NOW, "desk", "sign-in", "desk", {})])
        backup(database, tmp_path / "kept.jsonl.gz", now=NOW)
    with pytest.raises(StoreError, match=r"is not empty \(audit\)"):
        restore(tmp_path / "kept.jsonl.gz", url)


def test_a_backup_of_postgresql_is_asked_to_be_an_archive(cluster: Cluster, tmp_path: Path) -> None:
    with (
        closing(open_database(cluster.new_database())) as database,
        pytest.raises(StoreError, match=r"A backup of PostgreSQL is an archive of lines, .*Let the name end in \.jsonl\.gz"),
    ):
        backup(database, tmp_path / "kept.db", now=NOW)


@pytest.mark.parametrize("name", ["gone/kept.db", "gone/kept.jsonl.gz"])
def test_a_place_that_cannot_be_written_is_said(name: str, tmp_path: Path) -> None:
    with (
        closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database,
        pytest.raises(StoreError, match=r"kept.* could not be written: No such file or directory\. Nothing is there\."),
    ):
        backup(database, tmp_path / name, now=NOW)


def test_a_disk_without_space_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(archive, "_sync", full)
    with (
        closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database,
        pytest.raises(StoreError, match=r"could not be written: No space left on device\."),
    ):
        backup(database, tmp_path / "kept.db", now=NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outages.db"]


def test_a_damaged_copy_is_refused(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        fill(database, [], [bytes(3000)] * 40, [])
        backup(database, tmp_path / "kept.db", now=NOW)
    pages = bytearray((tmp_path / "kept.db").read_bytes())
    pages[4096 * 3 :] = b"\xff" * len(pages[4096 * 3 :])
    (tmp_path / "kept.db").write_bytes(pages)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        restore(tmp_path / "kept.db", f"sqlite:///{tmp_path}/restored.db")
    assert not (tmp_path / "restored.db").exists()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", r"kept\.db was written by a newer release \(schema 9999"),
        ("DROP TABLE commands", r"kept\.db holds tables of another program"),
    ],
)
def test_a_copy_of_another_schema_is_refused_by_its_own_name(sql: str, says: str, tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        backup(database, tmp_path / "kept.db", now=NOW)
    with closing(sqlite3.connect(tmp_path / "kept.db")) as connection, connection:
        connection.execute(sql)
    with pytest.raises(StoreError, match=says):
        restore(tmp_path / "kept.db", f"sqlite:///{tmp_path}/restored.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.db", "outages.db"]


@pytest.mark.parametrize(
    ("given", "url", "says"),
    [
        ("missing.jsonl", "sqlite:///{folder}/a.db", r"missing\.jsonl cannot be read: No such file or directory"),
        ("kept.db", "sqlite://", "names no file"),
        ("kept.db", "mysql://host/db", "is not known"),
        ("kept.db", "sqlite:///{folder}/gone/a.db", "could not be written"),
    ],
)
def test_what_cannot_be_restored_is_said(given: str, url: str, says: str, tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        backup(database, tmp_path / "kept.db", now=NOW)
    with pytest.raises(StoreError, match=says):
        restore(tmp_path / given, url.format(folder=tmp_path))


def test_the_same_store_gives_the_same_archive(store: EventStore, tmp_path: Path) -> None:
    backup(store.database, tmp_path / "one.jsonl.gz", now=NOW)
    backup(store.database, tmp_path / "two.jsonl.gz", now=NOW)
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.jsonl.gz").read_bytes()) == b"".join(lines_of(store, tmp_path / "plain.jsonl"))


@pytest.mark.parametrize("name", ["kept.db", "kept.jsonl"])
def test_progress_grows_to_the_whole(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_PAGES_AT_ONCE", 2)
    monkeypatch.setattr(transfer, "_ROWS_AT_ONCE", 2)
    saved: list[float] = []
    restored: list[float] = []
    with closing(open_database(f"sqlite:///{tmp_path}/outages.db")) as database:
        fill(database, [], [b"x"] * 5, [])
        backup(database, tmp_path / name, now=NOW, progress=saved.append)
    restore(tmp_path / name, f"sqlite:///{tmp_path}/restored.db", progress=restored.append)
    for told in (saved, restored):
        assert len(told) > 2
        assert told == sorted(told)
        assert told[-1] == 1.0
