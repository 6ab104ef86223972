"""A connection that the application takes over from the web server, once it has sent the head of its answer.

An open stream costs uvicorn a task, a parser, and everything that our own layers keep for the length of a request: some tens of
kilobytes, and a wake-up for every delivery. Like a WebSocket, a stream therefore gets the bare connection::

    client ─▶ HandoverProtocol (uvicorn's HTTP) ─▶ guards, sign-in, route ─▶ head of the answer
                     └─ scope["extensions"][HANDOVER](holder) ─▶ the holder owns the connection, the request is over

An application that finds no such extension (another server, the test client) streams as ASGI says.
"""

from __future__ import annotations

from asyncio import BaseTransport, Protocol, Transport
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HANDOVER = "gridnotice.handover"


class Holder(Protocol):
    """Who takes a connection over; the server knows it until the connection is lost."""

    __slots__ = ("connections", "transport")

    connections: set[Protocol]
    transport: Transport

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, with the head of the answer written."""
        self.transport = cast(Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the reason is nobody's concern
        """End: the client is gone, or the stream was closed."""
        self.connections.discard(self)

    def shutdown(self) -> None:
        """End: the server stops."""
        self.transport.close()


HandOver = Callable[[Holder], bool]
"""Gives the connection to a holder; False where it is lost already."""


class HandoverProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's HTTP, whichever it has, with the extension. Give it as ``uvicorn.Config(http=HandoverProtocol)``."""

    connections: set[Protocol]
    transport: Transport
    cycle: Any
    flow: Any

    def data_received(self, data: bytes) -> None:
        """Offer the extension to the request that begins in ``data``; its task has not begun to run."""
        super().data_received(data)
        scope = self.cycle.scope if self.cycle else {}
        # Without chunks (HTTP/1.0) the head and the rest of the answer would be framed differently.
        if scope.get("http_version") == "1.1":
            scope.setdefault("extensions", {})[HANDOVER] = partial(self._hand_over, self.cycle)

    def _hand_over(self, cycle: Any, holder: Holder) -> bool:
        if cycle.disconnected or self.transport.is_closing():
            return False
        cycle.disconnected = True  # for uvicorn the request is over, and nothing more is to be said
        self.connections.discard(self)
        self.connections.add(holder)
        holder.connections = self.connections
        self.flow.resume_reading()  # or nobody would notice that the client is gone
        self.transport.set_protocol(holder)
        holder.connection_made(self.transport)
        return True


def find_handover(scope: MutableMapping[str, Any]) -> HandOver | None:
    """Return the extension, where the server offers it for this request."""
    found: HandOver | None = scope.get("extensions", {}).get(HANDOVER)
    return found
