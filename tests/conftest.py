"""What all tests share: the browser files, one browser, and one database server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from maps.assets import install
from tests.circuits import IEEE123
from tests.postgres import Cluster


def _is_left_out() -> bool:
    """The circuit may be absent where somebody tries the project out; where it is built, its absence is a failure."""
    return not IEEE123.is_file() and not os.environ.get("CI")


def pytest_report_header() -> str:
    """Say aloud what is not looked at."""
    return f"The IEEE 123-node circuit is not at {IEEE123}: its tests are left out." if _is_left_out() else ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of a circuit that is not there."""
    if _is_left_out():
        left_out = [item for item in items if item.get_closest_marker("ieee123")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def browser_files() -> None:
    """Install what the pages load; does nothing when it is there."""
    install()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window; one for all, since its driver runs one loop in a process."""
    path = shutil.which("chromium")
    assert path, "these tests open pages in Chromium: apt-get install chromium fonts-noto-cjk"
    switches = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    switches += ["--lang=en-US"]  # of the browser's own parts, such as the fields for dates
    switches += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=switches)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL with PostGIS of the tests' own; with several workers each has its own."""
    server = Cluster()
    yield server
    server.remove()
