"""Times and telephone numbers as a newsreader says them, and back.

A script holds no figure of ours: figures are where a reader stumbles. What is ours can be read back, so that a script is
compared with the other texts of an outage. Names are left as people write them::

    6月12日（星期四）08:30 至 17:00       六月十二日星期四，上午八点三十分至下午五点
    Thursday, 12 June, 08:30 to 17:00     Thursday, the twelfth of June, from eight thirty in the morning
                                          to five o'clock in the afternoon
    95598                                 九五五九八                        nine five five nine eight
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from notices.numerals import DAYS_OF_MONTH, EN_NUMBER, ZH_NUMBER, digit_by_digit, in_figures, in_words, ordinal
from notices.spotsaloud import scope_written
from outages.facts import Estimate, Window, is_day_off_night_on

_PER_SECOND = {"zh": 4.0, "en": 80 / 30}
"""English words: 80 in 30 s (facts.md, section 5). Chinese characters: our choice, slower than the news, as people take notes."""

_ZH_PARTS = ((0, "凌晨"), (6, "上午"), (12, "中午"), (13, "下午"), (18, "晚上"))
_EN_PARTS = ((0, "after midnight"), (1, "in the morning"), (12, "in the afternoon"), (18, "in the evening"), (21, "at night"))
_AFTER_NOON = ("in the afternoon", "in the evening", "at night", "下午", "晚上")


def seconds(text: str, language: str) -> float:
    """Return how long ``text`` takes to be read aloud.

    >>> seconds("Power is off. " * 10, "en")
    11.25
    """
    unit = r"[\u3400-\u9fff〇]|[0-9]|[A-Za-z]+" if language == "zh" else r"[0-9]|[A-Za-z]+(?:['’][a-z]+)?|[\u3400-\u9fff]"
    return len(re.findall(unit, text)) / _PER_SECOND[language]


@dataclass(frozen=True)
class Aloud:
    """Says times in ``language`` and ``zone``, with the methods of `notices.dates.Dates`.

    The year of ``issued_at``, which is aware, goes without saying.

    >>> off = datetime(2025, 6, 12, 0, 30, tzinfo=UTC)
    >>> Aloud("en", "Asia/Shanghai", issued_at=off).window(Window(off, off + timedelta(hours=8)))
    'Thursday, the twelfth of June, from eight thirty in the morning to four thirty in the afternoon'
    """

    language: str
    zone: str
    issued_at: datetime

    def moment(self, at: datetime, *, up: bool = False) -> str:
        """Return ``at`` to the minute, rounded down, or ``up``."""
        return self._moment(self._local(at, up=up))

    def window(self, window: Window) -> str:
        """Return ``window``; without an end it is the moment of its start."""
        return self.moment(window.start) if window.end is None else self.span(window.start, window.end)

    def span(self, start: datetime, end: datetime) -> str:
        """Return from when to when: the day once where it begins and ends on one."""
        off, on = self._local(start), self._local(end, up=True)
        until = _clock(on, self.language) if off.date() == on.date() else self._moment(on)
        if self.language == "zh":
            return f"{self._moment(off)}至{until}"
        return f"{self._day(off)}, from {_clock(off, self.language)} to {until}"

    def each(self, windows: Sequence[Window]) -> list[str]:
        """Return what says ``windows``: one each, and one for all where they are the same every day (日停夜送)."""
        if windows and is_day_off_night_on(windows, self.zone):
            return [self._daily(windows)]
        return [self.window(window) for window in windows]

    def together(self, windows: Sequence[Window]) -> str:
        """Return `each` in one text."""
        return ("；" if self.language == "zh" else "; ").join(self.each(windows))

    def estimate(self, estimate: Estimate) -> str:
        """Return between when power is expected back, or when where that is one moment."""
        if estimate.earliest == estimate.latest:
            return self.moment(estimate.latest, up=True)
        return self.span(estimate.earliest, estimate.latest)

    def day_of_issue(self) -> str:
        """Return the day under which a notice stands."""
        return self._day(self._local(self.issued_at))

    def _daily(self, windows: Sequence[Window]) -> str:
        first, last = windows[0], windows[-1]
        off, on = self._local(first.start), self._local(last.end or last.start, up=True)
        hours = [_clock(local, self.language) for local in (off, on)]
        if self.language == "zh":
            return f"{self._day(off)}至{self._day(on)}，每天{hours[0]}至{hours[1]}"
        return f"{self._day(off)} to {self._day(on)}, each day from {hours[0]} to {hours[1]}"

    def _moment(self, local: datetime) -> str:
        clock = _clock(local, self.language)
        return f"{self._day(local)}，{clock}" if self.language == "zh" else f"{self._day(local)}, at {clock}"

    def _day(self, local: datetime) -> str:
        near = local.year == self._local(self.issued_at).year
        if self.language == "zh":
            year = "" if near else f"{digit_by_digit(str(local.year), 'zh')}年"
            weekday = format_date(local, "EEEE", locale="zh_Hans_CN")
            return f"{year}{in_words(str(local.month), 'zh')}月{in_words(str(local.day), 'zh')}日{weekday}"
        year = "" if near else f" {in_words(str(local.year), 'en')}"
        return format_date(local, f"EEEE, 'the {ordinal(local.day)} of' MMMM", locale="en") + year

    def _local(self, at: datetime, *, up: bool = False) -> datetime:
        """Whole minutes that never make a window shorter than it is."""
        exact = at.astimezone(UTC)
        whole = exact.replace(second=0, microsecond=0)
        return (whole + timedelta(minutes=1) if up and whole < exact else whole).astimezone(ZoneInfo(self.zone))


def _clock(local: datetime, language: str) -> str:
    return _zh_clock(local.hour, local.minute) if language == "zh" else _en_clock(local.hour, local.minute)


def _zh_clock(hour: int, minute: int) -> str:
    part = next(words for since, words in reversed(_ZH_PARTS) if hour >= since)
    on_dial = hour - 12 if hour > 12 else hour
    said = "两" if on_dial == 2 else in_words(str(on_dial), "zh")
    nought = "零" if 0 < minute < 10 else ""
    return f"{part}{said}点" + (f"{nought}{in_words(str(minute), 'zh')}分" if minute else "")


def _en_clock(hour: int, minute: int) -> str:
    if (hour, minute) in ((0, 0), (12, 0)):
        return "twelve noon" if hour else "midnight as this day begins"
    part = next(words for since, words in reversed(_EN_PARTS) if hour >= since)
    said = in_words(str(hour % 12 or 12), "en")
    past = f"oh {in_words(str(minute), 'en')}" if minute < 10 else in_words(str(minute), "en")
    return f"{said} {past} {part}" if minute else f"{said} o'clock {part}"


def phone_aloud(number: str, language: str) -> str:
    """Return a telephone number digit by digit, with a pause between its groups.

    >>> phone_aloud("400-889-9998", "en")
    'four zero zero, eight eight nine, nine nine nine eight'
    """
    groups = [digit_by_digit(group, language) for group in re.findall("[0-9]+", number)]
    plus = {"zh": "加", "en": "plus "}[language] if number.strip().startswith("+") else ""
    return plus + (" " if language == "zh" else ", ").join(groups)


def unspoken(text: str, language: str) -> str:
    """Return one of our scripts with its times, dates, addresses and telephone numbers in figures, as other texts write them.

    >>> unspoken("六月十二日星期四，上午八点三十分至下午五点", "zh")
    '6月12日（星期四）08:30 至 17:00'
    """
    times, phone = (_ZH_TIMES, _ZH_PHONE) if language == "zh" else (_EN_TIMES, _EN_PHONE)
    for pattern, write in times:
        text = pattern.sub(write, text)
    return phone.sub(lambda found: _write_phone(found, language), scope_written(text, language))


_ZH_CLOCK = rf"(凌晨|上午|中午|下午|晚上)({ZH_NUMBER})点(?:({ZH_NUMBER})分)?"
_ZH_DAY = rf"(?:({ZH_NUMBER})年)?({ZH_NUMBER})月({ZH_NUMBER})日(?:(星期[一二三四五六日])(，(?=[0-9]))?)?"
_EN_PART = "after midnight|in the morning|in the afternoon|in the evening|at night"
_EN_CLOCK = rf"(?:midnight as this day begins|twelve noon|({EN_NUMBER}) (?:(o'clock)|(?:oh )?({EN_NUMBER})) ({_EN_PART}))"
_EN_DAY = rf"\bthe ({'|'.join(sorted(DAYS_OF_MONTH, key=len, reverse=True))}) of ([A-Z][a-z]+)(?: ({EN_NUMBER}))?"


def _write_zh_clock(found: re.Match[str]) -> str:
    part, hour, minute = found.groups()
    return _hours(int(in_figures(hour, "zh")), part, int(in_figures(minute, "zh")) if minute else 0)


def _write_zh_day(found: re.Match[str]) -> str:
    year, month, day, weekday, _ = found.groups()
    said = (f"{in_figures(year, 'zh')}年" if year else "") + f"{in_figures(month, 'zh')}月{in_figures(day, 'zh')}日"
    return f"{said}（{weekday}）" if weekday else said


def _write_en_clock(found: re.Match[str]) -> str:
    hour, _, minute, part = found.groups()
    if not hour:
        return "12:00" if "noon" in found[0] else "00:00"
    return _hours(int(in_figures(hour, "en")), part, int(in_figures(minute, "en")) if minute else 0)


def _write_en_day(found: re.Match[str]) -> str:
    return f"{DAYS_OF_MONTH[found[1]]} {found[2]}" + (f" {in_figures(found[3], 'en')}" if found[3] else "")


def _hours(on_dial: int, part: str, minute: int) -> str:
    hour = on_dial % 12 + 12 if part in _AFTER_NOON else 0 if part == "after midnight" else on_dial
    return f"{hour:02}:{minute:02}"


def _write_phone(found: re.Match[str], language: str) -> str:
    groups = re.split(" " if language == "zh" else ", ", found[2])
    return ("+" if found[1] else "") + "-".join(in_figures(group, language) for group in groups)


_ZH_DIGIT, _EN_DIGIT = "[零一二三四五六七八九]", r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine)\b"
_Rewriting = tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]
_ZH_TIMES: _Rewriting = (
    (re.compile(_ZH_CLOCK), _write_zh_clock),
    (re.compile(_ZH_DAY), _write_zh_day),
    (re.compile(r"(?<=[0-9]{2}:[0-9]{2})至(?=[0-9])"), lambda _: " 至 "),
)
_EN_TIMES: _Rewriting = (
    (re.compile(_EN_CLOCK), _write_en_clock),
    (re.compile(_EN_DAY), _write_en_day),
    (re.compile(r", (?:at|from) (?=[0-9]{2}:[0-9]{2})"), lambda _: ", "),
)
# A telephone number stands behind the words that announce it: 五一路 and 三元里 are names.
_ZH_PHONE = re.compile(rf"(?<=热线|电话|拨打|致电|重复)(加|)({_ZH_DIGIT}+(?: {_ZH_DIGIT}+)*)(?![一-鿿])")
_EN_PHONE = re.compile(rf"\b(plus |)({_EN_DIGIT}(?:,? {_EN_DIGIT}){{2,}})")
