"""What everybody is told of an outage at one time, and the same in words: places and times, no street, no line, no device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from api.labels import CLASSES
from api.language import TAGS, Language, moment, span, translator
from api.reasons import reason_in
from api.utility import Utility
from notices.bulletin import LONGEST_HEADLINE, Area, Words
from outages.facts import Estimate, Window

Phase = Literal["ahead", "off", "partly", "back", "over", "withdrawn"]

MOST_WINDOWS = 12
"""Windows that are listed in words; all of them are in the data beside the words."""

MOST_PLACES = 100
"""Places that are listed in words; a headline has as many as fit, and three at most."""

HEADLINE_PLACES = 60
"""Characters that the places of a headline may have: the class, two times and the words between need the rest."""


@dataclass(frozen=True)
class Told:
    """What the public is told after one event. Where it is equal after two, the second has nothing new to say.

    ``phase``: ``ahead`` (announced), ``off`` (a person confirmed that power is off), ``partly`` (some are back), ``back`` (all
    are), ``over`` (this outage has ended, and another still holds some of its customers off), ``withdrawn`` (what was told
    before no longer holds). ``windows``: with what was confirmed in the place of what was planned.
    """

    phase: Phase
    outage_class: str
    reason: str
    windows: tuple[Window, ...]
    areas: tuple[Area, ...]
    at_least: int | None
    estimate: Estimate | None


_WORDS: dict[Language, dict[str, str]] = {
    "zh": {
        "between": "、",
        "more": "{} 等 {} 处",
        "many": "{} 处",
        "again": "{}，共 {} 次",
        "line": "{}：{}",
        "changed": "变更：{}",
        "headline planned": "{event}：{places}，{window}",
        "headline current": "{event}：{places}，{start} 起停电",
        "headline partly": "{event}：{places}，部分用户已恢复供电",
        "headline back": "恢复供电：{places}，{end} 起",
        "headline over": "{event}已结束：{places}，部分用户因另一停电仍未恢复供电",
        "headline withdrawn": "取消：{places}{event}，{window}",
        "planned": "届时停电。",
        "current": "以下时段停电。",
        "partly": "部分用户已恢复供电。",
        "back": "已恢复供电。",
        "over": "本次停电已结束。其中部分用户因另一停电仍未恢复供电。",
        "withdrawn": "此前发布的内容不再有效，不会因此停电。",
        "times": "停电时段",
        "places": "停电地点",
        "reason": "停电原因",
        "expected": "预计送电",
        "next": "下次通报",
        "reference": "编号",
        "still off": "如仍无电，请先检查自家开关，再致电我们。",
    },
    "en": {
        "between": ", ",
        "more": "{} and other places, {} in all",
        "many": "{} places",
        "again": "{}, {} times in all",
        "line": "{}: {}",
        "changed": "Changed: {}",
        "headline planned": "{event}: {places}, {window}",
        "headline current": "{event}: {places}, power off since {start}",
        "headline partly": "{event}: {places}, power is back for some customers",
        "headline back": "Power is back: {places}, since {end}",
        "headline over": "{event} has ended: {places}; another outage keeps some customers off",
        "headline withdrawn": "Cancelled: {event}, {places}, {window}",
        "planned": "Power will be off.",
        "current": "Power is off at these times.",
        "partly": "Power is back for some of the customers.",
        "back": "Power is back.",
        "over": "This outage has ended. Some of its customers are still without power because of another outage.",
        "withdrawn": "What was told before no longer holds. No power is cut for this outage.",
        "times": "Times",
        "places": "Places",
        "reason": "Reason",
        "expected": "Expected back",
        "next": "Next word at",
        "reference": "Reference",
        "still off": "Is your power still off? Look at your own fuses, then call us.",
    },
}

SAFETY = "Treat every line as live, even during an outage. Power may come back early and without notice."


def words_of(told: Told, utility: Utility, language: Language, *, reference: str, sent: datetime, is_changed: bool) -> Words:
    """Return what ``told`` says in ``language``; ``is_changed``: the same was announced before, with other facts."""
    return Words(
        language=TAGS[language],
        event=_event(told, language),
        headline=_headline(told, language, utility.zone, sent, is_changed=is_changed),
        description="\n".join(
            [_state(told, language, sent), *_lines(told, language, utility.zone), _line(language, "reference", reference)]
        ),
        cause=reason_in(told.reason, language),
        issuer=utility.names[language],
        instruction=_instruction(told, language),
    )


def _event(told: Told, language: Language) -> str:
    return translator(language)(CLASSES[told.outage_class])


def _headline(told: Told, language: Language, zone: str, sent: datetime, *, is_changed: bool) -> str:
    says, window = _WORDS[language], _next_window(told.windows, sent)
    times = span(window.start, window.end, language, zone)
    last = told.windows[-1].end
    headline = says[f"headline {_tense(told, window, sent)}"].format(
        event=_event(told, language),
        places=_few_places(told.areas, language),
        window=times if len(told.windows) == 1 else says["again"].format(times, len(told.windows)),
        start=moment(window.start, language, zone),
        end=last and moment(last, language, zone),
    )
    changed = says["changed"].format(headline) if is_changed else headline
    return changed if len(changed) <= LONGEST_HEADLINE else headline


def _tense(told: Told, window: Window, sent: datetime) -> str:
    """Return which sentence is true: of what is announced or off, whether the next window is still to come."""
    if told.phase not in ("ahead", "off"):
        return told.phase
    return "planned" if window.start > sent else "current"


def _next_window(windows: Sequence[Window], sent: datetime) -> Window:
    return next((one for one in windows if one.end is None or one.end > sent), windows[-1])


def _few_places(areas: Sequence[Area], language: Language) -> str:
    """Return the first three places by name, fewer or only their number where the names are long."""
    says, names = _WORDS[language], [area.name(TAGS[language]) for area in areas]
    for count in range(min(3, len(names)), 0, -1):
        listed = says["between"].join(names[:count])
        text = listed if count == len(names) else says["more"].format(listed, len(names))
        if len(text) <= HEADLINE_PLACES:
            return text
    return says["many"].format(len(names))


def _state(told: Told, language: Language, sent: datetime) -> str:
    return _WORDS[language][_tense(told, _next_window(told.windows, sent), sent)]


def _lines(told: Told, language: Language, zone: str) -> list[str]:
    says, names = _WORDS[language], [area.name(TAGS[language]) for area in told.areas]
    listed = says["between"].join(names[:MOST_PLACES])
    labelled = [
        *(("times", span(one.start, one.end, language, zone)) for one in told.windows[:MOST_WINDOWS]),
        *([("times", f"… ({len(told.windows)})")] if len(told.windows) > MOST_WINDOWS else []),
        ("places", listed if len(names) <= MOST_PLACES else says["more"].format(listed, len(names))),
        ("reason", reason_in(told.reason, language)),
        *(_expected(told.estimate, language, zone) if told.estimate is not None else []),
    ]
    return [_line(language, label, text) for label, text in labelled]


def _line(language: Language, label: str, text: str) -> str:
    says = _WORDS[language]
    return says["line"].format(says[label], text)


def _expected(estimate: Estimate, language: Language, zone: str) -> list[tuple[str, str]]:
    is_sharp = estimate.earliest == estimate.latest
    latest = moment(estimate.latest, language, zone)
    back = latest if is_sharp else span(estimate.earliest, estimate.latest, language, zone)
    after = estimate.next_update
    return [("expected", back), *([("next", moment(after, language, zone))] if after is not None else [])]


def _instruction(told: Told, language: Language) -> str:
    if told.phase == "withdrawn":
        return ""
    return _WORDS[language]["still off"] if told.phase in ("back", "over") else translator(language)(SAFETY)
