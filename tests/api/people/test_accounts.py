"""Accounts: who may sign in, how a name is locked, and that no secret is ever told."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from api.labels import ACCOUNT_PROBLEMS
from api.people import accounts
from api.people.accounts import (
    DEMO_ACCOUNTS,
    LOCKED_FOR,
    MOST_WRONG,
    Account,
    AccountError,
    LockedError,
    WrongCredentialsError,
    check_name,
    check_password_rule,
    key_of,
    make_password,
)
from api.people.sessions import begin_session, find_session, sweep_sessions
from api.people.tables import ACCOUNTS, ATTEMPTS
from outages.audit import read_audit, verify_audit
from outages.database import Database, open_database
from tests.api.people.conftest import CHEAP, LIFETIME, SECRET

NOW = datetime(2026, 5, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def add(database: Database, name: str = "Wang Fang", role: str = "control", **changes: Any) -> Account:
    return accounts.add_account(database, name, role, SECRET, **{"now": NOW, "by": "root", "hasher": CHEAP, **changes})


def check(database: Database, password: str, name: str = "Wang Fang", now: datetime = NOW) -> Account:
    return accounts.check_credentials(database, name, password, now=now, address="203.0.113.9", hasher=CHEAP)


def said(database: Database) -> list[str]:
    return [f"{row.entry.by}: {row.entry.what} {row.entry.subject}" for row in read_audit(database)]


def attempt(database: Database, password: str, *, name: str = "Wang Fang", now: datetime = NOW) -> Exception:
    with pytest.raises((WrongCredentialsError, LockedError)) as caught:
        check(database, password, name, now)
    return caught.value


def test_an_account_is_made_and_its_owner_is_known_by_name_and_password(database: Database) -> None:
    made = add(database)
    assert made == Account("Wang Fang", "control", NOW, NOW)
    assert check(database, SECRET) == made
    assert said(database) == ["root: account added Wang Fang"]


@pytest.mark.parametrize("name", ["WANG FANG", "  wang fang ", "Ｗang Fang"])
def test_a_name_is_one_whatever_its_case_width_and_spaces(database: Database, name: str) -> None:
    add(database)
    assert check(database, SECRET, name).name == "Wang Fang"
    with pytest.raises(AccountError, match="already"):
        add(database, name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_length"),
        (" x ", "name_length"),
        ("x" * 65, "name_length"),
        ("a:b", "name_characters"),
        ("a\x00b", "name_characters"),
    ],
)
def test_a_name_that_nobody_could_read_is_refused(name: str, code: str) -> None:
    with pytest.raises(AccountError) as caught:
        check_name(name)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_length"),
        ("eleven char", "password_length"),
        ("x y" * 100, "password_length"),
        ("Wang Fang 2026!", "password_name"),
        ("WANG FANGWANG FANG", "password_name"),
        ("passwordpassword", "password_common"),
        ("PassWord1234", "password_common"),
        ("121212121212", "password_common"),
        ("aaaaaaaaaaaaaaaa", "password_common"),
    ],
)
def test_a_password_that_is_guessed_soon_is_refused_with_the_reason(password: str, code: str) -> None:
    with pytest.raises(AccountError) as caught:
        check_password_rule("Wang Fang", password)
    assert caught.value.code == code
    assert not password or password not in str(caught.value)


@given(st.text(min_size=2, max_size=64))
def test_no_password_that_is_made_breaks_the_rule(name: str) -> None:
    check_password_rule(name, make_password())


@given(st.text(max_size=80))
def test_a_name_is_compared_as_itself_however_often(name: str) -> None:
    assert key_of(f" {name} ".upper().lower()) == key_of(key_of(f" {name} ".upper().lower()))


def test_a_role_that_is_none_is_refused_with_those_that_are(database: Database) -> None:
    with pytest.raises(AccountError, match=r"'boss' is no role\. Choose one of viewer, control"):
        add(database, role="boss")
    assert accounts.list_accounts(database) == []


def test_a_wrong_password_and_an_unknown_name_say_the_same(database: Database) -> None:
    add(database)
    wrong, unknown = attempt(database, "wrong"), attempt(database, SECRET, name="nobody")
    assert (type(wrong), str(wrong)) == (type(unknown), str(unknown))


def test_a_wrong_password_and_an_unknown_name_are_both_hashed_and_written_down(database: Database) -> None:
    hashed: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002
            hashed.append(str(hash).split("$")[3])
            return super().verify(hash, password)

    watched = Watched(time_cost=1, memory_cost=8, parallelism=1)
    add(database, hasher=watched)
    for name in ("Wang Fang", "nobody"):
        with pytest.raises(WrongCredentialsError):
            accounts.check_credentials(database, name, "wrong", now=NOW, hasher=watched)
    assert hashed[0] == hashed[1]  # the same parameters: the same time
    assert said(database)[1:] == [": sign-in failed Wang Fang", ": sign-in failed "]


def test_what_was_typed_as_an_unknown_name_is_kept_nowhere(database: Database, tmp_path: Path) -> None:
    attempt(database, "x", name="my secret by mistake")
    database.close()
    assert b"my secret by mistake" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("name", ["Wang Fang", "nobody"])
def test_five_wrong_in_a_row_lock_a_name_for_a_quarter_of_an_hour(database: Database, name: str) -> None:
    add(database)
    for _ in range(MOST_WRONG - 1):
        assert isinstance(attempt(database, "wrong", name=name), WrongCredentialsError)
    locked = attempt(database, "wrong", name=name)
    assert isinstance(locked, LockedError)
    assert locked.until == NOW + LOCKED_FOR
    assert "2026-05-01T01:15+00:00" in str(locked)
    assert isinstance(attempt(database, SECRET, name=name, now=NOW + 14 * MINUTE), LockedError)
    later = NOW + LOCKED_FOR
    if name == "nobody":
        assert isinstance(attempt(database, SECRET, name=name, now=later), WrongCredentialsError)
    else:
        assert check(database, SECRET, now=later).name == name


def test_after_a_lock_wrong_ones_are_counted_anew(database: Database) -> None:
    add(database)
    for _ in range(MOST_WRONG):
        attempt(database, "wrong")
    assert isinstance(attempt(database, "wrong", now=NOW + LOCKED_FOR), WrongCredentialsError)


def test_a_right_password_in_between_forgets_the_wrong_ones(database: Database) -> None:
    add(database)
    for _ in range(3):
        for _ in range(MOST_WRONG - 1):
            attempt(database, "wrong")
        check(database, SECRET)


def test_the_count_outlives_a_restart_and_holds_over_processes(database: Database, tmp_path: Path) -> None:
    add(database)
    for _ in range(MOST_WRONG - 1):
        attempt(database, "wrong")
    other = open_database(f"sqlite:///{tmp_path}/people.db")
    assert isinstance(attempt(other, "wrong"), LockedError)
    assert isinstance(attempt(database, SECRET), LockedError)
    other.close()


def test_many_guesses_at_once_gain_nothing(database: Database) -> None:
    add(database)
    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(lambda guess: attempt(database, f"guess {guess}"), range(20)))
    assert sum(isinstance(error, WrongCredentialsError) for error in errors) == MOST_WRONG - 1
    assert sum(line.startswith(": name locked") for line in said(database)) == 1


def test_an_administrator_unlocks_a_name(database: Database) -> None:
    add(database)
    for _ in range(MOST_WRONG):
        attempt(database, "wrong")
    (locked,) = accounts.list_accounts(database)
    assert locked.is_locked(NOW)
    assert not locked.is_locked(NOW + LOCKED_FOR)
    accounts.unlock(database, "wang fang", now=NOW, by="root")
    assert check(database, SECRET).name == "Wang Fang"
    assert said(database)[-1] == "root: account unlocked Wang Fang"


def test_wrong_attempts_of_long_ago_are_swept(database: Database) -> None:
    for number in range(3):
        attempt(database, "x", name=f"nobody {number}", now=NOW + timedelta(hours=number))
    sweep_sessions(database, now=NOW + timedelta(days=1, hours=1), lifetime=LIFETIME)
    with database.reading() as connection:
        assert len(connection.execute(select(ATTEMPTS)).all()) == 1


def test_a_hash_of_other_parameters_is_made_anew_at_sign_in(database: Database) -> None:
    def kept() -> str:
        with database.reading() as connection:
            return str(connection.scalar(select(ACCOUNTS.c.password_hash)))

    add(database)
    before = kept()
    assert before.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    check(database, SECRET)
    assert kept() == before
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    accounts.check_credentials(database, "Wang Fang", SECRET, now=NOW, hasher=stronger)
    assert kept().startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert check(database, SECRET).name == "Wang Fang"


def test_the_parameters_in_earnest_are_those_of_argon2_today() -> None:
    assert (accounts.HASHER.memory_cost, accounts.HASHER.time_cost, accounts.HASHER.type.name) == (65536, 3, "ID")


def test_a_password_is_changed_by_its_owner_and_ends_every_session(database: Database) -> None:
    account = add(database, must_change=True)
    held = begin_session(database, account, now=NOW, lifetime=LIFETIME, how="password")
    accounts.change_password(database, "Wang Fang", SECRET, "another river stone", now=NOW + MINUTE, hasher=CHEAP)
    assert find_session(database, held, now=NOW + MINUTE, lifetime=LIFETIME) is None
    assert not check(database, "another river stone").must_change
    assert isinstance(attempt(database, SECRET), WrongCredentialsError)


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("wrong", "another river stone", WrongCredentialsError, "do not belong together"),
        (SECRET, SECRET, AccountError, "is the old one"),
        (SECRET, "short", AccountError, "12 to 200 characters; 5 were given"),
    ],
)
def test_a_password_stays_where_it_cannot_be_changed(
    database: Database, old: str, new: str, error: type[Exception], words: str
) -> None:
    add(database)
    with pytest.raises(error, match=words):
        accounts.change_password(database, "Wang Fang", old, new, now=NOW, hasher=CHEAP)
    assert check(database, SECRET).name == "Wang Fang"


def test_the_old_password_cannot_be_guessed_by_changing_it(database: Database) -> None:
    add(database)
    errors = []
    for number in range(MOST_WRONG):
        with pytest.raises((WrongCredentialsError, LockedError)) as caught:
            accounts.change_password(database, "Wang Fang", f"guess {number}", "another river stone", now=NOW, hasher=CHEAP)
        errors.append(caught.type)
    assert errors == [WrongCredentialsError] * (MOST_WRONG - 1) + [LockedError]


def test_a_reset_hands_over_a_password_that_has_to_be_changed(database: Database) -> None:
    account = add(database)
    held = begin_session(database, account, now=NOW, lifetime=LIFETIME, how="password")
    for _ in range(MOST_WRONG):
        attempt(database, "wrong")
    handed = accounts.reset_password(database, "wang fang", now=NOW, by="root", hasher=CHEAP)
    assert check(database, handed).must_change
    assert find_session(database, held, now=NOW, lifetime=LIFETIME) is None
    assert said(database)[-1] == "root: password reset Wang Fang"


def test_a_disabled_account_is_signed_out_and_answers_like_an_unknown_one(database: Database) -> None:
    account = add(database)
    held = begin_session(database, account, now=NOW, lifetime=LIFETIME, how="password")
    accounts.set_disabled(database, "Wang Fang", True, now=NOW, by="root")
    assert find_session(database, held, now=NOW, lifetime=LIFETIME) is None
    assert isinstance(attempt(database, SECRET), WrongCredentialsError)
    accounts.set_disabled(database, "Wang Fang", False, now=NOW, by="root")
    assert check(database, SECRET).disabled_at is None
    assert [line for line in said(database) if "abled" in line] == [
        "root: account disabled Wang Fang",
        "root: account enabled Wang Fang",
    ]


def test_a_role_is_changed_and_the_change_written_down(database: Database) -> None:
    add(database)
    accounts.set_role(database, "Wang Fang", "approver", now=NOW, by="root")
    accounts.set_role(database, "Wang Fang", "approver", now=NOW, by="root")  # nothing happens twice
    found = accounts.find_account(database, "wang fang")
    assert found is not None
    assert found.role == "approver"
    entry = read_audit(database)[-1].entry
    assert (entry.what, entry.detail) == ("role changed", {"before": "control", "after": "approver"})


@pytest.mark.parametrize(
    "act",
    [
        lambda database: accounts.set_role(database, "root", "viewer", now=NOW, by="root"),
        lambda database: accounts.set_disabled(database, "root", True, now=NOW, by="root"),
    ],
)
def test_the_last_administrator_stays(database: Database, act: Callable[[Database], None]) -> None:
    add(database, "root", "admin")
    gone = add(database, "gone", "admin")
    accounts.set_disabled(database, gone.name, True, now=NOW, by="root")
    with pytest.raises(AccountError, match="root is the last administrator"):
        act(database)
    accounts.set_disabled(database, gone.name, False, now=NOW, by="root")
    act(database)


@pytest.mark.parametrize(
    "act",
    [
        lambda database: accounts.set_role(database, "nobody", "viewer", now=NOW, by="root"),
        lambda database: accounts.set_disabled(database, "nobody", True, now=NOW, by="root"),
        lambda database: accounts.unlock(database, "nobody", now=NOW, by="root"),
        lambda database: accounts.reset_password(database, "nobody", now=NOW, by="root", hasher=CHEAP),
    ],
)
def test_an_account_that_is_not_there_cannot_be_changed(database: Database, act: Callable[[Database], None]) -> None:
    with pytest.raises(AccountError, match="There is no account 'nobody'"):
        act(database)
    assert said(database) == []


def test_demo_accounts_have_no_password_and_can_be_told_from_others(database: Database) -> None:
    assert not accounts.has_demo_accounts(database)
    accounts.add_demo_accounts(database, now=NOW)
    accounts.add_demo_accounts(database, now=NOW + MINUTE)
    assert accounts.has_demo_accounts(database)
    assert {account.name: account.role for account in accounts.list_accounts(database)} == DEMO_ACCOUNTS
    assert isinstance(attempt(database, "", name="demo-admin"), WrongCredentialsError)
    with pytest.raises(AccountError, match="without a password"):
        accounts.reset_password(database, "demo-admin", now=NOW, by="root", hasher=CHEAP)


def test_somebody_vouched_for_elsewhere_gets_an_account_and_the_role_of_today(database: Database) -> None:
    first = accounts.admit(database, "https://id.example|7", "li.na", "viewer", now=NOW)
    again = accounts.admit(database, "https://id.example|7", "li.na.married", "desk", now=NOW)
    assert (first.role, again.name, again.role) == ("viewer", "li.na", "desk")
    assert isinstance(attempt(database, "", name="li.na"), WrongCredentialsError)
    accounts.set_disabled(database, "li.na", True, now=NOW, by="root")
    with pytest.raises(AccountError, match="disabled"):
        accounts.admit(database, "https://id.example|7", "li.na", "desk", now=NOW)


def test_nobody_becomes_somebody_else_by_a_name_taken_elsewhere(database: Database) -> None:
    add(database)
    with pytest.raises(AccountError, match="already"):
        accounts.admit(database, "https://id.example|8", "wang fang", "admin", now=NOW)


def test_no_secret_is_in_a_log_an_error_a_repr_or_the_audit_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    account = add(database)
    errors = [attempt(database, "guess my secret") for _ in range(MOST_WRONG)]
    accounts.unlock(database, "Wang Fang", now=NOW, by="root")
    handed = accounts.reset_password(database, "Wang Fang", now=NOW, by="root", hasher=CHEAP)
    held = begin_session(database, check(database, handed), now=NOW, lifetime=LIFETIME, how="password")
    told = caplog.text + repr(account) + repr(accounts.list_accounts(database)) + repr(read_audit(database))
    told += "".join(str(error) + repr(error) + "".join(traceback.format_exception(error)) for error in errors)
    for secret in (SECRET, "guess my secret", handed, held, "$argon2"):
        assert secret not in told


def test_what_people_did_is_sealed_in_the_audit_log(database: Database) -> None:
    add(database)
    attempt(database, "wrong")
    assert verify_audit(database).problems == ()


def test_every_error_of_an_account_has_words_beside_its_form() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(accounts.__file__).parents[1].rglob("*.py"))
    codes = set(re.findall(r'AccountError\(\s*"(\w+)"', source))
    assert codes == set(ACCOUNT_PROBLEMS)


def test_the_tables_of_the_migration_take_what_is_written(database: Database) -> None:
    with database.writing() as connection:
        row = {"key": "x", "name": "x", "role": "viewer", "must_change": False, "demo": False}
        connection.execute(insert(ACCOUNTS).values(created_at=NOW, changed_at=NOW, **row))
