"""What the tests of the maps share: a town, the browser files, a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from maps.assets import install
from tests.maps.town import make_town
from topology.network import Network


@pytest.fixture(scope="session")
def town() -> Network:
    """Six transformers with 40, 12, 6, 3, 30 and 20 customers."""
    return make_town((40, 12, 6, 3, 30, 20))


@pytest.fixture(scope="session", autouse=True)
def browser_files() -> None:
    """Install what the pages load; does nothing when it is there."""
    install()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    path = shutil.which("chromium")
    assert path, "these tests open pages in Chromium: apt-get install chromium fonts-noto-cjk"
    switches = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    switches += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=switches)
        yield browser
        browser.close()
