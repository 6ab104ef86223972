"""Which language a visitor reads, the words of the pages in it, and times and numbers as written there.

Words are written in English in the templates and translated by ``web/locale/zh.po``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from notices.dates import zone_name

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
TAGS: dict[Language, str] = {"zh": "zh-CN", "en": "en"}
"""BCP 47 tag of each language, for the ``lang`` attribute and Content-Language."""

NAMES: dict[Language, str] = {"zh": "中文", "en": "English"}
"""Each language in its own words, for the link that switches to it."""

_LOCALES: dict[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}
_MOMENT: dict[Language, str] = {"zh": "y年M月d日 EEE HH:mm", "en": "EEE d MMM y, HH:mm"}
_DAY: dict[Language, str] = {"zh": "M月d日 EEE HH:mm", "en": "EEE d MMM, HH:mm"}
_NEAR_DAYS: dict[Language, dict[int, str]] = {
    "zh": {-1: "昨天 {}", 0: "今天 {}", 1: "明天 {}"},
    "en": {-1: "yesterday, {}", 0: "today, {}", 1: "tomorrow, {}"},
}
_SHORT: dict[Language, str] = {"zh": "M月d日 HH:mm", "en": "d MMM, HH:mm"}
_LOCALE_DIR = Path(__file__).parent / "web" / "locale"


def choose(asked: str | None, accepts: str, offered: Sequence[Language]) -> Language:
    """Return the language for a visitor: what the address asks for, else what the browser accepts, else the first offered.

    >>> choose(None, "fr;q=0.9, en-GB;q=0.8, zh;q=0.1", ["zh", "en"])
    'en'
    >>> choose("zh", "en", ["zh", "en"])
    'zh'
    """
    by_subtag: dict[str, Language] = {language: language for language in offered}
    for tag in [asked or "", *_by_preference(accepts)]:
        found = by_subtag.get(tag.partition("-")[0].strip().lower())
        if found is not None:
            return found
    return offered[0]


def _by_preference(accepts: str) -> list[str]:
    weighed = []
    for part in accepts.split(","):
        tag, _, rest = part.strip().partition(";")
        weight = rest.strip().removeprefix("q=") or "1"
        weighed.append((float(weight) if weight.replace(".", "", 1).isdigit() else 0.0, tag))
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


@cache
def words(language: Language) -> dict[str, str]:
    """Return English → the language's words; empty for English itself."""
    path = _LOCALE_DIR / f"{language}.po"
    if language == "en":
        return {}
    with path.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id and message.string}


def translator(language: Language) -> Callable[[str], str]:
    """Return the function that says an English text in ``language``; a text that is not in the catalogue stays English."""
    catalogue = words(language)
    return lambda text: catalogue.get(text, text)


def moment(at: datetime, language: Language, zone: str, *, short: bool = False) -> str:
    """Return ``at`` on the clock of ``zone``, to the minute.

    >>> from datetime import UTC
    >>> at = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
    >>> moment(at, "zh", "Asia/Shanghai"), moment(at, "en", "Asia/Shanghai")
    ('2026年5月1日 周五 08:30', 'Fri 1 May 2026, 08:30')
    """
    pattern = (_SHORT if short else _MOMENT)[language]
    return format_datetime(at, pattern, tzinfo=ZoneInfo(zone), locale=_LOCALES[language])


def told(at: datetime, now: datetime, language: Language, zone: str) -> str:
    """Return ``at`` as one tells it to somebody: the day by its word and by its date, and the time; the year only if another.

    >>> from datetime import UTC
    >>> now = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
    >>> told(now.replace(day=2), now, "zh", "Asia/Shanghai"), told(now, now, "en", "Asia/Shanghai")
    ('明天 5月2日 周六 08:30', 'today, Fri 1 May, 08:30')
    """
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    pattern = (_DAY if local.year == today.year else _MOMENT)[language]
    words = format_datetime(at, pattern, tzinfo=ZoneInfo(zone), locale=_LOCALES[language])
    return _NEAR_DAYS[language].get((local.date() - today.date()).days, "{}").format(words)


def span(start: datetime, end: datetime | None, language: Language, zone: str, *, short: bool = False) -> str:
    """Return from when until when; the day is said once where it is the same. An open end is left open.

    >>> from datetime import UTC
    >>> at = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
    >>> span(at, at.replace(hour=8), "en", "Asia/Shanghai")
    'Fri 1 May 2026, 08:30 – 16:30'
    """
    begins = moment(start, language, zone, short=short)
    if end is None:
        return f"{begins} –"
    local = end.astimezone(ZoneInfo(zone))
    same_day = local.date() == start.astimezone(ZoneInfo(zone)).date()
    return f"{begins} – {f'{local:%H:%M}' if same_day else moment(end, language, zone, short=short)}"


def zone_label(zone: str, at: datetime, language: Language) -> str:
    """Return the zone as people know it, with its distance from UTC.

    >>> from datetime import UTC
    >>> zone_label("Asia/Shanghai", datetime(2026, 5, 1, tzinfo=UTC), "en")
    'China Standard Time (UTC+08:00)'
    """
    at_zone = at.astimezone(ZoneInfo(zone))
    offset = at_zone.strftime("%z")
    return f"{zone_name(at_zone, _LOCALES[language])} (UTC{offset[:3]}:{offset[3:5]})"


def number(value: float, language: Language) -> str:
    """Return a number grouped as the language does it, with one decimal at most.

    >>> number(12345.678, "en")
    '12,345.7'
    """
    return format_decimal(value, format="#,##0.#", locale=_LOCALES[language])
