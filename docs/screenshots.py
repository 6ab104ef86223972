"""Take the pictures of the README from a running demonstration: ``python -m docs.screenshots http://127.0.0.1:8000``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
BROWSER = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _control(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in?lang=en")
    page.get_by_role("button").filter(has_text="demo-control").click()
    page.goto(f"{address}/control?lang=en")
    page.fill("#open", "MV3.101-LV5.305-Trafo 1")
    page.select_option("#outage_class", "planned")
    page.fill("#reason", "line maintenance")
    page.wait_for_selector("#map .leaflet-overlay-pane canvas")
    page.wait_for_timeout(2000)  # the map glides to what it shows
    page.screenshot(path=PICTURES / "control.png")


def _public(page: Page, address: str) -> None:
    page.goto(f"{address}/map?lang=zh")
    page.wait_for_timeout(2000)
    page.screenshot(path=PICTURES / "public.png")


def main(address: str) -> None:
    """Write ``docs/pictures/*.png``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER)
        _control(browser.new_page(viewport={"width": 1280, "height": 860}), address)
        _public(browser.new_page(viewport={"width": 1280, "height": 860}), address)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
