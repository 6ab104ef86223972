"""The publishing desk at a terminal: opened on a store, in somebody's name; and the options that its commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from api.commands.given import say, tell
from api.commands.noticed import notice_line
from api.commands.workplace import Workplace, workplace
from api.composing import house_of
from api.notice_schemas import notice_detail_out
from api.people.access import require
from api.publishing import Publishing
from api.reviewing import Review, review
from notices.dossier import Dossier


@dataclass(frozen=True)
class Desk:
    """The publishing desk at a workplace."""

    work: Workplace
    publishing: Publishing

    @property
    def who(self) -> dict[str, Any]:
        """In whose name something is done, and when, as the use cases of the desk take it."""
        return {"by": self.work.actor.name, "now": self.work.now}

    def get(self, notice_id: str) -> Dossier:
        """Return a notice; raises UnknownNoticeError."""
        return self.publishing.registry.get(notice_id)

    def review(self, dossier: Dossier) -> Review:
        """Return a notice as the desk looks at it."""
        return review(self.publishing, dossier)

    def may(self, *permissions: str) -> None:
        """Raise ForbiddenError where whoever is named does not hold all of ``permissions``."""
        require(self.work.actor, *permissions)

    def note(self, dossier: Dossier, did: str, **detail: Any) -> None:
        """Write to the audit log who at this terminal ``did`` something to a notice."""
        self.work.note(dossier, "done at a terminal", did=did, **detail)

    def answer(self, dossier: Dossier, did: str, *, as_json: bool) -> None:
        """Note what was done, and answer with how the notice stands then: the same JSON as the web answers."""
        self.note(dossier, did)
        out = notice_detail_out(self.review(dossier), self.work.actor) if as_json else None
        tell(as_json, out.model_dump(mode="json") if out else None, notice_line(dossier))


@contextmanager
def desk(store: str, network: str, name: str = "") -> Iterator[Desk]:
    """Open the desk on a store, in the name of an account or of nobody; raises what `workplace` does."""
    with workplace(store, network, name) as work:
        yield Desk(work, Publishing(work.service, house_of(work.settings)))


def seen(dossier: Dossier, given: int | None) -> int:
    """Return the revision that counts as seen: what was given, else the newest, which is said."""
    if given is not None:
        return given
    say(f"Revision {dossier.seq} ({dossier.status}) counts as seen; --seen {dossier.seq} would say so.")
    return dossier.seq
