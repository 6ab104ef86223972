"""What one outage holds, and the state that several leave the grid in, whatever order they are given in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outages.events import Entered, Outage
from outages.facts import ANNOUNCED_CLASSES, OutageFacts, Window
from outages.held import before_it, held
from outages.impact import impact_of
from outages.kept import keep
from outages.lifecycle import fold
from outages.together import state_before, world, world_before
from tests.outages.several import DAY, Plain, at, crowds, networks, outage, switchings, timed
from topology.network import Network, UnknownIdError, build_network
from topology.parts import cut_out
from topology.sketch import tables_from_text
from topology.supply import State, supplied
from topology.transfer import letters_of, mask_of

TOWN = """
*s -B1:breaker- a -L1- b -S1:load_break- c -L2- d -S2:load_break- e -L3- f
*r -B2:breaker- h -L9- g /X1/ f
*q -L8- k /X2/ b
a : a1
d : d1
f : f1, f2
h : h1
k : k1
"""


def _network(text: str = TOWN) -> Network:
    return build_network(tables_from_text(text))


def _dead(network: Network, *known: Outage, minute: float = 60) -> str:
    alive = supplied(network, state_before(network, known, at(minute)))
    return "".join(sorted(node for node, mask in zip(network.node_ids, alive, strict=True) if not mask))


def _open(network: Network, *known: Outage, minute: float = 60) -> set[str]:
    """Devices that are open on some phase."""
    closed = state_before(network, known, at(minute)).closed
    return set(network.device_ids[closed != network.wiring.phases])


DAYS = ((0, 10), (20, 30), (40, 50))
STAGED = (timed(5, "close", "S1"), timed(6, "open", "L3", "B"))


@pytest.mark.parametrize(
    ("one", "minute", "opened", "closed", "faults"),
    [
        (outage("1", open_="S1 L1.AB", close="X1"), 0, {"S1": "ABC", "L1": "AB"}, {"X1": "ABC"}, ()),
        (outage("1", open_="S1", operations=STAGED), 4, {"S1": "ABC"}, {}, ()),
        (outage("1", open_="S1", operations=STAGED), 5, {}, {}, ()),
        (outage("1", open_="S1", operations=STAGED), 6, {"L3": "B"}, {}, ()),
        (outage("1", open_="S1", close="X1", operations=(timed(5, "open", "X1"),)), 5, {"S1": "ABC"}, {}, ()),
        (outage("1", open_="X1"), 5, {"X1": "ABC"}, {}, ()),  # a tie that nobody may close meanwhile
        (outage("1", open_="S1.A", operations=(timed(5, "close", "S1"), timed(6, "open", "S1"))), 6, {"S1": "ABC"}, {}, ()),
        (outage("1", fault="L2 f"), 5, {}, {}, ("L2", "f")),
        (outage("1", fault="L2 f", operations=(timed(5, "repaired", "f"),)), 5, {}, {}, ("L2",)),
        (outage("1", open_="S1", windows=DAYS, operations=STAGED), 25, {"S1": "ABC"}, {}, ()),  # the second day begins anew
    ],
)
def test_an_outage_holds_what_it_switched_until_it_lets_go(
    one: Outage, minute: float, opened: dict[str, str], closed: dict[str, str], faults: tuple[str, ...]
) -> None:
    network = _network()
    found = held(network, one, at(minute))
    assert found is not None
    assert {network.device_ids[number]: letters_of(mask) for number, mask in found.opened.items()} == opened
    assert {network.device_ids[number]: letters_of(mask) for number, mask in found.closed.items()} == closed
    assert found.faults == faults


@pytest.mark.parametrize(
    ("one", "minute"),
    [
        (outage("1", open_="S1", start=5), 4),
        (outage("1", open_="S1", windows=DAYS), 10),  # night
        (outage("1", open_="S1", windows=DAYS), 35),
        (outage("1", open_="S1", back=9), 9),
    ],
)
def test_an_outage_that_is_not_active_holds_nothing(one: Outage, minute: float) -> None:
    assert held(_network(), one, at(minute)) is None
    assert _dead(_network(), one, minute=minute) == ""


def test_a_plan_is_active_from_its_start_on_until_somebody_confirms_that_power_is_back() -> None:
    planned = outage("1", open_="S1", start=5, end=20, is_planned=True)
    assert [_dead(_network(), planned, minute=minute) for minute in (4, 5, 21)] == ["", "cdef", "cdef"]


@pytest.mark.parametrize(
    ("known", "dead"),
    [
        ([outage("1", open_="S1"), outage("2", open_="S2", close="X1")], "cd"),
        ([outage("1", open_="S2", close="X1"), outage("2", open_="X1")], "ef"),  # nobody closes what another holds open
        ([outage("1", open_="L9"), outage("2", open_="S2", close="X1")], "efg"),
        ([outage("1", open_="S1"), outage("2", open_="S1", back=30)], "cdef"),
        ([outage("1", fault="L2")], "abcdef"),
        ([outage("1", open_="S1"), outage("2", fault="L2", start=5)], "cdef"),  # a fault in a dead section trips nothing
        ([outage("1", fault="L2", operations=(timed(5, "open", "S1"),))], "abcdef"),  # what tripped stays open
        ([outage("1", fault="L2", operations=(timed(5, "open", "S1"), timed(6, "close", "B1")))], "cdef"),
        ([outage("1", fault="L2"), outage("2", open_="S1", start=5, operations=(timed(6, "close", "B1"),))], "cdef"),
        ([outage("1", fault="L2"), outage("2", open_="L9", close="X1", start=5)], "abcdefg"),
        ([outage("1", fault="L2"), outage("2", open_="k", close="X1", start=5)], "abcdef"),  # it names what is not there
        ([outage("1", fault="L2"), outage("2", open_="L8", close="X1", start=5)], "abcdefghk"),  # closed onto the fault: B2 trips
    ],
)
def test_the_world_is_what_all_of_them_leave(known: list[Outage], dead: str) -> None:
    assert _dead(_network(), *known) == dead
    assert _dead(_network(), *reversed(known)) == dead


def test_a_killed_source_joins_the_parts_that_hang_on_it() -> None:
    network = _network("*s -B1:breaker- a : a1\ns -L1- b : b1\ns -B2:breaker- c /X1/ d\n*t -B3:breaker- d")
    fault, tie = outage("1", fault="L1"), outage("2", open_="B1", close="X1", start=5)
    assert _dead(network, fault) == "abcs"
    assert _dead(network, fault, tie) == "abs"  # the tie is closed onto the fault: B2 trips, and c lives by it


def test_what_names_nothing_in_the_network_is_left_out_aloud() -> None:
    network = _network()
    found = world(network, [outage("1", open_="S9"), outage("2", open_="S1")], at(5))
    assert [id_ for id_, _ in found.left_out] == ["1"]
    assert "'S9'; the nearest are" in found.left_out[0][1]
    assert found.state.closed[network.device("S1")] == 0
    with pytest.raises(UnknownIdError, match="S9"):
        held(network, outage("1", open_="S9"), at(5))


def test_of_two_that_begin_together_one_comes_first() -> None:
    network = _network()
    one, other = outage("1", open_="S1"), outage("2", open_="S1")
    assert before_it(other, [one, other]) == (one,)
    assert before_it(one, [one, other]) == ()
    assert world_before(network, other, [one], at(0)).state.closed[network.device("S1")] == 0
    assert before_it(outage("0", open_="S1", start=1, back=2), [other, one]) == (one, other)


DAYS = 24 * 60


@pytest.mark.parametrize(
    ("other", "one", "counts"),
    [
        # what is to come is reckoned with as it is planned
        (outage("1", open_="S1", end=60, is_planned=True, class_="planned"), ("planned", 59), True),
        (outage("1", open_="S1", end=60, is_planned=True, class_="planned"), ("planned", 60), False),
        (outage("1", open_="S1", end=60, is_planned=True, class_="planned"), ("fault", 60), False),
        # what is off has a stated end, as far as plans go; a fault meets it as it is
        (outage("1", open_="S1", end=60), ("planned", 59), True),
        (outage("1", open_="S1", end=60), ("planned", 60), False),
        (outage("1", open_="S1", end=60), ("fault", 60), True),
        (outage("1", open_="S1", end=60, back=90), ("fault", 89), True),
        (outage("1", open_="S1", end=60, back=90), ("planned", 89), True),
        (outage("1", open_="S1", end=60, back=90), ("fault", 90), False),
        # nobody has said until when
        (outage("1", open_="S1"), ("planned", DAYS - 1), True),
        (outage("1", open_="S1"), ("planned", DAYS), False),
        (outage("1", open_="S1"), ("fault", 9 * DAYS), True),
        # between two windows power is on
        (
            outage("1", open_="S1", windows=((0, 60), (DAYS, DAYS + 60)), is_planned=True, class_="planned"),
            ("planned", 90),
            False,
        ),
        (
            outage("1", open_="S1", windows=((0, 60), (DAYS, DAYS + 60)), is_planned=True, class_="planned"),
            ("planned", DAYS + 9),
            True,
        ),
    ],
)
def test_who_is_off_today_hides_no_plan_to_come(other: Outage, one: tuple[str, float], counts: bool) -> None:
    class_, start = one
    later = outage("2", open_="S1", start=start, end=start + 60, is_planned=True, class_=class_)
    assert before_it(later, [other]) == ((other,) if counts else ())
    network = _network()
    is_open = (
        network.normal[network.device("S1")]
        != world_before(network, later, [other], at(start)).state.closed[network.device("S1")]
    )
    assert bool(is_open) is counts


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_two_plans_that_do_not_meet_cost_what_each_costs_alone(data: st.DataObject) -> None:
    network = data.draw(networks())
    classes = st.sampled_from(ANNOUNCED_CLASSES)
    plans = []
    for id_, start in data.draw(st.permutations([("1", 0), ("2", 60), ("3", DAYS)])):
        facts = OutageFacts(data.draw(classes), data.draw(switchings(network)), (Window(at(start), at(start + 60)),), "line work")
        plans.append(fold(id_, [Entered(facts, DAY, "control", approved=True)]))
    for one in plans:
        assert keep(impact_of(network, one, plans), one.id, 1, ()) == keep(impact_of(network, one), one.id, 1, ())


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_in_any_order_the_world_is_what_the_plain_way_says(data: st.DataObject) -> None:
    network = data.draw(networks())
    known = data.draw(st.permutations(list(data.draw(crowds(network)).values())))
    now = at(data.draw(st.integers(0, 12)))
    plain = Plain.at(network, list(known), now)
    expected = plain.state(plain.order)
    found = world(network, known, now)
    assert found.state.closed.tolist() == expected.closed.tolist()
    assert supplied(network, found.state).tolist() == supplied(network, expected).tolist()
    barred = [
        mask_of("".join(set().union(*(one.get(id_, set()) for one in plain.opened.values())))) for id_ in network.device_ids
    ]
    assert found.opened.tolist() == barred
    assert set(found.faults) == {place for places in plain.faults.values() for place in places}


@settings(max_examples=80, deadline=None)
@given(networks())
def test_the_parts_cover_the_grid_and_a_part_alone_is_supplied_as_in_the_whole(network: Network) -> None:
    parts = network.parts
    seen = []
    for part in range(int(parts.of_node.max()) + 1):
        piece = cut_out(network, [part])
        alive = supplied(network, State(network.normal, network.sources))
        assert supplied(piece, State(piece.normal, piece.sources)).tolist() == alive[piece.nodes].tolist()
        seen += piece.customer_rows.tolist()
    assert sorted(seen) == list(range(len(network.customer_node)))
    assert np.all((parts.of_device >= 0) == (network.normal != 0))
