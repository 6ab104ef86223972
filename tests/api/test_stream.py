"""Everybody who listens is told everything once, in order; whoever is slow is let go; nobody is left over."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from api import stream as stream_module
from api.handover import HandoverProtocol
from api.live import Heard, LiveOutages
from api.people.access import Identity, identify
from api.people.roles import ANYONE, Actor, person
from api.process import Process
from api.routes import stream
from api.stream import Frame, Hub, Listener, as_chunk, frame_of
from outages.events import Cancelled, Entered, SwitchedOff
from outages.facts import Operation, OutageFacts, Switching, Window
from outages.lifecycle import fold
from outages.store import EventStore, open_store

NOW = datetime(2026, 4, 20, 8, 30, tzinfo=UTC)
FACTS = OutageFacts(
    "planned",
    Switching(open=(Operation("S1"),)),
    (Window(NOW, NOW + timedelta(hours=4)),),
    "王先生的电话 13800138000",
    contact="13800138000",
)
ENTERED = Entered(FACTS, NOW, "ana", why="secret")


def soon(is_so: Callable[[], bool], *, within_s: float = 2.0) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, f"not within {within_s} s"
        time.sleep(0.005)


@pytest.fixture
def store(tmp_path: Any) -> Iterator[EventStore]:
    with closing(open_store(f"sqlite:///{tmp_path}/outages.db")) as store:
        yield store


@dataclass
class Running:
    """A server of its own, in a thread."""

    process: Process
    port: int
    server: uvicorn.Server
    store: EventStore
    thread: threading.Thread = field(repr=False)
    actor: list[Actor] = field(default_factory=lambda: [person("ana", "viewer")])

    @property
    def hub(self) -> Hub:
        return self.process.hub

    def enter(self, *outage_ids: str) -> None:
        for outage_id in outage_ids:
            self.store.append(outage_id, 0, [ENTERED])

    def stop(self) -> float:
        """Stop the server; return the seconds that takes."""
        began = time.monotonic()
        self.server.should_exit = True
        self.thread.join()
        return time.monotonic() - began


@contextmanager
def serving(store: EventStore, *, bare: bool = True) -> Iterator[Running]:
    process = Process(store, LiveOutages(store), lambda: NOW)
    app = FastAPI(lifespan=process.lifespan)
    app.include_router(stream.router)
    listener = socket.create_server(("127.0.0.1", 0), backlog=500)
    http: Any = HandoverProtocol if bare else "auto"
    # Without the handover the server logs each task that it cancels, and what is logged is kept with all that it held.
    server = uvicorn.Server(uvicorn.Config(app, http=http, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    running = Running(process, listener.getsockname()[1], server, store, thread)
    app.dependency_overrides[identify] = lambda: Identity(running.actor[0])
    thread.start()
    soon(lambda: server.started)
    try:
        yield running
    finally:
        running.stop()
        listener.close()


@pytest.fixture(params=["bare", "asgi"])
def running(request: pytest.FixtureRequest, store: EventStore) -> Iterator[Running]:
    """A server that gives connections away, and one that does not."""
    with serving(store, bare=request.param == "bare") as running:
        yield running


class Reader:
    """A client that reads a stream off a socket, and takes HTTP's chunks and the events apart by itself."""

    def __init__(self, running: Running, query: str = "", *headers: str, version: str = "1.1", buffer: int = 0) -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", running.port))
        lines = [f"GET /api/v1/stream{query} HTTP/{version}", "Host: 127.0.0.1", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.file = self.socket.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            line = self.file.readline()
            assert line, self.head
            self.head += line
        self.is_chunked = b"transfer-encoding: chunked" in self.head.lower()
        self.rest = b""
        self.is_over = False

    @property
    def status(self) -> int:
        return int(self.head.split(b" ")[1])

    def blocks(self, count: int) -> list[dict[str, str]]:
        """Return the next ``count`` blocks, heartbeats among them."""
        return [self.block() for _ in range(count)]

    def block(self) -> dict[str, str]:
        while b"\n\n" not in self.rest:
            assert not self.is_over, "the stream has ended"
            self.rest += self._more()
        block, _, self.rest = self.rest.partition(b"\n\n")
        pairs = (line.partition(":") for line in block.decode().split("\n"))
        return {name or "comment": value.strip() for name, _, value in pairs}

    def told(self, count: int) -> list[str]:
        """Return the outages of the next ``count`` events."""
        return [json.loads(block["data"])["id"] for block in self.blocks(count)]

    def read_to_end(self) -> None:
        while not self.is_over:
            self.rest += self._more()

    def _more(self) -> bytes:
        if not self.is_chunked:
            data = self.socket.recv(4096) if not self.file.peek() else self.file.read1()
            self.is_over = not data
            return data
        size = int(self.file.readline() or b"0", 16)
        data = self.file.read(size)
        self.file.readline()
        self.is_over = size == 0
        return data

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


# What is told.


def test_whoever_listens_is_told_at_once_and_in_order(running: Running) -> None:
    with Reader(running) as one, Reader(running) as other:
        for reader in (one, other):
            assert reader.status == 200
            assert b"content-type: text/event-stream" in reader.head.lower()
            assert b"cache-control: no-store" in reader.head.lower()
            assert reader.block() == {"retry": "2000", "id": "0"}
        soon(lambda: len(running.hub) == 2)
        began = time.monotonic()
        running.enter("a", "b", "c")
        assert one.told(3) == other.told(3) == ["a", "b", "c"]
        assert time.monotonic() - began < 1


def test_an_event_says_what_happened_and_nothing_that_people_wrote(running: Running) -> None:
    with Reader(running) as reader:
        reader.block()
        running.store.append("20260420-ABCD", 0, [ENTERED, Cancelled(NOW, "bo", "Mrs. Li 13800138000")])
        entered, cancelled = reader.blocks(2)
    assert entered["event"] == cancelled["event"] == "outage"
    assert (entered["id"], cancelled["id"]) == ("1", "2")
    assert json.loads(entered["data"]) == {
        "id": "20260420-ABCD",
        "revision": 1,
        "status": "draft",
        "kind": "entered",
        "when": "draft",
        "at": "2026-04-20T08:30:00+00:00",
        "by": "ana",
        "position": 1,
    }
    assert json.loads(cancelled["data"])["when"] == "past"
    assert "138" not in entered["data"] + cancelled["data"]


def test_one_outage_alone_can_be_listened_to(running: Running) -> None:
    running.enter("a", "b")
    with Reader(running, "?outage=b&since=0") as reader:
        reader.block()
        assert reader.told(1) == ["b"]
        running.enter("c")
        running.store.append("b", 1, [Cancelled(NOW, "ana", "rain")])
        assert json.loads(reader.block()["data"])["revision"] == 2


@pytest.mark.parametrize(
    ("actor", "status"), [(ANYONE, 401), (person("x", "viewer"), 200), (Actor("m", "machine", frozenset()), 403)]
)
def test_only_who_may_read_may_listen(store: EventStore, actor: Actor, status: int) -> None:
    with serving(store) as running:
        running.actor[0] = actor
        if status == 200:
            with Reader(running) as reader:
                assert reader.status == 200
        else:
            with Reader(running) as reader:
                assert reader.status >= 400
            assert len(running.hub) == 0


def test_old_clients_are_served_without_chunks(store: EventStore) -> None:
    with serving(store) as running, Reader(running, version="1.0") as reader:
        assert not reader.is_chunked
        reader.block()
        running.enter("a")
        assert reader.told(1) == ["a"]


# Coming back.


def test_whoever_comes_back_is_told_what_came_in_between(running: Running) -> None:
    with Reader(running) as reader:
        reader.block()
        running.enter("a", "b")
        last = reader.blocks(2)[-1]["id"]
    running.enter("c", "d")
    with Reader(running, "", f"Last-Event-ID: {last}") as reader:
        assert reader.block()["id"] == last
        assert reader.told(2) == ["c", "d"]
        running.enter("e")
        assert reader.told(1) == ["e"]


@pytest.mark.parametrize(
    ("query", "header", "told"),
    [
        ("?since=1", None, ["b", "c"]),
        ("?since=0", "2", ["c"]),  # what a browser says goes before the address of the page
        ("?since=2", "nonsense", ["c"]),
        ("?since=2", "٣", ["c"]),
        ("?since=3", None, []),
        ("", None, []),
    ],
)
def test_where_to_go_on_is_said_by_the_header_or_by_the_address(
    store: EventStore, query: str, header: str | None, told: list[str]
) -> None:
    with serving(store) as running:
        running.enter("a", "b", "c")
        soon(lambda: running.hub.position == 3)
        headers = [] if header is None else [f"Last-Event-ID: {header}"]
        with Reader(running, query, *headers) as reader:
            reader.block()
            running.enter("z")
            assert reader.told(len(told) + 1) == [*told, "z"]


def test_what_was_before_the_server_started_is_told_too(store: EventStore) -> None:
    for name in "abc":
        store.append(name, 0, [ENTERED])
    with serving(store) as running, Reader(running, "?since=1") as reader:
        reader.block()
        assert reader.told(2) == ["b", "c"]


def test_whoever_missed_too_much_is_told_to_load_everything_anew(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "BATCH", 10)
    with serving(store) as running:
        running.hub._frames = type(running.hub._frames)(maxlen=10)
        running.enter(*map(str, range(25)))
        soon(lambda: running.hub.position == 25)
        with Reader(running, "?since=3") as reader, Reader(running, "?since=15") as other:
            assert reader.blocks(2)[1] == {"id": "25", "event": "reset", "data": '{"position":25}'}
            assert other.blocks(2)[1]["id"] == "16"
            running.enter("new")
            assert reader.told(1) == ["new"]


def test_a_position_that_never_was_is_answered_by_a_reset(store: EventStore) -> None:
    with serving(store) as running, Reader(running, "", "Last-Event-ID: 999") as reader:
        running.enter("a")
        assert reader.blocks(2)[1]["event"] == "reset"


def test_another_process_may_have_told_more_than_we_have_heard(store: EventStore) -> None:
    with serving(store) as running:
        soon(lambda: running.process.live.caught_up_at is not None)
        running.process.live.stop()
        running.enter("a", "b")
        with Reader(running, "", "Last-Event-ID: 2") as reader:
            assert reader.block() == {"retry": "2000", "id": "2"}
            running.enter("c")
            running.process.live.catch_up()
            assert reader.told(1) == ["c"]
        running.process.live.follow()


# The slow, and the gone.


def test_a_slow_reader_is_let_go_and_can_come_back(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_PATIENCE_S", 0.5)
    with Reader(running, buffer=4096) as slow, Reader(running) as quick:
        slow.block(), quick.block()
        soon(lambda: len(running.hub) == 2)
        names = [str(number) for number in range(3)]
        running.enter(*names)
        assert quick.told(3) == names
        filler = as_chunk(b":" + b"x" * 99_998 + b"\n")
        for _ in range(200):  # what the kernel takes is not our queue
            _in_loop(running, lambda: [_write(listener, filler) for listener in list(running.hub._listeners)])
            if len(running.hub) < 2:
                break
            quick.file.read(len(filler))
        soon(lambda: len(running.hub) == 1)
    running.enter("later")
    with Reader(running, "", "Last-Event-ID: 1") as again:
        again.block()
        assert again.told(3) == ["1", "2", "later"]


def _write(listener: Listener, chunk: bytes) -> None:
    listener.write(chunk.partition(b"\r\n")[2][:-2], chunk)


def _in_loop(running: Running, call: Callable[[], object]) -> None:
    loop, done = running.hub._loop, threading.Event()
    assert loop is not None

    def run() -> None:
        call()
        done.set()

    loop.call_soon_threadsafe(run)
    assert done.wait(5)


@pytest.mark.parametrize("ending", ["client closes", "client resets", "client shuts down", "server stops"])
def test_of_two_hundred_streams_none_is_left(running: Running, ending: str) -> None:
    threads = threading.active_count()
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(running)) for _ in range(200)]
        soon(lambda: len(running.hub) == 200)
        assert threading.active_count() < threads + 10  # those that routes run in
        running.enter("a")
        assert all(reader.blocks(2)[1]["event"] == "outage" for reader in readers)
        if ending == "server stops":
            assert running.stop() < 3  # without the handover, after the second that the server waits for them
        for reader in readers:
            if ending == "client resets":
                reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            if ending == "client shuts down":
                reader.socket.shutdown(socket.SHUT_WR)
            elif ending != "server stops":
                reader.close()
        soon(lambda: len(running.hub) == 0)
        state = running.server.server_state
        soon(lambda: not state.connections and not state.tasks)
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, stream_module._Wire | stream_module._Queue)]


def test_a_server_with_streams_stops_at_once_and_ends_them_in_order(store: EventStore) -> None:
    with serving(store) as running:
        with Reader(running) as reader:
            reader.block()
            soon(lambda: len(running.hub) == 1)
            assert running.stop() < 1.5
            reader.read_to_end()
            assert reader.is_over
        assert not running.hub.is_open


def test_a_listener_hears_that_it_is_not_forgotten_and_has_to_show_its_right_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "HEARTBEAT_S", 0.05)
    _in_loop(running, running.hub._tasks[1].cancel)
    _in_loop(running, lambda: running.hub._tasks.append(asyncio.ensure_future(running.hub._beat())))
    with Reader(running) as reader:
        assert reader.blocks(3)[1:] == 2 * [{"comment": ""}]
        _in_loop(running, lambda: [setattr(one, "until", 0.0) for one in running.hub._listeners])
        reader.read_to_end()
    assert len(running.hub) == 0


def test_the_connection_is_really_given_away(store: EventStore) -> None:
    with serving(store) as running, Reader(running) as reader:
        reader.block()
        soon(lambda: not running.server.server_state.tasks)
        assert [type(one) for one in running.server.server_state.connections] == [stream_module._Wire]


# The hub by itself.


class Ear:
    """A listener that remembers."""

    def __init__(self, outage_id: str = "", sent: int = 0) -> None:
        self.outage_id = outage_id
        self.sent = sent
        self.until = 0.0
        self.heard: list[int] = []
        self.is_ended = False

    def write(self, data: bytes, chunk: bytes) -> None:
        assert chunk == as_chunk(data)
        self.heard += [int(line[4:]) for line in data.decode().split("\n") if line.startswith("id: ")]

    def end(self) -> None:
        self.is_ended = True


class StillLive:
    """Live outages that are told by the test."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[list[Heard]], None]] = []

    def hear(self, callback: Callable[[list[Heard]], None]) -> tuple[int, list[Heard]]:
        self.callbacks.append(callback)
        return 0, []

    def unhear(self, callback: Callable[[list[Heard]], None]) -> None:
        self.callbacks.remove(callback)


def heard(position: int, outage_id: str) -> Heard:
    return Heard(position, ENTERED, fold(outage_id, [ENTERED]))


def in_a_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run ``work`` in a loop of its own, in a thread of its own: in this one the browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def in_hub(run: Callable[[Hub, StillLive], Awaitable[None]]) -> None:
    async def main() -> None:
        live = StillLive()
        hub = Hub(live, clock=lambda: NOW)  # type: ignore[arg-type]
        hub.start()
        await run(hub, live)
        await hub.close()
        assert not live.callbacks
        assert len(hub) == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    in_a_loop(main())


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.lists(st.sampled_from("ab"), min_size=1, max_size=250)),
        st.tuples(st.just("join"), st.sampled_from(["", "a"]), st.integers(0, 300)),
        st.tuples(st.just("turn")),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whenever_somebody_joins_they_hear_everything_after_their_position_once(steps: list[Any]) -> None:
    async def run(hub: Hub, live: StillLive) -> None:
        told: list[str] = []
        ears: list[tuple[Ear, int]] = []
        for step in steps:
            if step[0] == "tell":
                batch = [heard(len(told) + number, outage_id) for number, outage_id in enumerate(step[1], 1)]
                told += step[1]
                live.callbacks[0](batch)
            elif step[0] == "join":
                sent = max(hub.position - step[2], 0)
                ear = Ear(step[1], hub.position)
                missed = hub.frames_after(sent)
                assert missed is not None
                ear.heard = [frame.position for frame in missed if step[1] in ("", frame.outage_id)]
                hub.join(ear)
                ears.append((ear, sent))
            else:
                await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0.0)
        await asyncio.sleep(0.005)
        for ear, sent in ears:
            due = [position for position, name in enumerate(told, 1) if position > sent and ear.outage_id in ("", name)]
            assert ear.heard == due

    in_hub(run)


def test_a_hub_that_is_started_again_in_another_loop_tells_as_before(store: EventStore) -> None:
    live = LiveOutages(store)
    hub = Hub(live, clock=lambda: NOW)

    async def run(name: str) -> list[int]:
        hub.start()
        ear = Ear(sent=hub.position)
        hub.join(ear)
        store.append(name, 0, [ENTERED])
        live.catch_up()
        await asyncio.sleep(0.05)
        await hub.close()
        return ear.heard

    assert [in_a_loop(run(name)) for name in "abc"] == [[1], [2], [3]]
    assert [frame.position for frame in hub.frames_after(0) or []] == [1, 2, 3]


def test_more_at_once_than_is_kept_is_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "BATCH", 10)

    async def run(hub: Hub, live: StillLive) -> None:
        ear = Ear()
        hub.join(ear)
        live.callbacks[0]([heard(position, "a") for position in range(1, 26)])
        await asyncio.sleep(0.01)
        assert ear.heard == [25]  # of the reset
        live.callbacks[0]([heard(26, "a")])
        await asyncio.sleep(0.01)
        assert ear.heard == [25, 26]

    in_hub(run)


def test_closing_ends_every_stream_and_twice_is_no_harm() -> None:
    ear = Ear()

    async def run(hub: Hub, live: StillLive) -> None:
        hub.join(ear)
        await hub.close()
        assert ear.is_ended
        assert not hub.is_open

    async def main() -> None:
        live = StillLive()
        hub = Hub(live, clock=lambda: NOW)  # type: ignore[arg-type]
        hub.start()
        await run(hub, live)
        await hub.close()

    in_a_loop(main())


def test_who_leaves_while_the_others_are_told_is_told_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_SLICE", 1)

    async def run(hub: Hub, live: StillLive) -> None:
        ears = [Ear() for _ in range(10)]

        class Leaver(Ear):
            def write(self, data: bytes, chunk: bytes) -> None:
                for ear in ears:
                    hub.leave(ear)

        for ear in ears:
            hub.join(ear)
        hub.join(Leaver())
        live.callbacks[0]([heard(1, "a")])
        await asyncio.sleep(0.01)
        assert all(ear.heard in ([], [1]) for ear in ears)
        live.callbacks[0]([heard(2, "a")])
        await asyncio.sleep(0.01)
        assert all(ear.heard in ([], [1]) for ear in ears)

    in_hub(run)


@given(st.text(min_size=1), st.text())
def test_no_name_can_break_out_of_its_event(outage_id: str, by: str) -> None:
    entered = Entered(FACTS, NOW, by)
    frame = frame_of(Heard(5, entered, fold(outage_id, [entered, SwitchedOff(NOW, NOW, by)][:1])), NOW)
    assert isinstance(frame, Frame)
    lines = frame.data.decode("utf-8", "surrogatepass").split("\n")
    assert [line.partition(":")[0] for line in lines] == ["id", "event", "data", "", ""]
    assert "\r" not in frame.data.decode("utf-8", "surrogatepass")
    assert json.loads(lines[2][6:])["id"] == outage_id
