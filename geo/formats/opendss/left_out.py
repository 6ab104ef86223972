"""What of an OpenDSS circuit is not in our tables, as Problems with the next step."""

from __future__ import annotations

from geo.formats.opendss.circuit import Circuit
from geo.formats.opendss.parts import BRANCHES, letters_at
from geo.formats.opendss.phases import Letters
from geo.formats.opendss.units import units
from geo.schema import Problem


def left_out(circuit: Circuit, letters: Letters) -> list[Problem]:
    """Return a Problem for each kind of element that was not read, with the ids of those elements."""
    standing = "Correct the nodes in the circuit: phases are the nodes 1, 2 and 3."
    found = [
        Problem(
            "customers",
            "phases",
            "draws from no phase, and was not read",
            tuple(load.id for load in circuit.elements["Load"] if load.enabled and not letters_at(load.terminals[0], letters)),
            standing,
        ),
        Problem(
            "transformers",
            "from_phases",
            "has a winding on no phase, and was not read",
            tuple(unit.id for unit in units(circuit) if not all(letters_at(end, letters) for end in unit.terminals)),
            standing,
        ),
        Problem(
            "transformers",
            "id",
            "is disabled, and was not read",
            tuple(unit.id for kind in ("Transformer", "AutoTrans") for unit in circuit.elements[kind] if not unit.enabled),
            "Enable it behind an open switch if it can be put in service.",
            "warning",
        ),
        Problem(
            "switches",
            "kind",
            "stands at no line or transformer that was read, and was not read",
            _loose_controls(circuit),
            "Place it at the terminal of a line or transformer.",
            "warning",
        ),
    ]
    return [problem for problem in found if problem.ids]


def _loose_controls(circuit: Circuit) -> tuple[str, ...]:
    read = {element.id.lower() for kind in (*BRANCHES, "Transformer", "AutoTrans") for element in circuit.elements[kind]}
    return tuple(control.id for control in circuit.controls if control.element not in read)
