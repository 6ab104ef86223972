"""Rules about the cells of one row, and about the ids of one table.

What is safe decides what happens to a row with a bad cell. A customer or device that is set aside can no longer be found
affected, so a row is only set aside where it cannot be placed in the network at all: no id, no node, no switch state.
Everything else is said, and the cell is taken in the way that rather finds too many affected than too few.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geo.files.columns import Mask, as_arrow, as_choice, as_numbers, as_phases, as_text, codes_of, mask_of
from geo.rules.draft import Draft, Finding, Rows, found
from geo.schema import DEVICE_TABLES, PHASE_LETTERS, TABLES, Column

STAND_INS = {
    # Not known to clear faults, so that a fault is cleared farther upstream and more customers are found.
    ("switches", "kind"): "switch",
    ("transformers", "ownership"): "public",
    ("customers", "category"): "unknown",
}
"""What is taken for a mandatory cell that is empty or bad where the row is worth more than the cell."""


def clean_columns(table: str, raw: pd.DataFrame) -> tuple[Draft, list[Finding]]:
    """Return the draft of a raw table (x, y as they were given) and what is wrong with single cells."""
    cells: dict[str, Any] = {}
    findings: list[Finding] = []
    draft = Draft(table, raw, cells, np.ones(len(raw), dtype=np.bool_))
    for column in TABLES[table].columns:
        if column.name in raw.columns:
            cells[column.name], said = _clean_column(draft, column)
            findings += said
    return draft, findings


def _clean_column(draft: Draft, column: Column) -> tuple[Any, list[Finding]]:
    given = draft.raw[column.name]
    if column.kind == "number":
        return _clean_numbers(draft, column)
    text, broken = as_text(given)
    says = (column.name, "has line breaks or control characters", "They were taken as spaces; write the cell on one line.")
    findings = found(broken, draft, says, then="keep")
    bad = np.zeros(len(text), dtype=np.bool_)
    absent = mask_of(pc.is_null(as_arrow(text)))
    if column.kind == "choice":
        text, bad = as_choice(text, column.choices)
        findings += _bad(bad, draft, column, ("is not one of the words allowed", f"Write one of {', '.join(column.choices)}."))
    elif column.kind == "phases":
        text, bad = as_phases(text)
        fix = f"Write letters out of {PHASE_LETTERS}, each at most once, without the neutral."
        findings += _bad(bad, draft, column, ("is no list of phases", fix))
    if column.required:
        findings += _bad(absent, draft, column, ("is empty", "Fill it in."))
    return text, findings


def _clean_numbers(draft: Draft, column: Column) -> tuple[Any, list[Finding]]:
    values, bad = as_numbers(draft.raw[column.name])
    # x and y may be in metres here: the CRS is that of the source.
    unit = f" ({column.unit})" if column.unit and column.name not in ("x", "y") else ""
    findings = _bad(bad, draft, column, ("is no number", f"Write a number{unit} with a point for decimals."))
    if column.name not in ("x", "y"):
        negative = values < 0
        findings += _bad(negative, draft, column, ("is negative", f"Write a number{unit} that is 0 or more."))
    return values, findings


def _bad(mask: Mask, draft: Draft, column: Column, says: tuple[str, str]) -> list[Finding]:
    """Return the finding about bad cells of ``column``, with what its rows are worth without the cell."""
    rule, fix = says
    stand_in = STAND_INS.get((draft.table, column.name))
    if stand_in is not None:
        what = {"then": "replace", "value": stand_in}
        return found(mask, draft, (column.name, rule, f"{fix} Until then {stand_in!r} was taken."), **what)
    if column.required:
        return found(mask, draft, (column.name, rule, f"{fix} The row was set aside."))
    taken = "The cell was taken as empty." if column.default is None else f"Until then {column.default} was taken."
    return found(mask, draft, (column.name, rule, f"{fix} {taken}"), then="empty")


def same_ends(draft: Draft) -> list[Finding]:
    """A device joins two nodes; one whose ends are the same opens nothing, and a count of 0 behind it would be a lie."""
    start, end = draft.text("from_node"), draft.text("to_node")
    if start is None or end is None:
        return []
    same = mask_of(pc.equal(as_arrow(start), as_arrow(end)))
    fix = "Give the node at the other end. The row was set aside."
    return found(same, draft, ("to_node", "is the same node as from_node", fix))


def phase_pairs(draft: Draft) -> list[Finding]:
    """The k-th phase is joined to the k-th, so both ends have as many; behind other connections than wye_wye they need not."""
    start, end = draft.text("from_phases" if draft.table == "transformers" else "phases"), draft.text("to_phases")
    if draft.table not in DEVICE_TABLES or end is None:
        return []
    there = pc.utf8_length(as_arrow(end))
    # Absent phases are ABC.
    here = pc.fill_null(pc.utf8_length(as_arrow(start)), 3) if start is not None else pa.scalar(3)
    differs = mask_of(pc.not_equal(there, here))
    connection = draft.text("connection")
    if connection is not None:
        differs &= ~mask_of(pc.not_equal(as_arrow(connection), "wye_wye"))
    fix = "Write as many letters at both ends. Until then the same letters were taken at both."
    return found(differs, draft, ("to_phases", "has another number of phases than the other end", fix), then="empty")


def repeated_ids(draft: Draft) -> list[Finding]:
    """An id names one row of its table; the first one keeps it."""
    column = "transformer_id" if draft.table == "service_areas" else "id"
    ids = draft.text(column)
    if ids is None:
        return []
    rows = np.flatnonzero(draft.kept)
    repeated = rows[_repeats(codes_of(ids)[0][rows])]
    fix = "Give each row an id of its own. The first row was kept, this one set aside."
    return _of_rows(draft, repeated, (column, "is the same as in an earlier row", fix))


def ids_of_other_devices(draft: Draft, earlier: list[Draft]) -> list[Finding]:
    """An id names one device of the network, since any of them can be opened."""
    ids = draft.text("id")
    findings: list[Finding] = []
    for other in earlier:
        others = other.text("id")
        if ids is None or others is None:
            continue
        taken = mask_of(pc.is_in(as_arrow(ids), value_set=as_arrow(others).filter(other.kept))) & draft.kept
        fix = f"Give one of them another id. The row of {other.table} was kept, this one set aside."
        findings += found(taken, draft, ("id", f"is the id of a row of {other.table} too", fix))
    return findings


def _repeats(codes: Rows) -> Mask:
    """Return where a code (not −1) has been before."""
    _, first = np.unique(codes, return_index=True)
    again = np.ones(len(codes), dtype=np.bool_)
    again[first] = False
    return again & (codes >= 0)


def _of_rows(draft: Draft, rows: Rows, says: tuple[str, str, str]) -> list[Finding]:
    mask = np.zeros(len(draft.kept), dtype=np.bool_)
    mask[rows] = True
    return found(mask, draft, says)
