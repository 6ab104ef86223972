"""The transformers of an OpenDSS circuit, as rows for our tables, and the switches at their terminals.

Of a winding it counts whether its ends are a phase and earth, as in a wye, or two phases, as in a delta. A single-phase unit
has the kind of its two nodes, whatever it is called; before a delta, a wye whose neutral is not earthed needs two live phases,
and is taken for a delta. Regulators and autotransformers are transformers::

    buses=[x.1 y.1]            wye_wye         A  → A          buses=[x.1 y.1.0 y.0.2]    centre_tapped   A  → 12
    buses=[x.1.2 y.3]          delta_wye       AB → C          conns=[wye delta]          wye_delta      ABC → ABC
    buses=[x.1 y.1.2]          wye_delta       A  → AB         conns=[delta delta]        delta_delta    ABC → ABC

A transformer with secondary windings at several buses is a row to a node of its own, under its own id, and a row from there
to each bus: opening the first takes all of it out::

    x ──Transformer.t── Transformer.t.core ──Transformer.t.2── y
                                         └───Transformer.t.3── z

In a four-wire delta the centre-tapped unit earths its two phases; a unit that joins the third to one of them brings the third
phase only, since without the first unit nothing holds the others. Two such units close the delta, and bring all.

A fuse, relay, recloser or switch control at a terminal is a switch between the bus and a node ``Transformer.t.1`` (2, 3), at
which the winding then ends; so is a terminal that is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from geo.formats.opendss.circuit import EARTH, Circuit, Element, Terminal
from geo.formats.opendss.parts import SWITCH_COLUMNS, Joint, Row, frame, letters_at, switch_rows
from geo.formats.opendss.phases import Letters, is_centre_tapped


@dataclass(frozen=True)
class Winding:
    """Where one side of a transformer ends, its phases, and whether its windings lie between phases."""

    node: str
    phases: str
    between_phases: bool


def transformers(circuit: Circuit, letters: Letters) -> pd.DataFrame:
    """Return the transformers that are in service and have phases at both sides."""
    columns = ("id", "from_node", "to_node", "from_phases", "to_phases", "connection", "kva", "bank")
    rows = [row for unit in units(circuit) for row in _rows(unit, _windings(circuit, unit, letters))]
    return _named_banks(_without_held_phases(frame("transformers", rows, *columns)))


def _without_held_phases(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the units with what those in an open four-wire delta bring: the phase that the centre-tapped one does not hold."""
    tapped = rows[rows["connection"] == "centre_tapped"].drop_duplicates("to_node").set_index("to_node")["to_phases"]
    held = rows["to_node"].map(tapped).fillna("")
    beside = rows["connection"].ne("centre_tapped") & held.ne("") & rows["to_phases"].str.len().eq(2)
    brought = pd.Series(["".join(set(own) - set(legs)) for own, legs in zip(rows["to_phases"], held, strict=True)], rows.index)
    open_ = rows.assign(brought=brought)[beside].groupby(["to_node", "brought"])["brought"].transform("size").eq(1)
    single = open_.index[open_ & brought[open_.index].str.len().eq(1)]
    return rows.assign(to_phases=rows["to_phases"].where(~rows.index.isin(single), brought))


def _named_banks(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a bank, named after its first unit, where several without one stand between the same two nodes."""
    unnamed = rows["bank"].isna()
    beside = rows[unnamed].groupby(["from_node", "to_node"])["id"]
    first = beside.transform("first").where(beside.transform("size") > 1)
    return rows.assign(bank=rows["bank"].fillna(first.reindex(rows.index)))


def terminal_switches(circuit: Circuit, letters: Letters) -> pd.DataFrame:
    """Return the switches at the terminals of transformers."""
    rows = []
    for unit in units(circuit):
        for number, terminal in enumerate(unit.terminals):
            control, inner = circuit.control_at(unit, number), _node(circuit, unit, number)
            if inner != terminal.bus:
                ends = {"id": control.id if control else f"{inner}.switch", "from_node": terminal.bus, "to_node": inner}
                rows += switch_rows(ends, _leads(terminal, letters), control.kind if control else "switch")
    return frame("switches", rows, *SWITCH_COLUMNS)


def _leads(terminal: Terminal, letters: Letters) -> list[Joint]:
    """Return the phases of a terminal, each joined to itself at the winding."""
    at = {node: is_open for node, is_open in zip(terminal.nodes, terminal.open, strict=True) if node in letters[terminal.bus]}
    return [Joint(letters[terminal.bus][node], letters[terminal.bus][node], not is_open) for node, is_open in at.items()]


def units(circuit: Circuit) -> Iterator[Element]:
    """Yield the transformers and autotransformers that are in service."""
    for kind in ("Transformer", "AutoTrans"):
        yield from (unit for unit in circuit.elements[kind] if unit.enabled)


def _rows(unit: Element, windings: list[Winding]) -> list[Row]:
    if not all(winding.phases for winding in windings):
        return []
    kva = float(_listed(unit, "kvas")[0])
    row = {"id": unit.id, "from_node": windings[0].node, "kva": kva, "bank": unit.properties["bank"] or None}
    if is_centre_tapped(unit):
        legs = "".join(dict.fromkeys("".join(winding.phases for winding in windings[1:])))
        return [row | _sides(windings[0], legs) | {"to_node": windings[1].node, "connection": "centre_tapped"}]
    primary, *secondary = windings
    if len(secondary) == 1:
        return [row | _joined(primary, secondary[0])]
    core = Winding(f"{unit.id}.core", primary.phases, between_phases=False)
    # A delta winding that is closed gives a lost phase back to every winding on the same core.
    closed_delta = unit.phases > 1 and any(winding.between_phases for winding in secondary)
    named = row | {"bank": row["bank"] or unit.id}
    behind = [
        named
        | {"id": f"{unit.id}.{number}", "from_node": core.node}
        | _joined(Winding(core.node, primary.phases, primary.between_phases), winding, closed_delta=closed_delta)
        for number, winding in enumerate(secondary, start=2)
    ]
    return [named | _joined(Winding(primary.node, primary.phases, between_phases=False), core), *behind]


def _joined(primary: Winding, secondary: Winding, *, closed_delta: bool = False) -> Row:
    words = {False: "wye", True: "delta"}
    connection = f"{words[primary.between_phases]}_{words[secondary.between_phases or closed_delta]}"
    return _sides(primary, secondary.phases) | {"to_node": secondary.node, "connection": connection}


def _sides(primary: Winding, to_phases: str) -> Row:
    return {"from_phases": primary.phases, "to_phases": to_phases}


def _windings(circuit: Circuit, unit: Element, letters: Letters) -> list[Winding]:
    delta = [connection.lower() in ("delta", "ll") for connection in _listed(unit, "conns")]
    found = []
    for number, (terminal, is_delta) in enumerate(zip(unit.terminals, delta, strict=True)):
        if unit.phases == 1:
            phases = letters_at(terminal, letters, 2)
            between = len(phases) > 1
        else:
            phases = letters_at(terminal, letters, 3 if is_delta else unit.phases)
            between = is_delta or (number == 0 and any(delta) and not _earthed(circuit, terminal, unit))
        found.append(Winding(_node(circuit, unit, number), phases, between))
    return found


def _earthed(circuit: Circuit, terminal: Terminal, unit: Element) -> bool:
    """Return whether the neutral of a wye winding is earthed, directly or through a reactor."""
    neutral = terminal.nodes[unit.phases]
    through = {
        node
        for reactor in circuit.elements["Reactor"]
        if reactor.enabled and reactor.terminals[0].bus == terminal.bus and EARTH in reactor.terminals[-1].nodes
        for node in reactor.terminals[0].nodes
    }
    return neutral == EARTH or neutral in through


def _node(circuit: Circuit, unit: Element, number: int) -> str:
    """Return the node at which a winding ends: its bus, or a node of its own behind a switch."""
    terminal = unit.terminals[number]
    switched = circuit.control_at(unit, number) is not None or any(terminal.open)
    return f"{unit.id}.{number + 1}" if switched else terminal.bus


def _listed(unit: Element, name: str) -> list[str]:
    """Return the parts of a property such as "[wye, delta, ]"."""
    return [part for part in unit.properties[name].strip("[]() ").replace(",", " ").split() if part]
