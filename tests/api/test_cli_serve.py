"""Starting a server from the command line, in processes of their own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.people.accounts import add_demo_accounts
from outages.database import open_database
from tests.api.terminal import answer, in_a_process, open_up, run, write_town
from tests.postgres import Cluster

PATIENCE_S = 60


@pytest.fixture(scope="module")
def town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(tmp_path_factory.mktemp("town") / "town.gpkg")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Served:
    """A server; ``said`` is what it wrote, once it has stopped."""

    pid: int
    said: str = ""


@contextmanager
def _serving(network: Path, store: str) -> Iterator[Served]:
    """A server that answers; stopped in order afterwards."""
    port = _free_port()
    words = ["serve", "--network", str(network), "--store", store, "--port", str(port)]
    command = [str(Path(sys.executable).parent / "gridnotice"), *words]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    give_up = time.monotonic() + PATIENCE_S
    try:
        while not _is_live(port):
            assert server.poll() is None, server.communicate()
            assert time.monotonic() < give_up, "the server did not answer"
            time.sleep(0.1)
        served = Served(server.pid)
        yield served
    finally:
        server.send_signal(signal.SIGTERM)
        said = "".join(server.communicate(timeout=PATIENCE_S))
    served.said = said


def _is_live(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def test_one_server_serves_a_file_and_a_second_one_is_refused(town_file: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/outages.db"
    with _serving(town_file, store) as first:
        second = in_a_process("serve", "--network", town_file, "--store", store, "--port", _free_port())
        assert second.returncode == 2
        assert f"Process {first.pid} already serves" in second.stderr
        assert "Traceback" not in second.stderr
    said = first.said
    assert "Nobody can sign in yet. Make the first administrator" in said
    assert f"gridnotice account add NAME --role admin --store {store}" in said
    assert "Kept the network" in said
    assert "35 customers" in said
    open_up(store)
    with _serving(town_file, store) as again:
        pass
    assert "Nobody can sign in yet" not in again.said
    assert "Kept the network" not in again.said  # it is there
    assert len(answer("store", "networks", "--store", store)) == 1


def test_two_servers_share_a_store_on_postgresql(town_file: Path, cluster: Cluster) -> None:
    store = open_up(cluster.new_database())
    with _serving(town_file, store), _serving(town_file, store):
        pass


def test_a_store_with_accounts_of_a_demonstration_is_not_served(town_file: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/demo.db"
    with closing(open_database(store)) as database:
        add_demo_accounts(database, now=datetime.now(UTC))
    done = run("serve", "--network", town_file, "--store", store)
    assert done.exit_code == 2
    assert (
        "holds accounts of a demonstration (demo-admin, demo-approver, demo-control, demo-desk, demo-head, demo-viewer)"
        in done.stderr
    )
    # What it advises is enough.
    typed = "four words of mine"
    assert run("account", "add", "adam", "--role", "admin", "--password-stdin", "--store", store, typed=typed).exit_code == 0
    for name in ("admin", "approver", "control", "desk", "head", "viewer"):
        assert run("account", "disable", f"demo-{name}", "--store", store).exit_code == 0
    with _serving(town_file, store):
        pass


def test_an_address_that_is_taken_is_said_before_anything_is_read(town_file: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--network", "nowhere.gpkg", "--store", f"sqlite:///{tmp_path}/a.db", "--port", port)
    assert done.exit_code == 2
    assert f"Nothing can listen at 127.0.0.1, port {port}: Address already in use" in done.stderr


@pytest.mark.parametrize(
    ("network", "store", "says"),
    [
        ("nowhere.gpkg", "sqlite:///FOLDER/a.db", "There is nothing at nowhere.gpkg"),
        ("TOWN", "sqlite:///FOLDER/none/a.db", "is not there. Make it"),
        ("TOWN", "sqlite:///TOWN", "is an SQLite file of another program"),
        ("TOWN", "postgresql://postgres:secret@127.0.0.1:1/x", "does not answer"),
    ],
)
def test_what_cannot_be_served_is_refused_in_words(town_file: Path, tmp_path: Path, network: str, store: str, says: str) -> None:
    address = store.replace("FOLDER", str(tmp_path)).replace("TOWN", str(town_file))
    port = _free_port()
    done = run("serve", "--network", network.replace("TOWN", str(town_file)), "--store", address, "--port", port)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert "secret" not in done.output


def test_the_help_comes_at_once() -> None:
    """No command's libraries are loaded for it."""
    heavy = ["geopandas", "numpy", "fastapi", "sqlalchemy", "pydantic", "shapely", "rich.console"]
    script = "import json, sys; import api.cli; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stdout)) & set(heavy)
    started = time.monotonic()
    assert in_a_process("--help").returncode == 0
    assert time.monotonic() - started < 5  # 0.2 s where nobody else is at work
