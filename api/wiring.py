"""The only place that builds real parts from settings: network from its file, store from its address, service, application."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI

from api.app import create_app
from api.demo import enter_demo_outages
from api.intake import load_network
from api.service import Service
from api.settings import Settings
from api.utility import utility_of
from outages.store import open_store
from topology.network import Network


def utc_now() -> datetime:
    """Return the time; everything below is told it."""
    return datetime.now(UTC)


def build_service(settings: Settings, network: Network, *, now: datetime) -> Service:
    """Return the service on ``network`` and the store of ``settings``; a demonstration with an empty store gets its outages.

    Raises StoreError.
    """
    service = Service(network, open_store(settings.store), utility_of(settings))
    if settings.demo:
        enter_demo_outages(service, now)
    return service


def build_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the whole application as ``settings`` say. Raises SourceError, NetworkRefusedError, StoreError, AssetError."""
    network = load_network(str(settings.network))
    return create_app(build_service(settings, network, now=clock()), settings, clock)
