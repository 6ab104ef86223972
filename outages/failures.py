"""What a database says when it refuses, in our words: what happened, what was given, and the next step to take."""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError

DRIVER_ERRORS = (DBAPIError, sqlite3.Error, psycopg.Error)
"""What SQLAlchemy and the two drivers raise."""


class StoreError(RuntimeError):
    """The store cannot be opened, read or written."""


class StoreBusyError(StoreError):
    """Somebody else holds the store for too long. Nothing was changed; a repeat may succeed."""


class StoreFullError(StoreError):
    """The disk of the store is full. Nothing was changed."""


class StoreReadOnlyError(StoreError):
    """The store can be read and not written. Nothing was changed."""


class StoreUnreachableError(StoreError):
    """The database does not answer. A repeat with the same key is safe: what was written before is found again."""


_KINDS: dict[str, tuple[type[StoreError], str]] = {
    "full": (StoreFullError, "The disk of the store {where} is full. Nothing was changed. Free some space, then try again."),
    "read_only": (
        StoreReadOnlyError,
        "The store {where} can only be read. Nothing was changed. Give this user the right to write to it and to its folder, "
        "or use the primary server where this one is a stand-by.",
    ),
    "busy": (
        StoreBusyError,
        "The store {where} is locked by another writer. Nothing was changed. Try again; if it stays so, look for a program that "
        "holds it open, such as a backup or a database browser.",
    ),
    "not_ours": (StoreError, "{where} is not a database: {says}. Choose another file for the store."),
    "damaged": (StoreError, "The store {where} is damaged: {says}. Stop writing to it and restore the newest backup."),
    "refused": (StoreError, "The store {where} refused this: {says}. Nothing was changed. Report it with these words."),
    "unusable": (
        StoreError,
        "The store {where} cannot be used: {says}. Nothing was changed. "
        "Check that the file is a store, that it and its folder can be written, that there is space and quota left, and that the "
        "disk is sound; then try again.",
    ),
    "no_database": (
        StoreUnreachableError,
        "There is no database for {where}: {says}. Make one: createdb --encoding=UTF8 --template=template0 NAME.",
    ),
    "sign_in": (
        StoreUnreachableError,
        "The database server does not let us in at {where}: {says}. Check user and password of the store's address.",
    ),
    "crowded": (
        StoreBusyError,
        "The database server of {where} has no connection left: {says}. Raise its max_connections, or stop a process.",
    ),
    "away": (
        StoreUnreachableError,
        "The database of {where} does not answer: {says}. Check that the server runs and can be reached from here. "
        "What was under way may or may not be kept: repeat it with the same key.",
    ),
}

_SQLITE = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_NOTADB: "not_ours",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_CONSTRAINT: "refused",
}

_POSTGRESQL = {
    "53100": "full",
    "25006": "read_only",
    "42501": "read_only",
    "55P03": "busy",
    "25P03": "away",
    "40P01": "busy",
    "53300": "crowded",
    "3D000": "no_database",
    "28P01": "sign_in",
    "28000": "sign_in",
    "XX001": "damaged",
    "XX002": "damaged",
}

_SPOKEN = {  # libpq gives no code where no connection was made
    "does not exist": "no_database",
    "authentication failed": "sign_in",
    "no password supplied": "sign_in",
    "too many clients": "crowded",
    "remaining connection slots": "crowded",
}


def explain(error: Exception, where: str) -> StoreError:
    """Return the StoreError for what the driver raised at the store ``where`` (an address without its password)."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    kind = _sqlite_kind(original) if isinstance(original, sqlite3.Error) else _postgresql_kind(original)
    made, sentence = _KINDS[kind]
    says = str(original).strip().split("\n", maxsplit=1)[0].rstrip(".")
    return made(sentence.format(where=where, says=says))


def _sqlite_kind(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    return "unusable" if code is None else _SQLITE.get(code & 0xFF, "unusable")  # the low byte is the primary code


def _postgresql_kind(error: BaseException) -> str:
    code = getattr(error, "sqlstate", None)
    if code is not None:
        gone = code[:2] in ("08", "57")  # connection exceptions; shutting down, starting up
        return _POSTGRESQL.get(code, "away" if gone else "refused")
    if not isinstance(error, psycopg.OperationalError):
        return "refused"
    return next((kind for words, kind in _SPOKEN.items() if words in str(error)), "away")
