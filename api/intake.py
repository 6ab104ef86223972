"""A network comes in: read, checked, joined up, and completed with the service areas that it lacks.

::

    FOLDER, NET.gpkg, simbench:CODE, … ──read──▶ raw ──validate──▶ tables ──build──▶ Network ──check_supply──▶ problems
                                                                                        └── derive areas where there are none
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from geo.areas import derive_areas
from geo.raw import RawTables
from geo.read import read_tables
from geo.schema import CRS, Problem
from geo.validate import LIMIT, validate
from topology.check import check_supply
from topology.network import Network, build_network


@dataclass(frozen=True, eq=False)
class Intake:
    """What came of a source: the network (None where it was refused), what is wrong with it, and the rows set aside."""

    source: str
    network: Network | None
    problems: tuple[Problem, ...]
    quarantined: dict[str, pd.DataFrame]

    def count(self, severity: str) -> int:
        """Return how many problems have this severity."""
        return sum(problem.severity == severity for problem in self.problems)


class NetworkRefusedError(RuntimeError):
    """The network has too many errors to work with; `intake` holds all of them."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        shown = [f"  {problem}" for problem in intake.problems if problem.severity != "warning"][:10]
        what = f"The network {intake.source} was refused. Correct it, then try again; `gridnotice check` lists everything."
        super().__init__("\n".join([what, *shown]))


def take_in(source: str, *, crs: str | None = None, limit: float = LIMIT) -> Intake:
    """Return what came of ``source``: a path, ``postgresql://…``, ``simbench:CODE``, ``pandapower:NAME``, ``opendss:FILE``, …

    Parameters
    ----------
    crs
        CRS of coordinates that do not say theirs, as in a CSV; without it longitude and latitude.
    limit
        Share of broken rows of one table above which the network is refused.

    Raises SourceError where there is nothing to check.
    """
    raw = _read(source, crs)
    return check_in(raw, raw.origin if "://" in source else source, limit=limit)  # an address may hold a password


def check_in(raw: RawTables, source: str, *, limit: float = LIMIT) -> Intake:
    """Return what came of tables that are read already, from ``source``; otherwise as `take_in`."""
    checked = validate(raw, limit=limit)
    if checked.tables is None:
        return Intake(source, None, checked.problems, checked.quarantined)
    network = build_network(checked.tables)
    if not len(checked.tables.service_areas):
        network = with_areas(network)
    return Intake(source, network, (*checked.problems, *check_supply(network)), checked.quarantined)


def load_network(source: str) -> Network:
    """Return the network in ``source``; raises SourceError and NetworkRefusedError."""
    intake = take_in(source)
    if intake.network is None:
        raise NetworkRefusedError(intake)
    return intake.network


def with_areas(network: Network) -> Network:
    """Return the network with service areas derived from its customers; the same network where they have no coordinates."""
    areas = derive_areas(network.tables, network.transformer_of_customer)
    return build_network(replace(network.tables, service_areas=areas)) if len(areas) else network


def _read(source: str, crs: str | None) -> RawTables:
    """Return the raw tables of ``source``; the readers of foreign models are loaded when they are asked for."""
    kind, _, name = source.partition(":")
    match kind:
        case "simbench":
            from geo.formats.simbench import read_simbench

            return RawTables(dict(read_simbench(name).items()), origin=source)
        case "pandapower":
            from geo.formats.pandapower import read_pandapower

            return RawTables(dict(read_pandapower(name).items()), origin=source)
        case "opendss":
            from geo.formats.opendss import raw_opendss

            return raw_opendss(name, crs=crs)
        case "lines":
            from geo.formats.lines import read_lines

            return read_lines(name, crs=crs).raw
    return read_tables(source, crs=crs or CRS)
