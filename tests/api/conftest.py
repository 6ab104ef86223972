"""What the tests of the service share: the town, the service on it, a clock that stands still."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.people.sessions import COOKIE
from api.service import Service
from api.settings import Settings
from api.utility import Utility
from outages.store import open_store
from tests.api.signed import begin, new_client, sign_in
from tests.api.town import NOW, make_town
from topology.network import Network, build_network


@pytest.fixture(scope="session")
def town() -> Network:
    return build_network(make_town())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(network="town", store=f"sqlite:///{tmp_path}/outages.db", hosts=("testserver", "127.0.0.1"), demo=True)


@pytest.fixture
def service(town: Network, settings: Settings) -> Iterator[Service]:
    store = open_store(settings.store)
    utility = Utility({"zh": "东港供电公司", "en": "Donggang Power Supply"}, settings.hotline, settings.zone)
    yield Service(town, store, utility)
    store.close()


@pytest.fixture
def app(service: Service, settings: Settings) -> FastAPI:
    return create_app(service, settings, lambda: NOW)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Somebody from the control room."""
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield sign_in(client, "control")


@pytest.fixture
def viewer(app: FastAPI) -> TestClient:
    return new_client(app, "viewer")


@pytest.fixture
def desk(app: FastAPI) -> TestClient:
    return new_client(app, "desk")


@pytest.fixture
def approver(app: FastAPI) -> TestClient:
    return new_client(app, "approver")


@pytest.fixture
def admin(app: FastAPI) -> TestClient:
    return new_client(app, "admin")


@pytest.fixture
def nobody(app: FastAPI) -> TestClient:
    """Somebody who has not signed in."""
    return new_client(app)


class Server(str):
    """The address of a server, at which anybody can be signed in."""

    app: FastAPI

    def cookies(self, role: str) -> list[Any]:
        """What the browser of somebody with that role holds; nothing for no role."""
        return [{"name": COOKIE, "value": begin(self.app, role), "url": self}] if role else []


@pytest.fixture
def server(app: FastAPI) -> Iterator[Server]:
    """A real server on a port of its own; the address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    address = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    address.app = app
    yield address
    running.should_exit = True
    thread.join()
    listener.close()
