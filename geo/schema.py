"""The tables and columns of a network, said once: names, units, keys, defaults.

These names are a public contract. A network is one set of tables, either as layers of one GeoPackage or as
``<table>.csv``, ``<table>.geojson`` or ``<table>.parquet`` in one folder::

    sources ──node──┐                                    places ──parent_id──┐
                    ▼                                       ▲  ▲─────────────┘
    lines, switches, transformers  (from_node ── to_node)   │place_id
                    ▲                                       │
    customers ──node┘───────────────────────────────────────┘
    service_areas ──transformer_id── transformers           nodes (optional: where a node is)

The page ``docs/data-model.md`` is generated from this module.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

Kind = Literal["id", "reference", "text", "choice", "phases", "number"]

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
"""The dtype of every column that is not a number or a geometry; an absent value is NaN."""

CRS = "EPSG:4326"
"""The CRS of every coordinate in checked tables: longitude and latitude in degrees, WGS 84."""

PHASE_LETTERS = "ABC12"
"""A, B, C in three-phase networks; 1 and 2 are the legs behind a centre-tapped transformer."""

SWITCH_KINDS = ("breaker", "recloser", "fuse", "load_break", "disconnector", "switch")
PROTECTIVE_KINDS = ("breaker", "recloser", "fuse")
CONNECTIONS = ("wye_wye", "delta_wye", "wye_delta", "delta_delta", "centre_tapped")
PLACE_KINDS = ("county", "town", "community", "street", "estate", "building")
PRIORITIES = ("none", "important", "life_support")
DEVICE_TABLES = ("lines", "switches", "transformers")


@dataclass(frozen=True)
class Column:
    """One column: what it holds, and what stands in its place where it is absent.

    ``default`` is the value taken for an absent column or an empty cell; ``None`` means that the value stays absent and
    ``absent`` says how that is understood.
    """

    name: str
    kind: Kind
    says: str
    required: bool = False
    default: str | float | None = None
    absent: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table: its columns in order and, where it has one, the geometry types that are accepted."""

    name: str
    says: str
    columns: tuple[Column, ...]
    required: bool = False
    geometry: tuple[str, ...] = ()
    geometry_required: bool = False

    def column(self, name: str) -> Column:
        """Return the column called ``name``; raises KeyError with the names there are."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name!r} (it has {', '.join(c.name for c in self.columns)})")


def _id(says: str) -> Column:
    return Column("id", "id", says, required=True)


def _node(name: str, says: str) -> Column:
    return Column(name, "reference", says, required=True, refers=("nodes",))


_FEEDER = Column("feeder", "text", "Feeder (10 kV line) that the device belongs to, as people call it.", absent="not known")
_NAME = Column("name", "text", "Name as people call it.", absent="the id is shown")
_TO_PHASES = Column(
    "to_phases",
    "phases",
    "Phases at the to end: the k-th letter is joined to the k-th of phases.",
    absent="the same letters as phases",
)
_PHASES = Column("phases", "phases", "Phases of the device.", default="ABC")
_X = Column("x", "number", "Longitude, or easting in the CRS of the input.", absent="no place on the map", unit="degree")
_Y = Column("y", "number", "Latitude, or northing in the CRS of the input.", absent="no place on the map", unit="degree")

_TABLES = (
    Table(
        "sources",
        "Points where the network is fed from above; what they feed is supplied.",
        (
            _id("Id of the source."),
            _node("node", "Node that is fed."),
            Column("phases", "phases", "Phases that are fed.", default="ABC"),
            _NAME,
            _X,
            _Y,
        ),
        required=True,
    ),
    Table(
        "lines",
        "Overhead lines and cables between two nodes. A line can be taken out of service at both ends.",
        (
            _id("Id, unique over lines, switches and transformers."),
            _node("from_node", "Node at one end."),
            _node("to_node", "Node at the other end."),
            _PHASES,
            _TO_PHASES,
            Column("length_m", "number", "Length.", absent="not known", unit="m"),
            Column("voltage_kv", "number", "Nominal voltage between phases.", absent="not known", unit="kV"),
            _FEEDER,
            _NAME,
        ),
        geometry=("LineString", "MultiLineString"),
    ),
    Table(
        "switches",
        "Everything that opens and closes: breakers, reclosers, fuses, load-break switches, disconnectors. "
        "One that is normally open is a tie.",
        (
            _id("Id, unique over lines, switches and transformers."),
            Column(
                "kind",
                "choice",
                "What it is; breaker, recloser and fuse clear a fault by themselves.",
                required=True,
                choices=SWITCH_KINDS,
            ),
            _node("from_node", "Node at one end."),
            _node("to_node", "Node at the other end."),
            _PHASES,
            _TO_PHASES,
            Column("normal_state", "choice", "State in normal operation.", required=True, choices=("open", "closed")),
            Column("capacity_kw", "number", "Load that it can take over as a tie.", absent="no limit", unit="kW"),
            _FEEDER,
            _NAME,
        ),
        geometry=("Point", "LineString"),
    ),
    Table(
        "transformers",
        "Transformers, voltage regulators included. One row is one unit; the units of a bank share its name.",
        (
            _id("Id, unique over lines, switches and transformers."),
            _node("from_node", "Node of the primary winding."),
            _node("to_node", "Node of the secondary winding."),
            Column("from_phases", "phases", "Phases of the primary winding.", default="ABC"),
            Column("to_phases", "phases", "Phases of the secondary winding.", absent="the same letters as from_phases"),
            Column("connection", "choice", "How the windings are connected.", default="wye_wye", choices=CONNECTIONS),
            Column(
                "ownership",
                "choice",
                "public (公变) serves many customers; dedicated (专变) belongs to one.",
                required=True,
                choices=("public", "dedicated"),
            ),
            Column("kva", "number", "Rated power.", absent="not known", unit="kVA"),
            Column("bank", "text", "Name of the bank that the unit is part of.", absent="a bank of its own"),
            _FEEDER,
            _NAME,
        ),
        geometry=("Point", "LineString"),
    ),
    Table(
        "customers",
        "Service points: who is supplied, at which node.",
        (
            _id("Id of the customer (service point)."),
            _node("node", "Node that supplies the customer."),
            Column("phases", "phases", "Phases that supply the customer.", absent="every phase that its node has"),
            Column(
                "account",
                "text",
                "Who holds the service point; two service points of one account are its two feeds.",
                absent="a single feed",
            ),
            Column(
                "category", "text", "Tariff class or use: residential, commercial, industrial, agricultural, …", required=True
            ),
            Column(
                "priority",
                "choice",
                "important: hospitals, water works, …; life_support: a person depends on powered equipment.",
                default="none",
                choices=PRIORITIES,
            ),
            Column("load_kw", "number", "Typical load.", default=0.0, unit="kW"),
            Column(
                "place_id", "reference", "Smallest place that the customer is in.", absent="in no named place", refers=("places",)
            ),
            Column("street", "text", "Street of the address.", absent="not known"),
            Column("house_number", "text", "House number of the address.", absent="not known"),
            Column("building", "text", "Building, entrance or unit of the address.", absent="not known"),
            Column("name", "text", "Name of the customer. Personal data.", absent="not known"),
            Column("phone", "text", "Telephone number. Personal data.", absent="not known"),
            Column("email", "text", "E-mail address. Personal data.", absent="not known"),
            Column(
                "language", "text", "Language of notices, as a BCP 47 tag (zh-CN, en).", absent="the utility's first language"
            ),
            _X,
            _Y,
        ),
        required=True,
    ),
    Table(
        "service_areas",
        "The area that each public transformer supplies. Areas do not overlap.",
        (Column("transformer_id", "reference", "The transformer.", required=True, refers=("transformers",)),),
        geometry=("Polygon", "MultiPolygon"),
        geometry_required=True,
    ),
    Table(
        "places",
        "The tree of places: county, town, community, street or estate, building.",
        (
            _id("Id of the place."),
            Column("parent_id", "reference", "Place that this one is in.", absent="top of the tree", refers=("places",)),
            Column("kind", "choice", "What it is.", required=True, choices=PLACE_KINDS),
            Column("name", "text", "Name in the first language of the area.", required=True),
            Column("name_en", "text", "Name in English.", absent="the name is used"),
        ),
        geometry=("Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
    ),
    Table(
        "nodes",
        "Where nodes are. Optional: a node exists as soon as a device or a source names it.",
        (_id("Id of the node."), _X, _Y),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}


@dataclass(frozen=True)
class GridTables:
    """Checked tables: every column of the schema present, defaults filled in, references whole, coordinates in `CRS`.

    Text columns have dtype `TEXT`, numbers float64 (NaN where absent). Tables with a geometry are GeoDataFrames in `CRS`,
    with None where a row has no geometry; the others are plain DataFrames. Rows keep the order of the input. Treat as
    immutable: everything else is derived from it.
    """

    sources: pd.DataFrame
    lines: gpd.GeoDataFrame
    switches: gpd.GeoDataFrame
    transformers: gpd.GeoDataFrame
    customers: pd.DataFrame
    service_areas: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    nodes: pd.DataFrame

    def items(self) -> list[tuple[str, pd.DataFrame]]:
        """Return (name, table) pairs in the order of the schema."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


@dataclass(frozen=True)
class Problem:
    """Rows of one table that break one rule.

    Parameters
    ----------
    table, column
        Where; ``column`` is "" when the rule is about the whole table or file.
    rule
        What is broken, as a sentence without its subject: "refers to no node".
    ids
        The rows, by id (by row number, as "row 7", where there is no usable id).
    fix
        What to do about it, as a sentence.
    severity
        ``fatal``: the network was refused. ``error``: rows were set aside, or cells were emptied or replaced; ``fix`` says
        which. ``warning``: everything was kept as it is.
    """

    table: str
    column: str
    rule: str
    ids: tuple[str, ...]
    fix: str
    severity: Literal["fatal", "error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.table}.{self.column}" if self.column else self.table
        if not self.ids:
            return f"{where}: {self.rule}. {self.fix}"
        shown = ", ".join(self.ids[:5]) + (", …" if len(self.ids) > 5 else "")
        rows = "1 row" if len(self.ids) == 1 else f"{len(self.ids)} rows"
        return f"{where}: {self.rule} for {rows} ({shown}). {self.fix}"


def conform(table: str, rows: dict[str, Any] | pd.DataFrame) -> pd.DataFrame:
    """Return ``rows`` with exactly the columns of ``table``, in order, dtypes and defaults as `GridTables` promises.

    For code that makes tables itself (generator, importers, text networks). It fills in and casts; it does not check:
    `geo.validate.validate` does.

    >>> conform("sources", {"id": ["S"], "node": ["n0"]}).loc[0, "phases"]
    'ABC'
    """
    spec = TABLES[table]
    given = pd.DataFrame(rows)
    columns: dict[str, Any] = {}
    for column in spec.columns:
        dtype = np.dtype("float64") if column.kind == "number" else TEXT
        if column.name in given.columns:
            values = given[column.name].astype(dtype)
        else:
            values = pd.Series(np.nan, index=given.index, dtype=dtype)
        columns[column.name] = values if column.default is None else values.fillna(column.default)
    frame = pd.DataFrame(columns, index=given.index).reset_index(drop=True)
    if spec.geometry:
        geometry = given["geometry"].to_numpy() if "geometry" in given.columns else np.full(len(frame), None, dtype=object)
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(geometry, crs=CRS, index=frame.index), crs=CRS)
    return frame
