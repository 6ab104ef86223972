"""The only place that builds real parts from settings: network from its file, store from its address, service, application."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from api.app import create_app
from api.clock import utc_now
from api.courier import Courier
from api.demo import enter_demo_outages
from api.health import find_network_file
from api.intake import load_network
from api.outlets import read_outlets
from api.people.accounts import add_demo_accounts, has_demo_accounts
from api.service import Service
from api.settings import Settings
from api.utility import utility_of
from notices.deliver import Deliverer
from notices.outbox import Outbox
from notices.registry import Registry
from outages.database import Database
from outages.store import StoreError, open_store
from topology.network import Network


def build_service(settings: Settings, network: Network, *, now: datetime) -> Service:
    """Return the service on ``network`` and the store of ``settings``; a demonstration with an empty store gets its outages.

    Raises StoreError, also for a store with accounts that anybody may sign in with where this is no demonstration.
    """
    service = Service(network, open_store(settings.store), utility_of(settings))
    if settings.demo:
        add_demo_accounts(service.store.database, now=now)
        enter_demo_outages(service, now)
    elif has_demo_accounts(service.store.database):
        service.close()
        raise StoreError(f"{settings.store} is the store of a demonstration: anybody may sign in to it. Choose another store.")
    return service


def build_app(settings: Settings, *, network: Network | None = None, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the whole application as ``settings`` say, on ``network`` where it is loaded already.

    Raises SourceError, NetworkRefusedError, StoreError, AssetError, ChannelError.
    """
    watched = find_network_file(settings.network, read_at=clock())  # before it is read: it may change meanwhile
    loaded = network or load_network(settings.network)
    service = build_service(settings, loaded, now=clock())
    courier = (
        Courier(build_deliverer(settings, service.store.database), clock) if settings.deliver and settings.channels else None
    )
    return create_app(service, settings, clock, network=watched, courier=courier)


def build_deliverer(settings: Settings, database: Database) -> Deliverer:
    """Return who hands the messages of ``database`` over, by the channels of ``settings``; raises ChannelError."""
    adapters = read_outlets(settings.channels) if settings.channels else {}
    registry = Registry(database)
    name = f"{socket.gethostname()}:{os.getpid()}"
    return Deliverer(Outbox(database), lambda notice_id: registry.get(notice_id).texts, adapters, name=name)
