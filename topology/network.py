"""Tables → arrays: what the grid is, said once, shared by all threads and never changed.

A device is an edge between two nodes; a customer is a row at a node, not a node of its own::

        source                 node_ids       s   a   b   c
          s ──B1── a           device_ids     L1  B1  F1        (lines, then switches, then transformers)
                   │ L1        from_node      a   s   b
                   b ──F1── c  to_node        b   a   c
                  2 ☗     1 ☗  normal         ABC ABC 0         (F1 is normally open)
                               customer_node  b   b   c

Switch states are an argument of every question: one mask of closed phases for each device.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from rapidfuzz import process

from geo.schema import DEVICE_TABLES, PHASE_LETTERS, PROTECTIVE_KINDS, TEXT, GridTables
from topology.customers import Customers
from topology.flood import Rows, Supply, Wiring, trace, transformers_away
from topology.parts import Parts
from topology.transfer import Masks, join, mask_of, transformer_tables


class UnknownIdError(LookupError):
    """Nothing in the network has the id that was given."""


@dataclass(frozen=True, eq=False)
class Network:
    """A checked network as arrays; n nodes, m devices, c customers.

    Attributes
    ----------
    tables
        What it was built from. Names, places and areas are read there.
    node_ids, device_ids
        Object arrays of text, shapes (n,) and (m,). Devices are the lines, then the switches, then the transformers.
    wiring
        What is joined to what, and which phases pass.
    normal
        Phases of each device that are closed in normal operation, counted at its from end; masks, shape (m,).
    protective
        Whether a device clears faults by itself: breaker, recloser, fuse; shape (m,).
    sources
        Phases that are fed at each node; masks, shape (n,).
    healthy
        Who is supplied in the normal state.
    customer_node
        Node of each customer, in the order of the customers table; int32, shape (c,).
    customer_phases
        Phases that each customer can use: those its row names, or any; masks, shape (c,).
    customers
        The same, grouped by node.
    """

    tables: GridTables
    node_ids: NDArray[np.object_]
    device_ids: NDArray[np.object_]
    wiring: Wiring
    normal: Masks
    protective: NDArray[np.bool_]
    sources: Masks
    healthy: Supply
    customer_node: Rows
    customer_phases: Masks
    customers: Customers

    @cached_property
    def version(self) -> str:
        """SHA-256 of the content of all tables: two networks with the same version are the same network."""
        return content_hash(self.tables)

    def device(self, device_id: str) -> int:
        """Return the number of a device; raises UnknownIdError that names the three nearest ids."""
        return _get(self._device_numbers, device_id, "device")

    def node(self, node_id: str) -> int:
        """Return the number of a node; raises UnknownIdError that names the three nearest ids."""
        return _get(self._node_numbers, node_id, "node")

    def customer(self, customer_id: str) -> int:
        """Return the row of a customer; raises UnknownIdError that names the three nearest ids."""
        return _get(self._customer_rows, customer_id, "customer")

    def has_device(self, device_id: str) -> bool:
        """Return whether a device has this id."""
        return device_id in self._device_numbers

    def has_node(self, node_id: str) -> bool:
        """Return whether a node has this id."""
        return node_id in self._node_numbers

    def table_of(self, device: int) -> tuple[str, int]:
        """Return the table that a device is in, and its row there."""
        start = 0
        for name in DEVICE_TABLES:
            rows = len(getattr(self.tables, name))
            if device < start + rows:
                return name, device - start
            start += rows
        raise IndexError(f"there is no device number {device}: the network has {start}")

    def devices_of(self, table: str) -> slice:
        """Return the numbers of the devices of one table."""
        sizes = [len(getattr(self.tables, name)) for name in DEVICE_TABLES]
        place = DEVICE_TABLES.index(table)
        return slice(sum(sizes[:place]), sum(sizes[: place + 1]))

    def device_row(self, device: int) -> pd.Series[Any]:
        """Return the row of a device in its table."""
        name, row = self.table_of(device)
        found: pd.Series[Any] = getattr(self.tables, name).iloc[row]
        return found

    @cached_property
    def parts(self) -> Parts:
        """The parts that have nothing to do with each other in normal operation."""
        return Parts.divide(self.wiring, self.normal, self.sources)

    @cached_property
    def transformer_of_node(self) -> Rows:
        """Row of the transformer that feeds each node in the normal state, the nearest upstream; −1 for none; shape (n,)."""
        start = len(self.device_ids) - len(self.tables.transformers)
        own = np.arange(len(self.device_ids), dtype=np.int32) - start
        return _inherit(self, np.where(own >= 0, own, -1).astype(np.int32))

    @cached_property
    def transformer_of_customer(self) -> Rows:
        """Row of the transformer that feeds each customer in the normal state; −1 for none; shape (c,)."""
        return self.transformer_of_node[self.customer_node]

    @cached_property
    def supplied_phases(self) -> Masks:
        """Phases that supply each customer in the normal state; masks, shape (c,)."""
        return self.healthy.alive[self.customer_node] & self.customer_phases

    @cached_property
    def feeder_names(self) -> NDArray[np.object_]:
        """Names of the feeders, sorted; shape (f,)."""
        return np.array(sorted(set(self._feeder_of_device[pd.notna(self._feeder_of_device)])), dtype=object)

    @cached_property
    def feeder_of_node(self) -> Rows:
        """Place in `feeder_names` of the feeder that each node hangs on in the normal state; −1 for none; shape (n,)."""
        return _inherit(self, pd.Index(self.feeder_names).get_indexer(pd.Index(self._feeder_of_device)).astype(np.int32))

    @cached_property
    def _feeder_of_device(self) -> NDArray[np.object_]:
        return np.concatenate([getattr(self.tables, name)["feeder"].to_numpy(dtype=object) for name in DEVICE_TABLES])

    @cached_property
    def _device_numbers(self) -> dict[str, int]:
        return {device_id: number for number, device_id in enumerate(self.device_ids)}

    @cached_property
    def _node_numbers(self) -> dict[str, int]:
        return {node_id: number for number, node_id in enumerate(self.node_ids)}

    @cached_property
    def _customer_rows(self) -> dict[str, int]:
        return {customer_id: row for row, customer_id in enumerate(self.tables.customers["id"])}


def build_network(tables: GridTables) -> Network:
    """Return the arrays of checked ``tables``.

    It relies on what `geo.validate.validate` promises: references whole, ids unique, phases well formed. Parallel devices,
    loops, islands and devices with both ends at one node are all right.
    """
    node_ids, source_node, customer_node, from_node, to_node = _number_nodes(tables)
    phases, normal = _closed_masks(tables)
    sources = np.zeros(len(node_ids), dtype=np.uint8)
    np.bitwise_or.at(sources, source_node, _masks(tables.sources["phases"]))
    wanted = _masks(tables.customers["phases"].fillna(PHASE_LETTERS))
    wiring = _orient(_wire(tables, len(node_ids), (from_node, to_node), phases), normal, sources)
    return Network(
        tables=tables,
        node_ids=node_ids,
        device_ids=np.concatenate([getattr(tables, name)["id"].to_numpy(dtype=object) for name in DEVICE_TABLES]),
        wiring=wiring,
        normal=normal,
        protective=_protective(tables),
        sources=sources,
        healthy=trace(wiring, normal, sources),
        customer_node=customer_node,
        customer_phases=wanted,
        customers=Customers.group(tables.customers, customer_node, wanted, nodes=len(node_ids)),
    )


def content_hash(tables: GridTables) -> str:
    """Return the SHA-256 of the content of ``tables``, as hex: names and values in order, whatever file they came from.

    Text counts by its lengths and bytes, numbers by their IEEE 754 bytes, geometry by its WKB.
    """
    digest = hashlib.sha256()
    for name, table in tables.items():
        digest.update(f"{name}:{len(table)}".encode())
        for column in table.columns:
            digest.update(column.encode())
            for part in _content(table[column]):
                digest.update(np.ascontiguousarray(part).view(np.uint8).data)
    return digest.hexdigest()


def _content(column: pd.Series[Any]) -> list[NDArray[Any]]:
    """Return arrays that hold the content of one column and nothing else."""
    if column.dtype == np.float64:
        numbers: NDArray[np.float64] = column.to_numpy(copy=True)
        numbers[np.isnan(numbers)] = np.nan  # one NaN of the many
        return [numbers]
    if column.name == "geometry":
        cells = pa.array(column.to_wkb(), type=pa.large_binary())
    else:
        cells = pa.chunked_array([pa.array(column, from_pandas=True)]).cast(pa.large_string()).combine_chunks()
    lengths = pc.fill_null(pc.binary_length(cells), -1).to_numpy(zero_copy_only=False)
    # Bytes under an absent value mean nothing, and a slice shows a part of its buffer: both are left out.
    solid = pc.fill_null(cells, b"" if column.name == "geometry" else "")
    if len(solid) == 0:
        return [lengths]
    start, stop = np.frombuffer(solid.buffers()[1], dtype=np.int64)[solid.offset + np.array([0, len(solid)])]
    return [lengths.astype(np.int64), np.frombuffer(solid.buffers()[2] or b"", dtype=np.uint8)[start:stop]]


def _get(numbers: dict[str, int], given: str, what: str) -> int:
    """Return the number of an id. Capitals do not matter where only one id is meant, as in models that have none."""
    number = numbers.get(given)
    if number is not None:
        return number
    alike = [id_ for id_ in numbers if id_.casefold() == given.casefold()]
    if len(alike) == 1:
        return numbers[alike[0]]
    near = ", ".join(alike or [str(match[0]) for match in process.extract(given, list(numbers), limit=3)])
    nearest = f"the nearest are {near}" if near else f"the network has no {what}"
    raise UnknownIdError(f"no {what} has the id {given!r}; {nearest}. Take the id from the network's tables")


def _number_nodes(tables: GridTables) -> tuple[NDArray[np.object_], Rows, Rows, Rows, Rows]:
    """Return the ids of all nodes, and the node of each source, of each customer, and of each end of each device."""
    named = [
        tables.sources["node"],
        tables.customers["node"],
        *(getattr(tables, name)["from_node"] for name in DEVICE_TABLES),
        *(getattr(tables, name)["to_node"] for name in DEVICE_TABLES),
        tables.nodes["id"],
    ]
    chunks = pa.chunked_array([pa.array(column, type=pa.large_string(), from_pandas=True) for column in named])
    coded = chunks.combine_chunks().dictionary_encode()
    numbers = coded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    parts = np.split(numbers, np.cumsum([len(column) for column in named])[:-1])
    return (
        coded.dictionary.to_numpy(zero_copy_only=False),
        parts[0],
        parts[1],
        np.concatenate(parts[2:5]),
        np.concatenate(parts[5:8]),
    )


def _masks(phases: pd.Series[Any]) -> Masks:
    """Return the phase mask of each cell."""
    codes, texts = pd.factorize(phases)
    return np.array([mask_of(text) for text in texts], dtype=np.uint8)[codes] if len(texts) else np.zeros(0, dtype=np.uint8)


def _closed_masks(tables: GridTables) -> tuple[Masks, Masks]:
    """Return the phases of each device at its from end, and those closed in normal operation."""
    lines, switches, units = (
        _masks(tables.lines["phases"]),
        _masks(tables.switches["phases"]),
        _masks(tables.transformers["from_phases"]),
    )
    closed = (tables.switches["normal_state"] == "closed").to_numpy(dtype=bool)
    return np.concatenate([lines, switches, units]), np.concatenate(
        [lines, np.where(closed, switches, 0).astype(np.uint8), units]
    )


def _protective(tables: GridTables) -> NDArray[np.bool_]:
    switches = tables.switches["kind"].isin(PROTECTIVE_KINDS).to_numpy(dtype=bool)
    return np.concatenate([np.zeros(len(tables.lines), bool), switches, np.zeros(len(tables.transformers), bool)])


def _wire(tables: GridTables, nodes: int, ends: tuple[Rows, Rows], phases: Masks) -> Wiring:
    """Return the wiring with every device passing both ways; `_orient` then makes transformers one-way."""
    kind_of, distinct = pd.factorize(_kinds(tables))
    rows = [np.zeros(32, dtype=np.uint8)]
    for connection, from_phases, to_phases, bank, to_bank in (kind.split("|") for kind in distinct):
        there_and_back = (
            transformer_tables(connection, from_phases, to_phases, bank=bank.split(), to_bank=to_bank.split())
            if connection
            else (join(from_phases, to_phases), join(to_phases, from_phases))
        )
        rows.extend(there_and_back)
    one_way = np.array([not kind.startswith(("|", "wye_wye")) for kind in distinct], dtype=bool)
    links = np.concatenate([2 * np.arange(len(phases)), 2 * np.arange(len(phases)) + 1]).astype(np.int32)
    both = np.concatenate(ends)
    return Wiring(
        first=np.concatenate([[0], np.cumsum(np.bincount(both, minlength=nodes))]).astype(np.int32),
        links=links[np.argsort(both, kind="stable")],
        from_node=ends[0],
        to_node=ends[1],
        phases=phases,
        to_phases=np.array([mask_of(kind.split("|")[2]) for kind in distinct], dtype=np.uint8)[kind_of],
        forward=(1 + 2 * kind_of).astype(np.int32),
        backward=(2 + 2 * kind_of).astype(np.int32),
        transfer=np.stack(rows),
        one_way=np.flatnonzero(one_way[kind_of]).astype(np.int32),
        feeds_forward=np.zeros(0, dtype=np.bool_),
    )


def _kinds(tables: GridTables) -> NDArray[np.object_]:
    """Return what decides how phases pass each device, as "connection|phases|to_phases|bank|to_bank".

    Lines and switches have no connection. The banks are the pairs of phases that windings lie between, on either side.
    """
    passive = [_kind(table["phases"], table["to_phases"], "") for table in (tables.lines, tables.switches)]
    units = tables.transformers
    there = units["to_phases"].fillna(units["from_phases"])
    from_delta = units["connection"].isin(("delta_wye", "delta_delta", "centre_tapped"))
    to_delta = units["connection"].isin(("wye_delta", "delta_delta"))
    banks = _banks(units, units["from_phases"].where(from_delta)) + "|" + _banks(units, there.where(to_delta))
    return np.concatenate([*passive, _kind(units["from_phases"], there, units["connection"], banks=banks)])


def _banks(units: pd.DataFrame, delta: pd.Series[str]) -> pd.Series[str]:
    """Return the pairs of phases between which a single-phase unit and those beside it have windings, as "AB BC".

    Beside each other are units between the same two nodes. "" where there is no other pair. ``delta`` holds the phases of the
    units whose windings lie between phases, NaN elsewhere.
    """
    nodes = ["from_node", "to_node"]
    single = units.loc[delta.str.len() == 2, nodes].assign(pair=delta)  # of two phases: those of one winding
    if single.empty:
        return pd.Series("", index=units.index, dtype=TEXT)
    bank = single.groupby(nodes)["pair"].agg(lambda pairs: " ".join(sorted(set(pairs)))).rename("bank")
    named = single.join(bank, on=nodes)["bank"]
    return named.where(named.str.contains(" ")).reindex(units.index).fillna("")


def _kind(
    phases: pd.Series[str], to_phases: pd.Series[str], connection: pd.Series[str] | str, *, banks: pd.Series[str] | str = "|"
) -> NDArray[np.object_]:
    return (connection + "|" + phases + "|" + to_phases.fillna(phases) + "|" + banks).to_numpy(dtype=object)


def _orient(wiring: Wiring, normal: Masks, sources: Masks) -> Wiring:
    """Return the wiring with each one-way transformer passing from the side that feeds it in the normal state.

    Power may well come from the winding that the tables call the secondary. With equal claims the from side feeds.
    """
    away = transformers_away(wiring, normal, sources)
    feeds_forward = away[wiring.from_node[wiring.one_way]] <= away[wiring.to_node[wiring.one_way]]
    forward, backward = wiring.forward.copy(), wiring.backward.copy()
    forward[wiring.one_way[~feeds_forward]] = 0
    backward[wiring.one_way[feeds_forward]] = 0
    return wiring._replace(forward=forward, backward=backward, feeds_forward=feeds_forward)


def _inherit(network: Network, of_device: Rows) -> Rows:
    """Return for each node the value of the nearest device upstream that has one (not −1) in the normal state."""
    value = np.full(len(network.node_ids), -1, dtype=np.int32)
    if not len(of_device):
        return value
    reached = network.healthy.order
    link = network.healthy.entry[reached]
    own = np.where(link >= 0, of_device[link >> 1], -1)
    ends = np.where(link & 1, network.wiring.to_node[link >> 1], network.wiring.from_node[link >> 1])
    for node, here, above in zip(reached.tolist(), own.tolist(), ends.tolist(), strict=True):
        value[node] = here if here >= 0 else value[above]
    return value
