"""The pieces of which dates and times are made in a text: days, clock times and the marks between them, per language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

DAY_MINUTES = 24 * 60
NOON_MINUTES = 12 * 60


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_NTH = r"(?:st|nd|rd|th)?"
_DASH = r"[-–—~～]"
WEEKDAYS = {"zh": "一二三四五六日", "en": ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
RELATIVE = {"今": 0, "明": 1, "后": 2, "昨": -1, "today": 0, "tonight": 0, "this": 0, "tomorrow": 1, "yesterday": -1}
_AFTERNOON = ("下午", "傍晚", "晚", "夜")

_ISO = r"(?<![0-9])(?P<iso>[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})(?![0-9]|-[0-9])"
_SLASH = r"(?<![0-9/])(?P<slash>[0-9]{1,2}/[0-9]{1,2}(?:/[0-9]{2,4})?)(?![0-9/])"
_CLOCK = r"(?<![0-9+])(?<![0-9]:)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::00)?(?![0-9:])"

_PIECES = {
    "zh": re.compile(
        "|".join(
            (
                _ISO,
                rf"(?:(?P<year>[0-9]{{4}})\s*年\s*)?(?<![0-9])(?P<month>[0-9]{{1,2}})\s*月\s*(?P<day>[0-9]{{1,2}})"
                rf"(?:\s*[日号]|(?![0-9]))(?:\s*(?P<join>{_DASH}|至|到|、)\s*(?P<last>[0-9]{{1,2}})\s*[日号])?",
                r"(?<![0-9月])(?P<only>[0-9]{1,2})\s*日(?!报)",
                r"(?P<relative>[今明后昨])(?:[日天]|(?=[早晚]))",
                r"(?:星期|周|礼拜)(?P<weekday>[一二三四五六日天])",
                r"(?P<next>次日|翌日|第二天)",
                rf"(?P<part>凌晨|清晨|早上|早晨|早|上午|中午|下午|傍晚|晚上|晚间|晚|夜间|夜里)?\s*(?:{_CLOCK}"
                r"|(?<![0-9])(?<![0-9]:)(?P<hour_zh>[0-9]{1,2})\s*[时点](?![0-9间段])(?:\s*整|\s*(?P<fraction>半|[一三]刻))?"
                r"|(?<![0-9])(?<![0-9]:)(?P<hour_min>[0-9]{1,2})\s*[时点]\s*(?P<minute_zh>[0-9]{1,2})(?:\s*分)?(?![0-9])"
                rf"|(?<![0-9])(?<![0-9]:)(?P<hour_first>[0-9]{{1,2}})(?=\s*(?:{_DASH}|至|到)\s*[0-9]{{1,2}}\s*[时点](?!间|段)))",
                _SLASH,
                rf"(?P<range>{_DASH}|至|到|直到)",
            )
        )
    ),
    "en": re.compile(
        "|".join(
            (
                _ISO,
                rf"(?<![0-9])(?<![0-9]:)(?P<day>[0-9]{{1,2}}){_NTH}(?:\s*(?P<join>{_DASH}|to|until|and|&|,)\s*(?P<last>[0-9]{{1,2}}){_NTH})?"
                rf"(?:\s+of)?\s*(?P<month>{_MONTH})(?:,?\s*(?P<year>[0-9]{{4}})(?![0-9]|:[0-9]))?",
                rf"\b(?P<month_us>{_MONTH})\s*(?P<day_us>[0-9]{{1,2}}){_NTH}(?![0-9]|:[0-9])"
                rf"(?:\s*(?P<join_us>{_DASH}|to|until|and|&)\s*(?P<last_us>[0-9]{{1,2}}){_NTH}"
                rf"(?![0-9]|[:.][0-9]|\s*[ap]\.?m|\s*{_MONTH}))?(?:,?\s*(?P<year_us>[0-9]{{4}})(?![0-9]|:[0-9]))?",
                r"\b(?P<relative>today|tonight|tomorrow|yesterday|this (?:morning|afternoon|evening))\b",
                r"\b(?P<weekday>mon|tue|wed|thu|fri|sat|sun)(?:sday|nesday|rsday|urday|day|s|rs?)?\b\.?",
                r"\b(?:the )?(?P<next>(?:next|following) day)\b",
                r"(?<![0-9])(?<![0-9][:.])(?P<hour12>[0-9]{1,2})(?:[:.](?P<minute12>[0-9]{2}))?\s*(?P<half>[ap])\.?\s?m\b\.?",
                r"(?<![0-9])(?<![0-9][:.])(?P<unsure>[1-9][0-2]?(?:[:.][0-9]{2})?)"
                rf"(?=\s*(?:{_DASH}|to|and|until)\s*[0-9]{{1,2}}(?:[:.][0-9]{{2}})?\s*[ap]\.?\s?m\b)",
                r"(?P<vague>(?<![0-9])(?<![0-9]:)[0-9]{1,2} o['’]clock|\bmidnight\b)",
                r"\b(?P<noon>noon|midday)\b",
                _CLOCK,
                _SLASH,
                rf"(?P<range>{_DASH}|\b(?:to|until|till)\b)",
            )
        ),
        re.IGNORECASE,
    ),
}
OFFSET = re.compile(r"(?:GMT|UTC)\s*[-+−][0-9]{1,2}(?::[0-9]{2})?")
_ASIDE = r"\([^()0-9\n]{0,40}\)"
FILLERS = {
    "zh": re.compile(rf"(?:[ \t,，()（）]|{_ASIDE}|每日|每天|从|自|起|于|在|和|及|与|的|为|、|:|的?同一天)*"),
    "en": re.compile(
        rf"(?:[ \t,()&]|{_ASIDE}|\b(?:on|at|from|between|and|of|off|each|every|day|daily|the|by|in)\b)*", re.IGNORECASE
    ),
}
LISTS = {"zh": re.compile(r"\s*(?:、|和|及|与)\s*"), "en": re.compile(r"\s*(?:and|&)\s*", re.IGNORECASE)}


@dataclass(frozen=True)
class Piece:
    """What one piece of the text is; ``found`` holds its groups that are not empty."""

    start: int
    end: int
    text: str
    found: dict[str, str]

    @property
    def is_day(self) -> bool:
        """True for what names a day, clearly or not."""
        return bool(self.found.keys() & {"iso", "day", "day_us", "only", "relative", "slash"})

    @property
    def is_mark(self) -> bool:
        """True for "to", "the next day" and days of the week, which say something about the day or the time beside them."""
        return bool(self.found.keys() & {"range", "next", "weekday"})


def pieces_of(text: str, line: tuple[int, int], language: str) -> Iterator[Piece]:
    for found in _PIECES[language].finditer(text, *line):
        said = {name: words for name, words in found.groupdict().items() if words}
        yield Piece(found.start(), found.end(), found[0].strip(), said)


def month_of(said: str) -> int:
    return int(said) if said.isdigit() else _MONTHS.index(said[:3].lower()) + 1


def minutes_of(found: dict[str, str]) -> tuple[int, bool] | None:
    """Return a time of day in minutes, and whether words say that it is after noon; None for what can mean several."""
    if found.keys() & {"vague", "unsure"}:
        return None
    if "noon" in found:
        return NOON_MINUTES, False
    if "half" in found:
        return _twelve_hours(int(found["hour12"]), int(found.get("minute12", 0)), found["half"].lower() == "p")
    hour = int(next(found[name] for name in ("hour", "hour_zh", "hour_min", "hour_first") if name in found))
    fraction = {"半": 30, "一刻": 15, "三刻": 45}.get(found.get("fraction", ""), 0)
    return _by_part(hour, int(found.get("minute") or found.get("minute_zh") or fraction), found.get("part", ""))


def _twelve_hours(hour: int, minute: int, afternoon: bool) -> tuple[int, bool] | None:
    if not 1 <= hour <= 12 or minute > 59:
        return None
    return (hour % 12 + 12 * afternoon) * 60 + minute, afternoon


def _by_part(hour: int, minute: int, part: str) -> tuple[int, bool] | None:
    """Return an hour of the day with the word for the part of the day before it; 晚上12点 can be the end of two days."""
    late = part.startswith(_AFTERNOON)
    if hour > 24 or minute > 59 or (hour == 24 and minute) or (hour == 12 and late and not part.startswith("下")):
        return None
    if (late and hour < 12) or (part == "中午" and hour < 3):
        return (hour + 12) * 60 + minute, True
    return hour * 60 + minute, False
