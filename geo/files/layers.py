"""One layer of a file as an Arrow table: by GDAL (GeoPackage, GeoJSON, Shapefile) or by Arrow itself (Parquet)."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyogrio

from geo.crs import CrsError, parse_crs
from geo.files.delimited import find_encoding
from geo.raw import SourceError


@dataclass(frozen=True)
class Layer:
    """Cells as Arrow, the name of the geometry column ("" where there is none), its CRS ("" where not said), remarks."""

    cells: Any
    geometry: str
    crs: str
    said: tuple[str, ...]


def layer_names(path: Path) -> list[str]:
    """Return the names of the layers of a GeoPackage; raises SourceError where it is none that GDAL can read."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return [str(name) for name, _ in pyogrio.list_layers(path)]
    except (RuntimeError, ValueError) as error:
        raise SourceError(f"{path} is no GeoPackage that can be read:", f"{error}.", "Export it again.") from error


def read_layer(path: Path, layer: str | None = None) -> Layer:
    """Return a layer (the only one where ``layer`` is absent) as GDAL reads it; raises SourceError where it cannot."""
    options: dict[str, Any] = {}
    if path.suffix.lower() == ".geojson":
        options = {"DATE_AS_STRING": "YES", "ARRAY_AS_STRING": "YES"}
    elif path.suffix.lower() == ".shp":
        options = _shapefile_encoding(path)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            info = pyogrio.read_info(path, layer=layer)
            # QGIS likes to make the column id the key of the table, which GDAL then does not count as a column.
            key_is_id = info["fid_column"].casefold() == "id"
            meta, cells = pyogrio.read_arrow(path, layer=layer, return_fids=key_is_id, **options)
    except (RuntimeError, ValueError, OSError) as error:
        name = path.name if layer is None else f"layer {layer} of {path.name}"
        raise SourceError(f"{name} cannot be read:", f"{error}.", "Open it in a GIS, and export it again.") from error
    geometry = _geometry_name(meta, cells)
    said = [str(warning.message) for warning in caught]
    if options.get("encoding", "UTF-8") != "UTF-8":
        said.append(f"no .cpg says its encoding, {options['encoding']} was taken")
    return Layer(cells, geometry, _known_crs(meta["crs"]) if geometry else "", tuple(dict.fromkeys(said)))


def read_geoparquet(path: Path) -> Layer:
    """Return the table of a Parquet file, with the geometry that its GeoParquet metadata names, if there is any."""
    try:
        cells = pq.ParquetFile(path).read()
        metadata = json.loads((cells.schema.metadata or {}).get(b"geo", b"{}"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path.name} is no Parquet file that can be read:", f"{error}.", "Export it again.") from error
    geometry = metadata.get("primary_column", "")
    if geometry not in cells.column_names:
        return Layer(cells, "", "", ())
    column = metadata.get("columns", {}).get(geometry, {})
    if column.get("encoding", "WKB") != "WKB":
        given = f"Its encoding is {column['encoding']}."
        raise SourceError(f"The geometry of {path.name} is not WKB.", given, "Write GeoParquet with geometry_encoding=WKB.")
    # No member crs means longitude and latitude; the value null means that nobody knows.
    crs = column.get("crs", "OGC:CRS84")
    return Layer(cells, geometry, "" if crs is None else _known_crs(json.dumps(crs) if isinstance(crs, dict) else crs), ())


def _geometry_name(meta: dict[str, Any], cells: Any) -> str:
    if not meta.get("geometry_type"):
        return ""
    name = meta.get("geometry_name") or "wkb_geometry"
    return name if name in cells.column_names else ""


def _known_crs(crs: str | None) -> str:
    """Return ``crs`` as text, or "" where it is absent or of no use (a local drawing system)."""
    try:
        return parse_crs(crs).to_string() if crs else ""
    except CrsError:
        return ""


def _shapefile_encoding(path: Path) -> dict[str, Any]:
    """Return the encoding of a Shapefile that does not say it (no .cpg): the format's own default is seldom true."""
    dbf = next((file for file in path.parent.iterdir() if file.name.casefold() == f"{path.stem}.dbf".casefold()), None)
    says = any(file.name.casefold() == f"{path.stem}.cpg".casefold() for file in path.parent.iterdir())
    if dbf is None or says:
        return {}
    with dbf.open("rb") as file:
        header_bytes = int.from_bytes(file.read(10)[8:], "little")
    return {"encoding": find_encoding(dbf, skip_bytes=header_bytes).upper()}
