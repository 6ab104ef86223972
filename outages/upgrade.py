"""Bringing the tables of a database up to this release, and refusing those of others.

The steps are Alembic's, numbered files in ``migrations/versions``; the number of the last is the schema version.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection

from outages.failures import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
APPLICATION_ID = 0x474E5443  # "GNTC": tells our files from other SQLite files
VERSION_TABLE = "alembic_version"
OWN_TABLES = {"events", "commands"}
"""What every store has had since its first release."""


def newest_version() -> str:
    """Return the number of the last migration, such as ``"0002"``: the schema that this release reads and writes."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def find_version(connection: Connection) -> str | None:
    """Return the schema version of the database, or None where it holds no store yet."""
    tables = _tables(connection)
    if VERSION_TABLE in tables:
        found: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()  # noqa: S608
        return found
    return "0001" if tables >= OWN_TABLES else None  # files of the first release have no version table


def upgrade(connection: Connection, where: str, *, create: bool) -> None:
    """Migrate to the newest schema within the transaction of ``connection``. Raises StoreError, and then nothing was changed."""
    _check_encoding(connection, where)
    tables = _tables(connection)
    if tables and not tables >= OWN_TABLES:
        raise StoreError(_foreign(where, sorted(tables)))
    version = find_version(connection)
    if version is None and not create:
        raise StoreError(f"{where} holds no store yet. Check the address; a store is made when the service first starts.")
    if version is not None:
        _check_known(version, where)
    if version != newest_version() or VERSION_TABLE not in tables:
        _migrate(connection, stamp=version if VERSION_TABLE not in tables else None)


def _check_known(version: str, where: str) -> None:
    if re.fullmatch(r"\d{4}", version) is None:
        raise StoreError(_foreign(where, [VERSION_TABLE]))
    if version > newest_version():
        raise StoreError(
            f"{where} was written by a newer release (schema {version}, known {newest_version()}). Nothing was changed. "
            "Use that release, or restore a backup made before it."
        )


def _foreign(where: str, tables: list[str]) -> str:
    shown = ", ".join(tables[:3]) + (" …" if len(tables) > 3 else "")
    return (
        f"{where} holds tables of another program ({shown}). Nothing was changed. "
        "Choose another file or database for the store: it needs one of its own."
    )


def _migrate(connection: Connection, stamp: str | None) -> None:
    if connection.dialect.name == "postgresql":  # a migration may pause for longer than a writer may
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    from alembic import command  # noqa: PLC0415  (slow to load, and seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if stamp is not None:
        command.stamp(config, stamp)
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        # A release before there was Alembic looks here, and sees that this file is too new for it.
        connection.exec_driver_sql(f"PRAGMA user_version = {int(newest_version())}")


def _tables(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    else:  # those of extensions, such as PostGIS, are not anybody's data
        names = (
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid "
            "AND deptype = 'e')"
        )
    return set(connection.exec_driver_sql(names).scalars())


def _check_encoding(connection: Connection, where: str) -> None:
    if connection.dialect.name == "sqlite":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreError(
            f"The database {where} has the encoding {encoding}, in which Chinese text cannot be kept or found. Make one that "
            "can: createdb --encoding=UTF8 --locale=C.UTF-8 --template=template0 NAME."
        )
