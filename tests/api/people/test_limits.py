"""Rates: who is counted, where a request comes from, and that many addresses do not fill the memory."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.people.limits import CELLS, RateLimits, TooManyRequestsError, client_address, is_https, neighbourhood

PROXIES = [ip_network("10.0.0.0/8"), ip_network("::1/128")]


def scope(peer: str | None, *forwarded: str, proto: str = "", scheme: str = "http") -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    return {"client": (peer, 1234) if peer else None, "headers": headers, "scheme": scheme}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # whoever is no proxy may write what they like
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [" 198.51.100.1 , 10.2.3.4"], "198.51.100.1"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.1, 10.2.3.4"], "198.51.100.1"),  # 1.2.3.4 was written by the client
        ("10.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "nonsense"),
        (None, ["198.51.100.1"], ""),
    ],
)
def test_an_address_is_the_nearest_that_is_no_trusted_proxy(peer: str | None, forwarded: list[str], address: str) -> None:
    assert client_address(scope(peer, *forwarded), PROXIES) == address


def test_without_trusted_proxies_nothing_that_is_written_is_believed() -> None:
    assert client_address(scope("10.0.0.1", "198.51.100.1"), ()) == "10.0.0.1"
    assert not is_https(scope("10.0.0.1", proto="https"), ())


@pytest.mark.parametrize(
    ("peer", "proto", "scheme", "https"),
    [
        ("10.0.0.1", "https", "http", True),
        ("10.0.0.1", "HTTPS ", "http", True),
        ("10.0.0.1", "http", "https", False),
        ("10.0.0.1", "", "http", False),
        ("203.0.113.9", "https", "http", False),
        ("203.0.113.9", "", "https", True),
    ],
)
def test_tls_is_what_we_see_or_a_trusted_proxy_says(peer: str, proto: str, scheme: str, https: bool) -> None:
    assert is_https(scope(peer, proto=proto, scheme=scheme), PROXIES) == https


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_household_is_counted_as_one(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted


def test_after_the_last_one_allowed_it_is_said_when_the_next_one_is() -> None:
    rates = RateLimits({"public": 3, "sign_in": 1})
    for _ in range(3):
        rates.check("public", "203.0.113.9")
    with pytest.raises(TooManyRequestsError, match="Try again in") as caught:
        rates.check("public", "203.0.113.9")
    assert 55 <= caught.value.retry_after_s <= 60
    rates.check("sign_in", "203.0.113.9")  # each kind counts for itself


def test_one_address_does_not_use_up_the_limit_of_another() -> None:
    rates = RateLimits({"public": 1})
    refused = 0
    for number in range(50):
        try:
            rates.check("public", f"203.0.113.{number}")
        except TooManyRequestsError:
            refused += 1
    assert refused <= 3  # two in one of 4096 cells: 0.3 expected


def test_many_addresses_use_no_more_than_the_cells_that_there_are() -> None:
    rates = RateLimits({"public": 1})
    assert len({rates._cell(f"address {number}") for number in range(20_000)}) <= CELLS


@given(st.text())
def test_whatever_is_sent_as_an_address_can_be_counted(text: str) -> None:
    assert int(RateLimits({})._cell(neighbourhood(text))) < CELLS
