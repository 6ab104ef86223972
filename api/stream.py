"""What changes, told at once to everybody who listens: server-sent events, their bytes built once for all.

::

    LiveOutages ─heard, any thread─▶ Hub ─frames, in the server's loop─▶ listener, listener, listener …
                                      └─ the newest 10,000 frames, for who comes back with Last-Event-ID

A listener's queue is what its connection has not taken yet. Who falls behind by more than `QUEUE_BYTES` is dropped; a browser
comes back by itself after `RETRY_MS`, says what it had last, and is told the rest.
"""

from __future__ import annotations

import asyncio
import json
import logging
from asyncio import BaseTransport
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.handover import HandOver, Holder, find_handover
from api.live import BATCH, Heard, LiveOutages
from api.logs import note
from outages.facts import time_to_json
from outages.lifecycle import when

HEARTBEAT_S = 15.0
RETRY_MS = 2_000
QUEUE_BYTES = 262_144
LIFETIME_S = 900.0
"""After this long at most a listener has to come back, and to show again that it may listen."""

_PIECE = 100
"""How many frames are written at once, so that who reads well is never taken for slow."""
_SLICE = 500
"""How many listeners are served before others have their turn in the loop."""
_PATIENCE_S = 10.0
"""How long a listener may take over a piece of what it missed."""

_BEAT = b":\n\n"
_LAST_CHUNK = b"0\r\n\r\n"

_log = logging.getLogger("gridnotice.stream")


@dataclass(frozen=True, slots=True)
class Frame:
    """An event as bytes."""

    position: int
    outage_id: str
    data: bytes


class Listener(Protocol):
    """Somebody who listens: to all outages, or to ``outage_id``; what is up to ``sent`` was written to it."""

    outage_id: str
    sent: int
    until: float

    def write(self, data: bytes, chunk: bytes) -> None:
        """Queue ``data``; ``chunk`` is the same framed for HTTP/1.1. Must not block."""

    def end(self) -> None:
        """End the stream in order."""


class Hub:
    """Everybody who listens in this process. It lives in one event loop, from `start` to `close`."""

    def __init__(self, live: LiveOutages, *, clock: Callable[[], datetime]) -> None:
        self._live = live
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._frames: deque[Frame] = deque(maxlen=BATCH)
        self._floor = 0
        self.told = 0  # the position up to which everybody was told
        self._joined = 0
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    @property
    def position(self) -> int:
        """The position of the newest frame."""
        return self._frames[-1].position if self._frames else self._floor

    def start(self) -> None:
        """Begin to tell, in the running loop; after `close` it begins anew."""
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._frames.clear()
        self._floor, recent = self._live.hear(self._hear)
        self.told = self._floor
        self._add(recent)
        self.told = self.position
        self._tasks = [self._loop.create_task(self._tell()), self._loop.create_task(self._beat())]

    async def close(self) -> None:
        """End every stream, and tell nothing any more."""
        if self._loop is not None:
            self._live.unhear(self._hear)
            self._loop = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for listener in tuple(self._listeners):
            listener.end()
        self._listeners.clear()

    @property
    def is_open(self) -> bool:
        """Whether it tells what happens."""
        return self._loop is not None

    def join(self, listener: Listener) -> None:
        """Tell ``listener`` what comes after its ``sent``."""
        self._joined += 1
        # Not all at the same moment, after a restart of the server brought all at once.
        listener.until = asyncio.get_running_loop().time() + LIFETIME_S - self._joined % 300
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Tell ``listener`` nothing any more; it may have left before."""
        self._listeners.discard(listener)

    def frames_after(self, position: int) -> list[Frame] | None:
        """Return what came after ``position``; None where that is too long ago, or never was."""
        if not self._floor <= position <= self.position:
            return None
        newer = 0
        for frame in reversed(self._frames):
            if frame.position <= position:
                break
            newer += 1
        return list(islice(self._frames, len(self._frames) - newer, None))

    def _hear(self, heard: Sequence[Heard]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._add, heard)

    def _add(self, heard: Sequence[Heard]) -> None:
        now = self._clock()
        if passed_over := heard[:-BATCH]:
            self._frames.clear()
            self._floor = passed_over[-1].position
        for one in heard[-BATCH:]:
            if len(self._frames) == BATCH:
                self._floor = self._frames[0].position
            self._frames.append(frame_of(one, now))
        self._news.set()

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while (frames := self.frames_after(self.told)) != []:
                if frames is None:  # more came at once than is kept: whoever listens has to load everything anew
                    self.told = self.position
                    await self._write_all(reset(self.told), self.told)
                    continue
                for piece in pieces(frames):
                    await self._write(piece)
                    self.told = piece[-1].position

    async def _write(self, frames: Sequence[Frame]) -> None:
        data = joined(frames)
        chunk, first, last = as_chunk(data), frames[0].position, frames[-1].position
        async for listeners in self._in_turn():
            for listener in listeners:
                if listener.sent < first and not listener.outage_id:
                    listener.write(data, chunk)
                elif own := joined(frame for frame in frames if frame.position > listener.sent and concerns(frame, listener)):
                    listener.write(own, as_chunk(own))
                listener.sent = max(listener.sent, last)

    async def _write_all(self, data: bytes, position: int) -> None:
        chunk = as_chunk(data)
        async for listeners in self._in_turn():
            for listener in listeners:
                listener.write(data, chunk)
                listener.sent = max(listener.sent, position)

    async def _in_turn(self) -> AsyncIterator[list[Listener]]:
        everybody = tuple(self._listeners)
        for start in range(0, len(everybody), _SLICE):
            yield [listener for listener in everybody[start : start + _SLICE] if listener in self._listeners]
            await asyncio.sleep(0)

    async def _beat(self) -> None:
        loop, chunk = asyncio.get_running_loop(), as_chunk(_BEAT)
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            async for listeners in self._in_turn():
                for listener in listeners:
                    if listener.until <= loop.time():
                        self.leave(listener)
                        listener.end()
                    else:
                        listener.write(_BEAT, chunk)


class Stream(Response):
    """An answer that goes on: what came after ``after``, or comes from now on where that is None."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, *, after: int | None = None, outage_id: str = "") -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})  # no proxy is to hold anything back
        self._hub = hub
        self._after = after
        self._outage_id = outage_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the bare connection where the server gives it away."""
        hand_over = find_handover(scope)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            sent = await self._tell_missed(send)
        except TimeoutError:
            self._drop(hand_over)
        else:
            if hand_over is None:
                await self._by_asgi(sent, receive, send)
            else:
                hand_over(_Wire(self._hub, self._outage_id, sent))

    async def _tell_missed(self, send: Send) -> int:
        """Write what was missed, and return the position up to which that is; there is nothing newer at that moment."""
        hub = self._hub
        sent = hub.position if self._after is None else self._after
        await _send(send, f"retry: {RETRY_MS}\nid: {sent}\n\n".encode())
        while (frames := hub.frames_after(sent)) != []:
            if frames is None:
                sent = hub.position
                await _send(send, reset(sent))
                continue
            for piece in pieces(frames):
                await _send(send, joined(frame for frame in piece if self._outage_id in ("", frame.outage_id)))
                sent = piece[-1].position
        return sent

    def _drop(self, hand_over: HandOver | None) -> None:
        note(_log, logging.INFO, "slow listener dropped", while_="catching up")
        wire = _Wire(self._hub, self._outage_id, 0)
        if hand_over is not None and hand_over(wire):
            wire.transport.abort()

    async def _by_asgi(self, sent: int, receive: Receive, send: Send) -> None:
        queue = _Queue(self._hub, self._outage_id, sent)
        watcher = asyncio.create_task(_end_when_gone(receive, queue))
        try:
            while data := await queue.take():
                await _send(send, data)
            await _send(send, b"", more=False)
        except TimeoutError:
            note(_log, logging.INFO, "slow listener dropped", while_="listening")
        finally:
            queue.end()
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)


class _Wire(Holder):
    """A listener with a connection of its own; its queue is the connection's."""

    __slots__ = ("_hub", "outage_id", "sent", "until")

    def __init__(self, hub: Hub, outage_id: str, sent: int) -> None:
        self._hub = hub
        self.outage_id = outage_id
        self.sent = sent
        self.until = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=QUEUE_BYTES)
        self._hub.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._hub.leave(self)

    def data_received(self, data: bytes) -> None:
        """Listeners have nothing to say."""

    def pause_writing(self) -> None:
        note(_log, logging.INFO, "slow listener dropped", while_="listening")
        self._hub.leave(self)
        self.transport.abort()

    def write(self, data: bytes, chunk: bytes) -> None:  # noqa: ARG002 - the same in two forms
        self.transport.write(chunk)

    def end(self) -> None:
        if self.transport.get_write_buffer_size():  # whoever does not read is not waited for
            self.transport.abort()
        else:
            self.transport.write(_LAST_CHUNK)
            self.transport.close()

    def shutdown(self) -> None:
        self._hub.leave(self)
        self.end()


class _Queue:
    """A listener behind ASGI, with a queue in memory."""

    def __init__(self, hub: Hub, outage_id: str, sent: int) -> None:
        self._hub = hub
        self.outage_id = outage_id
        self.sent = sent
        self.until = 0.0
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._is_over = False
        self._news = asyncio.Event()
        hub.join(self)

    async def take(self) -> bytes:
        """Return what is to be written next, as soon as there is something; nothing when it is over."""
        while not self._waiting and not self._is_over:
            self._news.clear()
            await self._news.wait()
        data, self._waiting, self._bytes = b"".join(self._waiting), [], 0
        return data

    def write(self, data: bytes, chunk: bytes) -> None:  # noqa: ARG002 - the same in two forms
        self._waiting.append(data)
        self._bytes += len(data)
        self._news.set()
        if self._bytes > QUEUE_BYTES:
            note(_log, logging.INFO, "slow listener dropped", while_="listening")
            self._waiting = []
            self.end()

    def end(self) -> None:
        self._hub.leave(self)
        self._is_over = True
        self._news.set()


def frame_of(heard: Heard, now: datetime) -> Frame:
    """Return what is told of an event: which outage, what happened, how it stands; nothing of what people wrote."""
    outage = heard.outage
    told = {
        "id": outage.id,
        "revision": outage.seq,
        "status": outage.status,
        "kind": heard.event.kind,
        "when": when(outage, now),
        "at": time_to_json(heard.event.at),
        "by": heard.event.by,
        "position": heard.position,
    }
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Frame(heard.position, outage.id, f"id: {heard.position}\nevent: outage\ndata: {text}\n\n".encode())


def reset(position: int) -> bytes:
    """Return the event that says: too much was missed, load everything anew, then go on from ``position``."""
    return f'id: {position}\nevent: reset\ndata: {{"position":{position}}}\n\n'.encode()


def as_chunk(data: bytes) -> bytes:
    """Return ``data`` as HTTP/1.1 frames a part of an answer.

    >>> as_chunk(b"twelve bytes")
    b'c\\r\\ntwelve bytes\\r\\n'
    """
    return b"%x\r\n%b\r\n" % (len(data), data)


def joined(frames: Iterable[Frame]) -> bytes:
    """Return frames one after the other."""
    return b"".join(frame.data for frame in frames)


def pieces(frames: Sequence[Frame]) -> Iterator[Sequence[Frame]]:
    """Yield frames by the hundred, in order."""
    return (frames[start : start + _PIECE] for start in range(0, len(frames), _PIECE))


def concerns(frame: Frame, listener: Listener) -> bool:
    """Tell whether a listener wants to know."""
    return listener.outage_id in ("", frame.outage_id)


async def _send(send: Send, data: bytes, *, more: bool = True) -> None:
    """Write on; raises TimeoutError where the client takes nothing."""
    if data or not more:
        async with asyncio.timeout(_PATIENCE_S):
            await send({"type": "http.response.body", "body": data, "more_body": more})


async def _end_when_gone(receive: Receive, queue: _Queue) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    queue.end()
