"""The networks that come with pandapower → our tables.

What becomes of the parts of a net, and how they are called, is said in `geo.formats.pandapower.net`.
"""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from geo.formats.pandapower.net import tables_from_net
from geo.raw import SourceError
from geo.schema import GridTables

GEOGRAPHIC = ("mv_oberrhein", "lv_schutterwald")
"""Networks whose coordinates are places on earth (WGS 84). Those of all others are a drawing, and are not read."""


def read_pandapower(name: str) -> GridTables:
    """Return the network that a function of ``pandapower.networks`` makes, for instance ``mv_oberrhein``.

    Raises SourceError where the package pandapower is absent, it has no network of that name, or the network has parts that
    cannot be read.
    """
    try:
        from pandapower import networks  # noqa: PLC0415 - an extra of several hundred MB, wanted only here
    except ImportError as error:
        raise SourceError(
            f"pandapower:{name} needs the package pandapower, which is not installed.",
            f"Python said: {error}.",
            'Run `make test` in a checkout, or `pip install "gridnotice[simbench]"`.',
        ) from error
    makers = _makers(networks)
    if name not in makers:
        near = ", ".join(difflib.get_close_matches(name, makers, n=3, cutoff=0))
        raise SourceError("pandapower has no such network.", f"Given: {name!r}.", f"The nearest of its {len(makers)} are {near}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandapower warns about its own stored files; nobody here can mend those
        net = makers[name]()
    return tables_from_net(net, geographic=name in GEOGRAPHIC)


def _makers(networks: Any) -> dict[str, Callable[[], Any]]:
    """Return the functions of ``pandapower.networks`` that make a network and ask for nothing."""
    return {
        name: function
        for name, function in inspect.getmembers(networks, inspect.isfunction)
        if function.__module__.startswith("pandapower.networks.") and not name.startswith("_") and _asks_nothing(function)
    }


def _asks_nothing(function: Callable[..., Any]) -> bool:
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in optional for p in inspect.signature(function).parameters.values())
