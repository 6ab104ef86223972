"""Tables as they were read, before anything was checked, and the refusal to read them at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from geo.schema import Problem


class SourceError(ValueError):
    """A network cannot be read at all: what happened, what was given instead, and the next step, in one text."""

    def __init__(self, what: str, given: str = "", next_step: str = "") -> None:
        super().__init__(" ".join(part for part in (what, given, next_step) if part))


@dataclass(frozen=True)
class RawTables:
    """The tables of one source with the cells, the CRS and the row order of the source.

    Parameters
    ----------
    frames
        Table by name, with the columns of `geo.schema` that the source has; a GeoDataFrame where there is a geometry.
        Points of sources, customers and nodes are the columns x and y.
    problems
        What reading itself has to say.
    origin
        Where they come from, as it is shown to people.
    crs
        CRS of the x, y or geometry of each table; a table that is not named is in the CRS of its GeoDataFrame, or in WGS 84.
    damaged
        Rows that have no place in their table, such as a CSV line with a cell too many: what could be told of their cells,
        and a column ``why``.
    """

    frames: Mapping[str, pd.DataFrame]
    problems: tuple[Problem, ...] = ()
    origin: str = "memory"
    crs: Mapping[str, str] = field(default_factory=dict)
    damaged: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def unknown_columns(table: str, names: list[str]) -> list[Problem]:
    """Return the warning that ``names`` are columns which the data model does not have; nothing where there are none."""
    if not names:
        return []
    rule = f"has columns that are not in the data model and were not read: {listed(names)}"
    return [Problem(table, "", rule, (), "Rename them if they hold something that is needed.", "warning")]


def listed(names: list[str]) -> str:
    """Return the first ten names as words.

    >>> listed(["lines", "nodes"])
    'lines, nodes'
    """
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "") if names else "nothing"
