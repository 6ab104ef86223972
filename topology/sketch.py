"""Text ↔ network: a few lines of text that a person can read, for tests, examples and bug reports.

A line is a chain of nodes with devices between them. ``*`` marks a source; customers follow a colon::

    *s -B1:breaker- a -L1- b =T1= c : home, clinic!important
    b /X1/ d
    a -L2.B- e =T2.B>12:centre_tapped= f : farm

============ ============================================================================
``-ID-``     a line; with ``:kind`` a closed switch of that kind
``/ID/``     a normally open switch (``:kind`` says which; default ``switch``)
``=ID=``     a transformer; ``:connection`` as in the tables (default ``wye_wye``)
``.AB>12``   phases at the from end, and at the to end where they differ (default ABC)
``!word``    priority of a customer: ``important``, ``life_support``
``#``        the rest of the line is a comment
============ ============================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from geo.schema import SWITCH_KINDS, TABLES, GridTables, conform

_DEVICE = re.compile(
    r"(?P<mark>[-/=])(?P<id>[^\s.:>/=-]+)(?:\.(?P<phases>[ABC12]+)(?:>(?P<to_phases>[ABC12]+))?)?(?::(?P<kind>\w+))?(?P=mark)"
)


class SketchError(ValueError):
    """The text is no network."""


def tables_from_text(text: str) -> GridTables:
    """Return the tables of a network drawn in ``text``.

    Customers have category ``residential``, one kilowatt and no place. Raises SketchError that names the line and the word.

    >>> tables = tables_from_text("*s -B1:breaker- a -L1- b : home")
    >>> list(tables.lines["id"]), list(tables.switches["kind"]), list(tables.customers["node"])
    (['L1'], ['breaker'], ['b'])
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for number, line in enumerate(text.splitlines(), start=1):
        chain, _, customers = line.partition("#")[0].partition(" : ")
        if chain.strip():
            last = _read_chain(chain.split(), rows, f"line {number}")
            rows["customers"] += [_customer(name.strip(), last) for name in customers.split(",") if name.strip()]
    return GridTables(**{name: conform(name, _columns(name, found)) for name, found in rows.items()})


def text_from_tables(tables: GridTables) -> str:
    """Return the text of a network, one device a line: what `tables_from_text` reads back to the same grid.

    Names, places, lengths and geometry are not part of it.
    """
    text = [f"*{node}.{phases}" for node, phases in _cells(tables.sources, "node", "phases")]
    for id_, start, end, phases, to_phases in _cells(tables.lines, "id", "from_node", "to_node", "phases", "to_phases"):
        text += [f"{start} -{id_}{_phases(phases, to_phases)}- {end}"]
    switch = ("id", "from_node", "to_node", "phases", "to_phases", "kind", "normal_state")
    for id_, start, end, phases, to_phases, kind, normal in _cells(tables.switches, *switch):
        mark = "-" if normal == "closed" else "/"
        text += [f"{start} {mark}{id_}{_phases(phases, to_phases)}:{kind}{mark} {end}"]
    unit = ("id", "from_node", "to_node", "from_phases", "to_phases", "connection")
    for id_, start, end, phases, to_phases, connection in _cells(tables.transformers, *unit):
        text += [f"{start} ={id_}{_phases(phases, to_phases)}:{connection}= {end}"]
    for id_, node, phases, priority in _cells(tables.customers, "id", "node", "phases", "priority"):
        text += [f"{node} : {id_}{f'.{phases}' if phases else ''}{'' if priority == 'none' else f'!{priority}'}"]
    return "\n".join(text)


def _cells(table: pd.DataFrame, *columns: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of ``columns`` row by row, "" where absent."""
    return zip(*(table[column].fillna("").tolist() for column in columns), strict=True)


def _columns(table: str, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {column.name: [row.get(column.name) for row in rows] for column in TABLES[table].columns}


def _phases(phases: str, to_phases: str) -> str:
    return f".{phases}>{to_phases}" if to_phases else f".{phases}"


def _customer(word: str, node: str) -> dict[str, Any]:
    name, _, priority = word.partition("!")
    name, _, phases = name.partition(".")
    return {
        "id": name,
        "node": node,
        "phases": phases or None,
        "category": "residential",
        "priority": priority or "none",
        "load_kw": 1.0,
    }


def _read_chain(words: list[str], rows: dict[str, list[dict[str, Any]]], where: str) -> str:
    """Read ``node device node device … node`` into ``rows``; return the last node."""
    if len(words) % 2 == 0:
        raise SketchError(f"{where}: a chain goes node, device, node, …, and ends at a node; given {' '.join(words)!r}")
    nodes = [_read_node(word, rows) for word in words[::2]]
    for from_node, word, to_node in zip(nodes[:-1], words[1::2], nodes[1:], strict=True):
        table, row = _read_device(word, where)
        rows[table].append({**row, "from_node": from_node, "to_node": to_node})
    return nodes[-1]


def _read_node(word: str, rows: dict[str, list[dict[str, Any]]]) -> str:
    if not word.startswith("*"):
        return word
    node, _, phases = word[1:].partition(".")
    rows["sources"].append({"id": f"S{len(rows['sources']) + 1}", "node": node, "phases": phases or "ABC"})
    return node


def _read_device(word: str, where: str) -> tuple[str, dict[str, Any]]:
    match = _DEVICE.fullmatch(word)
    if match is None:
        raise SketchError(
            f"{where}: {word!r} is no device; write -L1- for a line, /X1/ for an open switch, =T1= for a transformer"
        )
    mark, kind = match["mark"], match["kind"]
    row = {"id": match["id"], "phases": match["phases"], "to_phases": match["to_phases"]}
    if mark == "=":
        return "transformers", row | {"from_phases": row["phases"], "connection": kind, "ownership": "public"}
    if mark == "-" and kind is None:
        return "lines", row
    if kind is not None and kind not in SWITCH_KINDS:
        raise SketchError(f"{where}: {kind!r} is no kind of switch; there are {', '.join(SWITCH_KINDS)}")
    return "switches", row | {"kind": kind or "switch", "normal_state": "open" if mark == "/" else "closed"}
