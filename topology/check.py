"""What must be true of a network as a whole: all are supplied in the normal state, on all phases, at one voltage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.schema import DEVICE_TABLES, Problem
from topology.flood import Rows
from topology.network import Network


def check_supply(network: Network) -> tuple[Problem, ...]:
    """Return what is odd about the network as a whole; all are warnings, no row is taken out.

    A customer who has no supply in the normal state can never be found affected, so each of them is named.
    """
    found = (*_customers(network), *_devices(network), *_voltages(network))
    return tuple(problem for problem in found if problem.ids)


def _customers(network: Network) -> Iterator[Problem]:
    customers, transformers = network.tables.customers, network.tables.transformers
    supplied = network.supplied_phases
    named = customers["phases"].notna().to_numpy()
    yield _warn(
        customers["id"][supplied == 0],
        "customers.node",
        "no source supplies it in the normal state",
        "Close or add the device that is missing on its path, or the source; until then no outage can name these customers.",
    )
    yield _warn(
        customers["id"][named & (supplied != 0) & (supplied != network.customer_phases)],
        "customers.phases",
        "not all phases of the customer are supplied in the normal state",
        "Correct the phases of the customer, or of a device on its path.",
    )
    feeding = np.unique(network.transformer_of_customer)
    yield _warn(
        transformers["id"][~np.isin(np.arange(len(transformers)), list(_with_those_above(network, feeding)))],
        "transformers.id",
        "supplies no customer in the normal state",
        "Add its customers, or leave it if it stands by.",
    )
    placed = network.transformer_of_customer[customers["x"].notna().to_numpy()]
    drawn = transformers["id"].isin(network.tables.service_areas["transformer_id"])
    lacks = (transformers["ownership"] == "public") & ~drawn & np.isin(np.arange(len(transformers)), placed)
    yield _warn(
        transformers["id"][lacks & bool(len(network.tables.service_areas))],
        "service_areas.transformer_id",
        "has no row for a public transformer",
        "Draw its area; until then the map shows its customers without one.",
    )


def _with_those_above(network: Network, feeding: Rows) -> set[int]:
    """Return the transformers ``feeding`` and those through which they are fed themselves in the normal state."""
    first = network.devices_of("transformers").start
    ends = network.wiring.from_node[first:], network.wiring.to_node[first:]
    found, todo = set[int](), set(feeding[feeding >= 0].tolist())
    while todo:
        found |= todo
        above = {int(network.transformer_of_node[end[row]]) for row in todo for end in ends}
        todo = above - found - {-1}
    return found


def _devices(network: Network) -> Iterator[Problem]:
    """Phases that a device has and nothing feeds: they vanish somewhere upstream, and whoever hangs on them is dark."""
    wiring, alive = network.wiring, network.healthy.alive
    here = alive[wiring.from_node]
    vanished = (network.normal != 0) & (here != 0) & ((network.normal & ~here) != 0) & (alive[wiring.to_node] != 0)
    for name in DEVICE_TABLES:
        rows = network.devices_of(name)
        column = "from_phases" if name == "transformers" else "phases"
        yield _warn(
            network.device_ids[rows][vanished[rows]],
            f"{name}.{column}",
            "has phases that nothing feeds in the normal state",
            "Correct its phases, or those of the devices before it.",
        )


def _voltages(network: Network) -> Iterator[Problem]:
    """Lines joined by anything but a transformer have one voltage; those unlike most of their neighbours are named."""
    lines, wiring = network.tables.lines, network.wiring
    joined = slice(0, network.devices_of("transformers").start)
    count = len(network.node_ids)
    edges = (wiring.from_node[joined], wiring.to_node[joined])
    _, part = connected_components(coo_array((np.ones(len(edges[0]), np.int8), edges), shape=(count, count)), directed=False)
    of_line = pd.Series(part[wiring.from_node[network.devices_of("lines")]], index=lines.index)
    usual = lines["voltage_kv"].groupby(of_line).transform("median")
    yield _warn(
        lines["id"][lines["voltage_kv"].notna() & ~np.isclose(lines["voltage_kv"], usual, rtol=0.15)],
        "lines.voltage_kv",
        "has another voltage than the lines it is joined to without a transformer",
        "Correct the voltage, or add the transformer between them.",
    )


def _warn(ids: Iterable[str], where: str, rule: str, fix: str) -> Problem:
    table, column = where.split(".")
    return Problem(table, column, rule, tuple(ids), fix, severity="warning")
