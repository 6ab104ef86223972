"""What can happen to a notice before it is issued, as values that go to JSON and back.

::

    Drafted ─▶ Submitted ─▶ Rejected ─▶ Submitted ─▶ Approved ─▶ Issued
     seq 1         2            3           4            5          6      ── `notices.dossier.fold` ──▶  Dossier

Every event says when it was recorded, by whom, and why where there is a reason to give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, get_args

_KEY = re.compile(r"([^/]+)/([^/]+)/([^/]+)(?:/([0-9]+))?")


@dataclass(frozen=True)
class TextKey:
    """Which text of a dossier: what kind of notice, in which language, for which channel; ``slot_s`` seconds of a radio script.

    >>> str(TextKey("first", "zh", "radio", 30))
    'first/zh/radio/30'
    """

    kind: str
    language: str
    channel: str
    slot_s: int | None = None

    def __str__(self) -> str:
        parts = (self.kind, self.language, self.channel)
        return "/".join(parts if self.slot_s is None else (*parts, str(self.slot_s)))

    @classmethod
    def parse(cls, text: str) -> TextKey:
        """Return the key that ``text`` writes; raises ValueError where it writes none.

        >>> TextKey.parse("first/zh/sms")
        TextKey(kind='first', language='zh', channel='sms', slot_s=None)
        """
        found = _KEY.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is not the key of a text. Write kind/language/channel, for radio also /seconds: first/zh/sms."
            )
        kind, language, channel, slot = found.groups()
        return cls(kind, language, channel, int(slot) if slot else None)


@dataclass(frozen=True)
class Text:
    """One text as it is sent; ``title`` is "" where the channel has none."""

    key: TextKey
    title: str
    body: str


Texts = Mapping[TextKey, Text]


class _Recorded:
    """What all events share."""

    kind: ClassVar[str]

    def body(self) -> dict[str, Any]:
        """Return what is particular to this event, as JSON: everything but when it was recorded and by whom."""
        return {name: _CODECS.get(name, _PLAIN)[0](getattr(self, name)) for name in _OWN[self.kind]}


@dataclass(frozen=True)
class _Bare(_Recorded):
    """An event with nothing of its own to tell."""

    at: datetime
    by: str
    why: str = ""


@dataclass(frozen=True)
class Drafted(_Recorded):
    """Texts are generated from an outage as it stood after ``outage_seq`` events.

    Attributes
    ----------
    number
        1 for the first notice of the outage, and on from there.
    kinds
        Of notice, in the order in which they are shown; each text is of one of them.
    late
        Ids of rules whose limit has passed: then `Submitted` must give a reason.
    higher
        Whether a higher approver is needed.
    refers_to
        Ids of the issued notices that this one follows.
    """

    kind: ClassVar[str] = "drafted"
    outage_id: str
    number: int
    outage_seq: int
    kinds: tuple[str, ...]
    texts: tuple[Text, ...]
    late: tuple[str, ...]
    higher: bool
    at: datetime
    by: str
    why: str = ""
    refers_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Redrafted(_Recorded):
    """The outage moved on before the notice was issued: its texts are generated anew, and have to be approved anew."""

    kind: ClassVar[str] = "redrafted"
    outage_seq: int
    kinds: tuple[str, ...]
    texts: tuple[Text, ...]
    late: tuple[str, ...]
    higher: bool
    at: datetime
    by: str
    why: str = ""


@dataclass(frozen=True)
class Submitted(_Recorded):
    """The texts are handed to another person to be approved.

    ``reasons`` says for each finding of the cross-check, by its key, why the text is as it is; ``late_reason`` why the notice
    comes late; ``authors`` are all who saved a draft of any of the texts.
    """

    kind: ClassVar[str] = "submitted"
    texts: tuple[Text, ...]
    reasons: Mapping[str, str]
    late_reason: str
    authors: frozenset[str]
    at: datetime
    by: str


@dataclass(frozen=True)
class Approved(_Bare):
    """Another person than any author approves the texts, word for word."""

    kind: ClassVar[str] = "approved"


@dataclass(frozen=True)
class Rejected(_Bare):
    """The texts are not to go out like that; ``why`` says what is wrong."""

    kind: ClassVar[str] = "rejected"


@dataclass(frozen=True)
class Withdrawn(_Bare):
    """An author takes back what was submitted, to edit it."""

    kind: ClassVar[str] = "withdrawn"


@dataclass(frozen=True)
class Issued(_Bare):
    """The texts go out; from now on they never change."""

    kind: ClassVar[str] = "issued"


@dataclass(frozen=True)
class Dropped(_Bare):
    """Nothing will be issued; ``why`` says why not."""

    kind: ClassVar[str] = "dropped"


NoticeEvent = Drafted | Redrafted | Submitted | Approved | Rejected | Withdrawn | Issued | Dropped

NOTICE_EVENTS: dict[str, type[NoticeEvent]] = {event.kind: event for event in get_args(NoticeEvent)}
_OWN = {kind: tuple(one.name for one in fields(event) if one.name not in ("at", "by")) for kind, event in NOTICE_EVENTS.items()}


def event_from_json(kind: str, body: Mapping[str, Any], *, at: datetime, by: str) -> NoticeEvent:
    """Return the event of ``kind`` with ``body``, as `body` gave it. Raises ValueError with the kinds there are."""
    if kind not in NOTICE_EVENTS:
        known = ", ".join(NOTICE_EVENTS)
        raise ValueError(f"event {kind!r} of a notice is not known (known: {known}). Was it written by a newer release?")
    return NOTICE_EVENTS[kind](
        at=at, by=by, **{name: _CODECS.get(name, _PLAIN)[1](body[name]) for name in _OWN[kind] if name in body}
    )


def _texts_to_json(texts: Iterable[Text]) -> list[dict[str, str]]:
    return [{"key": str(text.key), "title": text.title, "body": text.body} for text in texts]


def _texts_from_json(given: Iterable[Mapping[str, str]]) -> tuple[Text, ...]:
    return tuple(Text(TextKey.parse(text["key"]), text["title"], text["body"]) for text in given)


def _same(value: Any) -> Any:
    return value


_PLAIN: tuple[Callable[[Any], Any], Callable[[Any], Any]] = (_same, _same)
_CODECS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "texts": (_texts_to_json, _texts_from_json),
    "kinds": (list, tuple),
    "late": (list, tuple),
    "refers_to": (list, tuple),
    "reasons": (dict, dict),
    "authors": (sorted, frozenset),
}
