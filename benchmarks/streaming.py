"""Goal 13: an event goes to thousands of listeners, against a protocol that does nothing but write the same bytes.

Each side is a process of its own, ``python -m benchmarks.streaming ours|bare asyncio|uvloop``, that is told by lines on its
standard input what to do and answers in JSON. Who listens are sockets of this process, read by a thread.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import json
import os
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI

from api import stream as hub
from api.handover import HandoverProtocol
from api.live import Heard, LiveOutages
from api.people.access import Identity, identify
from api.people.roles import person
from api.process import Process
from api.routes import stream
from api.stream import as_chunk, frame_of
from benchmarks.measure import ROUNDS, Result
from outages.events import Entered, Outage
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.lifecycle import fold
from outages.store import open_store

if TYPE_CHECKING:
    from benchmarks.town import Say  # which loads much that has nothing to do with streams

LISTENERS = (1_000, 5_000)
WARM_UP = 200
DELIVERIES = 50_000
"""In one round; each event waits until the one before is written to all."""

CPU_BOUND = 1.5
MEMORY_BOUND = 10_000

_NOW = datetime(2026, 5, 1, tzinfo=UTC)
_FACTS = OutageFacts("planned", Switching(open=(Operation("S1"),)), (Window(_NOW, _NOW + timedelta(hours=4)),), "maintenance")
_REQUEST = b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def measure_streaming(say: Say, *, sizes: tuple[int, ...] = LISTENERS, deliveries: int = DELIVERIES) -> Iterator[Result]:
    """Yield the results of goal 13, for each loop that is installed and each number of listeners."""
    _allow_sockets()
    for loop in ("asyncio", "uvloop"):
        if importlib.util.find_spec(loop) is None:
            say(f"{loop} is not installed: streaming is not measured on it")
            continue
        for size in sizes:
            say(f"{size:,} listeners on {loop}")
            yield from _measure(loop, size, deliveries)


def _measure(loop: str, size: int, deliveries: int) -> Iterator[Result]:
    events = max(deliveries // size, 1)
    sides = [_Side(name, loop) for name in ("ours", "bare")]
    with ExitStack() as stack:
        ours, bare = (stack.enter_context(side) for side in sides)
        memory = [side.listen(size) for side in (ours, bare)]
        assert ours.deliver(3) == bare.deliver(3) > 0  # bytes that each listener got
        rounds = [(ours.tell(events), bare.tell(events)) for _ in range(ROUNDS)]
        assert ours.stop() == 0  # nobody is left
        bare.stop()
    mine, theirs = (statistics.median(one) / (events * size) for one in zip(*rounds, strict=True))
    where, peer = f"{size:,} listeners, {loop}", "a protocol that writes the same bytes"
    yield Result(13, "one event to one listener", peer, where, mine, theirs, CPU_BOUND)
    yield Result(13, "memory of a listener", f"{memory[1]:,.0f} B for {peer}", where, memory[0], 1, MEMORY_BOUND, unit="B")


def _allow_sockets() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Side:
    """A process that tells, and everybody who listens to it."""

    def __init__(self, name: str, loop: str) -> None:
        command = [sys.executable, "-m", "benchmarks.streaming", name, loop]
        root = Path(__file__).parents[1]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        self._port = 0
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._bytes = 0
        self._is_reading = True
        self._reader = threading.Thread(target=self._keep_reading)

    def __enter__(self) -> _Side:
        self._port = int(self._answer())
        self._reader.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_reading = False
        self._reader.join()
        for one in self._sockets:
            one.close()
        self._selector.close()
        self._process.communicate()

    def listen(self, size: int) -> float:
        """Let ``size`` listen; return the bytes of memory that each costs the process, beyond the first few."""
        self._connect(WARM_UP)
        before = self._ask("memory")
        self._connect(size - WARM_UP)
        return (self._ask("memory") - before) / (size - WARM_UP)

    def deliver(self, events: int) -> float:
        """Tell some events, and return how many bytes of them each listener got."""
        before = self._bytes
        self.tell(events)
        seen = -1
        while seen != self._bytes:
            seen = self._bytes
            time.sleep(0.5)
        return (self._bytes - before) / len(self._sockets)

    def tell(self, events: int) -> float:
        """Tell some events one by one; return the processor seconds that takes the whole process."""
        return self._ask(f"tell {events}")

    def stop(self) -> float:
        """Let everybody go away; return how many the process still believes to be there."""
        self._is_reading = False
        self._reader.join()
        for one in self._sockets:
            self._selector.unregister(one)
            one.close()
        self._sockets.clear()
        time.sleep(0.5)
        return self._ask("listeners")

    def _connect(self, count: int) -> None:
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", self._port))
            one.sendall(_REQUEST)
            got = b""
            while b"\r\n\r\n" not in got or not got.endswith(b"\n\n\r\n"):
                got += one.recv(4096)
            one.setblocking(False)
            self._sockets.append(one)
            self._selector.register(one, selectors.EVENT_READ)

    def _keep_reading(self) -> None:
        while self._is_reading:
            for key, _ in self._selector.select(0.05):
                self._bytes += len(key.fileobj.recv(65_536))  # type: ignore[union-attr]

    def _ask(self, what: str) -> float:
        assert self._process.stdin
        print(what, file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


# What follows runs in the processes that tell.

Tell = Callable[[int], Awaitable[None]]


def _heard(position: int) -> Heard:
    event = Entered(_FACTS, _NOW, "control")
    outage: Outage = fold("20260501-ABCD", [event])
    return Heard(position, event, outage)


async def _answer_commands(port: int, tell: Tell, listeners: Callable[[], int]) -> None:
    print(port, flush=True)
    position = 0
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, _, number = line.strip().partition(" ")
        answer = 0.0
        if command == "tell":
            started = time.process_time()
            for _ in range(int(number)):
                position += 1
                await tell(position)
            await asyncio.sleep(0.05)  # what the loop still holds
            answer = time.process_time() - started
        elif command == "memory":
            await asyncio.sleep(0.2)
            gc.collect()
            answer = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        elif command == "listeners":
            answer = listeners()
        print(json.dumps(answer), flush=True)


async def _ours() -> None:
    hub.HEARTBEAT_S = 3600  # the peer's heart does not beat
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/outages.db")
        process = Process(store, LiveOutages(store), lambda: _NOW)
        app = FastAPI(lifespan=process.lifespan)
        app.include_router(stream.router)
        app.dependency_overrides[identify] = lambda: Identity(person("ana", "viewer"))
        config = uvicorn.Config(app, http=HandoverProtocol, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        process.live.stop()  # events come from here, not from the store

        async def tell(position: int) -> None:
            process.hub._hear([_heard(position)])
            while process.hub.told < position:
                await asyncio.sleep(0)

        await _answer_commands(listener.getsockname()[1], tell, lambda: len(process.hub))
        server.should_exit = True
        await serving
        store.close()


async def _bare() -> None:
    transports: set[asyncio.Transport] = set()

    class Bare(asyncio.Protocol):
        __slots__ = ("transport",)

        def connection_made(self, transport: Any) -> None:
            self.transport = transport
            transports.add(transport)

        def connection_lost(self, _exc: Exception | None) -> None:
            transports.discard(self.transport)

        def data_received(self, _data: bytes) -> None:
            self.transport.write(_HEAD + as_chunk(b"retry: 2000\nid: 0\n\n"))

    async def tell(position: int) -> None:
        chunk = as_chunk(frame_of(_heard(position), _NOW).data)
        for transport in transports:
            transport.write(chunk)
        await asyncio.sleep(0)

    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=1000)
    await _answer_commands(server.sockets[0].getsockname()[1], tell, lambda: len(transports))


def _run(name: str, loop: str) -> None:
    _allow_sockets()
    factory = importlib.import_module(loop).new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_ours() if name == "ours" else _bare())


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _run(*sys.argv[1:])
    else:
        for result in measure_streaming(lambda text: print(text, flush=True)):
            print(" | ".join(result.cells()), flush=True)
