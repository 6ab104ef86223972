"""The switches of a pandapower net, and where they make lines and transformers end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.formats.pandapower.parts import BUSES, Ends, at_live_buses, in_service, nodes_at

KINDS = {"CB": "breaker", "LBS": "load_break", "DS": "disconnector", "fuse": "fuse"}

ELEMENTS = {"l": "line", "t": "trafo", "t3": "trafo3w"}
"""Table of the element that a switch stands at, by the switch's ``et``."""


def switches(net: Any) -> tuple[pd.DataFrame, Ends]:
    """Return the switches, and the node at which each element ends that has one.

    Switches at the same end of the same element stand in series, since any of them opens it.
    """
    rows = at_live_buses(net, "switch", "bus")
    rows = rows[_has_other_side(net, rows)]
    ends: Ends = {}
    joined = [_join(row, ends) for row in rows[["number", "et", "element", "bus"]].itertuples(index=False)]
    nodes = pd.DataFrame(joined, columns=["from_node", "to_node"], index=rows.index)
    state = rows["closed"].astype(bool).map({True: "closed", False: "open"})
    kind = rows["type"].map(KINDS).fillna("switch")
    return rows[["id", "name"]].assign(kind=kind, normal_state=state).join(nodes), ends


def isolators(net: Any, ends: Ends) -> tuple[pd.DataFrame, Ends]:
    """Return a normally open switch for each line and transformer out of service, and the nodes at which these then end."""
    found = []
    moved: Ends = {}
    for name in ("line", "trafo"):
        bus = BUSES[name][0]
        rows = at_live_buses(net, name, *BUSES[name])
        rows = rows[~rows["in_service"].astype(bool)]
        ids = rows["id"] + "_isolator"
        inner = "bus_" + rows[bus].astype(str) + "/" + ids
        outer = nodes_at(rows, name, bus, ends)
        moved |= {(name, n, b): node for n, b, node in zip(rows["number"], rows[bus], inner, strict=True)}
        found.append(pd.DataFrame({"id": ids, "kind": "switch", "from_node": outer, "to_node": inner, "normal_state": "open"}))
    return pd.concat(found, ignore_index=True), moved


def _has_other_side(net: Any, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether the other side of each switch is read: a bus in service, a line or a transformer."""
    read = {
        "b": set(net.bus.index[net.bus["in_service"].astype(bool)]),
        "l": set(at_live_buses(net, "line", *BUSES["line"])["number"]),
        "t": set(at_live_buses(net, "trafo", *BUSES["trafo"])["number"]),
        "t3": set(in_service(net, "trafo3w", *BUSES["trafo3w"])["number"]),
    }
    return np.array([element in read[et] for et, element in zip(rows["et"], rows["element"], strict=True)], dtype=bool)


def _join(switch: Any, ends: Ends) -> tuple[str, str]:
    """Return the two nodes of a switch; one at an element is noted in ``ends``."""
    bus = f"bus_{switch.bus}"
    if switch.et == "b":
        return bus, f"bus_{switch.element}"
    end = (ELEMENTS[switch.et], switch.element, switch.bus)
    before = ends.get(end, bus)
    ends[end] = f"{bus}/{end[0]}_{switch.element}" if before == bus else f"{bus}/switch_{switch.number}"
    return before, ends[end]
