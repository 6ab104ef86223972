"""What is published, as documents that are made once and given to everybody until something changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from api.bulletins import Bulletins, Published
from api.language import TAGS, Language, translator
from api.service import Service
from api.settings import Settings
from notices.bulletin import Bulletin, Publisher
from notices.cap import MEDIA_TYPE as CAP_TYPE
from notices.cap import write_cap
from notices.feeds import ATOM_TYPE, CALENDAR_TYPE, Feed, write_atom, write_calendar, write_outages

ATOM_PATH = "/api/v1/public/outages.atom"
CALENDAR_PATH = "/api/v1/public/outages.ics"
OUTAGES_PATH = "/api/v1/public/outages.json"
ALERTS_PATH = "/api/v1/public/alerts"
PAGE_PATH = "/map"

JSON_TYPE = "application/json"

EMPTY_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""When a feed without any outage says that it was changed: before everything, so that no reader takes it for news."""


@dataclass(frozen=True)
class Document:
    """A document as it goes out; ``modified`` is when the newest bulletin in it was sent."""

    body: bytes
    media_type: str
    modified: datetime

    @property
    def etag(self) -> str:
        """The strong entity tag: the same for the same bytes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class Feeds:
    """Writes the documents of one utility. Safe to share between threads."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self._base = str(settings.public_url).rstrip("/")
        self._publisher = Publisher(settings.sender, settings.hotline, settings.zone)
        self._is_test = settings.demo
        self._names = service.utility.names
        self._bulletins = Bulletins(
            service, self._publisher, page=f"{self._base}{PAGE_PATH}", threshold=settings.public_threshold
        )
        self._written: dict[tuple[str, Language], tuple[Published, Document]] = {}

    def atom(self, language: Language, now: datetime) -> Document:
        """Return the newest bulletin of each outage as an Atom feed."""
        feed = Feed(
            self._publisher,
            self._title(language),
            f"{self._base}{ATOM_PATH}?lang={language}",
            f"{self._base}{PAGE_PATH}?lang={language}",
            f"{self._base}{ALERTS_PATH}",
        )
        return self._document(
            ATOM_TYPE, language, now, lambda given: write_atom(given, feed, language=TAGS[language], empty_since=EMPTY_SINCE)
        )

    def calendar(self, language: Language, now: datetime) -> Document:
        """Return the windows of what is announced as a calendar."""
        name = self._title(language)
        return self._document(
            CALENDAR_TYPE, language, now, lambda given: write_calendar(given, language=TAGS[language], name=name)
        )

    def outages(self, language: Language, now: datetime) -> Document:
        """Return the newest bulletin of each outage as records of IEC 61968-3 in JSON."""
        return self._document(JSON_TYPE, language, now, lambda given: write_outages(given, language=TAGS[language]))

    def find_alert(self, name: str, now: datetime) -> Document | None:
        """Return one bulletin, also one that another has superseded, as a CAP alert; None where it is not published."""
        bulletin = self._bulletins.published(now).by_name.get(name)
        if bulletin is None:
            return None
        return Document(write_cap(bulletin, test=self._is_test), CAP_TYPE, bulletin.sent)

    def _title(self, language: Language) -> str:
        return f"{self._names[language]} · {translator(language)('Power outages')}"

    def _document(
        self, media_type: str, language: Language, now: datetime, write: Callable[[tuple[Bulletin, ...]], bytes]
    ) -> Document:
        published = self._bulletins.published(now)
        known = self._written.get((media_type, language))
        if known is not None and known[0] is published:
            return known[1]
        modified = max((one.sent for one in published.newest), default=EMPTY_SINCE)
        document = Document(write(published.newest), media_type, modified)
        self._written[media_type, language] = (published, document)
        return document
