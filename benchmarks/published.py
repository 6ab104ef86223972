"""Goal 2 on a published network: lines go out of service, against pandapower's own search."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from pandapower.topology import unsupplied_buses

from benchmarks.measure import LONG_ROUNDS, Result, compare
from benchmarks.town import SEED, Say
from geo.formats.simbench import read_simbench
from geo.schema import GridTables
from topology.index import SliceIndex
from topology.network import build_network

URBAN = "1-MVLV-urban-all-0-sw"
LINES = 10
REPEATS = 100


def measure_urban(say: Say) -> Result:
    """Return the result on SimBench's urban network."""
    import simbench  # noqa: PLC0415 - it takes seconds, and only this one needs it

    say(f"SimBench {URBAN}: against pandapower")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = simbench.get_simbench_net(URBAN)
    tables = read_simbench(URBAN)
    size = f"SimBench urban, {len(tables.customers):,}"
    return against_unsupplied_buses(tables, net, lines=net.line["name"].to_dict(), loads=net.load["name"].to_dict(), size=size)


def against_unsupplied_buses(tables: GridTables, net: Any, *, lines: dict[int, str], loads: dict[int, str], size: str) -> Result:
    """Compare on lines drawn at random; ``lines`` and ``loads`` say what pandapower's numbers are called in ``tables``."""
    network = build_network(tables)
    index = SliceIndex(network)
    costly = [number for number, name in lines.items() if index.count(network.device(name))]
    drawn: list[int] = np.random.default_rng(SEED).permutation(costly)[:LINES].tolist()
    devices = [network.device(lines[number]) for number in drawn]
    ids = tables.customers["id"].to_numpy()
    for number, device in zip(drawn, devices, strict=True):
        cut = net.load.index[net.load["bus"].isin(_without(net, number))]
        assert {loads[load] for load in cut} == set(ids[index.customers(device)])
    ours, theirs = compare(
        lambda: [index.customers(device) for _ in range(REPEATS) for device in devices],
        lambda: [_without(net, number) for number in drawn],
        rounds=LONG_ROUNDS,
    )
    peer = "pandapower unsupplied_buses"
    return Result(2, "list of customers out", peer, size, ours / len(drawn) / REPEATS, theirs / len(drawn), is_faster=True)


def _without(net: Any, line: int) -> set[int]:
    net.line.at[line, "in_service"] = False
    cut: set[int] = unsupplied_buses(net)
    net.line.at[line, "in_service"] = True
    return cut
