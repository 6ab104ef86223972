"""Random networks for property tests: meshed, several sources, phases, parallel edges, loops at one node, islands, open ties."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from geo.schema import CONNECTIONS, SWITCH_KINDS, TABLES, GridTables, conform

_THREE = st.sets(st.sampled_from("ABC"), min_size=1).map(lambda letters: "".join(sorted(letters)))
_CUSTOMER_PHASES = st.one_of(st.none(), _THREE, st.sampled_from(["12", "1"]))


def tables(**rows: list[dict[str, Any]]) -> GridTables:
    """Return the tables of ``rows``; a table that is not named is empty."""
    return GridTables(**{name: _frame(name, rows[name]) if rows.get(name) else _empty(name) for name in TABLES})


def _frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return conform(name, {column.name: [row.get(column.name) for row in rows] for column in TABLES[name].columns})


@cache
def _empty(name: str) -> pd.DataFrame:
    return _frame(name, [])


@st.composite
def _joined(draw: st.DrawFn, nodes: list[str], prefix: str, index: int) -> dict[str, Any]:
    phases = draw(_THREE)
    to_phases = draw(st.one_of(st.none(), st.permutations("ABC").map(lambda p: "".join(p)[: len(phases)])))
    ends = draw(st.tuples(st.sampled_from(nodes), st.sampled_from(nodes)))
    return {"id": f"{prefix}{index}", "from_node": ends[0], "to_node": ends[1], "phases": phases, "to_phases": to_phases}


@st.composite
def _transformer(draw: st.DrawFn, nodes: list[str], index: int) -> dict[str, Any]:
    row = draw(_joined(nodes, "T", index))
    connection = draw(st.sampled_from(CONNECTIONS))
    row |= {
        "from_phases": row.pop("phases"),
        "connection": connection,
        "ownership": draw(st.sampled_from(["public", "dedicated"])),
    }
    if connection == "centre_tapped":
        row["to_phases"] = "12"
    elif connection != "wye_wye":
        row["to_phases"] = draw(_THREE)
    return row


@st.composite
def grids(draw: st.DrawFn, *, transformers: bool = True, max_nodes: int = 9) -> GridTables:
    """Draw the tables of a random network."""
    nodes = [f"n{number}" for number in range(draw(st.integers(2, max_nodes)))]
    size = len(nodes)
    lines = [draw(_joined(nodes, "L", index)) for index in range(draw(st.integers(0, size + 2)))]
    switches = [
        draw(_joined(nodes, "X", index))
        | {"kind": draw(st.sampled_from(SWITCH_KINDS)), "normal_state": draw(st.sampled_from(["closed", "closed", "open"]))}
        for index in range(draw(st.integers(0, size)))
    ]
    units = [draw(_transformer(nodes, index)) for index in range(draw(st.integers(0, 4)))] if transformers else []
    sources = [
        {"id": f"S{index}", "node": node, "phases": draw(_THREE)}
        for index, node in enumerate(draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=2, unique=True)))
    ]
    customers = [
        {
            "id": f"c{index}",
            "node": draw(st.sampled_from(nodes)),
            "phases": draw(_CUSTOMER_PHASES),
            "category": "residential",
            "load_kw": float(index),
            "priority": draw(st.sampled_from(["none", "important", "life_support"])),
        }
        for index in range(draw(st.integers(0, 12)))
    ]
    return tables(sources=sources, lines=lines, switches=switches, transformers=units, customers=customers)


@st.composite
def device_choices(draw: st.DrawFn, grid: GridTables, *, most: int = 3) -> list[tuple[str, str]]:
    """Draw devices of ``grid``, each with some of its phases, or "" for all."""
    has = dict(zip(grid.lines["id"], grid.lines["phases"], strict=True))
    has |= dict(zip(grid.switches["id"], grid.switches["phases"], strict=True))
    has |= dict(zip(grid.transformers["id"], grid.transformers["from_phases"], strict=True))
    if not has:
        return []
    ids = draw(st.lists(st.sampled_from(sorted(has)), max_size=most, unique=True))
    return [(id_, draw(st.one_of(st.just(""), st.sampled_from(sorted(has[id_]))))) for id_ in ids]
