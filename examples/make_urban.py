"""Make the demo network ``urban.gpkg`` from SimBench's published network of a town.

Run as ``.venv/bin/python examples/make_urban.py --out urban.gpkg``. The same inputs and seed give the same content. What is
SimBench's and what is made up is said in ``README.md``.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rich.progress import Progress

from geo.areas import derive_areas
from geo.crs import metric_crs, project
from geo.formats.assemble import draw
from geo.formats.simbench import read_simbench
from geo.gazetteer import lay_places
from geo.schema import CRS, DEVICE_TABLES, TEXT, GridTables, conform
from geo.write import write_tables
from topology.network import build_network

CODE = "1-MVLV-urban-all-0-sw"
SEED = 20
DECIMALS = 6
"""Digits of a degree that positions keep: about ten centimetres."""

SPATIAL_INDEXES = """
    SELECT type, name FROM sqlite_schema
    WHERE (type = 'trigger' AND name LIKE 'rtree_%') OR (type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE "rtree_%')
"""
"""Finds what makes up the spatial indexes of a GeoPackage."""

DIRECTIONS = 24
"""Directions that are tried for each low-voltage network."""

Points = NDArray[np.float64]
"""Coordinates, shape (n, 2)."""

INSTITUTIONS = (
    ("医院", "Hospital", 1),
    ("自来水厂", "Water works", 1),
    ("污水处理厂", "Sewage works", 1),
    ("通信枢纽", "Telephone exchange", 1),
    ("消防站", "Fire station", 2),
    ("社区卫生服务中心", "Health centre", 4),
    ("养老院", "Care home", 4),
    ("中学", "Secondary school", 2),
    ("小学", "Primary school", 4),
)
"""Generic names, in Chinese and English, and how many there are; the first ones go to the largest customers."""

SIZES_KVA = (160, 250, 400, 630)
"""Sizes of transformer that SimBench uses in its low-voltage networks."""

POWER_FACTOR = 0.8
"""Of the customers with a transformer of their own: what their load in kW is of the size that they need."""

LIFE_SUPPORT = 20
"""Households in which somebody is said to depend on powered equipment."""


def make_urban(*, seed: int = SEED, progress: Callable[[str], None] = lambda _: None) -> GridTables:
    """Return the tables of the demo network; ``progress`` is told what is about to be done."""
    progress("reading SimBench")
    tables = read_simbench(CODE)
    progress("drawing low-voltage networks to scale")
    tables = draw_to_scale(tables)
    progress("giving medium-voltage customers a transformer")
    tables = name_feeders(add_dedicated_transformers(tables))
    progress("laying places and addresses")
    tables = lay_places(tables, seed=seed)
    progress("choosing priorities")
    tables = choose_priorities(tables, seed=seed)
    progress("deriving service areas")
    areas = derive_areas(tables, build_network(tables).transformer_of_customer)
    # Everything on the map carries its own place by now; a table of where its nodes are would say it twice.
    return replace(tables, service_areas=areas, nodes=tables.nodes.iloc[:0])


def draw_to_scale(tables: GridTables) -> GridTables:
    """Return the tables with each low-voltage network drawn around its transformer in the scale of its lines' lengths.

    SimBench draws these networks about three times too large and all of them southwards, so that neighbours cover each other.
    They are turned to where they cover others least.
    """
    network = build_network(tables)
    nodes = tables.nodes.set_index("id")
    local = metric_crs(nodes["x"], nodes["y"])
    nodes["x_m"], nodes["y_m"] = project(nodes["x"], nodes["y"], source=CRS, target=local)
    nodes["transformer"] = pd.Series(network.transformer_of_node, network.node_ids)
    scale = _scales(tables.lines[tables.lines["voltage_kv"] < 1], nodes)
    groups = {row: group[["x_m", "y_m"]].to_numpy() for row, group in nodes.groupby("transformer") if row in scale.index}
    centres = {row: nodes.loc[tables.transformers["to_node"].iloc[row], ["x_m", "y_m"]].to_numpy(dtype=float) for row in groups}
    drawn = _turned_apart([_around(groups[row], centres[row], scale[row]) for row in groups])
    for row, metres in zip(groups, drawn, strict=True):
        nodes.loc[nodes["transformer"] == row, ["x_m", "y_m"]] = metres
    nodes["x"], nodes["y"] = project(nodes["x_m"], nodes["y_m"], source=local, target=CRS)
    frames = {name: frame.drop(columns="geometry", errors="ignore") for name, frame in tables.items()}
    return draw(frames, nodes[["x", "y"]].round(DECIMALS))


def _scales(lines: pd.DataFrame, nodes: pd.DataFrame) -> pd.Series[float]:
    """Return how much too large the lines behind each transformer are drawn, as what is to be multiplied; by transformer row."""
    start, end = (nodes.loc[lines[end], ["x_m", "y_m"]].to_numpy() for end in ("from_node", "to_node"))
    drawn_m = pd.Series(np.linalg.norm(end - start, axis=1), lines.index)
    behind = lines["from_node"].map(nodes["transformer"])
    return lines["length_m"].groupby(behind).sum() / drawn_m.groupby(behind).sum()


def _around(points: Points, centre: Points, scale: float) -> list[Points]:
    """Return ``points`` scaled about ``centre``, in each of `DIRECTIONS` turns; the first is not turned."""
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    turns = np.stack([[np.cos(angles), np.sin(angles)], [-np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    return [centre + scale * (points - centre) @ turn for turn in turns]


def _turned_apart(choices: list[list[Points]]) -> list[Points]:
    """Return the one of each network's ``choices`` with which the hulls cover each other little; one by one, a few times over."""
    hulls = np.array([[shapely.MultiPoint(points).convex_hull for points in turned] for turned in choices])
    chosen = np.zeros(len(choices), dtype=int)
    for _ in range(4):
        for place, turned in enumerate(hulls):
            others = np.delete(hulls[np.arange(len(hulls)), chosen], place)
            covered_m2 = [shapely.area(shapely.intersection(hull, others)).sum() for hull in turned]
            chosen[place] = np.argmin(np.round(covered_m2))
    return [turned[choice] for turned, choice in zip(choices, chosen, strict=True)]


def name_feeders(tables: GridTables) -> GridTables:
    """Return the tables with feeders called F07 instead of "Feeder 7", which reads the same in every language."""
    renamed = {}
    for name in DEVICE_TABLES:
        frame = getattr(tables, name)
        number = frame["feeder"].str.extract(r"^Feeder (\d+)$", expand=False)
        renamed[name] = frame.assign(feeder=("F" + number.str.zfill(2)).astype(TEXT))
    return replace(tables, **renamed)


def add_dedicated_transformers(tables: GridTables) -> GridTables:
    """Return the tables with a transformer of its own for each customer at medium voltage, which SimBench leaves out.

    ::

        medium-voltage node ── customer   →   medium-voltage node ── "… Trafo (synthetic)" ── "… Bus (synthetic)" ── customer
    """
    network, customers, units = build_network(tables), tables.customers.copy(), tables.transformers
    feeding = network.transformer_of_node[[network.node(node) for node in units["from_node"]]]
    rows = np.flatnonzero(np.isin(network.transformer_of_customer, feeding[feeding >= 0]))
    own = customers.iloc[rows]
    feeder = network.feeder_of_node[network.customer_node[rows]]
    customers.loc[own.index, "node"] = own["id"] + " Bus (synthetic)"
    added = {
        "id": own["id"] + " Trafo (synthetic)",
        "from_node": own["node"],
        "to_node": customers["node"].iloc[rows],
        "connection": "delta_wye",
        "ownership": "dedicated",
        "kva": np.array(SIZES_KVA)[np.searchsorted(SIZES_KVA, own["load_kw"] / POWER_FACTOR)],
        "feeder": np.append(network.feeder_names, np.nan)[feeder],
        "geometry": shapely.points(own[["x", "y"]].to_numpy()),
    }
    more = conform("transformers", pd.DataFrame(added))
    return replace(tables, customers=customers, transformers=pd.concat([units, more], ignore_index=True))


def choose_priorities(tables: GridTables, *, seed: int) -> GridTables:
    """Return the tables with institutions among the customers that are no households, and with life-support households.

    Institutions get a generic name. Nobody else gets a name.
    """
    rng = np.random.default_rng(seed)
    customers = tables.customers.copy()
    households = customers["category"] == "residential"
    names = [_numbered(words, number, count) for *words, count in INSTITUTIONS for number in range(1, count + 1)]
    # The hundred largest that are in no block of flats, in an order that keeps the medium-voltage customers in front.
    largest = customers[~households & customers["building"].isna()].nlargest(100, "load_kw").index
    chosen = [*largest[:4], *rng.choice(largest[6:], size=len(names) - 4, replace=False)]
    customers.loc[chosen, "name"] = pd.Series(names, index=chosen, dtype=TEXT)
    customers.loc[chosen, "priority"] = "important"
    at_home = rng.choice(customers.index[households], size=LIFE_SUPPORT, replace=False)
    customers.loc[at_home, "priority"] = "life_support"
    return replace(tables, customers=customers)


def _numbered(words: list[str], number: int, count: int) -> str:
    chinese, english = words
    return f"{chinese} ({english})" if count == 1 else f"{chinese}{number} ({english} {number})"


def write_small(tables: GridTables, target: Path) -> None:
    """Write ``tables`` to a GeoPackage without spatial indexes, which would be a third of it; any GIS makes them anew."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".urban-") as folder:
        draft = Path(folder) / target.name
        write_tables(tables, draft)
        with closing(sqlite3.connect(draft, isolation_level=None)) as database:
            for kind, name in database.execute(SPATIAL_INDEXES).fetchall():
                database.execute(f'DROP {kind} "{name}"')
            database.execute("DELETE FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'")
            database.execute("VACUUM")
        draft.replace(target)


def main() -> None:
    """Write the demo network to the file given by ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("urban.gpkg"), help="GeoPackage to write")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of everything that is made up")
    asked = parser.parse_args()
    with Progress() as bar:
        task = bar.add_task("starting", total=7)
        tables = make_urban(seed=asked.seed, progress=lambda step: bar.update(task, description=step, advance=1))
        bar.update(task, description=f"writing {asked.out}")
        write_small(tables, asked.out)
        bar.update(task, completed=7)


if __name__ == "__main__":
    main()
