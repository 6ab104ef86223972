"""How many requests an address may send, and which address a request comes from.

Counted in the memory of each process, in a bounded number of cells, so that many addresses cannot fill it.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import Scope

CELLS = 4096
"""Addresses fall into so many cells. Two that share one share its limit: rare, and harmless at these rates."""

Networks = Sequence[IPv4Network | IPv6Network]


class TooManyRequestsError(RuntimeError):
    """An address, or a name, asks too often; ``retry_after_s`` says when it may again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many requests from here. Try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


class RateLimits:
    """Counts requests within the last minute, each kind of request on its own."""

    def __init__(self, per_minute: dict[str, int]) -> None:
        self._items = {kind: RateLimitItemPerMinute(most) for kind, most in per_minute.items()}
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._seed = secrets.token_bytes(16)  # nobody outside can choose an address that shares a cell with another

    def check(self, kind: str, who: str) -> None:
        """Count one request of ``who``; raises TooManyRequestsError where there were too many."""
        item, cell = self._items[kind], self._cell(who)
        if not self._limiter.hit(item, kind, cell):
            free_at = self._limiter.get_window_stats(item, kind, cell).reset_time
            raise TooManyRequestsError(max(1, math.ceil(free_at - time.time())))

    def _cell(self, who: str) -> str:
        digest = blake2b(who.encode("utf-8", "surrogatepass"), key=self._seed, digest_size=8).digest()
        return str(int.from_bytes(digest) % CELLS)


def client_address(scope: Scope, trusted: Networks) -> str:
    """Return the address that a request comes from: the nearest that is no trusted proxy.

    X-Forwarded-For is believed only as far as trusted proxies wrote it, from the right; anybody can write the rest.
    """
    address = scope["client"][0] if scope.get("client") else ""
    for hop in [*reversed(_header(scope, b"x-forwarded-for").split(","))]:
        if not hop.strip() or not _is_in(address, trusted):
            break
        address = hop.strip()
    return address


def is_https(scope: Scope, trusted: Networks) -> bool:
    """Return whether the browser speaks TLS: with us, or with a trusted proxy that says so (X-Forwarded-Proto)."""
    peer = scope["client"][0] if scope.get("client") else ""
    said = _header(scope, b"x-forwarded-proto").strip().lower() if _is_in(peer, trusted) else ""
    return (said or scope["scheme"]) == "https"


def neighbourhood(address: str) -> str:
    """Return what is counted together: an IPv4 address, the /64 network of an IPv6 address (one household has 2**64 of these).

    >>> neighbourhood("203.0.113.9"), neighbourhood("2001:db8::1:2:3:4"), neighbourhood("::ffff:203.0.113.9")
    ('203.0.113.9', '2001:db8::/64', '203.0.113.9')
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((parsed, 64), strict=False))


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _is_in(address: str, networks: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
