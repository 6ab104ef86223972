"""What lives as long as the process: the follower of the store, the streams, the courier, and what it says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI, Request

from api.courier import Courier
from api.health import Health, NetworkFile
from api.live import LiveOutages
from api.metrics import Metrics, Number
from api.stream import Hub
from notices.outbox import Outbox
from outages.store import EventStore


class Process:
    """Made once for an application, which it runs beside from start to stop: ``FastAPI(lifespan=process.lifespan)``."""

    def __init__(
        self,
        store: EventStore,
        live: LiveOutages,
        clock: Callable[[], datetime],
        *,
        network: NetworkFile | None = None,
        customers_out: Number | None = None,
        outbox: Outbox | None = None,
        courier: Courier | None = None,
    ) -> None:
        self.clock = clock
        self.live = live
        self.hub = Hub(live, clock=clock)
        self.courier = courier
        self.health = Health(store, live, network=network, outbox=outbox)
        self.metrics = Metrics(live, listeners=lambda: len(self.hub), customers_out=customers_out)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Follow the store and tell who listens, while the application runs."""
        app.state.process = self
        self.hub.start()
        self.live.follow()
        if self.courier is not None:
            self.courier.start()
        try:
            yield
        finally:
            await self.hub.close()
            if self.courier is not None:
                await asyncio.to_thread(self.courier.stop)
            await asyncio.to_thread(self.live.stop)
            self.health.close()


def process_of(request: Request) -> Process:
    """Return the process that answers ``request``."""
    process: Process = request.app.state.process
    return process
