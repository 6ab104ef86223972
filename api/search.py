"""Devices by what people type: an id, a name or the pinyin of a name, from its beginning or from within."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from api.pinyin import patterns, spellings
from geo.schema import DEVICE_TABLES
from topology.network import Network

_NOT_FOUND = 127


@dataclass(frozen=True)
class FoundDevice:
    """A device as a list of suggestions shows it. ``kind`` is line, transformer, or the kind of switch."""

    id: str
    kind: str
    name: str
    feeder: str
    normally_open: bool


class DeviceIndex:
    """The ids and names of all devices, ready to be searched; a million take some hundred milliseconds by pinyin, else tens."""

    def __init__(self, network: Network) -> None:
        self._network = network
        names = [getattr(network.tables, table)["name"].fillna("").to_numpy(dtype=object) for table in DEVICE_TABLES]
        named = pa.array(np.concatenate(names), type=pa.string()).dictionary_encode()
        self._name_of = named.indices.to_numpy()
        self._distinct: list[str] = named.dictionary.to_pylist()
        self._names = _folded(self._distinct)
        self._ids = _folded(network.device_ids)

    def find(self, typed: str, *, limit: int = 12) -> list[FoundDevice]:
        """Return up to ``limit`` devices: the very id first, then those that begin with it, then those that contain it.

        Those whose pinyin begins with it, or contains it from the beginning of a character on, come after these. The order
        within each group is that of the tables. Nothing typed finds nothing.
        """
        sought = typed.strip().casefold()
        if not sought:
            return []
        rank = np.full(len(self._ids), _NOT_FOUND, dtype=np.int8)
        for number, hits in enumerate(self._hits(sought)):
            rank[hits & (rank == _NOT_FOUND)] = number
        found = np.flatnonzero(rank < _NOT_FOUND)
        best = found[np.argsort(rank[found], kind="stable")][:limit]
        return [describe(self._network, int(device)) for device in best]

    def _hits(self, sought: str) -> Iterator[NDArray[np.bool_]]:
        yield _mask(pc.equal(self._ids, sought))
        yield _mask(pc.starts_with(self._ids, sought))
        yield _mask(pc.starts_with(self._names, sought))[self._name_of]
        yield _mask(pc.match_substring(self._ids, sought)) | _mask(pc.match_substring(self._names, sought))[self._name_of]
        for pattern in patterns(sought) or ():
            yield _mask(pc.match_substring_regex(self._spelled, pattern))[self._name_of]

    @cached_property
    def _spelled(self) -> pa.Array:
        """The spellings of each distinct name; made when somebody first types Latin letters."""
        return pa.array(spellings(self._distinct), type=pa.string())


def describe(network: Network, device: int) -> FoundDevice:
    """Return a device, by its number, as a list of suggestions shows it."""
    table, _ = network.table_of(device)
    row = network.device_row(device)
    is_switch = table == "switches"
    return FoundDevice(
        id=row["id"],
        kind=row["kind"] if is_switch else table.removesuffix("s"),
        name=_text(row["name"]),
        feeder=_text(row["feeder"]),
        normally_open=is_switch and row["normal_state"] == "open",
    )


def _folded(texts: Iterable[str]) -> pa.Array:
    return pa.array([text.casefold() for text in texts], type=pa.string())


def _mask(hits: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = hits.to_numpy(zero_copy_only=False)
    return found


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""
