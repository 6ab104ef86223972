"""What the command line says: networks and impacts as text for a terminal, or as JSON for a script."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.intake import Intake
from api.lists import affected_csv, affected_features
from api.schemas import impact_out
from api.telling import book_of
from notices.scope import write_scope
from outages.facts import FactProblem, FactsError, Operation, Switching, switching_to_json
from outages.impact import Impact
from topology.network import Network


def switching_of(network: Network, open_: list[str], close: list[str], fault: list[str]) -> Switching:
    """Return the switching that the words of a command name: ``ID``, or ``ID:B`` for some phases of a device."""
    return Switching(
        open=tuple(operation_of(network, word) for word in open_),
        close=tuple(operation_of(network, word) for word in close),
        fault=tuple(fault),
    )


def operation_of(network: Network, word: str) -> Operation:
    """Return the operation that a word of a command names: ``ID``, or ``ID:B`` for some phases of a device."""
    device, colon, phases = word.rpartition(":")
    return Operation(device, phases) if colon and network.has_device(device) and not network.has_device(word) else Operation(word)


def intake_text(intake: Intake) -> str:
    """Return what was read and what is wrong with it, the gravest first."""
    order = {"fatal": 0, "error": 1, "warning": 2}
    problems = sorted(intake.problems, key=lambda problem: order[problem.severity])
    lines = [f"{problem.severity:8}{problem}" for problem in problems]
    set_aside = ", ".join(f"{len(rows)} of {name}" for name, rows in intake.quarantined.items() if len(rows))
    lines.append(f"Rows set aside: {set_aside or 'none'}")
    if intake.network is None:
        return "\n".join([*lines, "The network was refused."])
    tables = ", ".join(f"{len(table):,} {name.replace('_', ' ')}" for name, table in intake.network.tables.items() if len(table))
    return "\n".join([*lines, f"Network {intake.network.version[:12]}: {tables}"])


def intake_json(intake: Intake) -> str:
    """Return the same as JSON, with every quarantined row and why it was set aside."""
    return _json(
        {
            "source": intake.source,
            "refused": intake.network is None,
            "network_version": intake.network.version if intake.network else None,
            "rows": {name: len(table) for name, table in intake.network.tables.items()} if intake.network else {},
            "problems": [
                {
                    "severity": problem.severity,
                    "table": problem.table,
                    "column": problem.column,
                    "rule": problem.rule,
                    "ids": problem.ids,
                    "fix": problem.fix,
                }
                for problem in intake.problems
            ],
            "quarantined": {
                name: [
                    {str(column): None if cell is None or cell != cell else str(cell) for column, cell in row.items()}  # noqa: PLR0124 - NaN
                    for row in rows.to_dict("records")
                ]
                for name, rows in intake.quarantined.items()
                if len(rows)
            },
        }
    )


def impact_as(form: str, impact: Impact) -> str:
    """Return an impact as ``text``, ``json``, ``csv`` or ``geojson``."""
    match form:
        case "json":
            return impact_json(impact)
        case "csv":
            return affected_csv(impact).decode()
        case "geojson":
            return _json(affected_features(impact))
    return impact_text(impact)


def impact_json(impact: Impact) -> str:
    """Return an impact with the ids of everyone affected."""
    ids = impact.network.tables.customers["id"].to_numpy(dtype=object)
    return _json(
        impact_out(impact).model_dump()
        | {
            "switching": switching_to_json(impact.switching),
            "out": ids[impact.out].tolist(),
            "partial": ids[impact.partial].tolist(),
            "transferred": ids[impact.transferred].tolist(),
            "cut_by": dict(zip(ids[impact.affected].tolist(), impact.cut_by, strict=True)),
            "transformers": impact.network.tables.transformers["id"].iloc[impact.transformers].tolist(),
        }
    )


def impact_text(impact: Impact) -> str:
    """Return an impact as a dispatcher reads it."""
    counts = impact.counts
    cutters = Counter(impact.cut_by)
    rows = [
        ("Opened", _devices(impact.switching.open)),
        ("Closed", _devices(impact.switching.close)),
        ("Fault at", ", ".join(impact.switching.fault)),
        ("Cleared by", ", ".join([*impact.cleared_by, *(f"the supply above {node}" for node in impact.dead_sources)])),
        ("Customers affected", f"{counts.customers:,} ({counts.out:,} without supply, {counts.partial:,} on some phases)"),
        ("  life support", f"{counts.life_support:,}"),
        ("  important", f"{counts.important:,}"),
        ("Load", f"{counts.load_kw:,.0f} kW"),
        ("Transformers", f"{counts.public_transformers:,} public, {counts.dedicated_transformers:,} dedicated"),
        ("Feeders", ", ".join(impact.feeders)),
        ("Moved to another feeder", f"{counts.transferred:,}" if counts.transferred else ""),
        ("Cut by", ", ".join(f"{device or 'the source'} ({count:,})" for device, count in cutters.most_common(5))),
    ]
    if counts.customers:
        rows.append(("Where", write_scope(book_of(impact.network), impact.affected, language="en").text))
    return "\n".join(f"{label:<24}{value}" for label, value in rows if value)


def read_time(field: str, text: str, zone: str) -> datetime:
    """Return the moment that ``text`` (ISO 8601) names; without an offset it is taken in ``zone``. Raises FactsError.

    >>> read_time("start", "2026-05-01T08:30", "Asia/Shanghai").isoformat()
    '2026-05-01T08:30:00+08:00'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        says = f"{text!r} is no date and time. Write 2026-05-01T08:30, or add an offset: 2026-05-01T08:30+08:00."
        raise FactsError(FactProblem(field, "time_unreadable", says)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _devices(operations: tuple[Operation, ...]) -> str:
    return ", ".join(
        f"{operation.device}:{operation.phases}" if operation.phases else operation.device for operation in operations
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
