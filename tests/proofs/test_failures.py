"""What goes wrong around a running server: it says so in words, loses nothing, and works again when the cause is gone."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from starlette.testclient import TestClient

from api.app import create_app
from api.service import Service
from api.settings import Settings
from api.utility import utility_of
from geo.write import write_tables
from outages.audit import verify_audit
from outages.store import open_store
from tests.api.signed import sign_in
from tests.api.town import make_town
from tests.postgres import Cluster
from tests.proofs.listening import Listener
from tests.proofs.running import Forks, Json, Person, Server, make_accounts, soon
from topology.network import build_network

BEGAN = "2026-05-01T08:00:00+08:00"
FAULT: Json = {
    "outage_class": "fault",
    "switching": {"open": ["S1"]},
    "windows": [{"start": BEGAN, "end": None}],
    "reason": "cable fault",
}
BACK_S = 2.0
"""How soon everything works again once the cause is gone."""


@contextmanager
def _control_and_admin(server: Server) -> Iterator[tuple[Person, Person]]:
    with Person(server, "ana") as ana, Person(server, "ada") as ada:
        yield ana, ada


def _check(admin: Person, name: str) -> tuple[str, str]:
    """Return the status of one check of the server's health, and what it says."""
    report = admin.client.get("/health/ready").json()
    return next((one["status"], one["says"]) for one in report["checks"] if one["name"] == name)


def _refused(answer: httpx2.Response) -> str:
    """Return the words with which a server says that it cannot use its store."""
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition(":")[2]) == (503, "store"), answer.text
    detail: str = problem["detail"]
    return detail


def _ids(person: Person) -> set[str]:
    return {one["id"] for one in person.ask("/api/v1/outages", limit=500)["outages"]}


# --- no space ------------------------------------------------------------------------------------------------------------


def test_where_no_file_may_grow_nothing_is_lost_and_it_works_again_with_space(
    forks: Forks, town_file: Path, tmp_path: Path
) -> None:
    """The system lets the server's files grow no further, as a full disk or a used-up quota does, then lets them again."""
    path = tmp_path / "outages.db"
    store = f"sqlite:///{path}"
    make_accounts(store)
    with forks.serve(town_file, store) as (server,), _control_and_admin(server) as (ana, ada):
        first = ana.enter(FAULT)
        most = max(one.stat().st_size for one in tmp_path.iterdir())
        unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        acknowledged, words = {first["id"]}, ""
        while not words:
            answer = ana.client.post("/api/v1/outages", json=FAULT)
            if answer.status_code == 201:  # into space that the files had already
                acknowledged.add(answer.json()["id"])
            else:
                words = _refused(answer)
            assert len(acknowledged) < 500
        assert str(path) in words
        assert "Nothing was changed" in words
        assert "try again" in words
        assert _ids(ana) == acknowledged  # reading goes on
        assert server.get("/map").status_code == 200
        # A step is smaller than the outage that was refused: it could go where that one left room in the files.
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        assert ana.try_step(first, "restored", at="2026-05-01T09:00:00+08:00").status_code == 503

        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
        began = time.monotonic()
        acknowledged.add(ana.enter(FAULT)["id"])
        assert time.monotonic() - began < BACK_S
        assert ana.take(first, "restored", at="2026-05-01T09:00:00+08:00")["status"] == "restored"
        assert _ids(ana) == acknowledged
        assert _check(ada, "store")[0] == "ready"
    with closing(open_store(store)) as opened:
        assert {one.outage_id for one in opened.read_since()} == acknowledged
        assert verify_audit(opened.database).problems == ()


# --- the database goes away, and comes back --------------------------------------------------------------------------------


def test_a_database_that_goes_and_comes_back(forks: Forks, town_file: Path, fragile: Cluster) -> None:
    store = fragile.new_database()
    make_accounts(store)
    with forks.serve(town_file, store) as (server,), _control_and_admin(server) as (ana, ada):
        outage = ana.enter(FAULT)
        listener = Listener(server.address, dict(ana.client.headers), ana.client.cookies)
        soon(lambda: outage["id"] in server.get("/map").text, "the public is told")
        assert server.get("/api/v1/public/outages.geojson").json()["stale_since"] is None
        left_at = datetime.now(UTC)
        fragile.stop("immediate")

        for answer in (
            ana.client.get("/api/v1/outages"),
            ana.client.post("/api/v1/outages", json=FAULT),
            ana.client.get(f"/api/v1/outages/{outage['id']}/affected.csv"),
        ):
            words = _refused(answer)
            assert "does not answer" in words
            assert "Check that the server runs" in words
        page = ana.client.get("/control", headers={"Accept-Language": "en"})
        assert page.status_code == 503
        assert "The store cannot be used" in page.text
        assert server.get("/health/live").status_code == 200
        assert server.get("/health/ready").status_code == 503

        stale_since = soon(lambda: server.get("/api/v1/public/outages.geojson").json()["stale_since"], "it is known", every_s=0.2)
        assert abs((datetime.fromisoformat(stale_since) - left_at).total_seconds()) < 2
        page = server.get("/map?lang=en")
        assert page.status_code == 200
        assert outage["id"] in page.text
        assert "Nothing new has been heard since" in page.text
        assert ana.client.get("/map").status_code == 200  # whoever has signed in is no worse off

        fragile.start()
        began = time.monotonic()
        soon(lambda: ana.client.get("/api/v1/outages").status_code == 200, "control is answered", within_s=BACK_S)
        soon(lambda: _stale(server) is None, "the public is told anew", within_s=BACK_S, every_s=0.1)
        assert time.monotonic() - began < BACK_S
        later = ana.take(outage, "restored", at="2026-05-01T09:00:00+08:00")
        soon(lambda: (outage["id"], later["revision"]) in listener.heard, "the same stream tells of it", within_s=BACK_S)
        soon(lambda: _check(ada, "store")[0] == "ready", "it is ready again", within_s=2 * BACK_S)
    with closing(open_store(store)) as opened:
        assert verify_audit(opened.database).problems == ()


def _stale(server: Server) -> str | None:
    found: str | None = server.get("/api/v1/public/outages.geojson").json()["stale_since"]
    return found


def test_a_database_that_can_only_be_read_for_a_while(forks: Forks, town_file: Path, fragile: Cluster) -> None:
    """As a stand-by server does, it answers and takes nothing."""
    store = fragile.new_database()
    name = store.rpartition("/")[2]
    make_accounts(store)
    with forks.serve(town_file, store) as (server,), _control_and_admin(server) as (ana, ada):
        outage = ana.enter(FAULT)
        _set_read_only(fragile, name, "on")
        words = _refused(_after_the_break(lambda: ana.try_step(outage, "restored", at="2026-05-01T09:00:00+08:00")))
        assert "can only be read. Nothing was changed." in words
        assert "use the primary server" in words
        assert _ids(ana) == {outage["id"]}
        assert _check(ada, "store")[0] == "unavailable"
        _set_read_only(fragile, name, "off")
        assert _after_the_break(lambda: ana.try_step(outage, "restored", at="2026-05-01T09:00:00+08:00")).status_code == 200


def _set_read_only(cluster: Cluster, name: str, value: str) -> None:
    """Let new connections only read, or write again; and end those that there are."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def _after_the_break(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    """Ask until the answer is not that the connection was ended just now."""
    return soon(lambda: None if "does not answer" in (answer := ask()).text else answer, "the store is there", within_s=BACK_S)


# --- the clock -----------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_stops_nobody_and_keeps_the_order(tmp_path: Path) -> None:
    settings = Settings(network="town", store=f"sqlite:///{tmp_path}/outages.db", hosts=("testserver",))
    service = Service(build_network(make_town()), open_store(settings.store), utility_of(settings))
    now = [datetime(2026, 5, 1, 4, 0, tzinfo=UTC)]
    app = create_app(service, settings, lambda: now[0])
    with closing(service), TestClient(app, raise_server_exceptions=False) as client:
        admin = sign_in(TestClient(app), "admin")
        sign_in(client, "control")
        first = client.post("/api/v1/outages", json=FAULT).json()
        assert _says(admin, "clock") == ("ready", "No event is later than now.")

        now[0] -= timedelta(hours=1)
        second = client.post("/api/v1/outages", json=FAULT).json()
        steps = [{"to": "restored", "at": "2026-05-01T09:00:00+08:00"}, {"to": "undone", "why": "not all"}]
        for number, step in enumerate(steps, start=first["revision"]):
            address = f"/api/v1/outages/{first['id']}/transitions"
            answer = client.post(address, json=step, headers={"If-Match": f'"{number}"'})
            assert answer.status_code == 200, answer.text
        history = client.get(f"/api/v1/outages/{first['id']}").json()["history"]
        assert [one["kind"] for one in history] == ["entered", "switched_off", "restored", "undone"]
        assert [one["at"] for one in history] == ["2026-05-01T04:00:00Z"] * 2 + ["2026-05-01T03:00:00Z"] * 2
        listed = client.get("/api/v1/outages").json()["outages"]
        assert [one["id"] for one in listed] == [second["id"], first["id"]]  # the one entered last first
        assert client.get("/api/v1/public/outages.geojson").status_code == 200
        time.sleep(1.1)  # a report of health is given to others for a second
        status, says = _says(admin, "clock")
        assert status == "degraded"
        assert "3600 s later than this clock. Set the clock" in says
        assert verify_audit(service.store.database).problems == ()


def _says(client: TestClient, name: str) -> tuple[str, str]:
    checks = client.get("/health/ready").json()["checks"]
    return next((one["status"], one["says"]) for one in checks if one["name"] == name)


# --- files ---------------------------------------------------------------------------------------------------------------


def test_a_second_server_on_the_same_file_is_refused_and_a_network_file_that_is_replaced_is_told_of(
    forks: Forks, tmp_path: Path
) -> None:
    network = tmp_path / "town.gpkg"
    write_tables(make_town(), network)
    store = f"sqlite:///{tmp_path}/outages.db"
    make_accounts(store)
    with forks.serve(network, store) as (server,), _control_and_admin(server) as (ana, ada):
        outage = ana.enter(FAULT)

        second = forks.begin(network, store)
        assert soon(second.ended, "the second server has ended") == 2
        assert f"gridnotice: Process {server.pid} already serves {tmp_path}/outages.db" in second.says
        assert "Stop it first" in second.says
        assert "PostgreSQL" in second.says

        preview = _preview(ana)
        network.replace(tmp_path / "old.gpkg")
        assert _gone_or_changed(ada, "is gone") == "degraded"
        smaller = make_town()
        smaller.customers.drop(smaller.customers.index[:5], inplace=True)
        write_tables(smaller, network)
        assert _gone_or_changed(ada, "has changed since this server read it: restart to use it") == "degraded"
        assert server.get("/health/ready").status_code == 200
        assert _preview(ana) == preview
        assert ana.ask(f"/api/v1/outages/{outage['id']}")["impact"] == outage["impact"]
        shutil.copy(tmp_path / "old.gpkg", network)
        assert _gone_or_changed(ada, "Read") == "ready"

    with forks.serve(network, store) as (again,), Person(again, "ana") as ana:  # the place of the server is free again
        assert _ids(ana) == {outage["id"]}


def _preview(person: Person) -> Json:
    """Return what an outage would cost, as of now."""
    answer: Json = person.client.post("/api/v1/outages/preview", json=FAULT).json()
    del answer["lead_hours"]  # grows as time goes by
    return answer


def _gone_or_changed(admin: Person, words: str) -> str:
    """Return the status of the network file once the server's health says ``words`` of it."""

    def found() -> str | None:
        status, says = _check(admin, "network")
        return status if words in says else None

    status: str = soon(found, f"the health says {words!r}", every_s=0.1)
    return status


def test_a_store_of_a_newer_release_is_refused_and_left_as_it_is(forks: Forks, town_file: Path, store: str) -> None:
    open_store(store).close()
    connection: Any = (
        sqlite3.connect(store.removeprefix("sqlite:///"), isolation_level=None)
        if store.startswith("sqlite")
        else psycopg.connect(store, autocommit=True)
    )
    with closing(connection):
        connection.execute("UPDATE alembic_version SET version_num = '9000'")
        if store.startswith("sqlite"):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = _digest(store)
        refused = forks.begin(town_file, store)
        assert soon(refused.ended, "the server has ended") == 2
        assert "was written by a newer release (schema 9000" in refused.says
        assert "Nothing was changed. Use that release" in refused.says
        assert _digest(store) == before
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9000",)


def _digest(store: str) -> str:
    return hashlib.sha256(Path(store.removeprefix("sqlite:///")).read_bytes()).hexdigest() if store.startswith("sqlite") else ""


def test_a_store_that_its_user_may_only_read_is_refused(forks: Forks, town_file: Path) -> None:
    """Permissions are nothing to root: where the tests are root, the server is not."""
    folder = Path("/tmp") / f"gridnotice-read-only-{os.getpid()}"  # pytest's own folder is closed to others
    folder.mkdir()
    store = f"sqlite:///{folder}/outages.db"
    try:
        open_store(store).close()
        (folder / "outages.db").chmod(0o444)
        folder.chmod(0o555)
        refused = forks.run("serve", "--network", town_file, "--store", store, user=65534)
        assert soon(refused.ended, "the server has ended") == 2
        assert f"The store {folder}/outages.db can only be read. Nothing was changed." in refused.says
        assert "Give this user the right to write to it and to its folder" in refused.says
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
