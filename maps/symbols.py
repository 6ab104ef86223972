"""Symbols of the maps: told apart by shape first and by colour second, so that they work on paper and for every eye.

An open switch is drawn open and a closed one closed, since nations disagree on which of them is red. Colours come from the
style sheet, by the class of the symbol; areas and points are drawn by Leaflet on a canvas and have their colours here.
"""

from __future__ import annotations

from typing import Any

OUT, PARTIAL, TRANSFERRED, QUIET = "#c8281e", "#d98200", "#1f6fd0", "#7d8894"
"""Colours that stand out from a light and from a dark page, and from each other under every colour blindness."""

_SHAPES = {
    "opened": '<rect x="1" y="1" width="22" height="22" rx="4"/><path d="M4 14h4l8-7M17 14h4"/><circle cx="8" cy="14" r="1.6"/>',
    "closed": '<rect x="1" y="1" width="22" height="22" rx="4"/><path d="M4 12h16"/><circle cx="8" cy="12" r="1.6"/>'
    '<circle cx="16" cy="12" r="1.6"/>',
    "cleared": '<path d="M12 1l11 11-11 11L1 12z"/><path d="M5 14h3l6-6M15 14h4"/><circle cx="8" cy="14" r="1.6"/>',
    "fault": '<path class="solid" d="M14 1L4 13h6l-2 10L20 9h-7z"/>',
    "dead_source": '<circle cx="12" cy="12" r="11"/><path d="M6 6l12 12M18 6L6 18"/>',
    "important": '<path d="M12 1l11 11-11 11L1 12z"/><path d="M12 6v7M12 16v2"/>',
    "life_support": '<circle cx="12" cy="12" r="11"/><path d="M12 6v12M6 12h12"/>',
    "area_all_out": '<path class="area all-out" d="M2 2h20v20H2z"/>',
    "area_some_out": '<path class="area some-out" d="M2 2h20v20H2z"/>',
    "area_phases_lost": '<path class="area phases-lost" d="M2 2h20v20H2z"/>',
    "outline": '<path class="outline" d="M3 5l8-3 10 6-3 13-14-2z"/>',
    "point_out": '<circle class="point out" cx="12" cy="12" r="6"/>',
    "point_partial": '<circle class="point partial" cx="12" cy="12" r="6"/>',
    "point_transferred": '<circle class="point transferred" cx="12" cy="12" r="6"/>',
    "lines": '<path class="feeder" d="M1 17l8-8 5 5 9-9"/>',
}


def symbol(name: str) -> str:
    """Return the SVG of a symbol, hidden from screen readers: the words beside it say the same."""
    return f'<svg class="symbol {name}" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">{_SHAPES[name]}</svg>'


def _path(color: str, weight: float, dash: str | None = None, **more: Any) -> dict[str, Any]:
    return {"color": color, "weight": weight, "dashArray": dash, "fill": False, **more}


STYLES: dict[str, dict[str, Any]] = {
    "places": _path(QUIET, 1, fill=True, fillOpacity=0.05, opacity=0.7),
    "streets": _path(QUIET, 2, opacity=0.45),
    "lines": _path(QUIET, 2.5),
    "outline": _path(OUT, 3.5, opacity=0.9),
    "area_all_out": _path(OUT, 1, fill=True, fillColor=OUT, fillOpacity=0.34),
    "area_some_out": _path(OUT, 1.5, "7 5", fill=True, fillColor=OUT, fillOpacity=0.12),
    "area_phases_lost": _path(PARTIAL, 2, "2 5", fill=True, fillColor=PARTIAL, fillOpacity=0.2),
    "point_out": _path("#ffffff", 0.8, fill=True, fillColor=OUT, fillOpacity=1),
    "point_partial": _path(PARTIAL, 2.5, fill=True, fillColor=PARTIAL, fillOpacity=0),
    "point_transferred": _path(TRANSFERRED, 2, "2 2", fill=True, fillColor=TRANSFERRED, fillOpacity=0),
    "device_opened": _path(OUT, 5, "3 6"),
    "device_closed": _path(TRANSFERRED, 5),
}
"""Style of each layer, as Leaflet's path options; widths in pixels."""
