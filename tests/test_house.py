"""The house itself: where its rooms are imported from, what is documented, and what must never be committed."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from docs.generate import PAGES, list_commands

ROOT = Path(__file__).parents[1]
COMMANDS = """
demo, import, check, impact, notice, map, synth, serve, isolate, why, sweep, backup, restore,
outage list, outage show, outage enter, outage revise, outage submit, outage approve, outage reject, outage off, outage stage,
outage restore, outage close, outage cancel, outage undo, outage history, outage diff, outage conflicts, outage affected,
account add, account list, account role, account disable, account enable, account password, account unlock,
token add, token list, token revoke, audit verify, audit show,
store check, store export, store load, store networks, store extract-network, store recompute,
scope read, scope write, deliver,
notices list, notices draft, notices show, notices text, notices findings, notices submit, notices approve, notices reject,
notices withdraw, notices drop, notices issue, notices messages, notices retry, notices give-up, notices to-call,
notices acknowledge, notices page
"""
FLOORS = ("geo", "topology", "outages", "notices", "maps", "api")


@pytest.mark.parametrize("room", FLOORS)
def test_each_package_is_imported_from_this_checkout(room: str) -> None:
    assert Path(importlib.import_module(room).__file__ or "").parent == ROOT / room


@pytest.mark.parametrize("page", PAGES)
def test_each_generated_page_is_up_to_date(page: str) -> None:
    assert (ROOT / "docs" / page).read_text(encoding="utf-8") == PAGES[page](), "run `make docs`"


def test_every_command_of_the_contract_is_there() -> None:
    assert {name for name, _ in list_commands()} >= {name.strip() for name in COMMANDS.split(",")}


def test_every_command_and_every_option_says_what_it_is_for() -> None:
    for name, command in list_commands():
        assert command.help, name
        for parameter in command.params:
            assert parameter.name == "help" or parameter.help, f"{name}: {parameter.name}"


def test_every_command_that_answers_does_so_as_json_too() -> None:
    silent = {"demo", "map", "serve"}
    for name, command in list_commands():
        if not hasattr(command, "commands") and name not in silent:
            assert any("--json" in parameter.opts for parameter in command.params), name


def _tracked() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_lock_file_names_a_host() -> None:
    locks = [ROOT / name for name in _tracked() if re.search(r"(requirements/.*\.txt|package-lock\.json)$", name)]
    assert len(locks) >= 3
    for lock in locks:
        addresses = re.findall(r"https?://[^\"\s]+", lock.read_text(encoding="utf-8"))
        # Funding links are the packages' own words and are not asked for anything.
        assert not [address for address in addresses if "registry" in address or "pypi" in address], lock


def test_no_third_party_code_is_tracked() -> None:
    assert not [name for name in _tracked() if "/vendor/" in name or "node_modules" in name]


def test_the_run_lock_is_a_part_of_the_test_lock() -> None:
    def pinned(name: str) -> set[str]:
        return {line.split(" ")[0] for line in (ROOT / "requirements" / name).read_text().splitlines() if "==" in line}

    assert pinned("run.txt") < pinned("test.txt")


def test_every_package_is_listed_for_the_build() -> None:
    listed = set(
        re.search(r"packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL)[1]
        .replace('"', "")
        .replace(",", " ")
        .split()
    )
    found = {
        name.rpartition("/")[0].replace("/", ".")
        for name in _tracked()
        if name.startswith(FLOORS) and name.endswith("__init__.py")
    }
    assert found == listed


def test_the_readme_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "examples" / "README.md"]:
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_browser_assets_have_a_licence_each() -> None:
    manifest = json.loads((ROOT / "maps" / "vendor" / "manifest.json").read_text())
    packages = {name.partition("/")[0] for name in manifest["files"]}
    assert all(any(name.startswith(f"{package}/LICENSE") for name in manifest["files"]) for package in packages)
