"""A page about one outage for control: map and lists side by side, from our own template, every file local.

The map is made by folium, the page is not: folium's has no title and no language, forbids zooming, and asks four CDNs for ten
files. Map and lists say the same, since a map alone tells nothing to those who cannot see it, or have no script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jinja2
from folium import Figure

from maps.affected import PlaceCount, count_places
from maps.assets import asset_text, asset_url
from maps.figure import Drawing, draw, extent_of, points_left_out
from maps.layers import Layers
from maps.sealed import number_elements, policy, refuse_outside, use_local
from maps.symbols import symbol
from maps.words import LANG_TAGS, WORDS, Language
from outages.impact import Impact

MOST_ROWS = 300
"""Rows of one table on the page at most; the affected list as CSV or GeoJSON has all."""

_TEMPLATES = Path(__file__).parent / "templates"
_JINJA = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class _Drawn:
    """What the map brings to the page: its element, scripts and styles, addresses of files.

    ``trusted`` is what of it may hold outside addresses, since nothing loads them: vendored files, and people's words.
    """

    html: str = ""
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    script_urls: tuple[str, ...] = ()
    style_urls: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


def impact_page(
    impact: Impact,
    layers: Layers,
    *,
    title: str,
    language: Language,
    assets: str = "inline",
    facts: Sequence[tuple[str, str]] = (),
) -> str:
    """Return a page about ``impact`` as HTML.

    Parameters
    ----------
    layers
        What `maps.layers.impact_layers` makes of ``impact``.
    title
        Heading of the page and name of its window.
    assets
        "inline": everything is in the page, which then opens from a disk without a network. Otherwise the address below which a
        server has the folder ``maps/vendor``: "/assets/".
    facts
        What else to say at the top, as (label, words): from when, until when, why.

    The same arguments give the same bytes. Names are shown as they are and never run. Raises AssetError where the browser files
    are not installed, OutsideAddressError where the page would load anything from outside.
    """
    words = WORDS[language]
    drawing = draw(layers, words, language)
    drawn = _render(drawing, assets) if drawing else _Drawn()
    styles = (*drawn.styles, _read("page.css"))
    page = _JINJA.get_template("impact.html").render(
        title=title,
        lang=LANG_TAGS[language],
        words=words,
        facts=facts,
        drawn=drawn,
        styles=styles,
        policy=policy(drawn.scripts, styles, own_files=assets != "inline"),
        symbol=symbol,
        legend=_legend(drawing, words) if drawing else [],
        left_out=points_left_out(layers),
        missing=[gap.says(language) for gap in layers.missing],
        impact=impact,
        **_lists(impact, layers, language),
    )
    refuse_outside(page, trusted=drawn.trusted)
    return page


def _render(drawing: Drawing, assets: str) -> _Drawn:
    """Return the parts of the rendered map, with its files as text or as addresses."""
    figure = cast(Figure, drawing.map.get_root())
    number_elements(figure)
    needed = use_local(figure, "/" if assets == "inline" else assets)
    figure.render()
    texts = f"gridnotice.texts = {jinja2.utils.htmlsafe_json_dumps(drawing.texts)};"
    own = (_read("map.js"), texts, figure.script.render())
    html = figure.html.render()
    scripts, styles = [name for name in needed if name.endswith(".js")], [name for name in needed if name.endswith(".css")]
    if assets != "inline":
        script_urls, style_urls = (tuple(asset_url(name, assets) for name in names) for names in (scripts, styles))
        return _Drawn(html=html, scripts=own, script_urls=script_urls, style_urls=style_urls, trusted=(texts,))
    script_texts, style_texts = (tuple(asset_text(name) for name in names) for names in (scripts, styles))
    trusted = (*script_texts, *style_texts, texts)
    return _Drawn(html=html, scripts=(*script_texts, *own), styles=style_texts, trusted=trusted)


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _legend(drawing: Drawing, words: dict[str, str]) -> list[tuple[str, str]]:
    """Return (symbol, words) of each layer that is on the map."""
    order = ("outline", "area_all_out", "area_some_out", "area_phases_lost", "point_out", "point_partial", "point_transferred")
    marks = ("point_life_support", "point_important", "fault", "cleared", "opened", "closed", "dead_source", "lines")
    shown = [key for key in (*order, *marks) if words[key] in drawing.layer_names]
    return [(key.removeprefix("point_") if key in marks else key, words[key]) for key in shown]


def _lists(impact: Impact, layers: Layers, language: Language) -> dict[str, Any]:
    """Return the tables beside the map: each a list of rows, cut at `MOST_ROWS`, and how many rows were cut."""
    words = WORDS[language]
    areas = [item["properties"] for item in layers.areas["features"]]
    areas.sort(key=lambda area: -area["affected"])
    customers = [item["properties"] for item in layers.customers["features"]]
    special = [customer for customer in customers if customer["priority"] != "none"]
    special.sort(key=lambda customer: customer["priority"] != "life_support")
    places = count_places(impact)
    tables: dict[str, tuple[Sequence[Any], Callable[[Any], tuple[Any, ...]]]] = {
        "devices": ([item["properties"] for item in layers.devices["features"]], lambda device: _device_row(device, words)),
        "transformers": (areas, lambda area: _area_row(area, words)),
        "places": (places, lambda place: _place_row(place, language)),
        "priority_customers": (special, lambda customer: _customer_row(customer, words)),
    }
    rows = {name: [make(item) for item in items[:MOST_ROWS]] for name, (items, make) in tables.items()}
    return {"rows": rows, "cut": {name: max(0, len(items) - MOST_ROWS) for name, (items, _) in tables.items()}}


def _device_row(device: dict[str, Any], words: dict[str, str]) -> tuple[Any, ...]:
    name = f"{device['name']} ({device['id']})" if device["name"] else device["id"]
    role = words[device["role"]] + (" · " + words["phases"].format(**device) if device["phases"] else "")
    kind = words["transformer_kind" if device["kind"] == "transformer" else device["kind"]]
    return device["role"], role, name, kind, device["feeder"] or "–"


def _area_row(area: dict[str, Any], words: dict[str, str]) -> tuple[Any, ...]:
    extent = extent_of(area)
    return area["name"] or area["transformer"], area["affected"], area["customers"], extent, words[extent]


def _place_row(place: PlaceCount, language: Language) -> tuple[Any, ...]:
    path = place.path if language == "zh" else place.path_en
    return " · ".join(path[-2:]) or WORDS[language]["no_place"], place.affected, place.customers


def _customer_row(customer: dict[str, Any], words: dict[str, str]) -> tuple[Any, ...]:
    known = (customer["id"], customer["address"] or "–", words[customer["state"]], customer["cut_by"] or "–")
    return customer["priority"], words[customer["priority"]], *known
