"""Raw tables → checked tables, quarantined rows and Problems: every rule that a network must keep, all of them at once.

No row is dropped in silence: each raw row is in the checked table or, with its original cells and the reason, among the
quarantined ones. A network that has more of these than a limit is refused as a whole, with the same report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geo.areas import check_areas
from geo.crs import parse_crs
from geo.raw import RawTables, unknown_columns
from geo.rules.cells import clean_columns, ids_of_other_devices, phase_pairs, repeated_ids, same_ends
from geo.rules.draft import Draft, Finding, problem_of, settle
from geo.rules.geometry import far_places, middle_of, place_rows
from geo.rules.references import (
    areas_of_no_transformer,
    circles_of_places,
    idle_sources,
    unknown_nodes,
    unknown_parents,
    unknown_places,
)
from geo.schema import CRS, DEVICE_TABLES, TABLES, GridTables, Problem, Table, conform

LIMIT = 0.05
"""Share of the rows of one table that may be broken before the network is refused."""

_LIMITED = (*DEVICE_TABLES, "customers")

Drafts = dict[str, Draft]


@dataclass(frozen=True)
class Checked:
    """What came of raw tables.

    Parameters
    ----------
    tables
        The checked tables; None where the network was refused.
    quarantined
        By table, the rows that were set aside: their original cells, and ``why``. The index is the position in the raw
        table, but for lines that had no place in it, which come last.
    problems
        Everything that is to be said: what reading said, then each rule that is broken.
    rows_read, rows_kept
        By table; read = kept + quarantined, always.
    """

    tables: GridTables | None
    quarantined: dict[str, pd.DataFrame]
    problems: tuple[Problem, ...]
    refused: bool
    rows_read: Mapping[str, int]
    rows_kept: Mapping[str, int]


def validate(raw: RawTables, *, limit: float = LIMIT) -> Checked:
    """Check raw tables against every rule of the data model.

    An absent optional column takes its default. Service areas are left as they are given; those that are absent can be
    derived once it is known who feeds whom, by `geo.areas.derive_areas`.

    Parameters
    ----------
    limit
        Share of the rows of a table of devices or of customers that may be broken; more refuses the network. A row is
        broken that is set aside, or that lacks a mandatory cell for which something else was taken.
    """
    fatal = _structure(raw)
    drafts, unknown = _clean(raw)
    drafts = _settle_rows(drafts)
    if not fatal:
        drafts = _settle_references(drafts)
    fatal += _over_limit(drafts, raw, limit) + _nothing_left(drafts, fatal)
    problems = [*raw.problems, *unknown]
    problems += [problem_of(draft, finding) for draft in drafts.values() for finding in draft.findings]
    quarantined = {table: rows for table, draft in drafts.items() if len(rows := _quarantined(draft, raw.damaged.get(table)))}
    tables = None if fatal else _tables(drafts)
    if tables is not None:
        problems += check_areas(tables.service_areas, tables.transformers) if _has_places(tables) else [_no_places()]
    return Checked(
        tables=tables,
        quarantined=quarantined,
        problems=(*fatal, *problems),
        refused=bool(fatal),
        rows_read={table: len(draft.kept) + len(raw.damaged.get(table, ())) for table, draft in drafts.items()},
        rows_kept={table: int(draft.kept.sum()) for table, draft in drafts.items()},
    )


def _structure(raw: RawTables) -> list[Problem]:
    """Return what is missing as a whole: tables and columns that nothing can stand in for."""
    problems = []
    for table in TABLES.values():
        frame = raw.frames.get(table.name)
        if frame is not None and len(frame):
            problems += _columns(table, frame)
        elif table.required:
            rule = "is missing" if frame is None else "has no row"
            problems.append(Problem(table.name, "", rule, (), "Add the table; a network needs it.", "fatal"))
    return problems


def _columns(table: Table, frame: pd.DataFrame) -> list[Problem]:
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    fix = "Remove or rename one of the columns."
    problems = [Problem(table.name, name, "is there twice", (), fix, "fatal") for name in twice]
    missing = {column.name: column.says for column in table.columns if column.required}
    missing |= {"geometry": table.says} if table.geometry_required else {}
    problems += [
        Problem(table.name, name, "is missing", (), f"Add the column. {says}", "fatal")
        for name, says in missing.items()
        if name not in frame.columns
    ]
    return problems


def _clean(raw: RawTables) -> tuple[Drafts, list[Problem]]:
    """Return every table with clean cells in WGS 84, and the warnings about columns that are none of ours."""
    drafts: Drafts = {}
    problems: list[Problem] = []
    for table in TABLES:
        if table not in raw.frames:
            continue
        frame = _own_columns(raw.frames[table])
        known = {"geometry", *(column.name for column in TABLES[table].columns)}
        problems += unknown_columns(table, [str(name) for name in frame.columns if name not in known])
        draft, findings = clean_columns(table, frame)
        drafts[table] = place_rows(settle(draft, findings), _crs_of(raw, table))
    return drafts, problems


def _own_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows numbered from 0, each column once, with the geometry under its own name."""
    frame = frame.loc[:, ~frame.columns.duplicated()].reset_index(drop=True)
    name = getattr(frame, "active_geometry_name", None)
    return frame if name in (None, "geometry") else frame.rename_geometry("geometry")  # type: ignore[operator, unused-ignore]


def _crs_of(raw: RawTables, table: str) -> str:
    crs = raw.crs.get(table) or getattr(raw.frames[table], "crs", None) or CRS
    return parse_crs(crs).to_string()


def _settle_rows(drafts: Drafts) -> Drafts:
    """Apply the rules about rows and ids of one table, and about ids over all devices."""
    settled: Drafts = {}
    for table, draft in drafts.items():
        done = settle(draft, [*same_ends(draft), *phase_pairs(draft)])
        done = settle(done, repeated_ids(done))
        earlier = [settled[other] for other in DEVICE_TABLES if other in settled]
        settled[table] = settle(done, ids_of_other_devices(done, earlier)) if table in DEVICE_TABLES else done
    middle = middle_of(list(settled.values()))
    if middle is None:
        return settled
    return {table: settle(draft, far_places(draft, middle)) for table, draft in settled.items()}


def _settle_references(drafts: Drafts) -> Drafts:
    """Apply the rules across tables, in the order in which one table's rows can take those of another with them."""
    drafts = _settled(drafts, "sources", idle_sources(drafts))
    drafts = _settled(drafts, "customers", unknown_nodes(drafts))
    drafts = _settled(drafts, "service_areas", areas_of_no_transformer(drafts))
    if "places" in drafts:
        drafts = _settled(drafts, "places", unknown_parents(drafts["places"]))
        drafts = _settled(drafts, "places", circles_of_places(drafts["places"]))
    return _settled(drafts, "customers", unknown_places(drafts["customers"], drafts.get("places")))


def _settled(drafts: Drafts, table: str, findings: list[Finding]) -> Drafts:
    return {**drafts, table: settle(drafts[table], findings)} if findings else drafts


def _over_limit(drafts: Drafts, raw: RawTables, limit: float) -> list[Problem]:
    problems = []
    for table in _LIMITED:
        if table not in drafts:
            continue
        broken = int(_broken(drafts[table]).sum()) + len(raw.damaged.get(table, ()))
        total = len(drafts[table].kept) + len(raw.damaged.get(table, ()))
        if broken > limit * total:
            rule = f"has {broken:,} of {total:,} rows broken ({broken / total:.1%}; the limit is {limit:.1%})"
            fix = "Mend the rows named below, or raise the limit if the network is of use without them."
            problems.append(Problem(table, "", rule, (), fix, "fatal"))
    return problems


def _broken(draft: Draft) -> Any:
    broken = ~draft.kept
    for finding in draft.findings:
        if finding.breaks_row:
            broken[finding.rows] = True
    return broken


def _nothing_left(drafts: Drafts, fatal: list[Problem]) -> list[Problem]:
    """Return the refusal of a network whose every source or customer is set aside; with these there is nobody supplied."""
    fix = "Mend the rows named below."
    return [
        Problem(table, "", "has no row left", (), fix, "fatal")
        for table in ("sources", "customers")
        if table in drafts and len(drafts[table].kept) and not drafts[table].kept.any() and not fatal
    ]


def _quarantined(draft: Draft, damaged: pd.DataFrame | None) -> pd.DataFrame:
    """Return the rows that are not kept, with their raw cells and the reason."""
    aside = np.flatnonzero(~draft.kept)
    why: dict[int, list[str]] = {int(row): [] for row in aside}
    for finding in draft.findings:
        if finding.then == "quarantine":
            said = f"{finding.column} {finding.rule}".strip()
            for number, row in enumerate(finding.rows):
                why[int(row)].append(f"{said} ({finding.causes[number]})" if finding.causes else said)
    rows = draft.raw.iloc[aside].assign(why=["; ".join(reasons) for reasons in why.values()])
    if damaged is None or damaged.empty:
        return rows
    after = damaged.set_axis(range(len(draft.kept), len(draft.kept) + len(damaged)))
    if rows.empty:
        return after
    return pd.concat([pd.DataFrame(rows).astype(object), after.astype(object)])


def _tables(drafts: Drafts) -> GridTables:
    """Return the kept rows of every table with all columns of the schema; an absent table is an empty one."""
    checked: dict[str, Any] = {}
    for table in TABLES:
        draft = drafts.get(table)
        cells: dict[str, Any] = {} if draft is None else dict(draft.cells)
        frame = pd.DataFrame({name: cells[name] for name in cells})
        kept = frame if draft is None or draft.kept.all() else frame[draft.kept]
        checked[table] = conform(table, kept)
    return GridTables(**checked)


def _has_places(tables: GridTables) -> bool:
    return any(bool(frame["x"].notna().any()) if "x" in frame else not frame.geometry.isna().all() for _, frame in tables.items())


def _no_places() -> Problem:
    fix = "Add x, y or a geometry to have maps; lists and notices need none."
    return Problem("nodes", "", "is absent, and nothing else has coordinates: there is nothing to draw", (), fix, "warning")
