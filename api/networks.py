"""Networks kept in the store, so that an impact that was told can be worked out again when the network has long changed.

::

    Network ── GeoPackage ── gzip ── parts of 4 MB ──▶ store, under the version of its content
    Network ◀── read, checked ── GeoPackage ◀───────── store
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from api.intake import load_network
from geo.write import write_tables
from outages.store import EventStore
from topology.network import Network

PART_BYTES = 4_000_000
_NAME = "network.gpkg"


class UnknownNetworkError(LookupError):
    """The store keeps no network of this version."""


def keep_network(store: EventStore, network: Network) -> bool:
    """Keep ``network`` in the store; return whether it was not there before."""
    if store.find_network(network.version) is not None:
        return False
    tables = network.tables
    about = {"customers": len(tables.customers), "transformers": len(tables.transformers), "format": "gpkg.gz"}
    with tempfile.TemporaryDirectory(prefix="gridnotice-") as folder:
        file = Path(folder) / _NAME
        write_tables(tables, file)
        store.keep_network(network.version, about, _packed(file))
    return True


def kept_network(store: EventStore, version: str) -> Network:
    """Return the network of ``version`` from the store; raises UnknownNetworkError with the versions that are kept."""
    with tempfile.TemporaryDirectory(prefix="gridnotice-") as folder:
        file = Path(folder) / _NAME
        extract_network(store, version, file)
        return load_network(str(file))


def extract_network(store: EventStore, version: str, file: Path) -> None:
    """Write the network of ``version`` from the store to ``file``, a GeoPackage; raises UnknownNetworkError."""
    found = store.find_network(version)
    if found is None:
        kept = ", ".join(version[:12] for version in store.list_networks()) or "none"
        raise UnknownNetworkError(f"The store keeps no network {version[:12]} (kept: {kept}). Give the version of one of these.")
    _, parts = found
    with tempfile.TemporaryFile() as packed:
        packed.writelines(parts)
        packed.seek(0)
        with gzip.open(packed) as unpacked, file.open("wb") as out:
            shutil.copyfileobj(unpacked, out)


def _packed(file: Path) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as packed:
        # No name and no time inside: the same network gives the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=4, fileobj=packed, mtime=0) as writer, file.open("rb") as reader:
            shutil.copyfileobj(reader, writer)
        packed.seek(0)
        while part := packed.read(PART_BYTES):
            yield part
