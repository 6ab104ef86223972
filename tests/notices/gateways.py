"""Servers on loopback that receive what is delivered: a gateway for SMS, a mail server, and a certificate for both.

A gateway behaves as its next mood says, and honours the keys: `Received.delivered` holds what a person would have got, and
`Received.posted` everything that came in.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SLOW_S = 0.6


@dataclass
class Received:
    """What a gateway got: all posts with their headers, how often each key came, and each key's text once."""

    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    posted: Counter[str] = field(default_factory=Counter)
    delivered: dict[str, str] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, text: str) -> None:
        with self.lock:
            self.posted[key] += 1
            if self.delivered.setdefault(key, text) != text:
                self.doubled.append(key)


class HttpGateway(ThreadingHTTPServer):
    """Answers each post as the next of ``moods`` says, and well when there is none left.

    ::

        ok        takes all, answers all            half       takes half, then the connection is gone
        slow      takes all, answers after SLOW_S   half_said  takes all, answers for half
        dies      takes all, says nothing           cut        takes all, the answer ends in its middle
        drip      takes all, a byte now and then    twice      takes all, answers twice on the connection
        both      takes all, names each twice       torn       names each twice, with different words
        garbage   takes all, answers no JSON        500, 401   takes nothing, answers so
        moved     takes nothing, sends elsewhere    huge       takes all, the answer has no end
    """

    daemon_threads = True

    def __init__(self, *moods: str, statuses: dict[str, int] | None = None, delay_s: float = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods = [*moods]
        self.statuses = statuses or {}
        self.delay_s = delay_s
        self.received = Received()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no fault of ours."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/send"


@contextmanager
def http_gateway(
    *moods: str, statuses: dict[str, int] | None = None, delay_s: float = 0, tls: ssl.SSLContext | None = None
) -> Iterator[HttpGateway]:
    """Run a gateway; ``statuses`` are its words on single addresses (or titles), 202 for all others."""
    server = HttpGateway(*moods, statuses=statuses, delay_s=delay_s)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: HttpGateway
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Nothing: it would be in the middle of the tests' output."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.received.lock:
            self.server.received.posts.append((dict(self.headers), body))
            mood = self.server.moods.pop(0) if self.server.moods else "ok"
        time.sleep(self.server.delay_s)
        asked = json.loads(body)
        messages = asked.get("messages", [asked])
        if mood.isdigit() or mood == "moved":
            self._answer(b'{"error": "not now, 12345-token"}', status=302 if mood == "moved" else int(mood))
            return
        taken = messages[: len(messages) // 2] if mood == "half" else messages
        said = [self._take(message) for message in taken]
        with suppress(OSError):
            getattr(self, f"_{mood}")(said)

    def _take(self, message: dict[str, str]) -> dict[str, Any]:
        status = self.server.statuses.get(message["to"], 202)
        if status < 300:
            self.server.received.take(message["key"], message["text"])
        return {"key": message["key"], "status": status, "says": f"noted\r\n{message['key'][:4]}"}

    def _answer(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _ok(self, said: list[dict[str, Any]]) -> None:
        self._answer(json.dumps({"messages": said}).encode())

    def _slow(self, said: list[dict[str, Any]]) -> None:
        time.sleep(SLOW_S)
        self._ok(said)

    def _dies(self, said: list[dict[str, Any]]) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    _half = _dies

    def _half_said(self, said: list[dict[str, Any]]) -> None:
        self._ok(said[: len(said) // 2])

    def _cut(self, said: list[dict[str, Any]]) -> None:
        self._answer(json.dumps({"messages": said}).encode()[:-5], length=5000)
        self._dies(said)

    def _drip(self, said: list[dict[str, Any]]) -> None:
        self._answer(b"", length=5000)
        for _ in range(100):
            self.wfile.write(b" ")
            time.sleep(0.05)

    def _huge(self, said: list[dict[str, Any]]) -> None:
        self._answer(b"", length=10**9)
        for _ in range(100):
            self.wfile.write(b" " * 100_000)

    def _twice(self, said: list[dict[str, Any]]) -> None:
        self._ok(said)
        self._ok([{**one, "status": 404} for one in said])

    def _both(self, said: list[dict[str, Any]]) -> None:
        self._ok(said * 2)

    def _torn(self, said: list[dict[str, Any]]) -> None:
        self._ok(said + [{**one, "status": 404} for one in said])

    def _garbage(self, said: list[dict[str, Any]]) -> None:
        self._answer(b"<html>\x00 all is well \xff</html>")


class MailServer:
    """Takes mail; who is ``nobody`` is refused, who is ``busy`` later, and ``moods`` are for one mail each, by number from 1.

    ::

        dies       takes the mail and closes, without a word       full   4xx after the mail     spam   5xx after the mail
        leaves     says 421 to the recipient and closes
    """

    def __init__(self, moods: dict[int, str]) -> None:
        self.moods = moods
        self.mails: list[bytes] = []
        self.envelopes: list[tuple[str, list[str]]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("nobody@"):
            return "550 5.1.1 No such user"
        if address.startswith("busy@"):
            return "451 4.7.1 Try again later"
        if self.moods.get(len(self.mails) + 1) == "leaves":
            self.moods.pop(len(self.mails) + 1)
            server.transport.write(b"421 4.3.2 Going down\r\n")
            server.transport.close()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        number = len(self.mails) + 1
        mood = self.moods.pop(number, "")
        if mood in ("full", "spam"):
            return "452 4.3.1 No space left" if mood == "full" else "554 5.7.1 Looks like spam"
        self.mails.append(envelope.content)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        if mood == "dies":
            server.transport.abort()
        return f"250 2.0.0 Queued as {number}"


@contextmanager
def mail_server(moods: dict[int, str] | None = None, **options: Any) -> Iterator[tuple[MailServer, int]]:
    """Run a mail server; yields it and its port."""
    handler = MailServer(moods or {})
    controller = Controller(handler, hostname="127.0.0.1", port=_free_port(), **options)
    controller.start()
    try:
        yield handler, controller.port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Certificate:
    """A certificate of 127.0.0.1: what its server shows, and who trusts it."""

    server: ssl.SSLContext
    trust: ssl.SSLContext


def make_certificate(folder: Path) -> Certificate:
    """Make a certificate that is good for some hours."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway of the tests")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=6))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = made.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(private + public)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return Certificate(server, ssl.create_default_context(cadata=public.decode()))
