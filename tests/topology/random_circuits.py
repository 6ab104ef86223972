"""Random networks that can be solved, as our tables and as a circuit in the language of OpenDSS.

Every medium-voltage node is fed on some phases, radially or in loops; transformers of one kind a network lead to low-voltage
lines with customers. What the tracing rule leaves open (`topology.transfer.windings`) is left out: customers are loaded alike,
and where windings lie between phases nothing is loaded to earth. The first letter of a node says what it is: m at medium
voltage, v at low voltage, t behind a centre tap.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from geo.schema import GridTables
from tests.grids import tables

KINDS = {
    "earthed": [
        ("wye_wye", "ABC", "ABC"),
        ("wye_wye", "A", "A"),
        ("wye_wye", "B", "B"),
        ("centre_tapped", "B", "12"),
        ("centre_tapped", "C", "12"),
    ],
    "delta": [("delta_wye", "ABC", "ABC"), ("delta_delta", "ABC", "ABC")],
    "wye_delta": [("wye_delta", "ABC", "ABC")],
    "between": [("centre_tapped", "AB", "12"), ("delta_wye", "AB", "A"), ("delta_delta", "AB", "AB")],
}
"""The transformers of one network: connection, phases at the primary and at the secondary side."""

Rows = dict[str, list[dict[str, Any]]]


@st.composite
def circuits(draw: st.DrawFn) -> tuple[str, GridTables]:
    """Draw a kind of network, and its tables."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    rows: Rows = {"sources": [], "lines": [], "switches": [], "transformers": [], "customers": []}
    phases = {"m0": "ABC"}
    _source(rows, "m0")
    for number in range(1, draw(st.integers(2, 9))):
        parent = draw(st.sampled_from(sorted(phases)))
        phases[f"m{number}"] = _some(draw, phases[parent])
        _branch(draw, rows, parent, f"m{number}", phases[f"m{number}"])
    for _ in range(draw(st.integers(0, 3))):
        _loop(draw, rows, phases, open_=draw(st.booleans()))
    if draw(st.booleans()):
        _source(rows, draw(st.sampled_from([node for node in sorted(phases) if phases[node] == "ABC"])))
    for number in range(draw(st.integers(1, 4))):
        _low_voltage(draw, rows, phases, kind, number)
    if kind == "earthed":
        for node in draw(st.lists(st.sampled_from(sorted(phases)), max_size=3, unique=True)):
            _customer(rows, node, phases[node], 10.0)
    return kind, tables(**rows)


def _some(draw: st.DrawFn, phases: str) -> str:
    """Draw all of the phases, mostly, or some of them."""
    few = st.sets(st.sampled_from(phases), min_size=1).map(lambda letters: "".join(sorted(letters)))
    return draw(st.one_of(st.just(phases), st.just(phases), few))


def _source(rows: Rows, node: str) -> None:
    rows["sources"].append({"id": f"Vsource.s{len(rows['sources'])}", "node": node, "phases": "ABC"})


def _branch(draw: st.DrawFn, rows: Rows, start: str, end: str, phases: str, *, open_: bool = False) -> None:
    """Add a line or a switch, in either direction."""
    number = len(rows["lines"]) + len(rows["switches"])
    from_node, to_node = draw(st.permutations([start, end]))
    row = {"id": f"Line.l{number}", "from_node": from_node, "to_node": to_node, "phases": phases}
    if open_ or draw(st.booleans()):
        rows["switches"].append(row | {"kind": "switch", "normal_state": "open" if open_ else "closed"})
    else:
        rows["lines"].append(row)


def _loop(draw: st.DrawFn, rows: Rows, phases: dict[str, str], *, open_: bool) -> None:
    """Join two nodes on the phases that both have, where they have any."""
    start, end = (draw(st.sampled_from(sorted(phases))) for _ in range(2))
    shared = "".join(letter for letter in phases[start] if letter in phases[end])
    if start != end and shared:
        _branch(draw, rows, start, end, _some(draw, shared), open_=open_)


def _low_voltage(draw: st.DrawFn, rows: Rows, phases: dict[str, str], kind: str, number: int) -> None:
    """Add a transformer where its phases are, with a line or two of low voltage and customers."""
    connection, from_phases, to_phases = draw(st.sampled_from(KINDS[kind]))
    primaries = [node for node in sorted(phases) if set(from_phases) <= set(phases[node])]
    if not primaries:
        return
    letter = "t" if connection == "centre_tapped" else "d" if connection.endswith("delta") else "v"
    nodes = [f"{letter}{number}x{place}" for place in range(draw(st.integers(1, 3)))]
    primary = draw(st.sampled_from(primaries))
    rows["transformers"].append(
        {
            "id": f"Transformer.t{number}",
            "from_node": primary,
            "to_node": nodes[0],
            "from_phases": from_phases,
            "to_phases": to_phases,
            "connection": connection,
            "ownership": "public",
        }
    )
    for start, end in pairwise(nodes):
        _branch(draw, rows, start, end, to_phases)
    _customer(rows, nodes[0], to_phases, 30.0)
    for node in nodes:
        if letter != "d":
            _customer(rows, node, draw(st.sampled_from(to_phases)), 1.0)
    _mesh(draw, rows)


def _mesh(draw: st.DrawFn, rows: Rows) -> None:
    """Join the low voltage of the last transformer to that of an earlier one that is its like, or leave it."""
    *earlier, last = rows["transformers"]
    same = ("connection", "from_phases", "to_phases")
    alike = [row["to_node"] for row in earlier if all(row[name] == last[name] for name in same)]
    if alike and draw(st.booleans()):
        _branch(draw, rows, draw(st.sampled_from(alike)), last["to_node"], last["to_phases"])


def _customer(rows: Rows, node: str, phases: str, load_kw: float) -> None:
    row = {"id": f"Load.c{len(rows['customers'])}", "node": node, "phases": phases, "category": "other", "load_kw": load_kw}
    rows["customers"].append(row)


_NUMBER = {letter: str(number) for letters in ("ABC", "12") for number, letter in enumerate(letters, start=1)}
_SMALL = "r1=0.0001 r0=0.0001 x1=0.0001 x0=0.0001 c1=0 c0=0"


def opendss_text(grid: GridTables) -> str:
    """Return the commands that make the network in OpenDSS."""
    text = ["clear"]
    for number, source in enumerate(grid.sources.itertuples()):
        new = "circuit.random" if number == 0 else f"{source.id} phases=3"
        text.append(f"new {new} basekv=12.47 bus1={source.node} r1=0.001 x1=0.001 r0=0.001 x0=0.001")
    for row in [*grid.lines.itertuples(), *grid.switches.itertuples()]:
        switch = "switch=y" if hasattr(row, "kind") else ""
        ends = f"bus1={_bus(row.from_node, row.phases)} bus2={_bus(row.to_node, row.phases)}"
        text.append(f"new {row.id} {switch} phases={len(row.phases)} {ends} {_SMALL} length=1")
        if getattr(row, "normal_state", "closed") == "open":
            text.append(f"open {row.id} 1")
    text += [_transformer(row) for row in grid.transformers.itertuples()]
    text += [_load(row) for row in grid.customers.itertuples()]
    return "\n".join([*text, "set voltagebases=[12.47 0.4 0.24]", "calcvoltagebases"])


def _bus(node: str, phases: str) -> str:
    return ".".join([node, *(_NUMBER[letter] for letter in phases)])


def _transformer(row: Any) -> str:
    primary, secondary = "wye" if len(row.from_phases) == 1 else "delta", "wye"
    if row.connection != "centre_tapped":
        primary, secondary = row.connection.split("_")
    single = len(row.from_phases) < 3
    kv = 7.2 if len(row.from_phases) == 1 else 12.47
    start, end = _bus(row.from_node, row.from_phases), _bus(row.to_node, row.to_phases)
    head = f"new {row.id} phases={1 if single else 3}"
    if row.connection == "centre_tapped":
        buses = f"[{start} {row.to_node}.1.0 {row.to_node}.0.2]"
        return (
            f"{head} windings=3 buses={buses} conns=[{primary} wye wye] kvs=[{kv} 0.12 0.12] kvas=[500 500 500] xhl=1 xht=1 xlt=1"
        )
    low = 0.231 if single and len(row.to_phases) == 1 else 0.4
    return f"{head} buses=[{start} {end}] conns=[{primary} {secondary}] kvs=[{kv} {low}] kvas=[500 500] xhl=1"


def _load(row: Any) -> str:
    between = row.node.startswith("d")
    phases = 1 if between and len(row.phases) == 2 else len(row.phases)
    to_earth = {"m": 7.2, "v": 0.231, "t": 0.12, "d": 0.231}[row.node[0]]
    kv = to_earth if phases == 1 and not between else {"m": 12.47, "t": 0.208}.get(row.node[0], 0.4)
    connection = "delta" if between else "wye"
    return f"new {row.id} bus1={_bus(row.node, row.phases)} phases={phases} conn={connection} kv={kv} kw={row.load_kw}"
