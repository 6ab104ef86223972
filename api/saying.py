"""The facts of an outage as words in a visitor's language: its windows, its estimate, and what differs between two revisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.labels import ACTIONS, CLASSES, CONFIDENCES, FIELDS, SAYINGS, SOURCES
from api.language import Language, moment, span, translator
from api.reasons import reason_in
from outages.facts import Estimate, OutageFacts, Timed, Window, is_day_off_night_on, time_from_json
from outages.lifecycle import Difference

MOST_WINDOWS = 4
"""More windows than this are counted, not listed, where there is little room."""

_BETWEEN: dict[Language, str] = {"zh": "；", "en": "; "}
_COMMA: dict[Language, str] = {"zh": "，", "en": ", "}


@dataclass(frozen=True)
class SaidDifference:
    """A field, and what it said before and says now; a line for each part."""

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Saying:
    """Says facts in ``language``, with times on the clock of ``zone``; ``personal``: whether names and telephones may be told."""

    language: Language
    zone: str
    personal: bool = False

    def windows(self, facts: OutageFacts, *, short: bool = False) -> str:
        """Return when power is off, as one line.

        Windows that are the same every day are told as such; of many others the first ones and how many there are.
        """
        if is_day_off_night_on(facts.windows, self.zone):
            return self._daily(facts.windows, short=short)
        said = [self._window(one, short=short) for one in facts.windows[:MOST_WINDOWS]]
        return _BETWEEN[self.language].join(said) + ("" if len(facts.windows) <= MOST_WINDOWS else f" … ({len(facts.windows)})")

    def window_list(self, windows: Sequence[Window]) -> list[str]:
        """Return every window as a line."""
        return [self._window(one, short=True) for one in windows]

    def estimate(self, estimate: Estimate) -> str:
        """Return between when power is expected back, by whose word, how sure, and when there is more to say."""
        parts = [
            span(estimate.earliest, estimate.latest, self.language, self.zone, short=True)
            if estimate.earliest < estimate.latest
            else moment(estimate.latest, self.language, self.zone, short=True),
            f"{self._named('by')}{self._say(SOURCES[estimate.source])}{_COMMA[self.language]}{self._say(CONFIDENCES[estimate.confidence])}",
        ]
        if estimate.next_update is not None:
            parts.append(f"{self._word('next')} {moment(estimate.next_update, self.language, self.zone, short=True)}")
        return _BETWEEN[self.language].join(parts)

    def operation(self, one: Timed) -> str:
        """Return what was done to a device, and when."""
        phases = f" ({one.phases})" if one.phases else ""
        return f"{moment(one.at, self.language, self.zone, short=True)} {self._say(ACTIONS[one.action])} {one.device}{phases}"

    def difference(self, one: Difference) -> SaidDifference:
        """Return a difference of facts in words. Whom to call at the site is told only to those who may know."""
        if one.field == "contact" and not self.personal:
            return SaidDifference(self._say(FIELDS[one.field]), (), (self._word("hidden"),))
        return SaidDifference(self._say(FIELDS[one.field]), self._value(one.field, one.before), self._value(one.field, one.after))

    def _value(self, field: str, value: Any) -> tuple[str, ...]:
        if not value:
            return (self._word("none"),)
        say: dict[str, Callable[[Any], tuple[str, ...]]] = {
            "outage_class": lambda code: (self._say(CLASSES[code]),),
            "switching": self._switching,
            "windows": lambda given: tuple(self.window_list([_window(one) for one in given])),
            "estimate": lambda given: (self.estimate(_estimate(given)),),
            "selection": self._selection,
            "reason": lambda given: (reason_in(given, self.language),),
        }
        return say.get(field, lambda given: (str(given),))(value)

    def _switching(self, value: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
        listed = [(self._named(word), value[name]) for word, name in (("opens", "open"), ("closes", "close"), ("fault", "fault"))]
        return tuple(f"{words}{', '.join(map(_device, devices))}" for words, devices in listed if devices)

    def _selection(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        feeder = f"{self._word('feeder')} {value['feeder']}" if value["feeder"] else ""
        polygon = self._word("polygon").replace("%d", str(len(value["polygon"]))) if value["polygon"] else ""
        return tuple(part for part in (feeder, polygon) if part)

    def _daily(self, windows: Sequence[Window], *, short: bool) -> str:
        clock, first, last = ZoneInfo(self.zone), windows[0], windows[-1]
        days = span(first.start, last.end, self.language, self.zone, short=short)
        hours = " – ".join(f"{at.astimezone(clock):%H:%M}" for at in (first.start, first.end) if at is not None)
        return f"{days}{_BETWEEN[self.language]}{self._word('daily')} {hours}"

    def _window(self, window: Window, *, short: bool) -> str:
        return span(window.start, window.end, self.language, self.zone, short=short)

    def _named(self, name: str) -> str:
        """Return a word that something follows."""
        word = self._word(name)
        return word if word.endswith("：") else f"{word} "

    def _word(self, name: str) -> str:
        return self._say(SAYINGS[name])

    def _say(self, words: str) -> str:
        return translator(self.language)(words)


def _window(given: Mapping[str, Any]) -> Window:
    return Window(time_from_json(given["start"]), _time(given["end"]))


def _estimate(given: Mapping[str, Any]) -> Estimate:
    times = {name: _time(given[name]) for name in ("earliest", "latest", "next_update")}
    return Estimate(**{**given, **times})


def _time(text: str | None) -> datetime | None:
    return None if text is None else time_from_json(text)


def _device(item: str | Sequence[str]) -> str:
    return item if isinstance(item, str) else f"{item[0]} ({item[1]})"
