"""Devices by what people type: an id or a name, from its beginning or from within."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geo.schema import DEVICE_TABLES
from topology.network import Network


@dataclass(frozen=True)
class FoundDevice:
    """A device as a list of suggestions shows it. ``kind`` is line, transformer, or the kind of switch."""

    id: str
    kind: str
    name: str
    feeder: str
    normally_open: bool


class DeviceIndex:
    """The ids and names of all devices, ready to be searched; a million take some ten milliseconds."""

    def __init__(self, network: Network) -> None:
        self._network = network
        names = [getattr(network.tables, table)["name"].fillna("").to_numpy(dtype=object) for table in DEVICE_TABLES]
        self._ids = _folded(network.device_ids)
        self._names = _folded(np.concatenate(names))

    def find(self, typed: str, *, limit: int = 12) -> list[FoundDevice]:
        """Return up to ``limit`` devices: the very id first, then those that begin with it, then those that contain it.

        The order within each group is that of the tables. Nothing typed finds nothing.
        """
        sought = typed.strip().casefold()
        if not sought:
            return []
        rank = np.full(len(self._ids), 4, dtype=np.int8)
        for number, hits in enumerate(self._hits(sought)):
            rank[hits & (rank == 4)] = number
        found = np.flatnonzero(rank < 4)
        best = found[np.argsort(rank[found], kind="stable")][:limit]
        return [self._describe(int(device)) for device in best]

    def _hits(self, sought: str) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        masks = [
            pc.equal(self._ids, sought),
            pc.starts_with(self._ids, sought),
            pc.starts_with(self._names, sought),
            pc.or_(pc.match_substring(self._ids, sought), pc.match_substring(self._names, sought)),
        ]
        return [mask.to_numpy(zero_copy_only=False) for mask in masks]

    def _describe(self, device: int) -> FoundDevice:
        table, _ = self._network.table_of(device)
        row = self._network.device_row(device)
        is_switch = table == "switches"
        return FoundDevice(
            id=row["id"],
            kind=row["kind"] if is_switch else table.removesuffix("s"),
            name=_text(row["name"]),
            feeder=_text(row["feeder"]),
            normally_open=is_switch and row["normal_state"] == "open",
        )


def _folded(texts: np.ndarray[tuple[int], np.dtype[np.object_]]) -> pa.Array:
    return pa.array([text.casefold() for text in texts], type=pa.string())


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""
