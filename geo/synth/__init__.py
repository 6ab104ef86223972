"""A seeded generator of a town-like utility of any size, from ten customers to millions.

About 2,400 customers and 40 transformers a feeder, 60 customers a transformer, 16 a low-voltage node, 12 feeders a
substation; sectionalisers and reclosers along the trunks, fused laterals (one third of them single-phase), normally open
ties between the ends of neighbouring trunks, and 2 % of the closed devices on loops. Everything is invented: the network, its
places, its addresses. Customers have no names, telephone numbers or e-mail addresses.
"""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.cells import cells_around, dissolve
from geo.crs import project, project_geometries
from geo.gazetteer import lay_places
from geo.schema import CRS, GridTables, conform
from geo.synth.customers import Sites, customers_of, sites_of
from geo.synth.devices import lines_of, switches_of, transformers_of
from geo.synth.town import Town, found_town, numbered_ids

Progress = Callable[[float, str], None]

_AREA_REACH_M = 120.0


def synthesize(customers: int, seed: int, *, progress: Progress | None = None) -> GridTables:
    """Make a whole network of exactly ``customers`` customers; the same number and seed make the same network.

    Parameters
    ----------
    progress
        Called with the share of the work that is done, from 0 to 1, and with what comes next.

    Raises
    ------
    ValueError
        Fewer than ten customers are asked for.
    """
    say = progress or (lambda _done, _next: None)
    rng = np.random.default_rng(seed)
    say(0.0, "network")
    town = found_town(customers, rng)
    say(0.02, "customers")
    sites = sites_of(town)
    served = customers_of(town, sites, rng)
    say(0.3, "devices")
    network = _network(town, sites, served)
    say(0.55, "places and addresses")
    placed = lay_places(network, seed=seed)
    say(1.0, "done")
    return placed


def _network(town: Town, sites: Sites, served: pd.DataFrame) -> GridTables:
    load_kw = np.zeros(len(town.plan.transformers))
    np.add.at(load_kw, np.repeat(sites.transformer, sites.customers), served["load_kw"].to_numpy())
    transformers = transformers_of(town, load_kw)
    return GridTables(
        sources=_sources(town),
        lines=lines_of(town),
        switches=switches_of(town),
        transformers=transformers,
        customers=served,
        service_areas=_service_areas(town, sites, transformers),
        places=gpd.GeoDataFrame(conform("places", {"id": [], "kind": [], "name": []})),
        nodes=_nodes(town),
    )


def _sources(town: Town) -> pd.DataFrame:
    """One source a substation, at its 10 kV busbar: the network above is not part of the model."""
    bus = town.nodes.numbers["bus"]
    nodes = _nodes(town).iloc[bus]
    names = [f"{name}变电站" for name in town.substation_names]
    columns = {"node": nodes["id"].array, "name": names, "x": nodes["x"].array, "y": nodes["y"].array}
    return conform("sources", {"id": numbered_ids("S", len(bus)), **columns})


def _nodes(town: Town) -> pd.DataFrame:
    x, y = project(*town.nodes.xy.T, source=town.crs, target=CRS)
    return conform("nodes", {"id": town.nodes.ids, "x": x, "y": y})


def _service_areas(town: Town, sites: Sites, transformers: pd.DataFrame) -> gpd.GeoDataFrame:
    """For each public transformer the cells of its sites, dissolved: what is nearer to them than to any other site."""
    public = np.flatnonzero(~town.plan.transformers.is_dedicated)
    number = np.full(len(town.plan.transformers), -1, dtype=np.int64)
    number[public] = np.arange(len(public))
    cells = cells_around(sites.xy, reach_m=_AREA_REACH_M)
    areas = project_geometries(dissolve(cells, number[sites.transformer], len(public)), source=town.crs, target=CRS)
    columns = {"transformer_id": transformers["id"].array.take(public), "geometry": areas}
    return gpd.GeoDataFrame(conform("service_areas", columns))
