"""Changes of outages at a terminal: entering, revising, and every step to the closing of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands import outage as reading
from api.commands.given import STORE, Json, Network, Store, say, tell
from api.commands.outage import As, Id

if TYPE_CHECKING:
    from api.asked import PlanIn
    from api.commands.workplace import Workplace
    from outages.events import Outage
    from outages.facts import OutageFacts

app = reading.app

Seen = Annotated[
    int | None, typer.Option("--seen", min=1, metavar="N", help="Revision that you looked at; default the newest, which is said.")
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="TEXT", help="Of your own: the same command again with the same key has no effect."),
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="For those who work with it; not public.")]
NeededWhy = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why, for those who work with it.")]
At = Annotated[str, typer.Option("--at", metavar="TIME", help="2026-05-01T08:30, in the utility's zone; default now.")]

Class = Annotated[str, typer.Option("--class", help="planned, temporary, fault, load_transfer, …")]
Open = Annotated[list[str], typer.Option("--open", metavar="ID", help="Device that opens; ID:B for phase B alone. Repeatable.")]
Close = Annotated[list[str], typer.Option("--close", metavar="ID", help="Tie that closes. Repeatable.")]
Fault = Annotated[list[str], typer.Option("--fault", metavar="ID", help="Section, device or node with a fault. Repeatable.")]
Feeder = Annotated[str, typer.Option("--feeder", metavar="NAME", help="All transformers of this feeder open.")]
Start = Annotated[
    str, typer.Option("--start", metavar="TIME", help="2026-05-01T08:30, in the utility's zone, or with an offset.")
]
End = Annotated[str, typer.Option("--end", metavar="TIME", help="Planned or expected end; a fault may have none.")]
Windows = Annotated[list[str], typer.Option("--window", metavar="START/END", help="One of several windows. Repeatable.")]
Daily = Annotated[str, typer.Option("--daily", metavar="FIRST/LAST/OFF/ON", help="2026-05-01/2026-05-03/08:00/18:00.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in words for the public.")]
Contact = Annotated[str, typer.Option("--contact", metavar="TEXT", help="Who answers at the site. Personal.")]
Back = Annotated[str, typer.Option("--back", metavar="EARLIEST/LATEST", help="When power is expected back.")]
Source = Annotated[str, typer.Option("--source", help="By whose word: control, crew, telemetry or statistics.")]
Confidence = Annotated[str, typer.Option("--confidence", help="How sure: low, medium or high.")]
NextUpdate = Annotated[str, typer.Option("--next-update", metavar="TIME", help="When more will be known.")]
File = Annotated[
    Path | None,
    typer.Option("--facts", metavar="FILE.json", help="Facts as POST /api/v1/outages takes them; - reads standard input."),
]


@dataclass(frozen=True)
class How:
    """Where, in whose name, and on which revision something is done."""

    store: str
    network: str
    by: str
    seen: int | None
    key: str | None
    as_json: bool


@app.command()
def enter(
    by: As,
    store: Store = STORE,
    network: Network = "",
    facts: File = None,
    outage_class: Class = "",
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    feeder: Feeder = "",
    start: Start = "",
    end: End = "",
    window: Windows = [],
    daily: Daily = "",
    reason: Reason = "",
    contact: Contact = "",
    back: Back = "",
    source: Source = "control",
    confidence: Confidence = "medium",
    next_update: NextUpdate = "",
    submit: Annotated[bool, typer.Option("--submit", help="Hand it to another person to be approved at once.")] = False,
    why: Why = "",
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Enter an outage: a draft where it is announced, in progress where it is a fault that has begun."""
    from api.asked import EnterIn
    from api.commands.typed import Typed, checked
    from api.commands.workplace import workplace
    from api.people.access import require

    _check_one_time(start, end, window, daily)
    devices, times = (tuple(open_), tuple(close), tuple(fault), feeder), (start, end, tuple(window), daily)
    estimate = (back, source, confidence, next_update)
    typed = Typed(facts, outage_class, *devices, *times, reason, contact, *estimate)
    with workplace(store, network, by) as work:
        require(work.actor, "enter")
        asked = checked(EnterIn, {**typed.over({}, work.service.network, work.settings.zone), **_more(submit=submit, why=why)})
        entered = _facts(work, asked)
        work.keep_network()
        outage = work.service.enter(entered, by=work.actor.name, now=work.now, key=key, why=asked.why, submit=asked.submit)
        _answer(work, outage, "entered", as_json)


@app.command()
def revise(
    outage_id: Id,
    by: As,
    why: NeededWhy,
    store: Store = STORE,
    network: Network = "",
    facts: File = None,
    outage_class: Class = "",
    open_: Open = [],
    close: Close = [],
    fault: Fault = [],
    feeder: Feeder = "",
    start: Start = "",
    end: End = "",
    window: Windows = [],
    daily: Daily = "",
    reason: Reason = "",
    contact: Contact = "",
    back: Back = "",
    source: Source = "control",
    confidence: Confidence = "medium",
    next_update: NextUpdate = "",
    seen: Seen = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Change facts of an outage: what is not given stays as it is. A list of devices that is given replaces the old list."""
    from api.asked import ReviseIn
    from api.commands.typed import Typed, checked
    from api.commands.workplace import workplace
    from outages.facts import facts_to_json

    _check_key(key, seen)
    _check_one_time(start, end, window, daily)
    devices, times = (tuple(open_), tuple(close), tuple(fault), feeder), (start, end, tuple(window), daily)
    estimate = (back, source, confidence, next_update)
    typed = Typed(facts, outage_class, *devices, *times, reason, contact, *estimate)
    with workplace(store, network, by) as work:
        before = work.seen(outage_id, seen)
        work.allow(before, "revised")
        given = typed.over(facts_to_json(before.facts), work.service.network, work.settings.zone)
        asked = checked(ReviseIn, {**given, "why": why})
        revised = _facts(work, asked, before.facts)
        work.keep_network()
        actor = work.actor.name
        outage = work.service.revise(outage_id, revised, why=asked.why, seen=before.seq, by=actor, now=work.now, key=key)
        _answer(work, outage, "revised", as_json)


def _add_step(name: str, to: str, says: str) -> None:
    """Add the command of a step about which nothing is told but that it is taken, and perhaps why."""

    def take(
        outage_id: Id,
        by: As,
        why: Why = "",
        store: Store = STORE,
        network: Network = "",
        seen: Seen = None,
        key: Key = None,
        as_json: Json = False,
    ) -> None:
        _take(outage_id, to, How(store, network, by, seen, key, as_json), why=why)

    app.command(name, help=says)(take)


def _add_explained_step(name: str, to: str, says: str) -> None:
    """Add the command of a step that nobody understands later without a reason."""

    def take(
        outage_id: Id,
        by: As,
        why: NeededWhy,
        store: Store = STORE,
        network: Network = "",
        seen: Seen = None,
        key: Key = None,
        as_json: Json = False,
    ) -> None:
        _take(outage_id, to, How(store, network, by, seen, key, as_json), why=why)

    app.command(name, help=says)(take)


_add_step("submit", "submitted", "Hand a draft to another person to be approved.")
_add_step("approve", "approved", "Approve what somebody else submitted: from now on it is in force.")
_add_explained_step("reject", "rejected", "Do not approve it, and say what is wrong. What was in force before stays in force.")


@app.command()
def off(
    outage_id: Id,
    by: As,
    at: At = "",
    why: Why = "",
    store: Store = STORE,
    network: Network = "",
    seen: Seen = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Confirm since when power is off."""
    _take(outage_id, "switched_off", How(store, network, by, seen, key, as_json), why=why, at=at)


@app.command()
def stage(
    outage_id: Id,
    by: As,
    at: At = "",
    open_: Open = [],
    close: Annotated[list[str], typer.Option("--close", metavar="ID", help="Device that was closed. Repeatable.")] = [],
    fault: Fault = [],
    repaired: Annotated[list[str], typer.Option("--repaired", metavar="ID", help="Fault that is repaired. Repeatable.")] = [],
    why: Why = "",
    store: Store = STORE,
    network: Network = "",
    seen: Seen = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Record what was operated while power is off: part of it comes back, or more goes off."""
    done = {"fault": fault, "open": open_, "repaired": repaired, "close": close}
    if not any(done.values()):
        raise typer.BadParameter("name a device with --open, --close, --fault or --repaired", param_hint="--close")
    _take(outage_id, "staged", How(store, network, by, seen, key, as_json), why=why, at=at, done=done)


@app.command()
def restore(
    outage_id: Id,
    by: As,
    at: At = "",
    why: Why = "",
    store: Store = STORE,
    network: Network = "",
    seen: Seen = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Confirm since when everybody has power again."""
    _take(outage_id, "restored", How(store, network, by, seen, key, as_json), why=why, at=at)


_add_step("close", "closed", "Close the record of what is restored: nothing will be added to it.")
_add_explained_step("cancel", "cancelled", "Say that it will not take place, or was entered by mistake.")
_add_explained_step("undo", "undone", "Take back the last step, as a further event.")

_TIMED = ("switched_off", "restored")


def _take(outage_id: str, to: str, how: How, *, why: str, at: str = "", done: dict[str, list[str]] | None = None) -> None:
    """Take a step in the life of an outage, and answer with how it stands then."""
    from api.asked import TransitionIn
    from api.commands.typed import checked, time_or
    from api.commands.workplace import workplace

    _check_key(how.key, how.seen)
    needs_time = to in _TIMED or done is not None
    if how.key is not None and needs_time and not at:
        raise typer.BadParameter("with --key, say when it was: the same command again must say the same", param_hint="--at")
    with workplace(how.store, how.network, how.by) as work:
        before = work.seen(outage_id, how.seen)
        work.allow(before, to)
        moment = time_or(at, work.now, work.settings.zone).isoformat()
        if needs_time and not at:
            say(f"{moment} counts as when it was; --at would say another time.")
        asked: dict[str, Any] = {"to": to, "why": why, "operations": _operations(work, done or {}, moment)}
        if to in _TIMED:
            asked["at"] = moment
        event = checked(TransitionIn, asked).event(undoes=before.last_seq, now=work.now, by=work.actor.name)
        outage = work.service.record(outage_id, event, seen=before.seq, key=how.key)
        _answer(work, outage, to, how.as_json)


def _operations(work: Workplace, done: dict[str, list[str]], moment: str) -> list[dict[str, str]]:
    from api.report import operation_of

    found = ((action, operation_of(work.service.network, word)) for action, words in done.items() for word in words)
    return [{"at": moment, "action": action, "device": one.device, "phases": one.phases} for action, one in found]


def _facts(work: Workplace, asked: PlanIn, before: OutageFacts | None = None) -> OutageFacts:
    """Return the facts that are asked for; a selection that is new is resolved to devices."""
    switching, chosen = asked.switching.value(), asked.chosen()
    if before is None or chosen != before.selection:
        switching = work.service.resolve(switching, chosen)
    return asked.facts(switching, work.settings.zone, contact="" if before is None else before.contact)


def _answer(work: Workplace, outage: Outage, did: str, as_json: bool) -> None:
    from api.commands.words import outage_line

    work.note(outage, "done at a terminal", did=did)
    out = work.out(outage)
    tell(as_json, out.model_dump(mode="json"), outage_line(out))


def _more(*, submit: bool, why: str) -> dict[str, Any]:
    """Return what was typed beside the facts; what was not leaves the file's word."""
    return {**({"submit": True} if submit else {}), **({"why": why} if why else {})}


def _check_key(key: str | None, seen: int | None) -> None:
    if key is not None and seen is None:
        raise typer.BadParameter(
            "with --key, say which revision you looked at: the newest is another one next time", param_hint="--seen"
        )


def _check_one_time(start: str, end: str, window: Sequence[str], daily: str) -> None:
    if sum((bool(start or end), bool(window), bool(daily))) > 1:
        raise typer.BadParameter("give --start and --end, or --window, or --daily", param_hint="--window")
