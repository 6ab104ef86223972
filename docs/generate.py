"""Write the pages that follow from the code, or with ``--check`` say which are out of date.

Run as ``python -m docs.generate``: data model from `geo.schema`, settings from `api.settings`, commands from `api.cli`.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import typer.main

from api.cli import app
from api.settings import Settings
from geo.schema import TABLES, Column, Table

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


PAGES = {"data-model.md": data_model, "settings.md": settings, "commands.md": commands}


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
