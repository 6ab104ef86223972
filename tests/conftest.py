"""What all tests share: the browser files, and one browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from maps.assets import install


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
