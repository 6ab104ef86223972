"""Notices at a terminal: the desk's queue, drafts and edits, approval by a second person, and the issue."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.given import STORE, Json, Network, Out, Store, json_text, new_app, say, tell, write
from api.commands.outage import As, Reader
from api.commands.questions import Lang

if TYPE_CHECKING:
    from api.commands.desk import Desk
    from api.reviewing import SeenText
    from notices.crosscheck import Finding
    from notices.dossier import Dossier
    from notices.history import Text

app = new_app(
    "notices", "Notices of outages: what is due; write, check, approve and issue them; see what became of each message."
)

Id = Annotated[str, typer.Argument(metavar="NOTICE", help="The notice, as 20260501-K7QM.1.")]
Seen = Annotated[
    int | None, typer.Option("--seen", min=1, metavar="N", help="Revision that you looked at; default the newest, which is said.")
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="For those who work with it; not public.")]
NeededWhy = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for those who work with it.")]


class Kind(StrEnum):
    """What a notice tells."""

    first = "first"
    reminder = "reminder"
    reschedule = "reschedule"
    extension = "extension"
    scope_change = "scope_change"
    cancellation = "cancellation"
    restoration = "restoration"
    unaffected = "unaffected"


@app.command("list")
def list_(store: Store = STORE, network: Network = "", as_json: Json = False) -> None:
    """List the outages that a notice is due on, or open, or that a rule asks something for; the most pressing first."""
    from api.commands.desk import desk
    from api.commands.noticed import waiting_list
    from api.notice_schemas import QueueOut, waiting_out

    with desk(store, network) as at:
        now, zone = at.work.now, at.work.settings.zone
        waiting = at.publishing.list_waiting(now)
        queue = QueueOut(at=now, waiting=[waiting_out(one) for one in waiting])
        tell(as_json, queue.model_dump(mode="json"), waiting_list(waiting, zone))


@app.command()
def draft(
    outage_id: Annotated[str, typer.Argument(metavar="OUTAGE", help="The outage, as 20260501-K7QM.")],
    by: As,
    kind: Annotated[Kind | None, typer.Option(help="What it is to tell where nothing is new, as reminder.")] = None,
    why: Why = "",
    store: Store = STORE,
    network: Network = "",
    as_json: Json = False,
) -> None:
    """Write the texts of the notice that is due on an outage; one that is open is written anew."""
    from api.commands.desk import desk

    with desk(store, network, by) as at:
        at.may("notices")
        asked: Any = None if kind is None else kind.value
        dossier = at.publishing.draft(outage_id, kind=asked, why=why, **at.who)
        for one in at.publishing.composed(dossier).unwritten:
            say(f"There is no text {one.key}. {' '.join(problem.says for problem in one.problems)}")
        at.answer(dossier, "drafted", as_json=as_json)


@app.command()
def show(notice_id: Id, by: Reader = "", store: Store = STORE, network: Network = "", as_json: Json = False) -> None:
    """Show a notice as it stands, with its texts and how many messages came to what."""
    from api.commands.desk import desk
    from api.commands.noticed import notice_text
    from api.notice_schemas import notice_detail_out

    with desk(store, network, by) as at:
        seen = at.review(at.get(notice_id))
        counts = at.publishing.outbox.counts(notice_id)
        answer = notice_detail_out(seen, at.work.actor).model_dump(mode="json") | {"messages": counts}
        tell(as_json, answer, notice_text(seen, counts, at.work.settings.zone))


@app.command()
def text(
    notice_id: Id,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Which text, as first/zh/sms or first/en/radio/30.")],
    set_: Annotated[
        Path | None,
        typer.Option("--set", metavar="FILE", help="Put this in its place, written as it is shown; - reads standard input."),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Version that was edited; default the newest, which is said.")
    ] = None,
    by: Reader = "",
    store: Store = STORE,
    network: Network = "",
    as_json: Json = False,
) -> None:
    """Show one text of a notice (title, empty line, text), or change it; what was changed is checked before it is approved."""
    from api.commands.desk import desk
    from api.commands.noticed import whole
    from api.notice_schemas import text_out

    with desk(store, network, by) as at:
        found = _find(at, notice_id, key)
        if set_ is not None:
            at.may("notices")
            _save(at, notice_id, found, _edited(found, set_), version)
            found = _find(at, notice_id, key)
        tell(as_json, text_out(found).model_dump(mode="json"), whole(found))


@app.command()
def findings(notice_id: Id, store: Store = STORE, network: Network = "", as_json: Json = False) -> None:
    """Say what edits changed, and where texts disagree; exit 1 where that needs a reason, or none can help."""
    from api.commands.desk import desk
    from api.commands.noticed import findings_text
    from api.notice_schemas import finding_out
    from notices.crosscheck import needs_reason

    with desk(store, network) as at:
        dossier = at.get(notice_id)
        found = at.publishing.findings(dossier)
        out = [finding_out(one, dossier.reasons).model_dump(mode="json") for one in found]
        tell(as_json, out, findings_text(found))
    if any(map(needs_reason, found)):
        raise typer.Exit(1)


@app.command()
def submit(
    notice_id: Id,
    by: As,
    reason: Annotated[
        list[str], typer.Option(metavar="KEY=TEXT", help="Why it is as it should be, by key of the finding. Repeatable.")
    ] = [],
    late_reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it comes late, where it does.")] = "",
    store: Store = STORE,
    network: Network = "",
    seen: Seen = None,
    as_json: Json = False,
) -> None:
    """Hand the texts to another person to be approved."""
    from api.commands import desk as place

    with place.desk(store, network, by) as at:
        at.may("notices")
        dossier = at.get(notice_id)
        reasons = _reasons(reason, at.publishing.findings(dossier)) if reason else {}
        looked = place.seen(dossier, seen)
        after = at.publishing.submit(notice_id, seen=looked, reasons=reasons, late_reason=late_reason, **at.who)
        at.answer(after, "submitted", as_json=as_json)


@app.command()
def approve(
    notice_id: Id, by: As, why: Why = "", store: Store = STORE, network: Network = "", seen: Seen = None, as_json: Json = False
) -> None:
    """Approve the texts that somebody else wrote, word for word; those of a major outage are for a higher approver."""
    from api.commands.desk import desk

    with desk(store, network, by) as at:
        _take(at, notice_id, "approved", at.publishing.approve, seen=seen, why=why, as_json=as_json)


@app.command()
def reject(
    notice_id: Id, by: As, why: NeededWhy, store: Store = STORE, network: Network = "", seen: Seen = None, as_json: Json = False
) -> None:
    """Give the texts back to the desk, and say what is wrong."""
    from api.commands.desk import desk

    with desk(store, network, by) as at:
        _take(at, notice_id, "rejected", at.publishing.reject, seen=seen, why=why, as_json=as_json)


@app.command()
def withdraw(
    notice_id: Id, by: As, why: Why = "", store: Store = STORE, network: Network = "", seen: Seen = None, as_json: Json = False
) -> None:
    """Take back what was submitted, to edit it; for its authors."""
    from api.commands.desk import desk

    with desk(store, network, by) as at:
        _take(at, notice_id, "withdrawn", at.publishing.withdraw, seen=seen, why=why, as_json=as_json)


@app.command()
def drop(
    notice_id: Id, by: As, why: NeededWhy, store: Store = STORE, network: Network = "", seen: Seen = None, as_json: Json = False
) -> None:
    """Leave a notice for good: nothing of it is issued."""
    from api.commands.desk import desk

    with desk(store, network, by) as at:
        _take(at, notice_id, "dropped", at.publishing.drop, seen=seen, why=why, as_json=as_json)


@app.command()
def issue(notice_id: Id, by: As, store: Store = STORE, network: Network = "", seen: Seen = None, as_json: Json = False) -> None:
    """Issue what was approved: its texts never change again, and all of its messages are on their way."""
    from api.commands import desk as place

    with place.desk(store, network, by) as at:
        at.may("notices")
        looked = place.seen(at.get(notice_id), seen)
        dossier, count = at.publishing.issue(notice_id, seen=looked, **at.who)
        say(f"{count:,} messages are on their way.")
        at.answer(dossier, "issued", as_json=as_json)


def _take(at: Desk, notice_id: str, to: str, step: Callable[..., Dossier], *, seen: int | None, why: str, as_json: bool) -> None:
    """Take a step about which nothing is told but that it is taken, and perhaps why."""
    from api.commands import desk as place
    from api.reviewing import permission_of

    before = at.get(notice_id)
    at.may(permission_of(before, to))
    after = step(notice_id, seen=place.seen(before, seen), why=why, **at.who)
    at.answer(after, to, as_json=as_json)


def _find(at: Desk, notice_id: str, key: str) -> SeenText:
    texts = {str(one.key): one for one in at.review(at.get(notice_id)).texts}
    if key not in texts:
        raise typer.BadParameter(f"notice {notice_id} has no text {key!r}. Take one of: {', '.join(texts)}", param_hint="KEY")
    return texts[key]


def _edited(before: SeenText, file: Path) -> Text:
    """Return the text in a file: its first line is the title where the channel sends one."""
    from dataclasses import replace

    try:
        given = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file} is not in UTF-8: {error.reason} at byte {error.start}", param_hint="--set") from error
    title, _, body = given.strip().partition("\n") if before.has_title else (before.text.title, "", given)
    if not body.strip():
        needs = "a title, an empty line and the text" if before.has_title else "the text"
        raise typer.BadParameter(f"{file} holds too little: write {needs}", param_hint="--set")
    return replace(before.text, title=title.strip(), body=body.strip("\n"))


def _save(at: Desk, notice_id: str, before: SeenText, edited: Text, version: int | None) -> None:
    if version is None and before.version is not None:
        say(f"Version {before.version} by {before.saved_by} counts as seen; --version {before.version} would say so.")
    saved = at.publishing.save(notice_id, edited, version=version or before.version or 0, **at.who)
    at.note(at.get(notice_id), "edited", text=str(edited.key), version=saved)


def _reasons(given: list[str], found: list[Finding]) -> dict[str, str]:
    """Return reasons by the keys of findings, which may hold an equals sign themselves."""
    reasons = {}
    for words in given:
        key = next((one.key for one in found if words.startswith(f"{one.key}=")), None)
        if key is None:
            known = "; ".join(one.key for one in found) or "none"
            says = f"{words!r} does not begin with the key of a finding and =. The keys are: {known}"
            raise typer.BadParameter(says, param_hint="--reason")
        reasons[key] = words[len(key) + 1 :].strip()
    return reasons


class PageFormat(StrEnum):
    """How the page of a newspaper is written."""

    text = "text"
    docx = "docx"
    pdf = "pdf"


@app.command()
def page(
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day of the page, as 2026-05-04.")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day of the page.")],
    lang: Annotated[Lang, typer.Option(help="Language.")] = Lang.zh,
    as_format: Annotated[PageFormat, typer.Option("--format", help="docx and pdf need --out.")] = PageFormat.text,
    out: Out = None,
    store: Store = STORE,
    network: Network = "",
    as_json: Json = False,
) -> None:
    """Write the page of a newspaper for some days: a table of all that was issued for the paper, the hotline once."""
    from dataclasses import asdict

    from api.commands.desk import desk
    from notices.paper import newspaper_docx, newspaper_pdf

    days = [_day(name, given) for name, given in (("--from", first), ("--to", last))]
    if as_format is not PageFormat.text and out is None:
        raise typer.BadParameter(f"a {as_format.value} is a file; name it", param_hint="--out")
    with desk(store, network) as at:
        made = at.publishing.newspaper(lang.value, *days, now=at.work.now)
    if out is not None and as_format is not PageFormat.text:
        out.write_bytes((newspaper_docx if as_format is PageFormat.docx else newspaper_pdf)(made))
        say(f"Wrote {out}: {len(made.rows)} rows.")
    else:
        write(out, json_text(asdict(made)) if as_json else made.text)


def _day(option: str, given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(f"{given!r} is no day. Write it as 2026-05-04.", param_hint=option) from None
