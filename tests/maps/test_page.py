"""The outage page in a real browser: complete without a network, without a script, without a map, in either language and look."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import folium
import folium.plugins
import pytest
import shapely
from playwright.sync_api import Browser, Page

from maps import figure
from maps.assets import VENDOR
from maps.layers import impact_layers
from maps.page import MOST_ROWS, impact_page
from maps.sealed import OutsideAddressError, policy_of, refuse_outside, use_local
from maps.words import WORDS
from outages.facts import Operation, Switching
from outages.impact import Impact, assess
from tests.maps.town import make_town
from topology.network import Network, build_network

EVIL = "<script>pwned=1</script>\"'><img src=x onerror=pwned=1></script>{{7*7}}`${pwned=1}`"


@pytest.fixture(scope="module")
def impact(town: Network) -> Impact:
    """Everything at once: out, partial, transferred would need a tie; an opened, a cleared and a faulted device."""
    return assess(town, Switching((Operation("LN-0"), Operation("BRK-1", "B")), fault=("a5",)))


def page_of(impact: Impact, **options: Any) -> str:
    given = {"title": "Outage N-2026-1", "language": "en", **options}
    return impact_page(impact, impact_layers(impact), **given)


@dataclass
class Opened:
    """A page in the browser, and everything that went wrong on it."""

    page: Page
    faults: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture
def open_page(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open HTML from a file with every other address blocked; fails at the end if anything was asked for or went wrong."""
    opened = []

    def open_page(html: str, *, url: str = "", allowed: str = "file://", **options: Any) -> Opened:
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        it = Opened(context.new_page())
        opened.append((context, it))
        context.route(lambda asked: not asked.startswith((allowed, "data:")), lambda route: route.abort())
        it.page.on("request", lambda ask: ask.url.startswith((allowed, "data:")) or it.faults.append(f"asked {ask.url}"))
        it.page.on("console", lambda said: it.faults.append(said.text) if said.type == "error" else None)
        it.page.on("pageerror", lambda error: it.faults.append(str(error)))
        it.page.on("response", lambda answer: it.faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        it.page.goto(url or path.as_uri())
        return it

    yield open_page
    for context, it in opened:
        context.close()
        assert it.faults == []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A web server with the browser files below /assets/, and a folder for pages."""
    root = tmp_path_factory.mktemp("root")
    (root / "assets").symlink_to(VENDOR)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}/", root
        served.shutdown()


def tips(page: Page) -> list[str]:
    """Open the tip or label of every shape and return what they say."""
    texts: list[str] = page.evaluate(
        """() => {
          const said = new Set();
          for (const group of Object.values(window).filter((one) => one instanceof L.GeoJSON))
            group.eachLayer((layer) => {
              if (!layer.getTooltip()) return;
              layer.openTooltip(); said.add(layer.getTooltip().getElement().textContent);
              if (!layer.getTooltip().options.permanent) layer.closeTooltip();
            });
          return [...said];
        }"""
    )
    return texts


def painted(page: Page) -> int:
    """Return how many dots of the canvas of the map are red: without supply."""
    count: int = page.evaluate(
        """() => {
          const canvas = document.querySelector('.leaflet-overlay-pane canvas');
          const dots = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          let painted = 0;
          for (let i = 0; i < dots.length; i += 4) painted += dots[i] > 150 && dots[i + 1] < 100 && dots[i + 3] > 50;
          return painted;
        }"""
    )
    return count


# In a browser.


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_with_everything_inline_opens_from_a_disk_and_asks_for_nothing(impact: Impact, open_page: Open, language: str):
    page = open_page(page_of(impact, language=language, title="停电影响")).page
    assert page.title() == "停电影响"
    assert painted(page) > 50_000
    assert page.locator(".mark").count() == 2 + 4  # important, life support; opened twice, cleared, fault


def test_a_page_with_addresses_takes_its_files_from_our_server_alone(impact: Impact, open_page: Open, server: tuple[str, Path]):
    base, root = server
    (root / "outage.html").write_text(page_of(impact, assets="/assets/"), encoding="utf-8")
    page = open_page("", url=base + "outage.html", allowed=base).page
    assert painted(page) > 50_000
    assert page.evaluate("performance.getEntriesByType('resource').length") == 3  # the third is the button of the layers


def test_nothing_runs_or_loads_that_the_policy_does_not_name(impact: Impact, open_page: Open):
    opened = open_page(page_of(impact))
    opened.page.evaluate(
        """() => {
          document.body.append(Object.assign(document.createElement('script'), {textContent: 'pwned=1'}));
          document.body.append(Object.assign(document.createElement('img'), {src: 'https://a.test/'}));
        }"""
    )
    opened.page.wait_for_timeout(100)
    assert opened.page.evaluate("typeof pwned") == "undefined"
    assert sum("Content Security Policy" in fault for fault in opened.faults) == 2
    opened.faults.clear()


def test_names_are_shown_as_they_are_and_never_run(town: Network, open_page: Open):
    tables = town.tables
    texts = {"transformers": ("name", "feeder"), "lines": ("name", "feeder"), "places": ("name", "name_en")}
    renamed = {name: getattr(tables, name).assign(**dict.fromkeys(columns, EVIL)) for name, columns in texts.items()}
    customers = tables.customers.assign(street=EVIL, id=[f"{EVIL}{n}" for n in range(len(tables.customers))])
    network = build_network(replace(tables, customers=customers, **renamed))
    evil = assess(network, Switching((Operation("LN-0"), Operation("BRK-1", "B"))))
    html = page_of(evil, title=EVIL, facts=[(EVIL, EVIL)])
    page = open_page(html).page
    page.wait_for_timeout(100)
    shown = tips(page)
    assert page.evaluate("typeof pwned") == "undefined"
    assert sum(EVIL in text for text in shown) > 5
    assert page.title() == EVIL
    assert page.locator("img").count() == 0
    assert EVIL in page.locator("main").inner_text()


def test_tips_say_what_the_lists_say(impact: Impact, open_page: Open):
    page = open_page(page_of(impact)).page
    said = "\n".join(tips(page))
    lists = page.locator("#lists").inner_text()
    for name in ("TR-0", "TR-4", "BRK-2", "LN-0", "Community 1", "CUST-1-1"):
        assert name in said
        assert name in lists


def test_no_two_names_lie_over_each_other(impact: Impact, open_page: Open):
    page = open_page(page_of(impact), viewport={"width": 320, "height": 700}).page
    page.wait_for_timeout(100)
    boxes = [label.bounding_box() for label in page.locator(".place-label, .device-label").all() if label.is_visible()]
    shown = [(box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in boxes if box]
    places = shown[: page.locator(".place-label:visible").count()]
    assert 0 < len(places) < page.locator(".place-label").count()
    assert all(a is b or not shapely.box(*a).intersects(shapely.box(*b)) for a in places for b in shown)


def test_layers_can_be_switched_off_and_on(impact: Impact, open_page: Open):
    page = open_page(page_of(impact)).page
    before = painted(page)
    page.locator(".leaflet-control-layers").hover()
    for name in ("Area of a transformer: all out", "Customer without supply"):
        page.get_by_label(name).uncheck()
    assert painted(page) < before


def test_zoom_buttons_speak_the_language_of_the_page(impact: Impact, open_page: Open):
    page = open_page(page_of(impact, language="zh")).page
    assert page.locator(".leaflet-control-zoom-in").get_attribute("title") == "放大"


def test_the_lists_need_no_script(impact: Impact, open_page: Open):
    page = open_page(page_of(impact), java_script_enabled=False).page
    assert "111" in page.locator("header").inner_text()
    assert page.locator("#lists table").count() == 4
    assert WORDS["en"]["no_script"] in page.locator("main").inner_text()


@pytest.mark.parametrize("width", [320, 390, 768, 1440, 2560])
def test_a_page_is_never_wider_than_the_window(impact: Impact, open_page: Open, width: int):
    page = open_page(page_of(impact)).page
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("#map").bounding_box()
    assert box is not None
    assert box["width"] >= min(width, 960) * 0.6
    assert box["height"] >= 288


def test_a_page_follows_the_look_of_the_system(impact: Impact, open_page: Open):
    grounds = []
    for scheme in ("light", "dark"):
        page = open_page(page_of(impact), color_scheme=scheme).page
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]


def test_a_page_is_laid_out_for_screen_readers_and_keyboards(impact: Impact, open_page: Open):
    page = open_page(page_of(impact, language="zh")).page
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator("meta[name=viewport]").get_attribute("content") == "width=device-width, initial-scale=1"
    assert [page.locator(tag).count() for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    assert page.locator("table th[scope=col]").count() == 3 + 3 + 2 + 3
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#lists"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "lists"


def test_a_network_without_coordinates_has_a_page_without_a_map(open_page: Open):
    nowhere = assess(make_town((12, 3), geometry=False), Switching((Operation("BRK-1"),)))
    page = open_page(page_of(nowhere)).page
    text = page.locator("main").inner_text()
    assert WORDS["en"]["nothing_to_draw"] in text
    assert "12 of 12 affected customers have no coordinates" in text
    assert "TR-0" in text
    assert page.locator("script").count() == 0


def test_an_outage_of_nobody_says_so_and_shows_the_device(town: Network, open_page: Open):
    page = open_page(page_of(assess(town, Switching((Operation("TIE-1"),))))).page
    assert WORDS["en"]["nobody"] in page.locator("header").inner_text()
    assert "TIE-1" in page.locator("#lists").inner_text()
    assert page.locator(".mark.opened").count() == 1


# As text.


def test_the_same_impact_gives_the_same_bytes(impact: Impact):
    assert page_of(impact) == page_of(impact)


def test_the_policy_allows_no_inline_script_but_ours_by_hash(impact: Impact):
    page = page_of(impact, assets="/assets/")
    assert re.fullmatch(
        r"default-src 'none'; script-src 'self'( 'sha256-[\w+/=]{44}'){3}; style-src 'self' 'sha256-[\w+/=]{44}'; "
        r"img-src 'self' data:; base-uri 'none'; form-action 'none'",
        policy_of(page),
    )
    assert "'self'" not in policy_of(page_of(impact))


def test_a_page_without_a_policy_is_named():
    with pytest.raises(ValueError, match="no Content-Security-Policy"):
        policy_of("<html></html>")


def test_more_customers_than_can_be_drawn_are_counted_in_words(monkeypatch: pytest.MonkeyPatch, impact: Impact):
    monkeypatch.setattr(figure, "MOST_POINTS", 100)
    page = page_of(impact)
    assert "109 customers are not drawn one by one" in page
    assert "CUST-4-0" not in page
    assert "CUST-0-2" in page  # life support is always drawn


def test_long_tables_are_cut_and_say_so():
    network = make_town((MOST_ROWS + 20,), extra={"priority": ["important"] * (MOST_ROWS + 20)})
    page = page_of(assess(network, Switching((Operation("TR-0"),))))
    assert "20 more rows are left out" in page
    assert page.count('<tr><th scope="row"') == MOST_ROWS + 3


def test_both_languages_say_the_same_things():
    assert set(WORDS["zh"]) == set(WORDS["en"])
    assert all(re.findall(r"{\w+}", WORDS["zh"][key]) == re.findall(r"{\w+}", WORDS["en"][key]) for key in WORDS["en"])


# Nothing from outside.


def test_only_the_elements_of_a_figure_are_pointed_to_local_files_not_folium():
    before = list(folium.Map.default_js)
    chart = folium.Map(tiles=None)
    assert use_local(chart.get_root(), "/assets/") == ("leaflet.js", "leaflet.css")
    assert chart.default_js == [("leaflet", "/assets/leaflet/leaflet.js")]
    assert folium.Map.default_js == before


def test_an_element_that_asks_for_a_file_of_its_own_is_refused():
    chart = folium.Map(tiles=None)
    folium.plugins.MarkerCluster().add_to(chart)
    with pytest.raises(OutsideAddressError, match=r"MarkerCluster asks for 'markerclusterjs', which is none of our files"):
        use_local(chart.get_root(), "/assets/")


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.test/a.js"></script>',
        "<script src=//cdn.test/a.js></script>",
        '<link rel="stylesheet" href="HTTPS://cdn.test/a.css">',
        '<img src="http://cdn.test/a.png">',
        '<p style="background: url(https://cdn.test/a.png)">',
        "<style>@import '//cdn.test/a.css';</style>",
        "<style>p { background: url(https://cdn.test/a.png) }</style>",
        '<script>L.tileLayer("https://{s}.tile.test/{z}/{x}/{y}.png")</script>',
        '<script>fetch("//cdn.test/a.json")</script>',
        '<object data="https://cdn.test/a.svg"></object>',
    ],
)
def test_a_page_that_would_load_from_outside_is_refused(html: str):
    with pytest.raises(OutsideAddressError, match=r"the page would load .*test"):
        refuse_outside(f"<!doctype html><html><body>{html}</body></html>")


@pytest.mark.parametrize(
    "html",
    [
        "<p>Write to https://utility.test or see //share/folder.</p>",
        '<script src="/assets/leaflet/leaflet.js"></script>',
        '<img src="data:image/png;base64,AA//BBccdd">',
        "<script>// a remark\nvar x = 1;</script>",
        "<style>p { background: url(data:image/png;base64,AAAA) }</style>",
    ],
)
def test_a_page_that_only_names_an_address_is_all_right(html: str):
    refuse_outside(html)


def test_an_address_in_a_name_is_no_reason_to_refuse_a_page(town: Network):
    tables = town.tables
    network = build_network(replace(tables, transformers=tables.transformers.assign(name="https://names.test/a")))
    page = page_of(assess(network, Switching((Operation("TR-0"),))), title="see //share/x")
    assert "https://names.test/a" in page


def test_a_default_tile_layer_would_be_noticed(impact: Impact):
    chart = folium.Map()
    use_local(chart.get_root(), "/assets/")
    chart.get_root().render()
    with pytest.raises(OutsideAddressError, match=r"tile\.openstreetmap\.org"):
        refuse_outside(f"<script>{chart.get_root().script.render()}</script>")
