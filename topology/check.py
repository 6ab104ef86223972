"""What must be true of a network as a whole: everyone is supplied in the normal state, every transformer supplies someone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.schema import Problem
from topology.network import Network


def check_supply(network: Network) -> tuple[Problem, ...]:
    """Return what is odd about the supply in the normal state; all are warnings, no row is taken out.

    A customer who has no supply in the normal state can never be found affected, so each of them is named.
    """
    customers, transformers = network.tables.customers, network.tables.transformers
    supplied = network.supplied_phases
    named = customers["phases"].notna().to_numpy()
    found = (
        _warn(
            customers["id"][supplied == 0],
            "customers.node",
            "no source supplies it in the normal state",
            "Close or add the device that is missing on its path, or the source; until then no outage can name these customers.",
        ),
        _warn(
            customers["id"][named & (supplied != 0) & (supplied != network.customer_phases)],
            "customers.phases",
            "not all phases of the customer are supplied in the normal state",
            "Correct the phases of the customer, or of a device on its path.",
        ),
        _warn(
            transformers["id"][~np.isin(np.arange(len(transformers)), network.transformer_of_customer)],
            "transformers.id",
            "supplies no customer in the normal state",
            "Add its customers, or leave it if it feeds other transformers or stands by.",
        ),
    )
    return tuple(problem for problem in found if problem.ids)


def _warn(ids: pd.Series[str], where: str, rule: str, fix: str) -> Problem:
    table, column = where.split(".")
    return Problem(table, column, rule, tuple(ids), fix, severity="warning")
