"""Pages that ask nobody outside for anything: local files in place of folium's CDN, a strict policy, and a last look.

::

    folium figure ── use_local ──▶ every script and style sheet from the table of `maps.assets`, or an error
    inline text   ── policy ────▶ Content-Security-Policy: only these scripts, by their SHA-256, and our own files
    finished page ── refuse_outside ▶ raises where anything would still be loaded from an outside address
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

from folium import Element, Figure

from maps.assets import asset_url

OURS = {"leaflet": "leaflet.js", "leaflet_css": "leaflet.css"}
"""folium's name of a file → ours."""

UNUSED = (
    *("jquery", "bootstrap", "bootstrap_css", "glyphicons_css"),
    *("awesome_markers", "awesome_markers_css", "awesome_markers_font_css", "awesome_rotate_css"),
)
"""Files that folium lists for every map and that nothing on our maps uses; they are left out."""

_LOADS = frozenset(("src", "srcset", "href", "action", "formaction", "data", "poster", "background", "xlink:href"))
_OUTSIDE = re.compile(r"(?:\b[a-z][a-z0-9+.-]*:)?//[\w\[{]", re.IGNORECASE)
_DATA_URI = re.compile(r"data:image/[^\s\"')]*")


class OutsideAddressError(RuntimeError):
    """A page would load something from an outside address."""


def use_local(figure: Figure, prefix: str) -> tuple[str, ...]:
    """Point everything in ``figure`` to local files; return the names of the assets that it needs, in order.

    Only these elements are changed, not the classes of folium. Raises OutsideAddressError for a file that is in no table.
    """
    needed: dict[str, None] = {}
    for element in _walk(figure):
        for listed in ("default_js", "default_css"):
            if hasattr(element, listed):
                named = [(name, _ours(name, element)) for name, _ in getattr(element, listed) if name not in UNUSED]
                setattr(element, listed, [(name, asset_url(ours, prefix)) for name, ours in named])
                needed.update(dict.fromkeys(ours for _, ours in named))
    return tuple(needed)


def number_elements(figure: Figure) -> None:
    """Name the elements of ``figure`` by their order instead of by chance, so that the same map gives the same bytes."""
    for number, element in enumerate(_walk(figure)):
        element._id = str(number)


def policy(scripts: Iterable[str], styles: Iterable[str], *, own_files: bool) -> str:
    """Return the Content-Security-Policy of a page with these inline blocks, and with our own files where ``own_files``."""
    own = "'self' " if own_files else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {own}{_hashes(scripts)}",
            f"style-src {own}{_hashes(styles)}",
            f"img-src {own}data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def policy_of(page: str) -> str:
    """Return the policy that a finished page carries: a server sends the same one as a header.

    Raises ValueError where the page has none.
    """
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    if found is None:
        raise ValueError("the page has no Content-Security-Policy. Was it made by maps.page?")
    return unescape(found[1])


def refuse_outside(page: str, *, trusted: Iterable[str] = ()) -> None:
    """Raise OutsideAddressError where ``page`` would load something from outside, by any attribute, style or script.

    ``trusted`` is text that may hold addresses since nothing loads them: vendored files, data with people's words in it.
    """
    for text in trusted:
        page = page.replace(text, "")
    reader = _Reader()
    reader.feed(page)
    if reader.outside:
        shown = ", ".join(sorted(set(reader.outside))[:5])
        raise OutsideAddressError(f"the page would load {shown}. Add the file to maps/assets.py, or leave out what asks for it.")


def _walk(element: Element) -> Iterator[Element]:
    yield element
    for child in element._children.values():
        yield from _walk(child)


def _ours(name: str, element: Any) -> str:
    if name not in OURS:
        raise OutsideAddressError(
            f"{type(element).__name__} asks for {name!r}, which is none of our files ({', '.join(OURS)}). "
            "Add it to maps/assets.py and maps/sealed.py."
        )
    return OURS[name]


def _hashes(blocks: Iterable[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() for block in blocks)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"


class _Reader(HTMLParser):
    """Collects outside addresses: in attributes that load, and anywhere in scripts and styles. Plain text may name them."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_code = tag in ("script", "style")
        for name, value in attrs:
            if name in _LOADS or name == "style" or name.startswith("on"):
                self._look(value or "")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  (the parser calls it so)
        self._in_code = False

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self._look(data)

    def _look(self, text: str) -> None:
        text = _DATA_URI.sub("", text)
        self.outside.extend(text[found.start() : found.end() + 40] for found in _OUTSIDE.finditer(text))
