"""What a foreign model leaves unsaid, read from its normal state: who owns a transformer, and which feeder a device is on.

::

    source ─┤busbar├─line─ … ─┤├─ … ─line─┤busbar├       what hangs on one side of the open switch is one feeder,
               └──── feeder 1 ───┘└─ feeder 2 ─┘          what hangs on the other side is another
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import networkx as nx
import pandas as pd

Frames = Mapping[str, pd.DataFrame]
"""Tables of the schema by name, with at least ids, nodes and normal states."""


def ownership(frames: Frames) -> pd.Series[str]:
    """Return ``dedicated`` for each transformer that serves one customer and feeds no further transformer, else ``public``."""
    units = frames["transformers"]
    zone = _zone_of_node(_graph(frames, "lines"))
    served = frames["customers"]["node"].map(zone).value_counts()
    feeding_on = set(units["from_node"].map(zone))
    behind = units["to_node"].map(zone)
    alone = (behind.map(served) == 1) & ~behind.isin(feeding_on)
    return alone.map({True: "dedicated", False: "public"})


def busbar_nodes(frames: Frames) -> set[str]:
    """Return the nodes that are reached from a source in the normal state without passing a line."""
    graph = _graph(frames, "transformers")
    reached: set[str] = set()
    for node in frames["sources"]["node"]:
        if node not in reached:
            reached |= {node} | (nx.node_connected_component(graph, node) if node in graph else set())
    return reached


def feeder_of_nodes(frames: Frames, busbars: Collection[str], *, named: pd.Series[Any] | None = None) -> pd.Series[Any]:
    """Return the feeder of each node, as text by node id; busbars and nodes without supply are left out.

    A feeder is what hangs together in the normal state once the ``busbars`` are taken out, with everything behind its
    transformers. ``named`` holds the feeder's name at some rows of lines (NaN elsewhere): the name that most lines of a feeder
    carry is taken. Without any, feeders are "Feeder 1", "Feeder 2", … in the order in which the rows of the lines table leave a
    busbar.
    """
    graph = _graph(frames, "lines", "transformers")
    graph.remove_nodes_from([node for node in busbars if node in graph])
    zone = _zone_of_node(graph)
    names = _numbered(frames["lines"], busbars, zone) if named is None else _most_common(frames["lines"], named, zone)
    return zone.map(names).dropna()


def feeder_of_devices(devices: pd.DataFrame, feeder: pd.Series[Any]) -> pd.Series[Any]:
    """Return the feeder of each device: that of its from node or else that of its to node; NaN where neither has one."""
    here = devices["from_node"].map(feeder)
    return here.where(here.notna(), devices["to_node"].map(feeder))


def _graph(frames: Frames, *tables: str) -> nx.Graph[str]:
    """Return the nodes joined by closed switches and by the devices of ``tables``."""
    graph: nx.Graph[str] = nx.Graph()
    switches = frames["switches"]
    for devices in [switches[switches["normal_state"] == "closed"], *(frames[table] for table in tables)]:
        graph.add_edges_from(zip(devices["from_node"], devices["to_node"], strict=True))
    for table in ("lines", "switches", "transformers"):
        graph.add_nodes_from(frames[table]["from_node"])
        graph.add_nodes_from(frames[table]["to_node"])
    return graph


def _zone_of_node(graph: nx.Graph[str]) -> pd.Series[int]:
    zones = {node: number for number, nodes in enumerate(nx.connected_components(graph)) for node in nodes}
    return pd.Series(zones, dtype="int64")


def _numbered(lines: pd.DataFrame, busbars: Collection[str], zone: pd.Series[int]) -> dict[int, str]:
    """Return a name for each zone that a line joins to a busbar."""
    starts = lines["from_node"].isin(busbars) != lines["to_node"].isin(busbars)
    outer = lines["to_node"].where(lines["from_node"].isin(busbars), lines["from_node"])
    zones = outer[starts].map(zone).drop_duplicates()
    return {number: f"Feeder {place}" for place, number in enumerate(zones, start=1)}


def _most_common(lines: pd.DataFrame, named: pd.Series[Any], zone: pd.Series[int]) -> dict[int, str]:
    zone_of_line = feeder_of_devices(lines, zone)
    said = pd.DataFrame({"zone": zone_of_line, "name": named}).dropna()
    counted = said.value_counts().reset_index().drop_duplicates("zone")
    return dict(zip(counted["zone"].astype(int), counted["name"], strict=True))
