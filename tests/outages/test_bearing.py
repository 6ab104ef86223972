"""Working an outage out with the neighbours that can bear on it gives what working it out with all others gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outages.bearing import NOWHERE, bearing_on, reach_of
from outages.events import Outage
from outages.impact import impact_of
from outages.kept import keep
from tests.outages.several import crowds, networks, outage
from topology.network import Network, build_network
from topology.sketch import tables_from_text

TWO_STATIONS = """
*s -B1:breaker- a -L1- b : one
s -B2:breaker- c -L2- d : two
*r -F1- e -L3- f : three
r -B4:breaker- g -L4- h : four
b /X1/ f
"""
"""F1 has no protection between it and its source: a fault there takes the whole station r."""


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(tables_from_text(TWO_STATIONS))


@pytest.mark.parametrize(
    ("one", "other", "bears"),
    [
        (outage("1", open_="L1"), outage("2", open_="B1"), True),
        (outage("1", open_="L1"), outage("2", open_="L2"), False),
        (outage("1", open_="L1", close="X1"), outage("2", open_="L3"), True),
        (outage("1", open_="L4"), outage("2", open_="L3"), False),
        (outage("1", open_="L4"), outage("2", fault="L3"), True),
        (outage("1", open_="L4"), outage("2", fault="e"), True),
        (outage("1", open_="L1"), outage("2", open_="L99"), False),
    ],
    ids=["behind each other", "two feeders", "over a tie", "one station", "a fault", "a fault at a node", "unknown device"],
)
def test_an_outage_bears_on_what_it_may_reach(network: Network, one: Outage, other: Outage, bears: bool) -> None:
    found = bearing_on(network, reach_of(network, one), [(other, reach_of(network, other))])
    assert found == ([other] if bears else [])


def test_one_bears_on_another_through_a_third(network: Network) -> None:
    far, tie = outage("2", open_="L3"), outage("3", open_="L1", close="X1")
    others = [(one, reach_of(network, one)) for one in (far, tie)]
    assert bearing_on(network, reach_of(network, outage("1", open_="B1")), others) == [far, tie]
    assert reach_of(network, outage("9", open_="L99")) == NOWHERE


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_nobody_who_is_left_out_bears_on_the_impact(data: st.DataObject) -> None:
    network = data.draw(networks())
    one, *others = data.draw(crowds(network)).values()
    reaches = [(other, reach_of(network, other)) for other in others]
    near = bearing_on(network, reach_of(network, one), reaches)
    with_all, with_near = (impact_of(network, one, known) for known in (others, near))
    assert np.array_equal(with_near.affected, with_all.affected)
    assert keep(with_near, one.id, one.seq, ()) == keep(with_all, one.id, one.seq, ())
