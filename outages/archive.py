"""Backups: a copy of the SQLite file or an archive of lines, whole or not at all, and a store made from one again.

::

    SQLite ─────▶ backup ─▶ FILE.db (a copy by SQLite itself, while others write)  ─▶ restore ─▶ SQLite or PostgreSQL
    PostgreSQL ─▶ backup ─▶ FILE.jsonl.gz (what `export` writes)                   ─▶ restore ─▶ SQLite or PostgreSQL

A backup holds passwords' digests and what people are told: only its owner may read the file.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from outages.audit import Verified, verify_audit
from outages.database import Database, StoreError, open_database
from outages.transfer import FORGOTTEN, LEFT_OUT, Header, Progress, export, load, verify

__all__ = ["LEFT_OUT", "Progress", "backup", "export", "load", "restore", "verify"]

LINES = (".jsonl", ".jsonl.gz")
"""Endings of the names of archives of lines."""

_PAGES_AT_ONCE = 1_000  # of 4 kB
_BESIDE = ("", "-wal", "-shm", "-journal")
"""Endings of the files of an SQLite database: one that is left over would be taken for a part of the new one."""


def backup(database: Database, out: Path, *, now: datetime, progress: Progress | None = None) -> None:
    """Write everything that was acknowledged before this began to ``out``, which must not be there; others may go on writing.

    An archive where the name ends in .jsonl or .jsonl.gz, which PostgreSQL asks for; else a copy of the SQLite file, which
    was read through and found whole. Raises StoreError; then there is nothing at ``out``.
    """
    lines = out.name.endswith(LINES)
    if database.path is None and not lines:
        raise StoreError(f"A backup of PostgreSQL is an archive of lines, and {out} was given. Let the name end in .jsonl.gz.")
    with _draft(out) as draft:
        if lines or database.path is None:
            _export_to(draft, database, now=now, networks=True, progress=progress)
        else:
            _copy(database.path, draft, progress)


def write_lines(
    database: Database, out: Path, *, now: datetime, networks: bool = True, progress: Progress | None = None
) -> dict[str, int]:
    """Write everything as lines to ``out`` (.jsonl or .jsonl.gz), which must not be there; return the rows of each table.

    Without ``networks`` the kept networks stay behind. Raises StoreError; then there is nothing at ``out``.
    """
    if not out.name.endswith(LINES):
        raise StoreError(f"The file to write, {out}, is neither .jsonl nor .jsonl.gz. Give its name one of these ends.")
    with _draft(out) as draft:
        return _export_to(draft, database, now=now, networks=networks, progress=progress)


def restore(archive: Path, url: str, *, progress: Progress | None = None) -> Verified:
    """Make the store at ``url`` from a backup; nothing may be there yet. Returns what a look through its audit log found.

    A backup of either kind can become a store of either kind. Raises StoreError; then there is nothing at ``url``.
    """
    # Read through before anything is made at the url.
    header = None if _is_sqlite(archive) else verify(archive)
    target = _sqlite_file(url)
    if target is None:
        return _restore_rows(archive, header, url, progress)
    with _draft(target) as draft:
        if header is None:
            _copy(archive, draft, progress)
            with _said_of(archive, draft), closing(open_database(f"sqlite:///{draft}", create=False)) as database:
                found = verify_audit(database)
        else:
            found = _restore_rows(archive, header, f"sqlite:///{draft}", progress)
        _settle(draft)
    return found


def _restore_rows(archive: Path, header: Header | None, url: str, progress: Progress | None) -> Verified:
    with closing(open_database(url)) as database:
        if header is None:
            _load_copy(archive, database, progress)
        else:
            load(archive, database, verified=header, progress=progress)
        return verify_audit(database)


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """Give a path to write to; what is there afterwards goes to disk, and to ``out``, at once and whole."""
    there = next((path for path in (out.with_name(out.name + ending) for ending in _BESIDE) if path.exists()), None)
    if there is not None:
        raise StoreError(f"{there} is there already. Nothing was written. Name a file that is not, or move that one away.")
    try:
        # In the same folder, so that the last step is a rename; nobody else may look inside.
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".gridnotice-") as folder:
            draft = Path(folder) / out.name
            yield draft
            draft.chmod(0o600)
            _sync(draft)
            draft.rename(out)
        _sync(out.parent)
    except (OSError, sqlite3.Error) as error:
        says = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise StoreError(
            f"{out} could not be written: {says}. Nothing is there. Check its folder and the space there."
        ) from error


@contextmanager
def _said_of(archive: Path, draft: Path) -> Iterator[None]:
    """Let a refusal name the archive, and not the draft that nobody knows of."""
    try:
        yield
    except StoreError as error:
        raise type(error)(str(error).replace(str(draft), str(archive))) from error


def _export_to(out: Path, database: Database, *, now: datetime, networks: bool, progress: Progress | None) -> dict[str, int]:
    with out.open("wb") as file:
        if out.suffix != ".gz":
            return export(database, file, now=now, networks=networks, progress=progress)
        # Neither name nor time: the same lines give the same file.
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
            return export(database, packed, now=now, networks=networks, progress=progress)


def _load_copy(archive: Path, database: Database, progress: Progress | None) -> None:
    """Load a copy of an SQLite file into another store, by way of lines. The copy itself is left as it is."""
    made_at = datetime.fromtimestamp(archive.stat().st_mtime, UTC)
    with tempfile.TemporaryDirectory(prefix="gridnotice-") as folder:
        own, lines = Path(folder) / "copy.db", Path(folder) / "copy.jsonl.gz"
        _copy(archive, own, None)
        with _said_of(archive, own), closing(open_database(f"sqlite:///{own}", create=False)) as opened:
            _export_to(lines, opened, now=made_at, networks=True, progress=None)
        load(lines, database, progress=progress)


def _copy(source: Path, target: Path, progress: Progress | None) -> None:
    def tell(_status: int, remaining: int, pages: int) -> None:
        if progress is not None and pages:
            progress(1 - remaining / pages)

    # Not "ro": a reader that may not write leaves its -wal and -shm files behind.
    address = f"{source.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as origin, closing(sqlite3.connect(target)) as copy:
        # One moment, held to the end: without it, every page that others write would begin the copy anew.
        origin.execute("BEGIN")
        origin.execute("SELECT count(*) FROM sqlite_master")
        origin.backup(copy, pages=_PAGES_AT_ONCE, progress=tell)
        tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        with copy:
            for name in tables.intersection(FORGOTTEN):
                copy.execute(f"DELETE FROM {name}")  # noqa: S608 - one of two names
    _settle(target)


def _settle(path: Path) -> None:
    """Make an SQLite database one file again, and read it through; raises StoreError where it is damaged."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        says = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if says != "ok":
        raise StoreError(f"The store is damaged: {says}. Nothing was written. Restore an older backup.")


def _is_sqlite(archive: Path) -> bool:
    try:
        with archive.open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError as error:
        raise StoreError(f"{archive} cannot be read: {error.strerror}. Check the path, and that you may read it.") from error


def _sqlite_file(url: str) -> Path | None:
    """Return the file that ``url`` names; None where it names none, and whoever opens it says what is wrong."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(parsed.database or "").absolute() if is_file else None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
