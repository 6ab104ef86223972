"""Checked tables → a GeoPackage, or a folder of GeoParquet, whole or not at all.

Every table is a layer (or file), empty ones too. In a GeoPackage points of sources, customers and nodes are written as points,
so that a GIS shows them; `geo.read.read_tables` makes x and y of them again, to the last bit. The same tables give the same
GeoPackage.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from geo.files.columns import as_arrow
from geo.files.points import wkb_of_points
from geo.raw import SourceError
from geo.schema import CRS, TABLES, GridTables

_GDAL_OPTIONS = {
    # The time of writing that every file carries: a file says what the network is, not when it was saved.
    "OGR_CURRENT_DATE": "2000-01-01T00:00:00Z",
    # Nobody sees the draft; it goes to disk once, when it is whole, and not after every statement.
    "OGR_SQLITE_SYNCHRONOUS": "OFF",
}


def write_tables(tables: GridTables, target: Path) -> None:
    """Write ``tables`` to ``target``: a GeoPackage where its name ends in .gpkg, a folder of GeoParquet where it has no ending.

    What was there before stays until the new file is whole and on disk. A folder must not be there yet.

    Raises
    ------
    SourceError
        ``target`` ends in anything else, its folder does not exist, or it is a folder that is there already.
    """
    if target.suffix.lower() not in (".gpkg", ""):
        raise SourceError(
            "A network is written as a GeoPackage or a folder.", f"{target} was given.", "Let the name end in .gpkg."
        )
    if not target.parent.is_dir():
        raise SourceError(f"There is no folder {target.parent}", f"to write {target.name} to.", "Make it first.")
    if not target.suffix and target.exists():
        raise SourceError(f"{target} is there already.", "", "Name a folder that is not, or a file that ends in .gpkg.")
    # In the same folder, so that the last step is a rename within one disk, which cannot be seen half done.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".gridnotice-") as folder, _gdal_options():
        draft = Path(folder) / target.name
        if target.suffix:
            for name, frame in tables.items():
                _write_layer(draft, name, frame)
            _sync(draft)
        else:
            _write_folder(draft, tables)
        draft.replace(target)
    _sync(target.parent)


def _write_folder(folder: Path, tables: GridTables) -> None:
    folder.mkdir()
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        _sync(folder / f"{name}.parquet")
    _sync(folder)


def _write_layer(path: Path, name: str, frame: pd.DataFrame) -> None:
    columns = {column.name: _as_arrow(frame[column.name]) for column in TABLES[name].columns if column.name not in ("x", "y")}
    kind = "Unknown"
    if TABLES[name].geometry:
        columns["geometry"] = pa.array(shapely.to_wkb(np.asarray(frame["geometry"].array, dtype=object)), pa.large_binary())
    else:
        columns["geometry"] = wkb_of_points(*(frame[axis].to_numpy(dtype=np.float64) for axis in ("x", "y")))
        kind = "Point"
    pyogrio.write_arrow(
        pa.table(columns),
        path,
        layer=name,
        driver="GPKG",
        geometry_name="geometry",
        geometry_type=kind,
        crs=CRS,
        append=path.exists(),
    )


def _as_arrow(column: pd.Series[Any]) -> Any:
    if column.dtype == np.float64:
        return pa.array(column.to_numpy(), from_pandas=True)
    return as_arrow(column)


@contextmanager
def _gdal_options() -> Iterator[None]:
    before = {name: pyogrio.get_gdal_config_option(name) for name in _GDAL_OPTIONS}
    pyogrio.set_gdal_config_options(_GDAL_OPTIONS)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
