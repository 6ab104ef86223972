"""Commands as they are typed, for tests: within this process, or in one of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from api.cli import app
from api.people.accounts import admit
from geo.write import write_tables
from outages.database import open_database
from tests.api.town import make_town

PEOPLE = {"ana": "control", "ben": "approver", "vic": "viewer", "dora": "desk", "adam": "admin"}


def run(*words: object, typed: str | None = None) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(word) for word in words], input=typed, env={"COLUMNS": "200"})


def answer(*words: object) -> Any:
    """Return what a command answers as JSON, where it succeeds."""
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def in_a_process(*words: object, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    command = [Path(sys.executable).parent / "gridnotice", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, input=typed)


def write_town(file: Path) -> Path:
    """Write the town as a network file."""
    write_tables(make_town(), file)
    return file


def open_up(url: str) -> str:
    """Make a store at ``url`` with an account for each of `PEOPLE`; return ``url``."""
    with closing(open_database(url)) as database:
        for name, role in PEOPLE.items():
            admit(database, f"test|{name}", name, role, now=datetime.now(UTC))
    return url
