"""What every single device of a network costs, one row a device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from geo.schema import DEVICE_TABLES
from topology.index import SliceIndex
from topology.walk import SEARCH

_ROWS_BETWEEN_NEWS = 2000


def sweep(index: SliceIndex, *, progress: Callable[[float], None] | None = None) -> pd.DataFrame:
    """Return what opening each device alone, on all phases, costs in the state of ``index``.

    Columns: id, table, customers (out), partial (customers that lose some phases only), load_kw, important and life_support (of
    those out). Rows are in the order of the tables: lines, switches, transformers. ``progress`` is told the share that is done.
    """
    network = index.network
    count = len(network.device_ids)
    costs = np.zeros((count, 4))
    partial = np.zeros(count, dtype=np.int64)
    for device in range(count):
        costs[device] = index.cost(device)
        if index.behind(device) == SEARCH:
            partial[device] = len(index.search([(device, 0)])[1])
        if progress and device % _ROWS_BETWEEN_NEWS == 0:
            progress(device / count)
    tables = [name for name in DEVICE_TABLES for _ in range(len(getattr(network.tables, name)))]
    whole = {
        "customers": costs[:, 0],
        "partial": partial,
        "load_kw": costs[:, 1],
        "important": costs[:, 2],
        "life_support": costs[:, 3],
    }
    frame = pd.DataFrame({"id": network.device_ids, "table": tables, **whole})
    return frame.astype(dict.fromkeys(("customers", "important", "life_support"), np.int64))
