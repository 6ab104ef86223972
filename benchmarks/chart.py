"""A chart of time against size, both logarithmic, as an SVG that reads well on light and dark ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.measure import shown

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 210, 24, 64

_STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #24292f }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5 }
  .c0 { stroke: #0550ae } .d0 { fill: #0550ae }
  .c1 { stroke: #a04100 } .d1 { fill: #a04100 }
  .c2 { stroke: #116329 } .d2 { fill: #116329 }
  .c3 { stroke: #57606a; stroke-dasharray: 6 5 } .d3 { fill: #57606a }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .grid { stroke: #3d444d }
    .c0 { stroke: #79c0ff } .d0 { fill: #79c0ff }
    .c1 { stroke: #ffa657 } .d1 { fill: #ffa657 }
    .c2 { stroke: #7ee787 } .d2 { fill: #7ee787 }
    .c3 { stroke: #9198a1 } .d3 { fill: #9198a1 }
  }
"""


@dataclass(frozen=True)
class Curve:
    """Seconds by number of customers; at most four to a chart."""

    label: str
    seconds: dict[int, float]


@dataclass(frozen=True)
class _Scale:
    """From a number to a place on one axis, by decades."""

    low: int
    high: int
    start: float
    stop: float

    def at(self, number: float) -> float:
        share = (math.log10(number) - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def decades(self) -> list[int]:
        return list(range(self.low, self.high + 1))


_LABEL = 38.0
"""Height of a label of two lines."""


def draw(curves: list[Curve]) -> str:
    """Return the SVG."""
    sizes = [size for curve in curves for size in curve.seconds]
    times = [seconds for curve in curves for seconds in curve.seconds.values()]
    x = _axis(sizes, _LEFT, _WIDTH - _RIGHT)
    y = _axis(times, _HEIGHT - _BOTTOM, _TOP)
    names = ", ".join(curve.label for curve in curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="title">',
        f'<title id="title">Time against the number of customers: {names}</title>',
        f"<style>{_STYLE}</style>",
        *_grid(x, y),
        *(part for place, curve in enumerate(curves) for part in _curve(place, curve, x, y)),
        *_labels(curves, x, y),
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 14}" text-anchor="middle">customers</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)


def _axis(numbers: list[int] | list[float], start: float, stop: float) -> _Scale:
    low, high = math.floor(math.log10(min(numbers))), math.ceil(math.log10(max(numbers)))
    return _Scale(low, max(high, low + 1), start, stop)


def _grid(x: _Scale, y: _Scale) -> list[str]:
    parts = []
    for decade in y.decades():
        at = y.at(10.0**decade)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 10}" y="{at + 5:.1f}" text-anchor="end">{shown(10.0**decade * 1.0000001)}</text>')
    for decade in x.decades():
        at = x.at(10.0**decade)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - _BOTTOM + 22}" text-anchor="middle">{10**decade:,}</text>')
    return parts


def _curve(place: int, curve: Curve, x: _Scale, y: _Scale) -> list[str]:
    points = [(x.at(size), y.at(seconds)) for size, seconds in sorted(curve.seconds.items())]
    path = " ".join(f"{right:.1f},{down:.1f}" for right, down in points)
    return [
        f'<polyline class="line c{place}" points="{path}"/>',
        *(f'<circle class="d{place}" cx="{right:.1f}" cy="{down:.1f}" r="4.5"/>' for right, down in points),
    ]


def _labels(curves: list[Curve], x: _Scale, y: _Scale) -> list[str]:
    """Name each curve beside its last point, one label above the other where two ends are close."""
    ends = sorted((y.at(max(curve.seconds.items())[1]), place, curve) for place, curve in enumerate(curves))
    parts, free = [], 0.0
    for down, place, curve in ends:
        at = max(down, free)
        free = at + _LABEL
        size, last = max(curve.seconds.items())
        parts.append(f'<text class="d{place}" x="{x.at(size) + 12:.1f}" y="{at - 2:.1f}">{curve.label}</text>')
        parts.append(f'<text class="d{place}" x="{x.at(size) + 12:.1f}" y="{at + 15:.1f}">{shown(last)}</text>')
    return parts
