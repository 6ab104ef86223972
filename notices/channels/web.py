"""Parcels by HTTP: batches to a gateway for SMS, and single ones, signed, to whoever wants to hear.

::

    not connected                   later     nothing left
    connected, no (whole) answer    unknown   it may have arrived
    5xx, and 3xx or 4xx to all      later     the gateway is away, or we are set up wrongly: never the recipient's fault

All certificates are checked, and plain HTTP goes no further than this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from notices.channels.parcel import ChannelError, Outcome, Parcel, Result, shown

LONGEST_ANSWER = 1_000_000
"""Bytes of an answer that are read; what has more is no answer of a gateway."""

_LOCAL = ("127.0.0.1", "::1", "localhost")
_BUSY = (408, 425, 429)
_NEVER = (400, 410, 413, 415, 422)  # to a webhook: the parcel itself is at fault; others (401, 404 …) may be mended


@dataclass(frozen=True)
class Line:
    """Where to, and how: an address with https, how long to wait, whose certificates to trust (those of the system by default).

    ``timeout_s`` is for each step (connecting, sending, the next piece of the answer), ``longest_s`` for an answer in all.
    """

    url: str
    timeout_s: float = 20
    longest_s: float = 60
    trust: ssl.SSLContext | None = None
    timer: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        try:
            url = httpx2.URL(self.url)
        except httpx2.InvalidURL:
            raise ChannelError(
                f"{self.url!r} is no address of the web. Write one such as https://gateway.example.org/sms."
            ) from None
        if url.userinfo:
            raise ChannelError(f"The address of {url.host} holds a password, and addresses are shown. Give it as the token.")
        if not url.host or not (url.scheme == "https" or (url.scheme == "http" and url.host in _LOCAL)):
            raise ChannelError(f"{self.url!r} has no https, so anybody on the way could read it. Use an address with https://.")

    def opened(self) -> httpx2.Client:
        """Return a client for one batch, on connections of its own: nothing that an earlier answer left over is read.

        It takes no proxy or password from the environment, and follows nobody elsewhere.
        """
        trust = self.trust or ssl.create_default_context()
        return httpx2.Client(verify=trust, timeout=self.timeout_s, trust_env=False, follow_redirects=False)

    def post(self, client: httpx2.Client, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes] | Outcome:
        """Post JSON and return the status and the body of the answer, or the outcome where there was none."""
        end = self.timer() + self.longest_s
        answer = bytearray()
        headers = {"Content-Type": "application/json", **headers}
        try:
            with client.stream("POST", self.url, content=body, headers=headers) as response:
                for piece in response.iter_bytes():
                    answer += piece
                    if len(answer) > LONGEST_ANSWER:
                        return Outcome("unknown", f"The answer ({response.status_code}) has more than {LONGEST_ANSWER} bytes")
                    if self.timer() > end:
                        return Outcome("unknown", f"The answer ({response.status_code}) did not end in {self.longest_s:g} s")
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            return Outcome("later", _named(error))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Outcome("unknown", _named(error))
        return response.status_code, bytes(answer)


@dataclass(frozen=True)
class SmsGateway:
    """A gateway that takes texts in batches. ``token`` is sent as bearer token, and never shown.

    ::

        POST, Idempotency-Key: (of the batch)      {"messages": [{"key": "9c21…", "to": "+49…", "text": "…"}, …]}
        200   {"messages": [{"key": "9c21…", "status": 202, "says": "queued as 77"}, {"key": …, "status": 404, "says": …}]}

    The ``status`` of each message is meant as in HTTP: 2xx accepted; 4xx refused, except 408, 425, 429 and all 5xx, which are
    tried later. A message that the answer does not name, or names twice with different words, is tried again under its key.
    """

    line: Line
    token: str = field(default="", repr=False)
    batch: int = 100

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Post ``parcels`` as one batch."""
        messages = [{"key": parcel.mark, "to": parcel.address, "text": parcel.text} for parcel in parcels]
        of_batch = hashlib.sha256("".join(parcel.mark for parcel in parcels).encode()).hexdigest()
        headers = {"Idempotency-Key": of_batch} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        with self.line.opened() as client:
            answer = self.line.post(client, _json({"messages": messages}), headers)
        if isinstance(answer, Outcome):
            return [Outcome(answer.result, shown(answer.says, self.token))] * len(parcels)
        return self._read(*answer, parcels)

    def _read(self, status: int, body: bytes, parcels: Sequence[Parcel]) -> list[Outcome]:
        if not 200 <= status < 300:
            says = shown(f"{status} {body.decode('utf-8', 'replace')}", self.token)
            return [Outcome("later", says)] * len(parcels)
        told = _told(body)
        if told is None:
            says = shown(f"The gateway's answer is not as agreed: {body.decode('utf-8', 'replace')}", self.token)
            return [Outcome("unknown", says)] * len(parcels)
        return [self._of_one(told.get(parcel.mark, [])) for parcel in parcels]

    def _of_one(self, said: Sequence[Mapping[str, Any]]) -> Outcome:
        statuses = {one.get("status") for one in said if isinstance(one.get("status"), int | str)}
        if not said:
            return Outcome("unknown", "The gateway's answer does not name this message")
        if len(statuses) != 1:
            return Outcome("unknown", shown(f"The gateway's answer is not clear: {_json(list(said)).decode()}", self.token))
        (status,) = statuses
        return Outcome(_meant(status), shown(f"{status} {said[0].get('says', '')}", self.token))


@dataclass(frozen=True)
class Webhook:
    """Somebody's own address, told of each parcel; each post is signed with a ``secret`` that both know.

    ::

        POST   Idempotency-Key: 9c21…   Gridnotice-Timestamp: 1790000000   Gridnotice-Signature: 5f3a…
               {"key": "9c21…", "notice": "7.1", "channel": "app", "language": "en", "to": "", "title": "…", "text": "…"}

    The signature is the HMAC-SHA256 of ``<timestamp>.<body>`` in hexadecimal digits. Who receives it computes the same over
    the bytes as they came, compares in constant time, refuses a timestamp more than some minutes away, and keeps the keys it
    has seen: `is_signed` does all but the last. ``now`` tells the time.
    """

    line: Line
    secret: str = field(repr=False)
    now: Callable[[], datetime]
    batch: int = 20

    def __post_init__(self) -> None:
        if len(self.secret) < 16:
            raise ChannelError("The secret of a webhook has fewer than 16 characters and could be guessed. Give a longer one.")

    def send(self, parcels: Sequence[Parcel]) -> list[Outcome]:
        """Post each parcel; after one without an answer, or when time is up, the rest goes out later."""
        end = self.line.timer() + self.line.longest_s
        outcomes: list[Outcome] = []
        with self.line.opened() as client:
            for parcel in parcels:
                outcomes.append(self._post(client, parcel))
                if outcomes[-1].result == "unknown" or self.line.timer() > end:
                    break
        rest = Outcome("later", f"Not tried after the one before: {outcomes[-1].says}" if outcomes else "")
        return outcomes + [rest] * (len(parcels) - len(outcomes))

    def _post(self, client: httpx2.Client, parcel: Parcel) -> Outcome:
        body = _json(
            {
                "key": parcel.mark,
                "notice": parcel.notice_id,
                "channel": parcel.channel,
                "language": parcel.language,
                "to": parcel.address,
                "title": parcel.title,
                "text": parcel.text,
            }
        )
        timestamp = str(int(self.now().timestamp()))
        headers = {
            "Idempotency-Key": parcel.mark,
            "Gridnotice-Timestamp": timestamp,
            "Gridnotice-Signature": signature(self.secret, timestamp, body),
        }
        answer = self.line.post(client, body, headers)
        if isinstance(answer, Outcome):
            return answer
        status, says = answer
        result: Result = "accepted" if 200 <= status < 300 else "refused" if status in _NEVER else "later"
        return Outcome(result, shown(f"{status} {says.decode('utf-8', 'replace')}", self.secret))


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a post.

    >>> signature("a secret of ours", "1790000000", b"{}")[:16]
    '3324e2c074466cb2'
    """
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime, within: timedelta) -> bool:
    """Tell whether a post came from who knows the ``secret``, and not longer ago than ``within``; for whoever receives it."""
    timestamp, given = headers.get("Gridnotice-Timestamp", ""), headers.get("Gridnotice-Signature", "")
    if not hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode("utf-8", "replace")):
        return False
    return abs(now.timestamp() - int(timestamp)) <= within.total_seconds()


def _told(body: bytes) -> dict[str, list[dict[str, Any]]] | None:
    """Return key → what the gateway says of it; None where it is no answer as agreed."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    messages = answer.get("messages") if isinstance(answer, dict) else None
    if not isinstance(messages, list):
        return None
    told: dict[str, list[dict[str, Any]]] = {}
    for one in messages:
        if isinstance(one, dict) and isinstance(one.get("key"), str):
            told.setdefault(one["key"], []).append(one)
    return told


def _meant(status: object) -> Result:
    if not isinstance(status, int) or not 200 <= status < 600:
        return "unknown"
    if status < 300:
        return "accepted"
    return "refused" if 400 <= status < 500 and status not in _BUSY else "later"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _named(error: Exception) -> str:
    return shown(f"{type(error).__name__}: {error}")
