"""What OpenDSS holds once it has read a circuit, as plain values: elements, the nodes they end at, and what is open.

OpenDSS writes the end of an element as a bus and its nodes; nodes that are not written are the first ones, and earth::

    Line.l7    phases=1  bus1=8.2        →  Terminal("8", (2,))
    Load.s35a  phases=1  bus1=35.1.2     →  Terminal("35", (1, 2))
    Load.s1a   phases=1  bus1=1.1        →  Terminal("1", (1, 0))       a load has one conductor more than phases
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from geo.raw import SourceError

EARTH = 0

CLASSES: dict[str, tuple[str, ...]] = {
    "Vsource": (),
    "Line": ("switch", "length", "units"),
    "Reactor": (),
    "Capacitor": (),
    "Transformer": ("conns", "kvas", "bank"),
    "AutoTrans": ("conns", "kvas", "bank"),
    "Load": ("kw", "yearly", "daily"),
}
"""The classes of elements that are read, and those of their properties that are."""

CONTROLS = {"Fuse": "fuse", "Recloser": "recloser", "Relay": "breaker", "SwtControl": "switch"}
"""What makes a switch of the element that it stands at, and of which kind; the first one counts."""


@dataclass(frozen=True)
class Terminal:
    """One end of an element.

    Parameters
    ----------
    bus
        Name of the bus.
    nodes
        The node of the bus at which each conductor ends; 0 is earth.
    open
        Whether each conductor is open here; as long as ``nodes``.
    """

    bus: str
    nodes: tuple[int, ...]
    open: tuple[bool, ...]


@dataclass(frozen=True)
class Element:
    """One element; ``id`` is its class and name, ``properties`` are texts as OpenDSS writes them."""

    id: str
    phases: int
    enabled: bool
    terminals: tuple[Terminal, ...]
    properties: dict[str, str]


@dataclass(frozen=True)
class Control:
    """A fuse, relay, recloser or switch control: the element whose terminal (0 or 1) it opens, in lower case."""

    id: str
    kind: str
    element: str
    terminal: int


@dataclass(frozen=True)
class Circuit:
    """A circuit: elements by class, controls, and of each bus its voltage to earth in kV and its coordinates (NaN if unknown)."""

    elements: dict[str, list[Element]]
    controls: list[Control]
    buses: pd.DataFrame

    def control_at(self, element: Element, terminal: int) -> Control | None:
        """Return the control that opens an element at a terminal (0 or 1)."""
        return self._control_at.get((element.id.lower(), terminal))

    @cached_property
    def kv(self) -> dict[str, float]:
        """Voltage between phase and earth, by bus; NaN where no base was set."""
        return dict(zip(self.buses.index, self.buses["kv"].to_list(), strict=True))

    @cached_property
    def _control_at(self) -> dict[tuple[str, int], Control]:
        return {(control.element, control.terminal): control for control in reversed(self.controls)}


def open_circuit(path: Path) -> Circuit:
    """Return the circuit that the file at ``path`` and the files that it redirects to describe.

    OpenDSS runs every command in the file, in an engine of its own beside any other in this process.
    """
    try:
        import opendssdirect  # type: ignore[import-untyped] # noqa: PLC0415 - an extra, wanted only here
    except ImportError as error:
        raise SourceError(
            f"opendss:{path} needs the package OpenDSSDirect.py, which is not installed.",
            f"Python said: {error}.",
            'Run `make test` in a checkout, or `pip install "gridnotice[opendss]"`.',
        ) from error
    if not path.is_file():
        raise SourceError("There is no such file.", f"Given: {path}.", "Name the master file of the circuit, such as Master.dss.")
    engine = opendssdirect.NewContext()
    _compile(engine, path)
    return Circuit(
        {kind: _elements(engine, kind) for kind in CLASSES},
        [control for kind in CONTROLS for control in _controls(engine, kind)],
        _buses(engine),
    )


def _compile(engine: Any, path: Path) -> None:
    """Make ``engine`` read the file; the working directory, which OpenDSS changes to that of the file, stays as it was."""
    here = Path.cwd()
    engine.Basic.AllowEditor(False)
    try:
        engine.Text.Command(f'compile "{path.resolve()}"')
        engine.Text.Command("makebuslist")
    except Exception as error:  # its own class of exception, which cannot be named before it is imported
        raise SourceError(
            "OpenDSS cannot read the circuit.",
            f"Given: {path}; it said: {error}.",
            "Correct the file; OpenDSS itself must be able to compile it.",
        ) from error
    finally:
        os.chdir(here)


def _each(engine: Any, kind: str) -> Iterator[None]:
    """Make each element of a class the active one in turn, disabled ones too; elements of one name are all there."""
    engine.Circuit.SetActiveClass(kind)
    number = engine.ActiveClass.First()
    while number:
        yield
        number = engine.ActiveClass.Next()


def _elements(engine: Any, kind: str) -> list[Element]:
    return [_active_element(engine, CLASSES[kind]) for _ in _each(engine, kind)]


def _active_element(engine: Any, properties: tuple[str, ...]) -> Element:
    element = engine.CktElement
    phases, conductors = element.NumPhases(), element.NumConductors()
    ends = tuple(
        _terminal(spec, phases, [element.IsOpen(number, conductor) for conductor in range(1, conductors + 1)])
        for number, spec in enumerate(element.BusNames(), start=1)
    )
    texts = {word: str(engine.Properties.Value(word)) for word in properties}
    return Element(str(element.Name()), phases, bool(element.Enabled()), ends, texts)


def _terminal(spec: str, phases: int, is_open: list[bool]) -> Terminal:
    """Return the terminal that OpenDSS writes as ``spec``, such as "8.2" or "149"."""
    bus, *given = spec.split(".")
    default = [number if number <= phases else EARTH for number in range(1, len(is_open) + 1)]
    nodes = [int(node) for node in given[: len(default)]]
    return Terminal(bus, tuple(nodes + default[len(nodes) :]), tuple(is_open))


def _controls(engine: Any, kind: str) -> list[Control]:
    found = []
    for _ in _each(engine, kind):
        if engine.CktElement.Enabled():
            id_, terminal = str(engine.CktElement.Name()), int(engine.Properties.Value("switchedterm") or 1) - 1
            found.append(Control(id_, CONTROLS[kind], str(engine.Properties.Value("switchedobj")).lower(), terminal))
    return found


def _buses(engine: Any) -> pd.DataFrame:
    """Return columns kv, x and y by name of the bus."""
    rows: dict[str, list[Any]] = {"bus": [], "kv": [], "x": [], "y": []}
    for name in engine.Circuit.AllBusNames():
        engine.Circuit.SetActiveBus(name)
        known = bool(engine.Bus.Coorddefined())
        rows["bus"].append(str(name))
        rows["kv"].append(engine.Bus.kVBase() or float("nan"))
        rows["x"].append(engine.Bus.X() if known else float("nan"))
        rows["y"].append(engine.Bus.Y() if known else float("nan"))
    return pd.DataFrame(rows).set_index("bus")
