"""Networks on the ground for tests of places: nodes and customers by metres east and north of one point."""

from typing import Any

import numpy as np

from geo.schema import GridTables
from tests.grids import tables

METRE = 1e-5
"""Degrees, near enough at the equator."""


def customer(number: int, node: str, at: tuple[float, float] | None = None) -> dict[str, Any]:
    position = {} if at is None else {"x": 120 + at[0] * METRE, "y": at[1] * METRE}
    return {"id": f"C{number}", "node": node, "category": "residential", **position}


def node(name: str, at: tuple[float, float]) -> dict[str, Any]:
    return {"id": name, "x": 120 + at[0] * METRE, "y": at[1] * METRE}


def scattered(sites: int, customers: int, seed: int) -> GridTables:
    """Nodes anywhere in a square kilometre, a chain of lines, customers at the nodes."""
    rng = np.random.default_rng(seed)
    nodes = [node(f"n{k}", tuple(xy)) for k, xy in enumerate(rng.uniform(0, 1000, (sites, 2)).tolist())]
    lines = [{"id": f"L{k}", "from_node": f"n{k}", "to_node": f"n{k + 1}"} for k in range(sites - 1)]
    served = [customer(k, f"n{at}") for k, at in enumerate(rng.integers(sites, size=customers).tolist())]
    return tables(nodes=nodes, lines=lines, customers=served)


def wired(networks: int, customers: int, seed: int, *, beside: bool = False) -> GridTables:
    """Low-voltage networks on a square, each behind a transformer: a tree of lines of some ten metres, up to 16 customers a node.

    ``beside``: the customers stand on both sides of their nodes and not at them.
    """
    rng = np.random.default_rng(seed)
    nodes, lines, units, served = [], [], [], []
    for number in range(networks):
        at = [rng.uniform(0, 200.0 * networks**0.5, 2)]
        for leaf in range(1, int(rng.integers(2, 20))):
            before = int(rng.integers(max(0, leaf - 3), leaf))
            at.append(at[before] + rng.normal(0, 15, 2))
            lines.append({"id": f"L{number}-{leaf}", "from_node": f"n{number}-{before}", "to_node": f"n{number}-{leaf}"})
        nodes += [node(f"n{number}-{k}", tuple(xy)) for k, xy in enumerate(np.array(at).tolist())]
        units.append({"id": f"T{number}", "from_node": "mv", "to_node": f"n{number}-0", "ownership": "public"})
        for _ in range(max(1, customers // networks)):
            at_node = int(rng.integers(len(at)))
            aside = tuple((at[at_node] + rng.normal(0, 6, 2)).tolist()) if beside else None
            served.append(customer(len(served), f"n{number}-{at_node}", aside))
    return tables(sources=[{"id": "S", "node": "mv"}], nodes=nodes, lines=lines, transformers=units, customers=served)
