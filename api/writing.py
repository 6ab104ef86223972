"""Every text of a notice: for each kind, language and channel the longest true scope that fits, and how far that is true.

::

    NoticeFacts (a language) ─┐
    customers of a kind      ─┼─write_text──▶ Written    notice, scope, sizes
    channel, its limit       ─┘             └▶ Unwritten  what is missing, or how much longer it would have to be
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from notices.addresses import AddressBook
from notices.entries import Order
from notices.facts import NoticeError, NoticeFacts
from notices.fit import write_fitting
from notices.history import Text, TextKey
from notices.measure import Sizes, sizes
from notices.scope import Affected, Scope, ScopeError, write_scope
from notices.text import SLOTS_S, Notice
from outages.facts import FactProblem

EXACT = ("call",)
"""Channels that only one person hears, who may be told single houses; all others are read, or read on, by anybody."""

ORDERS: dict[str, Order] = {"radio": "largest", "tv": "largest"}
"""Where the most affected places come first; elsewhere they come as in the table of places."""


@dataclass(frozen=True)
class Limits:
    """How long texts may be: the words for the scope and a TV crawl in characters, an SMS in parts; None for any length.

    ``smallest``: no group of fewer customers is named where anybody may read it.
    """

    scope: int | None = None
    sms_parts: int | None = 2
    tv: int | None = None
    smallest: int = 5


@dataclass(frozen=True)
class Written:
    """A text, and how far it is true: `Scope.precision` and the number of customers it names too many."""

    key: TextKey
    notice: Notice
    scope: Scope
    sizes: Sizes

    @property
    def text(self) -> Text:
        """The text as the registry keeps it."""
        return Text(self.key, self.notice.title, self.notice.body)


@dataclass(frozen=True)
class Unwritten:
    """A text that cannot be written, and all that is in the way."""

    key: TextKey
    problems: tuple[FactProblem, ...]


def keys_of(kind: str, languages: Iterable[str], channels: Iterable[str]) -> list[TextKey]:
    """Return the keys of all texts of a kind: a radio script has one for each slot.

    >>> [str(key) for key in keys_of("first", ["en"], ["sms", "radio"])]
    ['first/en/sms', 'first/en/radio/15', 'first/en/radio/30', 'first/en/radio/60']
    """
    slots = {"radio": SLOTS_S}
    return [
        TextKey(kind, language, channel, slot)
        for channel in channels
        for language in languages
        for slot in slots.get(channel, (None,))
    ]


def write_text(key: TextKey, facts: NoticeFacts, affected: Affected, book: AddressBook, *, limits: Limits) -> Written | Unwritten:
    """Write one text; ``facts`` are in its language and of its kind, and their scope is put in here."""

    def scope_of(limit: int | None, measure: Callable[[str], int]) -> Scope:
        return write_scope(
            book,
            affected,
            language=key.language,
            limit=_shortest(limit, limits.scope),
            measure=measure,
            order=ORDERS.get(key.channel, "place"),
            smallest=1 if key.channel in EXACT else limits.smallest,
        )

    try:
        notice, scope = write_fitting(
            facts,
            scope_of,
            language=key.language,
            channel=key.channel,
            slot_s=key.slot_s,
            parts=limits.sms_parts,
            most=limits.tv,
        )
    except NoticeError as error:
        return Unwritten(key, error.problems)
    except ScopeError as error:
        return Unwritten(key, (FactProblem("scope", "scope_impossible", f"{str(error)[:1].upper()}{str(error)[1:]}"),))
    return Written(key, notice, scope, sizes(notice))


def _shortest(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
