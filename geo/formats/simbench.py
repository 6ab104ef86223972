"""SimBench's published networks → our tables.

SimBench (https://simbench.de) gives a network as CSV tables: nodes, lines, transformers, loads, external networks, and
switches, each between a node and an auxiliary node at which one line or transformer ends::

    MV3.101 Bus 11 ──MV3.101 Switch 13── MV3.101 Bus 11_2 ──MV3.101 Line 1── MV3.101 busbar1A_1

All of them are kept as they are given, under the ids that SimBench gives them, which are unique over the whole dataset. The
rows that make up one network are chosen by the simbench package.

What is read as what:

- external networks, and power plants that hold the voltage (``vavm``), are sources; renewable generators and other power
  plants are left out, since a network that lost its source is not kept alive by them
- one load is one customer, its peak power in kW; the letters of its load profile give its category
- switches: CB is a breaker, LBS a load-break switch, DS a disconnector, LS a switch, fuse a fuse
- the vector group in the name of a transformer's type gives its connection: Dyn5 is delta-wye
- a feeder bears the number that SimBench gives to its medium-voltage lines, or else a number in the order of the lines table
  (`geo.formats.normal_state.feeder_of_nodes`); low-voltage devices are on the feeder of their transformer; busbars, and the
  cables between them, are on none
"""

from __future__ import annotations

import difflib
from typing import Any

import pandas as pd

from geo.formats.assemble import assemble
from geo.formats.normal_state import busbar_nodes, feeder_of_nodes
from geo.formats.winding import connection_of
from geo.raw import SourceError
from geo.schema import GridTables

Csv = dict[str, pd.DataFrame]
"""SimBench's tables by name, as read from its CSV files."""

SWITCH_KINDS = {"CB": "breaker", "LBS": "load_break", "DS": "disconnector", "LS": "switch", "fuse": "fuse"}

# The beginning of a profile's name says who draws the power; the first that fits is taken.
CATEGORIES = {
    "HLS": "ev_charging",
    "APLS": "ev_charging",
    "Air_": "heat_pump",
    "Soil_": "heat_pump",
    "HS": "aggregated",  # a substation, with all that it supplies
    "hv_": "aggregated",
    "mv_": "aggregated",
    "lv_": "aggregated",
    "H": "residential",
    "G": "commercial",
    "L": "agricultural",
    "BL": "industrial",
    "WB": "industrial",
}


def read_simbench(code: str) -> GridTables:
    """Return the network that a SimBench code names, for instance ``1-MVLV-urban-all-0-sw``.

    Coordinates are those that SimBench publishes; they are a drawing more than a survey, in which low-voltage lines come out
    about three times as long as their ``length_m``. Raises SourceError where the package simbench is absent, the code is
    unknown, or it asks for a network without its switches.
    """
    csv = _csv_tables(code)
    frames = {
        "sources": _sources(csv),
        "lines": _lines(csv),
        "switches": _switches(csv["Switch"]),
        "transformers": _transformers(csv),
        "customers": _customers(csv["Load"]),
    }
    nodes = csv["Node"]
    busbars = busbar_nodes(frames) | set(nodes.loc[nodes["substation"].notna(), "id"])
    named = _feeder_names(csv["Line"]["subnet"])
    feeder = feeder_of_nodes(frames, busbars, named=named if named.notna().any() else None)
    return assemble(frames, feeder=feeder, places=_places(nodes, csv["Coordinates"]))


def _csv_tables(code: str) -> Csv:
    """Return SimBench's tables, cut down to the network that ``code`` names, with rows numbered from 0."""
    try:
        import simbench  # noqa: PLC0415 - an extra of several hundred MB, wanted only here
    except ImportError as error:
        raise SourceError(
            f"simbench:{code} needs the package simbench, which is not installed.",
            f"Python said: {error}.",
            'Run `make test` in a checkout, or `pip install "gridnotice[simbench]"`.',
        ) from error
    _check_code(code, simbench.collect_all_simbench_codes())
    _, parameters = simbench.get_simbench_code_and_parameters(code)
    folder = simbench.complete_data_path(parameters[5])
    csv: Csv = simbench.get_extracted_csv_data(simbench.get_relevant_subnets(parameters, folder), folder)
    return {name: table.reset_index(drop=True) for name, table in csv.items()}


def _check_code(code: str, known: list[str]) -> None:
    if code not in known:
        near = ", ".join(difflib.get_close_matches(code, known, n=3, cutoff=0))
        raise SourceError(
            "SimBench has no such network.", f"Given: {code!r}.", f"The nearest of its {len(known)} codes are {near}."
        )
    if code.endswith("-no_sw"):
        raise SourceError(
            "A SimBench network without its switches cannot be read: nothing could be opened in it.",
            f"Given: {code!r}.",
            f"Take {code.removesuffix('-no_sw')}-sw.",
        )


def _sources(csv: Csv) -> pd.DataFrame:
    holding = [table[table["calc_type"] == "vavm"] for table in (csv["ExternalNet"], csv["PowerPlant"])]
    return pd.concat([table[["id", "node"]] for table in holding if len(table)], ignore_index=True)


def _lines(csv: Csv) -> pd.DataFrame:
    lines = csv["Line"]
    voltage = csv["Node"].set_index("id")["vmR"]
    return pd.DataFrame(
        {
            "id": lines["id"],
            "from_node": lines["nodeA"],
            "to_node": lines["nodeB"],
            "length_m": lines["length"] * 1000,
            "voltage_kv": lines["nodeA"].map(voltage),
        }
    )


def _switches(switches: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": switches["id"],
            "kind": switches["type"].map(SWITCH_KINDS).fillna("switch"),
            "from_node": switches["nodeA"],
            "to_node": switches["nodeB"],
            "normal_state": switches["cond"].map({1: "closed", 0: "open"}),
        }
    )


def _transformers(csv: Csv) -> pd.DataFrame:
    units = csv["Transformer"]
    rated_mva = csv["TransformerType"].set_index("id")["sR"]
    return pd.DataFrame(
        {
            "id": units["id"],
            "from_node": units["nodeHV"],
            "to_node": units["nodeLV"],
            "connection": units["type"].map(connection_of),
            "kva": units["type"].map(rated_mva) * 1000,
        }
    )


def _customers(loads: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": loads["id"],
            "node": loads["node"],
            "category": loads["profile"].map(category_of),
            "load_kw": loads["pLoad"] * 1000,
        }
    )


def category_of(profile: str) -> str:
    """Return the category of a customer with this load profile; the profile itself where it is of no known family.

    >>> category_of("H0-B"), category_of("G3-A"), category_of("lv_urban6")
    ('residential', 'commercial', 'aggregated')
    """
    return next((category for start, category in CATEGORIES.items() if profile.startswith(start)), profile)


def _feeder_names(subnet: pd.Series[Any]) -> pd.Series[Any]:
    """Return "Feeder 7" for "MV3.101_Feeder7", NaN for other parts; with the grid's name where there are several grids."""
    parts = subnet.str.extract(r"^(?P<grid>.+)_Feeder(?P<number>\d+)$")
    grid = parts["grid"] + " " if parts["grid"].nunique() > 1 else ""
    names: pd.Series[Any] = grid + "Feeder " + parts["number"]
    return names


def _places(nodes: pd.DataFrame, coordinates: pd.DataFrame) -> pd.DataFrame:
    """Return longitude and latitude by node id."""
    known = coordinates.set_index("id")[["x", "y"]]
    return known.reindex(nodes["coordID"]).set_axis(nodes["id"].to_numpy(dtype=object), axis="index")
