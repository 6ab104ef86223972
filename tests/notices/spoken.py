"""Facts of every kind of notice, for tests of the texts that are read aloud, sent in pieces or run along a screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notices.facts import KINDS, Earlier, NoticeFacts
from outages.facts import Estimate, Window

START = datetime(2025, 6, 12, 0, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WINDOW = Window(START, START + 8.5 * HOUR)
TOLD = Earlier((WINDOW,), WINDOW.end, START - 8 * DAY)
CHANNELS = ("tv", "radio", "sms", "call")

PLANNED = NoticeFacts(
    reference="GN-2025-0612-01",
    outage_class="planned",
    windows=(WINDOW,),
    reason="更换10千伏青河线导线",
    lines=("10千伏青河线", "10千伏柳园线"),
    scope="青河镇：柳树社区全部，中山路 12–48 号（双号）、51 号，柳园小区 3幢、5幢2单元\n河西镇杨树社区：人民路 1 号",
    issuer="青河供电公司",
    hotline="95598",
    zone="Asia/Shanghai",
    issued_at=START - 8 * DAY,
    link="https://power.example/n/0612-01",
)
ENGLISH: dict[str, Any] = {
    "reason": "new wires for the Qinghe Line",
    "lines": ("Qinghe Line", "Willow Line"),
    "scope": "Qinghe Town: all of Willow Community; Zhongshan Road 12–48 (even), 51; Willow Court Building 3, Building 5 Unit 2\n"
    "Hexi Town, Poplar Community: Renmin Road 1",
    "issuer": "Qinghe Power",
}
_LATER = Window(START + DAY, START + DAY + 8.5 * HOUR)
_FAULT: dict[str, Any] = {"outage_class": "fault", "issued_at": START + HOUR / 4}
_BACK = Estimate(START + 4 * HOUR, START + 5 * HOUR, "crew", "medium", next_update=START + 2 * HOUR)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "first": ({}, {}, {}),
    "first-fault": (
        _FAULT | {"windows": (Window(START, None),), "estimate": _BACK, "lines": ()},
        {"reason": "外力破坏造成电缆受损", "remark": "抢修人员已到达现场"},
        {"reason": "a cable was damaged by digging", "remark": "A crew is on site"},
    ),
    "first-fault-assessed": (
        _FAULT | {"windows": (Window(START, None),), "lines": ()},
        {"reason": "雷雨"},
        {"reason": "a thunderstorm"},
    ),
    "first-daily-between": (
        {
            "windows": tuple(Window(START + at * DAY, START + at * DAY + 8.5 * HOUR) for at in range(3)),
            "issued_at": START + 12 * HOUR,
        },
        {},
        {},
    ),
    "first-load-transfer": (
        {"outage_class": "load_transfer", "windows": (Window(START, START + HOUR / 2),)},
        {"reason": "平衡线路负荷"},
        {"reason": "to share the load between two lines"},
    ),
    "reminder": ({"issued_at": START - DAY, "alternative": _LATER}, {}, {}),
    "reschedule": ({"earlier": TOLD, "issued_at": START - DAY, "windows": (_LATER,)}, {"why": "暴雨"}, {"why": "heavy rain"}),
    "extension": (
        {"earlier": TOLD, "issued_at": START + 8 * HOUR, "windows": (Window(START, START + 11 * HOUR),)},
        {"why": "发现新的设备隐患"},
        {"why": "we found another damaged part"},
    ),
    "scope_change": (
        {"earlier": TOLD, "issued_at": START - DAY},
        {"why": "部分用户可由其他线路供电"},
        {"why": "part of the area gets another supply"},
    ),
    "cancellation": ({"earlier": TOLD, "issued_at": START - DAY}, {"why": "暴雨"}, {"why": "heavy rain"}),
    "restoration": (
        {"earlier": TOLD, "issued_at": START + 8 * HOUR, "restored_at": START + 7.75 * HOUR},
        {},
        {},
    ),
    "unaffected": ({"earlier": TOLD, "issued_at": START - DAY}, {"why": "施工范围缩小"}, {"why": "less work is needed"}),
}
"""Case → facts in both languages, Chinese ones, English ones. A case begins with its kind."""


def facts_of(case: str, language: str) -> NoticeFacts:
    """The facts of a case in a language."""
    both, zh, en = CASES[case]
    kind: Any = next(kind for kind in KINDS if case.startswith(kind))
    return replace(PLANNED, kind=kind, **(both | zh if language == "zh" else ENGLISH | both | en))
