"""Stores to try things on: each promise is held to both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from outages.store import EventStore, open_store
from tests.postgres import Cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> str:
    """The address of a store that is not there yet, on SQLite and on PostgreSQL."""
    return f"sqlite:///{tmp_path}/outages.db" if request.param == "sqlite" else cluster.new_database()


@pytest.fixture
def opened(url: str) -> Iterator[Callable[[], EventStore]]:
    """Opens the store at ``url``, as often as asked; all are closed in the end."""
    stores: list[EventStore] = []

    def again() -> EventStore:
        stores.append(open_store(url))
        return stores[-1]

    yield again
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[[], EventStore]) -> EventStore:
    """A new store."""
    return opened()


@pytest.fixture(scope="module")
def fragile() -> Iterator[Cluster]:
    """A server that may be stopped and killed: with few databases it is soon back, and nobody else waits for it."""
    server = Cluster()
    yield server
    server.remove()
