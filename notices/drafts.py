"""The working copy of every text of an open notice: saved as people type, a version for each text.

::

    Drafted ─▶ version 1 ─save─▶ 2 ─save─▶ 3       a save on version 2 now is refused with version 3
                  └ Redrafted: as generated, in a version of its own; where nothing changed in what is generated, edits stand
    Issued, Dropped ─▶ gone: the events hold the words

All functions work within a transaction of `notices.registry.Registry`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, select, update

from notices.dossier import Dossier, Redrafted, Submitted, Text, TextKey, unchanged
from outages.tables import NOTICE_DRAFTS


@dataclass(frozen=True)
class Draft:
    """A text as it was last saved; ``authors`` are all who saved it since it was generated, and who had it generated."""

    text: Text
    version: int
    saved_at: datetime
    saved_by: str
    authors: frozenset[str]


class StaleDraftError(RuntimeError):
    """Somebody else saved the text first; `newer` is how it stands now."""

    def __init__(self, notice_id: str, newer: Draft) -> None:
        self.newer = newer
        super().__init__(
            f"The text {newer.text.key} of notice {notice_id} was changed by {newer.saved_by} meanwhile: it is at version "
            f"{newer.version}. Nothing was written. Look at the newer text and repeat the change if it still holds."
        )


def find_drafts(connection: Connection, notice_id: str) -> dict[TextKey, Draft]:
    """Return the working copy of each text; nothing for a notice that is not open."""
    query = select(NOTICE_DRAFTS).where(NOTICE_DRAFTS.c.notice_id == notice_id)
    found = [_draft(row) for row in connection.execute(query).mappings()]
    return {draft.text.key: draft for draft in sorted(found, key=lambda draft: str(draft.text.key))}


def start_drafts(connection: Connection, notice_id: str, texts: Iterable[Text], *, at: datetime, by: str) -> None:
    """Keep ``texts`` as they were generated, as version 1."""
    connection.execute(
        insert(NOTICE_DRAFTS), [{**_named(notice_id, text.key), **_saved(text, 1, at=at, by=by)} for text in texts]
    )


def regenerate_drafts(connection: Connection, before: Dossier, event: Redrafted) -> None:
    """Put what was generated anew in the place of every text in which that makes a difference."""
    held = find_drafts(connection, before.id)
    kept = unchanged(before, event.texts)
    new = {text.key: text for text in event.texts}
    for key in held.keys() - new.keys():
        connection.execute(delete(NOTICE_DRAFTS).where(_is(before.id, key)))
    for key in (held.keys() & new.keys()) - kept:
        _put(connection, before.id, _saved(new[key], held[key].version + 1, at=event.at, by=event.by), key)
    if added := [text for key, text in new.items() if key not in held]:
        start_drafts(connection, before.id, added, at=event.at, by=event.by)


def save_draft(connection: Connection, notice_id: str, text: Text, held: Draft, *, version: int, at: datetime, by: str) -> int:
    """Save ``text``, which was written upon ``version``, over what is ``held``; returns its version from now on.

    What is there already is not saved again: a repeat whose answer was lost is no stale one. Raises StaleDraftError.
    """
    if text == held.text:
        return held.version
    if version != held.version:
        raise StaleDraftError(notice_id, held)
    _put(connection, notice_id, _saved(text, version + 1, at=at, by=by, authors=held.authors), text.key)
    return version + 1


def check_submitted(notice_id: str, event: Submitted, held: dict[TextKey, Draft]) -> None:
    """Raise StaleDraftError where a text that is submitted is not the one that was last saved."""
    for text in event.texts:
        if text.key in held and held[text.key].text != text:
            raise StaleDraftError(notice_id, held[text.key])


def end_drafts(connection: Connection, notice_id: str) -> None:
    """Forget the working copies of a notice that nobody may edit any more."""
    connection.execute(delete(NOTICE_DRAFTS).where(NOTICE_DRAFTS.c.notice_id == notice_id))


def list_open_ids(connection: Connection) -> list[str]:
    """Return the ids of all open notices: those, and no others, have working copies."""
    return sorted(connection.execute(select(NOTICE_DRAFTS.c.notice_id).distinct()).scalars())


def _put(connection: Connection, notice_id: str, saved: dict[str, Any], key: TextKey) -> None:
    connection.execute(update(NOTICE_DRAFTS).where(_is(notice_id, key)).values(saved))


def _is(notice_id: str, key: TextKey) -> ColumnElement[bool]:
    return and_(NOTICE_DRAFTS.c.notice_id == notice_id, NOTICE_DRAFTS.c.text_key == str(key))


def _named(notice_id: str, key: TextKey) -> dict[str, Any]:
    return {"notice_id": notice_id, "text_key": str(key)}


def _saved(text: Text, version: int, *, at: datetime, by: str, authors: Iterable[str] = ()) -> dict[str, Any]:
    everybody = sorted({*authors, by})
    return {"title": text.title, "body": text.body, "version": version, "saved_at": at, "saved_by": by, "authors": everybody}


def _draft(row: RowMapping) -> Draft:
    text = Text(TextKey.parse(row["text_key"]), row["title"], row["body"])
    return Draft(text, row["version"], row["saved_at"], row["saved_by"], frozenset(row["authors"]))
