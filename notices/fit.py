"""The notice with the truest scope that its channel has room for.

::

    exact scope ──write, measure the whole──▶ fits: done
         │
    widest scope ──write, measure──▶ does not fit: NoticeError with the least size
         │
    between the two: as long as possible, by halves      SMS  70 a part   TV  characters   radio  seconds

The channel does not count the scope but the whole, and not in characters: one dash makes an SMS longer by half, and 148 is read
as five words. So nothing is added up. A text is written, measured as it goes out, and written again with another scope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from notices.facts import NoticeError, NoticeFacts
from notices.grammar import ScopeError
from notices.measure import sizes
from notices.scope import Scope
from notices.sms import plain_sms
from notices.text import Notice, write_notice
from outages.facts import FactProblem

MOST_TRIES = 10
"""Scopes that are tried between the widest and the exact one: each halves what is left to be gained."""

SMS_PARTS = 2
"""Parts of an SMS where no other number is asked for."""

Measure = Callable[[str], int]
ScopeOf = Callable[[int | None, Measure], Scope]
_Written = tuple[Notice, Scope]


@dataclass(frozen=True)
class _Room:
    """How much a channel takes, of what; ``most`` is None where it takes everything."""

    what: str
    most: int | None

    def takes(self, notice: Notice) -> bool:
        return self.most is None or self.size(notice) <= self.most

    def size(self, notice: Notice) -> float:
        found = sizes(notice)
        return found.parts or found.seconds or found.length


def write_fitting(
    facts: NoticeFacts,
    scope_of: ScopeOf,
    *,
    language: str,
    channel: str,
    slot_s: int | None = None,
    parts: int | None = None,
    most: int | None = None,
) -> tuple[Notice, Scope]:
    """Write the notice that tells ``facts`` with the longest true scope that fits; the scope is returned too.

    Parameters
    ----------
    facts
        All that the notice tells; its scope is replaced.
    scope_of
        Returns the scope of at most so many units of a measure of its text, or the exact one for None, as `write_scope` with
        ``limit`` and ``measure`` does. Take ``order="largest"`` for the radio: the place with most people comes first.
    slot_s
        Seconds of a radio script, see `write_notice`; it may not be longer.
    parts
        Most parts of an SMS, `SMS_PARTS` where it is None.
    most
        Most characters of a TV crawl; None for no limit. The other channels have none.

    Raises
    ------
    NoticeError
        As `write_notice`; with the code ``does_not_fit`` and the least size if not even the widest scope fits.
    ScopeError
        As ``scope_of``, if no scope can be written at all.
    """
    write = partial(_write, facts, scope_of, language=language, channel=channel, slot_s=slot_s)
    exact = write(None)
    room = _room(exact[0], SMS_PARTS if parts is None else parts, most)
    if room.takes(exact[0]):
        return exact
    return _longest(write, room, exact)


def _write(
    facts: NoticeFacts, scope_of: ScopeOf, limit: int | None, *, language: str, channel: str, slot_s: int | None
) -> _Written:
    scope = scope_of(limit, len)
    notice = write_notice(replace(facts, scope=scope.text), language=language, channel=channel, slot_s=slot_s)
    if (channel, language) == ("sms", "en"):
        notice = replace(notice, body=plain_sms(notice.body))
    return notice, scope


def _room(notice: Notice, parts: int, most: int | None) -> _Room:
    if notice.channel == "sms":
        return _Room("parts", parts)
    if notice.channel == "radio":
        return _Room("seconds", notice.slot_s)
    return _Room("characters", most if notice.channel == "tv" else None)


def _longest(write: Callable[[int | None], _Written], room: _Room, exact: _Written) -> _Written:
    """Return the notice with the longest scope that there is room for, shorter than the ``exact`` one."""
    low, best = _widest(write, room, exact)
    high = len(exact[1].text)
    for _ in range(MOST_TRIES):
        if high - low < 2:
            break
        middle = (low + high) // 2
        found = write(middle)
        if room.takes(found[0]):
            low, best = middle, found if found[1].over_named <= best[1].over_named else best
        else:
            high = min(middle, len(found[1].text))
    return best


def _widest(write: Callable[[int | None], _Written], room: _Room, exact: _Written) -> tuple[int, _Written]:
    """Return the length of the shortest scope and the notice with it; raises NoticeError if that does not fit either."""
    try:
        widest = write(1)
    except ScopeError as error:
        if error.least is None:
            raise
        widest = write(error.least)
    if not room.takes(widest[0]):
        least = min(_said(room.size(written[0])) for written in (exact, widest))
        says = (
            f"No true text for {widest[0].channel} fits into {room.most} {room.what}: the shortest takes {least}. "
            "Allow more, give a shorter reason, or leave the link out."
        )
        raise NoticeError(FactProblem("scope", "does_not_fit", says, str(least)))
    return len(widest[1].text), widest


def _said(size: float) -> int:
    """Seconds are said in whole ones, never too few."""
    return int(-(-size // 1))
