"""Whether a store is fit for service: what an operator wants to hear at the start rather than in a storm."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, select

from outages.database import Database
from outages.failures import StoreError
from outages.tables import COMMANDS, EVENTS
from outages.upgrade import find_version, newest_version

ERROR_BELOW_BYTES = 200_000_000
WARN_BELOW_BYTES = 1_000_000_000
CLOCK_TOLERANCE_S = 60
OLDEST_POSTGRESQL = 13


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. ``code`` never changes, ``says`` is a sentence with the next step."""

    code: str
    severity: Literal["error", "warning"]
    says: str


class _RollBack(Exception):  # noqa: N818  (no error: the way out of a trial)
    pass


def check_store(database: Database, now: datetime) -> list[Finding]:
    """Return everything that is wrong with the store at ``now``; nothing is changed by looking."""
    try:
        with database.reading() as connection:
            found = [*_check_schema(connection), *_check_server(connection), *_check_clock(connection, now)]
    except StoreError as error:
        return [Finding("unreachable", "error", str(error))]
    return [*found, *_check_writable(database), *_check_space(database)]


def _check_schema(connection: Connection) -> list[Finding]:
    version = find_version(connection)
    if version == newest_version():
        return []
    says = f"The store has schema {version}, this release knows {newest_version()}. Start every process again with one release."
    return [Finding("schema", "error", says)]


def _check_server(connection: Connection) -> list[Finding]:
    if connection.dialect.name == "sqlite":
        return []
    found = []
    settings = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in _SETTINGS}
    if settings["server_encoding"] != "UTF8":
        says = f"The database has the encoding {settings['server_encoding']}. Move the store to one with UTF8."
        found.append(Finding("encoding", "error", says))
    if int(settings["server_version_num"]) < OLDEST_POSTGRESQL * 10_000:
        says = f"The server is PostgreSQL {settings['server_version_num']}; {OLDEST_POSTGRESQL} or newer is needed. Upgrade it."
        found.append(Finding("server_version", "error", says))
    if settings["fsync"] != "on":
        says = "The server runs with fsync off: a power cut loses what was acknowledged. Set fsync = on."
        found.append(Finding("fsync", "error", says))
    return found


_SETTINGS = ("server_encoding", "server_version_num", "fsync")


def _check_clock(connection: Connection, now: datetime) -> list[Finding]:
    newest = connection.execute(select(EVENTS.c.recorded_at).order_by(EVENTS.c.position.desc()).limit(1)).scalar()
    behind_s = 0 if newest is None else (newest - now).total_seconds()
    if newest is None or behind_s <= CLOCK_TOLERANCE_S:
        return []
    says = (
        f"The clock is behind the store by {behind_s:.0f} s: it is {now.isoformat()}, and the newest event was recorded at "
        f"{newest.isoformat()}. Set the clock (chronyc tracking, timedatectl)."
    )
    return [Finding("clock", "warning", says)]


def _check_writable(database: Database) -> list[Finding]:
    try:
        with database.writing() as connection:
            trial = {"key": f"trial {os.getpid()}", "digest": "", "outage_id": "", "last_seq": 0}
            connection.execute(COMMANDS.insert(), trial)
            raise _RollBack
    except _RollBack:
        return []
    except StoreError as error:
        return [Finding("not_writable", "error", str(error))]


def _check_space(database: Database) -> list[Finding]:
    if database.path is None:
        return []  # the server's disk is the server's
    disk = os.statvfs(database.path.parent)
    finding = space_finding(disk.f_bavail * disk.f_frsize, database.path.parent)
    return [] if finding is None else [finding]


def space_finding(free_bytes: int, folder: Path) -> Finding | None:
    """Return what is to be said of so much space, or None where it is enough."""
    if free_bytes >= WARN_BELOW_BYTES:
        return None
    free = f"{free_bytes / 1e6:.0f} MB"
    says = f"Only {free} are free at {folder}. Free some space, or move the store: a full disk takes no more events."
    return Finding("disk_space", "error" if free_bytes < ERROR_BELOW_BYTES else "warning", says)
