"""What is kept of an impact can be read, and made again byte for byte."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.events import Outage
from outages.impact import impact_of
from outages.kept import RULES, KeptError, KeptImpact, given_of, keep, read_kept, recompute
from tests.outages.several import crowds, networks, outage, outages, timed
from topology.network import Network, build_network
from topology.sketch import tables_from_text

TOWN = """
*s -B1:breaker- a -L1- b -L2.B- c : 西路1号, "two
*r -B2:breaker- d /X1/ e
b -S1:load_break- e : moved
b : half, "quoted"
"""


def _network(text: str = TOWN) -> Network:
    return build_network(tables_from_text(text))


def _keep(network: Network, one: Outage, *others: Outage) -> KeptImpact:
    return keep(impact_of(network, one, others), one.id, one.seq, given_of(one, others))


def test_a_customer_is_a_line_with_its_state_and_what_cut_it() -> None:
    network = _network()
    kept = _keep(network, outage("1", open_="L1.B S1", close="X1"))
    lines = zlib.decompress(kept.customers).decode().splitlines()
    assert lines[0] == '["西路1号","out","L1"]'
    assert [json.loads(line)[1] for line in lines] == ["out", "out", "transferred", "partial", "partial"]
    assert read_kept(kept) == [tuple(json.loads(line)) for line in lines]
    assert read_kept(kept)[1] == ('"two', "out", "L1")
    assert kept.digest == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert kept.counts["customers"] == 4
    assert (kept.rules, kept.network_version, kept.given) == (RULES, network.version, ())


def test_only_the_others_that_bear_on_it_are_named() -> None:
    others = [outage("9", open_="L2"), outage("2", open_="S1"), outage("3", open_="B2", start=90)]
    kept = _keep(_network(), outage("1", open_="L1", start=5), *others)
    assert kept.given == (("2", 2), ("9", 2))
    assert [id_ for id_, *_ in read_kept(kept)] == ["half", '"quoted"']


@pytest.mark.parametrize("status", ["planned", "windows", "staged", "cancelled"])
def test_an_impact_is_made_again_whatever_has_become_of_the_outage(status: str) -> None:
    one = {
        "planned": outage("1", open_="L1", end=60, is_planned=True),
        "windows": outage("1", open_="L1", windows=((0, 10), (20, 30)), is_planned=True),
        "staged": outage("1", open_="S1", operations=(timed(5, "close", "S1"), timed(6, "open", "B1"))),
        "cancelled": replace(outage("1", open_="L1", is_planned=True), status="cancelled"),
    }[status]
    others, network = [outage("0", open_="L2")], _network()
    kept = _keep(network, one, *others)
    assert read_kept(kept)
    assert recompute(kept, _network(), one, others) == kept


@pytest.mark.parametrize(
    ("changes", "seq", "others", "says"),
    [
        ({"network_version": "f00d"}, 2, True, "worked out with the network f00d, not "),
        ({"rules": "0"}, 2, True, "worked out with the rule set 0, not 2"),
        ({}, 3, True, "worked out with the outage .*2.*, not .*3"),
        ({}, 2, False, r"worked out with the others that were off \(\('0', 2\),\), not \(\)"),
    ],
)
def test_another_network_outage_or_rule_set_is_refused(changes: dict[str, str], seq: int, others: bool, says: str) -> None:
    network, one, other = _network(), outage("1", open_="L1"), outage("0", open_="L2")
    kept = replace(_keep(network, one, other), **changes)
    with pytest.raises(KeptError, match=says):
        recompute(kept, network, replace(one, seq=seq), [other] if others else [])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_what_was_kept_is_made_again_byte_for_byte(data: st.DataObject) -> None:
    network = data.draw(networks())
    one, others = data.draw(outages(network, "o2x")), list(data.draw(crowds(network)).values())
    impact = impact_of(network, one, others)
    kept = keep(impact, one.id, one.seq, given_of(one, others))
    given_then = [other for other in data.draw(st.permutations(others)) if (other.id, other.seq) in kept.given]
    again = recompute(kept, build_network(network.tables), one, given_then)
    assert again == kept
    assert again.digest == kept.digest
    ids = network.tables.customers["id"]
    told = [(id_, state) for id_, state, _ in read_kept(kept)]
    assert {id_ for id_, state in told if state == "out"} == set(ids.iloc[impact.out])
    assert {id_ for id_, state in told if state == "transferred"} == set(ids.iloc[impact.transferred])
    assert [device for _, state, device in read_kept(kept) if state != "transferred"] == list(impact.cut_by)
