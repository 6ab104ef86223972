"""Write the pages that follow from the code, or with ``--check`` say which are out of date.

Run as ``python -m docs.generate``: data model from `geo.schema`, settings from `api.settings`, commands from `api.cli`,
rules of notice from `notices.rulebook`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer.main

from api.cli import app
from api.settings import Settings
from geo.schema import TABLES, Column, Table
from notices.leadtime import LONGEST_LEAD, Lead
from notices.rulebook import rule_sets
from notices.rules import AUDIENCES, CHANNELS, CONTENTS, REMINDERS, Rule, RuleSet
from outages.facts import OUTAGE_CLASSES

DOCS = Path(__file__).parent


def data_model() -> str:
    """Return the page of all tables and columns."""
    text = [
        "# Data model",
        "",
        "A network is one set of tables: layers of one GeoPackage, or `<table>.csv`, `.geojson`, `.parquet` or `.shp` in one",
        "folder or zip file. **Bold** columns must be there; any other may be left out. Coordinates may come in any EPSG and are",
        "kept as longitude and latitude (WGS 84). Phases are letters: `ABC`, `B`, and `12` behind a centre-tapped transformer.",
        "Ids are unique over all lines, switches and transformers, since any of them can be opened.",
        "",
        "The tables may also be tables or views of one schema of a PostgreSQL database, with PostGIS geometries in any SRID:",
        "`postgresql://USER@HOST:5432/DATABASE?schema=SCHEMA` (the password from `PGPASSWORD` or `~/.pgpass`). They are read as",
        "of one moment, and nothing is changed there. Where columns have other names, a view of our names is enough. Rows come",
        "by their primary key, or by their id: the network version stays the same as long as the rows do.",
    ]
    for table in TABLES.values():
        text += ["", f"## `{table.name}`{' (must be there)' if table.required else ''}", "", table.says, ""]
        text += ["| column | holds | unit | where absent |", "| --- | --- | --- | --- |"]
        text += [_row(column) for column in table.columns]
        if table.geometry:
            text.append(_geometry(table))
    return "\n".join(text) + "\n"


def _row(column: Column) -> str:
    name = f"**`{column.name}`**" if column.required else f"`{column.name}`"
    says = column.says + (f" One of {', '.join(f'`{choice}`' for choice in column.choices)}." if column.choices else "")
    refers = [table for table in column.refers if table != "nodes"]  # a node needs no row of its own
    says += f" Refers to {' or '.join(f'`{table}`' for table in refers)}." if refers else ""
    absent = (
        ""
        if column.required
        else column.absent or f"`{column.default:g}`"
        if isinstance(column.default, float)
        else column.absent
    )
    if isinstance(column.default, str):
        absent = f"`{column.default}`"
    return f"| {name} | {says} | {column.unit} | {absent} |"


def _geometry(table: Table) -> str:
    name = "**`geometry`**" if table.geometry_required else "`geometry`"
    return f"| {name} | {', '.join(table.geometry)} (WKT in a CSV). | | {'' if table.geometry_required else 'not drawn'} |"


def settings() -> str:
    """Return the page of all settings."""
    text = [
        "# Settings",
        "",
        "Read from the environment once, when the service starts.",
        "",
        "| variable | what | default |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = "must be given" if field.is_required() else f"`{field.default}`"
        text.append(f"| `GRIDNOTICE_{name.upper()}` | {field.description} | {default} |")
    return "\n".join(text) + "\n"


def list_commands() -> list[tuple[str, Any]]:
    """Return every command with its name, in order; those of a group follow it, as ``store`` and ``store check``."""
    found = []
    for name, command in sorted(typer.main.get_command(app).commands.items()):  # type: ignore[attr-defined]
        found.append((name, command))
        found += [(f"{name} {below}", one) for below, one in sorted(getattr(command, "commands", {}).items())]
    return found


def commands() -> str:
    """Return the page of all commands and their options."""
    text = ["# Commands", "", inspect.cleandoc(sys.modules["api.cli"].__doc__ or "")]
    for name, command in list_commands():
        text += ["", f"## `gridnotice {name}`", "", inspect.cleandoc(command.help or "")]
        if hasattr(command, "commands"):
            continue  # a group: its commands follow
        text += ["", "| | |", "| --- | --- |"]
        for parameter in command.params:
            if parameter.name == "help":
                continue
            shown = (
                " ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.metavar or parameter.name.upper()
            )
            required = " Must be given." if parameter.required else ""
            text.append(f"| `{shown}` | {parameter.help or ''}{required} |")
    return "\n".join(text) + "\n"


def rules() -> str:
    """Return the page of all rules of notice that are shipped, and of how to write others."""
    sets = [line for rule_set in rule_sets().values() for line in _rule_set(rule_set)]
    return "\n".join([_about_rules(), *sets]) + "\n"


def _about_rules() -> str:
    return f"""\
# When notice has to be given

Rule sets are data: one TOML file for each jurisdiction in `notices/rulesets`. Every rule names where it is written and when
that was read. *Confirmed*: the passage was read. *Second-hand*: somebody else says so; look it up before you rely on it.
Nothing here is legal advice. Rules about the weather and about how soon power has to be back are not among them.

Hours have passed by any clock. Days are days of the calendar, at the same time of day in the zone of the utility. Business
days are whole ones: neither the day of the outage nor that of the notice counts. Notice at the limit itself is in time.
The desk is reminded some time before the limit ({", ".join(map(_lead, REMINDERS.values()))}, in the unit of the rule); that is
our choice, and `remind` in a rule is another.

An outage that is moved out of the times that were told has to be told anew, in time. One that is cancelled is told again to
who was told. Holidays come from the library `holidays` and need no network; in China the government decides late in a year
which weekends of the next are worked, so install a new release of the library each December.

## A rule set of your own

Its id is the name of the file: one that is shipped is replaced, another is added. All that is wrong is said at once.

| key of `[[rules]]` | what |
| --- | --- |
| **`id`** | A name within the file. |
| **`classes`** | List of {_codes(OUTAGE_CLASSES)}. |
| **`audience`** | Who has to be told: {_codes(AUDIENCES)}. `customers` is every affected one, in person. |
| `met_by` | List of audiences that may be told instead. |
| `channels` | List, any one of which will do: {_codes(CHANNELS)}. Without it: whichever. |
| **`lead`** | `{{ hours = 24 }}`, `{{ days = 7 }}` or `{{ business_days = 4 }}`, {LONGEST_LEAD} at most. |
| `remind` | How long before the limit the desk is reminded, in the same way. |
| `contains` | List of what the text has to say: {_codes(CONTENTS)}. |
| `over` | `{{ customers = 10, hours = 5 }}`: only for more customers, or for longer; either is enough. |
| `about` | `outage`, or `cancellation`, which has no `lead`. |
| `strength` | `must`, or `should` where it says *if feasible* or *normally*. |
| `counted_from` | `issue`, or `receipt` where notice counts from when it is received. |
| `note` | A sentence for the desk. |
| **`source`**, **`read`** | Where it is written; the year, month or day that was read. |
| **`mark`** | `confirmed` or `second_hand`. |

Beside its rules a set has a **`title`**, **`holidays`** (codes such as `CN` and `AU-VIC`; a day on which any of them rests is
no business day), `business_day` (the definition in words) and `[major]`: more `outages` at once, or more `hours` without
power in all, need a higher approver."""


def _rule_set(rule_set: RuleSet) -> list[str]:
    text = [
        "",
        f"## `{rule_set.id}`: {rule_set.title}",
        "",
        f"Holidays: {_codes(rule_set.holidays)}. {rule_set.business_day}".strip(),
    ]
    text += ["", "| rule | classes | told | by | when | text says | source |", "| --- | --- | --- | --- | --- | --- | --- |"]
    text += [_rule(rule) for rule in rule_set.rules]
    if (major := rule_set.major) is not None:
        text += [
            "",
            f"More than {major.outages} outages at once, or {major.hours:g} hours: a higher approver. {major.source.text}.",
        ]
    return text


def _rule(rule: Rule) -> str:
    when = f"{_lead(rule.lead)} before" if rule.lead else "at once, where it was told"
    when += "".join(f"{' or' if place else '; over'} {limit:g} {what}" for place, (limit, what) in enumerate(_limits(rule)))
    when += "" if rule.strength == "must" else "; *should*"
    source = f"{rule.source.text}; {rule.source.mark.replace('_', '-')}, read {rule.source.read}. {rule.note}".strip()
    told, by = " or ".join(f"`{one}`" for one in rule.told), _codes(rule.channels) or "any"
    return f"| `{rule.id}` | {_codes(rule.classes)} | {told} | {by} | {when} | {_codes(rule.contains)} | {source} |"


def _limits(rule: Rule) -> list[tuple[float, str]]:
    over = rule.over
    pairs = [(over.customers, "customers"), (over.hours, "h")] if over else []
    return [(limit, what) for limit, what in pairs if limit is not None]


def _lead(lead: Lead) -> str:
    unit = lead.unit.replace("_", " ")
    return f"{lead.count} {unit if lead.count != 1 else unit.removesuffix('s')}"


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


PAGES = {"data-model.md": data_model, "settings.md": settings, "commands.md": commands, "rules.md": rules}


def main(arguments: list[str]) -> int:
    """Write all pages; with ``--check`` only compare, and return 1 where one is out of date."""
    stale = []
    for name, make in PAGES.items():
        page, text = DOCS / name, make()
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            page.write_text(text, encoding="utf-8")
    if "--check" in arguments and stale:
        sys.stderr.write(f"Out of date: {', '.join(stale)}. Run `make docs`.\n")
        return 1
    sys.stdout.write(f"{len(PAGES)} generated pages, {len(stale)} {'out of date' if '--check' in arguments else 'written'}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
