"""What this process counts, for Prometheus. Nothing is global: two applications in one process count apart."""

from __future__ import annotations

import platform
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.live import LiveOutages
from outages.lifecycle import TRANSITIONS

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"
"""Stands for every address and method that we do not have: what others try must not make series without end."""

Number = Callable[[], float]

Family = CounterMetricFamily | GaugeMetricFamily


class Metrics:
    """All counts of one process. ``listeners`` and ``customers_out`` are asked whenever somebody reads them."""

    def __init__(self, live: LiveOutages, *, listeners: Number, customers_out: Number | None = None) -> None:
        self._registry = CollectorRegistry()
        route = ("route", "method", "status")
        self._requests = Counter("gridnotice_requests", "Requests answered.", route, registry=self._registry)
        self._seconds = Histogram(
            "gridnotice_request_seconds", "Time until the answer began.", ("route",), buckets=SECONDS, registry=self._registry
        )
        build = Gauge("gridnotice_build_info", "Release.", ("version", "python"), registry=self._registry)
        build.labels(version("gridnotice"), platform.python_version()).set(1)
        self._registry.register(_State(live, listeners, customers_out))
        self._counters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = route, method, status
        if (found := self._counters.get(key)) is None:
            found = self._counters[key] = self._requests.labels(route, method, str(status)), self._seconds.labels(route)
        found[0].inc()
        found[1].observe(seconds)

    def text(self) -> bytes:
        """Return everything as Prometheus reads it."""
        return generate_latest(self._registry)


class Measure:
    """Stands around the application and counts its answers. The time is that until an answer begins: streams never end."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand on what is no request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        is_counted = False

        def count(status: int) -> None:
            nonlocal is_counted
            is_counted = True
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._metrics.count_request(route_of(scope), method, status, time.perf_counter() - began)

        async def write(message: Message) -> None:
            if message["type"] == "http.response.start":
                count(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, write)
        except Exception:
            if not is_counted:
                count(500)  # answered by whoever is around us
            raise


def route_of(scope: Scope) -> str:
    """Return the template of the route that answers, such as ``/outages/{outage_id}``; a folder of files counts as one."""
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    # Files are mounted: what is left of the path is the file's.
    return str(scope["root_path"]) or OTHER


class _State(Collector):
    """What is looked up when somebody reads: how the outages stand, and how far behind we are."""

    def __init__(self, live: LiveOutages, listeners: Number, customers_out: Number | None) -> None:
        self._live = live
        self._listeners = listeners
        self._customers_out = customers_out

    def describe(self) -> list[Family]:
        """Name nothing beforehand, so that registering asks nothing."""
        return []

    def collect(self) -> Iterator[Family]:
        """Yield all there is."""
        live = self._live
        yield CounterMetricFamily("gridnotice_events", "Events in the store, as far as we have read it.", live.position)
        yield _gauge("gridnotice_position", "Position of the last event read.", live.position)
        yield _gauge("gridnotice_follower_lag_seconds", "Time since the last word from the store.", live.lag_s)
        yield _gauge("gridnotice_store_lost", "1 while the store does not answer.", float(live.stale_since is not None))
        yield CounterMetricFamily("gridnotice_store_errors", "Failed readings of the store.", live.errors)
        yield _gauge("gridnotice_outages_unreadable", "Outages with an event that is not understood.", len(live.unreadable))
        yield _gauge("gridnotice_stream_listeners", "Open streams.", self._listeners())
        if self._customers_out is not None:
            yield _gauge("gridnotice_customers_out", "Customers without full supply now.", self._customers_out())
        yield self._by_status()

    def _by_status(self) -> Family:
        family = GaugeMetricFamily("gridnotice_outages", "Outages by status.", labels=["status"])
        tally = Tally(outage.status for outage in self._live.known_outages())
        for status in list(TRANSITIONS)[1:]:
            family.add_metric([status], tally[status])
        return family


def _gauge(name: str, about: str, value: float) -> Family:
    return GaugeMetricFamily(name, about, value)
