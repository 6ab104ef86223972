"""Starting a server on a store: only one that may be served, with a word about everything that is not as it should be."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import datetime

from api.clock import utc_now
from api.intake import load_network
from api.networks import keep_network
from api.people.accounts import has_demo_accounts, list_accounts
from api.settings import Settings
from api.tour import run_server
from outages.checkup import check_store
from outages.database import Database, claim_server, open_database
from outages.store import EventStore

Say = Callable[[str], None]
Status = Callable[[str], AbstractContextManager[object]]


class DemoAccountsError(RuntimeError):
    """The store holds accounts of a demonstration, with which anybody may sign in."""

    def __init__(self, database: Database, names: list[str]) -> None:
        store = address_of(database)
        super().__init__(
            f"The store {database.where} holds accounts of a demonstration ({', '.join(names)}), with which anybody may sign in. "
            "Name another store; or make an administrator of your own and disable them, one by one: "
            f"`gridnotice account add NAME --role admin --store {store}`, "
            f"`gridnotice account disable {names[0]} --store {store}`."
        )


class AddressError(OSError):
    """Nothing can listen at this address."""


def serve(settings: Settings, *, host: str, port: int, say: Say, status: Status) -> None:
    """Serve until interrupted.

    The network is kept in the store first, so that what was told can be worked out again. Raises DemoAccountsError, StoreError
    (also where another process serves the same file), AddressError, SourceError, NetworkRefusedError and AssetError.
    """
    with closing(open_database(settings.store)) as database, claim_server(database):
        refuse_demo_accounts(database)
        check_address(host, port)
        for line in findings(database, utc_now()):
            say(line)
        with status(f"Reading {settings.network}"):
            network = load_network(settings.network)
        say(f"Network {network.version[:12]}: {len(network.tables.customers):,} customers")
        with status("Keeping the network in the store"):
            is_new = keep_network(EventStore(database), network)
        if is_new:
            say(f"Kept the network {network.version[:12]} in the store, so that what is told now can be worked out again.")
        run_server(settings, host=host, port=port, say=say, network=network)


def check_address(host: str, port: int) -> None:
    """Raise AddressError where another program listens there already, or this machine has no such address."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        says = f"Nothing can listen at {host}, port {port}: {error.strerror}. Name others with --host and --port."
        raise AddressError(says) from error


def refuse_demo_accounts(database: Database) -> None:
    """Raise DemoAccountsError where anybody may sign in."""
    if has_demo_accounts(database):
        names = [one.name for one in list_accounts(database) if one.demo and one.disabled_at is None]
        raise DemoAccountsError(database, names)


def findings(database: Database, now: datetime) -> Iterator[str]:
    """Yield a line for everything that whoever starts the server should know."""
    for one in check_store(database, now):
        yield f"{one.severity}: {one.says}"
    if not any(one.disabled_at is None for one in list_accounts(database)):
        yield (
            "Nobody can sign in yet. Make the first administrator, then the others under /accounts: "
            f"`gridnotice account add NAME --role admin --store {address_of(database)}`."
        )


def address_of(database: Database) -> str:
    """Return the address of the store as it may be typed again; a password is left out."""
    return f"sqlite:///{database.where}" if database.dialect == "sqlite" else database.where
