"""A small network in which nothing is wrong, as raw frames, for tests that break one thing of it.

::

    S ─ n0 ─Q0─ m0 ─L0─ n1 ─Q1─ m1 ─L1─ n2 … n25        25 switches, lines and transformers; 50 customers
                         └─T0─ t0 ─ C0, C1    └─T1─ t1 ─ C2, C3
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from hypothesis import strategies as st

from geo.raw import RawTables
from geo.schema import TABLES
from geo.validate import Checked

STEPS = range(25)
LON, LAT = 120.0, 30.0


def valid_frames() -> dict[str, pd.DataFrame]:
    """Return every table with every mandatory and some optional columns, all cells as a CSV file has them."""
    rows: dict[str, list[dict[str, str]]] = {
        "sources": [{"id": "S", "node": "n0", "phases": "ABC", "x": f"{LON}", "y": f"{LAT}"}],
        "lines": [_line(i) for i in STEPS],
        "switches": [_switch(i) for i in STEPS],
        "transformers": [_transformer(i) for i in STEPS],
        "customers": [_customer(i) for i in range(50)],
        "service_areas": [{"transformer_id": f"T{i}", "geometry": _square(i)} for i in STEPS],
        "places": _places(),
        "nodes": [{"id": f"n{i}", "x": f"{_x(i):.3f}", "y": f"{LAT}"} for i in range(26)],
    }
    return {name: pd.DataFrame(table, dtype=object) for name, table in rows.items()}


def _x(step: int) -> float:
    return LON + 0.01 * step


def _line(i: int) -> dict[str, str]:
    geometry = f"LINESTRING ({_x(i):.3f} {LAT}, {_x(i + 1):.3f} {LAT})"
    ends = {"from_node": f"m{i}", "to_node": f"n{i + 1}"}
    return {"id": f"L{i}", **ends, "phases": "ABC", "to_phases": "ABC", "length_m": "950.5", "geometry": geometry}


def _switch(i: int) -> dict[str, str]:
    ends = {"from_node": f"n{i}", "to_node": f"m{i}"}
    more = {"kind": "breaker", "phases": "ABC", "normal_state": "closed"}
    return {"id": f"Q{i}", **ends, **more, "geometry": f"POINT ({_x(i):.3f} {LAT})"}


def _transformer(i: int) -> dict[str, str]:
    ends = {"from_node": f"n{i + 1}", "to_node": f"t{i}"}
    more = {"from_phases": "ABC", "to_phases": "ABC", "connection": "wye_wye", "kva": "400"}
    return {"id": f"T{i}", **ends, **more, "ownership": "public", "geometry": f"POINT ({_x(i + 1):.3f} {LAT})"}


def _customer(i: int) -> dict[str, str]:
    place = {"place_id": f"P{1 + i % 5}", "x": f"{_x(i // 2 + 1) + 0.001 * (i % 2):.3f}", "y": f"{LAT + 0.001}"}
    more = {"phases": "A", "category": "residential", "priority": "none", "load_kw": "1.5"}
    return {"id": f"C{i}", "node": f"t{i // 2}", **more, **place}


def _square(i: int) -> str:
    west, east, south, north = _x(i + 1) - 0.005, _x(i + 2) - 0.005, LAT - 0.005, LAT + 0.005
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return f"POLYGON (({', '.join(f'{x:.3f} {y:.3f}' for x, y in ring)}))"


def _places() -> list[dict[str, str]]:
    town = {"id": "P0", "parent_id": "", "kind": "town", "name": "杨柳镇"}
    return [town, *({"id": f"P{i}", "parent_id": "P0", "kind": "community", "name": f"第{i}社区"} for i in range(1, 6))]


def with_cell(table: str, key: str, column: str, cell: Any) -> dict[str, pd.DataFrame]:
    """Return the valid frames with one cell changed, in the row whose id (or transformer_id) is ``key``."""
    frames = valid_frames()
    frame = frames[table]
    names = frame["transformer_id" if table == "service_areas" else "id"]
    if column not in frame:
        frame[column] = ""
    frame.loc[names == key, column] = cell
    return frames


_CELL = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.sampled_from(["L1", "Q1", "T1", "n1", "t1", "C1", "P1", "ABC", "12", "open", "POINT (1 1)", "\ud800", "\0", "1e400"]),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.sampled_from([np.nan, pd.NA, pd.NaT, pd.Timestamp(0), shapely.Point(1, 2), shapely.Point(), shapely.Point(np.inf, 1)]),
)


@st.composite
def spoiled_frames(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    """Draw the valid frames with garbage in some cells and, at times, rows of one table lost and doubled."""
    frames = valid_frames()
    for _ in range(draw(st.integers(1, 8))):
        table = draw(st.sampled_from(list(frames)))
        row = draw(st.integers(0, len(frames[table]) - 1))
        column = draw(st.sampled_from([*(c.name for c in TABLES[table].columns), "geometry"]))
        if column not in frames[table]:
            frames[table][column] = pd.Series([None] * len(frames[table]), dtype=object)
        frames[table].at[row, column] = draw(_CELL)
    table = draw(st.sampled_from(list(frames)))
    frames[table] = frames[table].sample(frac=draw(st.sampled_from([1.0, 1.1])), replace=True, random_state=1)
    return frames


def drawn(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames with their geometries as objects where the text is one, as reading gives them."""
    return {table: _drawn(frame) if "geometry" in frame else frame for table, frame in frames.items()}


def _drawn(frame: pd.DataFrame) -> pd.DataFrame:
    cells = [_parsed(cell) if isinstance(cell, str) else cell for cell in frame["geometry"]]
    return frame.assign(geometry=pd.Series(cells, index=frame.index, dtype=object))


def _parsed(text: str) -> Any:
    return shapely.from_wkt(text) if text.startswith(("POINT (", "LINESTRING (", "POLYGON (")) else text or None


def write_folder(frames: Mapping[str, pd.DataFrame], folder: Path) -> Path:
    """Write the frames as CSV files and return the folder."""
    folder.mkdir(exist_ok=True)
    for table, frame in frames.items():
        frame.to_csv(folder / f"{table}.csv", index=False)
    return folder


def assert_every_row_is_accounted_for(raw: RawTables, checked: Checked) -> None:
    """Fail if a row of ``raw`` is neither kept nor quarantined, or is both."""
    for table, frame in raw.frames.items():
        read = len(frame) + len(raw.damaged.get(table, ()))
        aside = checked.quarantined.get(table, pd.DataFrame())
        assert checked.rows_read[table] == read, table
        assert checked.rows_kept[table] + len(aside) == read, table
        assert aside.empty or aside["why"].str.len().gt(0).all(), table
        assert aside.index.is_unique
        assert checked.tables is None or len(getattr(checked.tables, table)) == checked.rows_kept[table], table


def assert_sound(checked: Checked) -> None:
    """Fail if the checked tables break a promise of `geo.schema.GridTables`; said with sets, not with the rules themselves."""
    tables = checked.tables
    assert tables is not None
    devices = pd.concat([tables.lines, tables.switches, tables.transformers])
    nodes = {*tables.sources["node"], *devices["from_node"], *devices["to_node"], *tables.nodes["id"]}
    assert devices["id"].is_unique
    assert set(tables.customers["node"]) <= nodes
    assert set(tables.service_areas["transformer_id"]) <= set(tables.transformers["id"])
    assert set(tables.customers["place_id"].dropna()) <= set(tables.places["id"])
    assert set(tables.places["parent_id"].dropna()) <= set(tables.places["id"])
    assert not (devices["from_node"] == devices["to_node"]).any()
    for name, frame in tables.items():
        columns = [column.name for column in TABLES[name].columns]
        assert list(frame.columns) == [*columns, *(["geometry"] if TABLES[name].geometry else [])]
        for column in TABLES[name].columns:
            cells = frame[column.name]
            assert not (column.required and cells.isna().any()), f"{name}.{column.name}"
            assert column.default is None or not cells.isna().any(), f"{name}.{column.name}"
            assert not column.choices or set(cells.dropna()) <= set(column.choices), f"{name}.{column.name}"
        if "x" in frame:
            assert (frame["x"].isna() == frame["y"].isna()).all()
            assert frame["x"].dropna().between(-180, 180).all()
            assert frame["y"].dropna().between(-90, 90).all()
