"""One table on its way from raw to checked, and what the rules find in it.

A rule is a function that looks at a `Draft` and returns `Finding`s; it changes nothing. What a finding does to its rows is
said in the finding and done in one place, `settle`::

    raw rows ──clean──▶ Draft ──rule──▶ [Finding] ──settle──▶ Draft ──rule──▶ …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.files.columns import Mask, put
from geo.schema import TABLES, Problem

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Finding:
    """Rows of one table that break one rule, and what is done with them.

    Parameters
    ----------
    rows
        Positions in the raw table.
    then
        ``quarantine``: the row is set aside. ``empty``: the row stays, this cell is taken as empty. ``replace``: the row
        stays, the cell becomes ``value``. ``keep``: the row stays as it is, and the finding is a warning.
    value
        One text for all rows, or one for each; None is empty.
    causes
        For each row what lies behind it ("lines L7"), where that is not in the row itself.
    """

    table: str
    column: str
    rule: str
    rows: Rows
    fix: str
    then: Literal["quarantine", "empty", "replace", "keep"] = "quarantine"
    value: Any = None
    causes: Sequence[str] = ()

    @property
    def breaks_row(self) -> bool:
        """Tell whether something is broken that a row cannot do without: this counts against the limit."""
        columns = {column.name: column for column in TABLES[self.table].columns}
        mandatory = self.column in columns and columns[self.column].required
        return self.then == "quarantine" or (self.then == "replace" and mandatory)


@dataclass(frozen=True)
class Draft:
    """The clean cells of a table, row for row beside the raw ones.

    ``cells`` has every column of the schema that the source has, text as `geo.schema.TEXT` and numbers as float64, x and y
    and ``geometry`` (objects) in WGS 84. ``kept`` says which rows are still in.
    """

    table: str
    raw: pd.DataFrame
    cells: Mapping[str, Any]
    kept: Mask
    findings: tuple[Finding, ...] = ()

    def text(self, column: str) -> pd.Series[Any] | None:
        """Return the clean text of a column, or None where the source does not have it."""
        found: pd.Series[Any] | None = self.cells.get(column)
        return found

    def names(self, rows: Rows) -> tuple[str, ...]:
        """Return the ids of ``rows`` as people look them up; "row 7" (counted from 1) where there is none."""
        key = self.cells.get("transformer_id" if self.table == "service_areas" else "id")
        found = [None] * len(rows) if key is None else key.iloc[rows].tolist()
        return tuple(name if isinstance(name, str) else f"row {row + 1}" for name, row in zip(found, rows, strict=True))


def settle(draft: Draft, findings: Sequence[Finding]) -> Draft:
    """Return ``draft`` after what the findings say is done: rows set aside, cells emptied or replaced."""
    cells, kept = dict(draft.cells), draft.kept.copy()
    for finding in findings:
        if finding.then == "quarantine":
            kept[finding.rows] = False
        elif finding.then in ("empty", "replace"):
            # A place is one thing: without its x there is no y.
            for column in ("x", "y") if finding.column in ("x", "y") else (finding.column,):
                cells[column] = put(cells[column], finding.rows, finding.value)
    return replace(draft, cells=cells, kept=kept, findings=(*draft.findings, *findings))


def problem_of(draft: Draft, finding: Finding) -> Problem:
    """Return the finding as it is reported: by ids."""
    severity: Literal["error", "warning"] = "warning" if finding.then == "keep" else "error"
    return Problem(finding.table, finding.column, finding.rule, draft.names(finding.rows), finding.fix, severity)


def found(mask: Mask, draft: Draft, says: tuple[str, str, str], **done: Any) -> list[Finding]:
    """Return one finding (column, rule, fix) about the rows of ``mask``, or none where there are none."""
    if not mask.any():
        return []
    column, rule, fix = says
    return [Finding(draft.table, column, rule, np.flatnonzero(mask), fix, **done)]
