"""Published networks that several tests look at, each loaded once. Nobody changes what they return."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import simbench
from numpy.typing import NDArray
from pandapower import networks

from geo.formats.pandapower import read_pandapower
from geo.formats.simbench import read_simbench
from geo.schema import GridTables
from topology.network import build_network

URBAN = "1-MVLV-urban-all-0-sw"


@cache
def urban_tables() -> GridTables:
    return read_simbench(URBAN)


@cache
def urban_csv() -> dict[str, pd.DataFrame]:
    """SimBench's own CSV files of the whole dataset, uncut; only the tables that say where the rows of a network come from."""
    folder = simbench.complete_data_path("0")
    return {name: pd.read_csv(f"{folder}/{name}.csv", sep=";") for name in ("Node", "Line", "Switch", "Load", "Coordinates")}


@cache
def urban_net() -> Any:
    """The same network, as simbench itself makes it for pandapower."""
    return simbench.get_simbench_net(URBAN)


@cache
def published_tables(name: str) -> GridTables:
    return read_pandapower(name)


@cache
def published_net(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandapower warns about the files that it keeps its own networks in
        return getattr(networks, name)()


def live_phases(tables: GridTables) -> NDArray[np.uint8]:
    """Return the mask of the phases that each customer is supplied with in the normal state; 0b111 for A, B and C."""
    return build_network(tables).supplied_phases
