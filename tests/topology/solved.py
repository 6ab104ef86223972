"""Who has a voltage, by OpenDSS, which solves the circuit and knows nothing of our tracing.

A load has no voltage when at each phase that it touches less than 0.4 of the healthy voltage to earth is left. Loads draw as
constant impedances, so that a solution exists for islands too; what a network lives on besides its sources is out of service.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import opendssdirect

from geo.formats.opendss import read_opendss
from outages.batch import answer_lines
from topology.network import Network, build_network
from topology.transfer import letters_of

THRESHOLD = 0.4
CIRCUITS = Path(__file__).parent / "circuits"

Opening = tuple[str, str]
"""A device and its phases that open, "" for all."""

_NODE = {"A": 1, "B": 2, "C": 3, "1": 1, "2": 2}
_PREPARED = """
set mode=snapshot
set controlmode=off
set loadmodel=admittance
batchedit load..* model=2 vminpu=0 status=fixed
batchedit generator..* enabled=no
batchedit storage..* enabled=no
batchedit pvsystem..* enabled=no
batchedit regcontrol..* enabled=no
"""


@dataclass(frozen=True)
class Solved:
    """A circuit in its engine; each load with the numbers of its nodes, and its voltages when nothing is open."""

    engine: Any
    nodes: dict[str, list[int]]
    windings: dict[str, list[tuple[int, int]]]
    healthy: np.ndarray

    def without_voltage(self, *opened: Opening) -> set[str]:
        """The loads that have none when the devices are open, measured from each of their phases to earth."""
        volts = np.abs(self._volts(opened))
        healthy = np.abs(self.healthy)
        return {load for load, at in self.nodes.items() if (volts[at] < THRESHOLD * healthy[at]).all()}

    def without_voltage_across(self, *opened: Opening) -> set[str]:
        """The same, measured across the windings of each load."""
        volts = self._volts(opened)
        return {
            load
            for load, pairs in self.windings.items()
            if all(abs(volts[a] - volts[b]) < THRESHOLD * abs(self.healthy[a] - self.healthy[b]) for a, b in pairs)
        }

    def share(self, load: str, *opened: Opening) -> list[float]:
        """The share of its healthy voltage to earth that a load keeps at each of its phases."""
        at = self.nodes[load]
        return [round(float(share), 2) for share in np.abs(self._volts(opened)[at]) / np.abs(self.healthy[at])]

    def _volts(self, opened: Iterable[Opening]) -> np.ndarray:
        for device, phases in opened:
            _switch(self.engine, device, phases, close=False)
        volts = _solve(self.engine)
        for device, phases in opened:
            _switch(self.engine, device, phases, close=True)
        return volts


def solved(path: Path) -> Solved:
    """The circuit at ``path``, ready to be opened."""
    engine, here = opendssdirect.NewContext(), Path.cwd()
    engine.Text.Command(f'compile "{path}"')
    os.chdir(here)
    for command in _PREPARED.split("\n"):
        engine.Text.Command(command)
    healthy = _solve(engine)
    numbers = {name.lower(): number for number, name in enumerate(engine.Circuit.AllNodeNames(), start=1)}
    nodes, windings = {}, {}
    while engine.Loads.Next() if nodes else engine.Loads.First():
        element, bus = engine.CktElement, engine.CktElement.BusNames()[0].partition(".")[0].lower()
        at = [numbers[f"{bus}.{node}"] if node else 0 for node in element.NodeOrder()]
        nodes[element.Name()] = sorted(set(at) - {0})
        windings[element.Name()] = _windings(at, element.NumPhases(), engine.Loads.IsDelta())
    return Solved(engine, nodes, windings, healthy)


def _windings(at: list[int], phases: int, is_delta: bool) -> list[tuple[int, int]]:
    if not is_delta:
        return [(node, at[phases]) for node in at[:phases]]
    return [(at[0], at[1])] if phases == 1 else [(at[0], at[1]), (at[1], at[2]), (at[2], at[0])]


def _solve(engine: Any) -> np.ndarray:
    engine.Solution.Solve()
    assert engine.Solution.Converged()
    volts = np.asarray(engine.Circuit.AllBusVolts(), dtype=float)
    return np.concatenate([[0], volts[::2] + 1j * volts[1::2]])  # number 0 is earth


def _switch(engine: Any, device: str, phases: str, *, close: bool) -> None:
    """Open or close conductors: a branch at both ends, a transformer at its primary side."""
    engine.Circuit.SetActiveElement(device)
    element = engine.CktElement
    assert element.Name().lower() == device.lower()
    conductors = element.NodeOrder()[: element.NumConductors()]
    chosen = [conductors.index(_NODE[letter]) + 1 for letter in phases] or range(1, element.NumConductors() + 1)
    for terminal in (1,) if device.startswith("Transformer") else (1, 2):
        for conductor in chosen:
            (element.Close if close else element.Open)(terminal, conductor)


def openings(network: Network, *, most: int = 1) -> Iterator[Opening]:
    """Every device that is closed in the normal state: whole, and each choice of up to ``most`` of its phases, if it has more."""
    for device, mask in zip(network.device_ids, network.normal.tolist(), strict=True):
        letters = letters_of(mask)
        if letters:
            yield device, ""
        if len(letters) > 1:
            yield from ((device, letter) for letter in letters)
        if len(letters) > 2 and most > 1:
            yield from ((device, letters.replace(letter, "")) for letter in letters)


def answers(network: Network, cases: Iterable[Opening]) -> list[set[str]]:
    """Who is out by our own tracing, case by case, as the batch interface answers."""
    lines = [json.dumps({"open": [[device, phases] if phases else device]}) for device, phases in cases]
    return [set(answer["out"]) for answer in answer_lines(network, lines)]


@dataclass(frozen=True)
class Comparison:
    """How many openings were compared, and where the answers differ: who is out by one of the two only."""

    cases: int
    differs: dict[Opening, set[str]]


def compare(path: Path, *, most: int = 1, only: tuple[str, ...] = (), across: bool = False) -> Comparison:
    """Open every device of the circuit at ``path``, or those named ``only``, and compare our answers with the solved voltages."""
    network, circuit = build_network(read_opendss(path)), solved(path)
    measure = circuit.without_voltage_across if across else circuit.without_voltage
    cases = [case for case in openings(network, most=most) if case[0] in only or not only]
    ours = answers(network, cases)
    differs = {case: out ^ measure(case) for case, out in zip(cases, ours, strict=True)}
    return Comparison(len(cases), {case: loads for case, loads in differs.items() if loads})
