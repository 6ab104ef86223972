"""What is counted is counted once, under names that cannot grow without end; what is logged is one line."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.staticfiles import StaticFiles
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.live import LiveOutages
from api.logs import LineFormatter, note, set_up_logging
from api.metrics import Measure, Metrics
from api.people.access import Identity, identify
from api.people.roles import ANYONE, Actor, person
from api.process import Process
from api.routes import health
from outages.events import Cancelled, Entered
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.store import EventStore, open_store

NOW = datetime(2026, 4, 20, 8, 30, tzinfo=UTC)
FACTS = OutageFacts("planned", Switching(open=(Operation("S1"),)), (Window(NOW, NOW + timedelta(hours=4)),), "线路检修")
ENTERED = Entered(FACTS, NOW, "ana")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    with closing(open_store(f"sqlite:///{tmp_path}/outages.db")) as store:
        yield store


@pytest.fixture
def live(store: EventStore) -> LiveOutages:
    return LiveOutages(store)


@pytest.fixture
def metrics(live: LiveOutages) -> Metrics:
    return Metrics(live, listeners=lambda: 7, customers_out=lambda: 1234)


def values(text: bytes) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels, by their names in order: method, route, status."""
    families = text_string_to_metric_families(text.decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def app_with(metrics: Metrics, tmp_path: Path) -> TestClient:
    app = FastAPI()
    app.add_middleware(Measure, metrics=metrics)

    @app.get("/outages/{outage_id}")
    def get_outage(outage_id: str) -> str:
        return outage_id

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    @app.get("/gone")
    def gone() -> None:
        raise HTTPException(410)

    (tmp_path / "a.css").write_text("")
    app.mount("/static", StaticFiles(directory=tmp_path), name="static")
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("GET", "/outages/20260420-ABCD", ("/outages/{outage_id}", "GET", "200")),
        ("POST", "/outages/20260420-ABCD", ("/outages/{outage_id}", "POST", "405")),
        ("GET", "/gone", ("/gone", "GET", "410")),
        ("GET", "/broken", ("/broken", "GET", "500")),
        ("GET", "/static/a.css", ("/static", "GET", "200")),
        ("GET", "/static/nothing", ("/static", "GET", "404")),
        ("GET", "/wp-login.php", ("other", "GET", "404")),
        ("BREW", "/coffee", ("other", "other", "404")),
    ],
)
def test_a_request_is_counted_by_the_template_of_its_route(
    metrics: Metrics, tmp_path: Path, method: str, path: str, counted: tuple[str, str, str]
) -> None:
    client = app_with(metrics, tmp_path)
    for _ in range(3):
        client.request(method, path)
    found = values(metrics.text())
    assert {key: value for key, value in found.items() if key[0] == "gridnotice_requests_total"} == {
        ("gridnotice_requests_total", counted[1], counted[0], counted[2]): 3
    }
    assert found["gridnotice_request_seconds_count", counted[0]] == 3


def test_what_strangers_try_makes_no_series_without_end(metrics: Metrics, tmp_path: Path) -> None:
    client = app_with(metrics, tmp_path)
    client.get("/first")
    before = len(values(metrics.text()))
    for number in range(50):
        client.get(f"/try-{number}")
        client.get(f"/static/try-{number}")
    assert len(values(metrics.text())) <= before + 20  # one more route with its buckets


def test_how_the_outages_stand_is_looked_up_when_it_is_read(metrics: Metrics, live: LiveOutages, store: EventStore) -> None:
    assert values(metrics.text())["gridnotice_outages", "draft"] == 0
    store.append("a", 0, [ENTERED])
    store.append("b", 0, [ENTERED, Cancelled(NOW, "ana", "rain")])
    live.catch_up()
    found = values(metrics.text())
    assert (found["gridnotice_outages", "draft"], found["gridnotice_outages", "cancelled"]) == (1, 1)
    assert found["gridnotice_events_total",] == found["gridnotice_position",] == 3
    assert found["gridnotice_stream_listeners",] == 7
    assert found["gridnotice_customers_out",] == 1234
    assert found["gridnotice_store_lost",] == found["gridnotice_outages_unreadable",] == 0
    assert found["gridnotice_store_errors_total",] == 0
    assert found["gridnotice_follower_lag_seconds",] >= 0
    assert [key for key in found if key[0] == "gridnotice_build_info"]


def test_reading_asks_nothing_of_the_store(metrics: Metrics, store: EventStore, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "outages.db").unlink()
    assert b"gridnotice_position 0.0" in metrics.text()


def test_two_applications_count_apart_and_nothing_is_global(live: LiveOutages) -> None:
    one, other = (Metrics(live, listeners=lambda: 0) for _ in range(2))
    one.count_request("/", "GET", 200, 0.1)
    assert ("gridnotice_requests_total", "GET", "/", "200") in values(one.text())
    assert ("gridnotice_requests_total", "GET", "/", "200") not in values(other.text())
    assert not [metric.name for metric in REGISTRY.collect() if metric.name.startswith("gridnotice")]


def test_counting_from_many_threads_loses_nothing(metrics: Metrics) -> None:
    def count() -> None:
        for _ in range(500):
            metrics.count_request("/", "GET", 200, 0.1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values(metrics.text())["gridnotice_requests_total", "GET", "/", "200"] == 4000


@pytest.mark.parametrize(
    ("actor", "may"),
    [(person("ada", "admin"), True), (Actor("prometheus", "machine", frozenset({"metrics"}), is_machine=True), True)]
    + [(person("x", role), False) for role in ("viewer", "control", "desk", "approver")]
    + [(ANYONE, False)],
)
def test_only_who_may_see_the_metrics_reads_them(live: LiveOutages, store: EventStore, actor: Actor, may: bool) -> None:
    process = Process(store, live, lambda: NOW)
    app = FastAPI(lifespan=process.lifespan)
    app.include_router(health.router)
    app.dependency_overrides[identify] = lambda: Identity(actor)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/metrics")
    assert (answer.status_code == 200) == may
    assert (b"gridnotice_position" in answer.content) == may
    if may:
        assert answer.headers["content-type"].startswith("text/plain; version=")


# Logs.


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    loggers = [logging.getLogger(name) for name in ("gridnotice", "uvicorn")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    stream = io.StringIO()
    set_up_logging(stream=stream)
    yield stream
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_an_event_is_one_line_of_key_and_value(logged: io.StringIO) -> None:
    note(logging.getLogger("gridnotice.live"), logging.WARNING, "store lost", position=4711, says="no route to host")
    line = logged.getvalue()
    assert line.startswith("time=20")
    assert line.endswith(' level=warning logger=gridnotice.live event="store lost" position=4711 says="no route to host"\n')


def test_what_the_server_counts_as_access_is_not_logged(logged: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").info("GET / 200")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert logged.getvalue().count("\n") == 1


def test_a_failure_with_its_trace_is_one_line_too(logged: io.StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("gridnotice").exception("GET %s failed", "/x")
    assert logged.getvalue().count("\n") == 1
    assert "ValueError" in logged.getvalue()


@pytest.mark.parametrize(
    "address", ["postgresql://bob:hunter2@db/outages", "postgresql+psycopg://bob:hunter2@[::1]:5432/x", "amqp://:hunter2@host"]
)
def test_passwords_in_addresses_are_masked(logged: io.StringIO, address: str) -> None:
    note(logging.getLogger("gridnotice"), logging.INFO, f"opened {address}", store=address)
    assert "hunter2" not in logged.getvalue()
    assert logged.getvalue().count("***") == 2


@given(st.text(), st.text())
def test_nothing_that_is_logged_can_make_a_second_line_or_a_false_field(event: str, value: str) -> None:
    record = logging.LogRecord("gridnotice", logging.INFO, "", 0, "%s", (event,), None)
    record.fields = {"says": value}
    line = LineFormatter().format(record)
    assert len(line.splitlines()) == 1
