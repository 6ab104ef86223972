"""Bulletins for the tests: one story in two languages, and any bulletin at all."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from hypothesis import strategies as st

from notices.bulletin import LONGEST_HEADLINE, Area, Bulletin, Issue, Publisher, Words
from outages.facts import ANNOUNCED_CLASSES, CONFIDENCES, OUTAGE_CLASSES, SOURCES, Estimate, Window

START = datetime(2025, 6, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PUBLISHER = Publisher(sender="outages@qinghe.example", hotline="95598", zone="Asia/Shanghai")

ZH = Words(
    language="zh-CN",
    event="计划停电",
    headline="青河镇 6月12日 08:30 至 17:00 计划停电",
    description="停电范围：\n青河镇：柳树社区全部，中山路 12–48 号（双号）",
    cause="更换导线",
    issuer="青河供电公司",
    instruction="施工可能提前结束，请将线路和设备视为带电。",
)
EN = Words(
    language="en",
    event="Planned power outage",
    headline="Planned power outage in Qinghe Town, 12 June, 08:30 to 17:00",
    description="Addresses:\nQinghe Town: all of Willow Community; Zhongshan Road 12–48 (even)",
    cause="new conductors",
    issuer="Qinghe Power Supply Company",
    instruction="The power may be back early: treat all wires as live.",
)
QINGHE = Area(
    names=(("zh-CN", "青河镇"), ("en", "Qinghe Town")),
    polygons=(shapely.Polygon([(113.0, 23.0), (113.05, 23.0), (113.06, 23.03), (113.02, 23.05), (113.0, 23.04)]),),
)
HEXI = Area(names=(("zh-CN", "河西镇"), ("en", "Hexi Town")))

PLANNED = Bulletin(
    reference="GN-2025-0612-01",
    revision=1,
    sent=datetime(2025, 6, 4, 1, 0, tzinfo=UTC),
    kind="first",
    status="planned",
    outage_class="planned",
    windows=(Window(START, START + 8.5 * HOUR),),
    words=(ZH, EN),
    areas=(QINGHE, HEXI),
    publisher=PUBLISHER,
    web="https://qinghe.example/outages/GN-2025-0612-01",
    at_least=310,
)


def told(bulletin: Bulletin, zh: tuple[str, str, str], en: tuple[str, str, str], **changes: Any) -> Bulletin:
    """``bulletin`` with another event, headline and instruction in each language."""
    names = ("event", "headline", "instruction")
    return replace(
        bulletin,
        words=tuple(replace(words, **dict(zip(names, texts, strict=True))) for words, texts in ((ZH, zh), (EN, en))),
        **changes,
    )


def issue_of(bulletin: Bulletin) -> Issue:
    return Issue(bulletin.revision, bulletin.sent, bulletin.windows)


def following(bulletin: Bulletin, *, after: timedelta, **changes: Any) -> Bulletin:
    """The next bulletin on the same outage."""
    kind = "cancel" if changes.get("status") == "cancelled" else "update"
    earlier = (*bulletin.earlier, issue_of(bulletin))
    told = {"kind": kind, "revision": bulletin.revision + 1, "sent": bulletin.sent + after, "earlier": earlier}
    return replace(bulletin, **told | changes)


FAULT = told(
    PLANNED,
    ("故障停电", "青河镇 6月12日 08:30 起故障停电", "请将线路和设备视为带电。"),
    ("Power outage: fault", "Fault in Qinghe Town: no power since 12 June, 08:30", "Treat all wires as live."),
    reference="GN-2025-0612-07",
    status="current",
    outage_class="fault",
    sent=START + timedelta(minutes=12, microseconds=400),
    windows=(Window(START, None),),
    estimate=Estimate(START + 2 * HOUR, START + 3 * HOUR, "crew", "medium", START + HOUR),
    web="https://qinghe.example/outages/GN-2025-0612-07",
)
MOVED = told(
    following(PLANNED, after=24 * HOUR, windows=(Window(START + 24 * HOUR, START + 30 * HOUR),)),
    ("计划停电", "改期：青河镇计划停电改为 6月13日 08:30 至 14:30", "请将线路和设备视为带电。"),
    ("Planned power outage", "New date: Qinghe Town, 13 June, 08:30 to 14:30", "Treat all wires as live."),
)
CALLED_OFF = told(
    following(MOVED, after=24 * HOUR, status="cancelled"),
    ("计划停电", "取消：青河镇 6月13日计划停电不再进行", ""),
    ("Planned power outage", "Cancelled: the power stays on in Qinghe Town on 13 June", ""),
)
RESTORED = told(
    following(FAULT, after=3 * HOUR, status="restored", windows=(Window(START, START + 2.5 * HOUR),), estimate=None),
    ("故障停电", "青河镇已于 6月12日 11:00 恢复供电", "如仍无电，请拨打 95598。"),
    ("Power outage: fault", "The power is back in Qinghe Town since 12 June, 11:00", "Still off? Call 95598."),
)

PIECES = [
    "ab Z9",
    "&",
    "<>",
    "\"'",
    ";,:",
    "\\n",
    "/%_|=#",
    "青河",
    "号（",
    "é",
    "אש",
    "عم",
    "𠮷",
    "⚡",
    "]]>",
    "<b>",
    "&amp;",
    "BEGIN:VEVENT",
    "\n",
]


def texts(most: int = 400, *, lines: bool = False) -> st.SearchStrategy[str]:
    """Any words that can be seen, with markup, from right to left, and as long as three thousand characters."""
    pieces = st.sampled_from(PIECES if lines else PIECES[:-1])
    words = st.lists(pieces, min_size=1, max_size=6).map("".join)
    return st.builds(lambda text, times: (text * times)[:most].strip(), words, st.sampled_from([1, 1, 3000])).filter(bool)


def star(radii: list[float], lon: float, lat: float, scale: float = 1.0) -> list[tuple[float, float]]:
    around = [2 * math.pi * number / len(radii) for number in range(len(radii))]
    return [(lon + scale * r * math.cos(a), lat + scale * r * math.sin(a)) for r, a in zip(radii, around, strict=True)]


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Polygon:
    """Stars of any number of points, with a hole or without."""
    lon, lat = draw(st.floats(-179, 179)), draw(st.floats(-89, 89))
    radii = draw(st.lists(st.floats(0.001, 0.3), min_size=3, max_size=8)) * draw(st.sampled_from([1, 1, 1, 2, 40]))
    holes = [star(radii, lon, lat, 0.4)[::-1]] if draw(st.booleans()) else []
    return shapely.Polygon(star(radii, lon, lat), holes)


@st.composite
def windows_from(draw: st.DrawFn, start: datetime, *, ends: bool) -> tuple[Window, ...]:
    windows: list[Window] = []
    for _ in range(draw(st.integers(1, 3))):
        end = start + timedelta(seconds=draw(st.floats(1, 200_000)))
        windows.append(Window(start, end))
        start = end + timedelta(seconds=draw(st.integers(0, 90_000)))
    if not ends:
        windows[-1] = Window(windows[-1].start, None)
    return tuple(windows)


@st.composite
def bulletins(draw: st.DrawFn) -> Bulletin:
    """Any bulletin that can be true."""
    status = draw(st.sampled_from(["planned", "current", "restored", "cancelled"]))
    outage_class = draw(st.sampled_from([name for name in OUTAGE_CLASSES if (status, name) != ("planned", "fault")]))
    start = START + timedelta(seconds=draw(st.floats(0, 3e7)))
    ends = outage_class in ANNOUNCED_CLASSES or status == "restored" or draw(st.booleans())
    windows = draw(windows_from(start, ends=ends))
    away = timedelta(seconds=draw(st.floats(1, 2e6)))
    sent = {"planned": start - away, "current": start + away, "restored": (windows[-1].end or start) + away}.get(status, start)
    kind = "cancel" if status == "cancelled" else draw(st.sampled_from(["first", "update"]))
    ages = [] if kind == "first" else sorted(draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=4)), reverse=True)
    earlier = tuple(
        Issue(number, sent - timedelta(seconds=age), draw(windows_from(start, ends=True))) for number, age in enumerate(ages, 1)
    )
    estimate = None
    if status in ("planned", "current") and draw(st.booleans()):
        first = windows[-1].start + timedelta(seconds=draw(st.floats(1, 200_000)))
        sources = draw(st.sampled_from(SOURCES)), draw(st.sampled_from(CONFIDENCES))
        estimate = Estimate(first, first + timedelta(hours=1), *sources, draw(st.sampled_from([None, sent + timedelta(hours=2)])))
    languages = draw(st.sampled_from([("zh-CN", "en"), ("en",), ("ar", "zh-CN", "en")]))
    return Bulletin(
        reference=draw(texts(60)),
        revision=len(earlier) + draw(st.integers(1, 9)),
        sent=sent,
        kind=kind,
        status=status,
        outage_class=outage_class,
        windows=windows,
        words=tuple(draw(words_in(language)) for language in languages),
        areas=tuple(draw(st.lists(areas_in(languages), min_size=1, max_size=2))),
        publisher=replace(PUBLISHER, zone=draw(st.sampled_from(["Asia/Shanghai", "UTC", "Europe/London", "America/St_Johns"]))),
        web=PLANNED.web,
        earlier=earlier,
        estimate=estimate,
        at_least=draw(st.sampled_from([None, 5, 12_340])),
    )


def words_in(language: str) -> st.SearchStrategy[Words]:
    long = texts(3000, lines=True)
    return st.builds(
        Words,
        language=st.just(language),
        event=texts(20),
        headline=texts(LONGEST_HEADLINE),
        description=long,
        cause=texts(3000),
        issuer=texts(60),
        instruction=st.one_of(st.just(""), long),
    )


def areas_in(languages: tuple[str, ...]) -> st.SearchStrategy[Area]:
    names = st.tuples(*(st.tuples(st.just(language), texts(40)) for language in languages))
    return st.builds(Area, names, st.lists(polygons(), max_size=2).map(tuple))
