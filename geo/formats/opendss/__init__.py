"""An OpenDSS circuit → our tables.

OpenDSS (https://www.epri.com/pages/sa/opendss) describes a circuit as commands in files that redirect to each other; it is
read by OpenDSS itself, through OpenDSSDirect.py (the extra ``opendss``). Ids are class and name as OpenDSS gives them, the
name in lower case: ``Line.l115``, ``Transformer.reg1a``, ``Load.s1a``. Nodes are buses, under their names in lower case.

What is read as what:

- voltage sources are sources; generators, storage and solar systems are left out, since a network that lost its source is
  not kept alive by them
- lines, and reactors and capacitors between two buses, are lines or switches: `geo.formats.opendss.parts`
- transformers, regulators and autotransformers: `geo.formats.opendss.units`
- nodes 1, 2, 3 are the phases A, B, C, or the legs 1 and 2 behind a centre-tapped transformer: `geo.formats.opendss.phases`
- one load is one customer, on every phase that it touches. One between phases A and B has both, and with one of them lost it is
  partly supplied: what is left across it, from nothing to 0.58, hangs on the other loads there. Its category is what the name
  of its load shape says
- feeders are numbered in the order in which lines leave the sources' busbars (`geo.formats.normal_state.feeder_of_nodes`)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from geo.crs import to_wgs84
from geo.formats.assemble import assemble
from geo.formats.normal_state import busbar_nodes, feeder_of_nodes
from geo.formats.opendss.circuit import Circuit, open_circuit
from geo.formats.opendss.left_out import left_out
from geo.formats.opendss.parts import customers, lines, sources, switches
from geo.formats.opendss.phases import letters_of_buses
from geo.formats.opendss.units import terminal_switches, transformers
from geo.raw import RawTables
from geo.schema import GridTables, Problem

WIDEST_DEGREES = 5.0
"""Coordinates that are further apart are no longitudes and latitudes of one circuit, but a drawing or a projection."""


def read_opendss(path: Path | str, *, crs: str | None = None) -> GridTables:
    """Return the tables of the circuit whose master file is at ``path``.

    Parameters
    ----------
    path
        The file that OpenDSS is to compile, such as ``Master.dss``. Every command in it is run.
    crs
        CRS of the bus coordinates, such as ``EPSG:32612``; OpenDSS does not know it. Without it they are taken where they can
        be longitude and latitude, and left out otherwise.

    Raises SourceError where the package OpenDSSDirect.py is absent, there is no such file, or OpenDSS cannot read it; CrsError
    where nobody knows ``crs``. What could not be read is in the problems of `raw_opendss`.
    """
    return _read(path, crs)[0]


def raw_opendss(path: Path | str, *, crs: str | None = None) -> RawTables:
    """Return the same tables, with what there is to say about what was left out of them."""
    tables, problems = _read(path, crs)
    return RawTables(dict(tables.items()), problems=tuple(problems), origin=f"opendss:{path}")


def _read(path: Path | str, crs: str | None) -> tuple[GridTables, list[Problem]]:
    circuit = open_circuit(Path(path))
    letters = letters_of_buses(circuit)
    frames = {
        "sources": sources(circuit, letters),
        "lines": lines(circuit, letters),
        "switches": pd.concat([switches(circuit, letters), terminal_switches(circuit, letters)], ignore_index=True),
        "transformers": transformers(circuit, letters),
        "customers": customers(circuit, letters),
    }
    places, unplaced = _places(circuit, crs)
    feeder = feeder_of_nodes(frames, busbar_nodes(frames))
    return assemble(frames, feeder=feeder, places=places), [*left_out(circuit, letters), *unplaced]


def _places(circuit: Circuit, crs: str | None) -> tuple[pd.DataFrame, list[Problem]]:
    """Return longitude and latitude of the buses that have coordinates, and what is wrong with these."""
    known = circuit.buses[["x", "y"]].dropna()
    if crs is None and not _geographic(known):
        rule = "has coordinates that are no longitudes and latitudes, and were not read"
        fix = "Name the CRS that they are in, if they are more than a drawing."
        return known.iloc[:0], [Problem("nodes", "x", rule, (), fix, "warning")]
    x, y = to_wgs84(known["x"], known["y"], crs or "EPSG:4326")
    placed = pd.DataFrame({"x": x, "y": y}, index=known.index)
    return placed.replace([np.inf, -np.inf], np.nan).dropna(), []


def _geographic(known: pd.DataFrame) -> bool:
    """Return whether coordinates can be longitude and latitude of one circuit; true where there are none."""
    within = known["x"].between(-180, 180) & known["y"].between(-90, 90)
    apart = known.max() - known.min()
    return bool(within.all() and not (apart > WIDEST_DEGREES).any())
