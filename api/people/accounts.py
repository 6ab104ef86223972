"""Accounts of people: made, changed, locked and unlocked, and whether a name and a password belong together.

Every change is written to the audit log in the transaction that makes it. Passwords are kept as Argon2id hashes only, and are in
no message, log or entry. Times are aware; ``now`` is given.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from api.people.roles import ROLES
from api.people.tables import ACCOUNTS, ATTEMPTS, SESSIONS
from outages.audit import AuditEntry, write_audit
from outages.database import Database

MOST_WRONG = 5
"""Wrong passwords in a row that lock a name."""

LOCKED_FOR = timedelta(minutes=15)
KEPT_ATTEMPTS = timedelta(days=1)
"""After this long without another one, wrong attempts are forgotten."""

SHORTEST = 12
LONGEST = 200
LONGEST_NAME = 64

HASHER = PasswordHasher()
"""Argon2id with the library's parameters; a hash made with others is made anew when its owner signs in."""

_AT_ONCE = threading.BoundedSemaphore(4)
"""Checking a password takes 64 MB: no more than four at a time."""
_PATIENCE_S = 10

_COMMON = frozenset(
    """
    password1234 password12345 passwordpassword mypassword123 letmein12345 welcome12345 iloveyou1234 adminadmin12 administrator
    administrator1 changeme1234 changemenow1 qwertyuiop12 qwertyuiop123 qwertyqwerty 1q2w3e4r5t6y 1qaz2wsx3edc 1qaz@wsx3edc
    qazwsxedcrfv asdfghjkl123 zxcvbnm12345 123456789012 1234567890123 0123456789012 098765432109 987654321098 abcdefghijkl
    abcd12345678 abc123456789 a12345678900 123qweasdzxc 12345678qwer p@ssw0rd1234 passw0rd1234 woaini1314520 5201314520131
    gridnotice12 gridnotice123 poweroutage1 electricity1 correcthorsebatterystaple
    """.split()  # noqa: SIM905  (one a line would fill the page)
)
"""Passwords that are long enough and still the first that anybody tries."""

DEMO_ACCOUNTS = {f"demo-{role}": role for role in ("control", "desk", "approver", "head", "admin", "viewer")}


class AccountError(ValueError):
    """An account cannot be made or changed like that; ``code`` says why in one word, for pages in other languages."""

    def __init__(self, code: str, says: str) -> None:
        super().__init__(says)
        self.code = code


class WrongCredentialsError(PermissionError):
    """Name and password do not belong together; which of them is wrong is never said."""

    def __init__(self) -> None:
        super().__init__("Name and password do not belong together. Try again, or ask an administrator for a new password.")


class LockedError(PermissionError):
    """Too many wrong passwords in a row for this name, whether or not there is such an account."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"Too many wrong passwords: this name is locked until {until.isoformat(timespec='minutes')}. "
            "Wait until then, or ask an administrator to unlock it."
        )
        self.until = until


class BusyError(RuntimeError):
    """Too many people sign in at this moment."""

    def __init__(self) -> None:
        super().__init__("Too many sign-ins at this moment. Try again in a few seconds.")


@dataclass(frozen=True)
class Account:
    """Somebody who may sign in. It never holds a password or its hash."""

    name: str
    role: str
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None = None
    must_change: bool = False
    demo: bool = False
    has_password: bool = True
    locked_until: datetime | None = None

    @property
    def key(self) -> str:
        """The name as it is compared."""
        return key_of(self.name)

    def is_locked(self, now: datetime) -> bool:
        """Return whether too many wrong passwords were given just before ``now``."""
        return self.locked_until is not None and self.locked_until > now


def key_of(name: str) -> str:
    """Return ``name`` as names are compared: without spaces around it, width and case.

    >>> key_of(" Ｗang.Fang ")
    'wang.fang'
    """
    return unicodedata.normalize("NFKC", name).strip().casefold()


def check_name(name: str) -> str:
    """Return ``name`` without spaces around it; raises AccountError for one that nobody could read, or mistake for a program."""
    stripped = unicodedata.normalize("NFKC", name).strip()
    if not 2 <= len(stripped) <= LONGEST_NAME:
        raise AccountError("name_length", f"A name has 2 to {LONGEST_NAME} characters; {len(stripped)} were given.")
    if not stripped.isprintable() or ":" in stripped:
        raise AccountError(
            "name_characters", "A name has letters, digits, spaces and . _ - @ only, and no colon. Choose another."
        )
    return stripped


def check_password_rule(name: str, password: str) -> None:
    """Refuse a password that is guessed soon; raises AccountError that says why, and never the password."""
    folded = unicodedata.normalize("NFKC", password).casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        says = f"A password has {SHORTEST} to {LONGEST} characters; {len(password)} were given. Take several words."
        raise AccountError("password_length", says)
    if len(folded.replace(key_of(name), "")) < SHORTEST - 4:
        raise AccountError(
            "password_name", "The password is little more than the name. Take several words that are not the name."
        )
    if folded in _COMMON or len(set(folded)) < 5:  # fewer than five different characters: 121212121212
        raise AccountError(
            "password_common", "Everybody tries this password first. Take several words that do not belong together."
        )


def make_password() -> str:
    """Return a password that nobody can guess (79 bits), and that can be read out: no 0 and o, no 1, i and l."""
    drawn = [secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(16)]
    return "-".join("".join(drawn[start : start + 4]) for start in range(0, 16, 4))


def add_account(  # noqa: PLR0913  (said by name)
    database: Database,
    name: str,
    role: str,
    password: str,
    *,
    now: datetime,
    by: str,
    must_change: bool = False,
    hasher: PasswordHasher = HASHER,
) -> Account:
    """Make an account and return it. Raises AccountError for a name that is taken, an unknown role, a password that is weak."""
    name = check_name(name)
    check_password_rule(name, password)
    with _hashing():
        hashed = hasher.hash(password)
    with database.writing() as connection:
        return _insert(connection, name, role, now=now, by=by, password_hash=hashed, must_change=must_change)


def add_demo_accounts(database: Database, *, now: datetime) -> None:
    """Make the accounts of a demonstration where they are missing. They have no password: one signs in with one click."""
    with database.writing() as connection:
        known = set(connection.scalars(select(ACCOUNTS.c.key)))
        for name, role in DEMO_ACCOUNTS.items():
            if name not in known:
                _insert(connection, name, role, now=now, by="demo", demo=True)


def has_demo_accounts(database: Database) -> bool:
    """Return whether the store holds accounts that anybody may sign in with; real service on it would be open to all."""
    with database.reading() as connection:
        return bool(connection.scalar(select(func.count()).where(ACCOUNTS.c.demo, ACCOUNTS.c.disabled_at.is_(None))))


def list_accounts(database: Database) -> list[Account]:
    """Return all accounts by name, with when they are locked until."""
    locks = {}
    with database.reading() as connection:
        for row in connection.execute(select(ATTEMPTS.c.digest, ATTEMPTS.c.locked_until)):
            locks[row.digest] = row.locked_until
        rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.key)).all()
    return [_account(row, locks.get(_digest(row.key))) for row in rows]


def find_account(database: Database, name: str) -> Account | None:
    """Return the account of that name, compared without case; None where there is none."""
    with database.reading() as connection:
        row = _find(connection, name)
    return None if row is None else _account(row)


def check_credentials(
    database: Database, name: str, password: str, *, now: datetime, address: str = "", hasher: PasswordHasher = HASHER
) -> Account:
    """Return the account that ``name`` and ``password`` belong to.

    Raises WrongCredentialsError, LockedError and BusyError. An unknown name, a disabled account and a wrong password take the
    same time and say the same. Each attempt is counted before the password is looked at, so that many at once gain nothing.
    """
    with database.writing() as connection:
        until, wrong = _count_attempt(connection, name, now)
    if until is not None:
        raise LockedError(until)
    with database.reading() as connection:
        row = _find(connection, name)
    usable = row is not None and row.password_hash is not None and row.disabled_at is None
    matches = _matches(hasher, row.password_hash if row is not None and usable else _nobodys_hash(hasher), password)
    if row is None or not (usable and matches):
        raise _refused(database, row.name if row is not None else "", wrong, now=now, address=address)
    _let_in(database, row, password, hasher)
    return _account(row)


def change_password(
    database: Database, name: str, old: str, new: str, *, now: datetime, address: str = "", hasher: PasswordHasher = HASHER
) -> None:
    """Give the owner of an account a new password and end all of its sessions.

    Raises AccountError, and WrongCredentialsError, LockedError and BusyError as `check_credentials` does for the old one.
    """
    check_password_rule(name, new)
    account = check_credentials(database, name, old, now=now, address=address, hasher=hasher)
    if old == new:
        raise AccountError("password_same", "The new password is the old one. Choose another.")
    with _hashing():
        hashed = hasher.hash(new)
    with database.writing() as connection:
        _change(connection, account.name, now, password_hash=hashed, must_change=False)
        _end_sessions(connection, account.key)
        _note(connection, account.name, "password changed", account.name, now=now)


def reset_password(
    database: Database, name: str, *, now: datetime, by: str, password: str | None = None, hasher: PasswordHasher = HASHER
) -> str:
    """Give an account a new password, to be changed at the next sign-in, end its sessions, unlock it; return the password.

    Raises AccountError.
    """
    new = make_password() if password is None else password
    check_password_rule(name, new)
    with _hashing():
        hashed = hasher.hash(new)
    with database.writing() as connection:
        row = _get(connection, name)
        if row.subject is not None or row.demo:
            raise AccountError("no_password", f"{row.name} signs in without a password here. There is nothing to reset.")
        _change(connection, name, now, password_hash=hashed, must_change=True)
        _end_sessions(connection, row.key)
        _forget_attempts(connection, row.key)
        _note(connection, by, "password reset", row.name, now=now)
    return new


def set_role(database: Database, name: str, role: str, *, now: datetime, by: str) -> None:
    """Give an account another role, from the next request on. Raises AccountError; the last administrator stays one."""
    _check_role(role)
    with database.writing() as connection:
        row = _get(connection, name)
        if row.role == role:
            return
        _keep_an_admin(connection, row)
        _change(connection, name, now, role=role)
        _note(connection, by, "role changed", row.name, before=row.role, after=role, now=now)


def set_disabled(database: Database, name: str, disabled: bool, *, now: datetime, by: str) -> None:
    """Let nobody sign in with an account any more, and end its sessions; or let its owner in again. Raises AccountError."""
    with database.writing() as connection:
        row = _get(connection, name)
        if disabled == (row.disabled_at is not None):
            return
        if disabled:
            _keep_an_admin(connection, row)
            _end_sessions(connection, row.key)
        _change(connection, name, now, disabled_at=now if disabled else None)
        _note(connection, by, "account disabled" if disabled else "account enabled", row.name, now=now)


def unlock(database: Database, name: str, *, now: datetime, by: str) -> None:
    """Forget the wrong passwords that were given for an account. Raises AccountError."""
    with database.writing() as connection:
        row = _get(connection, name)
        _forget_attempts(connection, row.key)
        _note(connection, by, "account unlocked", row.name, now=now)


def admit(database: Database, subject: str, name: str, role: str, *, now: datetime) -> Account:
    """Return the account of somebody whom an identity provider vouches for, made or given its role of today.

    ``subject`` says who it is for ever; ``name`` is only what to call somebody new. Raises AccountError for a name that another
    account has, so that nobody becomes somebody else by taking a name elsewhere, and for an account that is disabled.
    """
    _check_role(role)
    with database.writing() as connection:
        row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.subject == subject)).one_or_none()
        if row is None:
            return _insert(connection, check_name(name), role, now=now, by="identity provider", subject=subject)
        if row.disabled_at is not None:
            raise AccountError("disabled", "This account is disabled. Ask an administrator.")
        if row.role != role:
            _change(connection, row.name, now, role=role)
            _note(connection, "identity provider", "role changed", row.name, before=row.role, after=role, now=now)
        return _account(_get(connection, row.name))


def _insert(connection: Connection, name: str, role: str, *, now: datetime, by: str, **values: Any) -> Account:
    _check_role(role)
    if _find(connection, name) is not None:
        raise AccountError("name_taken", f"There is an account {name!r} already. Choose another name.")
    row = {"key": key_of(name), "name": name, "role": role, "created_at": now, "changed_at": now}
    connection.execute(insert(ACCOUNTS).values({"must_change": False, "demo": False, **row, **values}))
    _note(connection, by, "account added", name, role=role, demo=values.get("demo", False), now=now)
    return _account(_get(connection, name))


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError("role_unknown", f"{role!r} is no role. Choose one of {', '.join(ROLES)}.")


def _keep_an_admin(connection: Connection, row: Row[Any]) -> None:
    others = select(func.count()).where(ACCOUNTS.c.role == "admin", ACCOUNTS.c.disabled_at.is_(None), ACCOUNTS.c.key != row.key)
    if row.role == "admin" and row.disabled_at is None and not connection.scalar(others):
        raise AccountError("last_admin", f"{row.name} is the last administrator. Make another one first.")


def _find(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.key == key_of(name))).one_or_none()


def _get(connection: Connection, name: str) -> Row[Any]:
    row = _find(connection, name)
    if row is None:
        raise AccountError("name_unknown", f"There is no account {name!r}. Look at the list of accounts.")
    return row


def _change(connection: Connection, name: str, now: datetime, **values: Any) -> None:
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == key_of(name)).values(changed_at=now, **values))


def _end_sessions(connection: Connection, key: str) -> None:
    connection.execute(delete(SESSIONS).where(SESSIONS.c.account == key))


def _note(connection: Connection, by: str, what: str, subject: str, *, now: datetime, **detail: Any) -> None:
    write_audit(connection, [AuditEntry(now, by, what, subject, detail)])


def _account(row: Row[Any], locked_until: datetime | None = None) -> Account:
    return Account(
        row.name,
        row.role,
        row.created_at,
        row.changed_at,
        row.disabled_at,
        row.must_change,
        row.demo,
        row.password_hash is not None,
        locked_until,
    )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _count_attempt(connection: Connection, name: str, now: datetime) -> tuple[datetime | None, int]:
    """Count one attempt; return until when the name is locked already, else None, and how many there are in a row."""
    digest = _digest(key_of(name))
    row = connection.execute(select(ATTEMPTS).where(ATTEMPTS.c.digest == digest)).one_or_none()
    if row is not None and row.locked_until is not None and row.locked_until > now:
        return row.locked_until, row.wrong
    wrong = 1 if row is None or row.locked_until is not None else row.wrong + 1  # after a lock they are counted anew
    values = {"wrong": wrong, "last_at": now, "locked_until": now + LOCKED_FOR if wrong >= MOST_WRONG else None}
    if row is None:
        connection.execute(insert(ATTEMPTS).values(digest=digest, **values))
    else:
        connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.digest == digest).values(values))
    return None, wrong


def _forget_attempts(connection: Connection, key: str) -> None:
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.digest == _digest(key)))


def _refused(database: Database, name: str, wrong: int, *, now: datetime, address: str) -> WrongCredentialsError | LockedError:
    """Write down a sign-in that failed, and return the error. A name that nobody has is not written: it may be a password."""
    locked = wrong >= MOST_WRONG
    whats = ("sign-in failed", "name locked") if locked else ("sign-in failed",)
    with database.writing() as connection:
        write_audit(connection, [AuditEntry(now, "", what, name, {"address": address, "wrong": wrong}) for what in whats])
    return LockedError(now + LOCKED_FOR) if locked else WrongCredentialsError()


def _let_in(database: Database, row: Row[Any], password: str, hasher: PasswordHasher) -> None:
    rehashed = None
    if hasher.check_needs_rehash(row.password_hash):
        with _hashing():
            rehashed = hasher.hash(password)
    with database.writing() as connection:
        _forget_attempts(connection, row.key)
        if rehashed is not None:
            unchanged = (ACCOUNTS.c.key == row.key) & (ACCOUNTS.c.password_hash == row.password_hash)
            connection.execute(update(ACCOUNTS).where(unchanged).values(password_hash=rehashed))


def _matches(hasher: PasswordHasher, hashed: str, password: str) -> bool:
    with _hashing():
        try:
            return hasher.verify(hashed, password)
        except VerificationError:
            return False


@cache
def _nobodys_hash(hasher: PasswordHasher) -> str:
    """Return the hash of a password that nobody knows, so that an unknown name takes as long as a wrong password."""
    return hasher.hash(secrets.token_urlsafe(32))


@contextmanager
def _hashing() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_PATIENCE_S):
        raise BusyError
    try:
        yield
    finally:
        _AT_ONCE.release()
