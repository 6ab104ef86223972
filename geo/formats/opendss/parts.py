"""The sources, lines, switches and loads of an OpenDSS circuit, as rows for our tables.

A branch (a line, or a reactor or capacitor that stands between two buses) joins its conductors phase by phase. One that can
be opened in service (``switch=y``, or a fuse, relay, recloser or switch control at it) is a switch; so is whatever is open or
disabled, since that is how ties are written. Where only some conductors are open, they are a row of their own::

    Line.l1 bus1=a bus2=b;  open Line.l1 1 2          Line.l1        AC   closed
                                                      Line.l1.open   B    open
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from geo.formats.opendss.circuit import Circuit, Element, Terminal
from geo.formats.opendss.phases import ABC, Letters
from geo.schema import TABLES, TEXT

Row = dict[str, Any]

BRANCHES = ("Line", "Reactor", "Capacitor")

SWITCH_COLUMNS = ("id", "from_node", "to_node", "phases", "to_phases", "kind", "normal_state")

METRES = {"mi": 1609.344, "kft": 304.8, "km": 1000.0, "m": 1.0, "ft": 0.3048, "in": 0.0254, "cm": 0.01, "mm": 0.001}

CATEGORIES = {"res": "residential", "com": "commercial", "ind": "industrial"}
"""What a load shape whose name begins so says of the customer."""


@dataclass(frozen=True)
class Joint:
    """A conductor that joins a phase at one end to a phase at the other."""

    phase: str
    to_phase: str
    closed: bool


def letters_at(terminal: Terminal, letters: Letters, conductors: int | None = None) -> str:
    """Return the phases at which the first ``conductors`` of a terminal end (all of them for None), each once."""
    at_bus = letters[terminal.bus]
    return "".join(dict.fromkeys(at_bus[node] for node in terminal.nodes[:conductors] if node in at_bus))


def joints(element: Element, letters: Letters) -> list[Joint]:
    """Return what a branch joins; nothing where it stands between a bus and earth."""
    start, end = element.terminals[0], element.terminals[-1]
    found: dict[str, Joint] = {}
    for number in range(element.phases):
        phase = letters[start.bus].get(start.nodes[number])
        to_phase = letters[end.bus].get(end.nodes[number])
        if start.bus != end.bus and phase and to_phase:
            closed = element.enabled and not (start.open[number] or end.open[number])
            found.setdefault(phase, Joint(phase, to_phase, closed))
    return list(found.values())


def sources(circuit: Circuit, letters: Letters) -> pd.DataFrame:
    """Return the voltage sources."""
    rows = [
        {"id": source.id, "node": source.terminals[0].bus, "phases": letters_at(source.terminals[0], letters, source.phases)}
        for source in circuit.elements["Vsource"]
        if source.enabled
    ]
    return frame("sources", [row for row in rows if row["phases"]], "id", "node", "phases")


def customers(circuit: Circuit, letters: Letters) -> pd.DataFrame:
    """Return the loads that draw from some phase."""
    rows = [
        {
            "id": load.id,
            "node": load.terminals[0].bus,
            "phases": letters_at(load.terminals[0], letters),
            "category": category_of(load.properties["yearly"] or load.properties["daily"]),
            "load_kw": float(load.properties["kw"]),
        }
        for load in circuit.elements["Load"]
        if load.enabled
    ]
    return frame("customers", [row for row in rows if row["phases"]], "id", "node", "phases", "category", "load_kw")


def category_of(load_shape: str) -> str:
    """Return the category of a customer that draws power in this shape.

    >>> category_of("res_kw_1203_pu"), category_of("default")
    ('residential', 'other')
    """
    return CATEGORIES.get(load_shape[:3].lower(), "other")


def lines(circuit: Circuit, letters: Letters) -> pd.DataFrame:
    """Return the branches that are closed and no switches."""
    rows = [
        _ends(branch)
        | _phases(joined, closed=True)
        | {"length_m": length_m(branch), "voltage_kv": _voltage_kv(circuit, branch, letters)}
        for branch, joined in _branches(circuit, letters)
        if any(joint.closed for joint in joined) and not _is_switch(circuit, branch)
    ]
    return frame("lines", rows, "id", "from_node", "to_node", "phases", "to_phases", "length_m", "voltage_kv")


def switches(circuit: Circuit, letters: Letters) -> pd.DataFrame:
    """Return the branches that are switches, and those that are open."""
    rows: list[Row] = []
    for branch, joined in _branches(circuit, letters):
        control = circuit.control_at(branch, 0) or circuit.control_at(branch, 1)
        found = switch_rows(_ends(branch), joined, control.kind if control else "switch")
        rows += [row for row in found if row["normal_state"] == "open" or _is_switch(circuit, branch)]
    return frame("switches", rows, *SWITCH_COLUMNS)


def switch_rows(ends: Row, joined: list[Joint], kind: str) -> list[Row]:
    """Return a switch for the conductors that are closed and one for those that are open, as far as there are any."""
    rows = [
        ends | _phases(joined, closed=closed) | {"kind": kind, "normal_state": state}
        for closed, state in ((True, "closed"), (False, "open"))
    ]
    both = all(row["phases"] for row in rows)
    rows[1]["id"] += ".open" if both else ""
    return [row for row in rows if row["phases"]]


def frame(table: str, rows: list[Row], *columns: str) -> pd.DataFrame:
    """Return the rows with the named columns of a table, which are there even where it has no rows."""
    kinds = {column: TABLES[table].column(column).kind for column in columns}
    return pd.DataFrame(
        {
            column: pd.Series([row[column] for row in rows], dtype="float64" if kind == "number" else TEXT)
            for column, kind in kinds.items()
        }
    )


def length_m(line: Element) -> float | None:
    """Return the length of a line in metres, None where its unit is not said."""
    metres = METRES.get(line.properties.get("units", "").lower())
    return None if metres is None else float(line.properties["length"]) * metres


def _branches(circuit: Circuit, letters: Letters) -> Iterator[tuple[Element, list[Joint]]]:
    for kind in BRANCHES:
        for branch in circuit.elements[kind]:
            joined = joints(branch, letters)
            if joined:
                yield branch, joined


def _is_switch(circuit: Circuit, branch: Element) -> bool:
    controlled = circuit.control_at(branch, 0) or circuit.control_at(branch, 1)
    return controlled is not None or branch.properties.get("switch", "").lower() in ("yes", "true")


def _ends(branch: Element) -> Row:
    return {"id": branch.id, "from_node": branch.terminals[0].bus, "to_node": branch.terminals[-1].bus}


def _phases(joined: list[Joint], *, closed: bool) -> Row:
    """Return the phases of the conductors that are closed, or of those that are open; at the to end only where they differ."""
    taken = [joint for joint in joined if joint.closed is closed]
    phases, to_phases = "".join(joint.phase for joint in taken), "".join(joint.to_phase for joint in taken)
    return {"phases": phases, "to_phases": None if to_phases == phases else to_phases}


def _voltage_kv(circuit: Circuit, branch: Element, letters: Letters) -> float | None:
    """Return the voltage between phases, None behind a centre-tapped transformer, where bases are set in several ways."""
    bus = branch.terminals[0].bus
    return round(circuit.kv.get(bus, nan) * 3**0.5, 6) if letters[bus] is ABC else None
