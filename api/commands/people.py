"""Accounts of people and tokens of programs. A password is asked for or read from standard input, and never an argument.

Whoever may open the store may do this; the audit log says which user of the operating system it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.given import STORE, Json, Store, new_app, open_existing, tell, who_types
from api.people.roles import ROLES, TOKEN_PERMISSIONS

if TYPE_CHECKING:
    from api.people.accounts import Account
    from api.people.tokens import Token
    from outages.database import Database

account = new_app("account", "Accounts of people: who may sign in, and with which role.")
token = new_app("token", "Tokens of programs: what each may do, and until when.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account.")]
Role = Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input; else it is asked for.")]


@account.command()
def add(
    name: Name,
    role: Role,
    password_stdin: FromStdin = False,
    must_change: Annotated[bool, typer.Option("--must-change", help="Its owner chooses another password at first.")] = False,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Make an account. The first administrator is made like this; the store is made where there is none yet."""
    from api.people.accounts import add_account, check_name
    from outages.database import open_database

    check_name(name)
    with closing(open_database(store)) as database:
        now, by = _now(), who_types()
        password = _password(password_stdin)
        made = add_account(database, name, role, password, now=now, by=by, must_change=must_change)
        tell(as_json, _account_json(made, now), f"Made the account {made.name} ({made.role}).")


@account.command("list")
def list_(store: Store = STORE, as_json: Json = False) -> None:
    """List all accounts."""
    from api.commands.words import account_list
    from api.people.accounts import list_accounts

    with closing(open_existing(store)) as database:
        now, found = _now(), list_accounts(database)
    tell(as_json, [_account_json(one, now) for one in found], account_list(found, now))


@account.command("role")
def set_role(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="ROLE", help=f"One of {', '.join(ROLES)}.")],
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Give an account another role, from its next request on."""
    from api.people import accounts

    with _changing(name, store, as_json) as database:
        accounts.set_role(database, name, new, now=_now(), by=who_types())


@account.command()
def disable(name: Name, store: Store = STORE, as_json: Json = False) -> None:
    """Let nobody sign in with an account any more, and end its sessions."""
    from api.people.accounts import set_disabled

    with _changing(name, store, as_json) as database:
        set_disabled(database, name, True, now=_now(), by=who_types())


@account.command()
def enable(name: Name, store: Store = STORE, as_json: Json = False) -> None:
    """Let the owner of a disabled account in again."""
    from api.people.accounts import set_disabled

    with _changing(name, store, as_json) as database:
        set_disabled(database, name, False, now=_now(), by=who_types())


@account.command()
def password(name: Name, password_stdin: FromStdin = False, store: Store = STORE, as_json: Json = False) -> None:
    """Give an account a new password, to be changed at the next sign-in; its sessions end, and it is unlocked."""
    from api.people.accounts import reset_password

    with _changing(name, store, as_json) as database:
        reset_password(database, name, now=_now(), by=who_types(), password=_password(password_stdin))


@account.command()
def unlock(name: Name, store: Store = STORE, as_json: Json = False) -> None:
    """Forget the wrong passwords that were given for an account."""
    from api.people import accounts

    with _changing(name, store, as_json) as database:
        accounts.unlock(database, name, now=_now(), by=who_types())


@token.command("add")
def add_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the program.")],
    may: Annotated[list[str], typer.Option("--may", help=f"One of {', '.join(TOKEN_PERMISSIONS)}. Repeatable.")],
    days: Annotated[int, typer.Option(min=1, help="So many days it is valid; at most 730.")] = 365,
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """Make a token for a program. It is shown once, on standard output, and never to be had again."""
    from datetime import timedelta

    from api.commands.given import say
    from api.people import tokens

    with closing(open_existing(store)) as database:
        now = _now()
        made = tokens.add_token(database, name, may, expires_at=now + timedelta(days=days), now=now, by=who_types())
    if not as_json:
        until = f"{made.token.expires_at:%Y-%m-%d}"
        say(f"Token {made.token.id} of {made.token.name}, valid until {until}. Keep it; it is not shown again.")
    tell(as_json, {**_token_json(made.token, now), "token": made.text}, made.text)


@token.command("list")
def list_tokens(store: Store = STORE, as_json: Json = False) -> None:
    """List all tokens, the newest first; what opens the door is not among what is kept."""
    from api.commands.words import token_list
    from api.people import tokens

    with closing(open_existing(store)) as database:
        now, found = _now(), tokens.list_tokens(database)
    tell(as_json, [_token_json(one, now) for one in found], token_list(found, now))


@token.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token, as the list names it.")],
    store: Store = STORE,
    as_json: Json = False,
) -> None:
    """End a token for ever."""
    from api.people import tokens

    with closing(open_existing(store)) as database:
        now = _now()
        tokens.revoke_token(database, token_id, now=now, by=who_types())
        found = next(one for one in tokens.list_tokens(database) if one.id == token_id)
    tell(as_json, _token_json(found, now), f"The token {found.id} of {found.name} opens nothing any more.")


@contextmanager
def _changing(name: str, store: str, as_json: bool) -> Iterator[Database]:
    """Open the store for a change of an account, and answer with how it stands then."""
    from api.commands.words import account_state
    from api.people.accounts import key_of, list_accounts

    with closing(open_existing(store)) as database:
        yield database
        now = _now()
        found = next(one for one in list_accounts(database) if one.key == key_of(name))
    tell(as_json, _account_json(found, now), f"{found.name}: {found.role}, {account_state(found, now)}.")


def _password(from_stdin: bool) -> str:
    """Return the password that was typed twice without showing, or the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    return typed


def _now() -> datetime:
    from api.clock import utc_now

    return utc_now()


def _account_json(account: Account, now: datetime) -> dict[str, Any]:
    from api.commands.words import account_state

    return {
        "name": account.name,
        "role": account.role,
        "state": account_state(account, now),
        "created_at": account.created_at.isoformat(),
        "changed_at": account.changed_at.isoformat(),
        "disabled_at": _iso(account.disabled_at),
        "locked_until": _iso(account.locked_until),
        "must_change": account.must_change,
        "demo": account.demo,
    }


def _token_json(token: Token, now: datetime) -> dict[str, Any]:
    from api.commands.words import token_state

    return {
        "id": token.id,
        "name": token.name,
        "permissions": list(token.permissions),
        "state": token_state(token, now),
        "created_at": token.created_at.isoformat(),
        "created_by": token.created_by,
        "expires_at": token.expires_at.isoformat(),
        "used_at": _iso(token.used_at),
        "revoked_at": _iso(token.revoked_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
