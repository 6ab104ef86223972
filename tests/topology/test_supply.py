"""Who is supplied: against networkx on random grids, and case by case where the physics says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.schema import GridTables
from tests.grids import device_choices, grids
from tests.topology.oracle import supply as networkx_supply
from topology.flood import trace
from topology.network import Network, UnknownIdError, build_network
from topology.sketch import tables_from_text
from topology.supply import UnknownPhaseError, lost, normal_state, operate, supplied
from topology.transfer import letters_of


def _live(network: Network, alive: np.ndarray) -> set[tuple[str, str]]:
    return {(node, letter) for node, mask in zip(network.node_ids, alive.tolist(), strict=True) for letter in letters_of(mask)}


def _phases_of(grid: GridTables, chosen: list[tuple[str, str]]) -> dict[str, set[str]]:
    network = build_network(grid)
    return {id_: set(phases or letters_of(int(network.wiring.phases[network.device(id_)]))) for id_, phases in chosen}


def _fed_from(network: Network) -> dict[str, str]:
    ids = network.device_ids[network.wiring.one_way]
    return {id_: "from" if forward else "to" for id_, forward in zip(ids, network.wiring.feeds_forward, strict=True)}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_live_phases_are_those_that_networkx_finds(data: st.DataObject) -> None:
    grid = data.draw(grids())
    opened, closed = data.draw(device_choices(grid)), data.draw(device_choices(grid))
    network = build_network(grid)
    state = operate(network, normal_state(network), open=opened, close=closed)
    open_, close_ = _phases_of(grid, opened), _phases_of(grid, closed)
    open_ = {id_: letters - close_.get(id_, set()) for id_, letters in open_.items()}
    expected = networkx_supply(grid, open_=open_, closed=close_, fed_from=_fed_from(network))
    assert _live(network, supplied(network, state)) == expected


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_opening_never_brings_supply_and_closing_never_takes_it(data: st.DataObject) -> None:
    grid = data.draw(grids(transformers=False))
    chosen = data.draw(device_choices(grid))
    network = build_network(grid)
    normal = normal_state(network)
    healthy = supplied(network, normal)
    assert not (supplied(network, operate(network, normal, open=chosen)) & ~healthy).any()
    assert not (healthy & ~supplied(network, operate(network, normal, close=chosen))).any()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_is_opened_and_closed_again_leaves_everything_as_it_was(data: st.DataObject) -> None:
    grid = data.draw(grids())
    network = build_network(grid)
    closed_now = {id_ for id_, mask in zip(network.device_ids, network.normal, strict=True) if mask}
    chosen = [(id_, phases) for id_, phases in data.draw(device_choices(grid)) if id_ in closed_now]
    state = operate(network, operate(network, normal_state(network), open=chosen), close=chosen)
    assert (state.closed == network.normal).all()


@settings(max_examples=100, deadline=None)
@given(grids())
def test_every_parent_brings_its_phase_and_comes_earlier(grid: GridTables) -> None:
    network = build_network(grid)
    traced = trace(network.wiring, network.normal, network.sources)
    place = {node: position for position, node in enumerate(traced.order.tolist())}
    assert set(place) == set(np.flatnonzero(traced.alive).tolist())
    for node, position in place.items():
        link = int(traced.entry[node])
        if link >= 0:
            above = network.wiring.to_node[link >> 1] if link & 1 else network.wiring.from_node[link >> 1]
            assert place[int(above)] < position
        else:
            assert network.sources[node]
        for phase in range(5):
            brought = traced.parent[node, phase] >= 0 or network.sources[node] >> phase & 1
            assert bool(brought) == bool(traced.alive[node] >> phase & 1)


THREE_PHASE_BANKS = """
*s -L1- a =T1:{connection}= b -L2- c : load
"""


@pytest.mark.parametrize(
    ("connection", "opened", "live_at_c"),
    [
        ("wye_wye", "A", "BC"),
        ("wye_wye", "AB", "C"),
        ("wye_wye", "ABC", ""),
        ("delta_wye", "A", "ABC"),  # two of three windings keep half their voltage
        ("delta_wye", "AB", ""),  # no voltage between any two ends of the delta
        ("wye_delta", "A", "ABC"),
        ("wye_delta", "AB", "ABC"),  # the delta closes over the two dead windings: 1, ½, ½
        ("wye_delta", "ABC", ""),
        ("delta_delta", "A", "ABC"),
        ("delta_delta", "AB", ""),
    ],
)
def test_a_three_phase_bank_loses_phases_as_its_connection_says(connection: str, opened: str, live_at_c: str) -> None:
    network = build_network(tables_from_text(THREE_PHASE_BANKS.format(connection=connection)))
    alive = supplied(network, operate(network, normal_state(network), open=[("L1", opened)]))
    assert letters_of(int(alive[network.node("c")])) == live_at_c


@pytest.mark.parametrize(
    ("phases", "opened", "live"),
    [("B", "B", ""), ("B", "A", "12"), ("AB", "A", ""), ("AB", "C", "12")],
)
def test_a_centre_tapped_winding_needs_both_its_ends(phases: str, opened: str, live: str) -> None:
    network = build_network(tables_from_text(f"*s -L1- a =T1.{phases}>12:centre_tapped= b : load"))
    alive = supplied(network, operate(network, normal_state(network), open=[("L1", opened)]))
    assert letters_of(int(alive[network.node("b")])) == live


@pytest.mark.parametrize(
    ("units", "opened", "live"),
    [
        # Two units in open delta: in the phase where they meet each keeps half the voltage, across the other two phases.
        ("AB>AB:delta_delta BC>BC:delta_delta", "A", "BC"),
        ("AB>AB:delta_delta BC>BC:delta_delta", "B", "ABC"),
        ("AB>AB:delta_delta BC>BC:delta_delta", "C", "AB"),
        ("AB>AB:delta_delta BC>BC:delta_delta", "AB", ""),
        ("AB>AB:delta_delta BC>BC:delta_delta", "AC", ""),
        ("AB>A:delta_wye BC>B:delta_wye", "A", "B"),
        ("AB>A:delta_wye BC>B:delta_wye", "B", "AB"),
        # Three of them are a closed delta.
        ("AB>A:delta_wye BC>B:delta_wye AC>C:delta_wye", "A", "ABC"),
        ("AB>A:delta_wye BC>B:delta_wye AC>C:delta_wye", "AB", ""),
        # Open wye to open delta: each unit lives with its own phase.
        ("A>AB:wye_delta B>BC:wye_delta", "A", "BC"),
        ("A>AB:wye_delta B>BC:wye_delta", "C", "ABC"),
        ("A>AB:wye_delta B>BC:wye_delta", "AB", ""),
        ("A>AB:wye_delta B>BC:wye_delta C>AC:wye_delta", "A", "ABC"),
        ("A>AB:wye_delta B>BC:wye_delta C>AC:wye_delta", "AB", "AC"),
        # Beside another unit a centre-tapped winding carries most of the load, and gets least of a shared voltage.
        ("AB>AB:centre_tapped BC>C:delta_wye", "A", "C"),
        ("AB>AB:centre_tapped BC>C:delta_wye", "B", "C"),
        ("AB>AB:centre_tapped BC>C:delta_wye", "C", "AB"),
    ],
)
def test_a_bank_of_single_phase_units_loses_phases_as_its_windings_are_joined(units: str, opened: str, live: str) -> None:
    rows = [f"a =T{number}.{unit}= b" for number, unit in enumerate(units.split())]
    network = build_network(tables_from_text("\n".join(["*s -L1- a", *rows, "b -L2- c : load"])))
    alive = supplied(network, operate(network, normal_state(network), open=[("L1", opened)]))
    assert letters_of(int(alive[network.node("c")])) == live


def test_a_unit_with_an_open_end_shares_no_voltage_with_the_unit_beside_it() -> None:
    network = build_network(tables_from_text("*s -L1- a =T1.AB>A:delta_wye= b\na =T2.BC>B:delta_wye= b : load"))
    alive = supplied(network, operate(network, normal_state(network), open=[("T1", "B")]))
    assert letters_of(int(alive[network.node("b")])) == "B"


def test_a_transformer_fed_from_its_secondary_passes_that_way() -> None:
    network = build_network(tables_from_text("*s -L1- a\nb =T1:delta_wye= a\nb : load"))
    assert letters_of(int(network.healthy.alive[network.node("b")])) == "ABC"
    assert not network.wiring.feeds_forward[0]


def test_a_low_voltage_mesh_feeds_a_dead_primary_back_with_all_phases_but_not_with_one() -> None:
    network = build_network(
        tables_from_text(
            """
            *s -L1- a =T1:delta_wye= x
            s -L2- b =T2:delta_wye= x
            b : medium_voltage
            """
        )
    )
    normal = normal_state(network)
    whole = supplied(network, operate(network, normal, open=[("L2", "")]))
    one = supplied(network, operate(network, normal, open=[("L2", "B")]))
    assert letters_of(int(whole[network.node("b")])) == "ABC"
    assert letters_of(int(one[network.node("b")])) == "AC"


def test_swapped_phases_are_followed_through() -> None:
    network = build_network(tables_from_text("*s -L1.ABC>BCA- a -L2.A- b : load"))
    alive = supplied(network, operate(network, normal_state(network), open=[("L1", "C")]))
    assert letters_of(int(alive[network.node("a")])) == "BC"
    assert letters_of(int(alive[network.node("b")])) == ""


def test_a_customer_counts_by_the_phases_it_had() -> None:
    network = build_network(tables_from_text("*s -L1- a : all, some.AB, one.C, wrong.12"))
    after = supplied(network, operate(network, normal_state(network), open=[("L1", "C")]))
    out, partial = lost(network, network.healthy.alive, after)
    ids = network.tables.customers["id"].to_numpy()
    assert (ids[out].tolist(), ids[partial].tolist()) == (["one"], ["all"])


def test_an_unknown_device_is_answered_with_the_nearest_three() -> None:
    network = build_network(tables_from_text("*s -BRK_1:breaker- a -BRK_2:breaker- b -LINE_7- c"))
    with pytest.raises(UnknownIdError, match=r"no device has the id 'BRK_3'; the nearest are BRK_1, BRK_2, LINE_7"):
        operate(network, normal_state(network), open=[("BRK_3", "")])


def test_a_phase_that_the_device_has_not_is_refused_by_name() -> None:
    network = build_network(tables_from_text("*s -L1.AB- a"))
    with pytest.raises(UnknownPhaseError, match="device L1 has no phase 'C': it has AB"):
        operate(network, normal_state(network), open=[("L1", "C")])
