"""Opening a store, and what is said when it cannot be opened, read or written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from outages.checkup import space_finding
from outages.database import claim_server, open_database
from outages.failures import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnreachableError,
    explain,
)
from outages.store import EventStore, open_store
from outages.upgrade import newest_version
from tests.outages.course import AT, ENTERED
from tests.postgres import GUARDED, Cluster


def _run(url: str, *statements: str) -> None:
    """Run statements behind the store's back."""
    connection: Any
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    else:
        connection = psycopg.connect(url, autocommit=True)
    with closing(connection):
        for statement in statements:
            connection.execute(statement)


# --- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("outages.db", "not the address of a store"),
        ("", "not the address of a store"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////nowhere/at/all/outages.db", "/nowhere/at/all of the store is not there"),
        ("mysql://host/outages", "'mysql' is not known"),
        ("postgresql+asyncpg://host/outages", r"'postgresql\+asyncpg' is not known"),
        ("sqlite:////tmp/", "cannot be used|unable to open"),
    ],
)
def test_an_address_that_cannot_work_is_explained(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        open_store(url)


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+psycopg"])
def test_postgresql_may_be_named_with_its_driver_or_without(cluster: Cluster, driver: str) -> None:
    with closing(open_database(cluster.new_database().replace("postgresql", driver, 1))) as database:
        assert database.dialect == "postgresql"
        assert database.path is None


def test_a_password_is_never_shown() -> None:
    with pytest.raises(StoreUnreachableError) as caught:
        open_store("postgresql://clerk:s3cret@127.0.0.1:1/outages")
    assert "s3cret" not in str(caught.value)
    assert "clerk:***@127.0.0.1:1/outages" in str(caught.value)
    with pytest.raises(StoreError) as refused:
        open_store("mysql://clerk:s3cret@host/outages")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda url: url.rpartition("/")[0] + "/absent", 'There is no database .*"absent" does not exist.*createdb'),
        (lambda url: url.replace("postgres@", f"{GUARDED}:wrong@"), "does not let us in.*Check user and password"),
        (lambda _: "postgresql://postgres@127.0.0.1:1/x", "does not answer.*[Cc]onnection refused.*Check that the server runs"),
    ],
)
def test_a_server_that_does_not_let_us_in_is_explained(cluster: Cluster, change: Callable[[str], str], says: str) -> None:
    with pytest.raises(StoreUnreachableError, match=says):
        open_store(change(cluster.new_database()))


def test_an_absent_store_is_made_only_where_it_may_be(url: str) -> None:
    with pytest.raises(StoreError, match=r"is made when the service first starts"):
        open_store(url, create=False)
    open_store(url).close()
    open_store(url, create=False).close()


# --- what is there already ---------------------------------------------------------------------------------------------


def test_tables_of_another_program_are_refused_and_left_as_they_are(url: str) -> None:
    _run(url, "CREATE TABLE music (title text)", "INSERT INTO music VALUES ('Für Elise')")
    before = Path(url.removeprefix("sqlite:///")).read_bytes() if url.startswith("sqlite") else b""
    with pytest.raises(StoreError, match=r"of another program.*Nothing was changed. Choose another"):
        open_store(url)
    if url.startswith("sqlite"):
        assert Path(url.removeprefix("sqlite:///")).read_bytes() == before
    _run(url, "DROP TABLE music")


def test_another_program_that_uses_alembic_is_known_by_its_version(cluster: Cluster) -> None:
    address = cluster.new_database()
    open_store(address).close()
    _run(address, "UPDATE alembic_version SET version_num = 'ae1027a6acf'")
    with pytest.raises(StoreError, match=r"another program"):
        open_store(address)


def test_the_tables_of_postgis_are_nobodys(cluster: Cluster) -> None:
    open_store(cluster.new_database(postgis=True)).close()


def test_a_newer_schema_is_refused(url: str) -> None:
    open_store(url).close()
    _run(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=rf"by a newer release \(schema 9999, known {newest_version()}\)"):
        open_store(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "given.db"
    path.write_text("devices;state\n" * 100)
    with pytest.raises(StoreError, match=r"is not a database.*Choose another file"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("devices;state")


def test_a_database_in_another_encoding_is_refused(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE old_encoding ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match=r"encoding SQL_ASCII.*createdb --encoding=UTF8"):
        open_store(cluster.url("old_encoding"))


# --- writing -----------------------------------------------------------------------------------------------------------


def _fill(store: EventStore) -> None:
    for number in range(100):
        store.append(f"more-{number}", 0, [ENTERED])


def test_a_full_disk_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/outages.db")) as store:
        store.append("7", 0, [ENTERED])
        with store.database.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreFullError, match=r"outages.db is full. Nothing was changed. Free some space"):
            _fill(store)
        kept = store.position()
        assert store.read("7") == (ENTERED,)
        # A new connection, as after space was freed: the limit is the old connection's own.
        assert store.append("after", 0, [ENTERED]).seq == 1
        assert store.position() == kept + 1


def test_a_store_that_can_only_be_read_is_read(cluster: Cluster) -> None:
    address = cluster.new_database()
    open_store(address).close()
    _run(address, f"ALTER DATABASE {address.rpartition('/')[2]} SET default_transaction_read_only = on")
    with closing(open_store(address)) as store:
        with pytest.raises(StoreReadOnlyError, match=r"can only be read.*Give this user the right"):
            store.append("7", 0, [ENTERED])
        assert store.position() == 0


def test_reading_cannot_write(store: EventStore) -> None:
    with pytest.raises(StoreReadOnlyError), store.database.reading() as connection:
        connection.execute(text("INSERT INTO commands VALUES ('k', 'd', '7', 1)"))


def test_reading_sees_one_moment(store: EventStore) -> None:
    count = text("SELECT count(*) FROM events")
    with store.database.reading() as connection:
        assert connection.execute(count).scalar_one() == 0
        store.append("7", 0, [ENTERED])
        assert connection.execute(count).scalar_one() == 0
    assert store.position() == 1


@pytest.mark.parametrize("holder", ["this process", "another"])
def test_a_store_that_is_held_too_long_is_busy(url: str, holder: str) -> None:
    with closing(open_database(url, busy_timeout_s=0.2)) as database, closing(open_database(url)) as other:
        holding = database if holder == "this process" else other
        outcomes: list[Exception] = []

        def write() -> None:
            try:
                with database.writing():
                    pass
            except StoreError as error:
                outcomes.append(error)

        with holding.writing() as connection:
            writer = threading.Thread(target=write)
            writer.start()
            while writer.is_alive():  # busy, and not frozen: that would end its turn
                connection.execute(text("SELECT 1"))
        assert [type(error) for error in outcomes] == [StoreBusyError]
        assert "Try again" in str(outcomes[0])
        with database.writing() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_what_fails_within_a_write_undoes_all_of_it(store: EventStore) -> None:
    def fail() -> None:
        with store.database.writing() as connection:
            connection.execute(text("INSERT INTO commands VALUES ('k', 'd', '7', 1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM commands")).scalar_one() == 0


def test_a_database_that_went_and_came_back_is_used_again(fragile: Cluster) -> None:
    with closing(open_store(fragile.new_database())) as store:
        store.append("7", 0, [ENTERED])
        fragile.kill()
        for use in (lambda: store.append("8", 0, [ENTERED]), store.position):
            with pytest.raises(StoreUnreachableError, match=r"does not answer.*repeat it with the same key"):
                use()
        fragile.start()
        assert store.position() == 1
        assert store.append("8", 0, [ENTERED]).seq == 1
        assert store.read("7") == (ENTERED,)


def test_a_restart_between_two_writes_is_not_noticed(fragile: Cluster) -> None:
    with closing(open_store(fragile.new_database())) as store:
        store.append("7", 0, [ENTERED])
        fragile.stop()
        fragile.start()
        assert store.append("8", 0, [ENTERED]).seq == 1


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (psycopg.errors.DiskFull("could not extend file"), StoreFullError, "is full. Nothing was changed"),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), StoreReadOnlyError, "stand-by"),
        (psycopg.errors.InsufficientPrivilege("permission denied"), StoreReadOnlyError, "right to write"),
        (psycopg.errors.LockNotAvailable("lock timeout"), StoreBusyError, "locked by another writer"),
        (psycopg.errors.TooManyConnections("sorry"), StoreBusyError, "max_connections"),
        (psycopg.errors.AdminShutdown("terminating connection"), StoreUnreachableError, "does not answer"),
        (psycopg.errors.CannotConnectNow("starting up"), StoreUnreachableError, "does not answer"),
        (psycopg.errors.DataCorrupted("invalid page"), StoreError, "is damaged.*restore the newest backup"),
        (psycopg.errors.UniqueViolation("duplicate"), StoreError, "refused this: duplicate"),
        (psycopg.OperationalError("the connection is closed"), StoreUnreachableError, "does not answer"),
        (psycopg.ProgrammingError("no such thing"), StoreError, "refused this"),
        (sqlite3.ProgrammingError("Cannot operate on a closed database"), StoreError, "cannot be used"),
    ],
)
def test_each_refusal_has_its_sentence(error: Exception, kind: type[StoreError], says: str) -> None:
    explained = explain(error, "sqlite or not")
    assert type(explained) is kind
    with pytest.raises(kind, match=says):
        raise explained


# --- one server --------------------------------------------------------------------------------------------------------

_SERVER = """
import sys
from outages.checkup import space_finding
from outages.database import claim_server, open_database
with claim_server(open_database(sys.argv[1])):
    print("serving", flush=True)
    sys.stdin.read()
"""


def test_a_second_server_on_one_file_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/outages.db"
    first = subprocess.Popen([sys.executable, "-c", _SERVER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"serving\n"
    with closing(open_database(url)) as database:
        with (
            pytest.raises(StoreError, match=rf"Process {first.pid} already serves .*move it to PostgreSQL"),
            claim_server(database),
        ):
            pass
        first.kill()
        first.communicate()
        with claim_server(database), pytest.raises(StoreError, match=r"already serves"), claim_server(database):
            pass
        with claim_server(database):
            pass


def test_several_servers_share_postgresql(cluster: Cluster) -> None:
    with closing(open_database(cluster.new_database())) as database, claim_server(database), claim_server(database):
        pass


# --- check -------------------------------------------------------------------------------------------------------------


def test_a_sound_store_has_no_findings_and_is_not_changed(store: EventStore) -> None:
    store.append("7", 0, [ENTERED])
    assert [one for one in store.check(AT) if one.code != "disk_space"] == []
    with store.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM commands")).scalar_one() == 0


@pytest.mark.parametrize(("behind_s", "found"), [(0, []), (60, []), (61, ["clock"]), (3600, ["clock"])])
def test_a_clock_that_was_set_back_is_told_with_its_distance(store: EventStore, behind_s: int, found: list[str]) -> None:
    store.append("7", 0, [ENTERED])
    findings = [one for one in store.check(AT - timedelta(seconds=behind_s)) if one.code != "disk_space"]
    assert [(one.code, one.severity) for one in findings] == [(code, "warning") for code in found]
    assert all(f"by {behind_s} s" in one.says for one in findings)


def test_an_older_schema_under_a_running_store_is_found(store: EventStore, url: str) -> None:
    _run(url, "UPDATE alembic_version SET version_num = '9999'")
    assert [one.code for one in store.check(AT)] == ["schema"]


@pytest.mark.parametrize(("free_mb", "severity"), [(199, "error"), (200, "warning"), (999, "warning"), (1000, None)])
def test_little_space_is_a_warning_and_none_an_error(free_mb: int, severity: str | None) -> None:
    finding = space_finding(free_mb * 1_000_000, Path("/var/lib/gridnotice"))
    assert (finding and finding.severity) == severity
    assert finding is None or f"{free_mb} MB are free at /var/lib/gridnotice" in finding.says


def test_a_store_that_cannot_be_written_or_reached_is_found(fragile: Cluster) -> None:
    address = fragile.new_database()
    open_store(address).close()
    _run(address, f"ALTER DATABASE {address.rpartition('/')[2]} SET default_transaction_read_only = on")
    with closing(open_store(address)) as store:
        assert [(one.code, one.severity) for one in store.check(AT)] == [("not_writable", "error")]
        fragile.stop()
        assert [(one.code, one.severity) for one in store.check(AT)] == [("unreachable", "error")]
        fragile.start()


def test_a_writer_that_is_frozen_loses_its_turn_before_the_others_have_waited_in_vain(cluster: Cluster) -> None:
    url = cluster.new_database()
    with closing(open_database(url, busy_timeout_s=2)) as frozen, closing(open_database(url, busy_timeout_s=2)) as other:
        held = frozen.writing()
        held.__enter__()
        with other.writing() as theirs:
            assert theirs.exec_driver_sql("SELECT 1").scalar_one() == 1
        with pytest.raises(StoreUnreachableError, match="repeat it with the same key"):
            held.__exit__(None, None, None)
        with frozen.writing() as again:
            assert again.exec_driver_sql("SELECT 1").scalar_one() == 1
