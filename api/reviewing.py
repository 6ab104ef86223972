"""A notice as the desk looks at it: each text with its size and how far it is true, what was found, what can be done now.

::

    Dossier ─┬─ texts, working copies ──▶ SeenText   text, version, sizes, scope
             ├─ crosscheck ─────────────▶ findings   each with the reason that was given
             └─ events ─────────────────▶ history, and the steps that whoever asks may take
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from api.composing import Composed
from api.people.roles import Actor
from api.publishing import Publishing, permission_for
from api.service import NetworkChangedError
from api.writing import Unwritten
from notices.crosscheck import Finding
from notices.dossier import EDITABLE, Dossier, allowed
from notices.facts import Kind, NoticeError
from notices.history import NoticeEvent, Text, TextKey
from notices.measure import Sizes, sizes
from notices.scope import Scope
from notices.text import UNTITLED, Notice

PERMISSIONS: dict[str, str] = {
    "submitted": "notices",
    "redrafted": "notices",
    "withdrawn": "notices",
    "issued": "notices",
    "dropped": "notices",
    "rejected": "approve",
}
"""What a step needs; approving needs what `api.publishing.permission_for` says."""


@dataclass(frozen=True)
class SeenText:
    """One text as it stands.

    Attributes
    ----------
    generated
        As it was generated; None for a text that is no longer generated.
    version
        What a save has to be made upon; None where nobody may edit it.
    scope
        Whom the words cover; None where an edit touched places, or nobody can tell any more.
    """

    text: Text
    generated: Text | None
    sizes: Sizes
    scope: Scope | None
    version: int | None = None
    saved_at: datetime | None = None
    saved_by: str = ""

    @property
    def key(self) -> TextKey:
        """Which text it is."""
        return self.text.key

    @property
    def is_edited(self) -> bool:
        """Whether it differs from what was generated."""
        return self.text != self.generated

    @property
    def has_title(self) -> bool:
        """Whether its channel sends the title."""
        return self.key.channel not in UNTITLED


@dataclass(frozen=True, eq=False)
class Review:
    """A notice with all that its page and its JSON tell; ``is_known`` is False where the network has changed too far to check."""

    dossier: Dossier
    texts: tuple[SeenText, ...]
    findings: tuple[Finding, ...]
    unwritten: tuple[Unwritten, ...]
    events: tuple[NoticeEvent, ...]
    is_known: bool = True


def review(publishing: Publishing, dossier: Dossier) -> Review:
    """Return a notice as it stands; where it cannot be composed any more, without scopes and findings."""
    composed = _find_composed(publishing, dossier)
    findings = tuple(publishing.findings(dossier)) if composed else ()
    return Review(
        dossier,
        tuple(_seen_texts(publishing, dossier, composed, findings)),
        findings,
        composed.unwritten if composed else (),
        publishing.registry.read(dossier.id),
        is_known=composed is not None,
    )


def measured(text: Text) -> Sizes:
    """Return how long a text is as it stands, in what its channel counts."""
    key = text.key
    return sizes(Notice(cast(Kind, key.kind), key.language, key.channel, text.title, text.body, key.slot_s))


def permission_of(dossier: Dossier, to: str) -> str:
    """Return the permission that taking a notice to the status ``to`` needs."""
    return permission_for(dossier) if to == "approved" else PERMISSIONS[to]


def possible(dossier: Dossier, actor: Actor) -> tuple[str, ...]:
    """Return the steps that the notice allows and ``actor`` may take: authors do not approve, others do not withdraw."""
    wrote = actor.name in dossier.authors
    barred = {"approved"} if wrote else {"withdrawn"}
    return tuple(to for to in allowed(dossier) if to not in barred and actor.may(permission_of(dossier, to)))


def is_editable(dossier: Dossier) -> bool:
    """Return whether its texts may be edited now."""
    return dossier.status in EDITABLE


def _find_composed(publishing: Publishing, dossier: Dossier) -> Composed | None:
    try:
        return publishing.composed(dossier)
    except (NetworkChangedError, NoticeError):
        return None


def _seen_texts(
    publishing: Publishing, dossier: Dossier, composed: Composed | None, findings: Iterable[Finding]
) -> Iterable[SeenText]:
    drafts = publishing.registry.drafts(dossier.id) if is_editable(dossier) else {}
    moved = {key for finding in findings if finding.kind == "place" for key in finding.keys}
    for key, text in publishing.texts(dossier).items():
        written = composed.written.get(key) if composed and key not in moved else None
        seen = SeenText(text, dossier.generated.get(key), measured(text), written.scope if written else None)
        draft = drafts.get(key)
        yield seen if draft is None else replace(seen, version=draft.version, saved_at=draft.saved_at, saved_by=draft.saved_by)
