"""Who is out now, kept up event by event: as networkx says, and as from scratch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.synth import synthesize
from outages.events import Outage
from outages.standing import Standing, Toll
from tests.outages.several import Plain, at, crowds, networks, outage
from topology.network import Network, build_network
from topology.sketch import tables_from_text

TOWN = """
*s -B1:breaker- a -L1- b -L2- c -L3- d
*r -B2:breaker- h -L9- g /X1/ d
b : b1!important
c : c1
d : d1!life_support, d2
h : h1
"""


def _network() -> Network:
    return build_network(tables_from_text(TOWN))


def _standing(*known: Outage, minute: float = 60) -> Standing:
    standing = Standing(_network())
    standing.update({one.id: one for one in known}, at(minute))
    return standing


def _attributed(standing: Standing) -> dict[str, str]:
    ids = standing.network.tables.customers["id"]
    return {ids[row]: outage_id for row, outage_id in zip(standing.affected.tolist(), standing.attributed, strict=True)}


@pytest.mark.parametrize(
    ("known", "attributed"),
    [
        ([outage("1", open_="L1"), outage("2", open_="L2", start=5)], {"b1": "1", "c1": "1", "d1": "1", "d2": "1"}),
        ([outage("1", open_="L1", start=5), outage("2", open_="L2")], {"b1": "1", "c1": "2", "d1": "2", "d2": "2"}),
        ([outage("1", open_="L1"), outage("2", open_="L2")], {"b1": "1", "c1": "1", "d1": "1", "d2": "1"}),
        ([outage("1", open_="L2"), outage("2", open_="L3", close="X1", start=5)], {"c1": "1"}),  # the tie brings d back
        ([outage("1", open_="L2", close="X1"), outage("2", open_="L9", start=5)], {"c1": "2", "d1": "2", "d2": "2"}),
        ([outage("1", fault="L2"), outage("2", open_="L1", start=5)], {"b1": "1", "c1": "1", "d1": "1", "d2": "1"}),
        (
            [outage("1", open_="L1", windows=((0, 10), (20, 90))), outage("2", open_="L2", start=15)],
            {"b1": "1", "c1": "2", "d1": "2", "d2": "2"},
        ),
    ],
)
def test_a_customer_counts_once_under_what_would_cut_it_first(known: list[Outage], attributed: dict[str, str]) -> None:
    assert _attributed(_standing(*known)) == attributed


def test_who_is_under_two_outages_is_back_only_when_its_own_path_is_live() -> None:
    first, second = outage("1", open_="L1"), outage("2", open_="L2", start=5)
    standing = _standing(first, second)
    rows = {id_: row for row, id_ in enumerate(standing.network.tables.customers["id"])}
    assert standing.of(rows["d1"]) == ("1", "2")
    assert standing.of(rows["b1"]) == ("1",)
    changed = standing.update({"1": outage("1", open_="L1", back=50), "2": second}, at(60))
    assert changed == {"1", "2"}
    assert standing.is_back(rows["b1"])
    assert not standing.is_back(rows["d1"])
    assert standing.of(rows["d1"]) == ("2",)
    assert standing.of(rows["b1"]) == ()
    assert standing.counts("1") == Toll(0, 0, 0, 0.0, 0, 0)
    assert standing.counts("2") == standing.total() == Toll(3, 3, 0, 3.0, 0, 1)


def test_both_feeds_of_a_loop_hold_a_customer_off_together() -> None:
    network = build_network(tables_from_text("*s -L1- a : one\n*r -L2- a"))
    standing = Standing(network)
    standing.update({"1": outage("1", open_="L1"), "2": outage("2", open_="L2", start=1)}, at(5))
    assert standing.attributed == ("2",)
    assert standing.of(0) == ("2", "1")


def test_windows_begin_and_end_by_themselves() -> None:
    plan = {"1": outage("1", open_="L1", windows=((10, 20), (30, 40)), is_planned=True)}
    standing = Standing(_network())
    turns, now = [], at(0)
    while (turn := standing.next_change(plan, now)) is not None:
        standing.update(plan, turn)
        turns.append((turn, standing.total().customers))
        now = turn
    assert turns == [(at(10), 4), (at(20), 0), (at(30), 4)]  # the last window ends when somebody says so


def test_only_those_are_named_whose_customers_changed() -> None:
    known = {"1": outage("1", open_="L1"), "2": outage("2", open_="L9")}
    standing = _standing(*known.values())
    assert standing.update(known, at(61)) == set()
    assert standing.update({**known, "3": outage("3", open_="L2", start=61)}, at(62)) == set()
    assert standing.update({**known, "4": outage("4", open_="B2", start=61)}, at(62)) == {"4"}
    assert standing.update({}, at(62)) == {"1", "4"}


def test_an_outage_that_names_nothing_in_the_network_holds_up_no_other() -> None:
    standing = _standing(outage("1", open_="L7"), outage("2", open_="L3"))
    assert set(standing.problems) == {"1"}
    assert "'L7'" in standing.problems["1"]
    assert _attributed(standing) == {"d1": "2", "d2": "2"}


def test_the_world_without_one_is_that_of_the_others() -> None:
    first, second = outage("1", open_="L1"), outage("2", open_="L2")
    standing = _standing(first, second, outage("3", open_="L9"))
    for without, others in (("", (first, second)), ("1", (second,)), ("9", (first, second))):
        known = (*others, outage("3", open_="L9"))
        assert standing.world(without=without).state.closed.tolist() == _standing(*known).world().state.closed.tolist()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_after_any_row_of_events_the_standing_is_what_networkx_says(data: st.DataObject) -> None:
    network = data.draw(networks())
    standing, known = Standing(network), {}
    for turn, minute in enumerate(sorted(data.draw(st.lists(st.integers(0, 12), min_size=1, max_size=3)))):
        for id_, one in data.draw(crowds(network, most=3)).items():
            known[id_] = replace(one, seq=100 * turn + one.seq)  # a change has a number of its own, also within a minute
        before = {id_: standing.rows(id_).tolist() for id_ in known}
        changed = standing.update(known, at(minute))
        plain = Plain.at(network, list(known.values()), at(minute))
        out, partial = plain.off()
        assert set(standing.out.tolist()) == out
        assert set(standing.partial.tolist()) == partial
        assert dict(zip(standing.affected.tolist(), standing.attributed, strict=True)) == plain.attributed()
        assert {id_ for id_ in known if standing.rows(id_).tolist() != before[id_]} <= changed
        for row in standing.affected.tolist():
            rests = {id_: [other for other in plain.order if other != id_] for id_ in plain.order}
            expected = {
                id_
                for id_ in plain.order
                if row in set().union(*plain.off([id_])) or row not in set().union(*plain.off(rests[id_]))
            }
            assert set(standing.of(row)) == expected | {plain.attributed()[row]}


def test_a_storm_is_kept_up_as_if_from_scratch() -> None:
    network = build_network(synthesize(5_000, 3))
    devices = list(network.device_ids[::7])
    known: dict[str, Outage] = {}
    standing = Standing(network)
    for number, device in enumerate(devices[:80]):
        fault = number % 3 == 0
        known[f"o{number}"] = outage(f"o{number}", start=number / 10, **{"fault" if fault else "open_": device})
        if number % 5 == 4:
            known[f"o{number - 3}"] = replace(known[f"o{number - 3}"], restored_at=at(number / 10), seq=99)
        standing.update(known, at(number / 10))
    fresh = Standing(network)
    fresh.update(known, at(8))
    standing.update(known, at(8))
    assert standing.affected.tolist() == fresh.affected.tolist()
    assert standing.attributed == fresh.attributed
    assert standing.world().state.closed.tolist() == fresh.world().state.closed.tolist()
    assert len(standing.affected) > 0
