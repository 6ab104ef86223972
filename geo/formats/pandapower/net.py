"""A pandapower net → our tables.

pandapower (https://www.pandapower.org) numbers the rows of each of its tables. Table and number make our ids, so that
anything can be joined back: line 7 is ``line_7``, switch 3 ``switch_3``, load 0 ``load_0``, bus 4 ``bus_4``. Names are kept.

A pandapower switch is either between two buses or between a bus and the end of a line or transformer. The second kind gets an
auxiliary node, whose id begins with the bus, and at which the line or transformer then ends::

    bus_4 ──switch_3── bus_4/line_7 ──line_7── bus_5

What is read as what:

- external grids, and generators that are the slack, are sources; other generators, storage, shunts and wards are left out
- one load is one customer (``p_mw`` × ``scaling``, in kW); an asymmetric load has the phases that it draws from
- a three-winding transformer is a bank of two that share the primary node, ``trafo3w_0_mv`` and ``trafo3w_0_lv``
- impedances, DC lines and series compensators (TCSC) pass power: they are read as lines
- switches: CB is a breaker, LBS a load-break switch, DS a disconnector, fuse a fuse, anything else a switch
- the vector group of a transformer, or of its type, gives its connection; wye-wye where neither has one
- a line or transformer out of service is kept behind a normally open switch, ``line_7_isolator``, since in published networks
  that is how ties are written; anything else out of service, and all that stands at a bus out of service, is not there
- feeders are numbered in the order in which lines leave the sources' busbars (`geo.formats.normal_state.feeder_of_nodes`)
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import shapely

from geo.formats.assemble import assemble
from geo.formats.normal_state import Frames, busbar_nodes, feeder_of_nodes
from geo.formats.pandapower.parts import customers, lines, sources, transformers
from geo.formats.pandapower.switches import isolators, switches
from geo.raw import SourceError
from geo.schema import GridTables

UNREADABLE = ("vsc", "b2b_vsc", "line_dc")
"""Tables of networks behind converters, which supply in ways that our tables cannot say."""


def tables_from_net(net: Any, *, geographic: bool) -> GridTables:
    """Return the tables of a pandapower net; ``geographic`` says that its coordinates are longitude and latitude.

    Without it nothing has a place. Raises SourceError where the net has no source, or networks behind converters.
    """
    _refuse_unreadable(net)
    switched, ends = switches(net)
    isolated, moved = isolators(net, ends)
    ends |= moved
    frames = {
        "sources": sources(net),
        "lines": lines(net, ends),
        "switches": pd.concat([switched, isolated], ignore_index=True),
        "transformers": transformers(net, ends),
        "customers": customers(net),
    }
    if geographic:
        frames["lines"]["geometry"] = _courses(net, frames["lines"]["id"])
    places = _places(net, frames) if geographic else pd.DataFrame(columns=["x", "y"], dtype="float64")
    return assemble(frames, feeder=feeder_of_nodes(frames, busbar_nodes(frames)), places=places)


def _refuse_unreadable(net: Any) -> None:
    there = [name for name in UNREADABLE if len(net.get(name, ()))]
    if there:
        raise SourceError(
            "A pandapower net with networks behind converters cannot be read.",
            f"Given: rows in {', '.join(there)}.",
            "Put an external grid at each bus that they feed, drop them, and read the net again.",
        )
    if sources(net).empty:
        raise SourceError(
            "A pandapower net without a source cannot be read.",
            "Given: no external grid and no slack generator in service.",
            "Add one at the bus that is fed from above, and read the net again.",
        )


def _places(net: Any, frames: Frames) -> pd.DataFrame:
    """Return longitude and latitude by node id: those of the bus, for the auxiliary nodes at it as well."""
    points = pd.Series(shapely.from_geojson(net.bus["geo"].to_numpy(dtype=object)), index="bus_" + net.bus.index.astype(str))
    devices = pd.concat([frames[name][["from_node", "to_node"]] for name in ("lines", "switches", "transformers")])
    nodes = pd.unique(pd.concat([points.index.to_series(), devices["from_node"], devices["to_node"]]))
    at = points.reindex(pd.Index(nodes).str.split("/").str[0]).to_numpy(dtype=object)
    return pd.DataFrame({"x": shapely.get_x(at), "y": shapely.get_y(at)}, index=nodes)


def _courses(net: Any, line_ids: pd.Series[str]) -> list[Any]:
    """Return the course of each line as the net gives it; None where it gives none."""
    given = dict(zip("line_" + net.line.index.astype(str), net.line["geo"], strict=True))
    texts = [given.get(line_id) for line_id in line_ids]
    return [shapely.from_geojson(text) if isinstance(text, str) else None for text in texts]
