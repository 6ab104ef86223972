"""What the proofs share: the town as a file, servers, and stores of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.terminal import write_town
from tests.postgres import Cluster
from tests.proofs.running import Forks


@pytest.fixture(scope="session")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town as a network file; nobody changes it."""
    return write_town(tmp_path_factory.mktemp("town") / "town.gpkg")


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    forks = Forks(tmp_path_factory.mktemp("servers"))
    yield forks
    forks.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> str:
    """The address of a store that is not there yet, of each kind."""
    return f"sqlite:///{tmp_path}/outages.db" if request.param == "sqlite" else cluster.new_database()


@pytest.fixture(scope="module")
def fragile() -> Iterator[Cluster]:
    """A database server that may be stopped."""
    server = Cluster()
    yield server
    server.remove()
