"""What is wrong is found, said to whoever runs the server, and to nobody else; asking is cheap and never hangs."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api import health as health_module
from api.health import (
    Check,
    Health,
    NetworkFile,
    Report,
    check_clock,
    check_following,
    check_outbox,
    check_store,
    find_network_file,
)
from api.live import LiveOutages
from api.people.access import Identity, identify
from api.people.roles import ANYONE, Actor, person
from api.process import Process
from api.routes import health
from outages.events import Entered
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.store import EventStore, Finding, StoreError, open_store
from tests.postgres import Cluster

NOW = datetime(2026, 4, 20, 8, 30, tzinfo=UTC)
FACTS = OutageFacts("planned", Switching(open=(Operation("S1"),)), (Window(NOW, NOW + timedelta(hours=4)),), "线路检修")
ENTERED = Entered(FACTS, NOW, "ana")
NAMES = ["store", "disk", "position", "network", "follower", "outages", "clock"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outages.db"


@pytest.fixture
def store(file: Path) -> Iterator[EventStore]:
    with closing(open_store(f"sqlite:///{file}")) as store:
        yield store


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "network.gpkg"
    path.write_bytes(b"nodes and lines")
    return path


@pytest.fixture
def health_of(store: EventStore, network: Path) -> Iterator[Health]:
    health = Health(store, LiveOutages(store), network=NetworkFile(network, read_at=NOW))
    yield health
    health.close()


@pytest.fixture
def actor() -> list[Actor]:
    return [ANYONE]


@pytest.fixture
def client(store: EventStore, network: Path, actor: list[Actor]) -> Iterator[TestClient]:
    process = Process(store, LiveOutages(store), lambda: NOW, network=NetworkFile(network, read_at=NOW))
    app = FastAPI(lifespan=process.lifespan)
    app.include_router(health.router)
    app.dependency_overrides[identify] = lambda: Identity(actor[0])
    with TestClient(app) as client:
        yield client


class BrokenStore:
    """A store that answers as it is told to."""

    def __init__(self, *findings: Finding, position: int = 0, error: StoreError | None = None) -> None:
        self.findings = list(findings)
        self.newest = position
        self.error = error
        self.asked = 0
        self.before: Callable[[], object] = lambda: None

    def check(self, now: datetime) -> list[Finding]:
        self.asked += 1
        self.before()
        if self.error:
            raise self.error
        return self.findings

    def position(self) -> int:
        return self.newest

    def read_since(self, position: int = 0, *, limit: int | None = None) -> list[Any]:
        return []


def named(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def statuses(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.status for check in checks}


# The routes.


def test_the_process_answers(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}


def test_a_sound_process_is_ready_and_tells_anybody_no_more_than_that(client: TestClient) -> None:
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"status": "ready", "checks": [{"name": name, "status": "ready"} for name in NAMES]}


def test_whoever_may_see_the_metrics_is_told_why(client: TestClient, actor: list[Actor], network: Path) -> None:
    actor[0] = person("ada", "admin")
    checks = {check["name"]: check["says"] for check in client.get("/health/ready").json()["checks"]}
    assert str(network) in checks["network"]
    assert "can be written" in checks["store"]
    actor[0] = person("ana", "control")
    assert "says" not in client.get("/health/ready").text


def test_what_is_only_degraded_goes_on_answering_200(client: TestClient, network: Path) -> None:
    network.write_bytes(b"other nodes")
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_a_database_that_is_away_is_503_and_ready_again_when_it_is_back(cluster: Cluster) -> None:
    with closing(open_store(cluster.new_database())) as store:
        process = Process(store, LiveOutages(store), lambda: NOW)
        app = FastAPI(lifespan=process.lifespan)
        app.include_router(health.router)
        app.dependency_overrides[identify] = lambda: Identity(person("ada", "admin"))
        with TestClient(app) as client:
            assert client.get("/health/ready").status_code == 200
            cluster.stop()
            time.sleep(health_module.KEPT_S)
            answer = client.get("/health/ready")
            assert answer.status_code == 503
            assert "does not answer" in answer.json()["checks"][0]["says"]
            assert client.get("/health/live").status_code == 200
            cluster.start()
            until = time.monotonic() + 5
            while client.get("/health/ready").json()["status"] != "ready":
                assert time.monotonic() < until
                time.sleep(0.1)


# Each check.


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], {"store": "ready", "disk": "ready"}),
        ([Finding("schema", "error", "old")], {"store": "unavailable", "disk": "ready"}),
        ([Finding("not_writable", "error", "no")], {"store": "unavailable", "disk": "ready"}),
        ([Finding("disk_space", "warning", "little")], {"store": "ready", "disk": "degraded"}),
        ([Finding("disk_space", "error", "none")], {"store": "ready", "disk": "unavailable"}),
        ([Finding("fsync", "error", "off"), Finding("x", "warning", "y")], {"store": "unavailable", "disk": "ready"}),
        ([Finding("clock", "warning", "behind")], {"store": "ready", "disk": "ready"}),  # looked at elsewhere
    ],
)
def test_what_the_store_finds_is_passed_on(findings: list[Finding], expected: dict[str, str]) -> None:
    store: Any = BrokenStore(*findings)
    checks = check_store(store, LiveOutages(store), NOW)
    assert statuses(checks) == expected | {"position": "ready"}
    for finding in findings:
        assert finding.code == "clock" or any(finding.says in check.says for check in checks)


@pytest.mark.parametrize(
    ("newest", "ours", "status", "says"),
    [
        (5, 5, "ready", "0 events behind"),
        (1_005, 5, "ready", "1000 events behind"),
        (1_006, 5, "degraded", "1001 events behind"),
        (4, 5, "unavailable", "it was replaced. Restart"),
    ],
)
def test_the_position_is_compared_with_that_of_the_store(newest: int, ours: int, status: str, says: str) -> None:
    store: Any = BrokenStore(position=newest)
    live = LiveOutages(store)
    live._position = ours
    check = check_store(store, live, NOW)[-1]
    assert (check.name, check.status) == ("position", status)
    assert says in check.says


def test_a_store_that_fails_is_unavailable_with_its_words() -> None:
    store: Any = BrokenStore(error=StoreError("the cable is cut"))
    assert check_store(store, LiveOutages(store), NOW) == [Check("store", "unavailable", "the cable is cut")]


def test_a_store_that_can_only_be_read_is_found(store: EventStore, file: Path, health_of: Health) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TRIGGER stop BEFORE INSERT ON commands BEGIN SELECT RAISE(ABORT, 'stopped'); END")
        other.commit()
    assert health_of.report(NOW).status == "unavailable"


def test_a_newest_event_later_than_now_is_told_of() -> None:
    assert check_clock(None, NOW).status == "ready"
    assert check_clock(NOW + timedelta(seconds=60), NOW).status == "ready"
    check = check_clock(NOW + timedelta(seconds=61), NOW)
    assert check.status == "degraded"
    assert "61 s later than this clock. Set the clock" in check.says


def test_the_clock_is_looked_at_without_asking_the_store(store: EventStore, health_of: Health) -> None:
    store.append("a", 0, [ENTERED])
    health_of._live.catch_up()
    assert named(health_of.report(NOW - timedelta(hours=1)), "clock").status == "degraded"


def test_outages_that_cannot_be_read_are_counted_and_named(store: EventStore, file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("INSERT INTO events VALUES (1, 'bad', 1, 'teleported', '{}', '2026-04-20 08:30:00.000000', 'x')")
        other.commit()
    live = LiveOutages(store)
    live.catch_up()
    check = list(check_following(live))[-1]
    assert (check.name, check.status) == ("outages", "degraded")
    assert "1 cannot be read" in check.says
    assert "teleported" in check.says


def test_a_follower_that_hears_nothing_says_since_when() -> None:
    store: Any = BrokenStore()
    live = LiveOutages(store, clock=lambda: NOW)
    live.catch_up()
    assert next(check_following(live)).status == "ready"
    live._lost(StoreError("gone"))
    check = next(check_following(live))
    assert check.status == "degraded"
    assert NOW.isoformat() in check.says


# The network file.


@pytest.mark.parametrize("is_folder", [False, True])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("nothing", "ready"),
        ("touched", "ready"),
        ("the same again", "ready"),
        ("other content", "degraded"),
        ("other content of the same size and time", "degraded"),
        ("gone", "degraded"),
    ],
)
def test_a_network_that_was_replaced_is_noticed(tmp_path: Path, change: str, status: str, is_folder: bool) -> None:
    path = tmp_path / "network"
    file = path / "nodes.csv" if is_folder else path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"nodes")
    network = NetworkFile(path, read_at=NOW)
    was = file.stat()
    if change == "touched":
        os.utime(file, ns=(1, 1))
    elif change == "the same again":
        file.unlink()
        file.write_bytes(b"nodes")
    elif change == "other content":
        file.write_bytes(b"other nodes")
    elif change.startswith("other content of"):
        new = tmp_path / "new"
        new.write_bytes(b"Nodes")
        os.utime(new, ns=(was.st_atime_ns, was.st_mtime_ns))
        new.replace(file)
    elif change == "gone":
        file.rename(tmp_path / "elsewhere")
        if is_folder:
            path.rmdir()
    for _ in range(2):
        check = network.check(NOW + timedelta(hours=3))
        assert check.status == status
    assert ("3 h ago" in check.says) if status == "ready" else ("restart" in check.says), check.says


def test_a_network_that_is_put_back_is_the_same_again(network: Path) -> None:
    looked_at = NetworkFile(network, read_at=NOW)
    network.write_bytes(b"other")
    assert looked_at.check(NOW).status == "degraded"
    network.write_bytes(b"nodes and lines")
    assert looked_at.check(NOW).status == "ready"


def test_the_content_is_read_only_where_something_points_to_a_change(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, reads = NetworkFile(network, read_at=NOW), []
    digest = health_module._digest_of
    monkeypatch.setattr(health_module, "_digest_of", lambda path: reads.append(path) or digest(path))
    for _ in range(5):
        looked_at.check(NOW)
    assert not reads
    os.utime(network, ns=(1, 1))
    for _ in range(5):
        looked_at.check(NOW)
    assert len(reads) == 1


# Cheap, and never hanging.


def test_many_who_ask_within_a_second_share_a_report() -> None:
    store: Any = BrokenStore()
    health = Health(store, LiveOutages(store))
    threads = [threading.Thread(target=health.report, args=(NOW,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.asked == 1
    health.close()


def test_a_store_that_hangs_is_unavailable_in_time_and_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "PATIENCE_S", 0.1)
    monkeypatch.setattr(health_module, "KEPT_S", 0.0)
    store: Any = BrokenStore()
    hung = threading.Event()
    store.before = hung.wait
    health = Health(store, LiveOutages(store))
    for _ in range(3):
        began = time.monotonic()
        report = health.report(NOW)
        assert time.monotonic() - began < 1
        assert "has not answered for 0.1 s" in named(report, "store").says
        assert report.status == "unavailable"
    assert store.asked == 1
    hung.set()
    time.sleep(0.1)
    assert health.report(NOW).status == "ready"
    health.close()


def test_an_application_that_is_started_again_is_as_sound_as_before(store: EventStore) -> None:
    process = Process(store, LiveOutages(store), lambda: NOW)
    app = FastAPI(lifespan=process.lifespan)
    app.include_router(health.router)
    app.dependency_overrides[identify] = lambda: Identity(ANYONE)
    for _ in range(3):
        with TestClient(app) as client:
            assert client.get("/health/ready").json()["status"] == "ready"
    assert "follower" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("source", ["postgresql://user@host/grid", "nowhere.gpkg"])
def test_what_is_no_file_is_not_watched(source: str, network: Path) -> None:
    assert find_network_file(source, read_at=NOW) is None
    assert find_network_file(network, read_at=NOW) is not None


def test_the_worst_check_is_the_status_of_all() -> None:
    ready, degraded, unavailable = (Check("x", status, "") for status in ("ready", "degraded", "unavailable"))
    for checks, status in (((ready, ready), "ready"), ((ready, degraded), "degraded"), ((unavailable, degraded), "unavailable")):
        assert Report(NOW, checks).status == status


@pytest.mark.parametrize(
    ("oldest", "status", "says"),
    [
        (None, "ready", "No message waits"),
        (NOW - timedelta(minutes=9), "ready", "No message waits"),
        (NOW - timedelta(minutes=45), "degraded", "has waited for 45 min"),
        (NOW + timedelta(minutes=5), "ready", "No message waits"),
        (StoreError("The store is away."), "unavailable", "The store is away."),
    ],
)
def test_a_message_that_waits_too_long_is_told(oldest: datetime | StoreError | None, status: str, says: str) -> None:
    class Waiting:
        def oldest_waiting(self) -> datetime | None:
            if isinstance(oldest, StoreError):
                raise oldest
            return oldest

    check = check_outbox(Waiting(), NOW)  # type: ignore[arg-type]
    assert (check.name, check.status, says in check.says) == ("outbox", status, True)
