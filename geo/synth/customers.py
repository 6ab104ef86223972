"""The customers of the synthetic utility: where they live, what they use, on which phases. Nobody has a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from geo.crs import project
from geo.gazetteer.clusters import Floats, Ints, rank_within
from geo.schema import CRS, TEXT, conform
from geo.synth.plan import Flags, Texts
from geo.synth.town import Town, numbered_ids

CATEGORIES = ("residential", "commercial", "agricultural", "public", "industrial")
_SHARES = (0.885, 0.09, 0.015, 0.01, 0.0)
_SHARES_DEDICATED = (0.0, 0.35, 0.05, 0.2, 0.4)
_MEDIAN_KW = np.array([[1.2, 6.0, 4.0, 12.0, 30.0], [0.0, 150.0, 60.0, 250.0, 400.0]])
"""Median load by category: behind a public transformer, behind a dedicated one."""

_LOAD_SPREAD = 0.6
_IMPORTANT_SHARE = 0.003
_LIFE_SUPPORT_SHARE = 0.0005
_PHASES = ("A", "B", "C", "12", "ABC")
_PRIORITIES = ("none", "important", "life_support")


@dataclass(frozen=True, eq=False)
class Sites:
    """Nodes that have customers: the street nodes and the busbars of the dedicated transformers.

    ``room_m`` is the radius around the site in which no place is nearer to another site.
    """

    node: Ints
    transformer: Ints
    is_dedicated: Flags
    phases: Texts
    customers: Ints
    xy: Floats
    room_m: Floats


def sites_of(town: Town) -> Sites:
    """All sites, transformer by transformer, from west to east."""
    streets, transformers, at = town.plan.streets, town.plan.transformers, town.nodes.numbers
    dedicated = np.flatnonzero(transformers.is_dedicated)
    transformer = np.concatenate([streets.transformer, dedicated])
    order = np.argsort(transformer, kind="stable")
    node = np.concatenate([at["street"], at["busbar"][dedicated]])[order]
    xy = town.nodes.xy[node]
    # Nothing is farther than this from a neighbour, were there one site only.
    distance_m = cKDTree(xy).query(xy, k=2, distance_upper_bound=60.0)[0][:, 1]
    return Sites(
        node=node,
        transformer=transformer[order],
        is_dedicated=np.concatenate([np.zeros(len(streets), dtype=np.bool_), np.ones(len(dedicated), dtype=np.bool_)])[order],
        phases=np.concatenate([streets.phases, transformers.to_phases[dedicated]])[order],
        customers=np.concatenate([streets.customers, transformers.customers[dedicated]])[order],
        xy=xy,
        room_m=np.minimum(distance_m, 60.0) / 2,
    )


def customers_of(town: Town, sites: Sites, rng: np.random.Generator) -> pd.DataFrame:
    """The table of customers, site by site."""
    site = np.repeat(np.arange(len(sites.node)), sites.customers)
    dedicated = sites.is_dedicated[site]
    category = _categories(dedicated, rng)
    x, y = _positions(town, sites, site, rng)
    load_kw = _MEDIAN_KW[dedicated.astype(np.int64), category] * rng.lognormal(sigma=_LOAD_SPREAD, size=len(site))
    columns = {
        "id": numbered_ids("C", len(site)),
        "node": town.nodes.ids.take(sites.node[site]),
        "phases": _chosen(_PHASES, _phases(sites.phases[site], category, rng)),
        "category": _chosen(CATEGORIES, category),
        "priority": _chosen(_PRIORITIES, _priorities(category, dedicated, rng)),
        "load_kw": load_kw.round(2),
        "x": x,
        "y": y,
    }
    return conform("customers", columns)


def _chosen(texts: Sequence[str], codes: Ints) -> pd.api.extensions.ExtensionArray:
    return pd.array(list(texts), dtype=TEXT).take(codes)


def _categories(dedicated: Flags, rng: np.random.Generator) -> Ints:
    drawn = rng.random(len(dedicated))
    shares = np.cumsum([_SHARES, _SHARES_DEDICATED], axis=1)[:, :-1]
    public = np.searchsorted(shares[0], drawn, side="right")
    return np.where(dedicated, np.searchsorted(shares[1], drawn, side="right"), public)


def _phases(site_phases: Texts, category: Ints, rng: np.random.Generator) -> Ints:
    """Homes at a node with three phases have one of them; the others have all. Elsewhere all that there is."""
    numbers = {phases: number for number, phases in enumerate(_PHASES)}
    there = pd.Series(site_phases).map(numbers).to_numpy(dtype=np.int64)
    one = (there == numbers["ABC"]) & (category == CATEGORIES.index("residential"))
    return np.where(one, rng.integers(3, size=len(there)), there)


def _priorities(category: Ints, dedicated: Flags, rng: np.random.Generator) -> Ints:
    """Important ones are not homes, and more often have a transformer of their own; life support is at home."""
    home = category == CATEGORIES.index("residential")
    priority = np.zeros(len(category), dtype=np.int64)
    lot = rng.random(len(category)) / np.where(dedicated, 10.0, 1.0)
    for number, share, who in ((1, _IMPORTANT_SHARE, ~home), (2, _LIFE_SUPPORT_SHARE, home)):
        candidates = np.flatnonzero(who)
        wanted = max(1, round(share * len(category)))
        priority[candidates[np.argsort(lot[candidates], kind="stable")[:wanted]]] = number
    return priority


def _positions(town: Town, sites: Sites, site: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Longitude and latitude: on both sides of the street, one house after the other, nearer to no other site.

    A house is at most 0.79 of the room along the street and 0.6 of it off the street: within the circle.
    """
    rank, houses = rank_within(site), (sites.customers[site] + 1) // 2
    along = ((rank // 2 + 0.5) / houses - 0.5) * 1.58
    off = (1 - 2 * (rank % 2)) * rng.uniform(0.4, 0.6, size=len(site))
    street = town.bend.streetwards(town.nodes.grid_xy[sites.node])
    room = sites.room_m[:, None]
    ahead, left = (street * room)[site], (np.column_stack([-street[:, 1], street[:, 0]]) * room)[site]
    xy = sites.xy[site] + along[:, None] * ahead + off[:, None] * left
    return project(xy[:, 0], xy[:, 1], source=town.crs, target=CRS)
