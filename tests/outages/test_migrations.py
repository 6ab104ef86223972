"""The tables of every release are brought up to this one, in place, and are then what the code says they are."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from api.people.tables import METADATA as PEOPLE
from outages.audit import read_audit, verify_audit
from outages.database import open_database
from outages.events import Cancelled, Entered
from outages.failures import StoreError
from outages.store import Command, EventStore, open_store
from outages.tables import METADATA
from outages.upgrade import APPLICATION_ID, MIGRATIONS, find_version, newest_version
from tests.outages.course import AT, ENTERED, FACTS, START

# What release 0.1.0 ran when it made a file, word for word.
_MADE_BY_0_1_0 = """
CREATE TABLE events (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	outage_id VARCHAR NOT NULL,
	seq INTEGER NOT NULL,
	kind VARCHAR NOT NULL,
	body JSON NOT NULL,
	recorded_at DATETIME NOT NULL,
	recorded_by VARCHAR NOT NULL,
	UNIQUE (outage_id, seq)
);
CREATE TABLE commands (
	"key" VARCHAR NOT NULL,
	digest VARCHAR NOT NULL,
	outage_id VARCHAR NOT NULL,
	last_seq INTEGER NOT NULL,
	PRIMARY KEY ("key")
);
CREATE TRIGGER IF NOT EXISTS events_refuse_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only: what happened stays written. Append a new event'); END;
CREATE TRIGGER IF NOT EXISTS events_refuse_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only: what happened stays written. Append a new event'); END;
CREATE TRIGGER IF NOT EXISTS commands_refuse_update BEFORE UPDATE ON commands BEGIN SELECT RAISE(ABORT, 'commands are append-only: what happened stays written. Append a new event'); END;
CREATE TRIGGER IF NOT EXISTS commands_refuse_delete BEFORE DELETE ON commands BEGIN SELECT RAISE(ABORT, 'commands are append-only: what happened stays written. Append a new event'); END;
PRAGMA application_id = 0x474E5443;
PRAGMA user_version = 1;
"""  # noqa: E501
_OLD_FACTS = {
    "outage_class": "planned",
    "switching": {"open": [["S1", "AB"]], "close": [], "fault": []},
    "start": "2026-05-01T00:00:00+00:00",
    "end": "2026-05-01T04:00:00+00:00",
    "reason": "线路检修",
}
_OLD_EVENTS = [
    ("7", 1, "entered", {"facts": _OLD_FACTS}, "2026-04-20 08:30:15.123456", "control"),
    ("8", 1, "entered", {"facts": _OLD_FACTS}, "2026-04-20 08:30:15.000000", "control"),
    ("7", 2, "cancelled", {"reason": "rain"}, "2026-04-21 00:00:00.000000", "王工"),
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file as release 0.1.0 left it, with three events of two outages."""
    path = tmp_path / "outages.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_MADE_BY_0_1_0)
        insert = "INSERT INTO events (outage_id, seq, kind, body, recorded_at, recorded_by) VALUES (?, ?, ?, ?, ?, ?)"
        connection.executemany(insert, [(*row[:3], json.dumps(row[3]), *row[4:]) for row in _OLD_EVENTS])
        connection.execute("INSERT INTO commands VALUES ('key-1', 'digest', '7', 1)")
        connection.commit()
    return path


def test_a_file_of_the_first_release_keeps_all_it_holds(old: Path) -> None:
    with closing(open_store(f"sqlite:///{old}")) as store:
        events = {outage_id: store.read(outage_id) for outage_id in ("7", "8")}
        assert events["7"] == (Entered(FACTS, AT, "control", approved=True), Cancelled(events["7"][1].at, "王工", "rain"))
        assert [(one.position, one.outage_id, one.seq) for one in store.read_since()] == [(1, "7", 1), (2, "8", 1), (3, "7", 2)]
        first = store.find_command(Command("key-1", "digest"))
        assert first is not None
        assert (first.id, first.seq, first.facts.start) == ("7", 1, START)
        assert store.append("9", 0, [ENTERED]).seq == 1
        assert store.position() == 4
        assert store.check(AT.replace(year=2027)) == [one for one in store.check(AT) if one.code == "disk_space"]


def test_its_events_are_told_in_the_audit_log_as_who_did_them(old: Path) -> None:
    with closing(open_store(f"sqlite:///{old}")) as store:
        told = [(row.entry.subject, row.entry.detail["seq"], row.entry.what, row.entry.by) for row in read_audit(store.database)]
        assert told == [
            ("7", 1, "event:entered", "control"),
            ("8", 1, "event:entered", "control"),
            ("7", 2, "event:cancelled", "王工"),
        ]
        assert verify_audit(store.database).problems == ()


def test_it_stays_ours_and_refuses_rewriting_as_before(old: Path) -> None:
    open_store(f"sqlite:///{old}").close()
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (int(newest_version()),)  # so 0.1.0 refuses it
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_version(),)]
        for table in ("events", "commands", "audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"DELETE FROM {table}")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE impacts (in_the_way)")
        before = connection.execute("SELECT * FROM sqlite_master ORDER BY name").fetchall()
        with pytest.raises(StoreError, match=r"impacts already exists.*Nothing was changed"):
            open_store(f"sqlite:///{old}")
        assert connection.execute("SELECT * FROM sqlite_master ORDER BY name").fetchall() == before
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (3,)
        connection.execute("DROP TABLE impacts")
    open_store(f"sqlite:///{old}").close()


def test_the_first_migration_makes_what_the_first_release_made(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as made:
        made.executescript(_MADE_BY_0_1_0)
        with _migrated(tmp_path / "new.db", "0001") as connection:
            found = connection.exec_driver_sql(_SHAPE).all()
        assert [tuple(row) for row in found] == made.execute(_SHAPE).fetchall()


_SHAPE = (
    'SELECT m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c '
    "WHERE m.name IN ('events', 'commands') ORDER BY 1, c.cid"
)


class _migrated:  # noqa: N801  (used as a function)
    """A new SQLite file, migrated to one version and no further."""

    def __init__(self, path: Path, version: str) -> None:
        self._engine = sa.create_engine(f"sqlite:///{path}")
        self._version = version

    def __enter__(self) -> sa.Connection:
        self._connection = self._engine.connect()
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = self._connection
        command.upgrade(config, self._version)
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()


EVERYBODY = [pytest.param(METADATA, id="outages"), pytest.param(PEOPLE, id="people")]
"""Who keeps tables in the store."""


@pytest.mark.parametrize("metadata", EVERYBODY)
def test_the_migrated_tables_are_those_that_the_code_uses(store: EventStore, metadata: sa.MetaData) -> None:
    def is_ours(found: object, name: str | None, kind: str, _reflected: bool, _to: object) -> bool:
        return kind != "table" or name in metadata.tables

    with store.database.reading() as connection:
        options = {"include_object": is_ours, "compare_type": True, "compare_server_default": False}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_an_old_file_ends_with_the_same_tables_as_a_new_one(old: Path, tmp_path: Path) -> None:
    shapes = []
    for path in (old, tmp_path / "new.db"):
        open_store(f"sqlite:///{path}").close()
        with closing(sqlite3.connect(path)) as connection:
            query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_sequence' ORDER BY 1, 2"
            shapes.append([(*row[:3], " ".join((row[3] or "").split())) for row in connection.execute(query)])
    upgraded, made = (
        [row for row in shape if row[:2] != ("table", "commands")] for shape in shapes
    )  # only spaces within may differ
    assert upgraded == made


def test_migrations_are_numbered_one_after_the_other() -> None:
    names = sorted(path.name for path in (MIGRATIONS / "versions").glob("*.py"))
    assert [name[:5] for name in names] == [f"{number:04}_" for number in range(1, len(names) + 1)]
    revisions = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    assert [(one.revision, one.down_revision) for one in reversed(revisions)] == [
        (f"{number:04}", f"{number - 1:04}" if number > 1 else None) for number in range(1, len(names) + 1)
    ]


def test_a_new_store_is_at_the_newest_version_and_opening_it_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        with closing(open_database(url)) as database, database.reading() as connection:
            assert find_version(connection) == newest_version()


def test_two_that_open_a_new_store_at_once_both_find_it_made(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: open_store(url), range(4)))
    for store in stores:
        assert store.position() == 0
        store.close()
